# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal asks of a Redis with a plan by itself, and while its console's queue page is open, as the provider counts
it: commands (those inside scripts too) and bytes sent, over half a minute."""

import contextlib
import os
import time

import console
from tools import Child, Folder, PrivateRedis, http, wait_until

SECONDS = 30
FOREIGN_KEYS = 200_000


def counted(client, seconds):
    """(commands a second, bytes a second), without what asking takes."""
    def read():
        stats = client.info("stats")
        return time.monotonic(), stats["total_commands_processed"], stats["total_net_output_bytes"]
    client.ping()
    first, begin = read(), read()
    time.sleep(seconds)
    end = read()
    span = end[0] - begin[0]
    return (end[1] - begin[1] - 1) / span, (end[2] - begin[2] - (begin[2] - first[2])) / span


def idle(binary, instances=1):
    """A portal of tier small on a Redis that is named, without console and traffic; of several processes, all of them."""
    with Folder() as folder, contextlib.ExitStack() as stack:
        redis = PrivateRedis(folder)
        stack.callback(redis.stop)
        for number in range(instances):
            log = folder / f"portoland-{number}.log"
            child = Child([binary, "serve", "--tier", "small", "--redis", redis.url, "--listen", "127.0.0.1:0", "--data-dir",
                           folder / f"data-{number}", "--set", f"instance.name=bench-{number}"], log,
                          dict(os.environ, LC_ALL="C.UTF-8"))
            stack.callback(child.stop)
            wait_until(lambda: child.check() and b"serving http" in log.read_bytes(), 30, "portoland")
        time.sleep(5 if instances == 1 else 60)  # what starting asks for, and until they know of each other at that pace
        return counted(redis.client, SECONDS if instances == 1 else 2 * SECONDS)


def queue_page(program):
    """The queue page open on such a portal, in a Redis where others keep 200,000 keys and thirty queues."""
    with Folder() as folder, contextlib.ExitStack() as stack:
        redis = PrivateRedis(folder)
        stack.callback(redis.stop)
        pipe = redis.client.pipeline(transaction=False)
        for number in range(FOREIGN_KEYS):
            pipe.set(f"shop:{number}", "x")
            if number % 10_000 == 9_999:
                pipe.execute()
        for number in range(30):
            pipe.sadd(f"_kombu.binding.team{number}", f"team{number}\x06\x16\x06\x16team{number}")
            pipe.lpush(f"team{number}", "{}")
        pipe.execute()
        screen = console.Screen(folder)
        stack.callback(screen.stop)
        shown = console.start_portolan(screen, folder, program, "--redis", redis.url, "--page", "queue")
        stack.callback(shown.stop)
        shown.mark("sample")
        time.sleep(5)
        return counted(redis.client, SECONDS)
