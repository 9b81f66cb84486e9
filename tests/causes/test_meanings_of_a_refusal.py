"""A 403 has six meanings: each leads to another answer, and a text that names none to what the facts show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import RegistryRules, Role, Simulated
from pull_doctor.intake.symptom import DeniedBy, Symptom
from pull_doctor.pipeline import conclude
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import UNSET, Report
from pull_doctor.report.slack import slack_message
from pull_doctor.report.text import render_text
from pull_doctor.view.rights import PULL_ACTIONS
from tests.causes.factory import READ_AT, SIGN_IN_ONLY, TRUST, World, allowing, document, failure, refused
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, PULLER_ROLE, REGION, change
from tests.ranked_worlds import concluded, masked

OTHER = "999988887777"
THEIRS = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
SAID = Symptom(
    "resolve",
    "registry-access-denied",
    http_status=403,
    action="ecr:BatchGetImage",
    principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/failed",
)
SILENT = Symptom("resolve", "registry-access-denied", http_status=403)
MEMBER = World(vpc=ENDPOINT_VPC, organization="o-exampleorg1")
DENY = document(allowing("ecr:*", Effect="Deny", Principal="*"))
BY_BOUNDARY = tuple(Simulated(one, "implicitDeny", boundary_allows=False) for one in PULL_ACTIONS)
BY_ORGANIZATION = tuple(Simulated(one, "implicitDeny", organization_allows=False) for one in PULL_ACTIONS)
NOTHING = json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}})
CLOSED = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", policy=NOTHING)
LIMITED = (Role(PULLER_ROLE, TRUST, f"arn:aws:iam::{ACCOUNT}:policy/limit"),)

MEANINGS: dict[str, tuple[DeniedBy, bool, World]] = {
    "pull-permission-denied": ("identity-policy", False, replace(MEMBER, pull=refused(PULL_ACTIONS))),
    "permissions-boundary-denies": ("permissions-boundary", False, replace(MEMBER, pull=BY_BOUNDARY, roles=LIMITED)),
    "organization-policy-denies": ("service-control-policy", True, replace(MEMBER, pull=BY_ORGANIZATION)),
    "repository-policy-denies": ("resource-policy", True, replace(MEMBER, policy=DENY)),
    "registry-policy-denies": ("resource-policy", True, replace(MEMBER, registry_rules=RegistryRules(DENY, "V2"))),
    "endpoint-policy-denies": ("endpoint-policy", False, replace(MEMBER, vpc=CLOSED)),
}
NOT_IN_SIGHT = ("organization-policy-denies",)
"""What the facts alone show by one inferred step."""


def _texts(message: Any) -> str:
    return "\n".join(block["text"]["text"] for block in message.blocks if "text" in block)


def said(world: World, symptom: Symptom, image: str | None = None) -> Report:
    return concluded(replace(world, failures=(failure(symptom, image) if image else failure(symptom),)))


@pytest.mark.parametrize("cause", MEANINGS)
def test_the_text_and_the_facts_name_the_layer(cause: str) -> None:
    layer, explicit, world = MEANINGS[cause]
    report = said(world, replace(SAID, denied_by=layer, explicit_deny=True if explicit else None))
    assert [(one.cause, one.certainty, one.still) for one in report.causes] == [(cause, "proven", "yes")]
    assert report.causes[0].fixes


@pytest.mark.parametrize("cause", MEANINGS)
def test_a_text_that_names_no_layer_is_answered_by_what_was_read(cause: str) -> None:
    world = MEANINGS[cause][2]
    (found,) = said(world, SILENT).causes
    assert (found.cause, found.certainty) == (cause, "likely" if cause in NOT_IN_SIGHT else "proven")


@pytest.mark.parametrize("cause", MEANINGS)
def test_the_same_text_on_a_healthy_account_tells_what_is_mended(cause: str) -> None:
    layer, explicit, _ = MEANINGS[cause]
    report = said(MEMBER, replace(SAID, denied_by=layer, explicit_deny=True if explicit else None))
    # Which of two policies of the owner denied it is not told, once neither does any more.
    expected = "repository-policy-denies" if layer == "resource-policy" else cause
    (found,) = report.causes
    assert found.cause == expected
    assert found.still == ("unknown" if cause == "organization-policy-denies" else "no")


def test_a_text_that_names_none_on_a_healthy_account_is_undetermined() -> None:
    report = said(MEMBER, SILENT)
    assert (report.verdict, report.causes) == ("undetermined", ())
    # Without an organization nothing is left that could have refused it.
    assert said(replace(MEMBER, organization=None), SILENT).verdict == "no-defect-found"


def test_a_session_policy_is_no_cause_of_these() -> None:
    report = said(replace(MEMBER, organization=None), replace(SAID, denied_by="session-policy"))
    assert (report.verdict, report.causes) == ("undetermined", ())


UNREAD: dict[str, Any] = {
    "policy": Unknown("the policy of team/app", "denied", "ecr:GetRepositoryPolicy", account=OTHER),
    "registry_rules": Unknown("the policy of the registry", "not-visible", account=OTHER),
}


def test_where_the_owner_shows_nothing_it_is_undetermined_and_says_whom_to_ask() -> None:
    report = said(replace(MEMBER, **UNREAD), SILENT, THEIRS)
    assert (report.verdict, report.causes) == ("undetermined", ())
    reasons = {one.cause: one.missing[0].fact for one in report.not_checked}
    assert reasons["repository-policy-denies"] == "the policy of team/app"
    (note,) = report.notes
    assert f"account {OTHER} owns repository team/app" in note.text
    assert PULLER_ROLE in note.text
    assert note.commands is not UNSET
    look, grant = (one.cli for one in note.commands)
    assert look.startswith(f"aws ecr get-repository-policy --region {REGION} --registry-id {OTHER}")
    assert grant.startswith(f"aws ecr set-repository-policy --region {REGION} --registry-id {OTHER}")
    assert PULLER_ROLE in grant


@pytest.mark.parametrize("render", [render_text, render_markdown, lambda report: _texts(slack_message(report))])
def test_the_command_to_the_owner_can_be_copied_whole(render: Callable[[Report], str]) -> None:
    shown = render(said(replace(MEMBER, **UNREAD), SILENT, THEIRS))
    assert "set-repository-policy" in shown
    assert f'"Principal":{{"AWS":"{PULLER_ROLE}"}},"Action":["{PULL_ACTIONS[0]}","{PULL_ACTIONS[1]}"]' in shown


def test_the_note_stands_only_where_it_matters() -> None:
    for world, symptom, image in (
        (replace(MEMBER, **UNREAD), SILENT, None),
        (MEMBER, SILENT, THEIRS),
        (replace(MEMBER, **UNREAD), Symptom("resolve", "network-timeout"), THEIRS),
        (replace(MEMBER, **UNREAD), Symptom("resolve", "image-not-found"), THEIRS),
    ):
        assert said(world, symptom, image).notes == ()


def test_one_missing_allow_has_one_cause_in_one_account_and_one_a_side_across_two() -> None:
    lacking = replace(MEMBER, pull=refused(PULL_ACTIONS), policies=SIGN_IN_ONLY)
    assert [one.cause for one in said(lacking, SILENT).causes] == ["pull-permission-denied"]
    assert [one.cause for one in said(MEMBER, SILENT, THEIRS).causes] == ["repository-policy-denies"]
    assert {one.cause for one in said(lacking, SILENT, THEIRS).causes} == {
        "pull-permission-denied",
        "repository-policy-denies",
    }


OF_RIGHTS = (
    ask.Simulation,
    ask.RepositoryPolicy,
    ask.RegistryPolicyOf,
    ask.OneRole,
    ask.Organization,
    ask.EcrImageOf,
    ask.VpcEndpoints,
)
CERTAINTIES = ("possible", "likely", "proven")


@pytest.mark.parametrize("cause", [*MEANINGS, "across accounts"])
def test_a_fact_that_is_not_read_makes_no_cause_more_certain(cause: str) -> None:
    world = (
        MEANINGS[cause][2] if cause in MEANINGS else replace(MEMBER, policies=SIGN_IN_ONLY, pull=refused(PULL_ACTIONS))
    )
    world = replace(world, failures=(failure(SILENT) if cause in MEANINGS else failure(SILENT, THEIRS),))

    def standing(report: Report) -> dict[str, int]:
        return {one.cause: CERTAINTIES.index(one.certainty) for one in report.causes}

    whole = standing(concluded(world))
    for question in [one for wave in world.waves() for one in wave if isinstance(one, OF_RIGHTS)]:
        less = standing(conclude(world.intake, masked(world, {question}), READ_AT))
        assert all(certainty <= whole.get(one, -1) for one, certainty in less.items()), question
