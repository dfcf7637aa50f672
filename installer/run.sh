#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sets up everything on a fresh Debian 12 or 13 (packages, configure, build) and shows a portal of this machine in a window.
#   installer/run.sh [--demo] [--headless] [options of `portoland serve`]     e.g. installer/run.sh --listen 127.0.0.1:9000
# --demo: with users and visitors to look at. --headless, or where there is no display: serves without the window, and in
# a terminal shows the portal's zones, live. Closing the window, or Ctrl+C, stops everything.
# As root or as a user who may use sudo; sudo is asked for packages only, and only when some are missing.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=installer/packages.sh
. "$root/installer/packages.sh"
export LC_ALL=${LC_ALL:-C.UTF-8}

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    sed -n '3,7s/^# //p' "${BASH_SOURCE[0]}"
    exit 0
fi

install_packages build run
back_to_caller "$root/installer/run.sh" "$@"

cd "$root"
say "Configuring (build/release)"
cmake --preset release
say "Building (the first time takes some minutes)"
cmake --build --preset release --target portolan portoland
portolan=$root/build/release/app/portolan
portoland=$root/build/release/app/portoland

headless=no
arguments=()
for argument in "$@"; do
    if [ "$argument" = --headless ]; then headless=yes; else arguments+=("$argument"); fi
done
set -- "${arguments[@]}"

if [ "$headless" = no ]; then
    if "$portolan" --check-display 2>/dev/null; then
        say "Showing the portal in a window; closing it, or Ctrl+C, stops everything"
        exec "$portolan" "$@"
    fi
    say "There is no display that can be opened, so no window: serving without it (--headless is the same on purpose)"
fi

if [ ! -t 1 ]; then
    say "Serving; no terminal, so no zones here: the log follows"
    exec "$portoland" serve "$@"
fi

# The zones are shown by a second process, which finds the portal through its data directory.
where=()
previous=
for argument in "$@"; do
    case "$previous $argument" in
    "--data-dir "* | "--config "* | "--set data_dir="*) where+=("$previous" "$argument") ;;
    *" --data-dir="* | *" --config="* | *" --set=data_dir="* | *" --demo") where+=("$argument") ;;
    esac
    previous=$argument
done

state=${XDG_STATE_HOME:-${HOME:+$HOME/.local/state}}
log=$state/portolan/portoland.log
if [ -z "$state" ] || ! mkdir -p "${log%/*}" 2>/dev/null || ! { : >"$log"; } 2>/dev/null; then
    log=$(mktemp --tmpdir portoland-XXXXXX.log)
fi
ready=$(mktemp)
server=
watch=
stop() {
    trap '' HUP INT TERM
    if [ -n "$watch" ]; then kill "$watch" 2>/dev/null || true; fi
    if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
        say "Stopping the portal"
        wait "$server" || true
    fi
    rm -f "$ready"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# In a session of its own, so that Ctrl+C reaches it once, from here, and it can finish what it is doing.
setsid "$portoland" serve "$@" >"$ready" 2>"$log" &
server=$!
until grep -q '^portoland: serving' "$ready"; do
    if ! kill -0 "$server" 2>/dev/null; then
        status=0
        wait "$server" || status=$?
        server=
        tail -n 3 "$log" >&2
        exit "$status"
    fi
    sleep 0.1
done

url=$(sed -n 's/^portoland: serving \([^ ]*\).*/\1/p' "$ready")
say "$(head -n 1 "$ready")"
# The zones begin at the top of the screen, again and again: what is to stay in sight is a line of theirs.
"$portoland" status --watch --heading "$url    Log: $log    Stop: Ctrl+C" "${where[@]}" &
watch=$!
status=0
wait -n "$server" "$watch" || status=$?
if kill -0 "$server" 2>/dev/null; then
    watch=
    wait "$server" || status=$?
fi
server=
exit "$status"
