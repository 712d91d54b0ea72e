# One command for each thing a contributor does. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up down status clean-data build demo test test-unit test-e2e test-faults bench lint fmt contract trace-picture verify verify-deploy fuzz

services := deploy/local/services
with_services := deploy/local/with-services
report := docs/performance-measured

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start this checkout's own PostgreSQL and RabbitMQ (installing them if missing)
	@$(services) up

down: ## Stop them, keep the data
	@$(services) down

status: ## Say what runs, and where
	@$(services) status

clean-data: ## Stop them and delete their data
	@$(services) wipe

build: ## Build every binary
	@cargo build --workspace --bins

demo: build ## Watch real tasks go from REST to completed; Ctrl-C ends it
	@$(with_services) cargo run -q -p stand-ins --bin dats-demo

test: lint ## Everything a change must pass: format, lints, all tests
	@$(with_services) deploy/local/run-tests.sh all

test-unit: ## Only the tests inside the crates' sources
	@$(with_services) deploy/local/run-tests.sh unit

test-e2e: ## Only the tests that start the real binaries
	@$(with_services) deploy/local/run-tests.sh e2e

test-faults: build ## Make everything fail under load, then check; ARGS="--seed 7" or "--minutes 20"
	@target/debug/dats-faults $(ARGS)

bench: ## Measure the release build on servers of its own; ARGS="--quick", "--list" or "--only submit,status"
	@cargo build --release --bins -p api-gateway -p routing-engine -p provenance-store -p dats-cli -p end-to-end
	@DATS_LOCAL_DIR=$(CURDIR)/.data/bench $(with_services) target/release/dats-bench \
		$(or $(ARGS),--markdown $(report).md --json $(report).json)

lint: ## Check formatting; clippy with warnings denied
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

fmt: ## Format the code
	@cargo fmt --all

contract: ## Write proto-events/ and the generated tables anew from the code
	@cargo run -q -p contract-gen
	@UPDATE_DOCS=1 cargo test -q -p api-gateway --lib the_documented_table
	@UPDATE_DOCS=1 cargo test -q -p dats-cli --lib the_reference

trace-picture: build ## Draw docs/trace.svg anew, from the trace of a task that really runs
	@UPDATE_DOCS=1 $(with_services) cargo test -q -p end-to-end --test end_to_end one_task_is_one_trace

verify: test ## test, and what needs further tools: shell scripts, licences, unused dependencies
	@deploy/local/verify.sh

verify-deploy: ## Check manifests, images and alerts with further tools: schemas, policies, promtool
	@deploy/verify

fuzz: build ## Send requests made from its own document to a gateway; ARGS="--seed 7 --examples 50", or to a running one: API=http://127.0.0.1:8000
	@if [ -n "$(API)" ]; then deploy/local/fuzz-api.sh "$(API)"; else $(with_services) target/debug/dats-fuzz $(ARGS); fi
