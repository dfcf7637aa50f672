# SPDX-License-Identifier: GPL-3.0-or-later
"""A library that, preloaded into a program, lets writes to one of its files hang for ever from a moment of the test's
choice on: as on a disk or a file server that does not answer any more."""

import contextlib
import os
import subprocess
import threading

from harness import PASSWORD

SOURCE = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_to_hang(int descriptor)
{
    const char *moment = getenv("HANG_WHEN_THERE");
    const char *ending = getenv("HANG_FILE");
    char link[64], path[4096];
    ssize_t length;
    if (!moment || !ending || access(moment, F_OK) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path);
    return length >= (ssize_t)strlen(ending) &&
           memcmp(path + length - strlen(ending), ending, strlen(ending)) == 0;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t where)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    while (is_to_hang(descriptor))
        pause();
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    return real(descriptor, bytes, count, where);
}
"""


class Hang:
    """`env` is for the program; once begin() was called, its writes to files whose path ends so do not return."""

    def __init__(self, where, ending):
        library = where / "hang.so"
        subprocess.run(["c++", "-x", "c", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", str(library), "-", "-ldl"],
                       input=SOURCE, text=True, check=True)
        self.moment = where / "hang-now"
        # AddressSanitizer wants to be the first library; this one replaces nothing that it has.
        sanitizer = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        self.env = {"LD_PRELOAD": str(library), "HANG_WHEN_THERE": str(self.moment), "HANG_FILE": ending,
                    "ASAN_OPTIONS": sanitizer}

    def begin(self):
        self.moment.touch()

    def end(self):
        """For programs started from now on; one that hangs stays so."""
        self.moment.unlink()


def register_without_answer(client):
    """Somebody who signs up while nothing is written any more: waits for as long as the program runs."""

    def register():
        with contextlib.suppress(OSError):  # nobody answers any more
            client.post("/auth/register", {"email": "late@example.org", "password": PASSWORD})

    threading.Thread(target=register, daemon=True).start()
