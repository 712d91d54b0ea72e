# shellcheck shell=bash disable=SC2154
# Servers as processes of this machine, from its packages.

native_up() {
    if native_is_up; then
        say "already up: PostgreSQL on 127.0.0.1:$database_port, RabbitMQ on 127.0.0.1:$broker_port"
        return
    fi
    install_missing
    create_data_dir
    lock
    read_settings
    if [ -n "$port_base" ]; then
        set_ports
        ! native_is_up || return 0
        # What half runs is stopped, so that a port still in use is known to be somebody else's.
        release_ports
    fi
    settle
    start_database 9>&- &
    local database=$!
    start_broker
    wait "$database" || exit 1
    say "connection settings: $(env_file)"
}

# True when both run on the ports asked for.
native_is_up() {
    [ -n "$port_base" ] && [ "${DATS_LOCAL_PORT:-$port_base}" = "$port_base" ] && [ -s "$data_dir/env" ] || return 1
    set_ports
    database_running && broker_running
}

release_ports() {
    stop_database
    stop_broker
}

native_down() {
    [ -n "$port_base" ] || { say "nothing set up"; return; }
    set_ports
    lock
    stop_broker 9>&- &
    local broker=$!
    stop_database
    wait "$broker" || exit 1
    say stopped
}

# Removes what belongs to us by name: a mistaken DATS_LOCAL_DIR must not cost anybody a folder.
native_wipe() {
    if [ ! -d "$data_dir" ]; then say "nothing to delete"; return; fi
    native_down
    rm -rf -- "$data_dir"/{postgres,rabbitmq,settings,settings.new,env,env.new,lock}
    if [ -z "${DATS_LOCAL_DIR:-}" ]; then rm -rf -- "$checkout/.data/local"/{env,location}; fi
    rmdir -- "$data_dir" "$checkout/.data/local" "$checkout/.data" 2>/dev/null || true
    say "data deleted"
}

native_status() {
    local rc=0
    [ -n "$port_base" ] || { echo "not set up (run deploy/local/services up)"; return 1; }
    set_ports
    if database_running; then
        echo "PostgreSQL: up on 127.0.0.1:$database_port (process $found)"
    else
        echo "PostgreSQL: down"; rc=1
    fi
    if broker_running; then
        echo "RabbitMQ:   up on 127.0.0.1:$broker_port, management on $management_port, metrics on $metrics_port (process $found)"
    else
        echo "RabbitMQ:   down"; rc=1
    fi
    echo "data:       $data_dir"
    return "$rc"
}

native_psql() {
    require_setup
    find_postgres || die "PostgreSQL is not installed: run deploy/local/services up"
    database_psql "$@"
}

native_ctl() {
    require_setup
    broker_ctl "$@"
}

native_fault() {
    require_setup
    case $1 in
        restart) "stop_$2"; "start_$2" ;;
        *) "$1_$2" ;;
    esac
}

require_setup() {
    [ -n "$port_base" ] || die "nothing set up yet: run deploy/local/services up"
    set_ports
}

env_file() {
    if [ -z "${DATS_LOCAL_DIR:-}" ]; then printf %s "$checkout/.data/local/env"; else printf %s "$data_dir/env"; fi
}
