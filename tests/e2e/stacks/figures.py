# SPDX-License-Identifier: GPL-3.0-or-later
"""What each component of a stack says of itself, by its own tools: what the console shows is compared with these."""

import collections
import datetime
import json
import math
import re
import subprocess
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from harness import die_with_parent, patience
from stacks.processes import PYTHON, environment

SEPARATOR = "\x06\x16"  # kombu's, between a queue's name and its priority step
STEPS = (0, 3, 6, 9)


def output(command, seconds=30, **more):
    """What it prints; bytes that are no text are kept, and the same again as an argument."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="surrogateescape",
                          timeout=patience(seconds), stdin=subprocess.DEVNULL, preexec_fn=die_with_parent, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class RedisFigures:
    """A Redis server, by redis-cli. `options`: of redis-cli; `prefix`: what becomes it."""

    def __init__(self, *options, password=None, prefix=()):
        self.command = [*prefix, "redis-cli", *map(str, options)]
        self.env = environment(**({"REDISCLI_AUTH": password} if password else {}))

    def cli(self, *words, database=0):
        """The text it prints. An error of Redis is one here."""
        return output([*self.command, "-n", database, "-e", *words], env=self.env).removesuffix("\n")

    def refusal(self, *words):
        """The error it answers with, or nothing."""
        done = subprocess.run([*self.command, "-e", *words], capture_output=True, text=True, timeout=patience(30), env=self.env,
                              stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        return (done.stdout + done.stderr).strip() if done.returncode != 0 else ""

    def answers(self):
        try:
            return self.cli("PING") == "PONG"
        except (AssertionError, subprocess.TimeoutExpired):
            return False

    def info(self, section):
        """Every field of it as text, as INFO has it."""
        lines = self.cli("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))

    def keys(self, pattern="*", database=0):
        """By SCAN, each once."""
        return set(filter(None, self.cli("--scan", "--pattern", pattern, database=database).split("\n")))

    def families(self, patterns, database=0):
        """How many keys match each of {name: pattern}."""
        return {name: len(self.keys(pattern, database)) for name, pattern in patterns.items()}

    def clients(self):
        """CLIENT LIST without the redis-cli that asks."""
        lines = (dict(word.partition("=")[::2] for word in line.split()) for line in self.cli("CLIENT", "LIST").splitlines())
        return [client for client in lines if client["cmd"] not in ("client|list", "client")]

    def lengths(self, queue, prefix="", steps=STEPS):
        """LLEN of a queue's list for each priority step."""
        return {step: int(self.cli("LLEN", prefix + queue + (f"{SEPARATOR}{step}" if step else ""))) for step in steps}

    def unacknowledged(self, key="unacked"):
        return int(self.cli("HLEN", key))

    def results(self, database=0, prefix="celery-task-meta-"):
        """The stored results: {task id: the object}."""
        found = {}
        for key in self.keys(prefix + "*", database):
            text = self.cli("GET", key, database=database)
            if text:
                found[key.removeprefix(prefix)] = json.loads(text)
        return found


class CeleryFigures:
    """The workers of an application, by `celery inspect`, and a worker's own log."""

    TASK = re.compile(r"Task ([\w.]+)\[([0-9a-f-]{36})\] (received|succeeded|raised|retry)")

    def __init__(self, application, cwd, env, logs):
        self.application, self.cwd, self.env, self.logs = application, cwd, env, logs

    def inspect(self, what, node):
        text = output([PYTHON, "-m", "celery", "-A", self.application, "inspect", what, "--json", "-d", node, "-t", patience(5)],
                      cwd=self.cwd, env=self.env, seconds=60)
        return json.loads(text[text.index("{"):])[node]

    def logged(self):
        """What the workers' logs say of their tasks: {(name, what became of it): the ids}."""
        found = collections.defaultdict(list)
        for log in self.logs:
            for name, task, what in self.TASK.findall(log.text()):
                found[name, what].append(task)
        return found


class NginxFigures:
    """nginx, by its access log (a JSON object a line, as Nginx below writes it) and its stub_status page."""

    def __init__(self, log, status_url):
        self.log, self.status_url = log, status_url

    def requests(self, since=0, until=math.inf, leave_out=("/health",)):
        lines = map(json.loads, self.log.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if since <= line["at"] <= until and line["path"] not in leave_out]

    @staticmethod
    def by_status(requests):
        return collections.Counter(line["status"] for line in requests)

    @staticmethod
    def errors(requests):
        return sum(line["status"] >= 500 for line in requests)

    @staticmethod
    def rate(requests):
        """Requests a second, from the first to the last."""
        times = [line["at"] for line in requests]
        return (len(times) - 1) / (max(times) - min(times))

    @staticmethod
    def percentile(requests, share):
        """The nearest rank, in seconds."""
        times = sorted(line["seconds"] for line in requests)
        return times[max(0, math.ceil(share * len(times)) - 1)]

    def status(self):
        """{"active", "accepted", "handled", "requests"}"""
        text = page(self.status_url)
        accepted, handled, requests = map(int, re.search(r"(\d+) (\d+) (\d+)", text).groups())
        return {"active": int(re.search(r"Active connections: (\d+)", text)[1]), "accepted": accepted, "handled": handled,
                "requests": requests}


class MetricsFigures:
    """A page in Prometheus' text format, read by Prometheus' own client."""

    def __init__(self, url):
        self.url = url

    def samples(self):
        """{(series, its labels sorted): value}"""
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(page(self.url)) for sample in family.samples}

    @staticmethod
    def total(samples, series, **labels):
        wanted = set(labels.items())
        return sum(value for (name, has), value in samples.items() if name == series and wanted <= set(has))


def page(url):
    with urllib.request.urlopen(url, timeout=patience(10)) as answer:
        return answer.read().decode()


def certificate_end(certificate):
    """When a certificate ends, by openssl."""
    line = output(["openssl", "x509", "-noout", "-enddate", "-in", certificate]).strip()
    return datetime.datetime.strptime(line, "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=datetime.timezone.utc)
