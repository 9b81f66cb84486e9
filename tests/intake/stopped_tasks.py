"""Stopped tasks as ECS tells of them: one task, shown through either door."""

from datetime import datetime
from typing import Any, Literal

from pull_doctor.intake.event import read_described_task, read_event
from pull_doctor.intake.task import Intake

Door = Literal["event", "describe-tasks"]
DOORS: tuple[Door, ...] = ("event", "describe-tasks")

TASK_ID = "0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f"
TASK_ARN = f"arn:aws:ecs:eu-west-1:123456789012:task/shop/{TASK_ID}"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
IMAGE = f"{ECR}/team/web:5"
NOT_FOUND = (
    f"CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref {IMAGE}: "
    f"{IMAGE}: not found"
)
_TIMES = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt")


def container(name: str = "web", image: str | None = IMAGE, **more: Any) -> dict[str, Any]:
    """Return a container; without an image it is one that AWS injected. A member that is ``None`` is left out."""
    shown = {"name": name, "image": image, "lastStatus": "STOPPED", "taskArn": TASK_ARN, "cpu": "0", **more}
    return {key: value for key, value in shown.items() if value is not None}


def fargate_task(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the detail of a Fargate service task that failed to start; a member that is ``None`` is left out."""
    detail: dict[str, Any] = {
        "attachments": [
            {"id": "a-1", "type": "elb", "status": "DELETED", "details": []},
            {
                "id": "a-2",
                "type": "eni",
                "status": "DELETED",
                "details": [
                    {"name": "subnetId", "value": "subnet-0a1"},
                    {"name": "networkInterfaceId", "value": "eni-0b2"},
                    {"name": "privateIPv4Address", "value": "10.0.1.9"},
                ],
            },
        ],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}],
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
        "containers": list(containers or [container()]),
        "createdAt": "2026-11-01T10:00:00.5Z",
        "desiredStatus": "STOPPED",
        "ephemeralStorage": {"sizeInGiB": 60},
        "group": "service:web",
        "lastStatus": "STOPPED",
        "launchType": "FARGATE",
        "overrides": {"containerOverrides": [{"name": "web"}]},
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "startedBy": "ecs-svc/4242424242",
        "stopCode": "TaskFailedToStart",
        "stoppedAt": "2026-11-01T10:07:00.71Z",
        "stoppedReason": NOT_FOUND,
        "stoppingAt": "2026-11-01T10:06:00Z",
        "taskArn": TASK_ARN,
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web-app:87",
        "version": 5,
    }
    detail |= more
    return {key: value for key, value in detail.items() if value is not None}


def ec2_task(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the detail of an EC2 task, whose own text says nothing."""
    host: dict[str, Any] = {
        "launchType": "EC2",
        "platformVersion": None,
        "platformFamily": None,
        "ephemeralStorage": None,
        "attachments": [],
        "containerInstanceArn": "arn:aws:ecs:eu-west-1:123456789012:container-instance/shop/77aa",
        "stoppedReason": "Task failed to start",
    }
    return fargate_task(*containers, **(host | more))


def event(detail: Any) -> dict[str, Any]:
    """Return the EventBridge event that carries this detail."""
    return {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000001",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "123456789012",
        "time": "2026-11-01T10:07:01Z",
        "region": "eu-west-1",
        "resources": [TASK_ARN],
        "detail": detail,
    }


def read(door: Door, detail: dict[str, Any]) -> Intake:
    """Read the task through one of the doors; DescribeTasks has real times and another name for interfaces."""
    if door == "event":
        return read_event(event(detail))
    described = dict(detail)
    for name in _TIMES:
        if isinstance(described.get(name), str):
            described[name] = datetime.fromisoformat(described[name])
    described["attachments"] = [
        attachment | {"type": "ElasticNetworkInterface"} if attachment["type"] == "eni" else attachment
        for attachment in detail.get("attachments", [])
    ]
    return read_described_task(described)
