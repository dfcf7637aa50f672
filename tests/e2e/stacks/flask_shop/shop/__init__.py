# SPDX-License-Identifier: GPL-3.0-or-later
"""A web shop as people build it with Flask: sessions, limits, a cache and pushes on one Redis, work given to Celery."""

import json
import os
import time

import redis
from flask import Flask, abort, jsonify, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_session import Session
from flask_socketio import SocketIO
from werkzeug.middleware.proxy_fix import ProxyFix

from . import tasks

REDIS_URL = os.environ["REDIS_URL"]

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)  # nginx is before it
app.config.update(SECRET_KEY=os.environ["SECRET_KEY"], SESSION_TYPE="redis", SESSION_REDIS=redis.Redis.from_url(REDIS_URL),
                  SESSION_PERMANENT=False, PERMANENT_SESSION_LIFETIME=3600)
Session(app)
limiter = Limiter(get_remote_address, app=app, storage_uri=REDIS_URL, default_limits=["100000 per hour"], headers_enabled=True)
socketio = SocketIO(app, message_queue=REDIS_URL, async_mode="eventlet", cors_allowed_origins="*")
cache = redis.Redis.from_url(REDIS_URL)


@app.get("/health")
@limiter.exempt
def health():
    cache.ping()
    return jsonify(status="ok")


@app.post("/login")
def login():
    session["email"] = request.get_json()["email"]
    session["cart"] = []
    return jsonify(email=session["email"])


@app.post("/cart/<int:product>")
def add_to_cart(product):
    if "email" not in session:
        abort(401)
    session["cart"].append(product)
    session.modified = True
    return jsonify(cart=session["cart"])


@app.get("/products/<int:number>")
def product(number):
    if number > 999:
        abort(404)
    key = f"cache:product:{number}"
    known = cache.get(key)
    if known is None:
        known = json.dumps({"number": number, "name": f"Product {number}", "text": "As good as it looks. " * 20})
        cache.setex(key, 600, known)
    return app.response_class(known, mimetype="application/json")


@app.get("/search")
@limiter.limit("5 per minute")
def search():
    return jsonify(found=[number for number in range(1000) if request.args["q"] in str(number)])


@app.get("/stock")
def stock():
    """Asks the warehouse, which takes its time."""
    time.sleep(min(float(request.args.get("seconds", "0.5")), 2))
    return jsonify(stock=7)


@app.get("/legacy")
def legacy():
    raise RuntimeError("the old warehouse is gone")


@app.post("/orders")
def order():
    if not session.get("cart"):
        abort(409)
    number = cache.incr("order:last")
    charged = tasks.charge.delay(number, len(session["cart"]))
    tasks.send_mail.delay(number, session["email"])
    session["cart"] = []
    return jsonify(order=number, task=charged.id), 202


@socketio.on("watch")
def watch(data):
    socketio.emit("watching", {"order": data["order"]}, to=request.sid)
