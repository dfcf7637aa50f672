# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Celery client against our worker. Prints one JSON object of what it saw; the test compares."""
import datetime
import json
import time

from celery import Celery
from celery.exceptions import TaskRevokedError

from celery_app import app, url

seen = {}
result = app.send_task("test.add", args=[2, 3])
seen["add"] = result.get(timeout=20)
seen["state"] = result.state
seen["date_done"] = isinstance(result.date_done, datetime.datetime)

result = app.send_task("test.fail")
try:
    result.get(timeout=20)
except Exception as error:  # whatever class Celery makes of it
    seen["fail"] = [type(error).__name__, str(error)]
seen["traceback"] = "as told" in result.traceback

result = app.send_task("no.such.task")
try:
    result.get(timeout=20)
except Exception as error:
    seen["unknown"] = type(error).__name__

start = time.time()
result = app.send_task("test.add", args=[1, 1], countdown=1)
seen["countdown"] = [result.get(timeout=20), time.time() - start >= 0.95]

result = app.send_task("test.add", args=[1, 1], expires=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=5))
try:
    result.get(timeout=20)
except TaskRevokedError as error:
    seen["expired"] = str(error)

seen["priority"] = [app.send_task("test.add", args=[n, 0], priority=n).get(timeout=20) for n in (0, 3, 9)]
seen["noop"] = app.send_task("portal.noop", args=[1], kwargs={"k": "v"}).get(timeout=20)
seen["ignored"] = app.send_task("test.add", args=[1, 1], ignore_result=True).state

result = app.send_task("test.sleep", args=[60000])
while result.state == "PENDING":
    time.sleep(0.02)
seen["started"] = result.state
result.revoke(terminate=True)
try:
    result.get(timeout=20)
except TaskRevokedError as error:
    seen["revoked"] = str(error)

older = Celery("older", broker=url, backend=url)
older.conf.task_protocol = 1
seen["protocol 1"] = older.send_task("test.add", args=[2, 3]).get(timeout=20)
print(json.dumps(seen))
