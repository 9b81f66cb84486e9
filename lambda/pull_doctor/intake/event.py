"""The two doors: a stopped task from its state-change event or from DescribeTasks becomes an ``Intake``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from pull_doctor.intake.failures import UNNAMED, WHOLE_TASK, Container, find_failures
from pull_doctor.intake.scrub import scrub
from pull_doctor.intake.service_event import service_of
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Attachment, Failure, Intake, Task
from pull_doctor.resource import Place

DETAIL_TYPE = "ECS Task State Change"
SERVICE_ACTION = "ECS Service Action"
_TASK_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):ecs:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r":task/(?:(?P<cluster>[A-Za-z0-9_-]{1,255})/)?(?P<id>[A-Za-z0-9-]{1,255})"
)
_TASK_DEFINITION = re.compile(r"(?:.*:task-definition/)?(?P<family>[A-Za-z0-9_-]{1,255})(?::[0-9]+)?")
_ENI_TYPES = frozenset({"eni", "ElasticNetworkInterface"})
_MAX_STRING = 8192


class NotAnEcsTaskEvent(ValueError):  # noqa: N818 - it names what the input is not; callers print its one line
    """The input is not a state change of an ECS task, or not a task; the message is one line."""


def read_event(event: Mapping[str, Any]) -> Intake:
    """Read an EventBridge ``ECS Task State Change`` event, or an ``ECS Service Action`` about a role.

    Unknown fields are ignored, a member of a wrong type counts as absent. Raises ``NotAnEcsTaskEvent`` for an
    event of another type, or one that names no task.

    Shape: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """
    if not isinstance(event, Mapping):
        raise NotAnEcsTaskEvent(f"an event is a JSON object, not {_type_name(event)}")
    detail_type = _text(event.get("detail-type"))
    if detail_type == SERVICE_ACTION:
        return _read_service_action(event)
    if detail_type != DETAIL_TYPE:
        found = f'"{detail_type[:80]}"' if detail_type else "absent"
        raise NotAnEcsTaskEvent(f'the detail-type is not "{DETAIL_TYPE}" but {found}')
    if not isinstance(event.get("detail"), Mapping):
        raise NotAnEcsTaskEvent("the event has no detail")
    return _read(event["detail"], event_time=_time(event.get("time")))


def read_described_task(task: Mapping[str, Any]) -> Intake:
    """Read one member of the ``tasks`` of a DescribeTasks answer; account and Region come from its ARN.

    As lenient as ``read_event``; raises ``NotAnEcsTaskEvent`` where no task is named.

    Shape: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
    """
    if not isinstance(task, Mapping):
        raise NotAnEcsTaskEvent(f"a task is a JSON object, not {_type_name(task)}")
    return _read(task, event_time=None)


def _read(detail: Mapping[str, Any], *, event_time: datetime | None) -> Intake:
    task = _task(detail, event_time)
    failures, why_not = find_failures(
        task,
        [_container(raw) for raw in _members(detail.get("containers"))],
        desired_status=_text(detail.get("desiredStatus")),
        started=_text(detail.get("startedAt")) is not None or isinstance(detail.get("startedAt"), datetime),
    )
    return Intake(task=task, failures=failures, not_a_pull_failure=why_not)


def _read_service_action(event: Mapping[str, Any]) -> Intake:
    """Read what ECS says of a service that it cannot start tasks for; only a role it could not assume is kept.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    """
    raw = event.get("detail")
    detail: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    parts = service_of(event)
    if parts is None:
        raise NotAnEcsTaskEvent("the event's first resource is not the ARN of an ECS service")
    cluster = (_text(detail.get("clusterArn")) or "").rpartition("/")[2] or parts["cluster"] or "unknown"
    name = parts["name"]
    task = Task(
        arn=None,
        id=_text(event.get("id")) or name,
        place=Place(parts["partition"], parts["account"], parts["region"]),
        cluster=cluster,
        group=f"service:{name}",
        service=name,
        stopped_reason=_text(detail.get("reason")),
        failed_at=_time(detail.get("createdAt")) or _time(event.get("time")),
    )
    text = task.stopped_reason or ""
    symptom = read_symptom(text)
    if symptom.kind != "role-assume-failure":
        why = f"Service {name}: {_text(detail.get('eventName')) or 'the event'} does not speak of a role."
        return Intake(task, (), why)
    failure = Failure(WHOLE_TASK, UNNAMED, image=None, reference=None, message=text, symptom=symptom)
    return Intake(task, (failure,))


def _task(detail: Mapping[str, Any], event_time: datetime | None) -> Task:
    arn = detail.get("taskArn")
    if not isinstance(arn, str) or not arn:
        raise NotAnEcsTaskEvent("no taskArn says which task this is")
    parts = _TASK_ARN.fullmatch(arn)
    if parts is None:
        raise NotAnEcsTaskEvent(f'the taskArn is not the ARN of an ECS task: "{scrub(arn)[:200]}"')
    group = _text(detail.get("group"))
    task_definition = _text(detail.get("taskDefinitionArn"))
    family = _TASK_DEFINITION.fullmatch(task_definition or "")
    overrides = detail.get("overrides")
    times = (_time(detail.get(name)) for name in ("stoppedAt", "stoppingAt", "executionStoppedAt"))
    return Task(
        arn=arn,
        id=parts["id"],
        place=Place(parts["partition"], parts["account"], parts["region"]),
        cluster=(_text(detail.get("clusterArn")) or "").rpartition("/")[2] or parts["cluster"] or "unknown",
        group=group,
        service=_service(group, _text(detail.get("startedBy"))),
        started_by=_text(detail.get("startedBy")),
        task_definition=task_definition,
        family=family["family"] if family else None,
        launch_type=_text(detail.get("launchType")),
        capacity_provider=_text(detail.get("capacityProviderName")),
        platform_version=_text(detail.get("platformVersion")),
        platform_family=_text(detail.get("platformFamily")),
        cpu_architecture=_named(detail.get("attributes")).get("ecs.cpu-architecture"),
        stop_code=_text(detail.get("stopCode")),
        stopped_reason=_text(detail.get("stoppedReason")),
        failed_at=next(filter(None, times), event_time),
        attachment=_attachment(detail.get("attachments")),
        container_instance=_text(detail.get("containerInstanceArn")),
        storage=_storage(detail.get("ephemeralStorage")),
        execution_role_override=_text(overrides.get("executionRoleArn")) if isinstance(overrides, Mapping) else None,
        task_role_override=_text(overrides.get("taskRoleArn")) if isinstance(overrides, Mapping) else None,
    )


def _service(group: str | None, started_by: str | None) -> str | None:
    """The service of the task; whoever calls RunTask may name any group, but not what started the task.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    if not (group and group.startswith("service:")) or not (started_by or "ecs-svc/").startswith("ecs-svc/"):
        return None
    return group.removeprefix("service:") or None


def _attachment(attachments: object) -> Attachment | None:
    for attachment in _members(attachments):
        if _text(attachment.get("type")) in _ENI_TYPES:
            details = _named(attachment.get("details"))
            return Attachment(
                subnet=details.get("subnetId"),
                interface=details.get("networkInterfaceId"),
                private_ip=_address(details.get("privateIPv4Address")),
            )
    return None


def _container(raw: Mapping[str, Any]) -> Container:
    image, exit_code = raw.get("image"), raw.get("exitCode")
    return Container(
        name=_text(raw.get("name")),
        image=image[:_MAX_STRING] if isinstance(image, str) and image else None,
        reason=_text(raw.get("reason")),
        runtime_id=_text(raw.get("runtimeId")),
        image_digest=_text(raw.get("imageDigest")),
        exit_code=exit_code if isinstance(exit_code, int) and not isinstance(exit_code, bool) else None,
    )


def _storage(value: object) -> int | None:
    size = value.get("sizeInGiB") if isinstance(value, Mapping) else None
    return size if type(size) is int and size > 0 else None


def _members(value: object) -> list[Mapping[str, Any]]:
    return [member for member in value if isinstance(member, Mapping)] if isinstance(value, list) else []


def _named(pairs: object) -> dict[str, str]:
    """Return name/value pairs as a dictionary, without those that are not text."""
    found = ((_text(pair.get("name")), _text(pair.get("value"))) for pair in _members(pairs))
    return {name: value for name, value in found if name and value}


def _text(value: object) -> str | None:
    """Return scrubbed text; ``None`` for anything else and for nothing but blanks.

    Scrubbed before it is cut: a cut URL could no longer be told from harmless text.
    """
    return (scrub(value).strip()[:_MAX_STRING] or None) if isinstance(value, str) else None


def _address(text: str | None) -> str | None:
    """Return an IP address; ``None`` for what is none, as where somebody masked it."""
    try:
        return str(ip_address(text or ""))
    except ValueError:
        return None


def _time(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _type_name(value: object) -> str:
    return type(value).__name__
