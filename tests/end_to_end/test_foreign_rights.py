"""What another account refuses: undetermined with the way to settle it, and proven where its reader role is set."""

from __future__ import annotations

import pytest

from pull_doctor.facts.aws import Aws
from pull_doctor.report.text import render_text
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import OFFLINE, accused, carry_out, report_on, ruled_out, session
from tests.worlds import World, build
from tests.worlds.foreign import FOREIGN, build_foreign, reader_role
from tests.worlds.rights import OWNER

UNREAD = ("repository-without-a-policy", "repository-for-an-organization", "registry-of-the-owner")


@pytest.fixture(autouse=True)
def endpoint(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the session of the reader role find the emulated AWS, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)


def with_reader(aws: EmulatedAws, world: World) -> Aws:
    roles = {OWNER: reader_role(aws, world.account)}
    return Aws(session(aws, world.account), registry=OFFLINE, reader_roles=roles)


@pytest.mark.parametrize("name", UNREAD)
def test_without_the_owner_s_role_nobody_is_accused(aws: EmulatedAws, name: str) -> None:
    world = build_foreign(aws, name)
    report = report_on(aws, world.event)
    assert (report.verdict, report.causes) == ("undetermined", ())
    missing = {one.cause: one.missing for one in report.not_checked}
    assert {one.account for one in missing[world.cause or ""]} == {OWNER}


@pytest.mark.parametrize("name", UNREAD[:2])
def test_the_report_says_whom_to_ask_and_for_which_policy(aws: EmulatedAws, name: str) -> None:
    world = build_foreign(aws, name)
    text = " ".join(render_text(report_on(aws, world.event)).split())
    assert f"account {OWNER} owns repository" in text
    assert "aws ecr set-repository-policy" in text
    assert world.role in text


@pytest.mark.parametrize("name", FOREIGN)
def test_with_the_owner_s_role_it_is_proven_and_mended(aws: EmulatedAws, name: str) -> None:
    world = build_foreign(aws, name)
    reader = with_reader(aws, world)
    first = report_on(aws, world.event, reader).causes[0]
    assert (first.cause, first.certainty, first.still) == (world.cause, "proven", "yes")
    assert {fix.account for fix in first.fixes} == {OWNER}
    for command in first.fixes[0].commands:
        carry_out(world, command, first.fixes[0].account)
    after = report_on(aws, world.event, reader)
    assert world.cause not in {one.cause for one in after.causes if one.still != "no"}


@pytest.mark.slow
@pytest.mark.parametrize("name", FOREIGN)
def test_the_mended_twin_is_not_accused(aws: EmulatedAws, name: str) -> None:
    world = build_foreign(aws, name)
    world.mend()
    report = report_on(aws, world.saying(world.neutral_text or world.text), with_reader(aws, world))
    assert accused(report) == set()
    assert world.cause in ruled_out(report)


def test_an_organization_that_is_another_one_is_not_taken_for_the_account_s(aws: EmulatedAws) -> None:
    """The owner admits the organization that the account is in: nothing is left to accuse."""
    world = build(aws, "healthy", account="444455556677", image_account=OWNER)
    aws.in_organization(world.account, "o-exampleorg1")
    repository = world.image.partition("/")[2].partition(":")[0]
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*",'
        ' "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}}]}'
    )
    aws.client("ecr", account=OWNER).set_repository_policy(repositoryName=repository, policyText=policy)
    roles = {OWNER: reader_role(aws, world.account)}
    reader = Aws(session(aws, world.account), registry=OFFLINE, reader_roles=roles)
    report = report_on(aws, world.saying(world.denial), reader)
    assert "repository-policy-denies" in ruled_out(report)
