# SPDX-License-Identifier: GPL-3.0-or-later
# One worker: Socket.IO wants all of a client's requests at the same one.
worker_class = "eventlet"
workers = 1
graceful_timeout = 5
