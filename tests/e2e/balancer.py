# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around several instances of a portal in tests: nginx before them, and a slow way to their database."""

import asyncio
import os
import random
import subprocess
import threading

from harness import die_with_parent, free_port, wait_until
from clients import Client

CONFIGURATION = """\
daemon off;
master_process off;
pid {where}/nginx.pid;
error_log {where}/nginx-error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {where}/body;
    proxy_temp_path {where}/proxy;
    fastcgi_temp_path {where}/fastcgi;
    uwsgi_temp_path {where}/uwsgi;
    scgi_temp_path {where}/scgi;
    upstream portal {{
{servers}
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://portal;
            proxy_set_header Host $host;
            proxy_next_upstream off;
        }}
    }}
}}
"""


class Nginx:
    """nginx before `servers`: (port, weight) of each. A request goes to one of them, whatever comes of it."""

    def __init__(self, where, servers):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        lines = "\n".join(f"        server 127.0.0.1:{port} weight={weight} max_fails=0;" for port, weight in servers)
        configuration = where / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(where=where, port=self.port, servers=lines))
        self.process = subprocess.Popen(["nginx", "-p", str(where), "-c", str(configuration), "-e", f"{where}/nginx-error.log"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent,
                                        env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"})
        wait_until(self.answers, "nginx answers")

    def answers(self):
        try:
            return Client(self.url).get("/health").status == 200
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class SlowWay:
    """A TCP port that leads to a Unix socket. While `delays` is set, what a client says takes so many seconds to get
    there: between the two, evenly spread, always the same ones in the same order."""

    def __init__(self, target, seed=1):
        self.delays = None
        self.target = target
        self.random = random.Random(seed)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, "127.0.0.1", 0), self.loop).result(10)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            back_reader, back_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.pass_on(reader, back_writer, True), self.pass_on(back_reader, writer, False))

    async def pass_on(self, reader, writer, slowly):
        try:
            while data := await reader.read(65536):
                if slowly and self.delays:
                    await asyncio.sleep(self.random.uniform(*self.delays))
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def end(self):
        """No connection stays: PostgreSQL waits for its clients before it stops."""
        self.server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
