#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Proves the installer in an empty Debian: makes a minimal tree with debootstrap, puts a clean clone of this checkout's
# last commit into it, and runs a command there, installer/test.sh unless another is given. Needs root and debootstrap.
#   installer/prove.sh bookworm|trixie TREE [command in the clone...]
# The packages come from debootstrap's own default mirror, or from the one in DEBIAN_MIRROR.
# TREE is a folder that is kept, so that a second run need not download again; the clone in it is always made anew.
# Mounts and processes live in namespaces of their own and are gone when the command ends, however it ends.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
usage() {
    sed -n '5s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
[ $# -ge 2 ] || usage
suite=$1
tree=$2
shift 2
[ $# -gt 0 ] || set -- installer/test.sh
case $suite in bookworm | trixie) ;; *) usage ;; esac
[ "$(id -u)" -eq 0 ] || {
    echo "error: making a tree and entering it needs root" >&2
    exit 1
}

if [ ! -e "$tree/etc/debian_version" ]; then
    debootstrap --variant=minbase "$suite" "$tree" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
fi
tree=$(cd "$tree" && pwd)
clone=$tree/srv/portolan
rm -rf "$clone" "$tree/root/.cache"
git -c safe.directory='*' clone -q --no-hardlinks "$root" "$clone"
cp -L /etc/resolv.conf "$tree/etc/resolv.conf"

inside='set -euo pipefail
tree=$1
shift
mount -t proc proc "$tree/proc"
mount -t tmpfs -o mode=755 dev "$tree/dev"
for node in null zero full random urandom tty; do
    touch "$tree/dev/$node"
    mount --bind "/dev/$node" "$tree/dev/$node"
done
mkdir "$tree/dev/shm"
mount -t tmpfs -o mode=1777 shm "$tree/dev/shm"
ln -s /proc/self/fd "$tree/dev/fd"
exec chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-dumb}" \
    bash -c "cd /srv/portolan && exec \"\$@\"" inside "$@"'
exec unshare --mount --propagation private --pid --fork --kill-child bash -c "$inside" inside "$tree" "$@"
