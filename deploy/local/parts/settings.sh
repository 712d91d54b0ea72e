# shellcheck shell=bash disable=SC2154,SC2034
# What a checkout remembers about its servers: how they run, where the data is, their ports and the
# generated passwords. Kept in "<data folder>/settings", readable by its owner only.

readonly setting_names=(mode port_base admin_password gateway_password provenance_password broker_password cookie)

# Sets $data_dir, and $visible_env: where people look for the connection settings. A checkout whose folder the server accounts cannot enter has left a note saying
# where the data went instead.
locate_data() {
    local note=$checkout/.data/local/location
    visible_env=$checkout/.data/local/env
    if [ -n "${DATS_LOCAL_DIR:-}" ]; then
        data_dir=$(realpath -m -- "$DATS_LOCAL_DIR")
        visible_env=$data_dir/env
    elif [ -r "$note" ]; then
        read -r data_dir <"$note"
    else
        data_dir=$checkout/.data/local
    fi
    [[ $data_dir != *[[:space:]\'\"\\]* ]] ||
        die "the path $data_dir has spaces or quotes in it: set DATS_LOCAL_DIR to a plain path"
}

# A number that tells this data folder from others.
path_hash() { cksum <<<"$data_dir" | cut -d ' ' -f 1; }

# Creates the data folder, in /var/tmp when the server accounts must enter it and cannot.
create_data_dir() {
    local account
    make_enterable "$data_dir"
    [ "$(id -u)" = 0 ] || return 0
    for account in postgres rabbitmq; do
        if id -u "$account" >/dev/null 2>&1 && ! as "$account" test -x "$data_dir"; then
            move_data_dir "$account"
            return
        fi
    done
}

# Creates a folder of our own that every account may pass through.
make_enterable() {
    (umask 022 && mkdir -p -- "$1") || die "cannot create $1: choose another folder with DATS_LOCAL_DIR"
    [ ! -L "$1" ] || die "$1 is a symbolic link: set DATS_LOCAL_DIR to the folder itself"
    [ -O "$1" ] || die "$1 belongs to $(stat -c %U -- "$1"): run as that account, or choose another folder with DATS_LOCAL_DIR"
    chmod a+x -- "$1"
}

move_data_dir() {
    local account=$1 wanted=$data_dir
    [ -z "${DATS_LOCAL_DIR:-}" ] ||
        die "the account $account cannot enter $wanted: open its parent folders (chmod a+x) or choose another DATS_LOCAL_DIR"
    data_dir=/var/tmp/dats-local-$(path_hash)
    # The name can be guessed, and /var/tmp belongs to everybody: take only a folder that is ours.
    mkdir -m 711 -- "$data_dir" 2>/dev/null || make_enterable "$data_dir"
    printf '%s\n' "$data_dir" >"$wanted/location"
    say "the account $account cannot enter $wanted: the data goes to $data_dir"
}

read_settings() {
    local file=$data_dir/settings name value
    mode=''
    port_base=''
    for name in "${setting_names[@]}"; do printf -v "$name" %s ''; done
    [ -e "$file" ] || return 0
    [ -r "$file" ] || die "$data_dir belongs to $(stat -c %U -- "$file"): run as that account (or with sudo)"
    while IFS='=' read -r name value; do
        [[ " ${setting_names[*]} " != *" $name "* ]] || printf -v "$name" %s "$value"
    done <"$file"
    [[ $port_base =~ ^([1-9][0-9]{3,4})?$ ]] || die "$file is damaged: delete the data (deploy/local/services wipe) or repair it"
    [ -z "$port_base" ] || set_ports "$port_base"
}

# Makes up what is not settled yet and writes everything down.
write_settings() {
    local name
    for name in admin_password gateway_password provenance_password broker_password cookie; do
        [ -n "${!name}" ] || printf -v "$name" %s "$(random_hex)"
    done
    for name in "${setting_names[@]}"; do
        printf '%s=%s\n' "$name" "${!name}"
    done | store_private "$data_dir/settings"
}

random_hex() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# Puts standard input into a file that only its owner can read, in one step.
store_private() {
    rm -f -- "$1.new"
    (umask 077 && cat >"$1.new")
    mv -f -- "$1.new" "$1"
}

# The connection settings of our own servers, as shell lines. DATS_LOCAL_* is not among them: a shell
# that has read them must not go on to act on this data folder from within another checkout.
write_env() {
    local database=127.0.0.1:$database_port broker=dats:$broker_password@127.0.0.1
    store_env <<ENV
export DATS_DATABASE_ADMIN_URL=postgres://dats:$admin_password@$database/postgres
export DATS_GATEWAY_DATABASE_URL=postgres://dats_gateway:$gateway_password@$database/dats_gateway
export DATS_PROVENANCE_DATABASE_URL=postgres://dats_provenance:$provenance_password@$database/dats_provenance
export RABBITMQ_URL=amqp://$broker:$broker_port/%2f
export RABBITMQ_MANAGEMENT_URL=http://$broker:$management_port
ENV
}

# Stores the lines in the data folder, and in the checkout when the data had to go elsewhere.
store_env() {
    store_private "$data_dir/env"
    [ "$visible_env" = "$data_dir/env" ] || store_private "$visible_env" <"$data_dir/env"
}

# True when the lines in both places speak of the present servers.
env_is_current() {
    local file
    for file in "$data_dir/env" "$visible_env"; do
        [ -r "$file" ] || return 1
        [[ $(<"$file") == *"$broker_password@127.0.0.1:$broker_port/"* ]] || return 1
    done
}

print_env() {
    [ -r "$visible_env" ] || die "nothing is set up yet: run deploy/local/services up"
    cat -- "$visible_env"
}

# Removes what belongs to us, by name: a mistaken DATS_LOCAL_DIR must not cost anybody a folder.
delete_data() {
    rm -rf -- "$data_dir"/{postgres,rabbitmq,settings,settings.new,env,env.new,lock}
    if [ -z "${DATS_LOCAL_DIR:-}" ]; then rm -f -- "$checkout/.data/local"/{env,env.new,location}; fi
    rmdir -- "$data_dir" "$checkout/.data/local" "$checkout/.data" 2>/dev/null || true
    say "data deleted"
}
