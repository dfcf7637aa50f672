#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sets up everything on a fresh Debian 12 or 13 (packages, configure, build) and runs the tests.
#   installer/test.sh [--all] [--build-only] [--fuzz-seconds N] [-- arguments for ctest]
# Without --all: unit, contract, integration, GUI and end-to-end tests. With it also: the same under the address, undefined
# behaviour and thread sanitizers, every fuzz target for 10 minutes (or N seconds), and the measurements against their
# requirements. As root or as a user who may use sudo (for packages only). Exit code 0: everything passed.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=installer/packages.sh
. "$root/installer/packages.sh"
export LC_ALL=C.UTF-8

all=no
build_only=no
fuzz_seconds=600
arguments=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    --all) all=yes ;;
    --build-only) build_only=yes ;;
    --fuzz-seconds)
        shift
        [[ ${1:-} =~ ^[1-9][0-9]*$ ]] || die "--fuzz-seconds takes a whole number of seconds"
        fuzz_seconds=$1
        ;;
    --)
        shift
        break
        ;;
    -h | --help)
        sed -n '3,7s/^# //p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) die "unknown option '$1'; --help lists them" ;;
    esac
    shift
done

groups=(build run test)
if [ "$all" = yes ]; then groups+=(bench fuzz); fi
install_packages "${groups[@]}"
back_to_caller "$root/installer/test.sh" "${arguments[@]}"
cd "$root"

build() { # build PRESET
    say "Building (build/$1)"
    cmake --preset "$1"
    cmake --build --preset "$1"
}

# Tests that must have the machine to themselves say so (RUN_SERIAL); the others run two at a time.
run_tests() { # run_tests PRESET [ctest arguments]
    local preset=$1
    shift
    say "Testing (build/$preset)"
    ctest --preset "$preset" -j2 --no-tests=error -L '^(unit|contract|integration|gui|e2e)$' "$@"
}

# What a target found is left in its working folder, build/fuzz/findings/<target>. The seeds of fuzz_http_request are
# tests/fuzz/http/seeds/request.
fuzz_one() { # fuzz_one SECONDS TARGET
    local name=${2##*/}
    local work=build/fuzz/findings/$name folder=${2%/*}
    local corpora=("$work/corpus") seeds=tests/fuzz/${folder##*/}/seeds/${name#fuzz_"${folder##*/}"_}
    mkdir -p "$work/corpus"
    if [ -d "$seeds" ]; then corpora+=("$seeds"); fi
    if "$2" -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$work/" "${corpora[@]}" >"$work/log" 2>&1; then
        echo "$name: nothing found ($(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p' "$work/log"))"
    else
        tail -n 40 "$work/log"
        echo "$name: FOUND SOMETHING, see $work"
        return 1
    fi
}

fuzz() {
    local targets
    say "Building the fuzz targets (build/fuzz)"
    cmake --preset fuzz
    mapfile -t targets < <(cmake --build --preset fuzz --target help | sed -n 's/^\(fuzz_[a-z0-9_]*\): phony$/\1/p')
    [ ${#targets[@]} -gt 0 ] || die "there is no fuzz target"
    cmake --build --preset fuzz --target "${targets[@]}"
    mapfile -t targets < <(find build/fuzz/tests/fuzz -type f -executable -name 'fuzz_*' | sort)
    say "Fuzzing ${#targets[@]} targets for $fuzz_seconds s each, two at a time"
    export -f fuzz_one
    printf '%s\0' "${targets[@]}" | xargs -0 -P 2 -n 1 bash -c 'fuzz_one "$@"' fuzz "$fuzz_seconds"
}

build dev
if [ "$build_only" = yes ]; then
    exit 0
fi
if [ "$all" = no ]; then
    run_tests dev "$@"
    exit
fi

verdicts=()
failed=0
stage() { # stage NAME COMMAND...: goes on after a failure, so that one run tells everything
    local name=$1
    shift
    local status=0
    set +e # a subshell in a condition would ignore its own set -e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    if [ "$status" -eq 0 ]; then
        verdicts+=("passed  $name")
    else
        verdicts+=("FAILED  $name")
        failed=1
    fi
}
sanitized() {
    build "$1"
    run_tests "$@"
}
stage "tests" run_tests dev "$@"
stage "drills" ctest --preset dev --no-tests=error -L '^drill$'
stage "tests, address and undefined behaviour sanitizers" sanitized asan "$@"
stage "tests, thread sanitizer" sanitized tsan "$@"
stage "fuzzing" fuzz
stage "measurements" tests/bench/run.sh
say "Everything:"
printf '    %s\n' "${verdicts[@]}"
exit "$failed"
