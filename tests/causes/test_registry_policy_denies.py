from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import RegistryRules
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import NOT_FOUND, World, document, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.causes.test_repository_policy_denies import DENIED, FORBIDDEN, NOT_TOLD, THEIRS
from tests.network.factory import ACCOUNT, REGION

CAUSE = "registry-policy-denies"
DENY: dict[str, Any] = {
    "Sid": "Closed",
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/*",
}
REPLICATION: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"AWS": "444455556666"},
    "Action": "ecr:ReplicateImage",
    "Resource": "*",
}


def world(*statements: dict[str, Any], symptom: Symptom = FORBIDDEN, scope: Any = "V2") -> World:
    return World(failures=(failure(symptom),), registry_rules=RegistryRules(document(*statements), scope))


def test_a_deny_of_the_registrys_policy() -> None:
    found = problem(outcome(CAUSE, world(REPLICATION, DENY)))
    assert found.title == "the registry's policy denies ecr:BatchGetImage and 1 more"
    assert (found.culprit.type, found.culprit.id) == ("AWS::ECR::RegistryPolicy", ACCOUNT)
    assert found.evidence[0].text.startswith(f"statement 2 (Closed) of the policy of registry {ACCOUNT} denies")
    assert (found.still, found.text_proves, found.phases) == ("yes", False, ("resolve", "download"))
    assert (found.fixes[0].applicability, found.fixes[0].account) == ("your-call", ACCOUNT)
    assert json.loads(parameters(found)["policyText"])["Statement"] == [REPLICATION]
    ok(outcome(CAUSE, world(*json.loads(parameters(found)["policyText"])["Statement"])))


def test_a_policy_that_is_nothing_but_the_deny_is_taken_away() -> None:
    (command,) = problem(outcome(CAUSE, world(DENY))).fixes[0].commands
    assert isinstance(command, AwsCommand)
    assert command.operation == "DeleteRegistryPolicy"


def test_a_registrys_policy_of_the_first_version_is_not_about_pulls() -> None:
    ok(outcome(CAUSE, world(DENY, scope="V1")))


def test_policies_that_let_the_pull_pass() -> None:
    ok(outcome(CAUSE, World(failures=(failure(FORBIDDEN),))))
    ok(outcome(CAUSE, world(REPLICATION)))
    ok(outcome(CAUSE, world(DENY | {"Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other/*"})))
    ok(outcome(CAUSE, world(DENY | {"Principal": {"AWS": "444455556666"}})))


def test_what_is_not_known_is_open() -> None:
    hours = DENY | {"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}}
    assert ACCOUNT in missing(outcome(CAUSE, world(hours)))[0]
    unread = Unknown("the registry's policy", "denied")
    assert missing(outcome(CAUSE, replace(world(DENY), registry_rules=unread))) == (unread.fact,)
    assert missing(outcome(CAUSE, World(failures=(failure(FORBIDDEN, THEIRS),), registry_rules=NOT_TOLD)))


def test_where_the_text_shows_the_pull_accepted_nothing_refused_it() -> None:
    assert "accepted" in ok(outcome(CAUSE, world(DENY, symptom=NOT_FOUND)))


def test_a_text_that_speaks_of_a_resources_deny_is_shown_beside_it() -> None:
    found = problem(outcome(CAUSE, world(DENY, symptom=DENIED)))
    assert [one.source for one in found.evidence] == ["text", "fact"]
    assert (found.inferred, found.phases) == ((), ("resolve",))


def test_no_role_pulls_nothing() -> None:
    assert isinstance(outcome(CAUSE, replace(world(DENY), execution_role=None)), NotApplicable)
    assert isinstance(outcome(CAUSE, replace(world(DENY), sign_in=None, pull=None, roles=())), NotApplicable)
