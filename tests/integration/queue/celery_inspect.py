# SPDX-License-Identifier: GPL-3.0-or-later
"""celery inspect and celery control, by Celery's own client, against our worker: argument 1 is its node name."""
import json
import sys
import time

from celery_app import app

node = sys.argv[1]
inspect = app.control.inspect(destination=[node], timeout=5)
control = app.control
seen = {}


def ask(method, **arguments):
    replies = control.broadcast(method, arguments=arguments, destination=[node], reply=True, timeout=5, limit=1)
    return replies[0][node] if replies else None


seen["ping"] = inspect.ping()[node]
stats = inspect.stats()[node]
seen["stats"] = [sorted(stats), stats["pool"]["max-concurrency"], len(stats["pool"]["processes"])]
seen["registered"] = inspect.registered()[node]
seen["queues"] = [queue["name"] for queue in inspect.active_queues()[node]]
sleeping = [app.send_task("test.sleep", args=[60000]) for _ in range(3)]
later = app.send_task("test.add", args=[1, 1], countdown=600)
deadline = time.time() + 10
while time.time() < deadline and not (len(inspect.active()[node]) == 2 and inspect.reserved()[node] and inspect.scheduled()[node]):
    time.sleep(0.05)
seen["active"] = sorted(task["id"] for task in inspect.active()[node]) == sorted(task.id for task in sleeping[:2])
seen["reserved"] = [task["id"] for task in inspect.reserved()[node]] == [sleeping[2].id]
seen["scheduled"] = [entry["request"]["id"] for entry in inspect.scheduled()[node]] == [later.id]
seen["query"] = inspect.query_task(sleeping[0].id)[node][sleeping[0].id][0]
seen["grow"] = ask("pool_grow", n=2)
deadline = time.time() + 5
while time.time() < deadline and len(inspect.stats()[node]["pool"]["processes"]) != 4:
    time.sleep(0.05)
seen["grown"] = len(inspect.stats()[node]["pool"]["processes"])
seen["shrink"] = ask("pool_shrink", n=3)
control.revoke([task.id for task in sleeping] + [later.id], terminate=True, destination=[node])
deadline = time.time() + 10
while time.time() < deadline and len(inspect.stats()[node]["pool"]["processes"]) != 1:
    time.sleep(0.05)
seen["shrunk"] = len(inspect.stats()[node]["pool"]["processes"])
seen["revoked"] = sorted(inspect.revoked()[node]) == sorted(task.id for task in sleeping + [later])
seen["rate_limit"] = ask("rate_limit", task_name="test.add", rate_limit="100/s")
seen["rate_limit_bad"] = "error" in ask("rate_limit", task_name="test.add", rate_limit="often")
seen["time_limit"] = ask("time_limit", task_name="test.add", soft=5, hard=10)
seen["autoscale"] = ask("autoscale", max=4, min=1)
seen["add_consumer"] = ask("add_consumer", queue="extra")
seen["extra"] = app.send_task("test.add", args=[20, 1], queue="extra").get(timeout=10)
seen["cancel_consumer"] = ask("cancel_consumer", queue="extra")
seen["shutdown"] = "error" in ask("shutdown")
seen["unknown"] = ask("no_such_command")
print(json.dumps(seen))
