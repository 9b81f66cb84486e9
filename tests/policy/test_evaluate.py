import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.policy.evaluate import Decision, Outside, Request, evaluate

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service/web-exec"
REPOSITORY = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/team/app"
LAYERS = "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"
PULL = Request("ecr:BatchGetImage", REPOSITORY, ROLE)
GET = Request("s3:GetObject", LAYERS, Outside(ACCOUNT))


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal: Any = "*", action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource} | more


def deny(**more: Any) -> dict[str, Any]:
    return allow(**more) | {"Effect": "Deny"}


def when(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


def effect(request: Request, *statements: dict[str, Any]) -> str:
    return evaluate(policy(*statements), request).effect


def test_the_default_policy_of_an_endpoint() -> None:
    document = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
    assert evaluate(document, PULL) == Decision("allow", "statement 1", 1)
    assert evaluate(document, replace(PULL, principal=None)).effect == "allow"
    assert evaluate(document, GET).effect == "allow"


def test_an_explicit_deny_wins_and_is_named() -> None:
    assert evaluate(policy(allow(), deny(Sid="No")), PULL) == Decision("deny", "statement 2 (No)", 2)
    assert evaluate(policy(deny(), allow()), PULL).number == 1


def test_a_no_says_what_left_the_request_out() -> None:
    other = allow(action="ecr:*", resource=f"{REPOSITORY}-2", Sid="Other")
    about_s3 = allow(action="s3:*", resource="nothing")
    assert evaluate(policy(about_s3, other), PULL) == Decision(
        "no", why="statement 2 (Other) leaves it out by its resource"
    )
    assert evaluate(policy(about_s3), PULL) == Decision("no")
    assert evaluate(policy(), PULL) == Decision("no")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("*", "allow"),
        (REPOSITORY, "allow"),
        ("arn:aws:ecr:*:*:repository/team/*", "allow"),
        ([REPOSITORY + "-2", REPOSITORY], "allow"),
        (REPOSITORY.upper(), "no"),
        ("arn:aws:ecr:us-east-1:*:repository/*", "no"),
        ("arn:aws:ecr:*:${aws:PrincipalAccount}:repository/*", "unknown"),
        ([], "no"),
        (7, "no"),
    ],
)
def test_resources(resource: Any, expected: str) -> None:
    assert effect(PULL, allow(resource=resource)) == expected
    flipped = {"allow": "no", "no": "allow", "unknown": "unknown"}[expected]
    spared = {"Effect": "Allow", "Principal": "*", "Action": "*", "NotResource": resource}
    assert effect(PULL, spared) == flipped


def test_signing_in_is_asked_of_everything_and_of_no_repository() -> None:
    sign_in = Request("ecr:GetAuthorizationToken", "*", ROLE)
    assert effect(sign_in, allow(resource="arn:aws:ecr:*:*:repository/*")) == "no"
    assert effect(sign_in, allow(resource="*")) == "allow"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (LAYERS, "allow"),
        ("arn:aws:s3:::prod-*-starport-layer-bucket/*", "allow"),
        ("arn:aws:s3:::*", "allow"),
        ("arn:aws:s3:::prod-eu-west-1-starport-layer-bucket", "no"),
        ("arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*", "no"),
        ("arn:aws-cn:s3:::prod-eu-west-1-starport-layer-bucket/*", "no"),
        ("arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/7a*", "unknown"),
    ],
)
def test_some_object_of_a_bucket(resource: str, expected: str) -> None:
    assert effect(GET, allow(resource=resource)) == expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", "allow"),
        ({"AWS": "*"}, "allow"),
        ({"AWS": ROLE}, "allow"),
        ({"AWS": ["arn:aws:iam::9:role/x", ROLE]}, "allow"),
        ({"AWS": ACCOUNT}, "allow"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "allow"),
        ({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/0f"}, "unknown"),
        ({"AWS": "AROAEXAMPLEID"}, "unknown"),
        ({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/web/0f"}, "no"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/web-exec"}, "no"),
        ({"AWS": f"{ROLE}*"}, "no"),
        ({"AWS": "999988887777"}, "no"),
        ({"Service": "ecs-tasks.amazonaws.com"}, "no"),
        ({}, "no"),
        (None, "no"),
    ],
)
def test_principals(principal: Any, expected: str) -> None:
    assert effect(PULL, allow(principal)) == expected
    anybody = effect(replace(PULL, principal=None), allow(principal))
    assert anybody == ("unknown" if principal and principal not in ("*", {"AWS": "*"}) else expected)


def test_a_principal_that_is_only_known_to_be_outside() -> None:
    assert effect(GET, allow({"AWS": ROLE})) == "no"
    assert effect(GET, allow({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})) == "no"
    assert effect(GET, allow({"AWS": "999988887777"})) == "unknown"
    assert effect(GET, allow({"Service": "ecr.amazonaws.com"})) == "unknown"


def test_not_principal() -> None:
    def spares(principal: Any) -> dict[str, Any]:
        return {"Effect": "Deny", "NotPrincipal": principal, "Action": "*", "Resource": "*"}

    assert effect(PULL, allow(), spares({"AWS": "arn:aws:iam::9:role/x"})) == "deny"
    assert effect(PULL, allow(), spares({"AWS": ROLE})) == "unknown"
    nobody = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    assert effect(PULL, nobody) == "unknown"


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT, "allow"),
        ("StringEquals", "AWS:principalaccount", ACCOUNT, "allow"),
        ("StringEqualsIfExists", "aws:PrincipalAccount", "999988887777", "no"),
        ("StringNotEquals", "aws:PrincipalAccount", "999988887777", "allow"),
        ("StringNotEquals", "aws:PrincipalAccount", ACCOUNT, "no"),
        ("StringLike", "aws:PrincipalArn", "arn:aws:iam::*:role/service/*", "allow"),
        ("StringEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/service/*", "no"),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*", "allow"),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/service/web-*", "allow"),
        ("ArnLike", "aws:PrincipalArn", "*", "no"),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::9:*", "allow"),
        ("StringEquals", "aws:PrincipalArn", "${aws:PrincipalArn}", "unknown"),
        ("StringEquals", "aws:PrincipalOrgID", "o-example", "unknown"),
        ("StringEquals", "aws:SourceVpce", "vpce-1", "unknown"),
        ("Bool", "aws:SecureTransport", "true", "unknown"),
        ("ForAllValues:StringEquals", "aws:PrincipalAccount", ACCOUNT, "unknown"),
        ("Null", "aws:PrincipalArn", "true", "unknown"),
        ("StringEquals", "aws:PrincipalAccount", 7, "unknown"),
    ],
)
def test_conditions(operator: str, key: str, value: Any, expected: str) -> None:
    statement = allow(**when(operator, key, value))
    assert effect(PULL, statement) == expected
    assert effect(PULL, allow(), statement | {"Effect": "Deny"}) == {"allow": "deny", "no": "allow"}.get(
        expected, "unknown"
    )


def test_an_unknown_condition_is_named_and_leaves_only_open_what_it_decides() -> None:
    gated = allow(**when("StringEquals", "aws:PrincipalOrgID", "o-1"))
    assert evaluate(policy(gated), PULL).why == "statement 1 depends on aws:PrincipalOrgID"
    assert effect(PULL, gated, allow()) == "allow"
    assert effect(PULL, gated, deny()) == "deny"
    assert effect(PULL, deny(**when("Bool", "aws:SecureTransport", "false")), allow(action="s3:*")) == "no"
    assert effect(PULL, allow(action="s3:*", **when("Bool", "x", "y"))) == "no"
    assert effect(PULL, allow(Condition=7)) == "unknown"
    assert effect(PULL, allow(Condition={"StringEquals": 7})) == "unknown"
    assert effect(PULL, allow(Condition={})) == "allow"


def test_all_conditions_must_hold_and_any_value_will_do() -> None:
    known = replace(PULL, context={"aws:sourcevpc": "vpc-1"})
    both = {"StringEquals": {"aws:SourceVpc": ["vpc-2", "vpc-1"], "aws:PrincipalAccount": ACCOUNT}}
    assert effect(known, allow(Condition=both)) == "allow"
    both["StringEquals"]["aws:PrincipalAccount"] = "999988887777"
    assert effect(known, allow(Condition=both)) == "no"


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT, "no"),
        ("StringEquals", "aws:PrincipalAccount", "999988887777", "unknown"),
        ("StringEquals", "aws:PrincipalOrgID", "o-example", "no"),
        ("StringNotEquals", "aws:PrincipalOrgID", "o-example", "allow"),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*", "no"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", "unknown"),
    ],
)
def test_what_is_known_of_somebody_outside(operator: str, key: str, value: str, expected: str) -> None:
    assert effect(GET, allow(**when(operator, key, value))) == expected


@pytest.mark.parametrize("document", ["", "{", "7", '{"Statement": "*"}', '{"Statement": [{"Effect": "allow"}]}'])
def test_what_is_no_policy_is_unknown(document: str) -> None:
    assert evaluate(document, PULL).effect == "unknown"
    assert evaluate(document, PULL).why


def test_a_hostile_policy_of_the_greatest_size_takes_no_time() -> None:
    hostile = "*a" * 140
    document = policy(*(allow(resource=f"{hostile}{number}!") for number in range(58)))
    assert len(document) > 20_000
    began = time.process_time()
    assert evaluate(document, replace(PULL, resource=REPOSITORY + "a" * 200)).effect == "no"
    assert time.process_time() - began < 0.02


STATEMENTS = st.builds(
    lambda effect, principal, action, resource, condition: (
        {
            "Effect": effect,
            "Principal": principal,
            "Action": action,
            "Resource": resource,
        }
        | condition
    ),
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["*", {"AWS": ROLE}, {"AWS": "999988887777"}, {"AWS": "AROAX"}]),
    st.sampled_from(["*", "ecr:*", "s3:*"]),
    st.sampled_from(["*", REPOSITORY, "arn:aws:s3:::x"]),
    st.sampled_from(
        [
            {},
            when("StringEquals", "aws:PrincipalAccount", ACCOUNT),
            when("StringNotEquals", "aws:SourceVpc", "vpc-1"),
            when("StringEquals", "aws:SourceVpc", "vpc-1"),
        ]
    ),
)


@given(st.lists(STATEMENTS, max_size=4), st.sampled_from(["vpc-1", "vpc-2"]))
def test_what_is_decided_stays_so_whatever_the_unknown_turns_out_to_be(
    statements: list[dict[str, Any]], vpc: str
) -> None:
    def passes(request: Request) -> bool | None:
        return {"allow": True, "unknown": None}.get(effect(request, *statements), False)

    blind, half = passes(replace(PULL, principal=None)), passes(PULL)
    whole = passes(replace(PULL, context={"aws:sourcevpc": vpc}))
    assert blind in (None, half)
    assert half in (None, whole)
