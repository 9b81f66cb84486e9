"""Runs MiniStack on an inherited socket, and opens under ``/_control/`` what only AWS itself may do.

Runs in MiniStack's own virtual environment: ``python -m tests.emulated.ministack_launcher FD``, FD a listening socket.
It ends, with every Lambda worker it started, as soon as its standard input closes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any

from tests.emulated import ministack_ecs, ministack_iam

app: Any = import_module("ministack.app")
responses: Any = import_module("ministack.core.responses")
runtime: Any = import_module("ministack.core.lambda_runtime")
events: Any = import_module("ministack.services.eventbridge")
functions: Any = import_module("ministack.services.lambda_svc")
sns: Any = import_module("ministack.services.sns")
sts: Any = import_module("ministack.services.sts")

_ATTEMPTS = 3
"""An event is tried twice more: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""

_mails: list[dict[str, str]] = []
_pending: dict[int, tuple[Any, int]] = {}
"""By the event's identity: the event, and the attempts that it has left."""


def _put_event(event: dict[str, Any]) -> dict[str, Any]:
    """An event as the service itself puts it: with its own id and time, from a source that no caller may name."""
    record = {
        "EventId": event["id"],
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "EventBusName": "default",
        "Time": event["time"],
        "Resources": event["resources"],
        "Account": event["account"],
        "Region": event["region"],
    }
    with responses.request_scope(event["account"], event["region"]):
        events._dispatch_event(record)
    return {}


def _invocations(_: dict[str, Any]) -> dict[str, Any]:
    """How many events a function has not handled yet: it runs, or its retry is due."""
    return {"pending": len(_pending)}


def _mail(_: dict[str, Any]) -> dict[str, Any]:
    return {"mails": _mails}


_CONTROLS = ministack_ecs.CONTROLS | {
    "event": _put_event,
    "mail": _mail,
    "invocations": _invocations,
    "organization": ministack_iam.set_organization,
    "service-control-policies": ministack_iam.set_service_control_policies,
}


def _role_credentials(config: dict[str, Any]) -> dict[str, str]:
    """A session of the function's role, so that its calls can be told from everybody else's."""
    account, _ = runtime._account_region_from_function_config(config)
    role, name = config["Role"].rsplit("/", 1)[-1], config["FunctionName"]
    key = "ASIA" + hashlib.sha256(f"{account}{role}{name}".encode()).hexdigest()[:16].upper()
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{name}"
    sts.register_session(
        key, {"Arn": arn, "UserId": f"{role}:{name}", "SecretAccessKey": "secret", "SessionToken": "token"}
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


def _patch_lambda() -> None:
    """Let a rule's event take Lambda's asynchronous path, with its retries and its on-failure destination."""
    execute = functions._execute_function

    def dispatch(arn: str, payload: str) -> None:
        function, config, _ = functions._get_func_record_for_ref(arn)
        event = json.loads(payload)
        _pending[id(event)] = event, _ATTEMPTS
        functions.invoke_async_with_retry(functions._execution_record_for_config(function, config), event)

    def counted(function: Any, event: Any, *more: Any, **named: Any) -> Any:
        result = execute(function, event, *more, **named)
        _, attempts = _pending.pop(id(event), (None, 0))
        if attempts > 1 and result.get("error"):
            _pending[id(event)] = event, attempts - 1
        return result

    events._dispatch_to_lambda = dispatch
    functions._execute_function = counted
    runtime.execution_credentials = functions.execution_credentials = _role_credentials


def _patch_sns() -> None:
    """Keep what subscribers by e-mail are sent, as far as their filter policies let it through."""
    fan_out = sns._fanout

    def fan_out_with_mail(
        topic: str,
        message_id: str,
        message: str,
        subject: str,
        structure: str = "",
        attributes: Any = None,
        **more: Any,
    ) -> None:
        fan_out(topic, message_id, message, subject, structure, attributes, **more)
        text = sns._resolve_message_for_protocol(message, structure, "email")
        _mails.extend(
            {"to": subscription["endpoint"], "subject": subject, "text": text}
            for subscription in sns._topic_by_arn_any_scope(topic)["subscriptions"]
            if subscription["protocol"] == "email" and sns._matches_filter_policy(subscription, attributes or {}, text)
        )

    sns._fanout = fan_out_with_mail


async def _served(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http" or not scope["path"].startswith("/_control/"):
        await app.app(scope, receive, send)
        return
    body = b""
    while True:
        part = await receive()
        body += part["body"]
        if not part.get("more_body"):
            break
    answer = _CONTROLS[scope["path"].removeprefix("/_control/")](json.loads(body))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def _main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for patch in (ministack_ecs.patch, _patch_lambda, _patch_sns, ministack_iam.patch):
        patch()
    config = import_module("hypercorn.config").Config()
    config.bind = [f"fd://{sys.argv[1]}"]
    config.loglevel = os.environ["LOG_LEVEL"]
    asyncio.run(import_module("hypercorn.asyncio").serve(_served, config))


if __name__ == "__main__":
    _main()
