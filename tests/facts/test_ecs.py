"""What the readers of deployments and container instances ask for, and what they make of unusual answers."""

from __future__ import annotations

from typing import Any

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.facts.botocore_world import OWN_ACCOUNT, World
from tests.facts.case import CONTAINER_INSTANCE, HERE, REVISION, put

STARTED_WITH = q.StartedWith(*HERE, "prod", "web", "ecs-svc/4980306466373577095")
MISSING = {"reason": "MISSING"}


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_the_revision_of_the_deployment_s_own_number_is_asked_for(region: str, partition: str) -> None:
    answer = {"serviceRevisions": [], "failures": [MISSING]}
    world = World({"DescribeServiceRevisions": [answer]})
    question = q.StartedWith(OWN_ACCOUNT, region, "prod", "web", "ecs-svc/77")
    assert ask(Aws(world.session()), question) == Known(None)
    arn = f"arn:{partition}:ecs:{region}:{OWN_ACCOUNT}:service-revision/prod/web/77"
    assert world.calls[0][2] == {"serviceRevisionArns": [arn]}


@pytest.mark.parametrize("started_by", ["events-rule/nightly", "AWS Step Functions", "deploy ecs-svc/1", ""])
def test_what_is_no_deployment_has_no_revision(started_by: str) -> None:
    world = World({})
    assert ask(Aws(world.session()), q.StartedWith(*HERE, "prod", "web", started_by)) == Known(None)
    assert world.operations() == []


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ({"serviceRevisions": [], "failures": [{"arn": REVISION, **MISSING}]}, True),
        ({"serviceRevisions": [], "failures": [{"arn": REVISION, "reason": "INTERNAL"}]}, False),
        ({"serviceRevisions": [{"serviceRevisionArn": f"{REVISION}0"}], "failures": []}, False),
        ({"serviceRevisions": [], "failures": []}, False),
    ],
)
def test_a_revision_is_absent_only_if_ecs_says_so(answer: dict[str, Any], *, known: bool) -> None:
    fact = put(STARTED_WITH, DescribeServiceRevisions=[answer])
    assert (fact == Known(None)) is known
    assert isinstance(fact, Unknown) is not known


def test_a_revision_without_a_network_of_its_own_names_none() -> None:
    answer = {"serviceRevisions": [{"serviceRevisionArn": REVISION, "launchType": "EC2"}], "failures": []}
    fact = put(STARTED_WITH, DescribeServiceRevisions=[answer])
    assert fact == Known(v.Deployment(STARTED_WITH.deployment, "INACTIVE"))


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ({"containerInstances": [], "failures": [{"arn": CONTAINER_INSTANCE, **MISSING}]}, True),
        ({"containerInstances": [], "failures": [{"arn": CONTAINER_INSTANCE, "reason": "INTERNAL"}]}, False),
        ({"containerInstances": [], "failures": []}, False),
    ],
)
def test_a_container_instance_is_gone_only_if_ecs_says_so(answer: dict[str, Any], *, known: bool) -> None:
    fact = put(q.OneContainerInstance(*HERE, "prod", CONTAINER_INSTANCE), DescribeContainerInstances=[answer])
    assert (fact == Known(None)) is known
    assert isinstance(fact, Unknown) is not known


def test_a_machine_on_premises_has_an_id_of_systems_manager() -> None:
    machine = {"containerInstanceArn": CONTAINER_INSTANCE, "ec2InstanceId": "mi-1", "agentConnected": False}
    world = World({"DescribeContainerInstances": [{"containerInstances": [machine], "failures": []}]})
    fact = ask(Aws(world.session()), q.OneContainerInstance(*HERE, "prod", CONTAINER_INSTANCE))
    assert fact == Known(v.ContainerInstance(CONTAINER_INSTANCE, "mi-1", None, agent_connected=False))
    assert world.calls[0][2] == {"cluster": "prod", "containerInstances": [CONTAINER_INSTANCE]}
