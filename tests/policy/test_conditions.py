from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.policy.request import Caller, Outside
from tests.policy.statements import ACCOUNT, GET, PULL, ROLE, allow, effect, when

FLIPPED = {"allow": "deny", "no": "allow", "unknown": "unknown"}


def applies(given: tuple[str, ...] | None, operator: str, *values: Any) -> str:
    """What an allow under the condition decides; a deny under it must decide the opposite."""
    request = replace(PULL, context={} if given is None else {"k:x": given})
    statement = allow(**when(operator, "K:X", *values))
    found = effect(request, statement)
    assert effect(request, allow(), statement | {"Effect": "Deny"}) == FLIPPED[found]
    return found


@pytest.mark.parametrize(
    ("operator", "value", "passing", "failing"),
    [
        ("StringEquals", "a*", "a*", "ab"),
        ("StringEqualsIgnoreCase", "Abc", "aBC", "ab"),
        ("StringLike", "a?c*", "abcd", "ac"),
        ("NumericEquals", "10", "10.0", "11"),
        ("NumericLessThan", 10, "9.5", "10"),
        ("NumericLessThanEquals", "10", "10", "10.01"),
        ("NumericGreaterThan", "-1", "0", "-1"),
        ("NumericGreaterThanEquals", "9", "10", "8"),
        ("DateEquals", "2026-11-22T00:00:00Z", "1795305600", "1795305601"),
        ("DateLessThan", "2026-11-22", "2026-11-21T23:59:59Z", "2026-11-22T00:00:00Z"),
        ("DateLessThanEquals", "1795305600", "2026-11-22T01:00:00+01:00", "2026-11-22T01:00:01+01:00"),
        ("DateGreaterThan", "2026-11-22T00:00:00Z", "2026-11-22T00:00:01Z", "2026-11-22T00:00:00Z"),
        ("DateGreaterThanEquals", "2026-11-22", "2026-11-22T00:00:00Z", "2026-11-21"),
        ("Bool", "true", "true", "false"),
        ("Bool", False, "False", "true"),
        ("BinaryEquals", "QQ==", "QQ==", "Qg=="),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", "203.0.114.7"),
        ("IpAddress", "203.0.113.7", "203.0.113.7", "203.0.113.8"),
        ("IpAddress", "203.0.113.9/24", "203.0.113.7", "2001:db8::1"),
        ("IpAddress", "2001:db8::/32", "2001:db8:0::1", "203.0.113.8"),
        (
            "ArnEquals",
            "arn:aws:ecs:*:1:task/web-*",
            "arn:aws:ecs:eu-west-1:1:task/web-7",
            "arn:aws:ecs:a:b:1:task/web-7",
        ),
        ("ArnLike", "arn:aws:ecs:eu-west-?:1:*", "arn:aws:ecs:eu-west-1:1:task/a:b", "arn:aws:ecs:eu-west-12:1:x"),
    ],
)
def test_every_operator_and_its_opposite(operator: str, value: Any, passing: str, failing: str) -> None:
    assert [applies((one,), operator, value) for one in (passing, failing)] == ["allow", "no"]
    assert applies((), operator, value) == "no"
    assert applies((), f"{operator}IfExists", value) == "allow"
    assert applies((failing,), f"{operator}IfExists", value) == "no"
    assert [applies(None, one, value) for one in (operator, f"{operator}IfExists")] == ["unknown", "unknown"]
    opposite = {"IpAddress": "NotIpAddress"}.get(operator)
    for family in ("String", "Numeric", "Date", "Arn"):
        if operator.startswith(family) and "Than" not in operator:
            opposite = operator.replace(family, f"{family}Not")
    if opposite:
        assert [applies((one,), opposite, value) for one in (passing, failing)] == ["no", "allow"]
        assert applies((), opposite, value) == applies((), f"{opposite}IfExists", value) == "allow"
        assert applies(None, opposite, value) == "unknown"


def test_one_of_several_values_suffices_and_an_opposite_must_be_none_of_them() -> None:
    assert [applies((one,), "StringEquals", "a", "b") for one in "abc"] == ["allow", "allow", "no"]
    assert [applies((one,), "StringNotEquals", "a", "b") for one in "abc"] == ["no", "no", "allow"]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        # none, only wanted, some wanted, none wanted, an empty one
        ("ForAllValues:StringEquals", ["allow", "allow", "no", "no", "allow"]),
        ("ForAnyValue:StringEquals", ["no", "allow", "allow", "no", "no"]),
        ("ForAllValues:StringNotEquals", ["allow", "no", "no", "allow", "allow"]),
        ("ForAnyValue:StringNotEquals", ["no", "no", "allow", "allow", "no"]),
        ("ForAnyValue:StringEqualsIfExists", ["allow", "allow", "allow", "no", "allow"]),
        ("StringEquals", ["no", "unknown", "unknown", "unknown", "no"]),
    ],
)
def test_several_values_of_a_key(operator: str, expected: list[str]) -> None:
    given: list[tuple[str, ...]] = [(), ("a", "b"), ("a", "x"), ("x", "y"), ("",)]
    assert [applies(one, operator, "a", "b") for one in given] == expected
    assert applies(None, operator, "a", "b") == "unknown"


def test_whether_a_key_is_there() -> None:
    assert [applies(one, "Null", "true") for one in ((), ("a",), None)] == ["allow", "no", "unknown"]
    assert [applies(one, "Null", "FALSE") for one in ((), ("a",), None)] == ["no", "allow", "unknown"]
    assert applies((), "Null", "perhaps") == "unknown"


@pytest.mark.parametrize(
    ("operator", "value", "given"),
    [
        ("stringequals", "a", "a"),
        ("StringMatches", "a", "a"),
        ("NullIfExists", "true", "a"),
        ("ForAnyValue:Null", "true", "a"),
        ("ForSomeValues:StringEquals", "a", "a"),
        (":StringEquals", "a", "a"),
        ("NumericEquals", "ten", "10"),
        ("NumericEquals", "NaN", "10"),
        ("DateEquals", "tomorrow", "2026-11-22"),
        ("Bool", "yes", "true"),
        ("BinaryEquals", "?", "QQ=="),
        ("IpAddress", "10.0.0.0/40", "10.0.0.1"),
        ("NotIpAddress", "10.0.0.0/8", "here"),
        ("ArnLike", "*", "arn:aws:ecs:a:b:c"),
        ("ArnNotLike", "arn:aws:ecs:*:*:*", "here"),
        ("StringEquals", None, "a"),
        ("StringEquals", {}, "a"),
    ],
)
def test_what_cannot_be_read_is_open(operator: str, value: Any, given: str) -> None:
    assert applies((given,), operator, value) == "unknown"


def test_no_values_at_all_are_open() -> None:
    assert applies(("a",), "StringEquals") == "unknown"
    assert effect(PULL, allow(Condition=7)) == "unknown"
    assert effect(PULL, allow(Condition={"StringEquals": 7})) == "unknown"


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT, "allow"),
        ("StringEquals", "AWS:principalaccount", int(ACCOUNT), "allow"),
        ("StringEqualsIfExists", "aws:PrincipalAccount", "999988887777", "no"),
        ("StringEquals", "aws:PrincipalArn", ROLE, "allow"),
        ("StringEquals", "aws:PrincipalType", "AssumedRole", "allow"),
        ("Bool", "aws:PrincipalIsAWSService", "false", "allow"),
        ("Null", "aws:username", "true", "allow"),
        ("StringLike", "aws:userid", "AROAOWN:*", "unknown"),
        ("StringEquals", "aws:PrincipalOrgID", "o-example", "unknown"),
        ("StringEquals", "aws:SourceVpce", "vpce-1", "unknown"),
        ("Bool", "aws:SecureTransport", "true", "unknown"),
    ],
)
def test_what_follows_from_the_caller(operator: str, key: str, value: Any, expected: str) -> None:
    assert effect(PULL, allow(**when(operator, key, value))) == expected


def test_the_id_of_a_known_session() -> None:
    known = replace(PULL, principal=Caller(ROLE, "AROAOWN", "task-1"))
    assert effect(known, allow(**when("StringLike", "aws:userid", "AROAOWN:*"))) == "allow"
    assert effect(known, allow(**when("StringLike", "aws:userid", "AROAOLD:*"))) == "no"
    own = replace(known, context={"aws:userid": ("AROAOLD:x",)})
    assert effect(own, allow(**when("StringLike", "aws:userid", "AROAOLD:*"))) == "allow"


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT, "no"),
        ("StringEquals", "aws:PrincipalAccount", "999988887777", "unknown"),
        ("StringEquals", "aws:PrincipalOrgID", "o-example", "no"),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", "o-example", "unknown"),
        ("StringNotEquals", "aws:PrincipalOrgID", "o-example", "allow"),
        ("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-example", "allow"),
        ("ForAnyValue:StringEquals", "aws:PrincipalOrgID", "o-example", "unknown"),
        ("StringLike", "aws:PrincipalOrgID", "${aws:username}", "unknown"),
        ("Null", "aws:PrincipalOrgID", "true", "unknown"),
        ("NumericEquals", "aws:PrincipalAccount", ACCOUNT, "unknown"),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*", "no"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", "unknown"),
    ],
)
def test_what_is_known_of_somebody_outside(operator: str, key: str, value: str, expected: str) -> None:
    assert effect(GET, allow(**when(operator, key, value))) == expected
    context = {"k:x": Outside(ACCOUNT)}
    assert effect(replace(PULL, context=context), allow(**when(operator, "k:x", value))) == expected
