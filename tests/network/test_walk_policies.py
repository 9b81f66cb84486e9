"""The hop of an endpoint's policy, at interface endpoints and at S3's gateway endpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.network.flows import Flow
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Vpc
from tests.network.factory import (
    ACCOUNT,
    API,
    DKR,
    ENDPOINT_VPC,
    PULLER,
    PULLER_ROLE,
    REGION,
    S3,
    TO_NAT,
    add,
    change,
    drop,
    interface_endpoint,
    routes,
    walked,
)

REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app"
SIGN_IN = replace(API, actions=("ecr:GetAuthorizationToken",), resource="*")
READ = replace(DKR, actions=("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), resource=REPOSITORY)
LAYERS = replace(S3, actions=("s3:GetObject",), resource=f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/*")
ENDPOINTS = {"sign-in": "vpce-api", "resolve": "vpce-dkr", "download": "vpce-s3"}
ROLE_UNREAD = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def allow(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"} | more


def under(operator: str, key: str, value: str) -> dict[str, Any]:
    return allow(Condition={operator: {key: value}})


def hop(flow: Flow, document: str | None, role: Fact[str | None] = PULLER.role) -> Hop:
    """The last hop of a walk to a host whose endpoint has this policy."""
    vpc = change(ENDPOINT_VPC, "endpoints", ENDPOINTS[flow.phase], policy=document)
    trace = walked(vpc, flow, replace(PULLER, role=role))
    last = trace.hops[-1]
    assert last.step == "endpoint-policy"
    assert trace.disposition == {"ok": "reached", "unknown": "undetermined", "fail": last.cause}[last.verdict]
    assert last.resource is not None
    assert last.resource.id == ENDPOINTS[flow.phase]
    return last


@pytest.mark.parametrize("flow", [SIGN_IN, READ, LAYERS])
@pytest.mark.parametrize("role", [PULLER.role, ROLE_UNREAD, Known(None)])
def test_the_default_policy_lets_everybody_pass(flow: Flow, role: Fact[str | None]) -> None:
    assert hop(flow, policy(allow()), role).verdict == "ok"
    assert hop(flow, None, role).verdict == "ok"


def test_the_policies_of_the_pages_of_aws() -> None:
    one_role = allow(
        Principal={"AWS": PULLER_ROLE},
        Action=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetAuthorizationToken"],
    )
    assert hop(READ, policy(one_role)).why == (
        "the policy of vpce-dkr allows ecr:BatchGetImage and ecr:GetDownloadUrlForLayer (statement 1)"
    )
    assert hop(SIGN_IN, policy(one_role)).verdict == "ok"
    layers = allow(Sid="Layers", Action=["s3:GetObject"], Resource=[LAYERS.resource])
    assert hop(LAYERS, policy(layers)).why == "the policy of vpce-s3 allows s3:GetObject (statement 1 (Layers))"


def test_what_no_statement_allows() -> None:
    found = hop(READ, policy(allow(Action="ecr:BatchGetImage"), allow(Action="s3:*")))
    assert (found.verdict, found.cause) == ("fail", "endpoint-policy-denies")
    assert found.why == (
        f"no statement of the policy of vpce-dkr allows ecr:GetDownloadUrlForLayer on {REPOSITORY} to {PULLER_ROLE}"
    )
    other = allow(Resource=f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other")
    assert hop(READ, policy(other)).details == ("statement 1 leaves it out by its resource",)


def test_an_explicit_deny_is_named() -> None:
    found = hop(SIGN_IN, policy(allow(), allow(Sid="NoEcr", Effect="Deny", Action="ecr:*")))
    assert found.why == (
        f"statement 2 (NoEcr) of the policy of vpce-api denies ecr:GetAuthorizationToken on * to {PULLER_ROLE}"
    )


def test_a_deny_and_a_missing_allow_are_both_said() -> None:
    found = hop(READ, policy(allow(Action="ecr:Batch*"), allow(Effect="Deny", Action="ecr:Batch*")))
    assert "statement 2 of the policy of vpce-dkr denies ecr:BatchGetImage" in found.why
    assert "no statement of the policy of vpce-dkr allows ecr:GetDownloadUrlForLayer" in found.why


def test_another_role_only() -> None:
    document = policy(allow(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}))
    assert hop(READ, document).verdict == "fail"
    assert hop(READ, document, ROLE_UNREAD).missing == ROLE_UNREAD
    assert hop(READ, document, Known(None)).verdict == "unknown"
    assert hop(READ, document, Known("web-exec")).verdict == "unknown"
    assert hop(READ, policy(allow(Action="s3:*")), ROLE_UNREAD).verdict == "fail"


def test_an_unknown_condition_is_no_denial() -> None:
    found = hop(READ, policy(under("StringEquals", "aws:PrincipalOrgID", "o-example")))
    assert found.verdict == "unknown"
    assert found.missing is not None
    assert found.missing.detail == "statement 1 depends on aws:PrincipalOrgID"
    assert hop(READ, "no policy").verdict == "unknown"


@pytest.mark.parametrize("flow", [READ, LAYERS])
def test_what_hangs_on_the_source_is_judged_by_the_endpoint_itself_and_is_a_cause_of_its_own(flow: Flow) -> None:
    assert hop(flow, policy(under("StringEquals", "aws:SourceVpc", "vpc-1"))).verdict == "ok"
    assert hop(flow, policy(under("StringEquals", "aws:SourceVpce", ENDPOINTS[flow.phase]))).verdict == "ok"
    elsewhere = hop(flow, policy(under("StringEquals", "aws:SourceVpc", "vpc-2")))
    assert (elsewhere.verdict, elsewhere.cause) == ("fail", "source-condition-mismatch")
    assert elsewhere.details == ("statement 1 leaves it out by aws:SourceVpc",)
    deny = under("StringNotEquals", "aws:SourceVpce", "vpce-2") | {"Effect": "Deny"}
    assert hop(flow, policy(allow(), deny)).cause == "source-condition-mismatch"
    # What denies besides is no matter of the source.
    besides = hop(flow, policy(allow(), deny, allow(Effect="Deny")))
    assert besides.cause in ("endpoint-policy-denies", "s3-endpoint-policy-denies")


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        (allow(Resource="arn:aws:s3:::acme/*"), "fail"),
        (allow(Resource=LAYERS.resource.removesuffix("/*") if LAYERS.resource else ""), "fail"),
        (under("StringEquals", "aws:ResourceAccount", ACCOUNT), "fail"),
        (under("StringEquals", "s3:ResourceAccount", ACCOUNT), "fail"),
        (under("StringEquals", "aws:ResourceOrgID", "o-example"), "fail"),
        (under("StringEquals", "aws:ResourceOrgID", "${aws:PrincipalOrgID}"), "unknown"),
        (under("StringEquals", "aws:ResourceAccount", "999988887777"), "unknown"),
        (under("StringEquals", "aws:PrincipalAccount", ACCOUNT), "fail"),
        (under("StringEquals", "aws:PrincipalOrgID", "o-example"), "fail"),
        (under("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*"), "fail"),
        (allow(Principal={"AWS": PULLER_ROLE}), "fail"),
        (under("Bool", "aws:PrincipalIsAWSService", "true"), "unknown"),
    ],
    ids=str,
)
def test_the_layers_are_in_a_bucket_of_aws(statement: dict[str, Any], verdict: str) -> None:
    found = hop(LAYERS, policy(statement), ROLE_UNREAD)
    assert (found.verdict, found.cause) == (verdict, "s3-endpoint-policy-denies" if verdict == "fail" else None)
    assert found.missing != ROLE_UNREAD
    assert hop(LAYERS, policy(statement, allow(Resource=LAYERS.resource))).verdict == "ok"


def test_a_perimeter_that_denies_what_is_not_the_own_account_s() -> None:
    deny = under("StringNotEquals", "aws:ResourceAccount", ACCOUNT) | {"Effect": "Deny"}
    assert "statement 2 of the policy of vpce-s3 denies s3:GetObject" in hop(LAYERS, policy(allow(), deny)).why
    assert hop(READ, policy(allow(), deny)).verdict == "ok"


def test_an_interface_endpoint_of_s3_is_judged_the_same() -> None:
    endpoint = interface_endpoint("s3", 13, policy=policy(allow(Resource="arn:aws:s3:::acme/*")))
    names = (*endpoint.dns_names, f"*.s3.{REGION}.amazonaws.com")
    vpc = add(drop(ENDPOINT_VPC, "endpoints", "vpce-s3"), "endpoints", replace(endpoint, dns_names=names))
    assert walked(vpc, LAYERS).disposition == "s3-endpoint-policy-denies"


def closed(vpc: Vpc) -> Vpc:
    refusing = policy(allow(Action="ec2:*"))
    for endpoint in ENDPOINTS.values():
        vpc = change(vpc, "endpoints", endpoint, policy=refusing)
    return vpc


def test_only_the_endpoints_on_the_way_count() -> None:
    past = change(closed(ENDPOINT_VPC), "endpoints", "vpce-dkr", private_dns=False)
    assert not [one for one in walked(routes(past, TO_NAT), READ).hops if one.step == "endpoint-policy"]
    no_gateway = change(routes(closed(ENDPOINT_VPC), TO_NAT), "endpoints", "vpce-s3", route_tables=("rtb-public",))
    assert not [one for one in walked(no_gateway, LAYERS).hops if one.step == "endpoint-policy"]


def test_what_stops_the_connection_comes_before_the_policy() -> None:
    blocked = change(closed(ENDPOINT_VPC), "security_groups", "sg-endpoint", ingress=())
    trace = walked(blocked, READ)
    assert trace.disposition == "endpoint-security-group-blocks"
    assert trace.hops[-1].cause == "endpoint-policy-denies"
