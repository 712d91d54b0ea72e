#!/usr/bin/env bash
# Sends a running gateway requests made from its own document, good and bad ones, and fails for an answer that is a 5xx
# or that the document does not tell of. Uses schemathesis (PyPI), installed into .data/ if Python can.
#
#   fuzz-api.sh [URL of the gateway]      API_KEY=... if it asks for keys; SEED=... repeats a run
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

url=${1:-http://127.0.0.1:8000}
tools=.data/fuzz
fuzzer=$(command -v schemathesis || true)

if [ -z "$fuzzer" ]; then
    fuzzer=$tools/bin/schemathesis
    if [ ! -x "$fuzzer" ]; then
        if ! { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet 'schemathesis>=4,<5'; }; then
            rm -rf "$tools"
            echo "fuzz-api: NOT CHECKED: no requests were made from the API's document." \
                "That needs schemathesis on the PATH, or python3 with venv and a package index to install it from." >&2
            exit 0
        fi
    fi
fi

# Streams do not end by themselves; a page of documentation is no JSON; the fuzzer writes no lines of JSON.
exec "$fuzzer" run "$url/openapi.json" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --exclude-path-regex '^(/api/v1)?/(ws|docs)|/stream$|/provenance/import$' \
    --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-30}" --continue-on-failure \
    --request-timeout 30 --suppress-health-check all \
    ${API_KEY:+--header "X-API-Key:$API_KEY"} ${SEED:+--seed "$SEED"}
