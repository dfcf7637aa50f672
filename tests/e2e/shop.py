# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else's Celery application, for tests beside it: SHOP_URL names its Redis, SHOP_QUEUE its queue."""
import math
import os

import redis
from celery import Celery
from celery.exceptions import Ignore

url = os.environ["SHOP_URL"]
app = Celery("shop", broker=url, backend=url)
app.conf.update(
    task_default_queue=os.environ.get("SHOP_QUEUE", "celery"),
    task_acks_late=True,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)
_charged = redis.Redis.from_url(url)


@app.task(name="shop.charge_card")
def charge_card(number):
    """Leaves a mark of each run, to be counted by the test."""
    return _charged.hincrby("shop:charged", number, 1)


if os.environ.get("SHOP_ANALYSES"):

    @app.task(bind=True, name="portal.analysis")
    def analysis(self, symbol, **_):
        """Writes results and states as people's tasks do."""
        if symbol == "NAN":
            return {"x": float("nan"), "y": [1, math.inf]}
        if symbol == "META":
            self.update_state(state="FAILURE", meta={"error": "no prices"})
            raise Ignore()
        self.update_state(state="PROGRESS", meta={"current": 3, "total": 10, "percent": 30.0, "description": "x"})
        while not _charged.exists("shop:go"):
            _charged.blpop("shop:wake", timeout=1)
        return {"symbol": symbol}
