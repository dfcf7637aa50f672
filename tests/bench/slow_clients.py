# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds N connections whose request headers never end, sending a byte now and then, until standard input closes.

slow_clients.py PORT N. A server may close one at any time (and should); it is opened again. Loopback has many addresses:
250 clients come from each, since a server bounds the connections of one address. Prints "held N" once all have been open
at the same time, or "held M" with the most there were after 10 s.
"""

import resource
import select
import socket
import sys
import time

PER_ADDRESS = 250
START = b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


def open_one(port, number):
    client = socket.socket()
    client.bind((f"127.0.0.{2 + number // PER_ADDRESS}", 0))
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) +
                       resource.getrlimit(resource.RLIMIT_NOFILE)[1:])
    clients = [None] * count
    started = [False] * count
    most, told, begin = 0, False, time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        alive = 0
        for number in range(count):
            if clients[number] is None:
                clients[number], started[number] = open_one(port, number), False
                continue
            try:
                clients[number].send(b"x" if started[number] else START)
                started[number] = True
                alive += 1
            except BlockingIOError:
                pass
            except OSError:
                clients[number].close()
                clients[number] = None
        most = max(most, alive)
        if not told and (most == count or time.monotonic() - begin > 10):
            print("held", most, flush=True)
            told = True
        time.sleep(0.5)


if __name__ == "__main__":
    main()
