# SPDX-License-Identifier: GPL-3.0-or-later
import os
import time

from celery import shared_task


class BankAway(Exception):
    pass


@shared_task
def pack(order):
    return {"order": order, "parcels": 1}


@shared_task(bind=True, max_retries=3)
def charge(self, order):
    """The bank is away at first, each time."""
    if self.request.retries == 0:
        raise self.retry(exc=BankAway(order), countdown=0.5)
    return order


@shared_task
def refund(order):
    raise ValueError(f"order {order} was never paid")


@shared_task
def render(file):
    """Waits for the picture to be uploaded, at most two minutes."""
    deadline = time.monotonic() + 120
    while not os.path.exists(file) and time.monotonic() < deadline:
        time.sleep(0.1)
    return file


@shared_task
def import_prices(file):
    """By night, when there is a worker for it."""
    return file
