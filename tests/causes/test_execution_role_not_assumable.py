import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Role
from pull_doctor.intake.symptom import Symptom
from pull_doctor.policy.trust import trust_in_ecs_tasks
from tests.causes.factory import EC2_TASK, ROLE, SIGN_IN_DENIED, TASK, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, PLACE, REGION

CAUSE = "execution-role-not-assumable"
SAID = (failure(Symptom("prepare", "role-assume-failure", principal=ROLE)),)
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
ECS = EC2 | {"Principal": {"Service": "ecs-tasks.amazonaws.com"}}
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod"


def trusting(*statements: dict[str, Any]) -> World:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return World(failures=SAID, roles=(Role(ROLE, document),))


@pytest.mark.parametrize("statement", [EC2, ECS | {"Condition": {"ArnLike": {"aws:SourceArn": CLUSTER}}}], ids=str)
def test_a_trust_policy_that_does_not_admit_ecs_tasks(statement: dict[str, Any]) -> None:
    found = problem(outcome(CAUSE, trusting(statement)))
    assert (found.culprit.id, found.still, found.text_proves) == (ROLE, "yes", False)
    assert [one.source for one in found.evidence] == ["text", "fact"]
    assert found.fixes[0].applicability == "exact"
    mended = parameters(found)["PolicyDocument"]
    assert json.loads(mended)["Statement"][0] == statement
    assert trust_in_ecs_tasks(mended, PLACE).admits == "yes"


def test_a_single_statement_is_kept_too() -> None:
    world = World(failures=SAID, roles=(Role(ROLE, json.dumps({"Statement": EC2})),))
    assert json.loads(parameters(problem(outcome(CAUSE, world)))["PolicyDocument"])["Statement"][0] == EC2


def test_a_deny_is_taken_out_by_hand() -> None:
    found = problem(outcome(CAUSE, trusting(ECS, ECS | {"Effect": "Deny"})))
    assert [(fix.applicability, fix.commands) for fix in found.fixes] == [("your-call", ())]


def test_a_role_that_trusts_ecs_tasks() -> None:
    assert ROLE in ok(outcome(CAUSE, World(failures=SAID)))


def test_a_condition_that_is_not_evaluated_leaves_it_open() -> None:
    condition = {"StringEquals": {"aws:SourceOrgID": "o-exampleorg1"}}
    assert ROLE in missing(outcome(CAUSE, trusting(ECS | {"Condition": condition})))[0]


def test_what_is_not_read_leaves_it_open() -> None:
    unread = Unknown("the role", "denied", "iam:GetRole")
    assert missing(outcome(CAUSE, trusting(EC2), role_details=unread)) == ("the role",)
    assert missing(outcome(CAUSE, trusting(EC2), role=unread)) == ("the role",)


@pytest.mark.parametrize("symptom", [TIMEOUT, SIGN_IN_DENIED], ids=["timeout", "denied"])
def test_a_text_that_shows_the_role_at_work_rules_it_out(symptom: Symptom) -> None:
    assert "had assumed" in ok(outcome(CAUSE, replace(trusting(EC2), failures=(failure(symptom),))))


def test_another_cause_has_a_role_that_is_missing_or_not_named() -> None:
    assert isinstance(outcome(CAUSE, World(failures=SAID, roles=())), NotApplicable)
    assert isinstance(outcome(CAUSE, World(failures=SAID, execution_role=None)), NotApplicable)
    host = replace(TASK, launch_type="EC2")
    assert isinstance(outcome(CAUSE, World(failures=SAID, execution_role=None, task=host)), NotApplicable)


def test_a_text_of_a_task_without_an_execution_role_shows_none_at_work() -> None:
    alone = World(task=EC2_TASK, execution_role=None, failures=(failure(TIMEOUT),))
    assert isinstance(outcome(CAUSE, alone), NotApplicable)
