# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Celery client's chains, chords, groups and links, run by our worker (queue `celery`) and a Celery worker (queue
`other`). Prints one JSON object of what it saw; the test compares."""
import json
import time

from celery import chord, group
from celery.result import AsyncResult

from celery_app import app

seen = {}


def task(name, *args, **options):
    return app.signature(name, args=args).set(**options)


def add(*args, **options):
    return task("test.add", *args, **options)


def theirs(*args):
    return task("py.add", *args, queue="other")


def noop(*args, **options):
    return task("portal.noop", *args, **options)


def grouped(*args):
    return add(*args) | group([add(1), add(2)])


def raised(result):
    try:
        return result.get(timeout=20)
    except Exception as error:  # whatever class Celery makes of it
        return [type(error).__name__, str(error)]


def stored(result):
    """What is stored for it: a result itself raises what one of its parents raised first."""
    return raised(there(result.id))


def there(task_id):
    """Once it is stored: Celery's get() misses what comes between its look and its subscription."""
    result = AsyncResult(task_id, app=app)
    deadline = time.monotonic() + 20
    while not result.ready() and time.monotonic() < deadline:
        time.sleep(0.005)
    return result


def got(task_id):
    return there(task_id).get(timeout=20)["args"]


seen["chain of two"] = (add(1, 2) | add(4)).apply_async().get(timeout=20)
result = (add(1, 2) | add(4) | noop(9, immutable=True)).apply_async()
seen["chain of three"] = [result.get(timeout=20)["args"], result.parent.get(timeout=20), result.parent.parent.get(timeout=20)]
seen["across workers"] = (add(1, 2) | theirs(10) | add(100) | theirs(1000)).apply_async().get(timeout=20)
seen["chain within a chain"] = (add(1, 1) | noop() | (noop(5, immutable=True) | noop(6))).apply_async().get(timeout=20)["args"]

seen["chord"] = chord([add(n, n) for n in range(3)], noop(7)).apply_async().get(timeout=20)["args"]
seen["chord, immutable body"] = chord([add(1, 1)] * 2, noop(7, immutable=True)).apply_async().get(timeout=20)["args"]
seen["chords across workers"] = [
    chord([add(n, n), theirs(1, 1), add(2, 2), theirs(3, n)], task("py.sum", queue="other")).apply_async().get(timeout=20)
    for n in range(8)
]
seen["chord of chains"] = chord([add(1, 1) | add(2), add(3, 3) | theirs(4)], noop()).apply_async().get(timeout=20)["args"]
seen["chord, then a chain"] = (group([add(1, 1), add(2, 2)]) | noop() | noop(8)).apply_async().get(timeout=20)["args"]
seen["chord within a chord"] = chord([add(1, 1), chord([add(1, 2), add(2, 3)], noop())], noop()).apply_async().get(timeout=20)["args"]
seen["chord over chains that end in groups"] = [
    chord([grouped(1, 1), add(5, 5)], noop()).apply_async().get(timeout=20)["args"],
    chord([grouped(1, 1)], noop()).apply_async().get(timeout=20)["args"],
    (group([grouped(1, 1), add(5, 5)]) | noop()).apply_async().get(timeout=20)["args"],
    (add(1, 1) | group([grouped(1), add(5)]) | noop()).apply_async().get(timeout=20)["args"],
    chord([add(1, 1) | group([add(1), grouped(2)]), add(5, 5)], noop()).apply_async().get(timeout=20)["args"],
]
result = chord([add(1, 1) | group([add(1), task("test.fail")]), add(5, 5)], noop()).apply_async()
seen["one of them fails"] = stored(result)[0]
result = chord([task("test.fail") | group([add(1), add(2)]), add(5, 5)], noop()).apply_async()
seen["one of them fails before its group"] = stored(result)[0]
seen["group within a chain"] = (add(1, 1) | group([add(1), add(2)]) | noop()).apply_async().get(timeout=20)["args"]
seen["group at the end"] = (add(1, 1) | group([add(1), theirs(2)])).apply_async().get(timeout=20)
seen["group"] = group([add(1, 1), add(2, 2)]).apply_async().get(timeout=20)

result = add(2, 3).apply_async(link=[noop(task_id="linked"), noop(1, task_id="fixed", immutable=True)])
seen["links"] = [result.get(timeout=20), got("linked"), got("fixed")]
seen["children"] = sorted(str(child.get(timeout=20)["args"]) for child in result.children[0].results)
add(2, 3).apply_async(link=theirs(1).set(priority=3, task_id="theirs"))
seen["link to another queue"] = there("theirs").get(timeout=20)
start = time.time()
add(2, 3).apply_async(link=noop(task_id="later", countdown=1))
seen["link with a countdown"] = [got("later"), time.time() - start >= 0.95]
add(2, 3).apply_async(link=group([noop(task_id="left"), noop(task_id="right")]))
seen["link to a group"] = [got("left"), got("right")]
add(2, 3).apply_async(link=chord([noop(), noop()], noop(task_id="body")))
seen["link to a chord"] = len(got("body")[0])

for name, failing in (("errback", task("test.fail")), ("errback of an unknown name", task("no.such"))):
    errback = noop(task_id=name)
    result = failing.apply_async(link_error=errback)
    raised(result)
    seen[name] = got(name) == [result.id]
result = (task("test.fail") | add(1) | noop()).apply_async()
seen["a failed chain"] = [raised(result)[0], result.state, result.parent.state]
result = chord([add(1, 1), task("test.fail")], noop().on_error(noop(task_id="of the chord"))).apply_async()
seen["a failed chord"] = [stored(result)[0], "as told" in stored(result)[1], got("of the chord") == [result.id]]
result = chord([add(1, 1), task("no.such")], noop()).apply_async()
seen["a chord with an unknown name"] = stored(result)[0]
result = chord([add(1, 1), task("test.fail") | add(1)], noop()).apply_async()
seen["a chord with a failed chain"] = stored(result)[0]
result = add(1, 1).apply_async(link=noop(exchange="fanned", routing_key="out"))
seen["no such route"] = ["exchange" in raised(result)[1], result.state]

long = 2**70  # as text, since a reader of JSON may make a double of it
seen["long integers"] = [str(signature.apply_async().get(timeout=20)["args"]) for signature in (
    noop(long, [-long]), theirs(long, 1) | noop(long), chord([theirs(long, 0), noop(long)], noop()))]

seen["left"] = sorted(key.decode() for key in app.backend.client.keys("celery-taskset-meta-*.[js]"))
print(json.dumps(seen))
