from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import ContainerDefinition, ContainerInstance, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    EC2_TASK,
    HUB_IMAGE,
    ROLE,
    SILENT,
    TASK,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.ranked_worlds import ranked

CAUSE = "container-agent-outdated"
NO_LOGIN = Symptom("resolve", "auth-missing-credentials")
REFUSED = Symptom("resolve", "registry-access-denied")
DAEMON = Symptom("unknown", "daemon-or-agent-fault")
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub-AbCdEf"
LOGIN = TaskDefinition(
    "web", 87, ROLE, (ContainerDefinition("app", essential=True, image=HUB_IMAGE, registry_credentials=SECRET),)
)


def agent(version: str | None, **more: Any) -> ContainerInstance:
    return replace(CONTAINER_INSTANCE, agent_version=version, **more)


def ecr(version: str | None, symptom: Symptom = NO_LOGIN, **more: Any) -> World:
    return World(task=EC2_TASK, failures=(failure(symptom),), container_instance=agent(version, **more))


def hub(version: str, symptom: Symptom = REFUSED) -> World:
    return replace(ecr(version), failures=(failure(symptom, HUB_IMAGE),), definition=LOGIN)


def certainty(world: World) -> list[str]:
    return [one.certainty for one in ranked(world).findings if one.row.cause == CAUSE]


def test_an_agent_that_knows_no_execution_role() -> None:
    found = problem(outcome(CAUSE, ecr("1.15.2")))
    assert found.title == "ECS agent 1.15.2 is too old for what the task needs"
    assert (found.culprit.id, found.still, found.inferred) == ("i-1", "yes", ())
    assert "1.16.0" in found.explanation
    assert ROLE in found.explanation
    assert parameters(found) == {"cluster": "prod", "containerInstance": CONTAINER_INSTANCE.arn}
    assert certainty(ecr("1.15.2")) == ["proven"]


def test_an_agent_that_knows_no_repository_credentials() -> None:
    found = problem(outcome(CAUSE, hub("1.18.0")))
    assert "1.19.0" in found.explanation
    assert SECRET in found.explanation
    assert certainty(hub("1.18.0")) == ["proven"]


@pytest.mark.parametrize("world", [ecr("1.16.0"), ecr("1.90.0"), ecr("2.0.0"), hub("1.19.0")])
def test_the_twin_is_new_enough(world: World) -> None:
    assert "not older" in ok(outcome(CAUSE, world))


@pytest.mark.parametrize("version", ["1.2.0", "1.9.1", "v1.15.0", "0.9.0"])
def test_versions_are_numbers_not_words(version: str) -> None:
    problem(outcome(CAUSE, ecr(version)))


def test_what_any_agent_can_do_needs_no_version() -> None:
    assert "needs nothing" in ok(outcome(CAUSE, replace(ecr("1.2.0"), execution_role=None)))
    assert "needs nothing" in ok(outcome(CAUSE, replace(hub("1.2.0"), definition=None)))


def test_the_instances_role_may_suffice_so_that_a_refusal_proves_less() -> None:
    found = problem(outcome(CAUSE, ecr("1.15.2", REFUSED)))
    assert "team/app" in found.inferred[0]
    assert certainty(ecr("1.15.2", SILENT)) == ["likely"]


def test_where_the_text_speaks_of_another_step_it_is_possible_at_most() -> None:
    assert certainty(ecr("1.15.2", TIMEOUT)) == ["possible"]
    assert "let the pull begin" in ok(outcome(CAUSE, ecr("1.15.2", Symptom("download", "network-timeout"))))


def test_an_agent_that_is_merely_old_or_not_connected_is_no_defect() -> None:
    assert "not older" in ok(outcome(CAUSE, ecr("1.40.0", agent_connected=False)))
    found = problem(outcome(CAUSE, ecr("1.15.2", agent_connected=False)))
    assert "not connected" in str(found.evidence)


def test_only_an_ecs_optimized_linux_takes_the_update() -> None:
    windows = problem(outcome(CAUSE, ecr("1.15.2", attributes=(("ecs.os-type", "windows"),))))
    on_premises = ecr("1.15.2", instance="mi-0123")
    outside = problem(outcome(CAUSE, replace(on_premises, task=replace(EC2_TASK, launch_type="EXTERNAL"))))
    for found in (windows, outside):
        assert not any(isinstance(one, AwsCommand) for fix in found.fixes for one in fix.commands)
        assert found.fixes


@pytest.mark.parametrize("task", [TASK, replace(EC2_TASK, launch_type="MANAGED_INSTANCES")])
def test_aws_updates_its_own_agents(task: Any) -> None:
    assert isinstance(outcome(CAUSE, replace(ecr("1.15.2"), task=task)), NotApplicable)


def test_what_was_not_read_leaves_it_open_only_where_the_text_may_mean_it() -> None:
    unread = Unknown("the container instance", "denied", "ecs:DescribeContainerInstances")
    assert missing(outcome(CAUSE, ecr("1.15.2"), container_instance=unread)) == (unread.fact,)
    assert missing(outcome(CAUSE, ecr("1.15.2"), execution_role=unread)) == (unread.fact,)
    assert missing(outcome(CAUSE, hub("1.15.2"), container=unread)) == (unread.fact,)
    assert "i-1" in missing(outcome(CAUSE, ecr(None)))[0]
    other = ecr("1.15.2", TIMEOUT)
    assert "network-timeout" in ok(outcome(CAUSE, other, container_instance=unread))
    assert "network-timeout" in ok(outcome(CAUSE, replace(other, container_instance=agent("unknown"))))


@pytest.mark.parametrize("version", ["1.15.2", "1.90.0"])
def test_a_daemon_that_is_down_is_looked_at_on_the_host(version: str) -> None:
    found = outcome(CAUSE, ecr(version, DAEMON, agent_connected=False))
    assert missing(found) == ("whether Docker runs on i-1",)
    assert "systemctl status docker" in str(found)
    assert "not connected" in str(found)
    assert ranked(ecr(version, DAEMON)).findings == ()


@pytest.mark.parametrize("task", [TASK, replace(EC2_TASK, launch_type="MANAGED_INSTANCES")])
def test_a_runtime_of_aws_is_not_ours_to_look_at(task: Any) -> None:
    found = outcome(CAUSE, replace(ecr("1.15.2", DAEMON), task=task))
    assert missing(found) == ("the container runtime of the host",)
    assert "systemctl" not in str(found)


def test_a_crash_while_layers_came_shows_that_the_login_worked() -> None:
    assert "let the pull begin" in ok(outcome(CAUSE, ecr("1.15.2", Symptom("download", "daemon-or-agent-fault"))))
