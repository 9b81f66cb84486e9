"""Reads stopped tasks from ECS, for the command line's ``--task`` and ``--service``.

These are no questions of a diagnosis: they are what a diagnosis begins with. Errors are raised as botocore has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.ecs import list_tasks, only_missing

ACTIONS = ("ecs:DescribeTasks", "ecs:ListTasks")

_DESCRIBE_LIMIT = 100
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def describe_task(aws: Aws, region: str, cluster: str, task: str) -> Mapping[str, Any] | None:
    """One task as DescribeTasks has it, without its container overrides; ``None`` if ECS no longer knows it.

    ECS shows a stopped task for at least an hour:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    try:
        found = _describe(aws, region, cluster, [task])
    except ClientError as error:
        if error_code(error) == "ClusterNotFoundException":
            return None
        raise
    return found[0] if found else None


def stopped_tasks(aws: Aws, region: str, cluster: str, service: str) -> tuple[Mapping[str, Any], ...]:
    """The service's stopped tasks that ECS still shows, the newest first; none if there is no such service."""
    arns = list_tasks(aws, region, None, cluster, "STOPPED", serviceName=service)
    found = [
        task
        for start in range(0, len(arns), _DESCRIBE_LIMIT)
        for task in _describe(aws, region, cluster, arns[start : start + _DESCRIBE_LIMIT])
    ]
    return tuple(sorted(found, key=_stopped_at, reverse=True))


def _stopped_at(task: Mapping[str, Any]) -> datetime:
    found: datetime = task.get("stoppedAt") or task.get("stoppingAt") or _LONG_AGO
    return found


def _describe(aws: Aws, region: str, cluster: str, tasks: list[str]) -> list[Mapping[str, Any]]:
    answer = aws.client("ecs", region).describe_tasks(cluster=cluster, tasks=tasks)
    only_missing(answer.get("failures", []))
    return [_without_container_overrides(task) for task in answer["tasks"]]


def _without_container_overrides(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Container overrides hold environment variables and commands; of the overrides only the roles are used."""
    overrides = task.get("overrides", {})
    kept = {name: overrides[name] for name in ("executionRoleArn", "taskRoleArn") if name in overrides}
    return {**task, "overrides": kept}
