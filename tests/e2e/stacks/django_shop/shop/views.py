# SPDX-License-Identifier: GPL-3.0-or-later
import json
import time

from django.core.cache import cache
from django.http import Http404, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from . import tasks


@require_GET
def health(request):
    return JsonResponse({"status": "ok"})


@require_POST
def login(request):
    request.session["email"] = json.loads(request.body)["email"]
    return JsonResponse({"email": request.session["email"]})


@require_GET
def product(request, number):
    if number > 999:
        raise Http404
    found = cache.get(f"product:{number}")
    if found is None:
        found = {"number": number, "name": f"Product {number}", "text": "As good as it looks. " * 20}
        cache.set(f"product:{number}", found, 600)
    return JsonResponse(found)


@require_POST
def order(request):
    if "email" not in request.session:
        return JsonResponse({"error": "sign in first"}, status=401)
    wanted = json.loads(request.body)
    priority = 0 if wanted.get("express") else 6
    packed = tasks.pack.apply_async((wanted["order"],), priority=priority)
    tasks.charge.apply_async((wanted["order"],), priority=3)
    return JsonResponse({"task": packed.id}, status=202)


@require_GET
def stock(request):
    """Asks the warehouse, which takes its time."""
    time.sleep(min(float(request.GET.get("seconds", "0.5")), 2))
    return JsonResponse({"stock": 7})


@require_GET
def legacy(request):
    raise RuntimeError("the old warehouse is gone")
