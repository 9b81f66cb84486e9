from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable, Undetermined
from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import EC2_TASK, INSTANCE, PROFILE, ROLE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT
from tests.ranked_worlds import ranked

CAUSE = "instance-role-missing"
NO_LOGIN = Symptom("resolve", "auth-missing-credentials")
HEALTHY = World(task=EC2_TASK, execution_role=None, failures=(failure(NO_LOGIN),))
NO_PROFILE = replace(HEALTHY, instance=replace(INSTANCE, profile=None))
UNKNOWN_TO_IAM = replace(HEALTHY, profile=None)
EMPTY = replace(HEALTHY, profile=replace(PROFILE, role=None))


def test_an_instance_without_a_profile() -> None:
    found = problem(outcome(CAUSE, NO_PROFILE))
    assert found.title == "container instance has no instance profile"
    assert (found.culprit.id, found.still, found.inferred) == ("i-1", "yes", ())
    assert parameters(found)["InstanceId"] == "i-1"
    assert [one.applicability for one in found.fixes] == ["fill-in", "your-call"]


def test_a_profile_that_iam_does_not_know() -> None:
    found = problem(outcome(CAUSE, UNKNOWN_TO_IAM))
    assert found.title == "instance profile does not exist"
    assert PROFILE.arn in found.evidence[0].text
    operations = [one.operation for one in found.fixes[0].commands if isinstance(one, AwsCommand)]
    assert operations == ["DescribeIamInstanceProfileAssociations", "ReplaceIamInstanceProfileAssociation"]


def test_a_profile_without_a_role() -> None:
    found = problem(outcome(CAUSE, EMPTY))
    assert found.title == "instance profile holds no role"
    assert found.culprit.id == PROFILE.arn
    assert parameters(found)["InstanceProfileName"] == "host"


def test_the_twin_has_a_role() -> None:
    assert str(PROFILE.role) in ok(outcome(CAUSE, HEALTHY))


@pytest.mark.parametrize(
    "more",
    [
        {"execution_role": ROLE},
        {"task": World().task},
        {"task": replace(EC2_TASK, launch_type="MANAGED_INSTANCES")},
        {"task": replace(EC2_TASK, launch_type="EXTERNAL")},
    ],
)
def test_where_no_instances_role_pulls_it_cannot_be(more: dict[str, Any]) -> None:
    assert isinstance(outcome(CAUSE, replace(NO_PROFILE, **more)), NotApplicable)


@pytest.mark.parametrize("state", ["terminated", "shutting-down", "stopped"])
def test_an_instance_that_does_not_run_has_lost_its_profile(state: str) -> None:
    gone = replace(NO_PROFILE, instance=replace(INSTANCE, profile=None, state=state))
    assert missing(outcome(CAUSE, gone)) == ("the profile of instance i-1",)
    with_profile = replace(EMPTY, instance=replace(INSTANCE, state=state))
    assert "i-1" in missing(outcome(CAUSE, with_profile))[0]


def test_an_instance_that_ec2_does_not_show_is_not_judged() -> None:
    assert "i-1" in missing(outcome(CAUSE, replace(HEALTHY, instance=None)))[0]


def test_a_role_that_the_text_names_pulled() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/host/i-1"
    denied = Symptom("resolve", "auth-denied-ecr-permission", action="ecr:BatchGetImage", principal=session)
    assert "role/host" in ok(outcome(CAUSE, replace(NO_PROFILE, failures=(failure(denied),))))


def test_a_text_that_shows_a_sign_in_makes_it_newer_than_the_failure() -> None:
    refused = Symptom("resolve", "registry-access-denied", http_status=403)
    found = problem(outcome(CAUSE, replace(NO_PROFILE, failures=(failure(refused),))))
    assert "taken away since" in found.inferred[0]


def test_unread_facts_are_not_judged() -> None:
    unread = Unknown("instance i-1", "denied", "ec2:DescribeInstances")
    assert outcome(CAUSE, NO_PROFILE, pulling_instance=unread) == Undetermined((unread,))
    untold = Unknown("the role of the instance", "prerequisite")
    facts = {"execution_role": unread, "pulling_instance": untold, "pulling_profile": untold}
    assert outcome(CAUSE, NO_PROFILE, **facts) == Undetermined((unread,))
    assert outcome(CAUSE, NO_PROFILE, pulling_profile=unread) == Undetermined((unread,))


@pytest.mark.parametrize("world", [NO_PROFILE, UNKNOWN_TO_IAM, EMPTY])
def test_it_is_the_one_cause_and_those_that_need_the_role_do_not_apply(world: World) -> None:
    ranking = ranked(world)
    assert [(one.row.cause, one.certainty) for one in ranking.findings] == [(CAUSE, "proven")]
    elsewhere = {one.cause for one in ranking.not_applicable}
    assert {"pull-permission-denied", "permissions-boundary-denies", "execution-role-missing"} <= elsewhere


def test_a_text_that_names_who_pulled() -> None:
    user = replace(NO_LOGIN, kind="auth-denied-ecr-permission", principal=f"arn:aws:iam::{ACCOUNT}:user/agent")
    assert "user/agent" in ok(outcome(CAUSE, replace(NO_PROFILE, failures=(failure(user),))))
