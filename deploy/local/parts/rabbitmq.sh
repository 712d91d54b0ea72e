# shellcheck shell=bash disable=SC2154
# RabbitMQ: configure, start, stop, kill, rabbitmqctl. As root it runs as the account rabbitmq.
# It has its own node name, its own cookie and its own port mapper, so that it never meets another.

readonly broker_node=dats@localhost

# Sets $broker_bin to RabbitMQ's own programs. The wrappers that packages put in /usr/sbin refuse
# ordinary users, so the real ones are looked for first.
find_rabbitmq() {
    local folder
    broker_bin=''
    while read -r folder; do
        if [ -x "$folder/rabbitmq-server" ] && [ -x "$folder/rabbitmqctl" ]; then broker_bin=$folder; break; fi
    done < <(
        printf '%s\n' /usr/lib/rabbitmq/bin /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq/sbin
        dirname -- "$(command -v rabbitmq-server || echo /)"
    )
    [ -n "$broker_bin" ] && command -v epmd >/dev/null
}

# Sets $found to our node's process: Erlang names the home folder on its command line.
find_broker() { find_process "$data_dir/rabbitmq/pid" beam.smp -home "$data_dir/rabbitmq"; }

# Sets $found to our port mapper, which is started under a name of this data folder's own.
find_mapper() { find_process "$data_dir/rabbitmq/epmd.pid" "$data_dir/rabbitmq/epmd" -address 127.0.0.1; }

# True when a port mapper is there: ours, or one that the node made when ours was gone.
mapper_answers() { find_mapper || { are_listening "$mapper_port" && epmd -port "$mapper_port" -names >/dev/null 2>&1; }; }

# Clients are let in last of all, so open ports mean a booted broker.
broker_listening() { are_listening "$broker_port" "$management_port" "$metrics_port"; }

broker_running() { find_broker && broker_listening; }

start_broker() {
    local root=$data_dir/rabbitmq
    find_rabbitmq || die "RabbitMQ is not installed: run deploy/local/services up"
    configure_broker "$root"
    if ! find_broker; then
        rm -f -- "$root/pid"
        start_mapper "$root"
        launch rabbitmq "$root" "$root/console.log" "${broker_environment[@]}" "$broker_bin/rabbitmq-server"
    fi
    wait_for_broker "$root"
    say "RabbitMQ ready on 127.0.0.1:$broker_port (management on $management_port)"
}

wait_for_broker() {
    local root=$1 deadline=$((SECONDS + 120)) seen=
    until broker_listening; do
        if find_broker; then seen=1; elif [ -n "$seen" ] || { [ -n "${launched:-}" ] && gone "$launched"; }; then break; fi
        ((SECONDS < deadline)) || break
        sleep 0.1
    done
    if ! broker_running; then
        tail -n 30 -- "$root/console.log" >&2
        die "RabbitMQ did not start (see above; logs: $root/console.log, $root/log)"
    fi
}

configure_broker() {
    local root=$1
    (
        umask 077
        mkdir -p -- "$root/data" "$root/log"
        printf %s "$cookie" >"$root/.erlang.cookie.new"
        mv -f -- "$root/.erlang.cookie.new" "$root/.erlang.cookie"
        printf '[rabbitmq_management,rabbitmq_prometheus].\n' >"$root/enabled_plugins"
        printf '[].\n' >"$root/advanced.config"
        : >"$root/environment.conf"
        cat >"$root/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$broker_port
management.tcp.ip = 127.0.0.1
management.tcp.port = $management_port
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = $metrics_port
default_user = dats
default_pass = $broker_password
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 100MB
log.file.level = info
CONF
    )
    chmod 400 -- "$root/.erlang.cookie"
    [ "$(stat -c %U -- "$root/data")" = "$(account_of rabbitmq)" ] || give_to rabbitmq "$root"
    give_to rabbitmq "$root/.erlang.cookie" "$root/enabled_plugins" "$root/advanced.config" "$root/environment.conf" "$root/rabbitmq.conf"
    set_broker_environment "$root"
}

# Nothing of the caller's environment reaches the broker: RABBITMQ_* variables of somebody else's
# broker least of all. The scheduler flags stop an idle node from spinning.
set_broker_environment() {
    local root=$1
    broker_environment=(env -i "PATH=$PATH" "HOME=$root" LANG=C.UTF-8
        "RABBITMQ_NODENAME=$broker_node" "RABBITMQ_NODE_PORT=$broker_port" "RABBITMQ_DIST_PORT=$distribution_port"
        "ERL_EPMD_PORT=$mapper_port" ERL_EPMD_ADDRESS=127.0.0.1 "RABBITMQ_CTL_ERL_ARGS=-start_epmd false"
        "RABBITMQ_CONFIG_FILE=$root/rabbitmq.conf" "RABBITMQ_ADVANCED_CONFIG_FILE=$root/advanced.config"
        "RABBITMQ_CONF_ENV_FILE=$root/environment.conf" "RABBITMQ_ENABLED_PLUGINS_FILE=$root/enabled_plugins"
        "RABBITMQ_MNESIA_BASE=$root/data" "RABBITMQ_LOG_BASE=$root/log" "RABBITMQ_PID_FILE=$root/pid"
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none")
}

# Erlang's port mapper, run by us rather than by the node: so it is known by its process id and ends
# with the node.
start_mapper() {
    ! mapper_answers || return 0
    ln -sf -- "$(command -v epmd)" "$1/epmd"
    launch rabbitmq "$1" "$1/epmd.log" "$1/epmd" -address 127.0.0.1 -port "$mapper_port"
    printf '%s\n' "$launched" >"$1/epmd.pid"
    wait_until 10 are_listening "$mapper_port" || { tail -n 5 -- "$1/epmd.log" >&2; die "Erlang's port mapper did not start"; }
}

broker_ctl() {
    find_rabbitmq || die "RabbitMQ is not installed: run deploy/local/services up"
    set_broker_environment "$data_dir/rabbitmq"
    as rabbitmq "${broker_environment[@]}" "$broker_bin/rabbitmqctl" "$@"
}

stop_broker() {
    if find_broker; then
        release_statistics
        stop_process "$found" TERM 30
    fi
    if find_mapper; then stop_process "$found" TERM 5; fi
    # A node that lost its mapper makes another one, which cannot be found by name. It may go when it
    # serves nobody any more, and refuses otherwise.
    if [ -n "$mapper_port" ] && mapper_answers; then epmd -port "$mapper_port" -kill >/dev/null 2>&1 || true; fi
}

# The management plugin's event handler, when it ends along with the node, waits five seconds for an
# answer that cannot come any more. Ending it beforehand makes the node stop in one second.
release_statistics() {
    local broker=$found
    if [ -z "$mapper_port" ] || ! find_rabbitmq; then return; fi
    set_broker_environment "$data_dir/rabbitmq"
    as rabbitmq timeout 5 "${broker_environment[@]}" "$broker_bin/rabbitmqctl" --quiet \
        eval 'gen_event:delete_handler(rabbit_event, rabbit_mgmt_db_handler, stop).' >/dev/null 2>&1 || true
    found=$broker
}

# Only the node dies, as in a crash; the port mapper is not part of it.
kill_broker() {
    find_broker || return 0
    kill -s KILL "$found" 2>/dev/null || true
    wait_until 20 gone "$found" || die "RabbitMQ is still there after SIGKILL"
    wait_until 20 none_listening "$broker_port" || die "port $broker_port is still open after SIGKILL"
}
