# SPDX-License-Identifier: GPL-3.0-or-later
"""A Django application as somebody else runs it: cache and sessions by django-redis, counters by django-prometheus,
gunicorn, Celery with priorities and a key prefix, and its results in another database of the same Redis."""

import pathlib

from harness import free_port, wait_until
from celery_client import App
from stacks import load
from stacks.figures import CeleryFigures, MetricsFigures, RedisFigures
from stacks.load import Ask
from stacks.nginx import answers
from stacks.processes import PYTHON, Stack, environment

SOURCE = pathlib.Path(__file__).resolve().parent / "django_shop"
SLOW = 0.5  # seconds the warehouse takes

# What an operator writes who has this stack to look after.
WATCH = """\
name = "django-shop"
group = "shops"
tier = "small"
production = true

[redis]
url = "redis://127.0.0.1:{redis_port}/0"

[celery]
queues = ["shop", "night"]
prefix = "shop:"
steps = [0, 3, 6, 9]
result_url = "redis://127.0.0.1:{redis_port}/1"
visibility_timeout = "10m"

[metrics]
url = "{url}/metrics"
map = "django-prometheus"
every = "5s"

[[probe]]
url = "{url}/health"
every = "5s"

[families]
sessions = ["site:1:django.contrib.sessions*"]
cache = ["site:1:*"]
"""


class DjangoStack(Stack):
    """`workers` of gunicorn: with more than one each answer of /metrics is another's."""

    NODE = "shop@django"
    PREFIX = "shop:"
    RESULTS = 1  # database
    STEPS = (0, 3, 6, 9)
    FAMILIES = {"sessions": "site:1:django.contrib.sessions*", "cache": "site:1:product:*"}

    def __init__(self, workers=1):
        super().__init__()
        self.workers = workers

    def start(self):
        port = self.redis_port = free_port()
        redis = self.run("redis", ["redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", self.where, "--save", "",
                                   "--maxmemory", "25mb", "--maxmemory-policy", "noeviction", "--maxclients", "100"])
        self.redis = RedisFigures("-h", "127.0.0.1", "-p", port)
        redis.wait_until(self.redis.answers, "it answers")

        broker, results = f"redis://127.0.0.1:{port}/0", f"redis://127.0.0.1:{port}/{self.RESULTS}"
        self.env = environment(BROKER_URL=broker, RESULT_URL=results, CACHE_URL=broker, SECRET_KEY="only for tests on loopback",
                               C_FORCE_ROOT=1)
        web_port = free_port()
        self.url = f"http://127.0.0.1:{web_port}"
        web = self.run("gunicorn", [PYTHON, "/usr/bin/gunicorn", "--workers", self.workers, "--threads", 4, "--graceful-timeout", 5,
                                    "--bind", f"127.0.0.1:{web_port}", "shop.wsgi"], cwd=SOURCE, env=self.env)
        self.client = App(broker)
        self.client.conf.update(result_backend=results, broker_transport_options={
            "global_keyprefix": self.PREFIX, "priority_steps": list(self.STEPS), "queue_order_strategy": "priority"})
        self._end.callback(self.client.close)
        self.metrics = MetricsFigures(self.url + "/metrics")
        self.celery = CeleryFigures("shop", SOURCE, self.env, [])
        self.start_worker()
        web.wait_until(lambda: answers(self.url + "/health"), "it answers")

    def start_worker(self):
        worker = self.run("celery", [PYTHON, "-m", "celery", "-A", "shop", "worker", "-Q", "shop", "-c", 2, "-n", self.NODE, "-l", "INFO"],
                          cwd=SOURCE, env=self.env)
        self.celery.logs = [worker]
        worker.wait_until(lambda: self.client.control.ping(destination=[self.NODE], timeout=1), "it answers")

    def watch_file(self):
        file = self.where / "django-shop.toml"
        file.write_text(WATCH.format(redis_port=self.redis_port, url=self.url))
        file.chmod(0o600)
        return file

    def visit(self, visitors=4, rounds=5):
        """Requests that succeed, fail, are slow. Each visitor signs in, and orders once a round."""
        def asks(visitor):
            yield Ask("POST", "/login", {"email": f"visitor{visitor}@example.org"})
            for turn in range(rounds):
                number = visitor * rounds + turn
                yield Ask("GET", f"/products/{number}")
                yield Ask("GET", f"/products/{number}")
                yield Ask("GET", "/products/1000")
                yield Ask("POST", "/orders", {"order": number, "express": turn == 0})
                yield Ask("GET", "/legacy")
            yield Ask("GET", f"/stock?seconds={SLOW}")
        return load.send(self.url, [list(asks(visitor)) for visitor in range(visitors)])

    def send(self, name, *arguments, queue="shop", **more):
        """A task of this name; its id."""
        return self.client.send_task(f"shop.tasks.{name}", arguments, queue=queue, **more).id

    def wait_for_tasks(self, name, what, count):
        wait_until(lambda: len(self.celery.logged()[f"shop.tasks.{name}", what]) >= count, f"{count} of {name} {what}", 60)
