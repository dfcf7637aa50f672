# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Django site that counts itself with django-prometheus; gunicorn serves `application`."""

import time

import django
from django.conf import settings

settings.configure(
    DEBUG=False, SECRET_KEY="not a secret " * 5, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django_prometheus"],
    MIDDLEWARE=["django_prometheus.middleware.PrometheusBeforeMiddleware",
                "django_prometheus.middleware.PrometheusAfterMiddleware"],
    CACHES={"default": {"BACKEND": "django_prometheus.cache.backends.locmem.LocMemCache"}},
    LOGGING_CONFIG=None)
django.setup()

from django.core.cache import cache  # noqa: E402: what is set up above comes first
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


def page(request):
    time.sleep(float(request.GET.get("wait", "0")))
    found = cache.get(request.GET.get("key", "none"))
    return HttpResponse("hit" if found else "miss")


def put(request):
    cache.set(request.GET["key"], 1)
    return HttpResponse("put")


def broken(request):
    raise RuntimeError("asked for")


urlpatterns = [path("page", page, name="page"), path("put", put, name="put"), path("broken", broken, name="broken"),
               path("", include("django_prometheus.urls"))]
application = get_wsgi_application()
