# SPDX-License-Identifier: GPL-3.0-or-later
"""The shop's work behind the scenes."""

import os
import time

from celery import Celery
from flask_socketio import SocketIO

REDIS_URL = os.environ["REDIS_URL"]

celery = Celery("shop", broker=REDIS_URL, backend=REDIS_URL)
celery.conf.update(
    task_routes={"shop.send_mail": {"queue": "mail"}, "shop.archive": {"queue": "archive"}},
    result_expires=3600,
    result_extended=True,
    task_track_started=True,
    task_send_sent_event=True,
    worker_send_task_events=True,  # Flower is looked at
    broker_connection_retry_on_startup=True,
)
push = SocketIO(message_queue=REDIS_URL, write_only=True)


class MailServerBusy(Exception):
    pass


@celery.task(name="shop.charge")
def charge(order, items):
    push.emit("charged", {"order": order})
    return {"order": order, "cents": items * 995}


@celery.task(name="shop.send_mail", bind=True, max_retries=3)
def send_mail(self, order, to):
    """The mail server is busy at first, each time."""
    if self.request.retries == 0:
        raise self.retry(exc=MailServerBusy(to), countdown=0.5)
    return {"order": order, "to": to}


@celery.task(name="shop.refund")
def refund(order):
    raise ValueError(f"order {order} was never paid")


@celery.task(name="shop.report")
def report(file):
    """Waits for the accountants' file, at most two minutes."""
    deadline = time.monotonic() + 120
    while not os.path.exists(file) and time.monotonic() < deadline:
        time.sleep(0.1)
    return {"rows": 12}


@celery.task(name="shop.remind")
def remind(order):
    return order


@celery.task(name="shop.archive")
def archive(order):
    """Nobody takes its queue by day."""
    return order
