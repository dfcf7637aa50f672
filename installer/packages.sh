#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Which Debian packages Portolan needs, and how they are installed. Sourced by run.sh, test.sh and .ci/run; on its own:
#   installer/packages.sh GROUP...      installs the groups: build run test bench fuzz lint
#
# Everything comes from the distribution: nothing is downloaded from anywhere else, no pip, no vendored sources.
# Installing starts no service and makes no database cluster: Portolan and its tests start their own private servers.

# shellcheck shell=bash
set -euo pipefail

# Each stage is said with the time since the first, also over the scripts that call each other.
export STAGES_SINCE=${STAGES_SINCE:-$(date +%s)}
say() {
    local seconds=$(($(date +%s) - STAGES_SINCE))
    printf '\033[1m==> [%d:%02d] %s\033[0m\n' $((seconds / 60)) $((seconds % 60)) "$*"
}
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# distribution: "debian 12", "ubuntu 24.04", … on standard output
distribution() {
    # shellcheck source=/dev/null
    (. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-unknown}") || printf 'unknown'
}

# package_list GROUP...: the packages of these groups for this distribution, one a line
package_list() {
    local distro group
    distro=$(distribution)
    for group in "$@"; do
        case $group in
        build)
            printf '%s\n' g++ cmake ninja-build ccache pkg-config \
                qt6-base-dev qt6-svg-dev libssl-dev libhiredis-dev libsodium-dev libspdlog-dev libfmt-dev libtomlplusplus-dev \
                libcli11-dev libcurl4-openssl-dev prometheus-cpp-dev libsqlite3-dev libpq-dev libpcre2-dev libcsv-dev \
                libicu-dev libzxcvbn-dev libyaml-cpp-dev
            case $distro in
            "debian 12") printf '%s\n' libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev ;; # its default is 1.74
            *) printf '%s\n' libboost-dev libboost-json-dev libboost-url-dev ;;
            esac
            ;;
        run)
            printf '%s\n' redis-server libqt6sql6-sqlite postgresql-client ca-certificates fonts-dejavu-core openssh-client
            ;;
        test)
            printf '%s\n' redis-server redis-tools postgresql pgbouncer celery python3 python3-celery python3-redis \
                python3-websockets python3-prometheus-client python3-jsonschema openssl procps util-linux xvfb dbus-daemon \
                locales chromium openbox python3-xlib nginx openssh-client openssh-server \
                python3-dotenv docker-compose \
                gunicorn prometheus prometheus-nginx-exporter python3-django python3-django-prometheus python3-django-redis \
                python3-flask python3-flask-session python3-flask-limiter python3-flask-socketio python3-eventlet iproute2
            ;;
        bench)
            printf '%s\n' wrk procps redis-server redis-tools python3 python3-redis python3-celery python3-flask \
                python3-flask-session python3-flask-limiter python3-eventlet gunicorn \
                xvfb python3-xlib transmission-qt qt6-charts-dev
            if [ "$distro" = "debian 12" ]; then printf '%s\n' libqt6opengl6-dev; fi # Qt Charts' own needs it, unsaid
            ;;
        fuzz) printf '%s\n' clang llvm libclang-rt-dev ;;
        lint)
            printf '%s\n' python3 git shellcheck
            # The formatting is pinned to one version of the tool; where it is not packaged the check says so and passes.
            if [ "$distro" = "debian 12" ]; then printf '%s\n' clang-format-14; fi
            ;;
        *) die "packages.sh knows no group '$group' (build run test bench fuzz lint)" ;;
        esac
    done | sort -u
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "installing packages needs root: run this as root, or install sudo"
    fi
}

# Runs as root, in a shell of its own, with the packages as arguments. Debian's packages start their services and make a
# database cluster on installation; both are switched off for the time of this one call, unless the machine has a policy.
install_quietly() {
    set -euo pipefail
    local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/portolan-install.conf
    mine=() # not local: the trap runs when the function is over
    trap 'rm -f "${mine[@]}"' EXIT
    if [ ! -e "$policy" ]; then
        mine+=("$policy")
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    mkdir -p "${cluster%/*}"
    mine+=("$cluster")
    echo "create_main_cluster = false" >"$cluster"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "$@"
}

# install_packages GROUP...: does nothing, and asks for no password, when everything is there
install_packages() {
    command -v apt-get >/dev/null || die "this needs Debian 12 or newer (apt-get is missing); the packages by name: $(package_list "$@" | tr '\n' ' ')"
    local missing=() package
    for package in $(package_list "$@"); do
        # shellcheck disable=SC2016 # dpkg's own variable
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "Packages: all installed ($*)"
        return
    fi
    say "Packages: installing ${#missing[@]} with apt-get: ${missing[*]}"
    as_root bash -c "$(declare -f install_quietly); install_quietly \"\$@\"" install "${missing[@]}"
}

# Called as `sudo installer/…`: the checkout belongs to the one who called, so packages are installed as root and the
# rest is done as that user. Returns where nothing is to be changed.
back_to_caller() {
    local script=$1 owner home
    shift
    owner=${SUDO_USER:-root}
    if [ "$(id -u)" -ne 0 ] || [ "$owner" = root ] || [ "$(stat -c %U "$script")" != "$owner" ]; then
        return 0
    fi
    home=$(getent passwd "$owner" | cut -d: -f6)
    say "Going on as $owner"
    exec runuser -u "$owner" -- env -u SUDO_USER HOME="$home" USER="$owner" LOGNAME="$owner" "$script" "$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    [ $# -gt 0 ] || die "which groups? build run test bench fuzz lint"
    install_packages "$@"
fi
