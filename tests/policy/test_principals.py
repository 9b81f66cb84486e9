from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.policy.evaluate import evaluate
from pull_doctor.policy.request import Caller
from tests.policy.statements import ACCOUNT, GET, PULL, ROLE, SESSION, allow, deny, effect, policy

KNOWN = replace(PULL, principal=Caller(ROLE, "AROAOWN", "task-1", bounded=False))
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


@pytest.mark.parametrize(
    ("principal", "expected", "with_session"),
    [
        ("*", "allow", "allow"),
        ({"AWS": "*"}, "allow", "allow"),
        ({"AWS": ROLE}, "allow", "allow"),
        ({"AWS": ["arn:aws:iam::9:role/x", ROLE]}, "allow", "allow"),
        ({"AWS": ACCOUNT}, "allow", "allow"),
        ({"AWS": ROOT}, "allow", "allow"),
        ({"AWS": SESSION}, "unknown", "allow"),
        ({"AWS": f"{SESSION}2"}, "unknown", "no"),
        ({"AWS": "AROAOWN"}, "unknown", "allow"),
        ({"AWS": "AROADELETED"}, "unknown", "no"),
        ({"AWS": "AIDASOMEBODY"}, "no", "no"),
        ({"AWS": "4f2d"}, "unknown", "unknown"),
        ({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/web/task-1"}, "no", "no"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/web-exec"}, "no", "no"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/web-exec"}, "no", "no"),
        ({"AWS": f"arn:aws-cn:iam::{ACCOUNT}:root"}, "no", "no"),
        ({"AWS": f"{ROLE}*"}, "no", "no"),
        ({"AWS": "999988887777"}, "no", "no"),
        ({"Service": "ecs-tasks.amazonaws.com"}, "no", "no"),
        ({"Federated": "accounts.google.com"}, "no", "no"),
        ({"CanonicalUser": "79a5"}, "unknown", "unknown"),
        ({"Service": "ecs.amazonaws.com", "AWS": ROLE}, "allow", "allow"),
    ],
)
def test_principals(principal: Any, expected: str, with_session: str) -> None:
    assert effect(PULL, allow(principal)) == expected
    assert effect(KNOWN, allow(principal)) == with_session
    everybody = principal in ("*", {"AWS": "*"})
    assert effect(replace(PULL, principal=None), allow(principal)) == ("allow" if everybody else "unknown")


def test_a_deny_for_the_account_is_one_for_all_its_roles() -> None:
    assert effect(PULL, allow(), deny({"AWS": ROOT})) == "deny"


def test_a_principal_that_is_only_known_to_be_outside() -> None:
    assert effect(GET, allow({"AWS": ROLE})) == "no"
    assert effect(GET, allow({"AWS": ROOT})) == "no"
    assert effect(GET, allow({"AWS": "999988887777"})) == "unknown"
    assert effect(GET, allow({"Service": "ecr.amazonaws.com"})) == "unknown"
    spared = {"Effect": "Deny", "NotPrincipal": {"AWS": ROOT}, "Action": "*", "Resource": "*"}
    assert effect(GET, allow(), spared) == "deny"


@pytest.mark.parametrize(
    ("spared", "free", "bounded"),
    [
        ({"AWS": "arn:aws:iam::9:role/x"}, "deny", "deny"),
        ({"Service": "ecs-tasks.amazonaws.com"}, "deny", "deny"),
        ({"AWS": ROLE}, "unknown", "deny"),
        ({"AWS": [ROLE, ROOT]}, "unknown", "deny"),
        ({"AWS": [ROLE, ROOT, SESSION]}, "allow", "deny"),
        ("*", "allow", "deny"),
    ],
)
def test_whom_a_deny_spares(spared: Any, free: str, bounded: str) -> None:
    statement = {"Effect": "Deny", "NotPrincipal": spared, "Action": "*", "Resource": "*"}
    assert effect(KNOWN, allow(), statement) == free
    assert (
        effect(replace(KNOWN, principal=Caller(ROLE, "AROAOWN", "task-1", bounded=True)), allow(), statement) == bounded
    )
    untold = effect(replace(KNOWN, principal=Caller(ROLE, "AROAOWN", "task-1")), allow(), statement)
    assert untold == (free if free == bounded else "unknown")


def test_an_allow_for_all_but_some_is_not_supported() -> None:
    for spared in (ROLE, "arn:aws:iam::9:role/x"):
        statement = {"Effect": "Allow", "NotPrincipal": {"AWS": spared}, "Action": "*", "Resource": "*"}
        assert effect(KNOWN, statement) == "unknown"
        assert evaluate(policy(statement), KNOWN).granted_to is None
