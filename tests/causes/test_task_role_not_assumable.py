import json
from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Role, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from pull_doctor.policy.trust import trust_in_ecs_tasks
from tests.causes.factory import EXECUTION_ROLE, NOT_FOUND, ROLE, TASK, TRUST, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, PLACE

CAUSE = "task-role-not-assumable"
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/web"
LAMBDA = TRUST.replace("ecs-tasks", "lambda")
SYMPTOM = Symptom("prepare", "role-assume-failure", principal=TASK_ROLE)
DEFINITION = TaskDefinition("web", 87, ROLE, (), task_role=TASK_ROLE)
HEALTHY = World(failures=(failure(SYMPTOM),), definition=DEFINITION, roles=(EXECUTION_ROLE, Role(TASK_ROLE, TRUST)))
DISTRUSTED = replace(HEALTHY, roles=(EXECUTION_ROLE, Role(TASK_ROLE, LAMBDA)))
GONE = replace(HEALTHY, roles=(EXECUTION_ROLE,))


def test_a_task_role_that_trusts_another_service() -> None:
    found = problem(outcome(CAUSE, DISTRUSTED))
    assert found.title == "task role's trust policy does not admit ECS tasks"
    assert found.culprit.id == TASK_ROLE
    assert [one.source for one in found.evidence] == ["text", "fact"]
    assert trust_in_ecs_tasks(parameters(found)["PolicyDocument"], PLACE).admits == "yes"


def test_a_task_role_that_does_not_exist() -> None:
    found = problem(outcome(CAUSE, GONE))
    assert (found.title, found.culprit.id) == ("task role does not exist", TASK_ROLE)
    assert json.loads(parameters(found, 1)["AssumeRolePolicyDocument"])


def test_the_twin_trusts_ecs_tasks() -> None:
    assert TASK_ROLE in ok(outcome(CAUSE, HEALTHY))


def test_an_override_is_the_task_role() -> None:
    other = f"{TASK_ROLE}-override"
    said = (failure(replace(SYMPTOM, principal=other)),)
    world = replace(GONE, task=replace(TASK, task_role_override=other), failures=said)
    assert problem(outcome(CAUSE, world)).culprit.id == other


def test_a_text_about_the_execution_role_leaves_this_one_for_later() -> None:
    said = (failure(replace(SYMPTOM, principal=ROLE)),)
    for broken in (DISTRUSTED, GONE):
        found = problem(outcome(CAUSE, replace(broken, failures=said)))
        assert (found.culprit.id, found.phases) == (TASK_ROLE, ("sign-in",))
        assert {one.source for one in found.evidence} == {"fact"}
    assert TASK_ROLE in ok(outcome(CAUSE, replace(HEALTHY, failures=said)))


def test_one_role_for_both_is_judged_as_the_execution_role() -> None:
    both = replace(DEFINITION, task_role=ROLE)
    for principal in (ROLE, None):
        said = (failure(replace(SYMPTOM, principal=principal)),)
        world = World(failures=said, definition=both, roles=(Role(ROLE, LAMBDA),))
        assert not hasattr(outcome(CAUSE, world), "title")
        problem(outcome("execution-role-not-assumable", world))


def test_a_text_that_is_cut_before_the_role_leaves_it_to_the_facts() -> None:
    said = (failure(replace(SYMPTOM, principal=None)),)
    problem(outcome(CAUSE, replace(DISTRUSTED, failures=said)))
    ok(outcome(CAUSE, replace(HEALTHY, failures=said)))


def test_a_text_about_a_role_that_nobody_names_is_left_open() -> None:
    said = (failure(replace(SYMPTOM, principal=f"{TASK_ROLE}-old")),)
    assert f"{TASK_ROLE}-old" in missing(outcome(CAUSE, replace(GONE, failures=said)))[0]


@pytest.mark.parametrize("fact", ["role", "task_role", "task_role_details"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    assert missing(outcome(CAUSE, DISTRUSTED, **{fact: Unknown(f"the {fact}", "denied")})) == (f"the {fact}",)


def test_a_text_of_another_failure_rules_it_out_unless_it_says_nothing() -> None:
    assert "image-not-found" in ok(outcome(CAUSE, replace(DISTRUSTED, failures=(failure(NOT_FOUND),))))
    nothing = (failure(Symptom("unknown", "undetermined")),)
    assert missing(outcome(CAUSE, replace(DISTRUSTED, failures=nothing)))


def test_a_task_without_a_task_role() -> None:
    assert isinstance(outcome(CAUSE, World()), NotApplicable)
