# SPDX-License-Identifier: GPL-3.0-or-later
"""The Celery application of the interop tests: tasks for a real Celery worker, and the settings of a real client."""
import json
import os

from celery import Celery

url = os.environ["QUEUE_TEST_URL"]
app = Celery("interop", broker=url, backend=url)
app.conf.update(
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_track_started=False,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
app.conf.update(json.loads(os.environ.get("QUEUE_TEST_CONF", "{}")))
if "QUEUE_TEST_VISIBILITY" in os.environ:
    app.conf.broker_transport_options = {"visibility_timeout": int(os.environ["QUEUE_TEST_VISIBILITY"])}


@app.task(name="py.add")
def add(a, b, scale=1):
    return (a + b) * scale


@app.task(name="py.fail")
def fail():
    raise ValueError("as told", 7)


@app.task(name="py.sum")
def total(numbers):
    return sum(numbers)
