import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.policy.trust import trust_in_ecs_tasks
from tests.network.factory import ACCOUNT, PLACE, REGION

ECS = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
EC2 = ECS | {"Principal": {"Service": "ec2.amazonaws.com"}}
DENY = ECS | {"Effect": "Deny"}
ALL_CLUSTERS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"
ONE_CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod"


def admits(*statements: Any) -> str:
    return trust_in_ecs_tasks(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), PLACE).admits


def under(operator: str, key: str, value: Any) -> dict[str, Any]:
    return ECS | {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    "statement",
    [
        ECS,
        ECS | {"Principal": {"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}},
        ECS | {"Action": "sts:*"},
        ECS | {"Action": ["sts:TagSession", "STS:assumerole"]},
        {key: value for key, value in ECS.items() if key != "Action"} | {"NotAction": "sts:TagSession"},
        under("StringEquals", "aws:SourceAccount", ACCOUNT),
        under("StringEquals", "AWS:sourceaccount", ["999988887777", ACCOUNT]),
        under("ArnLike", "aws:SourceArn", ALL_CLUSTERS),
        under("ArnLikeIfExists", "aws:SourceArn", f"arn:aws:ecs:*:{ACCOUNT}:*"),
        under("StringLike", "aws:SourceArn", [ONE_CLUSTER, ALL_CLUSTERS]),
    ],
    ids=str,
)
def test_a_policy_that_admits_ecs_tasks(statement: dict[str, Any]) -> None:
    assert admits(statement) == "yes"
    assert admits(EC2, statement) == "yes"
    assert admits(statement, DENY) == "no"


@pytest.mark.parametrize(
    "statement",
    [
        EC2,
        ECS | {"Principal": {"Service": "ecs.amazonaws.com"}},
        ECS | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
        ECS | {"Action": "sts:AssumeRoleWithWebIdentity"},
        under("StringEquals", "aws:SourceAccount", "999988887777"),
        under("ArnLike", "aws:SourceArn", ONE_CLUSTER),
        under("ArnEquals", "aws:SourceArn", ONE_CLUSTER),
        under("ArnLike", "aws:SourceArn", f"arn:aws:ecs:us-east-2:{ACCOUNT}:*"),
        under("StringEquals", "aws:SourceArn", ALL_CLUSTERS),
    ],
    ids=str,
)
def test_a_policy_that_does_not(statement: dict[str, Any]) -> None:
    assert admits(statement) == "no"
    assert admits(statement, ECS) == "yes"


@pytest.mark.parametrize(
    "statement",
    [
        ECS | {"Principal": "*"},
        ECS | {"Principal": {"AWS": "*"}},
        {key: value for key, value in ECS.items() if key != "Principal"} | {"NotPrincipal": {"AWS": "*"}},
        under("StringEquals", "aws:SourceOrgID", "o-exampleorg1"),
        under("StringNotEquals", "aws:SourceAccount", "999988887777"),
        under("ForAnyValue:StringEquals", "aws:SourceAccount", ACCOUNT),
        under("ArnLike", "aws:SourceArn", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/*"),
        under("ArnLike", "aws:SourceArn", "*"),
        under("StringEquals", "aws:SourceAccount", []),
        ECS | {"Condition": "none"},
    ],
    ids=str,
)
def test_what_is_not_evaluated_is_left_open(statement: dict[str, Any]) -> None:
    assert admits(statement) == "unknown"
    assert admits(EC2, statement) == "unknown"
    assert admits(statement, ECS) == "yes"
    assert admits(statement | {"Effect": "Deny"}, ECS) == "unknown"


def test_a_condition_that_is_not_met_decides_before_one_that_is_not_known() -> None:
    both = {"StringEquals": {"aws:SourceAccount": "999988887777", "aws:SourceOrgID": "o-exampleorg1"}}
    assert admits(ECS | {"Condition": both}) == "no"


def test_the_reason_names_what_stands_there() -> None:
    def why(*statements: Any) -> str:
        return trust_in_ecs_tasks(json.dumps({"Statement": list(statements)}), PLACE).why

    assert why(EC2) == "does not admit ecs-tasks.amazonaws.com, only ec2.amazonaws.com"
    assert ONE_CLUSTER in why(EC2, under("ArnLike", "aws:SourceArn", ONE_CLUSTER))
    assert (
        why(ECS, DENY | {"Sid": "NoTasks"})
        == "denies sts:AssumeRole to ecs-tasks.amazonaws.com in statement 2 (NoTasks)"
    )


@pytest.mark.parametrize("document", ["", "{", "[]", "null", '{"Statement": 1}', "[" * 100_000])
def test_what_is_no_policy_is_left_open(document: str) -> None:
    assert trust_in_ecs_tasks(document, PLACE).admits == "unknown"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["*", "sts:AssumeRole", "Allow"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON, _JSON, _JSON)
def test_no_statement_makes_it_raise(principal: Any, action: Any, condition: Any) -> None:
    assert admits(ECS | {"Principal": principal}, ECS | {"Action": action}, ECS | {"Condition": condition})
