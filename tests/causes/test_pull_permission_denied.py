import json
from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Simulated
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    ROLE,
    SIGN_IN_DENIED,
    TASK,
    World,
    failure,
    outcome,
    refused,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY

CAUSE = "pull-permission-denied"
NO_SIGN_IN = World(sign_in=refused(SIGN_IN_ACTIONS))
NO_PULL = World(pull=refused(PULL_ACTIONS))
TOLD = (failure(SIGN_IN_DENIED),)
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app"


def policy(**more: object) -> str:
    return json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:*"} | more})


WHOLE = [
    {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    {"Effect": "Allow", "Action": list(PULL_ACTIONS), "Resource": REPOSITORY},
]


def test_no_right_to_sign_in() -> None:
    found = problem(outcome(CAUSE, NO_SIGN_IN))
    assert found.title == "execution role lacks ecr:GetAuthorizationToken"
    assert found.culprit.id == ROLE
    assert (found.still, found.text_proves) == ("yes", False)
    assert {fix.applicability for fix in found.fixes} == {"exact"}
    assert json.loads(parameters(found)["PolicyDocument"])["Statement"] == WHOLE
    assert parameters(found, 1)["PolicyArn"] == "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    assert parameters(found)["RoleName"] == parameters(found, 1)["RoleName"] == "web-exec"


def test_no_right_to_read_the_image() -> None:
    found = problem(outcome(CAUSE, NO_PULL))
    assert found.title == "execution role lacks ecr:BatchGetImage and 1 more"
    # The policy replaces an earlier one of its name, so it holds all that a pull needs, also what is not missing.
    assert json.loads(parameters(found)["PolicyDocument"])["Statement"] == WHOLE
    assert any("team/app has no policy" in one.text for one in found.evidence)


def test_two_repositories_get_two_policies() -> None:
    """PutRolePolicy replaces the policy of the same name: the second fix must not undo the first."""
    other = replace(NO_PULL, failures=(failure(image=f"{REGISTRY}/team/sidecar:1"),))
    names = {parameters(problem(outcome(CAUSE, world)))["PolicyName"] for world in (NO_PULL, other)}
    assert len(names) == 2


def test_a_deny_is_taken_out_by_hand() -> None:
    world = World(pull=refused(PULL_ACTIONS[:1], decision="explicitDeny", by=("guard-rails",)))
    found = problem(outcome(CAUSE, world))
    assert found.title == "execution role is denied ecr:BatchGetImage"
    assert [(fix.applicability, fix.commands) for fix in found.fixes] == [("your-call", ())]
    assert "guard-rails" in found.fixes[0].text
    assert any("guard-rails" in one.text for one in found.evidence)


def test_a_role_that_may() -> None:
    assert ROLE in ok(outcome(CAUSE, World()))


def test_a_repository_policy_of_the_same_account_suffices() -> None:
    ok(outcome(CAUSE, replace(NO_PULL, policy=policy())))
    problem(outcome(CAUSE, replace(NO_PULL, policy=policy(Action="ecr:PutImage"))))
    problem(outcome(CAUSE, replace(NO_SIGN_IN, policy=policy())))
    conditional = replace(NO_PULL, policy=policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}))
    assert ROLE in missing(outcome(CAUSE, conditional))[0]
    assert missing(outcome(CAUSE, NO_PULL, repository_policy=Unknown("the policy of team/app", "denied"))) == (
        "the policy of team/app",
    )


def test_across_accounts_the_role_itself_must_be_allowed() -> None:
    image = f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
    foreign = replace(NO_PULL, failures=(failure(image=image),), policy=policy())
    found = problem(outcome(CAUSE, foreign))
    assert "999988887777" in parameters(found)["PolicyDocument"]
    assert found.fixes[0].account == ACCOUNT


def test_across_accounts_a_refusal_is_the_roles_where_its_own_policies_refuse() -> None:
    forbidden = Symptom("resolve", "registry-access-denied", http_status=403)
    image = f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
    said = (failure(forbidden, image=image),)
    assert problem(outcome(CAUSE, replace(NO_PULL, failures=said))).still == "yes"
    # The other account must grant the pull too, and that is not read.
    assert "999988887777" in missing(outcome(CAUSE, World(failures=said)))[0]


@pytest.mark.parametrize(
    "one",
    [
        Simulated("ecr:BatchGetImage", "implicitDeny", missing_context=("aws:SourceVpce",)),
        Simulated("ecr:BatchGetImage", "implicitDeny", boundary_allows=False),
        Simulated("ecr:BatchGetImage", "implicitDeny", organization_allows=False),
        Simulated("ecr:BatchGetImage", "explicitDeny", missing_context=("aws:ResourceTag/team",)),
    ],
)
def test_what_another_layer_or_a_condition_decides_is_open(one: Simulated) -> None:
    assert missing(outcome(CAUSE, World(pull=(one,))))


@pytest.mark.parametrize("fact", ["sign_in_rights", "pull_rights", "role"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    assert missing(outcome(CAUSE, World(), **{fact: Unknown(f"the {fact}", "denied")})) == (f"the {fact}",)


def test_rights_that_are_not_read_do_not_hide_a_denial_that_was() -> None:
    found = problem(outcome(CAUSE, NO_SIGN_IN, pull_rights=Unknown("what it may do", "throttled")))
    assert found.title == "execution role lacks ecr:GetAuthorizationToken"


def test_a_role_that_is_not_there_has_a_cause_of_its_own() -> None:
    assert isinstance(outcome(CAUSE, World(execution_role=None)), NotApplicable)
    assert isinstance(outcome(CAUSE, World(sign_in=None, pull=None, roles=())), NotApplicable)
    assert problem(outcome(CAUSE, World(sign_in=None, pull=None, failures=TOLD))).still == "unknown"


# What ECS's text proves


def test_the_text_proves_a_denial_that_stands() -> None:
    found = problem(outcome(CAUSE, replace(NO_SIGN_IN, failures=TOLD)))
    assert (found.still, found.text_proves) == ("yes", True)
    assert {one.source for one in found.evidence} == {"text", "fact"}


def test_the_text_proves_a_denial_that_is_mended() -> None:
    found = problem(outcome(CAUSE, World(failures=TOLD)))
    assert (found.still, found.text_proves, found.fixes) == ("no", True, ())
    assert any("may call ecr:GetAuthorizationToken now" in one.text for one in found.evidence)
    assert "no policy of the role allowed ecr:GetAuthorizationToken" in found.explanation


def test_the_text_proves_a_denial_without_any_fact() -> None:
    unread = Unknown("it", "denied")
    found = problem(
        outcome(
            CAUSE,
            World(failures=TOLD),
            role=unread,
            sign_in_rights=unread,
            pull_rights=unread,
            repository_policy=unread,
        )
    )
    assert found.culprit.id == f"arn:aws:iam::{ACCOUNT}:role/web-exec"
    assert found.still == "unknown"
    assert {fix.applicability for fix in found.fixes} == {"your-call"}


@pytest.mark.parametrize(
    "told",
    [
        replace(SIGN_IN_DENIED, denied_by="endpoint-policy"),
        replace(SIGN_IN_DENIED, denied_by="permissions-boundary"),
        replace(SIGN_IN_DENIED, denied_by="service-control-policy"),
        replace(SIGN_IN_DENIED, denied_by=None),
        replace(SIGN_IN_DENIED, action="secretsmanager:GetSecretValue"),
    ],
    ids=str,
)
def test_a_text_about_another_layer_does_not_accuse_the_role(told: object) -> None:
    found = outcome(CAUSE, World(failures=(failure(told),)))  # type: ignore[arg-type] # a list of Symptoms
    if told.denied_by in (None, "identity-policy"):  # type: ignore[attr-defined] # the same
        ok(found)
    else:  # another layer denied, so what the role's own policies allow decides nothing
        (layer,) = missing(found)
        assert ROLE in layer


@pytest.mark.parametrize("other", ["web-exec-2", "web", "instance"])
def test_a_text_about_another_role_names_that_one(other: str) -> None:
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/{other}/i-1"
    told = replace(SIGN_IN_DENIED, principal=principal)
    for world in (World(failures=(failure(told),)), replace(NO_SIGN_IN, failures=(failure(told),))):
        found = problem(outcome(CAUSE, world))
        assert found.culprit.id == f"arn:aws:iam::{ACCOUNT}:role/{other}"
        assert found.still == "unknown"
        assert {fix.applicability for fix in found.fixes} == {"your-call"}
        assert parameters(found)["RoleName"] == other
        assert not any(one.source == "fact" for one in found.evidence)


def test_a_right_that_was_not_asked_about_is_not_said_to_be_there() -> None:
    told = replace(SIGN_IN_DENIED, action="ecr:BatchImportUpstreamImage")
    found = problem(outcome(CAUSE, World(failures=(failure(told),))))
    assert (found.still, found.fixes) == ("unknown", ())
    assert "now" not in str(found.evidence)


def test_a_text_about_another_action_does_not_prove_what_was_read() -> None:
    found = problem(outcome(CAUSE, replace(NO_PULL, failures=TOLD)))
    assert (found.still, found.text_proves) == ("yes", False)


def test_a_right_that_is_back_is_said_to_be_there_only_if_it_was_seen() -> None:
    back = problem(outcome(CAUSE, replace(NO_PULL, failures=TOLD)))
    assert "it has now" in back.explanation
    unasked = (failure(replace(SIGN_IN_DENIED, action="ecr:BatchImportUpstreamImage")),)
    assert "it has now" not in problem(outcome(CAUSE, replace(NO_PULL, failures=unasked))).explanation


def test_a_text_with_a_path_in_the_roles_arn_means_the_same_role() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/service/team/web-exec"
    found = problem(outcome(CAUSE, World(failures=TOLD, execution_role=role)))
    assert found.culprit.id == role
    assert found.still == "no"


def test_an_ec2_tasks_role_is_the_pulling_role() -> None:
    host = replace(NO_SIGN_IN, task=replace(TASK, launch_type="EC2"))
    assert problem(outcome(CAUSE, host)).title.startswith("pulling role lacks")


def test_every_command_is_iams() -> None:
    found = problem(outcome(CAUSE, NO_PULL))
    assert {c.service for fix in found.fixes for c in fix.commands if isinstance(c, AwsCommand)} == {"iam"}
    assert isinstance(NO_PULL.view().role, Known)
