# SPDX-License-Identifier: GPL-3.0-or-later
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["shop.tasks"]
