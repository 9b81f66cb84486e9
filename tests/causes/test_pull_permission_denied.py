import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NamedPolicy, RegistryRules, RolePolicies, Simulated
from pull_doctor.intake.symptom import DeniedBy, Symptom
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    EXECUTION_ROLE,
    POLICIES,
    ROLE,
    SIGN_IN_DENIED,
    SIGN_IN_ONLY,
    TASK,
    World,
    allowing,
    document,
    failure,
    outcome,
    refused,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY

CAUSE = "pull-permission-denied"
UNREAD = Unknown("the policies", "denied")
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
    conditional = replace(NO_PULL, policy=policy(Condition={"StringEquals": {"aws:UserAgent": "containerd"}}))
    assert "team/app" in missing(outcome(CAUSE, conditional))[0]
    unread = Unknown("the policy of team/app", "denied")
    assert missing(outcome(CAUSE, replace(NO_PULL, policy=unread))) == (unread.fact,)


def test_a_grant_to_the_organization_counts_by_the_organization_that_was_read() -> None:
    members = policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}})
    ok(outcome(CAUSE, replace(NO_PULL, policy=members, organization="o-exampleorg1")))
    problem(outcome(CAUSE, replace(NO_PULL, policy=members)))
    unread = Unknown("the organization", "denied")
    assert "team/app" in missing(outcome(CAUSE, replace(NO_PULL, policy=members, organization=unread)))[0]


def test_a_grant_to_the_account_leaves_it_to_the_role() -> None:
    problem(outcome(CAUSE, replace(NO_PULL, policy=policy(Principal={"AWS": ACCOUNT}))))


def test_a_registrys_policy_that_is_not_read_is_a_step_that_is_inferred() -> None:
    found = problem(outcome(CAUSE, replace(NO_PULL, registry_rules=Unknown("the registry's policy", "denied"))))
    assert "could not be read" in found.inferred[0]
    assert problem(outcome(CAUSE, NO_PULL)).inferred == ()
    told = replace(SIGN_IN_DENIED, action="ecr:BatchGetImage")
    unread = replace(NO_PULL, registry_rules=Unknown("the registry's policy", "denied"))
    assert problem(outcome(CAUSE, replace(unread, failures=(failure(told),)))).inferred == ()
    assert problem(outcome(CAUSE, replace(unread, failures=TOLD))).inferred
    ok(outcome(CAUSE, replace(NO_PULL, registry_rules=RegistryRules(policy(), "V2"))))
    problem(outcome(CAUSE, replace(NO_PULL, registry_rules=RegistryRules(policy(), "V1"))))


def test_across_accounts_the_role_itself_must_be_allowed() -> None:
    image = f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
    foreign = replace(NO_PULL, failures=(failure(image=image),), policy=policy(), policies=SIGN_IN_ONLY)
    found = problem(outcome(CAUSE, foreign))
    assert "999988887777" in parameters(found)["PolicyDocument"]
    assert found.fixes[0].account == ACCOUNT


def test_across_accounts_a_refusal_is_the_roles_where_its_own_policies_refuse() -> None:
    forbidden = Symptom("resolve", "registry-access-denied", http_status=403)
    image = f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
    said = (failure(forbidden, image=image),)
    assert problem(outcome(CAUSE, replace(NO_PULL, failures=said, policies=SIGN_IN_ONLY))).still == "yes"
    # What the other account must grant is a cause of its own.
    ok(outcome(CAUSE, World(failures=said, policy=Unknown("the policy of team/app", "denied"))))


def test_across_accounts_a_simulation_says_nothing_of_the_role_where_nothing_allows_it() -> None:
    """It is not given the other account's policy, which must allow the pull as well."""
    said = (failure(image=f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"),)
    ok(outcome(CAUSE, replace(NO_PULL, failures=said)))
    unread = replace(NO_PULL, failures=said, policies=Unknown("the role's policies", "denied", "iam:ListRolePolicies"))
    assert missing(outcome(CAUSE, unread))
    denied = refused(PULL_ACTIONS, decision="explicitDeny", by=("own",))
    assert "is denied" in problem(outcome(CAUSE, replace(unread, pull=denied))).title


def test_the_token_is_the_callers_own_whosever_the_repository_is() -> None:
    said = (failure(image=f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"),)
    inside = allowing(*SIGN_IN_ACTIONS, Condition={"StringEquals": {"aws:ResourceAccount": ACCOUNT}})
    own = RolePolicies((NamedPolicy("own", document(inside, allowing(*PULL_ACTIONS))),))
    unread = Unknown("what it may do", "denied", "iam:SimulatePrincipalPolicy")
    ok(outcome(CAUSE, World(failures=said, sign_in=unread, pull=unread, policies=own)))


@pytest.mark.parametrize("layer", ["identity-policy", "permissions-boundary", "resource-policy"])
def test_a_right_to_push_is_no_cause(layer: DeniedBy) -> None:
    told = replace(SIGN_IN_DENIED, phase="resolve", action="ecr:BatchCheckLayerAvailability", denied_by=layer)
    world = World(failures=(failure(told),), organization="o-ours")
    ok(outcome(CAUSE, world))
    for cause in ("permissions-boundary-denies", "repository-policy-denies"):
        ok(outcome(cause, world))
    missing(outcome("organization-policy-denies", world))


def test_another_role_in_the_text_is_not_called_the_one_that_pulls() -> None:
    other = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-task/failed"
    found = problem(outcome(CAUSE, World(failures=(failure(replace(SIGN_IN_DENIED, principal=other)),))))
    assert found.title == "role in ECS's text lacks ecr:GetAuthorizationToken"
    assert found.explanation.startswith("ECS's text names web-task as the role that asked ECR")
    assert "the execution role is web-exec" in found.explanation
    assert found.still == "unknown"


@pytest.mark.parametrize(
    "one",
    [
        Simulated("ecr:BatchGetImage", "implicitDeny", missing_context=("aws:SourceVpce",)),
        Simulated("ecr:BatchGetImage", "implicitDeny", boundary_allows=False),
        Simulated("ecr:BatchGetImage", "implicitDeny", organization_allows=False),
        Simulated("ecr:BatchGetImage", "explicitDeny", missing_context=("aws:ResourceTag/team",)),
    ],
)
def test_what_another_layer_or_a_condition_decides_is_open_until_the_policies_are_read(one: Simulated) -> None:
    world = World(pull=(one,))
    assert missing(outcome(CAUSE, replace(world, policies=UNREAD)))
    ok(outcome(CAUSE, world))
    own = replace(POLICIES, identity=(NamedPolicy("own", document(allowing("ecr:GetAuthorizationToken"))),))
    assert problem(outcome(CAUSE, replace(world, policies=own))).title.startswith("execution role lacks ecr:BatchGet")


@pytest.mark.parametrize("fact", ["sign_in", "pull"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    world = replace(World(policies=UNREAD), **{fact: Unknown(f"the {fact}", "denied")})  # type: ignore[arg-type] # two of its members
    assert missing(outcome(CAUSE, world)) == (f"the {fact}",)
    assert missing(outcome(CAUSE, World(), role=Unknown("the role", "denied"))) == ("the role",)


def test_rights_that_are_not_read_do_not_hide_a_denial_that_was() -> None:
    world = replace(NO_SIGN_IN, pull=Unknown("what it may do", "throttled"), policies=UNREAD)
    found = problem(outcome(CAUSE, world))
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
    found = problem(outcome(CAUSE, World(failures=TOLD), role=unread, rulings=unread))
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


def test_a_denial_that_is_not_about_ecr_leaves_nothing_of_this_open() -> None:
    told = replace(SIGN_IN_DENIED, action="secretsmanager:GetSecretValue", denied_by="resource-policy")
    ok(outcome(CAUSE, World(failures=(failure(told),))))


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
    told = replace(SIGN_IN_DENIED, action="ecr:DescribeImages")
    found = problem(outcome(CAUSE, World(failures=(failure(told),))))
    assert (found.still, found.fixes) == ("unknown", ())
    assert "now" not in str(found.evidence)


def test_a_text_about_another_action_does_not_prove_what_was_read() -> None:
    found = problem(outcome(CAUSE, replace(NO_PULL, failures=TOLD)))
    assert (found.still, found.text_proves) == ("yes", False)


def test_a_right_that_is_back_is_said_to_be_there_only_if_it_was_seen() -> None:
    back = problem(outcome(CAUSE, replace(NO_PULL, failures=TOLD)))
    assert "it has now" in back.explanation
    unasked = (failure(replace(SIGN_IN_DENIED, action="ecr:DescribeImages")),)
    assert "it has now" not in problem(outcome(CAUSE, replace(NO_PULL, failures=unasked))).explanation


def test_a_text_with_a_path_in_the_roles_arn_means_the_same_role() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/service/team/web-exec"
    found = problem(outcome(CAUSE, World(failures=TOLD, execution_role=role)))
    assert found.culprit.id == role
    assert found.still == "no"


def test_an_ec2_tasks_role_is_the_pulling_role() -> None:
    host = replace(NO_SIGN_IN, task=replace(TASK, launch_type="EC2"))
    assert problem(outcome(CAUSE, host)).title.startswith("pulling role lacks")


# The policies as they are written, where IAM's simulation is refused


REFUSED = Unknown("what it may do", "denied", "iam:SimulatePrincipalPolicy")
WRITTEN = World(sign_in=REFUSED, pull=REFUSED)


def written(*statements: dict[str, Any]) -> World:
    own = (NamedPolicy("own", document(*statements)), NamedPolicy("other", document(allowing("logs:*"))))
    return replace(WRITTEN, policies=RolePolicies(own))


def test_a_role_whose_written_policies_let_it_pull() -> None:
    ok(outcome(CAUSE, WRITTEN))
    ok(outcome(CAUSE, written(allowing("ecr:Get*", "ecr:BatchGetImage"))))


def test_written_policies_that_lack_an_action_name_what_nearly_allows_it() -> None:
    other = allowing(*PULL_ACTIONS, Resource=f"{REPOSITORY}-2")
    found = problem(outcome(CAUSE, written(allowing("ecr:GetAuthorizationToken"), other)))
    assert found.title == "execution role lacks ecr:BatchGetImage and 1 more"
    said = found.evidence[0].text
    assert said.startswith(f"no policy of {ROLE} allows ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on repository")
    assert said.endswith(f"in policy own of {ROLE}, statement 2 leaves it out by its resource")
    assert "simulation" not in said
    assert "simulation" in problem(outcome(CAUSE, NO_PULL)).evidence[0].text
    assert found.fixes[0].applicability == "exact"


def test_a_written_deny_names_its_statement_and_policy() -> None:
    deny = {"Sid": "NoPulls", "Effect": "Deny", "Action": "ecr:Batch*", "Resource": "*"}
    found = problem(outcome(CAUSE, written(allowing("*"), deny)))
    assert found.evidence[0].text.startswith(f"statement 2 (NoPulls) of policy own of {ROLE} denies ecr:BatchGetImage")
    assert "statement 2 (NoPulls) of own" in found.fixes[0].text


def test_a_tag_of_the_repository_decides_by_what_it_is() -> None:
    tagged = allowing(*PULL_ACTIONS, Condition={"StringEquals": {"ecr:ResourceTag/team": "web"}})
    world = written(allowing("ecr:GetAuthorizationToken"), tagged)
    ok(outcome(CAUSE, replace(world, repository_tags=(("team", "web"),))))
    assert "ecr:ResourceTag/team" in problem(outcome(CAUSE, replace(world, repository_tags=()))).evidence[0].text
    assert missing(outcome(CAUSE, replace(world, repository_tags=Unknown("its tags", "denied"))))


def test_a_tag_of_the_role_decides_by_what_it_is() -> None:
    tagged = allowing(*PULL_ACTIONS, Condition={"StringEquals": {"aws:PrincipalTag/team": "web"}})
    world = written(allowing("ecr:GetAuthorizationToken"), tagged)
    for tags, check in (((("team", "web"),), ok), ((), problem), (None, missing)):
        check(outcome(CAUSE, replace(world, roles=(replace(EXECUTION_ROLE, tags=tags),))))


def test_a_condition_that_is_not_known_neither_allows_nor_denies() -> None:
    hours = {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}
    assert missing(outcome(CAUSE, written(allowing("ecr:*", Condition=hours))))
    assert missing(outcome(CAUSE, written(allowing("ecr:*"), {**allowing("ecr:*", Condition=hours), "Effect": "Deny"})))


def test_every_command_is_iams() -> None:
    found = problem(outcome(CAUSE, NO_PULL))
    assert {c.service for fix in found.fixes for c in fix.commands if isinstance(c, AwsCommand)} == {"iam"}
    assert isinstance(NO_PULL.view().role, Known)
