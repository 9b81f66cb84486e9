"""An internet on loopback: one TLS server that answers for every name it has a certificate for, as a test says."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pull_doctor.facts.registry.connection import Network

PUBLIC = "93.184.215.14"
HUB, HUB_TOKENS = "registry-1.docker.io", "auth.docker.io"
GHCR, OWN = "ghcr.io", "registry.example.com"
WELL_KNOWN = (GHCR, "quay.io", "public.ecr.aws", "mcr.microsoft.com", "europe-west1-docker.pkg.dev")
GITLAB, GITLAB_TOKENS = "registry.gitlab.com", "gitlab.com"
NAMES = (HUB, HUB_TOKENS, GITLAB, GITLAB_TOKENS, *WELL_KNOWN, OWN, f"tokens.{OWN}", "tokens.example.com")


@dataclass(frozen=True)
class Certificates:
    """A new authority, and the certificate that it gave the server."""

    authority: str
    server: Path

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority)


def make_certificates(directory: Path, names: Iterable[str] = NAMES) -> Certificates:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    now = dt.datetime.now(dt.UTC)

    def certificate(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )

    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
            "digital_signature",
        ),
        False,
    )
    authority = (
        certificate(authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        certificate(x509.Name([]), key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    path = directory / "server.pem"
    path.write_bytes(
        server.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificates(authority.public_bytes(serialization.Encoding.PEM).decode(), path)


@dataclass(frozen=True)
class Request:
    """What the server was sent."""

    method: str
    host: str
    target: str
    headers: dict[str, str]


Answers = Callable[[Request], bytes | Iterable[bytes]]


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """The bytes of a whole answer."""
    length = f"Content-Length: {len(body)}" if body else "Content-Length: 0"
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, length, "", ""]).encode("latin-1") + body


MISSING = answer("404 Not Found", "Content-Type: application/json")


def challenge(realm: str, service: str = "it", scope: str | None = None) -> bytes:
    """A registry's answer to whoever brings no token."""
    wanted = f'Bearer realm="{realm}",service="{service}"' + (f',scope="{scope}"' if scope else "")
    return answer("401 Unauthorized", "Content-Type: application/json", f"WWW-Authenticate: {wanted}")


HUB_CHALLENGE = challenge(f"https://{HUB_TOKENS}/token", "registry.docker.io", "repository:library/nginx:pull")


def always(given: bytes) -> Answers:
    """A server that answers so."""
    return lambda _request: given


def with_token(last: bytes, *, token: bytes = b'{"token": "t-1"}', first: bytes = HUB_CHALLENGE) -> Answers:
    """A registry that wants a token and answers so once it has one, and its token service."""

    def answers(request: Request) -> bytes:
        if "/manifests/" not in request.target:
            return answer("200 OK", "Content-Type: application/json", body=token)
        return last if "authorization" in request.headers else first

    return answers


@dataclass
class Internet:
    """The server, the names, and what was asked of both.

    ``addresses`` is what every name resolves to; ``instead_of_tls`` is sent byte by byte, and then nothing.
    """

    certificates: Certificates
    answers: Answers
    addresses: list[str] = field(default_factory=lambda: [PUBLIC])
    instead_of_tls: bytes | None = None
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._closing = threading.Event()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificates.server)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    @property
    def network(self) -> Network:
        return Network(self._resolve, self._dial, self.certificates.trust)

    def pause(self, seconds: float) -> None:
        """Let the server wait, but not past the end of the test."""
        self._closing.wait(seconds)

    def _resolve(self, host: str) -> list[str]:
        self.resolved.append(host)
        return self.addresses

    def _dial(self, address: str, timeout: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(self._listener.getsockname(), timeout)

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(plain,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with plain:
            plain.settimeout(10)
            try:
                if self.instead_of_tls is not None:
                    self._drip(plain, self.instead_of_tls)
                    return
                with self._context.wrap_socket(plain, server_side=True) as wire:
                    self._answer(wire)
            except OSError:  # the client hung up, as it should
                return

    def _drip(self, plain: socket.socket, drops: bytes) -> None:
        for drop in drops:
            plain.sendall(bytes([drop]))
            if self._closing.wait(0.05):
                return
        self._closing.wait(10)

    def _answer(self, wire: ssl.SSLSocket) -> None:
        with wire.makefile("rb") as read:
            first = read.readline().decode()
            if not first:  # the client's time was up
                return
            method, target, _ = first.split(" ")
            lines = iter(lambda: read.readline().decode().strip(), "")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        request = Request(method, headers["host"], target, headers)
        self.requests.append(request)
        given = self.answers(request)
        for part in [given] if isinstance(given, bytes) else given:
            wire.sendall(part)
