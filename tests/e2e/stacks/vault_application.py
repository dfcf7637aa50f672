# SPDX-License-Identifier: GPL-3.0-or-later
"""The application beside the guarded Redis: finds the primary by the sentinels, keeps sessions and a cache there. Prints
what it wrote and what it was refused, as JSON."""

import json
import os
import sys

import redis
from redis.sentinel import Sentinel

vault = json.loads(os.environ["VAULT"])
tls = {"ssl": True, "ssl_ca_certs": vault["ca"], "socket_timeout": 10}
sentinel = Sentinel([tuple(place) for place in vault["sentinels"]], username="shop", password=vault["passwords"]["shop"],
                    sentinel_kwargs={"username": "watcher", "password": vault["passwords"]["watcher"], **tls}, **tls)
client = sentinel.master_for(vault["master"])

sessions, products = map(int, sys.argv[1:])
with client.pipeline(transaction=False) as pipe:
    for number in range(sessions):
        pipe.setex(f"session:{number}", 3600, json.dumps({"user": number, "cart": list(range(20))}))
    for number in range(products):
        pipe.setex(f"cache:product:{number}", 600, "As good as it looks. " * 20)
    pipe.execute()
seen = client.wait(1, 10_000)

refused = []
for command in (["INFO"], ["CLIENT", "LIST"], ["CONFIG", "GET", "maxmemory"], ["SLOWLOG", "GET"], ["KEYS", "*"], ["DBSIZE"]):
    try:
        client.execute_command(*command)
    except redis.exceptions.NoPermissionError:
        refused.append(" ".join(command))
print(json.dumps({"sessions": sessions, "products": products, "replicas": seen, "refused": refused}))
