# shellcheck shell=bash disable=SC2154,SC2034
# Processes: run as an account, recognise ours for sure, start, stop and kill by id.

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

# The account that a server runs as: its own when we are root, else ours.
account_of() {
    if [ "$(id -u)" = 0 ] && id -u "$1" >/dev/null 2>&1; then echo "$1"; else id -un; fi
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

# In a container whose first process reaps nothing, the dead stay in the list, without a command line.
gone() {
    local words
    { mapfile -d '' -t words <"/proc/$1/cmdline"; } 2>/dev/null || return 0
    ((${#words[@]} == 0))
}

# Sends SIGNAL to PID and waits; what is still there after SECONDS is killed.
stop_process() {
    local pid=$1 signal=$2 seconds=$3
    kill -s "$signal" "$pid" 2>/dev/null || gone "$pid" || die "process $pid is not ours to stop: run as the account that started it"
    if ! wait_until "$seconds" gone "$pid"; then
        kill -s KILL "$pid" 2>/dev/null || true
        wait_until 10 gone "$pid" || die "process $pid does not end"
    fi
}

# A broker needs a file for each connection. Unlimited is not better: Erlang walks through them all.
raise_file_limit() {
    local hard
    hard=$(ulimit -H -n)
    if [ "$hard" = unlimited ] || ((hard > 20000)); then hard=20000; fi
    ulimit -S -n "$hard" 2>/dev/null || true
}

# Starts a server of its own session and sets $launched. All our descriptors are let go: a caller
# that reads our output to its end must not wait for the server to stop.
launch() {
    local account=$1 folder=$2 log=$3
    shift 3
    account_prefix "$account"
    (
        raise_file_limit
        exec </dev/null >"$log" 2>&1 9>&-
        cd -- "$folder" || exit
        exec setsid "${prefix[@]}" "$@"
    ) &
    launched=$!
}
