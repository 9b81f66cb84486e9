import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import ContainerDefinition, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from pull_doctor.policy.trust import trust_in_ecs_tasks
from tests.causes.factory import (
    EXECUTION_ROLE,
    HUB_IMAGE,
    IMAGE,
    ROLE,
    SIGN_IN_DENIED,
    TASK,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, PLACE

CAUSE = "execution-role-missing"
NOT_ASSUMED = Symptom("prepare", "role-assume-failure", principal=ROLE)
SAID = (failure(NOT_ASSUMED),)
GONE = World(failures=SAID, roles=(), sign_in=None, pull=None)
NONE_NAMED = World(execution_role=None)
FORBIDDEN = Symptom("resolve", "registry-access-denied", http_status=403)


def defined(**container: Any) -> TaskDefinition:
    return TaskDefinition("web", 87, None, (ContainerDefinition("app", essential=True, **container),))


def test_a_role_that_iam_does_not_know() -> None:
    found = problem(outcome(CAUSE, GONE))
    assert found.title == "execution role does not exist"
    assert (found.culprit.id, found.still, found.text_proves, found.inferred) == (ROLE, "yes", False, ())
    assert [one.source for one in found.evidence] == ["text", "fact"]
    create, attach = found.fixes[0].commands
    assert isinstance(create, AwsCommand)
    assert isinstance(attach, AwsCommand)
    assert (create.operation, attach.operation) == ("CreateRole", "AttachRolePolicy")
    assert create.parameters["RoleName"] == "web-exec"
    assert "Path" not in create.parameters
    assert trust_in_ecs_tasks(create.parameters["AssumeRolePolicyDocument"], PLACE).admits == "yes"


def test_the_path_of_a_role_is_kept() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/service/team/web-exec"
    found = problem(outcome(CAUSE, replace(GONE, execution_role=role)))
    assert parameters(found)["Path"] == "/service/team/"
    assert parameters(found)["RoleName"] == "web-exec"


def test_a_role_that_exists() -> None:
    assert ROLE in ok(outcome(CAUSE, World()))
    assert ROLE in ok(outcome(CAUSE, World(failures=SAID)))


def test_one_of_two_reads_of_the_role_suffices() -> None:
    unread = Unknown("the role", "denied", "iam:GetRole")
    assert problem(outcome(CAUSE, GONE, role_details=unread)).culprit.id == ROLE
    assert missing(outcome(CAUSE, World(failures=SAID), role_details=unread)) == ("the role",)
    assert missing(outcome(CAUSE, GONE, role_details=unread, sign_in_rights=unread)) == ("the role",)


def test_a_text_that_shows_the_role_at_work_rules_it_out_where_it_is_not_read() -> None:
    unread = Unknown("the role", "denied", "iam:GetRole")
    world = World(failures=(failure(TIMEOUT),))
    assert "credentials" in ok(outcome(CAUSE, world, role_details=unread, sign_in_rights=unread))


def test_a_role_that_was_there_is_at_most_likely() -> None:
    for symptom in (FORBIDDEN, replace(SIGN_IN_DENIED, denied_by=None)):
        found = problem(outcome(CAUSE, replace(GONE, failures=(failure(symptom),))))
        assert "deleted since" in found.inferred[0]


def test_a_task_definition_without_a_role() -> None:
    found = problem(outcome(CAUSE, NONE_NAMED))
    assert found.title == "task definition names no execution role"
    assert found.culprit.id == TASK.task_definition
    assert "repository team/app" in found.evidence[0].text


@pytest.mark.parametrize("launch_type", ["MANAGED_INSTANCES", "EXTERNAL"])
def test_other_launch_types_need_one_too(launch_type: str) -> None:
    problem(outcome(CAUSE, replace(NONE_NAMED, task=replace(TASK, launch_type=launch_type))))


def test_on_ec2_the_instance_role_pulls() -> None:
    host = replace(NONE_NAMED, task=replace(TASK, launch_type="EC2"))
    assert isinstance(outcome(CAUSE, host), NotApplicable)
    # Secrets and a registry's credentials need an execution role there too.
    for container in ({"secrets": ("db",)}, {"registry_credentials": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}):
        found = problem(outcome(CAUSE, replace(host, definition=defined(image=IMAGE, **container))))
        assert next(iter(container.values()))[0] in found.evidence[0].text


def test_an_image_that_is_not_in_ecr_needs_none() -> None:
    assert isinstance(outcome(CAUSE, replace(NONE_NAMED, failures=(failure(image=HUB_IMAGE),))), NotApplicable)


def test_the_override_of_a_task_counts() -> None:
    overridden = replace(TASK, execution_role_override=ROLE)
    ok(outcome(CAUSE, replace(NONE_NAMED, task=overridden)))


def test_a_text_that_names_the_pulling_role_shows_that_there_is_one() -> None:
    assert "web-exec" in ok(outcome(CAUSE, replace(NONE_NAMED, failures=(failure(SIGN_IN_DENIED),))))


def test_a_text_about_the_task_role_leaves_this_one_for_later() -> None:
    task_role = f"arn:aws:iam::{ACCOUNT}:role/web"
    said = (failure(replace(NOT_ASSUMED, principal=task_role)),)
    definition = TaskDefinition("web", 87, ROLE, (), task_role=task_role)
    found = problem(outcome(CAUSE, replace(GONE, failures=said, definition=definition)))
    assert (found.culprit.id, found.phases) == (ROLE, ("sign-in",))
    assert {one.source for one in found.evidence} == {"fact"}
    ok(outcome(CAUSE, World(failures=said, definition=definition)))


def test_a_text_about_a_role_that_nobody_names_says_nothing_of_this_one() -> None:
    said = (failure(replace(NOT_ASSUMED, principal=f"{ROLE}-old")),)
    assert f"{ROLE}-old" in missing(outcome(CAUSE, World(failures=said)))[0]


def test_a_role_of_another_account_is_not_looked_for_in_this_one() -> None:
    foreign = "arn:aws:iam::999988887777:role/web-exec"
    (unread,) = missing(outcome(CAUSE, World(failures=(failure(),), execution_role=foreign, roles=())))
    assert foreign in unread


def test_an_unread_task_definition_names_nobody() -> None:
    unread = Unknown("task definition web:87", "denied")
    found = outcome(CAUSE, GONE, task_definition=unread, role=unread, task_role=unread, role_details=unread)
    assert missing(found) == (unread.fact,)


def test_the_fixed_trust_is_json() -> None:
    assert json.loads(parameters(problem(outcome(CAUSE, GONE)))["AssumeRolePolicyDocument"])["Version"] == "2012-10-17"
    assert isinstance(World(roles=(EXECUTION_ROLE,)).view().role_details, Known)
