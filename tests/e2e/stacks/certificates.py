# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of a test's own."""

from stacks.figures import output


class Authority:
    def __init__(self, where, name="Portolan tests"):
        self.where = where
        self.certificate, self.key = where / "ca.pem", where / "ca.key"
        output(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-subj", f"/CN={name}", "-keyout", self.key,
                "-out", self.certificate, "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"])

    def sign(self, name, names, days=7):
        """(certificate, key) for `names`, such as "IP:10.0.0.1" or "DNS:redis"."""
        certificate, key, request = (self.where / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        extensions = self.where / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth,clientAuth\n")
        output(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request])
        output(["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", days, "-extfile", extensions, "-out", certificate])
        return certificate, key
