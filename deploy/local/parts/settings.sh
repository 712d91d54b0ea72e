# shellcheck shell=bash disable=SC2154
# What a checkout remembers about its servers: where the data is, which ports they use, the
# generated passwords. Kept in "<data folder>/settings", readable by its owner only.

# Set by read_settings; empty means "not settled yet".
mode='' port_base='' admin_password='' gateway_password='' provenance_password='' broker_password='' cookie=''

# Sets $data_dir. A checkout whose folder the server accounts cannot enter has left a note saying
# where the data went instead.
locate_data() {
    local note=$checkout/.data/local/location
    if [ -n "${DATS_LOCAL_DIR:-}" ]; then
        data_dir=$(realpath -m -- "$DATS_LOCAL_DIR")
    elif [ -r "$note" ]; then
        read -r data_dir <"$note"
    else
        data_dir=$checkout/.data/local
    fi
    [[ $data_dir != *[[:space:]\'\"\\]* ]] ||
        die "the path $data_dir has spaces or quotes in it: set DATS_LOCAL_DIR to a plain path"
    name_hash=$(cksum <<<"$data_dir")
    name_hash=${name_hash%% *}
}

# Creates the data folder, in /var/tmp when accounts other than ours must enter it and cannot.
create_data_dir() {
    make_enterable "$data_dir"
    [ "$(id -u)" = 0 ] || return 0
    local account
    for account in postgres rabbitmq; do
        if id -u "$account" >/dev/null 2>&1 && ! as "$account" test -x "$data_dir"; then
            move_data_dir "$account"
            return
        fi
    done
}

# Creates a folder and, where it had to create parents, lets every account pass through them.
make_enterable() {
    (umask 022 && mkdir -p -- "$1") || die "cannot create $1: choose another folder with DATS_LOCAL_DIR"
    if [ -O "$1" ]; then chmod a+x -- "$1"; fi
    [ -w "$1" ] || die "$1 belongs to $(stat -c %U -- "$1"): run as that account, or choose another folder with DATS_LOCAL_DIR"
}

move_data_dir() {
    local account=$1 wanted=$data_dir
    [ -z "${DATS_LOCAL_DIR:-}" ] ||
        die "the account $account cannot enter $wanted: open its parent folders (chmod a+x) or choose another DATS_LOCAL_DIR"
    data_dir=/var/tmp/dats-local-$name_hash
    # The name can be guessed, and /var/tmp belongs to everybody: take only a folder that is ours.
    mkdir -m 711 -- "$data_dir" 2>/dev/null || { [ -d "$data_dir" ] && [ ! -L "$data_dir" ] && [ -O "$data_dir" ]; } ||
        die "$data_dir exists and is not ours: set DATS_LOCAL_DIR to another folder"
    printf '%s\n' "$data_dir" >"$wanted/location"
    say "the account $account cannot enter $wanted; the data goes to $data_dir"
    read_settings
}

read_settings() {
    local file=$data_dir/settings key value
    [ -e "$file" ] || return 0
    [ -r "$file" ] || die "$data_dir belongs to $(stat -c %U -- "$file"): run as that account (or with sudo)"
    while IFS== read -r key value; do
        case $key in
            mode | port_base | admin_password | gateway_password | provenance_password | broker_password | cookie)
                printf -v "$key" %s "$value" ;;
        esac
    done <"$file"
}

# Fills in what is not settled yet and writes it down.
settle() {
    local key
    for key in admin_password gateway_password provenance_password broker_password cookie; do
        [ -n "${!key}" ] || printf -v "$key" %s "$(random_hex)"
    done
    choose_ports
    (
        umask 077
        for key in mode port_base admin_password gateway_password provenance_password broker_password cookie; do
            printf '%s=%s\n' "$key" "${!key}"
        done >"$data_dir/settings.new"
    )
    mv -f -- "$data_dir/settings.new" "$data_dir/settings"
    write_env
}

random_hex() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# The block of ports, in the order database, broker, management, metrics, distribution, port mapper.
set_ports() {
    database_port=$port_base broker_port=$((port_base + 1)) management_port=$((port_base + 2))
    metrics_port=$((port_base + 3)) distribution_port=$((port_base + 4)) mapper_port=$((port_base + 5))
}

readonly first_port=20000 last_port=32000 block_size=6

# Keeps the remembered block while nobody else listens on it, otherwise takes the first free one,
# starting at a place that differs from checkout to checkout.
choose_ports() {
    local wanted=${DATS_LOCAL_PORT:-} blocks=$(((last_port - first_port) / block_size)) i candidate
    if [ -n "$wanted" ]; then
        [[ $wanted =~ ^[1-9][0-9]*$ ]] && ((wanted >= 1024 && wanted + block_size <= 65536)) ||
            die "DATS_LOCAL_PORT=$wanted is not a port between 1024 and $((65536 - block_size))"
        block_is_free "$wanted" || die "DATS_LOCAL_PORT=$wanted: a port from $wanted to $((wanted + block_size - 1)) is in use by somebody else"
        port_base=$wanted
        set_ports
        return
    fi
    if [ -n "$port_base" ]; then
        if block_is_free "$port_base"; then set_ports; return; fi
        say "a port from $port_base to $((port_base + block_size - 1)) is now in use by somebody else: choosing other ports"
    fi
    for ((i = 0; i < blocks; i++)); do
        candidate=$((first_port + (name_hash + i) % blocks * block_size))
        # Erlang's usual distribution port: a system-wide broker may come and want it.
        ((candidate > 25672 || candidate + block_size <= 25672)) || continue
        if block_is_free "$candidate"; then
            port_base=$candidate
            set_ports
            return
        fi
    done
    die "no $block_size free ports in a row between $first_port and $last_port: set DATS_LOCAL_PORT"
}

# A block is free when nothing listens in it; the servers of this checkout are down by now.
block_is_free() {
    local port
    read_listening
    for ((port = $1; port < $1 + block_size; port++)); do
        [ -z "${listening[$port]:-}" ] || return 1
    done
}

print_env() {
    [ -r "$data_dir/env" ] || die "nothing set up yet: run deploy/local/services up"
    cat -- "$data_dir/env"
}

# The connection settings as shell lines, in the data folder and where people look for them first.
write_env() {
    local database=127.0.0.1:$database_port broker=127.0.0.1
    store_env <<ENV
export DATS_LOCAL_DIR=$data_dir
export DATS_DATABASE_ADMIN_URL=postgres://dats:$admin_password@$database/postgres
export DATS_GATEWAY_DATABASE_URL=postgres://dats_gateway:$gateway_password@$database/dats_gateway
export DATS_PROVENANCE_DATABASE_URL=postgres://dats_provenance:$provenance_password@$database/dats_provenance
export RABBITMQ_URL=amqp://dats:$broker_password@$broker:$broker_port/%2f
export RABBITMQ_MANAGEMENT_URL=http://dats:$broker_password@$broker:$management_port
ENV
}

store_env() {
    (umask 077 && cat >"$data_dir/env.new")
    mv -f -- "$data_dir/env.new" "$data_dir/env"
    local visible=$checkout/.data/local
    if [ -z "${DATS_LOCAL_DIR:-}" ] && [ "$data_dir" != "$visible" ]; then
        (umask 077 && cat -- "$data_dir/env" >"$visible/env.new")
        mv -f -- "$visible/env.new" "$visible/env"
    fi
}
