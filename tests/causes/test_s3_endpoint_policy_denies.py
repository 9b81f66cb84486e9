import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, change, having

CAUSE = "s3-endpoint-policy-denies"
LAYERS = "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
OWN_BUCKET = OPEN | {"Action": "s3:*", "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]}
REFUSED = failure(Symptom("download", "s3-layer-denied", http_status=403))


def world(*statements: dict[str, Any]) -> World:
    document = json.dumps({"Version": "2008-10-17", "Statement": list(statements)}, indent=1)
    return World(vpc=change(ENDPOINT_VPC, "endpoints", "vpce-s3", policy=document), failures=(REFUSED,))


def only(key: str, value: str = ACCOUNT) -> dict[str, Any]:
    return OPEN | {"Condition": {"StringEquals": {key: value}}}


def test_a_policy_that_lists_the_own_buckets() -> None:
    found = problem(outcome(CAUSE, world(OWN_BUCKET)))
    assert (found.culprit.id, found.still, found.inferred) == ("vpce-s3", "yes", ())
    assert [one.phase for one in found.traces] == ["download"]
    assert any("rtb-private" in one.text for one in found.evidence)
    (fix,) = found.fixes
    assert fix.applicability == "exact"
    assert parameters(found) == {
        "VpcEndpointId": "vpce-s3",
        "PolicyDocument": json.dumps(
            {
                "Version": "2008-10-17",
                "Statement": [
                    OWN_BUCKET,
                    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": LAYERS},
                ],
            },
            separators=(",", ":"),
        ),
    }


def test_the_printed_policy_lets_the_layers_pass() -> None:
    mended = json.loads(parameters(problem(outcome(CAUSE, world(OWN_BUCKET))))["PolicyDocument"])["Statement"]
    assert "statement 2" in ok(outcome(CAUSE, world(*mended)))


@pytest.mark.parametrize("key", ["aws:ResourceAccount", "s3:ResourceAccount"])
def test_a_bucket_of_the_own_account_is_not_ecr_s(key: str) -> None:
    assert problem(outcome(CAUSE, world(only(key)))).inferred == ()


@pytest.mark.parametrize(
    "statement",
    [only("aws:PrincipalAccount"), only("aws:PrincipalOrgID", "o-1"), OPEN | {"Principal": {"AWS": ACCOUNT}}],
)
def test_who_signs_the_request_is_inferred(statement: dict[str, Any]) -> None:
    assert "identity of its own" in problem(outcome(CAUSE, world(statement))).inferred[0]


def test_a_perimeter_that_denies_is_the_reader_s_call() -> None:
    perimeter = OPEN | {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}}
    found = problem(outcome(CAUSE, world(OPEN, perimeter)))
    assert found.title == "S3 endpoint policy denies ECR's layer bucket"
    assert found.fixes[0].applicability == "your-call"


def test_policies_that_let_the_layers_pass() -> None:
    assert "vpce-s3 allows s3:GetObject" in ok(outcome(CAUSE, world(OWN_BUCKET, OPEN | {"Resource": LAYERS})))
    assert "vpce-s3" in ok(outcome(CAUSE, World(vpc=ENDPOINT_VPC)))
    assert "no path" in ok(outcome(CAUSE, World(vpc=NAT_VPC)))


def test_the_policies_of_other_endpoints_do_not_matter() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", policy=json.dumps({"Statement": [OWN_BUCKET]}))
    ok(outcome(CAUSE, World(vpc=vpc)))


def test_what_is_not_known_is_not_judged() -> None:
    assert "vpce-s3" in missing(outcome(CAUSE, world(only("aws:SourceIp", "10.0.0.0/8"))))[0]
    for fact in ("route_tables", "endpoints"):
        unread = Unknown(f"the {fact} of vpc-1", "denied")
        closed = world(OWN_BUCKET)
        assert missing(outcome(CAUSE, replace(closed, vpc=having(closed.vpc, **{fact: unread})))) == (unread.fact,)


def test_a_deny_of_what_is_not_encrypted_stops_no_layer() -> None:
    deny = OPEN | {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert "allows s3:GetObject" in ok(outcome(CAUSE, world(OPEN, deny)))
    elsewhere = OPEN | {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}}
    assert "denies" in problem(outcome(CAUSE, world(OPEN, elsewhere))).title
