"""A 403 has many meanings: the same words of ECS lead to another answer in each account, and to none without proof."""

from __future__ import annotations

import pytest

from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import accused, report_on, ruled_out
from tests.worlds import build, texts
from tests.worlds.foreign import build_foreign

MEANINGS = {
    "role-without-image": "pull-permission-denied",
    "repository-denies-the-role": "repository-policy-denies",
    "dkr-endpoint-policy": "endpoint-policy-denies",
    "boundary-without-ecr": "permissions-boundary-denies",
    "service-control-policy": "organization-policy-denies",
    "registry-denies-the-role": "registry-policy-denies",
    "role-names-another-endpoint": "source-condition-mismatch",
    "cache-without-library": "pull-through-cache-broken",
}
"""What a bare 403 on the manifest means in each world."""

LAYERS = {
    "an identity-based policy": "pull-permission-denied",
    "a permissions boundary": "permissions-boundary-denies",
    "a service control policy": "organization-policy-denies",
    "a resource control policy": "organization-policy-denies",
    "a resource-based policy": "repository-policy-denies",
    "a VPC endpoint policy": "endpoint-policy-denies",
}
"""What it means where AWS names the layer."""


@pytest.mark.parametrize("name", MEANINGS)
def test_a_403_on_the_manifest(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    report = report_on(aws, world.saying(texts.forbidden(world.image)))
    assert report.verdict == "cause-found"
    assert [one.cause for one in report.causes] == [MEANINGS[name]]


def test_no_two_meanings_have_one_answer() -> None:
    assert len(set(MEANINGS.values())) == len(MEANINGS)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("s3-endpoint-policy", "s3-endpoint-policy-denies"),
        ("dkr-endpoint-policy-layers", "endpoint-policy-denies"),
    ],
)
def test_a_403_on_a_layer(aws: EmulatedAws, name: str, cause: str) -> None:
    world = build(aws, name)
    report = report_on(aws, world.saying(texts.layers_forbidden(world.image)))
    assert [one.cause for one in report.causes] == [cause]
    assert "pull-permission-denied" in ruled_out(report)


@pytest.mark.parametrize("layer", LAYERS)
def test_aws_names_the_layer_that_refused_and_the_account_is_mended_since(aws: EmulatedAws, layer: str) -> None:
    world = build(aws, "healthy", image="ecr")
    reason = f"because no {layer.split(' ', 1)[1]} allows the ecr:BatchGetImage action"
    report = report_on(aws, world.saying(texts.refused(world.image, world.role, reason)))
    (named,) = report.causes
    assert (named.cause, named.certainty, named.still, named.fixes) == (LAYERS[layer], "proven", "no", ())


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_a_deny_that_aws_names_is_not_laid_at_another_layer_s_door(aws: EmulatedAws, layer: str) -> None:
    world = build(aws, "healthy", image="ecr")
    reason = f"with an explicit deny in {layer}"
    report = report_on(aws, world.saying(texts.refused(world.image, world.role, reason)))
    assert accused(report) == {LAYERS[layer]}


def test_a_session_policy_is_no_cause_of_the_catalogue(aws: EmulatedAws) -> None:
    world = build(aws, "healthy", image="ecr")
    reason = "because no session policy allows the ecr:BatchGetImage action"
    report = report_on(aws, world.saying(texts.refused(world.image, world.role, reason)))
    assert (report.verdict, report.causes) == ("undetermined", ())


@pytest.mark.parametrize("name", ["tag-not-pushed", "repository-missing"])
def test_what_ecr_does_not_have_is_no_reason_for_a_403(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    report = report_on(aws, world.saying(texts.forbidden(world.image)))
    assert report.verdict == "undetermined"
    assert [(one.cause, one.certainty) for one in report.causes] == [(world.cause, "possible")]


def test_a_missing_tag_and_a_role_without_rights_are_both_told(aws: EmulatedAws) -> None:
    """ECR refuses whoever may not read the image before it looks for it."""
    world = build(aws, "image-tag-missing")
    iam = world.builder.client("iam")
    name = world.role.rsplit("/", 1)[-1]
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    world.builder.grant(name, "sign-in", ["ecr:GetAuthorizationToken"])
    report = report_on(aws, world.saying(texts.forbidden(world.image)))
    told = [(one.cause, one.certainty, one.next) for one in report.causes]
    assert told == [("pull-permission-denied", "proven", False), ("image-not-found", "possible", True)]


def test_an_owner_that_tells_nothing_leaves_it_undetermined(aws: EmulatedAws) -> None:
    world = build_foreign(aws, "repository-without-a-policy")
    report = report_on(aws, world.event)
    assert (report.verdict, report.causes) == ("undetermined", ())
    assert "repository-policy-denies" in {one.cause for one in report.not_checked}
