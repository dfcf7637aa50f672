# SPDX-License-Identifier: GPL-3.0-or-later
"""What a broken or hostile client gets from the composed server, and that nobody else notices."""

import json
import re
import socket
import unittest

from harness import PASSWORD, Client, PortalTest, patience

HOST = b"Host: 127.0.0.1\r\nConnection: close\r\n"


class RawHttpTest(PortalTest):
    def exchange(self, sent):
        """Everything the server answers until it closes, as it must after each of these."""
        with socket.create_connection(("127.0.0.1", self.portal.port), timeout=patience(5)) as connection:
            received = b""
            try:
                connection.sendall(sent)
                while True:
                    block = connection.recv(65536)
                    if not block:
                        return received
                    received += block
            except (ConnectionResetError, BrokenPipeError):
                return received

    def statuses(self, received):
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n", received)]

    def test_malformed_and_oversized_requests(self):
        for name, sent, expected in [
            ("no HTTP", b"GARBAGE\r\n\r\n", {400}),
            ("no version", b"GET /health\r\n\r\n", {400}),
            ("unknown version", b"GET /health HTTP/9.9\r\n" + HOST + b"\r\n", {400, 505}),
            ("no host", b"GET /health HTTP/1.1\r\n\r\n", {400}),
            ("blank in the target", b"GET /he alth HTTP/1.1\r\n" + HOST + b"\r\n", {400, 505}),
            ("a header without a colon", b"GET /health HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", {400}),
            ("a zero byte", b"GET /health HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", {400}),
            ("two lengths", b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", {400}),
            ("length and chunks", b"POST /auth/login HTTP/1.1\r\n" + HOST +
             b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
            ("a negative length", b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", {400}),
            ("a huge length", b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n", {400, 413}),
            ("bad chunks", b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n", {400}),
            ("large headers", b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n", {431}),
            ("a long target", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", {414, 431}),
            ("more than 4 KiB before sign-in", b"POST /auth/login HTTP/1.1\r\n" + HOST +
             b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000, {413}),
        ]:
            with self.subTest(name=name):
                received = self.exchange(sent)
                statuses = self.statuses(received)
                # Who is still sending when he is cut may lose the answer to a reset.
                if statuses or len(sent) < 100_000:
                    self.assertEqual(len(statuses), 1, received[:200])
                    self.assertIn(statuses[0], expected, received[:300])
                self.assertEqual(Client(self.portal.url).get("/health").status, 200)

    def test_requests_in_a_pipeline_are_answered_in_order(self):
        first = b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" for path in (b"/health", b"/no/such/page"))
        received = self.exchange(first + b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")
        self.assertEqual(self.statuses(received), [200, 404, 200])

    def test_a_chunked_body_is_a_body(self):
        body = json.dumps({"email": "chunked@example.org", "password": PASSWORD}).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
        received = self.exchange(b"POST /auth/register HTTP/1.1\r\n" + HOST +
                                 b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        self.assertEqual(self.statuses(received), [201], received[:300])

    def test_paths_do_not_climb(self):
        for path in (b"/../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/static/..%2f..%2fetc/passwd", b"/%00", b"/%zz"):
            with self.subTest(path=path):
                received = self.exchange(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
                self.assertIn(self.statuses(received)[0], (400, 404), received[:200])
                self.assertNotIn(b"root:", received)


if __name__ == "__main__":
    unittest.main()
