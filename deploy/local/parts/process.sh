# shellcheck shell=bash disable=SC2154
# Processes: run as an account, recognise ours for sure, stop and kill by id, see who listens.

# Runs a command as a server account when we are root, as ourselves otherwise. Starts from "/":
# the account may not be allowed into the caller's folder.
as() {
    local account=$1
    shift
    account_prefix "$account"
    (cd / && exec "${prefix[@]}" "$@") 9>&-
}

# Sets $prefix to what turns root into the account. setpriv replaces itself by the command, so that
# the process id we see is the server's own.
account_prefix() {
    prefix=()
    if [ "$(id -u)" = 0 ] && id -u "$1" >/dev/null 2>&1; then
        prefix=(setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups --)
    fi
}

# Gives files to the server account when we are root.
give_to() {
    local account=$1
    shift
    if [ "$(id -u)" = 0 ] && id -u "$account" >/dev/null 2>&1; then chown -R "$account:" -- "$@"; fi
}

# True when process PID has the program name NAME and the two arguments OPTION VALUE in sequence.
# The command line tells our servers from every other process, whatever a stale pid file says.
is_process() {
    local pid=$1 name=$2 option=$3 value=$4 words i
    { mapfile -d '' -t words <"/proc/$pid/cmdline"; } 2>/dev/null || return 1
    [[ ${words[0]:-} == "$name" || ${words[0]:-} == */"$name" ]] || return 1
    for ((i = 1; i + 1 < ${#words[@]}; i++)); do
        if [ "${words[i]}" = "$option" ] && [ "${words[i + 1]}" = "$value" ]; then return 0; fi
    done
    return 1
}

# Sets $found to the process of that description, from the pid file when it tells the truth, from
# the list of processes otherwise (the file may be lost, or stale after a crash).
find_process() {
    local file=$1 folder
    shift
    found=''
    if { read -r found <"$file"; } 2>/dev/null && [ -n "$found" ] && is_process "$found" "$@"; then return 0; fi
    for folder in /proc/[0-9]*; do
        found=${folder#/proc/}
        if is_process "$found" "$@"; then return 0; fi
    done
    found=''
    return 1
}

# Waits up to SECONDS until the command is true.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

gone() { ! kill -0 "$1" 2>/dev/null || is_zombie "$1"; }

# In a container whose first process reaps nothing, the dead stay in the list.
is_zombie() {
    local words
    { mapfile -d '' -t words <"/proc/$1/cmdline"; } 2>/dev/null || return 0
    ((${#words[@]} == 0))
}

# Sends SIGNAL to PID and waits; what is still there after SECONDS is killed.
stop_process() {
    local pid=$1 signal=$2 seconds=$3
    kill -s "$signal" "$pid" 2>/dev/null || return 0
    if ! wait_until "$seconds" gone "$pid"; then
        kill -s KILL "$pid" 2>/dev/null || true
        wait_until 10 gone "$pid" || die "process $pid does not end"
    fi
}

declare -A listening=()

# Fills $listening with every TCP port something listens on.
read_listening() {
    local address state file
    listening=()
    for file in /proc/net/tcp /proc/net/tcp6; do
        [ -r "$file" ] || continue
        while read -r _ address _ state _; do
            if [ "$state" = 0A ]; then listening[$((16#${address##*:}))]=1; fi
        done <"$file"
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

none_listening() {
    local port
    read_listening
    for port in "$@"; do
        [ -z "${listening[$port]:-}" ] || return 1
    done
}
