# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker of somebody else's Celery application (shop.py), beside a portal."""

import pathlib
import subprocess

from celery_client import App
from harness import clean_environment, die_with_parent, wait_until

HERE = pathlib.Path(__file__).resolve().parent


class Shop:
    """Their worker: a real Celery process."""

    def __init__(self, where, url, queue="celery", name="shop", pool="threads", **more):
        self.node = f"{name}@test"
        self.app = App(url)
        self.app.conf.task_default_queue = queue
        self.command = ["/usr/bin/python3", "-B", "-m", "celery", "-A", "shop", "worker", "--pool", pool, "-c", "2", "-n", self.node,
                        "--without-gossip", "--without-mingle", "-l", "WARNING"]
        self.env = clean_environment(SHOP_URL=url, SHOP_QUEUE=queue, PYTHONPATH=str(HERE), C_FORCE_ROOT="1", **more)
        self.log = open(where / f"{name}.log", "ab")
        self.process = None

    def start(self, wait=True):
        self.process = subprocess.Popen(self.command, cwd=HERE, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, start_new_session=True, preexec_fn=die_with_parent)
        if wait:
            self.wait()
        return self

    def wait(self):
        wait_until(lambda: self.app.control.ping(destination=[self.node], timeout=0.5), f"{self.node} answers", 90)

    def charge(self, number, count=1):
        return [self.app.send_task("shop.charge_card", args=(number + i,)) for i in range(count)]

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.kill()
        self.log.close()
        self.app.close()
