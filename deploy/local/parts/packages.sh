# shellcheck shell=bash disable=SC2154
# Which way of running the servers this machine can offer, and installing what is missing.

# Sets $mode: what the user asks for, else what this checkout used before, else what can work here.
choose_mode() {
    local remembered=$mode
    case ${DATS_LOCAL:-auto} in
        native | compose | external) mode=$DATS_LOCAL ;;
        auto) [ -n "$mode" ] || mode=$(possible_mode "$1") ;;
        *) die "DATS_LOCAL=$DATS_LOCAL is none of native, compose, external" ;;
    esac
    if [ "$mode" != external ] && [ -n "$remembered" ] && [ "$mode" != "$remembered" ]; then
        die "this checkout runs its servers as \"$remembered\": to change that, delete the data first (deploy/local/services wipe, without DATS_LOCAL)"
    fi
}

possible_mode() {
    if [ "$1" = up ] && [ -n "$(missing_packages)" ] && ! can_install && docker_works; then
        echo compose
    else
        echo native
    fi
}

# The Debian names of the servers that are not there.
missing_packages() {
    find_postgres || echo postgresql
    find_rabbitmq || echo rabbitmq-server
}

# As root or with sudo; sudo must be able to ask, or need not.
can_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" != 0 ] || return 0
    command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }
}

install_missing() {
    local packages become=()
    mapfile -t packages < <(missing_packages)
    ((${#packages[@]} > 0)) || return 0
    can_install || die "missing: ${packages[*]}. Install them, or install Docker with compose, or set DATS_LOCAL=external with DATS_DATABASE_ADMIN_URL and RABBITMQ_URL of your own servers"
    if [ "$(id -u)" != 0 ]; then
        become=(sudo)
        say "sudo is asked for once, to install the packages ${packages[*]} (their system-wide services are neither started nor enabled)"
    fi
    say "installing ${packages[*]}"
    "${become[@]}" bash "$here/install-packages" "${packages[@]}"
    [ -z "$(missing_packages)" ] || die "installed ${packages[*]}, but the servers are still not found"
}
