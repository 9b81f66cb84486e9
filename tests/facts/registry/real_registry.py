"""A real registry on loopback: Debian's docker-registry behind TLS, and what a test pushes to it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey

from pull_doctor.facts.registry.connection import Network
from tests.facts.registry.internet import OWN, PUBLIC, Answers, Certificates, Internet, Request, answer

PROGRAM = Path(__file__).parents[3] / ".venv" / "registry" / "usr" / "bin" / "docker-registry"
needs_docker_registry = pytest.mark.skipif(
    not PROGRAM.exists(), reason="Debian's docker-registry is not in .venv/registry; make registry says why"
)

TOKENS = f"tokens.{OWN}"
TOKENS_ADDRESS = "93.184.215.15"
LOGIN = f"Basic {base64.b64encode(b'owner:hunter2').decode()}"
_HTPASSWD = "owner:$2b$04$jYH9ra5f3Nh3R7N3GZsHweygUZPWrmgU.2mbtN2cIRfnoTsd.y58W"
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:([0-9]+), tls")
_NONE: Mapping[str, str] = {}
_OCI = "application/vnd.oci.image"
_ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}


@dataclass
class RealRegistry:
    """The running program. What was pushed lies in ``directory``, where others find it, too.

    ``auth`` says what it wants of whoever asks; empty: nothing.
    https://distribution.github.io/distribution/about/configuration/
    """

    directory: Path
    certificates: Certificates
    auth: Mapping[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        certificate = str(self.certificates.server)
        configuration = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.directory / "storage")}},
            "http": {"addr": "127.0.0.1:0", "secret": "s", "tls": {"certificate": certificate, "key": certificate}},
            "auth": self.auth,
        }
        home = Path(tempfile.mkdtemp(dir=self.directory))
        (home / "configuration.yml").write_text(json.dumps(configuration))
        command = [str(PROGRAM), "serve", str(home / "configuration.yml")]
        with (home / "log").open("w") as log:
            self._process = subprocess.Popen(command, stderr=log, env={})  # noqa: S603 - the program that setup unpacked
        self.port = self._listens(home / "log")
        return self

    def _listens(self, log: Path) -> int:
        """The port, which the system chose."""
        until = time.monotonic() + 20
        while self._process.poll() is None and time.monotonic() < until:
            if found := _LISTENING.search(log.read_text()):
                return int(found[1])
            time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        raise AssertionError(f"docker-registry did not start:\n{log.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    def network(self, tokens: Internet | None = None) -> Network:
        """Public addresses for the registry and its token service, and behind them this one and ``tokens``."""

        def dial(address: str, timeout: float) -> socket.socket:
            if address == TOKENS_ADDRESS:
                assert tokens
                return tokens.network.dial(address, timeout)
            return socket.create_connection(("127.0.0.1", self.port), timeout)

        addresses = {OWN: [PUBLIC], TOKENS: [TOKENS_ADDRESS]}
        return Network(addresses.__getitem__, dial, self.certificates.trust)

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = _NONE) -> HTTPResponse:
        """Make one request as the owner of the images does, and read the answer to its end."""
        trust = self.certificates.trust()
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        with closing(HTTPSConnection(OWN, context=trust)) as connection:
            connection.sock = trust.wrap_socket(plain, server_hostname=OWN)
            connection.request(method, path, body, headers)
            with connection.getresponse() as response:
                response.read()
                return response

    def push_blob(self, repository: str, content: bytes, media_type: str) -> dict[str, Any]:
        """Push a layer or a configuration; its descriptor."""
        begun = self.request("POST", f"/v2/{repository}/blobs/uploads/")
        assert begun.status == 202
        place = urlsplit(begun.headers["Location"])
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        kind = "application/octet-stream"
        done = self.request("PUT", f"{place.path}?{place.query}&digest={digest}", content, {"Content-Type": kind})
        assert done.status == 201
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def push_manifest(self, repository: str, manifest: Mapping[str, Any], tag: str | None = None) -> dict[str, Any]:
        """Push an image or an index, by tag or by digest; its descriptor."""
        content, kind = json.dumps(manifest).encode(), str(manifest["mediaType"])
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        done = self.request("PUT", f"/v2/{repository}/manifests/{tag or digest}", content, {"Content-Type": kind})
        assert (done.status, done.headers["Docker-Content-Digest"]) == (201, digest)
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def push_image(self, repository: str, architecture: str, tag: str | None = None) -> dict[str, Any]:
        """Push an image of one layer for Linux; its descriptor."""
        configuration = json.dumps({"os": "linux", "architecture": architecture}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": self.push_blob(repository, configuration, f"{_OCI}.config.v1+json"),
            "layers": [self.push_blob(repository, b"layer", f"{_OCI}.layer.v1.tar+gzip")],
        }
        return self.push_manifest(repository, manifest, tag)

    def push_index(self, repository: str, tag: str, *architectures: str) -> dict[str, Any]:
        """Push an index of images for Linux, each with an attestation as buildx adds it; its descriptor."""
        entries = []
        for architecture in architectures:
            image = self.push_image(repository, architecture)
            entries.append({**image, "platform": {"os": "linux", "architecture": architecture}})
        for architecture in architectures or ("none",):
            attested = self.push_image(repository, f"attestation-of-{architecture}")
            unknown = {"os": "unknown", "architecture": "unknown"}
            entries.append({**attested, "platform": unknown, "annotations": _ATTESTATION})
        index = {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": entries}
        return self.push_manifest(repository, index, tag)


def basic(directory: Path) -> dict[str, Any]:
    """What a registry is told that wants ``LOGIN``."""
    path = directory / "htpasswd"
    path.write_text(_HTPASSWD)
    return {"htpasswd": {"realm": "registry", "path": str(path)}}


def bearer(directory: Path, certificates: Certificates) -> dict[str, Any]:
    """What a registry is told that wants a token which its token service signed."""
    signers = directory / "signers.pem"
    signers.write_text(certificates.authority)
    return {
        "token": {"realm": f"https://{TOKENS}/token", "service": OWN, "issuer": TOKENS, "rootcertbundle": str(signers)}
    }


def token_service(certificates: Certificates, private: str) -> Answers:
    """Gives everybody a token, which is good for every repository but the private one.

    https://distribution.github.io/distribution/spec/auth/jwt/
    """
    pem = certificates.server.read_bytes()
    key = ECKey.import_key(pem[pem.index(b"-----BEGIN PRIVATE KEY") :])
    signer = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    header = {"alg": "ES256", "typ": "JWT", "x5c": [base64.b64encode(signer).decode()]}

    def answers(request: Request) -> bytes:
        asked = parse_qs(urlsplit(request.target).query)
        kind, name, action = asked["scope"][0].split(":")
        granted = [] if name == private else [{"type": kind, "name": name, "actions": [action]}]
        times = {"nbf": int(time.time()) - 60, "exp": int(time.time()) + 60}
        claims = {"iss": TOKENS, "aud": asked["service"][0], "sub": "", "access": granted, **times}
        body = json.dumps({"token": jwt.encode(header, claims, key)}).encode()
        return answer("200 OK", "Content-Type: application/json", body=body)

    return answers
