# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of the serving process at random instants under load: every task that was accepted ends, none is lost.

As a test (CTest, 5 instants each with the embedded and an external Redis), or as a measurement:
    PORTOLAND=… /usr/bin/python3 tests/e2e/kill_test.py --instants 50
"""

import argparse
import http.client
import random
import sys
import threading
import time
import unittest

from harness import Client, Portal, Redis, folder, patience

LOADERS = 4
ENDED = {"SUCCESS", "FAILURE", "REVOKED"}


class Load(threading.Thread):
    """Starts short analyses as fast as they are accepted, and remembers each that was; goes on through outages."""

    def __init__(self, portal, cookies, csrf):
        super().__init__(daemon=True)
        self.portal, self.cookies, self.csrf = portal, cookies, csrf
        self.accepted = []
        self.unexpected = []
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            client = Client(self.portal.url)
            client.cookies, client.csrf = dict(self.cookies), self.csrf
            try:
                answer = client.post("/start-analysis", {"symbol": "AAPL", "horizon_days": 10, "paths": 200}, timeout=5)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # killed, or not up again yet
                continue
            if answer.status == 202:
                self.accepted.append(answer.json["task_id"])
            elif answer.status != 503:
                self.unexpected.append(repr(answer))
                time.sleep(0.05)


def states_of(client, ids):
    counts = {}
    for task_id in ids:
        state = client.task(task_id)["state"]
        counts.setdefault(state, []).append(task_id)
    return counts


def kill_under_load(instants, external, seed, report=lambda text: None):
    """Returns (accepted, {state: [ids]}, seconds from the last restart until all had ended, unexpected answers)."""
    chance = random.Random(seed)
    with folder() as where:
        server = Redis(where) if external else None
        # Room for every result: a full Redis would refuse new tasks, and the load would stop.
        redis = ("--redis", server.url) if external else ("--set", "redis.maxmemory=2GB")
        portal = Portal(where, *redis)
        loaders = []
        try:
            signed_in = portal.client().sign_up("load@example.org")
            loaders = [Load(portal, signed_in.cookies, signed_in.csrf) for _ in range(LOADERS)]
            for loader in loaders:
                loader.start()
            for number in range(instants):
                time.sleep(chance.uniform(0.05, 1.5))
                portal.kill()
                portal.start()
                report(f"kill {number + 1} of {instants}: {sum(len(loader.accepted) for loader in loaders)} tasks accepted")
            time.sleep(0.5)
            for loader in loaders:
                loader.done.set()
            for loader in loaders:
                loader.join()
            accepted = [task_id for loader in loaders for task_id in loader.accepted]
            client = Client(portal.url)
            client.cookies = signed_in.cookies
            start = time.monotonic()
            waiting, ended = accepted, {}
            # What ran when the process died is restored within 10 s; the rest only has to be worked off.
            deadline = start + patience(60 + len(accepted) / 100)
            while waiting and time.monotonic() < deadline:
                counts = states_of(client, waiting)
                for state in set(counts) & ENDED:
                    ended.setdefault(state, []).extend(counts.pop(state))
                waiting = [task_id for ids in counts.values() for task_id in ids]
                time.sleep(0.2)
            seconds = time.monotonic() - start
            for state, ids in (counts.items() if waiting else ()):
                ended[state] = ids
            return len(accepted), ended, seconds, [text for loader in loaders for text in loader.unexpected]
        finally:
            for loader in loaders:
                loader.done.set()
            portal.kill()
            if server:
                server.stop()


class KillTest(unittest.TestCase):
    INSTANTS = 5

    def check(self, external):
        seed = random.randrange(2**32)
        accepted, states, _, unexpected = kill_under_load(self.INSTANTS, external, seed)
        counts = {state: len(ids) for state, ids in states.items()}
        self.assertEqual(unexpected, [], f"seed {seed}")
        self.assertGreater(accepted, 0)
        self.assertEqual(set(counts) - {"SUCCESS"}, set(), f"seed {seed}: {counts}")
        self.assertEqual(sum(counts.values()), accepted)

    def test_embedded_redis(self):
        self.check(external=False)

    def test_external_redis(self):
        self.check(external=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--instants", type=int)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = options.parse_args()
    if options.instants is None:
        unittest.main(argv=sys.argv[:1])
    lost = False
    for external in (False, True):
        name = "external Redis" if external else "embedded Redis"
        accepted, states, seconds, unexpected = kill_under_load(
            options.instants, external, options.seed, lambda text, name=name: print(f"{name}: {text}", file=sys.stderr))
        counts = {state: len(ids) for state, ids in states.items()}
        lost = lost or bool(set(counts) - {"SUCCESS"}) or sum(counts.values()) != accepted or bool(unexpected)
        print(f"{name}: {options.instants} kills, {accepted} tasks accepted, ended {counts}, all within {seconds:.1f} s of the "
              f"last restart, {len(unexpected)} unexpected answers (seed {options.seed})")
        for text in unexpected[:5]:
            print("   ", text)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
