import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from pull_doctor.policy.evaluate import evaluate
from pull_doctor.policy.request import Outside, Values
from pull_doctor.policy.variables import Expanded, expand
from pull_doctor.policy.wildcards import literal
from tests.policy.statements import PULL, ROLE, allow, effect, when

GIVEN: Mapping[str, Values] = {
    "aws:principalarn": (ROLE,),
    "aws:username": (),
    "aws:principaltag/team": ("w*b",),
    "aws:tagkeys": ("a", "b"),
    "aws:principalorgid": Outside("1"),
}


@pytest.mark.parametrize(
    ("text", "given", "expanded"),
    [
        ("plain $ {x}", "yes", "plain $ {x}"),
        ("a/${aws:PrincipalArn}/b*", "yes", f"a/{ROLE}/b*"),
        ("${AWS:principaltag/Team}*", "yes", literal("w*b") + "*"),
        ("${*}${?}${$}", "yes", literal("*?") + "$"),
        ("${aws:username, 'none*'}-${aws:PrincipalTag/team, 'none'}", "yes", literal("none*-w*b")),
        ("${aws:username}", "no", ""),
        ("${aws:TagKeys}", "unknown", ""),
        ("${aws:PrincipalOrgID}", "unknown", ""),
        ("${aws:SourceVpc, 'none'}", "unknown", ""),
        ("${aws:username", "unknown", "${aws:username"),
        ("${}", "unknown", "${}"),
    ],
)
def test_what_a_variable_stands_for(text: str, given: str, expanded: str) -> None:
    found = expand(text, GIVEN)
    assert (found.given, found.text) == (given, expanded)


def test_the_keys_of_the_variables() -> None:
    text = "${aws:PrincipalArn}${aws:username, 'x'}${aws:PrincipalArn}${*}"
    assert expand(text, GIVEN).keys == ("aws:principalarn", "aws:username")
    assert expand("none", GIVEN) == Expanded("yes", "none")


def test_only_the_newer_language_knows_variables() -> None:
    resource = "arn:aws:ecr:eu-west-1:111122223333:repository/${aws:PrincipalTag/team}"
    request = replace(PULL, resource=resource, context={"aws:principaltag/team": ("web",)})
    for version, expected in ({"Version": "2012-10-17"}, "no"), ({"Version": "2008-10-17"}, "allow"), ({}, "allow"):
        document = json.dumps({**version, "Statement": allow(resource=resource)})
        assert evaluate(document, request).effect == expected
    assert evaluate(json.dumps({"Version": "2024-01-01", "Statement": allow()}), request).effect == "unknown"


def test_variables_in_resources() -> None:
    def covered(request_tag: tuple[str, ...] | None, element: str = "Resource") -> str:
        context = {} if request_tag is None else {"aws:principaltag/team": request_tag}
        pattern = "arn:aws:ecr:*:*:repository/${aws:PrincipalTag/team}/*"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "*", element: pattern}
        return effect(replace(PULL, context=context), statement)

    assert [covered(one) for one in (("team",), ("t*",), (), None)] == ["allow", "no", "no", "unknown"]
    assert [covered(one, "NotResource") for one in (("team",), ("t*",), (), None)] == [
        "no",
        "allow",
        "unknown",
        "unknown",
    ]


def test_variables_in_conditions() -> None:
    def holds(operator: str, value: str, tag: tuple[str, ...] | None = ("team*",)) -> str:
        context: dict[str, Values] = {"aws:resourcetag/team": ("team*",)}
        context |= {} if tag is None else {"aws:principaltag/team": tag}
        return effect(replace(PULL, context=context), allow(**when(operator, "aws:ResourceTag/team", value)))

    tag = "${aws:PrincipalTag/team}"
    assert [holds("StringEquals", tag, one) for one in (("team*",), ("x",), (), None)] == [
        "allow",
        "no",
        "no",
        "unknown",
    ]
    assert [holds("StringNotEquals", tag, one) for one in (("team*",), ("x",), ())] == ["no", "allow", "allow"]
    assert [holds("StringLike", f"{tag}*", one) for one in (("team",), ("t*m",))] == ["allow", "no"]
    assert [holds("StringEquals", one) for one in ("team${*}", "team*", "${aws:username, 'team*'}")] == ["allow"] * 3
    assert [holds("StringLike", one) for one in ("team${*}", "team${?}")] == ["allow", "no"]
    assert holds("ArnLike", "${aws:PrincipalArn}") == "unknown"
    assert effect(PULL, allow(**when("ArnEquals", "aws:PrincipalArn", "${aws:PrincipalArn}"))) == "allow"
    assert effect(PULL, allow(**when("Bool", "aws:PrincipalIsAWSService", "${aws:x, 'false'}"))) == "unknown"
