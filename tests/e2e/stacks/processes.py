# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a stack: started by name, watched while one waits for them, and ended by process id with all they started."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

from harness import die_with_parent, folder, patience, wait_until

PYTHON = "/usr/bin/python3"


def environment(**more):
    """What a program of a stack sees: nothing of ours."""
    keep = {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
    return {**keep, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1", **{name: str(value) for name, value in more.items()}}


def state(pid):
    """(state, parent, session) of a process, or None when it is gone. Who has ended and is not waited for is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else (fields[0], int(fields[1]), int(fields[3]))


def started_by(pid):
    """This process, what it started and what that did, and whoever is in its session, as people's programs fork twice."""
    all_of_them = {int(entry): state(entry) for entry in os.listdir("/proc") if entry.isdecimal()}
    found, before = {pid}, set()
    while found != before:
        before = set(found)
        found |= {other for other, known in all_of_them.items() if known and (known[1] in before or known[2] == pid)}
    return found


class Child:
    """A program with a log. `prefix`: what becomes it, such as nsenter."""

    def __init__(self, name, command, where, *, env=None, cwd=None, prefix=(), last=signal.SIGTERM):
        self.name, self.last = name, last
        self.log = pathlib.Path(where) / f"{name}.log"
        self.command = [*map(str, prefix), *map(str, command)]
        self.env, self.cwd = env or environment(), cwd or where
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.cwd, env=self.env,
                                            start_new_session=True, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, condition, what, seconds=60):
        """As harness.wait_until, and at once no longer when the program has ended."""

        def holds():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.text()[-4000:]}")
            return condition()

        try:
            return wait_until(holds, f"{self.name}: {what}", seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.text()[-4000:]}") from None

    def kill(self):
        """At once, as a machine's failure does: it and all it started."""
        for pid in started_by(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=20):
        """Asks it to end, then kills; raises when anything of it is still there after that."""
        if self.process.poll() is not None:
            return
        there = started_by(self.pid)
        self.process.send_signal(self.last)
        try:
            self.process.wait(patience(seconds))
        except subprocess.TimeoutExpired:
            pass
        grace = time.monotonic() + patience(2)
        while any(map(state, there)) and self.process.poll() is not None and time.monotonic() < grace:
            time.sleep(0.02)
        for pid in filter(state, there):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not any(map(state, there)), f"{self.name} is gone with all it started")


class Stack(contextlib.AbstractContextManager):
    """Several programs that are one application. `with SomeStack() as stack` starts them in order and leaves when all
    are gone. A subclass says in start() what there is."""

    def __init__(self):
        self.children = {}
        self._end = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.where = self._end.enter_context(folder())
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        raise NotImplementedError

    def run(self, name, command, **more):
        child = self.children[name] = Child(name, command, self.where, **more)
        self._end.callback(child.stop)
        return child

    def stop(self):
        self._end.close()  # the last first; each is asked even where another's end failed

    def check(self):
        """Nothing has ended by itself."""
        for child in self.children.values():
            if child.process.poll() is not None:
                raise AssertionError(f"{child.name} ended with {child.process.returncode}:\n{child.text()[-4000:]}")
