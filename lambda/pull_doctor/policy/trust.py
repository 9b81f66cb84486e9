"""Whether a role's trust policy lets Amazon ECS tasks assume the role: yes, no, or not to be told from it.

The principal is the same in every partition. Of conditions, the two that AWS documents for it are evaluated:
``aws:SourceAccount``, and ``aws:SourceArn`` with a wildcard for all clusters; one cluster alone never fits.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pull_doctor.policy.answers import Answer
from pull_doctor.policy.document import Statement, name_of, names_action, statements_of, texts
from pull_doctor.policy.wildcards import fits
from pull_doctor.resource import Place

SERVICE = "ecs-tasks.amazonaws.com"
ACTION = "sts:AssumeRole"

_EQUAL = ("stringequals", "stringequalsignorecase")
_LIKE = ("stringlike", "arnlike", "arnequals")
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Trust:
    """``admits``: whether ECS tasks may assume the role; ``why`` goes on after "the trust policy"."""

    admits: Answer
    why: str


def trust_in_ecs_tasks(document: str, place: Place) -> Trust:
    """Say whether the trust policy, as JSON text, admits the tasks of this account and Region. Never raises."""
    try:
        statements = statements_of(document)
    except ValueError:
        return Trust("unknown", "is no policy document")
    judged = [(one.get("Effect") == "Allow", _applies(one, place)) for one in statements]
    for number, (allows, trust) in enumerate(judged, start=1):
        if not allows and trust.admits == "yes":
            return Trust("no", f"denies {ACTION} to {SERVICE} in {name_of(statements, number)}")
    allowing = [trust for allows, trust in judged if allows]
    allowed = any(trust.admits == "yes" for trust in allowing)
    deciding = [trust for allows, trust in judged if not allows] if allowed else allowing
    doubtful = next((trust for trust in deciding if trust.admits == "unknown"), None)
    if doubtful or allowed:
        return doubtful or Trust("yes", f"admits {SERVICE}")
    narrowed = next((trust for trust in allowing if trust.why), None)
    return narrowed or Trust("no", f"does not admit {SERVICE}{_admitted(statements)}")


def _applies(statement: Statement, place: Place) -> Trust:
    """Whether the statement is about ECS tasks; ``why`` is set where it is, and does not fit them."""
    principal = _is_principal(statement)
    if principal == "no" or not names_action(statement, ACTION):
        return Trust("no", "")
    conditions = [_holds(*one, place) for one in _conditions(statement.get("Condition"))]
    if principal == "unknown":
        conditions.append(Trust("unknown", "names its principal in a way that is not evaluated"))
    refused = next((one for one in conditions if one.admits == "no"), None)
    return refused or next((one for one in conditions if one.admits == "unknown"), Trust("yes", ""))


def _is_principal(statement: Statement) -> Answer:
    if "NotPrincipal" in statement:
        return "unknown"
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return "unknown" if "*" in texts(principal) else "no"
    if SERVICE in (one.lower() for one in texts(principal.get("Service"))):
        return "yes"
    # Whether "everybody" is a service too depends on the effect and on the service.
    return "unknown" if "*" in (*texts(principal.get("AWS")), *texts(principal.get("Service"))) else "no"


def _conditions(condition: Any) -> Iterator[tuple[str, str, list[str]]]:
    if not condition:
        return
    if not isinstance(condition, Mapping) or not all(isinstance(one, Mapping) for one in condition.values()):
        yield "Condition", "a key", []
        return
    for operator, keys in condition.items():
        for key, values in keys.items():
            yield operator, key, texts(values)


def _holds(operator: str, key: str, values: list[str], place: Place) -> Trust:
    plain = operator.lower().removesuffix("ifexists")
    judged: list[Answer] = []
    if key.lower() == "aws:sourceaccount" and plain in (*_EQUAL, "stringlike"):
        judged = ["yes" if fits(one, place.account) else "no" for one in values]
    elif key.lower() == "aws:sourcearn" and plain in (*_EQUAL, *_LIKE):
        judged = [_covers_all_tasks(one, place, literal=plain in _EQUAL) for one in values]
    if "yes" in judged:
        return Trust("yes", "")
    if not judged or "unknown" in judged:
        return Trust("unknown", f"has the condition {operator} on {key}, which is not evaluated")
    return Trust("no", f"admits {SERVICE} only where {key} is {' or '.join(values)}")


def _covers_all_tasks(pattern: str, place: Place, *, literal: bool) -> Answer:
    parts = pattern.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS:
        return "unknown"
    own = ("arn", place.partition, "ecs", place.region, place.account)
    if not all(fits(part, mine) for part, mine in zip(parts, own, strict=False)):
        return "no"
    if parts[-1] == "*":
        # Compared as text, the wildcard is a character that no ARN has.
        return "no" if literal else "yes"
    return "no" if re.fullmatch(r"cluster/[^*?]+", parts[-1]) else "unknown"


def _admitted(statements: Iterable[Statement]) -> str:
    """The services that the policy names instead."""
    principals = [one.get("Principal") for one in statements if one.get("Effect") == "Allow"]
    named = [name for one in principals if isinstance(one, Mapping) for name in texts(one.get("Service"))]
    return f", only {', '.join(dict.fromkeys(named))}" if named else ""
