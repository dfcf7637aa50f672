# SPDX-License-Identifier: GPL-3.0-or-later
from django.urls import include, path

from . import views

urlpatterns = [
    path("health", views.health, name="health"),
    path("login", views.login, name="login"),
    path("products/<int:number>", views.product, name="product"),
    path("orders", views.order, name="order"),
    path("stock", views.stock, name="stock"),
    path("legacy", views.legacy, name="legacy"),
    path("", include("django_prometheus.urls")),
]
