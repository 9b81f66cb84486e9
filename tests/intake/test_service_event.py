from __future__ import annotations

from typing import Any

import pytest

from pull_doctor.intake.service_event import SettledService, read_settled

ARN = "arn:aws:ecs:eu-west-1:111122223333:service/production/web"


def settled(kind: str = "ECS Service Action", name: str = "SERVICE_STEADY_STATE", **members: Any) -> dict[str, Any]:
    detail = {"eventName": name, "clusterArn": "arn:aws:ecs:eu-west-1:111122223333:cluster/production"}
    return {"detail-type": kind, "resources": [ARN], "detail": detail, **members}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ECS Service Action", "SERVICE_STEADY_STATE"),
        ("ECS Service Action", "SERVICE_DEPLOYMENT_COMPLETED"),
        ("ECS Deployment State Change", "SERVICE_DEPLOYMENT_COMPLETED"),
    ],
)
def test_a_service_that_settled_is_named(kind: str, name: str) -> None:
    assert read_settled(settled(kind, name)) == SettledService("111122223333", "eu-west-1", "production", "web")


def test_the_cluster_comes_from_the_service_where_the_event_names_none() -> None:
    event = settled("ECS Deployment State Change", "SERVICE_DEPLOYMENT_COMPLETED")
    del event["detail"]["clusterArn"]
    found = read_settled(event)
    assert found
    assert found.cluster == "production"


@pytest.mark.parametrize(
    "event",
    [
        settled(name="SERVICE_TASK_CONFIGURATION_FAILURE"),
        settled(name="SERVICE_TASK_START_IMPAIRED"),
        settled("ECS Deployment State Change", "SERVICE_DEPLOYMENT_FAILED"),
        settled("ECS Deployment State Change", "SERVICE_STEADY_STATE"),
        settled("ECS Task State Change"),
        settled(resources=[]),
        settled(resources=["arn:aws:ecs:eu-west-1:111122223333:task/production/web"]),
        settled(detail=[]),
        {},
    ],
)
def test_any_other_event_settles_nothing(event: dict[str, Any]) -> None:
    assert read_settled(event) is None
