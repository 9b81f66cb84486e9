"""The deployed function's handler in this process, with what its AWS calls answer in the test's hands.

``running = InProcess(aws, deployed, monkeypatch)`` makes the handler's parts from the deployed function's environment.
``running.invoke(event)`` plays Lambda: at most three attempts, a minute and two minutes apart by the handler's clock,
which is ``running.now``. With ``running.faults = {"sns:Publish": Fault("throttled", frozenset({1}))}`` the calls of
the first attempt fail as HTTP; botocore parses, retries, and raises as ever, but does not wait. What a read answered is
remembered and given again; calls of the table, the topics, the bus, the bucket, and the secret reach the emulated AWS
each time.
"""

from __future__ import annotations

import io
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Literal

import boto3
import botocore.endpoint
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from pull_doctor import handler
from pull_doctor.facts.engine import SharedAnswers
from tests.emulated import actions
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.end_to_end.running import session_of

Kind = Literal["denied", "throttled", "timed-out", "answer-lost", "malformed", "unavailable"]
"""``timed-out`` never arrives; ``answer-lost`` and ``malformed`` do what was asked, and then no answer or half of one
comes back."""

KINDS: tuple[Kind, ...] = ("denied", "throttled", "timed-out", "answer-lost", "malformed", "unavailable")
PAUSES = (60, 120)
SECONDS = 60
_NEVER_REMEMBERED = {"dynamodb", "events", "s3", "secretsmanager", "sns"}


@dataclass
class Fault:
    """How an action fails, and in which attempts; tries that botocore makes by itself are of one attempt."""

    kind: Kind
    attempts: frozenset[int] = frozenset({1, 2, 3})


@dataclass
class _Context:
    """What Lambda tells an attempt."""

    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:pull-doctor"

    def get_remaining_time_in_millis(self) -> int:
        return SECONDS * 1000


class _Body(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()


class InProcess:
    """The handler and its faults; ``actions`` has every action that it asked for, ``outcomes`` how attempts ended."""

    def __init__(self, aws: EmulatedAws, deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        self.attempt = 0
        self.faults: Mapping[str, Fault] = {}
        self.actions: set[str] = set()
        self.outcomes: list[str] = []
        self._lock = threading.Lock()
        self._remembered: dict[tuple[Any, ...], tuple[int, dict[str, str], bytes]] = {}
        credentials = session_of(aws, deployed).get_credentials()
        assert credentials
        self._key = credentials.access_key
        function = aws.client("lambda").get_function_configuration(FunctionName=deployed.function)
        own = {
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_SESSION_TOKEN": credentials.token,
        }
        for name, value in (aws.env | function["Environment"]["Variables"] | own).items():
            monkeypatch.setenv(name, str(value))
        self._send = URLLib3Session.send

        def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            return self._sent(session, request)

        monkeypatch.setattr(URLLib3Session, "send", send)
        monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
        # Else the clients have the credentials of whoever made one first.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        # Every diagnosis asks for everything.
        monkeypatch.setattr(SharedAnswers, "recall", lambda *_: {})
        self.parts = replace(handler.parts.__wrapped__(), now=lambda: self.now)

    def invoke(self, event: Any, attempts: int = 3) -> bool:
        """Attempt until one returns, as Lambda does; whether one did. ``outcomes`` says how each ended."""
        self.outcomes = []
        for self.attempt in range(1, attempts + 1):
            context: Any = _Context()
            try:
                handler.handle(event, context, self.parts)
            except Exception as error:  # noqa: BLE001 - whatever is raised, Lambda tries again
                self.outcomes.append(f"{type(error).__name__}: {error}")
                self.now += PAUSES[min(self.attempt, 2) - 1]
            else:
                self.outcomes.append("returned")
                return True
        return False

    def forget(self) -> None:
        """Forget what reads answered, as AWS has changed since."""
        self._remembered.clear()

    def _sent(self, session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        body = request.body.encode() if isinstance(request.body, str) else request.body
        body = body if isinstance(body, bytes) else b""
        asked = actions.parse(request.method, request.url, headers, body)
        if asked is None or asked.access_key != self._key:
            return self._send(session, request)
        fault = self.faults.get(asked.action)
        kind: Kind | None = fault.kind if fault and self.attempt in fault.attempts else None
        with self._lock:
            self.actions.add(asked.action)
        if kind == "timed-out":
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind == "unavailable":
            return _response(request.url, 503, {"Content-Type": "text/html"}, b"<html>busy</html>")
        if kind == "denied":
            return _response(request.url, *actions.denied(asked, "arn:aws:sts::1:assumed-role/r/f", None))
        if kind == "throttled":
            return _response(request.url, *actions.throttled(asked))
        status, answered, content = self._answered(session, request, asked.service, (asked.service, request.url, body))
        if kind == "answer-lost":
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind == "malformed":
            content = content[: len(content) // 2] or b"<html>"
            answered = {name: value for name, value in answered.items() if name.lower() != "content-length"}
        return _response(request.url, status, answered, content)

    def _answered(
        self, session: URLLib3Session, request: AWSPreparedRequest, service: str, asked: tuple[Any, ...]
    ) -> tuple[int, dict[str, str], bytes]:
        if asked not in self._remembered or service in _NEVER_REMEMBERED:
            response = self._send(session, request)
            self._remembered[asked] = response.status_code, dict(response.headers), response.content
        return self._remembered[asked]


def _response(url: str, status: int, headers: dict[str, str], content: bytes) -> AWSResponse:
    return AWSResponse(url, status, headers, _Body(content))  # type: ignore[arg-type] # the stubs want http.client's headers


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
