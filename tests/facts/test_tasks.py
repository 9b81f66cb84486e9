from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.permissions import actions
from pull_doctor.facts.readers.reader import IncompleteAnswerError
from pull_doctor.facts.readers.tasks import describe_task, stopped_tasks
from tests.facts.botocore_world import REGION, AwsError, World
from tests.facts.case import NOON, PLANTED, ROLE, TASKS

STOPPED = {
    "taskArn": TASKS[0],
    "stoppedReason": "CannotPullContainerError: no",
    "stoppedAt": NOON,
    "overrides": {
        "executionRoleArn": ROLE,
        "containerOverrides": [{"name": "app", "environment": [{"name": "TOKEN", "value": PLANTED}]}],
    },
}


def test_a_task_comes_without_its_container_overrides() -> None:
    world = World({"DescribeTasks": [{"tasks": [STOPPED], "failures": []}]})
    task = describe_task(Aws(world.session()), REGION, "prod", "1")
    assert task == {**STOPPED, "overrides": {"executionRoleArn": ROLE}}
    assert PLANTED not in repr(task)


@pytest.mark.parametrize(
    "answer", [{"tasks": [], "failures": [{"arn": "1", "reason": "MISSING"}]}, AwsError("ClusterNotFoundException")]
)
def test_a_task_that_ecs_no_longer_knows(answer: Any) -> None:
    world = World({"DescribeTasks": [answer]})
    assert describe_task(Aws(world.session()), REGION, "prod", "1") is None


def test_a_task_that_may_not_be_read_is_an_error() -> None:
    world = World({"DescribeTasks": [AwsError("AccessDeniedException")]})
    with pytest.raises(ClientError, match="AccessDenied"):
        describe_task(Aws(world.session()), REGION, "prod", "1")


def test_a_task_that_ecs_could_not_read_is_an_error() -> None:
    world = World({"DescribeTasks": [{"tasks": [], "failures": [{"arn": "1", "reason": "INTERNAL"}]}]})
    with pytest.raises(IncompleteAnswerError, match="INTERNAL"):
        describe_task(Aws(world.session()), REGION, "prod", "1")


def test_stopped_tasks_come_newest_first_over_all_pages() -> None:
    arns = [f"{TASKS[0]}{n}" for n in range(101)]
    old, new = STOPPED | {"taskArn": "old"}, STOPPED | {"taskArn": "new", "stoppedAt": NOON + timedelta(minutes=1)}
    stopping = {"taskArn": "stopping", "stoppingAt": NOON + timedelta(minutes=2)}
    world = World(
        {
            "ListTasks": [{"taskArns": arns[:100], "nextToken": "2"}, {"taskArns": arns[100:]}],
            "DescribeTasks": [{"tasks": [old, new], "failures": []}, {"tasks": [stopping], "failures": []}],
        }
    )
    aws = Aws(world.session())

    found = stopped_tasks(aws, REGION, "prod", "web")

    assert [task["taskArn"] for task in found] == ["stopping", "new", "old"]
    assert world.calls[0][2]["desiredStatus"] == "STOPPED"
    assert [len(params["tasks"]) for _, operation, params in world.calls if operation == "DescribeTasks"] == [100, 1]
    assert {f"{service}:{operation}" for service, operation, _ in world.calls} <= set(actions())


def test_a_service_that_does_not_exist_has_no_stopped_tasks() -> None:
    world = World({"ListTasks": [AwsError("ServiceNotFoundException")]})
    assert stopped_tasks(Aws(world.session()), REGION, "prod", "web") == ()
