"""Rights where IAM's simulation is refused, and the causes that only ECS's text can show."""

from __future__ import annotations

import pytest

from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import accused, evidence, report_on, ruled_out
from tests.worlds import Options, build, texts
from tests.worlds.defects import broken_world
from tests.worlds.harmless import build_harmless
from tests.worlds.healthy import Defect
from tests.worlds.registry_defects import granted_by_the_registry
from tests.worlds.secret_defects import login_refused
from tests.worlds.source_defects import sign_in_by_the_endpoint

_SIMULATION = "iam:SimulatePrincipalPolicy"
_WRITTEN = ("iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:GetRolePolicy", "iam:GetPolicyVersion")

OF_THE_ROLE = (
    "role-without-image",
    "role-denies-the-image",
    "role-denies-other-regions",
    "role-signs-in-to-a-repository",
    "boundary-without-ecr",
    "boundary-denies-the-image",
    "role-names-another-endpoint",
)
ONE_FAST = [
    pytest.param(name, marks=[] if name in ("role-denies-the-image", "boundary-without-ecr") else pytest.mark.slow)
    for name in OF_THE_ROLE
]


@pytest.mark.parametrize("name", ONE_FAST)
def test_the_policies_as_written_prove_what_no_simulation_tells(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    with aws.fault(_SIMULATION, "denied"):
        report = report_on(aws, world.event)
        first = report.causes[0]
        assert (first.cause, first.certainty, first.still) == (world.cause, "proven", "yes")
        assert "simulation" not in evidence(first)
        world.mend()
        mended = report_on(aws, world.saying(world.neutral_text or world.text))
    assert accused(mended) == set()
    assert world.cause in ruled_out(mended)


@pytest.mark.parametrize("name", ONE_FAST)
@pytest.mark.parametrize("unread", _WRITTEN[:2])
def test_neither_simulation_nor_policies_accuse_nobody(aws: EmulatedAws, name: str, unread: str) -> None:
    world = build(aws, name)
    with aws.fault(_SIMULATION, "denied"), aws.fault(unread, "denied"):
        report = report_on(aws, world.saying(world.neutral_text or world.text))
    assert (report.verdict, accused(report)) == ("undetermined", set())
    missing = {one.cause: {each.action for each in one.missing} for one in report.not_checked}
    assert {_SIMULATION, unread} & missing[world.cause or ""]


def test_a_simulation_says_so_in_the_evidence(aws: EmulatedAws) -> None:
    first = report_on(aws, build(aws, "role-denies-the-image").event).causes[0]
    assert "IAM's simulation says" in evidence(first)


@pytest.mark.parametrize(
    ("version", "named", "why"),
    [("1.4.0", set(), ""), ("1.3.0", {"source-condition-mismatch"}, "outside the VPC, so that the request carries no")],
)
def test_the_sign_in_of_an_old_platform_comes_from_outside_the_vpc(
    aws: EmulatedAws, version: str, named: set[str], why: str
) -> None:
    defect = Defect("source-condition-mismatch", sign_in_by_the_endpoint, "endpoints")
    world = broken_world(aws, [defect], Options(platform_version=version))
    report = report_on(aws, world.event)
    assert accused(report) == named
    assert why in "".join(evidence(one) for one in report.causes)
    world.mend()
    assert accused(report_on(aws, world.event)) == set()


def test_a_cache_whose_rights_the_registry_grants_is_not_accused(aws: EmulatedAws) -> None:
    world = broken_world(aws, [Defect("", granted_by_the_registry, "nat", own_account=True)])
    report = report_on(aws, world.event)
    assert (report.verdict, report.causes) == ("undetermined", ())
    (left_open,) = report.not_checked
    assert left_open.cause == "pull-through-cache-broken"
    assert left_open.missing[0].fact == "image library/nginx:1.27 in registry-1.docker.io"


def test_a_login_that_the_registry_refuses_is_likely_and_never_read(aws: EmulatedAws) -> None:
    world = broken_world(aws, [Defect("registry-credentials-rejected", login_refused, "nat")])
    before = len(aws.calls)
    first = report_on(aws, world.event).causes[0]
    assert (first.cause, first.certainty) == ("registry-credentials-rejected", "likely")
    assert world.culprits[0] in first.culprit.id + evidence(first)
    assert "secretsmanager:GetSecretValue" not in {call.action for call in aws.calls[before:]}
    silent = report_on(aws, world.saying(texts.rate_limited(world.image)))
    assert "registry-credentials-rejected" in ruled_out(silent)


@pytest.mark.parametrize(("name", "culprit"), [("on-ec2", "ContainerInstance"), ("nat-by-halves", "Service")])
def test_an_expired_login_is_told_by_the_text_alone(aws: EmulatedAws, name: str, culprit: str) -> None:
    world = build_harmless(aws, name)
    (named,) = report_on(aws, world.saying(texts.login_expired(world.image))).causes
    assert (named.cause, named.certainty, named.still) == ("registry-token-expired", "proven", "unknown")
    assert named.culprit.type == f"AWS::ECS::{culprit}"
    silent = report_on(aws, world.saying(texts.forbidden(world.image)))
    assert accused(silent) == set()
    assert "registry-token-expired" in ruled_out(silent)
