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
import uuid
from datetime import datetime
from importlib import import_module
from typing import Any

from tests.emulated import ministack_iam

app: Any = import_module("ministack.app")
responses: Any = import_module("ministack.core.responses")
runtime: Any = import_module("ministack.core.lambda_runtime")
ecs: Any = import_module("ministack.services.ecs")
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


def _patch_task(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS alone decides about a task: who started it, when, and the network interface it was given."""
    with responses.request_scope(change["account"], change["region"]):
        task = ecs._tasks[change["task"]]
        task.update(change["members"])
        ecs._refresh_service_state(task["clusterArn"].rsplit("/", 1)[-1], task["group"])
    return {}


def _copy_task(change: dict[str, Any]) -> dict[str, Any]:
    """More tasks that went the way of one, so that a storm of failures costs one call."""
    with responses.request_scope(change["account"], change["region"]):
        for copy in change["copies"]:
            text = json.dumps(ecs._tasks[change["task"]])
            for old, new in copy.items():
                text = text.replace(old, new)
            task = json.loads(text)
            ecs._tasks[task["taskArn"]] = task
    return {}


def _complete_deployment(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS alone decides about a deployment: that it is done, and that the tasks of earlier ones stop."""
    with responses.request_scope(change["account"], change["region"]):
        ecs._complete_service_deployment(change["service"].partition("/")[0], change["service"])
        deployment = ecs._primary_deployment(ecs._services[change["service"]])
        if deployment["rolloutState"] != "COMPLETED":
            raise ValueError(f"{change['service']} does not run all the tasks that it wants")
        deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} completed."
    return {}


def _roll_back(change: dict[str, Any]) -> dict[str, Any]:
    """What ECS's circuit breaker does: the deployment before is the service's again, and the failed one goes.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
    """
    with responses.request_scope(change["account"], change["region"]):
        service = ecs._services[change["service"]]
        before = next(one for one in service["deployments"] if one["status"] == "ACTIVE")
        before.update(status="PRIMARY", rolloutState="IN_PROGRESS", desiredCount=service["desiredCount"])
        service.update(deployments=[before], taskDefinition=before["taskDefinition"])
        ecs._refresh_service_state(change["service"].partition("/")[0], f"service:{service['serviceName']}")
    return _complete_deployment(change)


def _invocations(_: dict[str, Any]) -> dict[str, Any]:
    """How many events a function has not handled yet: it runs, or its retry is due."""
    return {"pending": len(_pending)}


def _mail(_: dict[str, Any]) -> dict[str, Any]:
    return {"mails": _mails}


_CONTROLS = {
    "event": _put_event,
    "task": _patch_task,
    "task-copies": _copy_task,
    "complete": _complete_deployment,
    "roll-back": _roll_back,
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


def _patch_ecs() -> None:
    """Start no task that no world asked for, and write ids, times, and deployments as AWS does."""
    make_deployment = ecs._make_deployment

    def deployment(task_definition: str, desired_count: int, status: str = "PRIMARY") -> dict[str, Any]:
        made: dict[str, Any] = make_deployment(task_definition, desired_count, status)
        made["id"] = "ecs-svc/" + str(int(made["id"].removeprefix("ecs-svc/"), 16))[:19]
        made["rolloutState"] = "IN_PROGRESS"  # MiniStack calls the first one completed before any task runs
        made["rolloutStateReason"] = f"ECS deployment {made['id']} in progress."
        return made

    def with_network(change: Any) -> Any:
        def changed(data: dict[str, Any]) -> Any:
            if "networkConfiguration" in data:
                data = {"forceNewDeployment": True} | data  # as on AWS; MiniStack keeps the old deployment
            answer = change(data)
            for service in ecs._services.values():
                primary = ecs._primary_deployment(service)
                if primary and service.get("networkConfiguration") and "networkConfiguration" not in primary:
                    primary["networkConfiguration"] = service["networkConfiguration"]
                    if service["launchType"] == "FARGATE":
                        primary["platformVersion"] = service["platformVersion"] or "1.4.0"
            return answer

        return changed

    def epoch(value: Any) -> Any:
        """MiniStack cuts times to the second."""
        return round(datetime.fromisoformat(value).timestamp(), 3) if isinstance(value, str) else value

    ecs.new_uuid = lambda: uuid.uuid4().hex
    ecs._ts_to_epoch = epoch
    ecs._make_deployment = deployment
    ecs._reconcile_service_tasks = lambda _cluster, _service: None
    for action in ("CreateService", "UpdateService"):
        ecs._ACTION_MAP[action] = with_network(ecs._ACTION_MAP[action])


def _patch_service_revisions() -> None:
    """Keep what every deployment starts its tasks with, as a service revision of the same number; MiniStack has none.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html
    """
    revisions: dict[str, dict[str, Any]] = {}
    kept = ("serviceArn", "clusterArn", "taskDefinition", "launchType", "networkConfiguration")

    def remembering(change: Any) -> Any:
        def changed(data: dict[str, Any]) -> Any:
            answer = change(data)
            for service in ecs._services.values():
                primary = ecs._primary_deployment(service)
                if primary:
                    number = primary["id"].removeprefix("ecs-svc/")
                    arn = f"{service['serviceArn'].replace(':service/', ':service-revision/')}/{number}"
                    members = {name: (service | primary)[name] for name in kept if (service | primary).get(name)}
                    revisions.setdefault(arn, {"serviceRevisionArn": arn} | members)
            return answer

        return changed

    def describe(data: dict[str, Any]) -> Any:
        asked = data["serviceRevisionArns"]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in revisions]
        known = [revisions[arn] for arn in asked if arn in revisions]
        return ecs.json_response({"serviceRevisions": known, "failures": missing})

    for action in ("CreateService", "UpdateService"):
        ecs._ACTION_MAP[action] = remembering(ecs._ACTION_MAP[action])
    ecs._ACTION_MAP["DescribeServiceRevisions"] = describe


def _patch_container_instances() -> None:
    """Let an agent register its EC2 instance with a cluster, and show what is registered; MiniStack has none.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterContainerInstance.html
    """
    registered: dict[str, dict[str, Any]] = {}

    def register(data: dict[str, Any]) -> Any:
        instance = json.loads(data["instanceIdentityDocument"])["instanceId"]
        cluster = data.get("cluster", "default")
        place = f"arn:aws:ecs:{ecs.get_region()}:{ecs.get_account_id()}:container-instance"
        found = {
            "containerInstanceArn": f"{place}/{cluster}/{uuid.uuid4().hex}",
            "ec2InstanceId": instance,
            "versionInfo": data["versionInfo"],
            "attributes": data["attributes"],
            "status": "ACTIVE",
            "agentConnected": True,
        }
        registered[found["containerInstanceArn"]] = found
        return ecs.json_response({"containerInstance": found})

    def describe(data: dict[str, Any]) -> Any:
        asked = data["containerInstances"]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in registered]
        known = [registered[arn] for arn in asked if arn in registered]
        return ecs.json_response({"containerInstances": known, "failures": missing})

    ecs._ACTION_MAP |= {"RegisterContainerInstance": register, "DescribeContainerInstances": describe}


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
    of_ecs = (_patch_ecs, _patch_service_revisions, _patch_container_instances)
    for patch in (*of_ecs, _patch_lambda, _patch_sns, ministack_iam.patch):
        patch()
    config = import_module("hypercorn.config").Config()
    config.bind = [f"fd://{sys.argv[1]}"]
    config.loglevel = os.environ["LOG_LEVEL"]
    asyncio.run(import_module("hypercorn.asyncio").serve(_served, config))


if __name__ == "__main__":
    _main()
