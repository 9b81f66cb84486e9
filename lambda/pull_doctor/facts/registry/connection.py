"""HTTPS to a host that a stranger named: only to a checked public address, and only for so many bytes and seconds."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from queue import Empty, SimpleQueue
from threading import Thread

from pull_doctor.facts.registry.addresses import is_public
from pull_doctor.facts.registry.refusal import NoAnswerError

MOST_REQUESTS = 3
MOST_BYTES = 64 * 1024
MOST_SECONDS = 3.0

_HTTPS = 443


def _resolve(host: str) -> list[str]:
    found = socket.getaddrinfo(host, _HTTPS, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(address[0]) for *_, address in found]


def _dial(address: str, timeout: float) -> socket.socket:
    return socket.create_connection((address, _HTTPS), timeout)


@dataclass(frozen=True, slots=True)
class Network:
    """What lies below HTTPS, so that tests can bring their own: names, connections, and whom to trust.

    ``resolve`` gives all addresses of a name; ``dial`` connects to port 443 of one address within so many seconds.
    """

    resolve: Callable[[str], list[str]] = _resolve
    dial: Callable[[str, float], socket.socket] = _dial
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; the body of HEAD is empty."""

    status: int
    headers: HTTPMessage
    body: bytes


class Session:
    """The requests of one look-up, which share their time; each name is resolved once.

    No proxy is used, whatever the environment says, no redirect is followed, and no cookie is kept.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._trust = network.trust()
        self._deadline = time.monotonic() + MOST_SECONDS
        self._requests = 0
        self._addresses: dict[str, str] = {}

    def request(self, method: str, host: str, target: str, headers: Mapping[str, str]) -> Answer:
        """Send one request and read the whole answer.

        Raises:
            NoAnswerError: the address is none to connect to; or no answer came, too much, or none in HTTP.
        """
        if self._requests == MOST_REQUESTS:
            raise NoAnswerError("not-visible", f"{host} was not asked: {MOST_REQUESTS} requests were made already")
        self._requests += 1
        try:
            with self._network.dial(self._address(host), self._left()) as plain:
                plain.settimeout(self._left())
                with self._trust.wrap_socket(plain, server_hostname=host) as wire:
                    return self._exchange(wire, method, host, target, headers)
        except OSError as error:
            raise NoAnswerError("timed-out", f"{host} did not answer: {error}") from error
        except (HTTPException, ValueError) as error:  # ValueError: the length of a chunk makes no sense
            raise NoAnswerError("crashed", f"{host} did not answer in HTTP: {type(error).__name__}") from error

    def _exchange(self, wire: ssl.SSLSocket, method: str, host: str, target: str, headers: Mapping[str, str]) -> Answer:
        wire.settimeout(self._left())
        connection = HTTPSConnection(host, context=self._trust)
        connection.sock = wire
        connection.request(method, target, headers=headers)
        incoming = _Incoming(wire, self._left)
        with HTTPResponse(incoming, method=method) as response:  # type: ignore[arg-type] # all it wants of a socket is its file
            response.begin()
            if incoming.ended:  # http.client takes half a head for a whole one
                raise NoAnswerError("crashed", f"{host} broke off in the middle of its answer")
            return Answer(response.status, response.headers, response.read(MOST_BYTES))

    def _left(self) -> float:
        """The seconds that are left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left

    def _address(self, host: str) -> str:
        """The one address of the name that is connected to; all of them must be public."""
        if host not in self._addresses:
            found = self._resolved(host)
            if not found or not all(map(is_public, found)):
                raise NoAnswerError("not-visible", f"{host} has an address that is not public; it was not asked")
            self._addresses[host] = found[0]
        return self._addresses[host]

    def _resolved(self, host: str) -> list[str]:
        """Resolve the name in a thread of its own, as the system's resolver knows no deadline."""
        done: SimpleQueue[list[str] | Exception] = SimpleQueue()

        def run() -> None:
            try:
                done.put(self._network.resolve(host))
            except (OSError, UnicodeError) as error:  # UnicodeError: a label is too long
                done.put(error)

        Thread(target=run, daemon=True).start()
        try:
            found = done.get(timeout=self._left())
        except Empty:
            raise TimeoutError("its name was not resolved in time") from None
        if isinstance(found, Exception):
            raise OSError(f"its name does not resolve: {found}") from found
        return found


class _Incoming(io.RawIOBase):
    """The bytes that a server sends: not more than may be read, and none after the deadline, however slowly."""

    def __init__(self, wire: ssl.SSLSocket, left: Callable[[], float]) -> None:
        self._wire = wire
        self._seconds_left = left
        self._bytes_left = MOST_BYTES
        self.ended = False

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # BufferedReader always passes one
        if not self._bytes_left:
            raise NoAnswerError("crashed", f"the answer is longer than {MOST_BYTES} bytes")
        self._wire.settimeout(self._seconds_left())
        size = self._wire.recv_into(buffer[: self._bytes_left])
        self._bytes_left -= size
        self.ended = not size
        return size
