"""Each defect in a world of the emulated AWS is named and proven, and its healthy twin is not accused."""

from __future__ import annotations

import json

import pytest

from pull_doctor.facts.aws import Aws, ReaderRole
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import DEFECTS, OFFLINE, accused, evidence, reading, report_on, ruled_out, session
from tests.ranked_worlds import TOLD_BY_TEXT
from tests.worlds import build

WORLDS = tuple(DEFECTS)
OTHER_ACCOUNT = "210987654321"


@pytest.mark.parametrize("name", WORLDS)
def test_the_defect_is_proven_with_the_resources_to_blame(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    report = report_on(aws, world.event)
    assert report.verdict == "cause-found"
    first = report.causes[0]
    assert (first.cause, first.certainty, first.still) == (DEFECTS[name], "proven", "yes")
    assert [culprit for culprit in world.culprits if culprit not in evidence(first)] == []
    assert report.not_checked == ()
    ended = {trace.host for trace in first.traces if trace.disposition != "reached"}
    assert not [one for one in report.ruled_out for host in ended if f"a way to {host}" in one.why]


@pytest.mark.parametrize("name", [name for name in WORLDS if name != "image-tag-missing"])
def test_the_healthy_twin_with_the_same_text_is_not_accused(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    world.mend()
    if name == "public-subnet-without-public-ip":
        world.relaunch()  # a task keeps the address that it was started without
    report = report_on(aws, world.event)
    assert accused(report) == set()
    assert DEFECTS[name] in ruled_out(report)
    assert report.verdict == "no-defect-found"


def test_a_service_that_assigns_addresses_by_now_has_its_old_task_explained(aws: EmulatedAws) -> None:
    world = build(aws, "public-subnet-without-public-ip")
    world.mend()
    first = report_on(aws, world.event).causes[0]
    assert (first.cause, first.still, first.fixes) == ("no-public-ip", "no", ())


def test_a_missing_image_that_is_there_by_now_is_told_as_mended(aws: EmulatedAws) -> None:
    world = build(aws, "image-tag-missing")
    world.mend()
    first = report_on(aws, world.event).causes[0]
    assert (first.cause, first.still, first.fixes) == ("image-not-found", "no", ())
    assert world.neutral_text
    neutral = report_on(aws, world.saying(world.neutral_text))
    assert accused(neutral) == set()
    assert "image-not-found" in ruled_out(neutral)
    assert {one.cause for one in neutral.not_checked} == TOLD_BY_TEXT


def test_a_denial_in_aws_own_words_proves_the_cause_even_once_mended(aws: EmulatedAws) -> None:
    world = build(aws, "role-without-permission")
    before = report_on(aws, world.saying(world.denial)).causes[0]
    assert (before.cause, before.certainty, before.still) == ("pull-permission-denied", "proven", "yes")
    world.mend()
    first = report_on(aws, world.saying(world.denial)).causes[0]
    assert (first.cause, first.certainty, first.still) == ("pull-permission-denied", "proven", "no")
    assert first.fixes == ()


@pytest.mark.parametrize("name", [name for name in WORLDS if name != "image-tag-missing"])
def test_a_task_that_started_since_over_the_same_way_takes_the_proof_away(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    sibling = world.add_sibling().rsplit("/", 1)[-1]
    report = report_on(aws, world.event)
    assert [cause for cause in report.causes if cause.certainty == "proven"] == []
    assert sibling in evidence(report.causes[0])


@pytest.mark.parametrize("name", ["private-subnet-without-route", "s3-endpoint-missing"])
def test_the_main_route_table_counts_for_a_subnet_without_its_own(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name, main_table=True)
    assert report_on(aws, world.event).causes[0].cause == DEFECTS[name]


def test_a_working_main_route_table_is_no_missing_route(aws: EmulatedAws) -> None:
    report = report_on(aws, build(aws, "healthy", main_table=True).event)
    assert report.verdict == "no-defect-found"


def test_an_acl_that_forgets_the_replies_is_not_called_a_missing_route(aws: EmulatedAws) -> None:
    report = report_on(aws, build(aws, "healthy", acl_without_replies=True).event)
    assert accused(report) == {"network-acl-blocks"}
    assert "no-route-to-registry" in ruled_out(report)


@pytest.mark.parametrize(
    "options",
    [
        {"image": "ecr"},
        {"by_digest": True},
        {"image_region": "eu-central-1", "image": "ecr"},
    ],
    ids=["team/app:tag", "digest", "other Region"],
)
def test_an_image_that_is_there_is_never_called_missing(aws: EmulatedAws, options: dict[str, str]) -> None:
    report = report_on(aws, build(aws, "healthy", **options).event)
    assert accused(report) == set()
    assert "image-not-found" in ruled_out(report)


@pytest.mark.parametrize("name", ["healthy", "image-tag-missing"])
def test_an_image_of_another_account_that_may_not_be_read_is_not_called_missing(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name, image_account=OTHER_ACCOUNT, image_region="eu-central-1")
    report = report_on(aws, world.event)
    assert accused(report) == set()
    by_cause = {one.cause: one.missing for one in report.not_checked}
    (missing,) = by_cause["image-not-found"]
    assert (missing.why, missing.action) == ("denied", "ecr:DescribeImages")
    assert missing.resource
    assert missing.resource.startswith(f"arn:aws:ecr:eu-central-1:{OTHER_ACCOUNT}:repository/")


def test_a_missing_tag_in_another_region_is_looked_for_there(aws: EmulatedAws) -> None:
    world = build(aws, "image-tag-missing", image_region="eu-central-1")
    first = report_on(aws, world.event).causes[0]
    assert (first.cause, first.certainty) == ("image-not-found", "proven")
    assert "eu-central-1" in evidence(first)


@pytest.mark.parametrize("name", WORLDS)
def test_credentials_of_another_account_prove_nothing(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    calls = len(aws.calls)
    report = report_on(aws, world.event, reading(aws, OTHER_ACCOUNT))
    assert accused(report) == set()
    assert report.verdict == "undetermined"
    reasons = {missing.detail for one in report.not_checked for missing in one.missing}
    assert any(OTHER_ACCOUNT in (reason or "") and world.account in (reason or "") for reason in reasons)
    assert {call.action for call in aws.calls[calls:]} <= {"sts:GetCallerIdentity"}


def test_the_reader_role_of_another_account_is_assumed(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    world = build(aws, "private-subnet-without-route", account=OTHER_ACCOUNT)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "external"}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = aws.client("iam", account=OTHER_ACCOUNT).create_role(RoleName="reads-causes", AssumeRolePolicyDocument=trust)
    reader = ReaderRole(role["Role"]["Arn"], "external")
    report = report_on(aws, world.event, Aws(session(aws), {OTHER_ACCOUNT: reader}, registry=OFFLINE))
    assert report.causes[0].cause == "no-route-to-registry"


def test_a_deleted_interface_is_replaced_by_the_deployment(aws: EmulatedAws) -> None:
    world = build(aws, "public-subnet-without-public-ip")
    world.release_interface()
    first = report_on(aws, world.event).causes[0]
    assert (first.cause, first.certainty) == ("no-public-ip", "proven")


def test_fargate_before_1_4_needs_no_endpoint_to_sign_in(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing", platform_version="1.3.0")
    report = report_on(aws, world.event)
    assert report.causes[0].cause == "s3-endpoint-missing"
    assert not any(trace.phase == "sign-in" for cause in report.causes for trace in cause.traces)


def test_a_deleted_service_and_task_definition_leave_a_report(aws: EmulatedAws) -> None:
    world = build(aws, "private-subnet-without-route")
    event = world.event
    event["detail"]["taskDefinitionArn"] = event["detail"]["taskDefinitionArn"].replace(world.workload, "gone")
    event["detail"]["group"] = "service:gone"
    report = report_on(aws, event)
    assert report.causes[0].cause == "no-route-to-registry"


def test_a_gateway_endpoint_of_this_region_is_no_way_to_layers_in_another(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing", image="ecr", image_region="us-east-1")
    assert "s3-endpoint-missing" not in {cause.cause for cause in report_on(aws, world.event).causes}


def test_a_read_that_is_switched_off_is_said_and_proves_nothing(aws: EmulatedAws) -> None:
    world = build(aws, "role-without-permission")
    report = report_on(
        aws, world.event, Aws(session(aws), registry=OFFLINE, switched_off=frozenset({"iam:SimulatePrincipalPolicy"}))
    )
    assert accused(report) == set()
    switched_off = {("switched-off", "iam:SimulatePrincipalPolicy")}
    reasons = {one.cause: {(missing.why, missing.action) for missing in one.missing} for one in report.not_checked}
    assert reasons["pull-permission-denied"] == switched_off


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("proxy-failure", "Get https://registry-1.docker.io/v2/: proxyconnect tcp: dial tcp 10.0.0.9:3128: refused"),
        ("kms-denied", "KMS.DisabledException: arn:aws:kms:eu-west-1:123456789012:key/1 is disabled"),
    ],
)
def test_a_failure_that_no_check_covers_is_not_called_a_passing_fault(aws: EmulatedAws, kind: str, text: str) -> None:
    report = report_on(aws, build(aws, "healthy").saying(f"CannotPullContainerError: {text}"))
    assert (report.verdict, report.causes) == ("undetermined", ())
    assert kind in report.verdict_reason


@pytest.mark.parametrize("image", ["registry.corp.example/team/web:1", "docker.io:8443/library/nginx:1"])
def test_a_registry_that_may_be_private_is_not_traced_to_the_internet(aws: EmulatedAws, image: str) -> None:
    world = build(aws, "private-subnet-without-route", image=image)
    report = report_on(aws, world.saying(f"CannotPullContainerError: failed to resolve ref {image}: i/o timeout"))
    assert report.causes == ()
    assert report.verdict == "undetermined"
