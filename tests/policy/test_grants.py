import json
import time
from typing import Any

import pytest

from pull_doctor.policy.grants import grants

ROLE = "arn:aws:iam::111122223333:role/service/web-exec"
SESSION = "arn:aws:sts::111122223333:assumed-role/web-exec/failed"
ACTION = "ecr:BatchGetImage"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal: Any = "*", action: Any = ACTION, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action} | more


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ROLE}, {"AWS": ["arn:aws:iam::9:role/x", ROLE]}])
def test_who_is_named(principal: Any) -> None:
    assert grants(policy(allow(principal)), ROLE, ACTION) == "yes"


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::111122223333:role/service/web"},
        {"AWS": "arn:aws:iam::999988887777:root"},
        {"AWS": "arn:aws:iam::999988887777:role/service/web-exec"},
        {"Service": "*"},
        {"AWS": f"{ROLE}*"},
        [],
        None,
    ],
)
def test_who_is_not_named(principal: Any) -> None:
    assert grants(policy(allow(principal)), ROLE, ACTION) == "no"


@pytest.mark.parametrize(
    "action",
    [
        "ecr:*",
        "*",
        "ecr:Batch*",
        "ecr:BatchGetImag?",
        "ECR:batchgetimage",
        ["ecr:PutImage", "ecr:BatchGetImage"],
        "*a*a*",
        "ecr:**",
    ],
)
def test_which_actions_are_named(action: Any) -> None:
    assert grants(policy(allow(action=action)), ROLE, ACTION) == "yes"


@pytest.mark.parametrize(
    "action",
    ["ecr:PutImage", "ecr:BatchGetImage?", "ecr:Batch", "s3:*", "", [], "ecr:[A-Z]atchGetImage", "*x*", None, 7],
)
def test_which_actions_are_not_named(action: Any) -> None:
    assert grants(policy(allow(action=action)), ROLE, ACTION) == "no"


def test_brackets_are_no_sets_of_characters() -> None:
    assert grants(policy(allow(action="ecr:[B]atchGetImage")), ROLE, ACTION) == "no"


@pytest.mark.parametrize(
    ("not_action", "expected"),
    [("s3:*", "yes"), (["ecr:Put*"], "yes"), ("ecr:*", "no"), (["s3:*", "ecr:Batch*"], "no")],
)
def test_not_action(not_action: Any, expected: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "NotAction": not_action}
    assert grants(policy(statement), ROLE, ACTION) == expected


@pytest.mark.parametrize(
    "statement",
    [
        allow(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
        allow({"AWS": SESSION}),
        {"Effect": "Allow", "NotPrincipal": {"AWS": ROLE}, "Action": ACTION},
        {"Effect": "Deny", "Principal": "*", "Action": ACTION},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "ecr:*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": ACTION},
        {"Principal": "*", "Action": ACTION},
        {"Effect": "allow", "Principal": "*", "Action": ACTION},
    ],
    ids=str,
)
def test_what_the_document_alone_does_not_tell(statement: dict[str, Any]) -> None:
    assert grants(policy(statement), ROLE, ACTION) == "unknown"
    assert grants(policy(allow(), statement), ROLE, ACTION) == "unknown"
    assert grants(policy(statement, allow()), ROLE, ACTION) == "unknown"


def test_statements_about_others_do_not_matter() -> None:
    others = (
        {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::9:root"}, "Action": ACTION},
        {"Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage"},
        allow({"AWS": "arn:aws:iam::9:root"}, Condition={"Bool": {"x": "true"}}),
    )
    assert grants(policy(*others), ROLE, ACTION) == "no"
    assert grants(policy(*others, allow()), ROLE, ACTION) == "yes"


def test_one_statement_without_a_list() -> None:
    assert grants(json.dumps({"Statement": allow()}), ROLE, ACTION) == "yes"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"text"',
        "{}",
        '{"Statement": 7}',
        '{"Statement": [7]}',
        "[" * 100_000,
        '{"Statement": "*"}',
    ],
    ids=lambda text: text[:20],
)
def test_a_document_that_is_no_policy_is_unknown(document: str) -> None:
    assert grants(document, ROLE, ACTION) == "unknown"


@pytest.mark.parametrize("piece", ["*a", "*a*a*", "?*", "*", "*e*c*r", "[", "a*?"])
def test_a_hostile_wildcard_takes_no_time(piece: str) -> None:
    pattern = (piece * 20_000)[:20_000] + "!"
    document = policy(allow(action=pattern))
    began = time.process_time()
    assert grants(document, ROLE, ACTION) == "no"
    assert time.process_time() - began < 0.01


def test_many_hostile_statements_take_no_time() -> None:
    document = policy(*(allow(action=f"{'*a' * 20}{number}!") for number in range(100)))
    began = time.process_time()
    assert grants(document, ROLE, ACTION) == "no"
    assert time.process_time() - began < 0.03
