# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx before a stack, with the log and the status page its figures are read from."""

import os

from harness import free_port
from stacks.figures import NginxFigures, page

CONFIGURATION = """\
daemon off;
{user}worker_processes 1;
pid {where}/nginx.pid;
error_log {where}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
    log_format figures escape=json '{{"at":$msec,"status":$status,"seconds":$request_time,"path":"$uri","method":"$request_method"}}';
    access_log {where}/access.log figures;
    client_body_temp_path {where}/body;
    proxy_temp_path {where}/proxy;
    fastcgi_temp_path {where}/fastcgi;
    uwsgi_temp_path {where}/uwsgi;
    scgi_temp_path {where}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
        location /socket.io/ {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
    }}
    server {{
        listen 127.0.0.1:{status_port};
        access_log off;
        location = /status {{ stub_status; }}
    }}
}}
"""


def answers(url):
    try:
        page(url)
    except OSError:
        return False
    return True


class Nginx:
    """Of `stack`, before what listens on the port `behind`."""

    def __init__(self, stack, behind):
        port, status_port = free_port(), free_port()
        # Its worker would be somebody who may not enter the stack's folder.
        user = "user root;\n" if os.geteuid() == 0 else ""
        configuration = stack.where / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(user=user, where=stack.where, port=port, behind=behind, status_port=status_port))
        self.url = f"http://127.0.0.1:{port}"
        child = stack.run("nginx", ["nginx", "-p", stack.where, "-c", configuration, "-e", stack.where / "nginx-error.log"])
        self.figures = NginxFigures(stack.where / "access.log", f"http://127.0.0.1:{status_port}/status")
        child.wait_until(lambda: answers(self.url + "/health"), "it answers")

        metrics_port = free_port()
        exporter = stack.run("nginx-exporter", ["prometheus-nginx-exporter", "--web.listen-address", f"127.0.0.1:{metrics_port}",
                                                "--nginx.scrape-uri", self.figures.status_url])
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        exporter.wait_until(lambda: answers(self.metrics_url), "it answers")
