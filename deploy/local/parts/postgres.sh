# shellcheck shell=bash disable=SC2154
# PostgreSQL: initialise, start, stop, kill, run SQL. As root it runs as the account postgres.

# Sets $postgres_bin to the programs of the newest installed server, or of the one that made the data
# which is there already; false when there is none.
find_postgres() {
    local folder version made_by=''
    { read -r made_by <"$data_dir/postgres/data/PG_VERSION"; } 2>/dev/null || true
    postgres_bin=''
    while read -r folder; do
        if [ ! -x "$folder/initdb" ] || [ ! -x "$folder/postgres" ]; then continue; fi
        version=$("$folder/postgres" --version)
        version=${version##*PostgreSQL) }
        if [ -z "$made_by" ] || [ "${version%%[!0-9]*}" = "$made_by" ]; then postgres_bin=$folder; fi
    done < <(
        dirname -- "$(command -v initdb || echo /)"
        printf '%s\n' /usr/pgsql-*/bin /usr/lib/postgresql/*/bin | sort -V
    )
    [ -n "$postgres_bin" ]
}

# Sets $found to our server's process.
find_database() { find_process "$data_dir/postgres/data/postmaster.pid" postgres -D "$data_dir/postgres/data"; }

# True when our server takes connections on our port, by its own word in its lock file.
database_running() {
    local lines
    find_database || return 1
    { mapfile -t lines <"$data_dir/postgres/data/postmaster.pid"; } 2>/dev/null || return 1
    [[ ${lines[3]:-} == "$database_port" && ${lines[7]:-} == ready* ]]
}

start_database() {
    local root=$data_dir/postgres
    require_postgres "$root"
    [ -s "$root/data/PG_VERSION" ] || init_database "$root"
    if ! find_database; then
        # A copied checkout may have lost the owner.
        [ "$(stat -c %U -- "$root/data")" = "$(account_of postgres)" ] || give_to postgres "$root"
        configure_database "$root"
        remove_stale_lock "$root/data/postmaster.pid"
        start_postmaster "$root"
    fi
    wait_until 60 database_running || die "PostgreSQL is running but does not become ready (log: $root/server.log)"
    create_databases
    say "PostgreSQL ready on 127.0.0.1:$database_port"
}

require_postgres() {
    local made_by
    if ! find_postgres; then
        if { read -r made_by <"$1/data/PG_VERSION"; } 2>/dev/null; then
            die "the data was made by PostgreSQL $made_by, which is not installed: install it, or delete the data (make clean-data)"
        fi
        die "PostgreSQL is not installed: run deploy/local/services up"
    fi
    if [ "$(id -u)" = 0 ] && ! id -u postgres >/dev/null 2>&1; then
        die "PostgreSQL refuses to run as root and there is no account postgres: create it (useradd --system postgres) or run as an ordinary user"
    fi
}

# Initialises beside the final place and moves it in, so that an interruption leaves nothing half done.
init_database() {
    local root=$1 locale=C.UTF-8
    locale -a 2>/dev/null | grep -qi '^c\.utf' || locale=C
    rm -rf -- "$root"
    (umask 077 && mkdir -- "$root" && printf '%s\n' "$admin_password" >"$root/password")
    give_to postgres "$root"
    as postgres "$postgres_bin/initdb" -D "$root/data.new" -U dats --pwfile="$root/password" \
        -A scram-sha-256 -E UTF8 --locale="$locale" >"$root/initdb.log" 2>&1 ||
        { tail -n 20 -- "$root/initdb.log" >&2; die "PostgreSQL could not be initialised (see above)"; }
    printf "include 'dats.conf'\n" >>"$root/data.new/postgresql.conf"
    rm -f -- "$root/password"
    mv -- "$root/data.new" "$root/data"
}

# Durable for real: tests rely on what a commit promises.
configure_database() {
    cat >"$1/data/dats.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $database_port
unix_socket_directories = ''
max_connections = 300
password_encryption = 'scram-sha-256'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 256MB
max_wal_size = 2GB
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
CONF
    give_to postgres "$1/data/dats.conf"
}

# After a crash the lock file stays, and its process id may meanwhile belong to somebody else.
# PostgreSQL then refuses to start, so it is removed, unless that process could be working here.
remove_stale_lock() {
    local file=$1 pid='' words i
    { read -r pid <"$file"; } 2>/dev/null || return 0
    if { mapfile -d '' -t words <"/proc/$pid/cmdline"; } 2>/dev/null && [[ ${words[0]:-} == */postgres ]]; then
        for ((i = 1; i + 1 < ${#words[@]}; i++)); do
            if [ "${words[i]}" = -D ] && [ ! -d "${words[i + 1]}" ]; then
                die "process $pid is a PostgreSQL whose data folder ${words[i + 1]} was moved, perhaps to here: stop it first"
            fi
        done
    fi
    rm -f -- "$file"
}

start_postmaster() {
    local root=$1 log=$1/server.log deadline=$((SECONDS + 60)) answer
    until answer=$(as postgres "$postgres_bin/pg_ctl" -D "$root/data" -l "$log" -w -t 60 start 2>&1); do
        # The children of a killed server need a moment to notice.
        if ((SECONDS < deadline)) && tail -n 5 -- "$log" | grep -q 'pre-existing shared memory'; then
            sleep 0.2
            continue
        fi
        printf '%s\n' "$answer" >&2
        tail -n 20 -- "$log" >&2
        die "PostgreSQL did not start (see above; whole log: $log)"
    done
}

# One database and one owner per service, as in production: neither can reach the other's tables.
create_databases() {
    "${mode}_psql" -v ON_ERROR_STOP=1 -q -o /dev/null <<SQL
SELECT 'CREATE ROLE dats_gateway LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dats_gateway') \gexec
SELECT 'CREATE ROLE dats_provenance LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dats_provenance') \gexec
ALTER ROLE dats_gateway PASSWORD '$gateway_password';
ALTER ROLE dats_provenance PASSWORD '$provenance_password';
SELECT 'CREATE DATABASE dats_gateway OWNER dats_gateway' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'dats_gateway') \gexec
SELECT 'CREATE DATABASE dats_provenance OWNER dats_provenance' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'dats_provenance') \gexec
SQL
}

stop_database() {
    find_database || return 0
    stop_process "$found" INT 60
}

kill_database() {
    find_database || return 0
    kill -s KILL "$found" 2>/dev/null || true
    wait_until 20 gone "$found" || die "PostgreSQL is still there after SIGKILL"
    wait_until 20 none_listening "$database_port" || die "port $database_port is still open after SIGKILL"
}
