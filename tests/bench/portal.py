# SPDX-License-Identifier: GPL-3.0-or-later
"""Our side: a portoland with a tier whose windows never refuse, and a signed-in user."""

import json
import os
import re
import socket
import subprocess
import threading

import redis

from tools import Child, Failed, cookie_of, http

READY = re.compile(r"portoland: serving (http://127\.0\.0\.1:(\d+)) ")
PASSWORD = "only-for-measurements-on-loopback"

# The small tier, with windows and ceilings that never refuse: as many windows as there.
TIER = """\
name = "bench"
title = "The small tier without refusals"

[redis]
maxmemory = "30MB"
connections = 30

[ceilings]
users = 0
analysis = 0
upload = 0
automation = 0

[limits]
default = "900000000 per day; 900000000 per hour; 900000000 per minute"
api = "900000000 per day; 900000000 per hour; 900000000 per minute"
auth = "900000000 per day; 900000000 per hour; 900000000 per minute"
analysis = "900000000 per day; 900000000 per hour; 900000000 per minute"
"""


class Portal:
    def __init__(self, folder, binary, *arguments):
        tier = folder / "bench.toml"
        tier.write_text(TIER)
        log = folder / "portoland.log"
        self.child = Child([binary, "serve", "--listen", "127.0.0.1:0", "--tier", tier, "--data-dir", folder / "data",
                            *arguments],
                           log, dict(os.environ, LC_ALL="C.UTF-8"), stdout=subprocess.PIPE)
        self.redis = None
        try:
            ready = self.child.process.stdout.readline().decode()
            match = READY.match(ready)
            if not match:
                self.child.process.wait(10)
                self.child.check()
                raise Failed(f"portoland: no ready line but {ready!r}")
            self.url, self.port = match.group(1), int(match.group(2))
            threading.Thread(target=self.child.process.stdout.read, daemon=True).start()
            self.redis = redis.Redis(unix_socket_path=self._redis_socket())
            self.redis.ping()
        except BaseException:
            self.stop()
            raise

    def _redis_socket(self):
        """Of the private redis-server: its process title names it."""
        children = subprocess.run(["ps", "-o", "args=", "--ppid", str(self.child.pid)], capture_output=True, text=True, check=True).stdout
        for line in children.splitlines():
            match = re.search(r"redis-server.*unixsocket:(\S+)", line)
            if match:
                return match.group(1)
        raise Failed(f"no redis-server with a Unix socket among portoland's children: {children!r}")

    @property
    def pid(self):
        return self.child.pid

    def stop(self):
        if self.redis:
            self.redis.close()
        self.child.stop()

    def sign_in(self):
        credentials = {"email": "bench@example.org", "password": PASSWORD}
        status, _, body = http("POST", self.url + "/auth/register", credentials)
        if status not in (201, 409):
            raise Failed(f"register answered {status}: {body[:300]!r}")
        status, headers, body = http("POST", self.url + "/auth/login", credentials)
        if status != 200:
            raise Failed(f"login answered {status}: {body[:300]!r}")
        self.bearer = json.loads(body)["access_token"]
        return cookie_of(headers, "sid")


def send_large_body(port, bearer, size, chunked):
    """Sends a body of so many bytes as fast as it is taken; returns (first line of the answer, bytes sent)."""
    head = f"POST /start-analysis HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\n"
    head += "Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {size}\r\n\r\n"
    block = b" " * 65536
    piece = b"10000\r\n" + block + b"\r\n" if chunked else block
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(head.encode())
            connection.setblocking(True)
            connection.settimeout(20)
            while sent < size:
                connection.sendall(piece)
                sent += len(block)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            answer = connection.recv(4096)
        except ConnectionResetError:
            answer = b""
    return answer.split(b"\r\n", 1)[0].decode(errors="replace"), sent
