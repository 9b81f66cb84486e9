"""Which events are failed image pulls: the patterns of the EventBridge rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_TASK_REASONS = [
    {"prefix": {"equals-ignore-case": "CannotPull"}},
    {"prefix": {"equals-ignore-case": "ResourceInitializationError: unable to pull "}},
    {"prefix": "ECS was unable to assume the role"},
]
_CONTAINER_REASONS = [
    {"prefix": {"equals-ignore-case": "CannotPull"}},
    {"prefix": "DockerTimeoutError: Could not transition to pull"},
    {"prefix": "DockerTimeoutError: Could not transition to MANIFEST_PULLED"},
]


def failure_pattern(include: Sequence[str] = (), exclude: Sequence[str] = ()) -> dict[str, Any]:
    """Return the event pattern, as EventBridge's own JSON; ``include`` or ``exclude`` are cluster names.

    A task that has started ran its image, perhaps from the host's cache, so it must have no ``startedAt``.
    EC2's agent leaves the task's own reason empty of the cause, so the containers' reasons count too, unless
    something outside stopped the task.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """
    detail: dict[str, Any] = {
        "desiredStatus": ["STOPPED"],
        "lastStatus": ["DEPROVISIONING", "STOPPED"],
        "startedAt": [None, {"exists": False}],
        "$or": [
            {"stoppedReason": _TASK_REASONS},
            {
                "stopCode": ["TaskFailedToStart", "EssentialContainerExited"],
                "containers": {"reason": _CONTAINER_REASONS},
            },
        ],
    }
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": detail | _clusters(include, exclude),
    }


def role_pattern(include: Sequence[str] = (), exclude: Sequence[str] = ()) -> dict[str, Any]:
    """Return the pattern of services whose tasks ECS cannot start, for want of a role that it can assume.

    No task exists then whose state could change. The event's name covers more than roles; the function drops the rest.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    """
    detail: dict[str, Any] = {"eventName": ["SERVICE_TASK_CONFIGURATION_FAILURE"]}
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Service Action"],
        "detail": detail | _clusters(include, exclude),
    }


def end_pattern(include: Sequence[str] = (), exclude: Sequence[str] = ()) -> dict[str, Any]:
    """Return the pattern of services that may run again; the function then asks ECS whether one does.

    The event of a deployment has no ``clusterArn``, so it passes for every cluster. That is harmless: the function
    drops the event of a service of which no incident is open.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    """
    detail: dict[str, Any] = {"eventName": ["SERVICE_STEADY_STATE", "SERVICE_DEPLOYMENT_COMPLETED"]}
    if clusters := _clusters(include, exclude):
        detail["clusterArn"] = [*clusters["clusterArn"], {"exists": False}]
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Service Action", "ECS Deployment State Change"],
        "detail": detail,
    }


def _clusters(include: Sequence[str], exclude: Sequence[str]) -> dict[str, Any]:
    if include:
        return {"clusterArn": [{"suffix": f":cluster/{name}"} for name in include]}
    if exclude:
        return {"clusterArn": [{"anything-but": {"suffix": [f":cluster/{name}" for name in exclude]}}]}
    return {}
