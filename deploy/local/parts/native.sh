# shellcheck shell=bash disable=SC2154,SC2034
# Servers as processes of this machine, from its packages.

native_up() {
    if native_is_up; then
        say "already up: PostgreSQL on 127.0.0.1:$database_port, RabbitMQ on 127.0.0.1:$broker_port"
        return
    fi
    install_missing
    create_data_dir
    lock
    # Somebody else may have been at it while we waited.
    read_settings
    mode=native
    if native_is_up; then return; fi
    settle_ports
    write_settings
    env_is_current || write_env
    start_both
    say "connection settings: $visible_env"
}

# True when both run, on the ports asked for, and their connection settings are written down.
native_is_up() {
    [ -n "$port_base" ] && [ "${DATS_LOCAL_PORT:-$port_base}" = "$port_base" ] &&
        env_is_current && database_running && broker_running
}

# Keeps the remembered ports unless others are asked for or somebody else listens there now.
settle_ports() {
    local ours=()
    if [ -n "$port_base" ] && [ "${DATS_LOCAL_PORT:-$port_base}" = "$port_base" ]; then
        if find_database; then ours+=("$database_port"); fi
        if find_broker; then ours+=("$broker_port" "$management_port" "$metrics_port" "$distribution_port"); fi
        if mapper_answers; then ours+=("$mapper_port"); fi
        if block_is_free "$port_base" "${ours[@]}"; then return; fi
        [ -n "${DATS_LOCAL_PORT:-}" ] ||
            say "a port from $port_base to $((port_base + block_size - 1)) is now in use by somebody else: choosing other ports"
    fi
    stop_both
    choose_ports
}

# Starts both at once. The subshells keep the lock: an interrupted command leaves them working.
start_both() {
    local database broker failed=
    start_database &
    database=$!
    start_broker &
    broker=$!
    wait "$database" || failed=1
    wait "$broker" || failed=1
    [ -z "$failed" ] || exit 1
}

stop_both() {
    local broker
    stop_broker &
    broker=$!
    stop_database
    wait "$broker"
}

native_down() {
    # Servers are found even when somebody has deleted the folder under them.
    if [ -d "$data_dir" ]; then lock; fi
    stop_both
    say stopped
}

native_wipe() {
    native_down
    if [ -d "$data_dir" ]; then delete_data; fi
}

native_status() {
    local down=
    if [ -z "$port_base" ]; then echo "nothing is set up: run deploy/local/services up"; return 1; fi
    if database_running; then
        echo "PostgreSQL: up on 127.0.0.1:$database_port (process $found)"
    else
        down=1
        echo "PostgreSQL: down"
    fi
    if broker_running; then
        echo "RabbitMQ:   up on 127.0.0.1:$broker_port, management on $management_port, metrics on $metrics_port (process $found)"
    else
        down=1
        echo "RabbitMQ:   down"
    fi
    echo "data:       $data_dir"
    [ -z "$down" ]
}

native_psql() {
    require_setup
    find_postgres || die "PostgreSQL is not installed: run deploy/local/services up"
    # The password travels in the environment: a command line is everybody's to read.
    PGPASSWORD=$admin_password "$postgres_bin/psql" -X -h 127.0.0.1 -p "$database_port" -U dats -d postgres "$@" 9>&-
}

native_ctl() {
    require_setup
    broker_ctl "$@"
}

native_fault() {
    require_setup
    lock
    case $1 in
        restart)
            "stop_$2"
            "start_$2"
            ;;
        *) "$1_$2" ;;
    esac
}

require_setup() { [ -n "$port_base" ] || die "nothing is set up yet: run deploy/local/services up"; }
