"""Policies as they are printed to be set: AWS takes none that names a deleted identity by its id."""

from __future__ import annotations

import json
from typing import Any

from pull_doctor.causes.shared.rights.amended import deleted_in, with_statement, without_denials, without_the_deleted
from pull_doctor.policy.request import Caller, Request
from tests.causes.factory import ROLE, allowing, document

GONE = "AROAEXAMPLEOFANOLDROLE"
OTHERS = "444455556666"
GRANT = allowing("ecr:BatchGetImage", Principal={"AWS": ROLE})
DENY = GRANT | {"Effect": "Deny"}
PULL = Request("ecr:BatchGetImage", "arn:aws:ecr:eu-west-1:444455556666:repository/team/app", Caller(ROLE))


def to(*principals: str) -> dict[str, Any]:
    return GRANT | {"Principal": {"AWS": list(principals)}}


def written(policy: str | None) -> list[dict[str, Any]]:
    assert policy is not None
    statements: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return statements


def test_a_statement_more_and_no_deleted_identity() -> None:
    assert written(with_statement(document(to(GONE, OTHERS)), GRANT)) == [to(OTHERS), GRANT]
    assert written(with_statement(document(to(GONE)), GRANT)) == [GRANT]
    assert written(with_statement(document(to(OTHERS)), GRANT)) == [to(OTHERS), GRANT]


def test_a_deny_less_and_no_deleted_identity() -> None:
    policy, taken_out = without_denials(document(to(GONE, OTHERS), DENY), [PULL])
    assert (written(policy), taken_out) == ([to(OTHERS)], ("statement 2",))
    assert without_denials(document(to(GONE), DENY), [PULL]) == (None, ("statement 2",))


def test_what_names_nobody_by_an_id_stays_as_it_is() -> None:
    kept = document(to(OTHERS), GRANT | {"Principal": "*"}, GRANT | {"NotPrincipal": {"AWS": GONE}})
    assert without_the_deleted(kept) is not None
    assert written(without_the_deleted(kept)) == written(kept)
    assert deleted_in(document(to(OTHERS, GONE, "AIDAEXAMPLEOFANOLDUSER"))) == (GONE, "AIDAEXAMPLEOFANOLDUSER")
