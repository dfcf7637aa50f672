# SPDX-License-Identifier: GPL-3.0-or-later
"""A portal under a locale that writes 0,5 for 0.5: what it says to others, and to people, is the same as everywhere."""

import json
import re
import subprocess
import threading
import unittest

import celery
from prometheus_client.parser import text_string_to_metric_families

from harness import Portal, Redis, clean_environment, folder, patience, run, wait_until


class LocaleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.where = cls.enterClassContext(folder())
        locales = cls.where / "locales"
        locales.mkdir()
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(locales / "de_DE.UTF-8")], check=True, capture_output=True)
        cls.env = {"LOCPATH": str(locales), "LC_ALL": "de_DE.UTF-8"}
        shown = subprocess.run(["printf", "%.1f", "1,5"], env=clean_environment(**cls.env), capture_output=True, text=True, check=False)
        assert shown.stdout == "1,5", f"the locale is not in force: {shown}"
        cls.redis = Redis(cls.where)
        cls.addClassCleanup(cls.redis.stop)
        cls.portal = Portal(cls.where, "--redis", cls.redis.url, env=cls.env)
        cls.addClassCleanup(cls.portal.kill)

    def test_celery_reads_our_heartbeats(self):
        app = celery.Celery(broker=self.redis.url)
        beats = []
        arrived = threading.Event()

        def keep(event):
            beats.append(event)
            arrived.set()

        def receive():
            with app.connection() as connection:
                receiver = app.events.Receiver(connection, handlers={"worker-heartbeat": keep})
                for _ in receiver.itercapture(limit=None, timeout=patience(20), wakeup=False):
                    if arrived.is_set():
                        break

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        self.assertTrue(arrived.wait(patience(20)), "no heartbeat that Celery can read")
        thread.join(patience(10))
        self.assertIsInstance(beats[0]["timestamp"], float)
        self.assertEqual(len(beats[0]["loadavg"]), 3)

    def test_what_people_and_programs_read(self):
        client = self.portal.client().sign_up("locale@example.org")
        client.wait_for_task(client.start_analysis(paths=1000))
        families = list(text_string_to_metric_families(client.get("/metrics").body.decode()))
        self.assertTrue(families)
        text = wait_until(lambda: (lambda done: done.stdout if "MB" in done.stdout else None)(
            run("status", "--data-dir", self.portal.data_dir, env=self.env)), "the status")
        self.assertIsNone(re.search(r"\d,\d* ?(B|KB|MB|GB|s|ms|%|ended)", text), text)
        snapshot = json.loads(run("status", "--json", "--data-dir", self.portal.data_dir, env=self.env).stdout)
        self.assertEqual(snapshot["tier"], "wide")
        done = run("check-config", "--data-dir", self.portal.data_dir, env=self.env)
        self.assertRegex(done.stdout, r"zones\.redis_memory\.margin +0\.03 ")
        for line in self.portal.log.read_text().splitlines():
            json.loads(line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
