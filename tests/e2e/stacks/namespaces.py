# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a test's own (ip netns), tied to each other by veth pairs and to nothing else: no address of them is reachable
from this machine's own network, and none of its traffic goes anywhere else. Needs root."""

import os
import subprocess

from harness import die_with_parent, patience


def ip(*words, prefix=()):
    done = subprocess.run([*prefix, "ip", *map(str, words)], capture_output=True, text=True, timeout=patience(20), stdin=subprocess.DEVNULL,
                          preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise AssertionError(f"ip {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def allowed():
    return os.geteuid() == 0


class Namespace:
    """`name` is made this process's own, so that several tests, and what a killed one left, do not meet."""

    def __init__(self, name):
        self.name = f"pe{os.getpid()}-{name}"
        ip("netns", "add", self.name)
        # What becomes a program in it. It stays the same process, so it dies with us as any other.
        self.prefix = ("nsenter", f"--net=/run/netns/{self.name}")
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        """Not by its own -n, which cannot do it in a chroot."""
        return ip(*words, prefix=self.prefix)

    def routes(self):
        return self.ip("route", "show")

    def remove(self):
        ip("netns", "delete", self.name)


def remove_left():
    """Those of tests that were killed."""
    for line in ip("netns", "list").splitlines():
        name = line.split()[0]
        owner = name.partition("-")[0].removeprefix("pe")
        if name.startswith("pe") and owner.isdecimal() and not os.path.exists(f"/proc/{owner}"):
            ip("netns", "delete", name)


def tie(one, its_address, other, others_address):
    """A veth pair with an end and an address ("10.0.0.1/30") in each."""
    ip("link", "add", "to" + other.name.rpartition("-")[2], "netns", one.name, "type", "veth",
       "peer", "name", "to" + one.name.rpartition("-")[2], "netns", other.name)
    for here, there, address in ((one, other, its_address), (other, one, others_address)):
        end = "to" + there.name.rpartition("-")[2]
        here.ip("address", "add", address, "dev", end)
        here.ip("link", "set", end, "up")
