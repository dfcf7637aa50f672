# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's Celery applications, as end-to-end tests use them beside a portal."""

import gc

import celery


class App(celery.Celery):
    """A client of the queue and the results at `url`; close() it before its Redis ends.

    A result that was waited for asks Redis when it is collected, and by default for 19 s where that is gone, wherever the
    test is by then.
    """

    def __init__(self, url):
        super().__init__(broker=url, backend=url)
        self.conf.result_backend_transport_options = {
            "retry_policy": {"max_retries": 20, "interval_start": 0, "interval_step": 0.05, "interval_max": 0.05}}

    def close(self):
        gc.collect()
        super().close()
