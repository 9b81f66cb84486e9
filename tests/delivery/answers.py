"""Clients that are answered below botocore, with what AWS should never say, and no answer at all."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.delivery.samples import REGION

ANSWERS = [
    (200, b""),
    (200, b"{}"),
    (200, b"hunter2"),
    (200, b"<html>hunter2</html>"),
    (200, b"\x00\xff\xfe"),
    (200, b"<PublishResponse><PublishResult></PublishResult></PublishResponse>"),
    (200, b"[]"),
    (200, b"null"),
    (200, b'{"FailedEntryCount": 0, "Entries": []}'),
    (200, b'{"FailedEntryCount": 0, "Entries": [null]}'),
    (200, b'{"FailedEntryCount": 0, "Entries": "hunter2"}'),
    (200, b'{"FailedEntryCount": 1, "Entries": [{"EventId": "e", "ErrorCode": "hunter2, a text"}]}'),
    (400, b""),
    (429, b"slow down, hunter2"),
    (500, b"<html>hunter2</html>"),
    (503, b"\x00\xff\xfe"),
    (400, b'{"__type": "hunter2 and more words than a code has"}'),
    (400, b"<ErrorResponse><Error><Code>hunter2, a text</Code></Error></ErrorResponse>"),
]
"""Status and body of answers that confirm nothing; the secret in them must not come out."""

TIMEOUTS: list[Exception] = [
    ConnectTimeoutError(endpoint_url="https://x"),
    ReadTimeoutError(endpoint_url="https://x"),
]


class _Raw:
    """A body as urllib3 has it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return [self._body]


def answering(service: str, status: int, body: bytes) -> Any:
    """Make a client to which every call is answered so."""
    headers: Any = {}
    return _client(service, lambda **_: AWSResponse("https://x", status, headers, _Raw(body)))


def failing(service: str, error: Exception) -> Any:
    """Make a client whose every call ends in ``error``."""

    def fail(**_: Any) -> None:
        raise error

    return _client(service, fail)


def _client(service: str, answer: Any) -> Any:
    client: Any = boto3.client(
        service,  # type: ignore[call-overload] # the stubs want a literal
        region_name=REGION,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )
    client.meta.events.register("before-send", answer)
    return client
