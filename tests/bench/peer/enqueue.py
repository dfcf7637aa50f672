# SPDX-License-Identifier: GPL-3.0-or-later
"""Enqueues N no-op tasks with delay() from this one process and prints how many a second."""

import sys
import time

from tasks import noop

count = int(sys.argv[1])
noop.delay()  # opens the connection and declares the queue, as a running application has done long before
start = time.monotonic()
for _ in range(count):
    noop.delay()
print(count / (time.monotonic() - start))
