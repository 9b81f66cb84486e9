from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import EcrLookup, RegistryRules
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.rights import PULL_ACTIONS
from tests.causes.factory import (
    EXECUTION_ROLE,
    NOT_FOUND,
    ROLE,
    SIGN_IN_ONLY,
    World,
    allowing,
    document,
    failure,
    outcome,
    refused,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, REGION

CAUSE = "repository-policy-denies"
OTHER = "999988887777"
THEIRS = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
FORBIDDEN = Symptom("resolve", "registry-access-denied", http_status=403)
TOLD = replace(
    FORBIDDEN,
    action="ecr:BatchGetImage",
    principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/failed",
    denied_by="resource-policy",
)
DENIED = replace(TOLD, explicit_deny=True)
UNREAD = Unknown("the policy of team/app", "denied", "ecr:GetRepositoryPolicy")
NOT_TOLD = Unknown("the registry's policy", "not-visible")
GRANT = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": list(PULL_ACTIONS)}
DENY = {"Sid": "NoPulls", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}


def own(symptom: Symptom = FORBIDDEN, **more: Any) -> World:
    return World(failures=(failure(symptom),), **more)


def foreign(symptom: Symptom = FORBIDDEN, **more: Any) -> World:
    return World(failures=(failure(symptom, THEIRS),), **more)


def statements(found: Any) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = json.loads(parameters(found)["policyText"])["Statement"]
    return written


# Across accounts


def test_a_repository_of_another_account_without_a_policy() -> None:
    found = problem(outcome(CAUSE, foreign()))
    assert found.title == "the repository's policy does not grant ecr:BatchGetImage and 1 more"
    assert (found.culprit.id, found.still, found.text_proves) == ("team/app", "yes", False)
    assert found.evidence[0].text.startswith(f"repository team/app of account {OTHER} has no policy")
    assert found.phases == ("resolve", "download")
    (fix,) = found.fixes
    assert (fix.applicability, fix.account, fix.region) == ("exact", OTHER, REGION)
    assert statements(found) == [GRANT]
    assert (parameters(found)["registryId"], parameters(found)["repositoryName"]) == (OTHER, "team/app")


def test_a_policy_that_grants_it_to_others_is_amended_and_kept() -> None:
    others = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "ecr:*"}
    found = problem(outcome(CAUSE, foreign(policy=document(others))))
    assert "leaves it out by its principal" in found.evidence[0].text
    assert statements(found) == [others, GRANT]
    assert found.fixes[0].applicability == "exact"
    assert found.fixes[0].effect


def test_a_policy_that_lacks_one_action_gets_that_one() -> None:
    half = GRANT | {"Action": "ecr:BatchGetImage"}
    found = problem(outcome(CAUSE, foreign(policy=document(half))))
    assert found.phases == ("download",)
    assert statements(found)[1:] == [GRANT | {"Action": "ecr:GetDownloadUrlForLayer"}]


@pytest.mark.parametrize("principal", [ROLE, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "*"])
def test_what_another_account_grants(principal: str) -> None:
    policy = document(GRANT | {"Principal": {"AWS": principal}})
    assert "team/app" in ok(outcome(CAUSE, foreign(policy=policy, registry_rules=NOT_TOLD)))


@pytest.mark.parametrize("form", ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"])
def test_a_grant_to_the_organization(form: str) -> None:
    policy = document(GRANT | {"Principal": "*", "Condition": {"StringEquals": {form: "o-exampleorg1"}}})
    member = foreign(policy=policy, organization="o-exampleorg1")
    if form == "aws:PrincipalOrgID":
        ok(outcome(CAUSE, member))
        problem(outcome(CAUSE, replace(member, organization="o-other")))
    else:  # which units the account is in is not read
        assert missing(outcome(CAUSE, member))


def test_what_the_owner_does_not_show_is_open() -> None:
    assert missing(outcome(CAUSE, foreign(policy=UNREAD, registry_rules=NOT_TOLD))) == (UNREAD.fact,)


def test_a_registrys_policy_that_is_not_told_is_inferred_not_to_grant_it() -> None:
    found = problem(outcome(CAUSE, foreign(registry_rules=NOT_TOLD)))
    assert "could not be read" in found.inferred[0]
    grants = RegistryRules(document(GRANT | {"Resource": "*"}), "V2")
    ok(outcome(CAUSE, foreign(registry_rules=grants)))


def test_both_sides_are_told_apart() -> None:
    """Across accounts each side that does not allow it is a defect of its own."""
    both = foreign(pull=refused(PULL_ACTIONS), policies=SIGN_IN_ONLY)
    problem(outcome(CAUSE, both))
    problem(outcome("pull-permission-denied", both))
    ok(outcome("pull-permission-denied", foreign()))


# In one account


def test_a_deny_wins_over_what_the_role_may() -> None:
    found = problem(outcome(CAUSE, own(policy=document(GRANT, DENY))))
    assert found.title == "the repository's policy denies ecr:BatchGetImage"
    assert found.evidence[0].text.startswith("statement 2 (NoPulls) of the policy of repository team/app denies")
    assert (found.fixes[0].applicability, found.fixes[0].account) == ("your-call", ACCOUNT)
    assert statements(found) == [GRANT]
    assert "statement 2 (NoPulls)" in found.fixes[0].text


def test_a_policy_that_is_nothing_but_the_deny_is_taken_away() -> None:
    (command,) = problem(outcome(CAUSE, own(policy=document(DENY)))).fixes[0].commands
    assert isinstance(command, AwsCommand)
    assert (command.operation, command.parameters["registryId"]) == ("DeleteRepositoryPolicy", ACCOUNT)


@pytest.mark.parametrize("policy", [None, document(GRANT), document(DENY | {"Principal": {"AWS": "444455556666"}})])
def test_in_one_account_nothing_has_to_grant_what_the_role_may(policy: str | None) -> None:
    ok(outcome(CAUSE, own(policy=policy)))


def test_in_one_account_a_missing_allow_is_the_roles() -> None:
    lacking = own(pull=refused(PULL_ACTIONS))
    ok(outcome(CAUSE, lacking))
    problem(outcome("pull-permission-denied", lacking))


def test_a_deny_that_hangs_on_what_is_not_known_is_open() -> None:
    hours = DENY | {"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}}
    assert "team/app" in missing(outcome(CAUSE, own(policy=document(hours))))[0]
    assert missing(outcome(CAUSE, own(policy="no policy")))


def test_a_policy_that_is_not_read_is_never_at_fault() -> None:
    assert missing(outcome(CAUSE, own(policy=UNREAD))) == (UNREAD.fact,)


def test_where_the_text_shows_the_pull_accepted_nothing_refused_it() -> None:
    assert "accepted" in ok(outcome(CAUSE, own(NOT_FOUND, policy=document(DENY))))


def test_a_repository_that_is_not_there_refuses_nobody() -> None:
    assert isinstance(outcome(CAUSE, foreign(lookup=EcrLookup("repository"))), NotApplicable)
    unread = Unknown("the image", "denied")
    assert missing(outcome(CAUSE, foreign(), ecr_image=unread)) == (unread.fact,)
    # What has a policy exists, and a text that speaks of the repository's policy shows as much.
    problem(outcome(CAUSE, foreign(policy=document(GRANT | {"Principal": {"AWS": OTHER}})), ecr_image=unread))
    problem(outcome(CAUSE, foreign(TOLD), ecr_image=unread))


def test_no_role_pulls_nothing() -> None:
    assert isinstance(outcome(CAUSE, own(execution_role=None)), NotApplicable)
    assert isinstance(outcome(CAUSE, own(sign_in=None, pull=None, roles=())), NotApplicable)


# What ECS's text proves


def test_the_text_proves_a_grant_that_is_missing() -> None:
    found = problem(outcome(CAUSE, foreign(TOLD)))
    assert (found.still, found.text_proves, found.phases) == ("yes", True, ("resolve",))
    assert [one.source for one in found.evidence] == ["text", "fact"]


def test_a_text_that_finds_no_grant_shows_that_the_registry_has_none_either() -> None:
    found = problem(outcome(CAUSE, foreign(TOLD, registry_rules=NOT_TOLD)))
    assert (found.still, found.text_proves, found.inferred) == ("yes", True, ())


def test_the_text_proves_it_where_the_owner_shows_nothing() -> None:
    found = problem(outcome(CAUSE, foreign(TOLD, policy=UNREAD, registry_rules=NOT_TOLD)))
    assert (found.still, found.text_proves) == ("unknown", True)
    assert [one.source for one in found.evidence] == ["text"]
    # What is not known cannot be amended: no command may wipe it out.
    assert (found.fixes[0].applicability, found.fixes[0].commands) == ("your-call", ())
    assert (found.fixes[0].account, ROLE in found.fixes[0].text) == (OTHER, True)
    unread = Unknown("it", "denied")
    assert problem(outcome(CAUSE, foreign(TOLD), role=unread, rulings=unread)).still == "unknown"


def test_the_text_proves_it_when_it_is_mended() -> None:
    found = problem(outcome(CAUSE, foreign(TOLD, policy=document(GRANT))))
    assert (found.still, found.text_proves, found.fixes) == ("no", True, ())
    assert found.evidence[-1].text.endswith("ecr:BatchGetImage now")
    assert "did not grant" in found.explanation


def test_a_text_that_speaks_of_a_deny_is_of_the_policy_that_was_seen_to_deny() -> None:
    found = problem(outcome(CAUSE, own(DENIED, policy=document(GRANT, DENY))))
    assert (found.still, found.text_proves, found.inferred) == ("yes", True, ())
    by_registry = RegistryRules(document(DENY | {"Resource": "*"}), "V2")
    ok(outcome(CAUSE, own(DENIED, registry_rules=by_registry)))


@pytest.mark.parametrize("unread", ["policy", "registry_rules"])
def test_which_policy_denied_is_open_where_either_is_not_read(unread: str) -> None:
    world = replace(own(DENIED), **{unread: UNREAD})  # type: ignore[arg-type] # two of its members
    assert missing(outcome(CAUSE, world)) == (UNREAD.fact,)


def test_a_deny_that_neither_policy_has_any_more_was_the_repositorys_by_inference() -> None:
    found = problem(outcome(CAUSE, own(DENIED)))
    assert (found.still, found.text_proves, found.fixes) == ("no", False, ())
    assert "denied it then" in found.inferred[0]


def test_facts_of_one_role_say_nothing_of_another_that_the_text_names() -> None:
    other = replace(TOLD, principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/other/i-1")
    found = problem(outcome(CAUSE, foreign(other, policy=document(GRANT))))
    assert found.still == "unknown"
    assert f"arn:aws:iam::{ACCOUNT}:role/other" in found.explanation
    assert missing(outcome(CAUSE, own(replace(other, denied_by=None), policy=document(DENY))))


def test_a_text_that_blames_another_layer_takes_the_proof_away() -> None:
    blames_role = replace(TOLD, denied_by="identity-policy")
    found = problem(outcome(CAUSE, own(blames_role, policy=document(DENY))))
    assert "identity policy" in found.inferred[0]


def test_the_printed_policy_lets_the_pull_pass() -> None:
    for policy in (None, document(DENY), document(allowing("ecr:PutImage", Principal="*"), DENY)):
        world = foreign(policy=policy)
        found = problem(outcome(CAUSE, world))
        ok(outcome(CAUSE, replace(world, policy=parameters(found)["policyText"])))
    assert isinstance(world.view().rulings, Known)


# Ids of deleted roles

NEW = replace(EXECUTION_ROLE, id="AROAEXAMPLEOFTHENEWONE")


def test_the_id_of_a_deleted_role_is_told_and_not_set_again() -> None:
    """AWS shows the id in the place of a role that is gone, and takes no policy that names one."""
    others = ["444455556666", "AROAEXAMPLEOFANOLDROLE", "AIDAEXAMPLEOFANOLDUSER"]
    old = document(GRANT | {"Principal": {"AWS": "AROAEXAMPLEOFANOLDROLE"}}, GRANT | {"Principal": {"AWS": others}})
    found = problem(outcome(CAUSE, foreign(policy=old, roles=(NEW,))))
    assert [one["Principal"]["AWS"] for one in statements(found)] == [["444455556666"], ROLE]
    assert any("AROAEXAMPLEOFANOLDROLE" in one.text and "deleted" in one.text for one in found.evidence)
    assert "AROAEXAMPLEOFANOLDROLE" in (found.fixes[0].effect or "")


def test_who_stands_beside_a_deleted_role_keeps_the_statement() -> None:
    service = GRANT | {"Principal": {"AWS": "AROAEXAMPLEOFANOLDROLE", "Service": "codebuild.amazonaws.com"}}
    found = problem(outcome(CAUSE, foreign(policy=document(service), roles=(NEW,))))
    assert [one["Principal"] for one in statements(found)] == [{"Service": "codebuild.amazonaws.com"}, {"AWS": ROLE}]


def test_without_deleted_roles_nothing_is_said_of_them() -> None:
    found = problem(outcome(CAUSE, foreign(policy=document(GRANT | {"Principal": {"AWS": "444455556666"}}))))
    assert not any("deleted" in one.text for one in found.evidence)


# Conditions


def test_a_deny_says_what_of_the_request_meets_its_conditions() -> None:
    elsewhere = DENY | {"Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}}
    found = problem(outcome(CAUSE, own(policy=document(elsewhere))))
    assert found.evidence[0].text.endswith(f"as aws:RequestedRegion is {REGION}")
    inside = DENY | {"Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}
    found = problem(outcome(CAUSE, replace(own(policy=document(inside)), vpc=ENDPOINT_VPC)))
    assert found.evidence[0].text.endswith("as the request has no aws:SourceIp")
    assert found.evidence[0].text != problem(outcome(CAUSE, own(policy=document(DENY)))).evidence[0].text


def test_what_is_not_read_is_asked_for_whole() -> None:
    found = problem(outcome(CAUSE, foreign(TOLD, policy=UNREAD)))
    assert " and ".join(PULL_ACTIONS) in found.fixes[0].text
