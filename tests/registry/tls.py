# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests, made with the openssl command."""
import os
import ssl
import subprocess


def _openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class CA:
    """cert: PEM file of the authority, for clients to trust. issue() makes certificates."""

    def __init__(self, directory, name="layerpipe test authority"):
        self.directory = str(directory)
        os.makedirs(self.directory, exist_ok=True)
        self.cert = os.path.join(self.directory, "ca.crt")
        self.key = os.path.join(self.directory, "ca.key")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self.key, "-out", self.cert, "-days", "30", "-subj", "/CN=" + name,
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name="server", hosts=("localhost", "127.0.0.1"), client=False, days=20,
              rsa=False):
        """Makes a certificate for the hosts; returns (certificate file, key file)."""
        base = os.path.join(self.directory, name)
        kind = (["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        _openssl("req", "-newkey", *kind, "-nodes", "-keyout", base + ".key", "-out",
                 base + ".csr", "-subj", "/CN=" + name)
        alternatives = ",".join(("IP:" if host.replace(".", "").isdigit() or ":" in host
                                 else "DNS:") + host for host in hosts)
        with open(base + ".ext", "w", encoding="ascii") as file:
            file.write("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n")
            file.write("extendedKeyUsage=%s\n" % ("clientAuth" if client else "serverAuth"))
            file.write("subjectAltName=%s\n" % alternatives)
        _openssl("x509", "-req", "-in", base + ".csr", "-CA", self.cert, "-CAkey", self.key,
                 "-CAcreateserial", "-out", base + ".crt", "-days", str(days), "-extfile",
                 base + ".ext")
        return base + ".crt", base + ".key"

    def server_context(self, client_ca=None, **options):
        """An ssl context for a server. client_ca: clients need a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(**options))
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
