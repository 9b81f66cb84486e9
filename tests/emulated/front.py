"""One endpoint before both emulators: EC2, ECR, and Route 53 are answered by moto, everything else by MiniStack.

Every signed call passes through here: it is mapped to its IAM action, recorded, held against the policy of the role
that makes it where one was given, and can be made to fail. Watchers see it just before it reaches the emulator, and
just after, and can say that its caller has died in between.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import botocore.session
import urllib3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from tests.emulated import actions, other_accounts

Kind = Literal["denied", "throttled", "timed-out", "second-page-missing", "key-disabled"]
"""How a call fails; ``key-disabled`` is SNS's refusal where the topic's key cannot be used."""

Watcher = Callable[[Literal["before", "after"], str, str], bool]
"""Sees the moment, the IAM action, and the caller's ARN of a call; returns whether the caller is dead by now."""

_MOTO = {"ec2", "ecr", "route53", "route53resolver"}
_FREE = {"sts:GetCallerIdentity"}
"""Needs no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
_HANG_SECONDS = 30
_NEXT = "more-is-missing"


@dataclass(frozen=True)
class Call:
    """One signed call: its IAM action, the caller's ARN, and the HTTP status it was answered with."""

    action: str
    caller: str
    status: int


class Front:
    """A WSGI application; ``faults`` maps IAM actions to what happens to them, ``policies`` roles to statements."""

    def __init__(self, ministack: int) -> None:
        self.calls: list[Call] = []
        self.faults: dict[str, Kind] = {}
        self.policies: dict[str, list[dict[str, Any]]] = {}
        self.watchers: list[Watcher] = []
        self.closing = threading.Event()
        self._ministack = f"http://127.0.0.1:{ministack}"
        self._pool = urllib3.PoolManager(maxsize=32, retries=False)
        self._ask = other_accounts.asker(self._pool, self._ministack)
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._callers: dict[str, tuple[str, str]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        http = HttpRequest(environ)
        url = environ["REQUEST_URI"]
        headers = {name.lower(): value for name, value in http.headers}
        try:
            body = http.get_data()
        except ClientDisconnected:  # a process that was killed
            return Response(status=400)(environ, start_response)
        request = actions.parse(http.method, url, headers, body)
        if not request:
            return self._forward(http.method, url, headers, body)(environ, start_response)
        account, caller = self._caller(request)
        if self._died("before", request.action, caller):
            return Response(status=503)(environ, start_response)
        response = self._refused(request, account, caller)
        owner = other_accounts.owner_of(request, account)
        if not response and request.service in _MOTO:
            again = environ | {
                "wsgi.input": BytesIO(body),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_X_MOTO_ACCOUNT_ID": owner,
            }
            response = Response.from_app(self._moto, again, buffered=True)
        sent = headers if owner == account else other_accounts.as_account(headers, owner)
        response = response or self._forward(http.method, url, sent, body)
        if self.faults.get(request.action) == "second-page-missing" and response.status_code < 300:
            _add_token(request, response)
        self.calls.append(Call(request.action, caller, response.status_code))
        self._died("after", request.action, caller)
        return response(environ, start_response)

    def _died(self, moment: Literal["before", "after"], action: str, caller: str) -> bool:
        """Let every watcher see a call; whether one of them says that its caller is dead."""
        verdicts = [watcher(moment, action, caller) for watcher in self.watchers]
        return any(verdicts)

    def _refused(self, request: actions.Request, account: str, caller: str) -> Response | None:
        """What stands in the way of the call: the policy of its role, or a fault; else ``None``."""
        arn = actions.resource(request, account)
        held = self.policies.get(caller.split("/")[1] if ":assumed-role/" in caller else "")
        fault = self.faults.get(request.action)
        if fault == "second-page-missing":
            fault = "denied" if _NEXT in str(request.parameters) else None
        if fault == "timed-out":
            self.closing.wait(_HANG_SECONDS)
            return Response(status=504)
        if fault == "key-disabled":
            status, headers, body = actions.key_disabled(request)
        elif fault == "throttled":
            status, headers, body = actions.throttled(request)
        elif (
            fault == "denied"
            or (held is not None and request.action not in _FREE and not actions.allows(held, request.action, arn))
            or not other_accounts.admits(request, account, caller, self._ask)
        ):
            status, headers, body = actions.denied(request, caller, arn)
        else:
            return None
        return Response(body, status, headers)

    def _caller(self, request: actions.Request) -> tuple[str, str]:
        """The account and ARN behind an access key, as STS tells them."""
        if request.access_key not in self._callers:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            asked = "Action=GetCallerIdentity&Version=2011-06-15"
            text = self._ask(request.access_key, "sts", request.region, headers, asked)
            account, arn = (re.search(f"<{name}>(.*?)</{name}>", text) for name in ("Account", "Arn"))
            if not account or not arn:
                raise RuntimeError(f"STS does not know {request.access_key}: {text}")
            self._callers[request.access_key] = account[1], arn[1]
        return self._callers[request.access_key]

    def _forward(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Response:
        kept = {name: value for name, value in headers.items() if name not in {"connection", "transfer-encoding"}}
        answer = self._pool.request(method, self._ministack + url, body=body, headers=kept, decode_content=False)
        dropped = {"connection", "transfer-encoding", "content-length", "date", "server"}
        response = Response(answer.data, answer.status)
        response.headers.clear()
        response.headers.extend((name, value) for name, value in answer.headers.items() if name.lower() not in dropped)
        return response


def _add_token(request: actions.Request, response: Response) -> None:
    """Says in a listing's answer that there is another page."""
    pages = botocore.session.get_session().get_paginator_model(request.service)
    try:
        token = pages.get_paginator(request.operation)["output_token"]
    except ValueError:  # botocore pages all but a few listings, as route53:ListHostedZonesByVPC
        token = "NextToken"
    token = token if isinstance(token, str) else token[0]
    body = response.get_data()
    if body.startswith(b"{"):
        response.set_data(json.dumps(json.loads(body) | {token: _NEXT}))
        return
    text = body.decode()
    protocol = actions.model(request.service).resolved_protocol
    member = "nextToken" if protocol == "ec2" else token
    close = f"</{request.operation}{'Result' if protocol == 'query' else 'Response'}>"
    text = text.replace("<IsTruncated>false<", "<IsTruncated>true<")
    response.set_data(text.replace(close, f"<{member}>{_NEXT}</{member}>{close}"))


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Every call is recorded; none is printed."""


def serve(front: Front, fd: int) -> Any:
    """Serve the front on a listening socket from a daemon thread; ``shutdown()`` ends it."""
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=_Quiet, fd=fd)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server
