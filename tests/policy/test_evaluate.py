import time
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.policy.evaluate import Decision, evaluate, merge
from pull_doctor.policy.request import Caller, Request
from tests.policy.statements import ACCOUNT, GET, LAYERS, PULL, REPOSITORY, ROLE, allow, deny, effect, policy, when


def test_the_default_policy_of_an_endpoint() -> None:
    document = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
    assert evaluate(document, PULL) == Decision("allow", "statement 1", 1, granted_to="everyone")
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
        ("arn:aws:ecr:*:*:repository/${aws:PrincipalAccount}", "no"),
        ("arn:aws:ecr", "unknown"),
        ("arn:aws:s3", "no"),
        ([], "unknown"),
        (7, "unknown"),
    ],
)
def test_resources(resource: Any, expected: str) -> None:
    assert effect(PULL, allow(resource=resource)) == expected
    flipped = {"allow": "no", "no": "allow", "unknown": "unknown"}[expected]
    spared = {"Effect": "Allow", "Principal": "*", "Action": "*", "NotResource": resource}
    assert effect(PULL, spared) == flipped


def test_signing_in_is_asked_of_everything_and_of_no_repository() -> None:
    sign_in = Request("ecr:GetAuthorizationToken", "*", Caller(ROLE))
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
        ("arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/?", "unknown"),
        ("arn:aws:s3:::*/7a", "unknown"),
    ],
)
def test_some_object_of_a_bucket(resource: str, expected: str) -> None:
    assert effect(GET, allow(resource=resource)) == expected


def test_an_unknown_condition_is_named_and_leaves_only_open_what_it_decides() -> None:
    gated = allow(**when("StringEquals", "aws:PrincipalOrgID", "o-1"))
    assert evaluate(policy(gated), PULL).why == "statement 1 depends on aws:PrincipalOrgID"
    assert effect(PULL, gated, allow()) == "allow"
    assert effect(PULL, gated, deny()) == "deny"
    assert effect(PULL, deny(**when("Bool", "aws:SecureTransport", "false")), allow(action="s3:*")) == "no"
    assert evaluate(policy(deny(**when("Bool", "aws:SecureTransport", "false"))), PULL).may_deny
    assert effect(PULL, allow(action="s3:*", **when("Bool", "x", "y"))) == "no"
    assert effect(PULL, allow(Condition=7)) == "unknown"
    assert effect(PULL, allow(Condition={"StringEquals": 7})) == "unknown"
    assert effect(PULL, allow(Condition={})) == "allow"


def test_all_conditions_must_hold_and_any_value_will_do() -> None:
    known = replace(PULL, context={"aws:sourcevpc": ("vpc-1",)})
    both = {"StringEquals": {"aws:SourceVpc": ["vpc-2", "vpc-1"], "aws:PrincipalAccount": ACCOUNT}}
    assert effect(known, allow(Condition=both)) == "allow"
    both["StringEquals"]["aws:PrincipalAccount"] = "999988887777"
    assert effect(known, allow(Condition=both)) == "no"


@pytest.mark.parametrize("document", ["", "{", "7", '{"Statement": "*"}', '{"Statement": [{"Effect": "allow"}]}'])
def test_what_is_no_policy_is_unknown(document: str) -> None:
    assert evaluate(document, PULL).effect == "unknown"
    assert evaluate(document, PULL).why


@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({"Action": None}, "Action"),
        ({"Action": []}, "Action"),
        ({"Action": [7]}, "Action"),
        ({"NotAction": "s3:*"}, "Action"),
        ({"Resource": {}}, "Resource"),
        ({"NotResource": "*"}, "Resource"),
        ({"Principal": "arn:aws:iam::1:root"}, "Principal"),
        ({"Principal": {}}, "Principal"),
        ({"Principal": {"Aws": "*"}}, "Principal"),
        ({"NotPrincipal": "*"}, "Principal"),
        ({"action": "*"}, "action"),
    ],
    ids=str,
)
def test_a_statement_that_does_not_follow_the_grammar_may_be_about_anything(
    change: dict[str, Any], element: str
) -> None:
    decision = evaluate(policy(allow() | change), PULL)
    assert (decision.effect, decision.may_deny) == ("unknown", False)
    assert decision.why == f"statement 1 depends on its {element}, which cannot be read"
    assert evaluate(policy(allow(), deny() | change), PULL).may_deny
    assert effect(PULL, allow() | change, deny()) == "deny"


def test_without_a_known_effect_a_statement_may_allow_and_deny() -> None:
    strange = allow() | {"Effect": "allow"}
    assert effect(PULL, strange, deny(action="ecr:*")) == "deny"
    assert [evaluate(policy(strange, *more), PULL).may_deny for more in ((), (allow(),))] == [True, True]


def test_a_policy_without_principals_is_about_whom_it_is_attached_to() -> None:
    identity = {"Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr"}
    assert evaluate(policy(identity), PULL) == Decision("allow", "statement 1", 1)
    assert effect(PULL, {"Effect": "Allow", "Action": "ecr:*"}) == "unknown"


def test_the_keys_are_those_that_decided() -> None:
    context = {"aws:sourcevpc": ("vpc-1",), "aws:sourceip": ()}
    request = replace(PULL, context=context)
    here, there = when("StringEquals", "aws:SourceVpc", "vpc-1"), when("StringEquals", "aws:SourceVpc", "vpc-2")
    by_address, other = when("IpAddress", "aws:SourceIp", "10.0.0.0/8"), when("Bool", "aws:SecureTransport", "true")
    assert evaluate(policy(allow(**here)), request).keys == ("aws:sourcevpc",)
    assert evaluate(policy(allow(), deny(**here)), request).keys == ("aws:sourcevpc",)
    assert evaluate(policy(allow(**there), allow(**by_address)), request).keys == ("aws:sourcevpc", "aws:sourceip")
    assert evaluate(policy(allow(**other), allow(resource="x", **there)), request).keys == ("aws:securetransport",)
    assert evaluate(policy(allow(resource="x", **there)), request).keys == ()


def test_the_strongest_form_in_which_a_statement_names_the_caller() -> None:
    known = replace(PULL, principal=Caller(ROLE, session="task-1"))
    session = {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/task-1"}
    forms: list[Any] = [session, "*", {"AWS": ROLE}, {"AWS": ACCOUNT}]
    names = ["session", "everyone", "role", "account"]
    for number, name in enumerate(names):
        for statements in (forms[number:], forms[number:][::-1]):
            decision = evaluate(policy(*(allow(one) for one in statements)), known)
            assert (decision.granted_to, decision.may_grant_to) == (name, None)
    open_ = evaluate(policy(allow({"AWS": ACCOUNT}), allow(session)), PULL)
    assert (open_.effect, open_.granted_to, open_.may_grant_to) == ("allow", "account", "session")
    of_the_role = when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/service/*")
    assert evaluate(policy(allow(**of_the_role)), PULL).granted_to == "session"
    of_others = when("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/x")
    assert evaluate(policy(allow(**of_others)), PULL).granted_to == "everyone"


def test_several_policies_of_one_kind() -> None:
    given = {
        "allow": allow(),
        "deny": deny(),
        "no": allow(action="s3:*"),
        "open": allow(**when("Bool", "x", "true")),
        "open deny": deny(**when("Bool", "x", "true")),
    }
    made = {name: evaluate(policy(one), PULL) for name, one in given.items()}
    for first, second, expected in [
        ("allow", "no", "allow"),
        ("allow", "deny", "deny"),
        ("allow", "open", "allow"),
        ("allow", "open deny", "unknown"),
        ("no", "open", "unknown"),
        ("no", "open deny", "no"),
        ("no", "no", "no"),
    ]:
        for order in ((first, second), (second, first)):
            both = merge([made[name] for name in order])
            assert (both.effect, both.may_deny) == (expected, "open deny" in order)
            assert evaluate(policy(*(given[name] for name in order)), PULL).effect == expected
    assert merge([]).effect == "no"


def test_a_hostile_policy_of_the_greatest_size_takes_no_time() -> None:
    hostile = "*a" * 140
    document = policy(*(allow(resource=f"{hostile}{number}!") for number in range(58)))
    assert len(document) > 20_000
    began = time.process_time()
    assert evaluate(document, replace(PULL, resource=REPOSITORY + "a" * 200)).effect == "no"
    assert time.process_time() - began < 0.02
