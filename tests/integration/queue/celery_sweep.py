# SPDX-License-Identifier: GPL-3.0-or-later
"""kombu's own sweep, as a worker with a visibility timeout of a second runs it, for so many seconds at its quickest."""
import json
import os
import sys
import time

from kombu import Connection

connection = Connection(os.environ["QUEUE_TEST_URL"], transport_options={"visibility_timeout": 1})
channel = connection.default_channel
sweeps = 0
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    channel.qos.restore_visible(interval=1)
    sweeps += 1
    time.sleep(0.1)
print(json.dumps({"sweeps": sweeps}))
