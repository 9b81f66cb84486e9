"""Two defects in one account: the one that ECS's text shows comes first, the other one is told in its place."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import report_on
from tests.worlds.defects import DEFECTS, build_broken

Place = Literal["next", "possible"]

PAIRS: tuple[tuple[str, str, Place], ...] = (
    # On the way, one behind the other.
    ("endpoint-group-closed", "s3-endpoint-removed", "next"),
    ("endpoint-group-closed", "s3-endpoint-policy", "next"),
    ("endpoint-group-closed", "private-dns-off", "next"),
    ("endpoint-group-closed", "dkr-endpoint-policy", "next"),
    ("ecr-api-endpoint-missing", "s3-endpoint-removed", "next"),
    ("ecr-api-endpoint-missing", "s3-endpoint-policy", "next"),
    ("ecr-api-endpoint-missing", "dkr-endpoint-policy", "next"),
    ("ecr-dkr-endpoint-missing", "s3-endpoint-policy", "next"),
    ("private-dns-off", "tag-not-pushed", "next"),
    ("private-dns-off", "s3-endpoint-policy", "next"),
    ("dns-hostnames-off", "s3-endpoint-policy", "next"),
    ("egress-to-endpoints-only", "s3-endpoint-policy", "next"),
    ("s3-endpoint-removed", "endpoint-group-closed", "possible"),
    ("endpoint-pending", "s3-endpoint-removed", "next"),
    ("fips-name", "s3-endpoint-policy", "next"),
    ("egress-closed", "nat-failed", "next"),
    ("egress-closed", "route-removed", "next"),
    ("acl-with-an-early-deny", "nat-failed", "next"),
    ("acl-without-replies", "route-removed", "next"),
    ("internet-gateway-detached", "no-public-ip", "next"),
    ("zone-over-private-dns", "s3-endpoint-removed", "next"),
    ("zone-of-a-whole-suffix", "nat-failed", "next"),
    ("firewall-blocks-a-suffix", "route-removed", "next"),
    ("resolver-rule-for-the-registry", "s3-endpoint-removed", "next"),
    ("egress-closed", "public-access-blocked", "next"),
    ("acl-without-replies", "public-access-blocked-for-the-nat-gateway", "next"),
    ("nat-failed", "public-access-blocked", "next"),
    ("nat-deleted", "public-access-blocked-for-the-nat-gateway", "next"),
    ("filtered-route-of-a-route-server", "tag-not-pushed", "next"),
    ("endpoint-group-closed-on-ec2", "s3-endpoint-removed", "next"),
    ("egress-closed-on-ec2", "route-removed", "next"),
    # The way, and what comes behind it.
    ("endpoint-group-closed", "tag-not-pushed", "next"),
    ("s3-endpoint-removed", "tag-not-pushed", "possible"),
    ("ecr-api-endpoint-missing", "role-without-image", "next"),
    ("route-removed", "tag-not-pushed", "next"),
    ("route-removed", "role-without-image", "next"),
    ("nat-failed", "repository-missing", "next"),
    ("nat-without-way-out", "role-without-image", "next"),
    ("blackhole-route", "tag-not-pushed", "next"),
    ("no-public-ip", "tag-not-pushed", "next"),
    ("public-access-blocked", "tag-not-pushed", "next"),
    ("firewall-blocks-the-registry", "tag-not-pushed", "next"),
    ("zone-without-the-registry", "role-without-image", "next"),
    ("ipv6-only-without-nat64", "tag-not-pushed", "next"),
    ("route-removed-on-ec2", "tag-not-pushed", "next"),
    ("no-public-ip-on-ec2", "tag-not-pushed", "next"),
    ("route-removed-by-the-instance-role", "role-without-image", "next"),
    ("endpoint-group-closed-by-the-instance-role", "dkr-endpoint-policy", "next"),
    ("route-removed-on-managed-instances", "tag-not-pushed", "next"),
    ("egress-closed-on-windows", "route-removed", "next"),
    ("route-removed-on-1.3.0", "role-without-image", "next"),
    # The stores of secrets, which come before everything else.
    ("no-way-to-secrets-manager", "endpoint-group-closed", "next"),
    ("no-way-to-secrets-manager", "s3-endpoint-removed", "next"),
    ("no-way-to-systems-manager", "tag-not-pushed", "next"),
    ("registry-credentials-behind-an-endpoint", "route-removed", "next"),
    ("no-public-ip", "role-without-image", "next"),
    ("internet-gateway-detached", "tag-not-pushed", "next"),
    ("endpoint-group-closed", "boundary-without-ecr", "next"),
    # Rights and images, and a way that is broken further on.
    ("role-without-image", "s3-endpoint-removed", "next"),
    ("role-without-image", "s3-endpoint-policy", "next"),
    ("tag-not-pushed", "s3-endpoint-removed", "next"),
    ("tag-not-pushed", "role-without-image", "possible"),
    ("role-without-image", "tag-not-pushed", "next"),
    ("dkr-endpoint-policy-told", "s3-endpoint-removed", "next"),
    ("secret-marked-for-deletion", "endpoint-group-closed", "next"),
    ("execution-role-trusts-ec2", "endpoint-group-closed", "next"),
    ("execution-role-trusts-ec2", "tag-not-pushed", "next"),
    ("secret-not-readable", "role-without-image", "next"),
    ("secret-key-admits-nobody", "role-without-image", "next"),
    ("login-not-readable", "route-removed", "next"),
    ("role-denies-the-image", "tag-not-pushed", "next"),
    ("repository-denies-the-role", "tag-not-pushed", "next"),
    ("repository-denies-the-role", "s3-endpoint-removed", "next"),
    ("endpoint-group-closed", "repository-denies-the-role", "next"),
    ("role-names-another-endpoint", "s3-endpoint-policy", "next"),
    ("key-disabled", "s3-endpoint-removed", "next"),
    ("cache-without-rights", "route-removed", "possible"),
    ("instance-without-a-profile", "tag-not-pushed", "next"),
    ("endpoint-group-closed", "image-archived", "next"),
    ("route-removed", "image-being-restored", "next"),
    ("image-archived", "s3-endpoint-removed", "next"),
    ("s3-endpoint-removed", "image-archived", "possible"),
    ("tag-expired", "s3-endpoint-removed", "next"),
    ("repository-denies-the-role", "image-archived", "next"),
)


SPREAD = [pytest.param(*pair, marks=pytest.mark.slow if number % 4 else []) for number, pair in enumerate(PAIRS)]
"""All pairs, of which the fast set has every fourth."""


@pytest.mark.parametrize(("first", "second", "place"), SPREAD)
def test_the_right_one_comes_first(aws: EmulatedAws, first: str, second: str, place: Place) -> None:
    world = build_broken(aws, first, second)
    report = report_on(aws, world.event)
    assert report.causes
    named = report.causes[0]
    assert (named.cause, named.certainty) == (DEFECTS[first].cause, DEFECTS[first].certainty)
    other = DEFECTS[second].cause
    (told,) = (one for one in report.causes if one.cause == other)
    assert told.certainty == "possible"
    assert told.next == (place == "next")


def test_what_only_follows_is_included(aws: EmulatedAws) -> None:
    (named,) = report_on(aws, build_broken(aws, "repository-missing").event).causes
    assert (named.cause, [one.cause for one in named.includes]) == ("repository-not-found", ["image-not-found"])


def test_the_other_defect_is_first_once_the_first_is_mended(aws: EmulatedAws) -> None:
    world = build_broken(aws, "endpoint-group-closed", "s3-endpoint-removed")
    world.mend()
    layers = build_broken(aws, "s3-endpoint-removed").text
    report = report_on(aws, world.saying(layers))
    assert (report.causes[0].cause, report.causes[0].certainty) == ("s3-endpoint-missing", "proven")
