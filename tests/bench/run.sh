#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures Portolan and its peer side by side and prints one table with what is required.
#   tests/bench/run.sh [--quick] [--only part,part] [--rounds N] [--json FILE]
# Builds build/release first. Exit code 1 when a requirement is missed, 2 when something could not be measured.
# Everything listens on loopback and is gone at the end. The machine should have nothing else to do.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=installer/packages.sh
. "$root/installer/packages.sh"
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

case ${1:-} in
-h | --help)
    sed -n '3,6s/^# //p' "${BASH_SOURCE[0]}"
    exec /usr/bin/python3 "$root/tests/bench/run.py" --help
    ;;
esac
install_packages build run bench
cd "$root"
cmake --preset release >/dev/null
cmake --build --preset release --target portoland portolan bench
exec /usr/bin/python3 tests/bench/run.py --build build/release "$@"
