# shellcheck shell=bash disable=SC2154
# Servers that somebody else runs: they are checked, and given the two databases if those are
# missing; nothing is ever started, stopped or deleted.

external_up() {
    local database
    require_urls
    external_status >/dev/null || die "$(external_status | grep -v ': up')"
    make_enterable "$data_dir"
    lock
    for database in dats_gateway dats_provenance; do ensure_database "$database"; done
    write_external_env
    say "using your own servers; connection settings: $visible_env"
}

require_urls() {
    admin_url=${DATS_DATABASE_ADMIN_URL:-${DATABASE_URL:-}}
    broker_url=${RABBITMQ_URL:-}
    if [ -z "$admin_url" ] || [ -z "$broker_url" ]; then
        die "DATS_LOCAL=external needs DATS_DATABASE_ADMIN_URL (or DATABASE_URL) and RABBITMQ_URL"
    fi
}

# Both must answer in their own protocol, within five seconds: an open port may be anything.
external_status() {
    local down=
    require_urls
    split_url "$admin_url" 5432
    if answers "$url_host" "$url_port" '\0\0\0\10\4\322\26\57' SN; then
        echo "PostgreSQL: up on $url_host:$url_port (yours)"
    else
        down=1
        echo "PostgreSQL: no answer on $url_host:$url_port"
    fi
    if [[ $broker_url == amqps:* ]]; then split_url "$broker_url" 5671; else split_url "$broker_url" 5672; fi
    # A TLS port says nothing before the TLS handshake, so there only the connection is tried.
    if [[ $broker_url == amqps:* ]] && answers "$url_host" "$url_port" '' ''; then
        echo "RabbitMQ: up on $url_host:$url_port (yours)"
    elif [[ $broker_url == amqp:* ]] && answers "$url_host" "$url_port" 'AMQP\0\0\11\1' $'\1'; then
        echo "RabbitMQ: up on $url_host:$url_port (yours)"
    else
        down=1
        echo "RabbitMQ: no answer on $url_host:$url_port"
    fi
    [ -z "$down" ]
}

# Connects, sends, and looks whether the first byte of the answer is one of those expected.
answers() {
    # shellcheck disable=SC2016
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/$1/$2" || exit
        [ -n "$4" ] || exit 0
        printf "$3" >&3 && LC_ALL=C read -r -N 1 byte <&3 && [[ $4 == *"$byte"* ]]' probe "$@" 2>/dev/null
}

# Sets url_user, url_password, url_host, url_port, url_base (all before the path) and url_query.
split_url() {
    local credentials
    [[ $1 =~ ^([a-z]+://(([^/@]*)@)?(\[[^]]+\]|[^/:?@]*)(:([0-9]+))?)(/[^?]*)?(\?.*)?$ ]] ||
        die "not a URL that is understood here: ${1%%:*}://..."
    url_base=${BASH_REMATCH[1]} credentials=${BASH_REMATCH[3]}
    url_host=${BASH_REMATCH[4]:-localhost} url_port=${BASH_REMATCH[6]:-$2} url_query=${BASH_REMATCH[8]}
    url_host=${url_host#[} url_host=${url_host%]}
    url_user=$(percent_decode "${credentials%%:*}") url_password=
    if [[ $credentials == *:* ]]; then url_password=$(percent_decode "${credentials#*:}"); fi
}

percent_decode() { printf '%b' "${1//%/\\x}"; }

# Creates a database where psql is there to do it; the services say themselves when it is missing.
ensure_database() {
    command -v psql >/dev/null || { say "no psql here: the database $1 must exist already"; return; }
    external_psql -q -o /dev/null -v ON_ERROR_STOP=1 <<SQL || die "could not create the database $1: create it yourself, owned by the account of the URL"
SELECT 'CREATE DATABASE $1' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$1') \gexec
SQL
}

# The credentials travel in the environment: a command line is everybody's to read.
external_psql() {
    require_urls
    split_url "$admin_url" 5432
    local ssl=prefer
    if [[ $url_query =~ sslmode=([a-z-]+) ]]; then ssl=${BASH_REMATCH[1]}; fi
    PGUSER=$url_user PGPASSWORD=$url_password PGHOST=$url_host PGPORT=$url_port PGSSLMODE=$ssl \
        psql -X -d postgres "$@" 9>&-
}

write_external_env() {
    split_url "$admin_url" 5432
    {
        printf 'export DATS_DATABASE_ADMIN_URL=%q\n' "$admin_url"
        printf 'export DATS_GATEWAY_DATABASE_URL=%q\n' "${DATS_GATEWAY_DATABASE_URL:-$url_base/dats_gateway$url_query}"
        printf 'export DATS_PROVENANCE_DATABASE_URL=%q\n' "${DATS_PROVENANCE_DATABASE_URL:-$url_base/dats_provenance$url_query}"
        printf 'export RABBITMQ_URL=%q\n' "$broker_url"
        [ -z "${RABBITMQ_MANAGEMENT_URL:-}" ] || printf 'export RABBITMQ_MANAGEMENT_URL=%q\n' "$RABBITMQ_MANAGEMENT_URL"
    } | store_env
}

external_down() { say "your own servers are left alone"; }
external_wipe() { say "your own servers are left alone"; }
external_ctl() { die "rabbitmqctl works on the project's own broker only"; }
external_fault() { die "your own servers are left alone: $1-$2 works on the project's own only"; }
