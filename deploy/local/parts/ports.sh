# shellcheck shell=bash disable=SC2154,SC2034
# The block of ports: which are in use on this machine, which block this checkout takes.

readonly first_port=20000 last_port=32000 block_size=6

# Empty until settled.
database_port='' broker_port='' management_port='' metrics_port='' distribution_port='' mapper_port=''

declare -A listening=()

# Fills $listening with every TCP port something listens on. Reading the kernel's list disturbs
# nobody, unlike connecting.
read_listening() {
    local lines line file
    listening=()
    for file in /proc/net/tcp /proc/net/tcp6; do
        [ -r "$file" ] || continue
        mapfile -t lines <"$file"
        for line in "${lines[@]}"; do
            # Number, own address:port, other address:port, state; 0A is "listening".
            if [[ $line =~ ^[^:]+:\ [0-9A-F]+:([0-9A-F]+)\ [0-9A-F:]+\ 0A\  ]]; then listening[$((16#${BASH_REMATCH[1]}))]=1; fi
        done
    done
}

# True when every one of the ports is listened on.
are_listening() {
    local port
    read_listening
    for port in "$@"; do
        [ -n "${listening[$port]:-}" ] || return 1
    done
}

# True when none of the ports is listened on.
none_listening() {
    local port
    read_listening
    for port in "$@"; do
        [ -z "${listening[$port]:-}" ] || return 1
    done
}

# Takes the block that begins at the given port.
set_ports() {
    port_base=$1
    database_port=$1 broker_port=$(($1 + 1)) management_port=$(($1 + 2))
    metrics_port=$(($1 + 3)) distribution_port=$(($1 + 4)) mapper_port=$(($1 + 5))
}

# True when nothing listens in the block, but for the ports named after it.
block_is_free() {
    local base=$1 port
    shift
    read_listening
    for ((port = base; port < base + block_size; port++)); do
        [[ -z ${listening[$port]:-} || " $* " == *" $port "* ]] || return 1
    done
}

# Takes the block asked for, or the first free one, starting the search at a place that differs from
# checkout to checkout.
choose_ports() {
    local blocks=$(((last_port - first_port) / block_size)) hash i candidate
    if [ -n "${DATS_LOCAL_PORT:-}" ]; then
        take_wanted_block "$DATS_LOCAL_PORT"
        return
    fi
    hash=$(path_hash)
    for ((i = 0; i < blocks; i++)); do
        candidate=$((first_port + (hash + i) % blocks * block_size))
        # Erlang's usual distribution port: a system-wide broker may come and want it.
        ((candidate > 25672 || candidate + block_size <= 25672)) || continue
        if block_is_free "$candidate"; then
            set_ports "$candidate"
            return
        fi
    done
    die "no $block_size free ports in a row between $first_port and $last_port: set DATS_LOCAL_PORT"
}

take_wanted_block() {
    if ! [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] || (($1 < 1024 || $1 + block_size > 65536)); then
        die "DATS_LOCAL_PORT=$1 is not a port between 1024 and $((65536 - block_size))"
    fi
    block_is_free "$1" || die "DATS_LOCAL_PORT=$1: a port from $1 to $(($1 + block_size - 1)) is in use by somebody else"
    set_ports "$1"
}
