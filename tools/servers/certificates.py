"""A certificate authority made on the spot, by the openssl command."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
x509_extensions = leaf
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[leaf]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[client]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""


@dataclass(frozen=True)
class Certificate:
    chain: Path
    key: Path


class Authority:
    """Signs server certificates; `file` is what clients trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0
        self._config = folder / "openssl.cnf"
        self._config.write_text(_CONFIG.format(folder=folder))
        (folder / "index.txt").touch()
        self.file = folder / "ca.pem"
        self._openssl("req", "-x509", *self._new_key(folder / "ca.key"), "-days", "2",
                      "-subj", "/CN=postrider trial CA", "-extensions", "authority",
                      "-config", self._config, "-out", self.file)

    def issue(self, names: list[str], expired: bool = False) -> Certificate:
        """A certificate for subject alternative names such as DNS:localhost or IP:127.0.0.1."""
        span = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"] if expired \
            else ["-days", "2"]
        return self._sign("postrider trial server", ["-addext", f"subjectAltName={','.join(names)}"],
                          span)

    def issue_client(self, name: str) -> Certificate:
        """The certificate of a user: the name is its Common Name."""
        return self._sign(name, [], ["-days", "2", "-extensions", "client"])

    def _sign(self, name: str, wishes: list[str], span: list[str]) -> Certificate:
        self._count += 1
        made = Certificate(self._folder / f"{self._count}.pem", self._folder / f"{self._count}.key")
        request = self._folder / f"{self._count}.csr"
        self._openssl("req", *self._new_key(made.key), "-subj", f"/CN={name}", *wishes,
                      "-config", self._config, "-out", request)
        self._openssl("ca", "-batch", "-notext", "-config", self._config, *span,
                      "-cert", self.file, "-keyfile", self._folder / "ca.key",
                      "-in", request, "-out", made.chain)
        return made

    @staticmethod
    def _new_key(path: Path) -> list[str | Path]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", path]

    @staticmethod
    def _openssl(*arguments: str | Path) -> None:
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
