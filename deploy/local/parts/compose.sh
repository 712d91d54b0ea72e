# shellcheck shell=bash disable=SC2154,SC2034
# Servers as containers, on machines that have Docker but no Debian packages or no right to install
# them. Ports, passwords and databases are the same as with processes of the machine.

docker_works() { command -v docker >/dev/null && docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; }

# docker compose for this data folder's own project; secrets travel in the environment.
compose() {
    DATS_LOCAL_ADMIN_PASSWORD=$admin_password DATS_LOCAL_BROKER_PASSWORD=$broker_password \
        DATS_LOCAL_DATABASE_PORT=$database_port DATS_LOCAL_BROKER_PORT=$broker_port \
        DATS_LOCAL_MANAGEMENT_PORT=$management_port DATS_LOCAL_METRICS_PORT=$metrics_port \
        docker compose --project-name "dats-local-$(path_hash)" --file "$checkout/deploy/compose.yaml" "$@" 9>&-
}

compose_up() {
    docker_works || die "Docker with compose is not usable here (try: docker compose version; docker info)"
    make_enterable "$data_dir"
    lock
    read_settings
    mode=compose
    if [ -n "$port_base" ] && [ "${DATS_LOCAL_PORT:-$port_base}" = "$port_base" ] && env_is_current && compose_is_up; then
        say "already up: PostgreSQL on 127.0.0.1:$database_port, RabbitMQ on 127.0.0.1:$broker_port"
        return
    fi
    compose_settle_ports
    write_settings
    write_env
    compose_start
    create_databases
    say "connection settings: $visible_env"
}

# What runs is stopped first, so that a port still in use is known to be somebody else's.
compose_settle_ports() {
    if [ -n "$port_base" ]; then
        compose stop
        if [ "${DATS_LOCAL_PORT:-$port_base}" = "$port_base" ] && block_is_free "$port_base"; then return; fi
        say "choosing other ports than $port_base to $((port_base + block_size - 1))"
    fi
    choose_ports
}

# Starts all containers or those named, and waits until they are healthy.
compose_start() {
    compose up --detach --wait --wait-timeout 300 "$@" >&2 || {
        compose logs --tail 30 "$@" >&2
        die "the containers did not become healthy (see above)"
    }
}

compose_is_up() {
    local running
    running=$(compose ps --services --status running 2>/dev/null) || return 1
    [[ $running == *postgres* && $running == *rabbitmq* ]] && are_listening "$database_port" "$broker_port" "$management_port"
}

compose_down() {
    require_setup
    lock
    compose stop
    say stopped
}

compose_wipe() {
    require_setup
    lock
    compose down --volumes
    delete_data
}

compose_status() {
    require_setup
    compose ps
    compose_is_up
}

# Inside the container the superuser needs no password.
compose_psql() {
    require_setup
    compose exec "$(terminal)" postgres psql -X -U dats -d postgres "$@"
}

compose_ctl() {
    require_setup
    compose exec "$(terminal)" rabbitmq rabbitmqctl "$@"
}

# The option that gives the command a terminal only where there is one.
terminal() { if [ -t 0 ] && [ -t 1 ]; then echo --no-TTY=false; else echo --no-TTY; fi; }

compose_fault() {
    local container=postgres
    if [ "$2" = broker ]; then container=rabbitmq; fi
    require_setup
    lock
    case $1 in
        start) compose_start "$container" ;;
        stop) compose stop "$container" ;;
        kill) compose kill --signal KILL "$container" ;;
        restart)
            compose stop "$container"
            compose_start "$container"
            ;;
    esac
}
