#!/usr/bin/env bash
# Runs the tests, with PostgreSQL and RabbitMQ already there (see with-services).
#
#   run-tests.sh all | unit | e2e | fuzz
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# With cargo-nextest where it is installed: it runs the test programs side by side.
run_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run "$@"
    else
        cargo test "$@"
    fi
}

# The end-to-end tests start the services' real binaries, which no test target builds.
# Where Python is missing it says so and that is all: the other tests need Rust alone.
fuzz() { "${CARGO_TARGET_DIR:-target}/debug/dats-fuzz"; }

build_binaries() { cargo build --workspace --bins; }

case ${1:-} in
    all)
        build_binaries
        run_tests --workspace
        # nextest leaves the examples in the documentation out.
        cargo test --doc --workspace --quiet
        fuzz
        ;;
    unit) run_tests --workspace --lib --bins ;;
    e2e)
        build_binaries
        run_tests -p end-to-end
        ;;
    fuzz)
        build_binaries
        fuzz
        ;;
    *)
        echo "usage: run-tests.sh all | unit | e2e | fuzz" >&2
        exit 64
        ;;
esac
