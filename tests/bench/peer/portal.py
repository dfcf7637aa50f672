# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer: a small portal as people build it today from Debian's packages. Flask, Flask-Session and Flask-Limiter on one
Redis, served by gunicorn with eventlet workers. Settings are the defaults of each library unless a comment says why not.

Its /api/me does what ours does: look the session up, count the request in three windows, answer who is signed in. The
user is kept in the session, so that no database is asked for it.
"""

import os

import redis
from flask import Flask, abort, jsonify, request, session
from flask_limiter import Limiter
from flask_session import Session

from tasks import noop

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only-for-measurements-on-loopback",
    SESSION_TYPE="redis",
    SESSION_KEY_PREFIX="s:",
    SESSION_REDIS=redis.Redis.from_url(os.environ["REDIS_URL"]),
    PERMANENT_SESSION_LIFETIME=24 * 3600,
)
Session(app)


def user_or_address():
    return session.get("user_id") or request.remote_addr


# As many windows as the tier's category has, wide enough that none refuses.
limiter = Limiter(user_or_address, app=app, storage_uri=os.environ["REDIS_URL"], headers_enabled=True)
api_limit = limiter.limit("900000000 per day; 900000000 per hour; 900000000 per minute")


@app.post("/auth/login")
def login():
    credentials = request.get_json()
    session["user_id"] = "1"
    session["email"] = credentials["email"]
    session["role"] = "user"
    return jsonify(id="1", email=credentials["email"], role="user")


@app.get("/api/me")
@api_limit
def me():
    if "user_id" not in session:
        abort(401)
    return jsonify(id=session["user_id"], email=session["email"], role=session["role"])


@app.post("/start-noop")
@api_limit
def start_noop():
    return jsonify(task_id=noop.delay().id), 202


@app.get("/health")
def health():
    return jsonify(status="healthy")
