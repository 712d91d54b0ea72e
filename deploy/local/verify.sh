#!/usr/bin/env bash
# Checks that need tools beyond Rust's own. A tool that is missing is named, and its check skipped.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

have() {
    if command -v "$1" >/dev/null; then return 0; fi
    echo "verify: skipped, not installed: $1 ($2)"
    return 1
}

if have shellcheck "shell scripts"; then
    shellcheck deploy/local/{services,with-services,install-packages} deploy/local/*.sh deploy/local/parts/*.sh deploy/verify deploy/backup/{dump,restore} .ci/run
fi
if have cargo-deny "licences, advisories, sources"; then cargo deny check; fi
if have cargo-machete "unused dependencies"; then cargo machete; fi
echo "verify: done"
