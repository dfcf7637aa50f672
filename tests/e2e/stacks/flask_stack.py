# SPDX-License-Identifier: GPL-3.0-or-later
"""A Flask application as somebody else runs it: Flask-Session, Flask-Limiter and Flask-SocketIO on one Redis, gunicorn with
an eventlet worker, two queues of Celery, nginx with its exporter before it all. On loopback, each program of its own."""

import pathlib

from harness import free_port, wait_until
from celery_client import App
from stacks import load
from stacks.figures import CeleryFigures, MetricsFigures, RedisFigures
from stacks.load import Ask
from stacks.nginx import Nginx, answers
from stacks.processes import PYTHON, Stack, environment

SOURCE = pathlib.Path(__file__).resolve().parent / "flask_shop"
SLOW = 0.5  # seconds the warehouse takes
SEARCHES = 5  # allowed in a minute

# What an operator writes who has this stack to look after.
WATCH = """\
name = "flask-shop"
group = "shops"
tier = "small"

[redis]
url = "redis://127.0.0.1:{redis_port}/0"

[celery]
queues = ["celery", "mail", "archive"]
events = true

[metrics]
url = "{metrics_url}"
map = "nginx-exporter"
every = "5s"

[[probe]]
url = "{url}/health"
every = "5s"

[families]
sessions = ["session:*"]
limits = ["LIMITER/*"]
cache = ["cache:*"]
"""


class FlaskStack(Stack):
    NODE = "shop@flask"
    QUEUES = ("celery", "mail", "archive")
    FAMILIES = {"sessions": "session:*", "limits": "LIMITER/*", "cache": "cache:*", "results": "celery-task-meta-*"}

    def start(self):
        port = self.redis_port = free_port()
        self.redis_url = f"redis://127.0.0.1:{port}/0"
        redis = self.run("redis", ["redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", self.where, "--save", "",
                                   "--maxmemory", "25mb", "--maxmemory-policy", "noeviction", "--maxclients", "100"])
        self.redis = RedisFigures("-h", "127.0.0.1", "-p", port)
        redis.wait_until(self.redis.answers, "it answers")

        self.env = environment(REDIS_URL=self.redis_url, SECRET_KEY="only for tests on loopback", C_FORCE_ROOT=1)
        behind = free_port()
        web = self.run("gunicorn", [PYTHON, "/usr/bin/gunicorn", "-c", SOURCE / "gunicorn.conf.py", "--bind", f"127.0.0.1:{behind}",
                                    "shop:app"], cwd=SOURCE, env=self.env)
        worker = self.run("celery", [PYTHON, "-m", "celery", "-A", "shop.tasks", "worker", "-Q", "celery,mail", "-c", 2, "-n", self.NODE,
                                     "-l", "INFO"], cwd=SOURCE, env=self.env)
        web.wait_until(lambda: answers(f"http://127.0.0.1:{behind}/health"), "it answers")
        nginx = Nginx(self, behind)
        self.url, self.nginx, self.exporter = nginx.url, nginx.figures, MetricsFigures(nginx.metrics_url)
        self.celery = CeleryFigures("shop.tasks", SOURCE, self.env, [worker])
        self.client = App(self.redis_url)
        self._end.callback(self.client.close)
        worker.wait_until(lambda: self.client.control.ping(destination=[self.NODE], timeout=1), "it answers")

    def watch_file(self):
        file = self.where / "flask-shop.toml"
        file.write_text(WATCH.format(redis_port=self.redis_port, metrics_url=self.exporter.url, url=self.url))
        file.chmod(0o600)
        return file

    def visit(self, visitors=4, rounds=5):
        """Requests that succeed, fail, are slow or too many. Each visitor signs in, and orders once a round."""
        def asks(visitor):
            yield Ask("POST", "/login", {"email": f"visitor{visitor}@example.org"})
            for turn in range(rounds):
                number = visitor * rounds + turn
                yield Ask("GET", f"/products/{number}")
                yield Ask("GET", f"/products/{number}")
                yield Ask("GET", "/products/1000")
                yield Ask("POST", f"/cart/{number}")
                yield Ask("POST", "/orders")
                yield Ask("GET", "/legacy")
            yield Ask("GET", f"/stock?seconds={SLOW}")
            yield Ask("POST", "/orders")
            for _ in range(SEARCHES):
                yield Ask("GET", "/search?q=7")
        return load.send(self.url, [list(asks(visitor)) for visitor in range(visitors)])

    def send(self, name, *arguments, queue="celery", **more):
        """A task of this name; its id."""
        return self.client.send_task(name, arguments, queue=queue, **more).id

    def wait_for_tasks(self, name, what, count):
        wait_until(lambda: len(self.celery.logged()[name, what]) >= count, f"{count} of {name} {what}", 60)
