"""A task whose image belongs to another account: what is read there, and with whose credentials."""

from __future__ import annotations

import json

import pytest

from pull_doctor.facts.aws import Aws, ReaderRole
from pull_doctor.report.model import Report
from pull_doctor.report.text import render_text
from tests.emulated.aws import ACCOUNT, EmulatedAws
from tests.end_to_end.harness import OFFLINE, report_on, ruled_out, session
from tests.worlds import World, build

OWNER = "555555555571"
READER = ReaderRole(f"arn:aws:iam::{OWNER}:role/pull-doctor-reader", "shared-word")


@pytest.fixture(scope="module")
def world(aws: EmulatedAws) -> World:
    """A pull from another account, whose repository says nothing of this one."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": READER.external_id}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam", account=OWNER).create_role(RoleName="pull-doctor-reader", AssumeRolePolicyDocument=trust)
    return build(aws, "healthy", image_account=OWNER)


@pytest.fixture(autouse=True)
def endpoint(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the session of the reader role find the emulated AWS, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)


def report_with(aws: EmulatedAws, world: World, reader: ReaderRole | None) -> Report:
    roles = {OWNER: reader} if reader else {}
    return report_on(aws, world.saying(world.denial), Aws(session(aws), registry=OFFLINE, reader_roles=roles))


def test_the_owner_s_image_and_policy_are_read_with_its_reader_role(aws: EmulatedAws, world: World) -> None:
    before = len(aws.calls)
    report = report_with(aws, world, READER)
    assert {"image-not-found", "repository-not-found"} <= ruled_out(report)
    reader = f"arn:aws:sts::{OWNER}:assumed-role/pull-doctor-reader/pull-doctor"
    by_reader = {call.action for call in aws.calls[before:] if call.caller == reader}
    assert {"ecr:DescribeImages", "ecr:GetRepositoryPolicy"} <= by_reader
    assert {action.partition(":")[0] for action in by_reader} <= {"ecr", "kms"}
    own = {call.action for call in aws.calls[before:] if call.caller != reader}
    assert not [action for action in own if action.startswith("ecr:")]


@pytest.mark.parametrize(
    ("reader", "action", "said"),
    [
        (None, "ecr:DescribeImages", f"ecr:DescribeImages is not permitted in account {OWNER}"),
        (
            ReaderRole(READER.arn, "another-word"),
            "sts:AssumeRole",
            f"sts:AssumeRole is not permitted on {READER.arn} in account {OWNER}",
        ),
    ],
    ids=["no role", "a role that refuses"],
)
def test_an_owner_that_cannot_be_read_is_named_and_nothing_is_called_missing(
    aws: EmulatedAws, world: World, reader: ReaderRole | None, action: str, said: str
) -> None:
    report = report_with(aws, world, reader)
    missing = {one.cause: one.missing for one in report.not_checked}
    for cause in ("image-not-found", "repository-not-found"):
        (gap,) = missing[cause]
        assert (gap.why, gap.action, gap.account) == ("denied", action, OWNER)
    assert not {"image-not-found", "repository-not-found", "repository-policy-denies"} & {
        one.cause for one in report.causes
    }
    assert said in " ".join(render_text(report).split())
