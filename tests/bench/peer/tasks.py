# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer's task queue: Celery on the same Redis, defaults throughout; results expire as in the small tier."""

import os

from celery import Celery

app = Celery("peer", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.result_expires = 900


@app.task(name="portal.noop")
def noop(*args, **kwargs):
    return {"args": args, "kwargs": kwargs}
