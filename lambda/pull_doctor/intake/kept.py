"""The event as it may be kept: the members that say what happened, scrubbed.

What people typed into a task (environment variables, commands, the overrides of both) is not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pull_doctor.intake.scrub import image_text, scrub

_PLAIN = None
_PAIRS = {"name": _PLAIN, "value": _PLAIN}

_DETAIL = {
    "attachments": {"id": _PLAIN, "type": _PLAIN, "status": _PLAIN, "details": _PAIRS},
    "attributes": _PAIRS,
    "containers": {
        "image": image_text,
        **dict.fromkeys(("containerArn", "name", "imageDigest", "lastStatus", "exitCode", "reason", "runtimeId")),
    },
    "ephemeralStorage": dict.fromkeys(("sizeInGiB",)),
    "overrides": dict.fromkeys(("executionRoleArn", "taskRoleArn")),
    **dict.fromkeys(
        (
            "availabilityZone",
            "capacityProviderName",
            "clusterArn",
            "containerInstanceArn",
            "createdAt",
            "desiredStatus",
            "eventName",
            "eventType",
            "executionStoppedAt",
            "group",
            "lastStatus",
            "launchType",
            "platformFamily",
            "platformVersion",
            "pullStartedAt",
            "pullStoppedAt",
            "reason",
            "startedAt",
            "startedBy",
            "stopCode",
            "stoppedAt",
            "stoppedReason",
            "stoppingAt",
            "taskArn",
            "taskDefinitionArn",
            "version",
        )
    ),
}
_EVENT = {
    "detail": _DETAIL,
    **dict.fromkeys(("account", "detail-type", "id", "region", "resources", "source", "time", "version")),
}


def kept_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event without what nobody needs to know and without what nobody may see.

    Shape: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """
    kept = _kept(event, _EVENT)
    return kept if isinstance(kept, dict) else {}


def _kept(value: Any, members: Mapping[str, Any] | Callable[[str], str] | None) -> Any:
    if isinstance(value, list):
        return [_kept(one, members) for one in value]
    if members is not _PLAIN and not callable(members):
        if not isinstance(value, Mapping):
            return None
        return {name: _kept(value[name], inner) for name, inner in members.items() if name in value}
    if isinstance(value, str):
        return members(value) if callable(members) else scrub(value)
    return value if value is None or isinstance(value, (bool, int, float)) else None
