.DEFAULT_GOAL := help
.PHONY: help up down status clean-data
services := deploy/local/services

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start this checkout's own PostgreSQL and RabbitMQ
	@$(services) up

down: ## Stop them, keep the data
	@$(services) down

status: ## Say what runs, and where
	@$(services) status

clean-data: ## Stop them and delete their data
	@$(services) wipe
