"""A policy document as statements.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pull_doctor.policy.wildcards import fits

Statement = Mapping[str, Any]

_MEMBERS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of a document; ``with_variables``: its version of the language knows policy variables."""

    statements: tuple[Statement, ...]
    with_variables: bool


def read(document: str) -> Policy:
    """Return the policy; a document that is none raises ``ValueError``.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
    """
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a policy, as it is no JSON") from error
    found = policy.get("Statement") if isinstance(policy, Mapping) else None
    statements = tuple(found) if isinstance(found, list) else (found,)
    if not all(isinstance(one, Mapping) for one in statements):
        raise ValueError("not a policy, as it has no statements")
    version = policy.get("Version", "2008-10-17")
    if version not in ("2008-10-17", "2012-10-17"):
        raise ValueError("not a policy, as its version is not known")
    return Policy(statements, version == "2012-10-17")


def statements_of(document: str) -> tuple[Statement, ...]:
    """Return the statements; a document that is no policy raises ``ValueError``."""
    return read(document).statements


def name_of(statements: Iterable[Statement], number: int) -> str:
    """Name a statement by its place, counted from 1, and its Sid if it has one."""
    sid = tuple(statements)[number - 1].get("Sid")
    return f"statement {number} ({sid})" if isinstance(sid, str) and sid else f"statement {number}"


def unreadable(statement: Statement) -> str | None:
    """Name the element that does not follow the grammar, if there is one; conditions are not looked at."""
    if strange := set(statement) - _MEMBERS:
        return min(strange)
    if statement.get("Effect") not in ("Allow", "Deny"):
        return "Effect"
    principals = [statement[one] for one in ("Principal", "NotPrincipal") if one in statement]
    # The policy of a resource may leave out the resource.
    for element, needed in (("Action", True), ("Resource", not principals)):
        given = [statement[one] for one in (element, f"Not{element}") if one in statement]
        if len(given) > 1 or (needed and not given) or not all(_is_texts(one) for one in given):
            return element
    if len(principals) > 1 or not all(one == "*" or _is_principal(one) for one in principals):
        return "Principal"
    return None


def _is_texts(value: Any) -> bool:
    return bool(value) and len(texts(value)) == (len(value) if isinstance(value, list) else 1)


def _is_principal(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and set(value) <= _PRINCIPALS
        and all(_is_texts(one) for one in value.values())
    )


def names_action(statement: Statement, action: str) -> bool:
    """Whether the statement is about the action, by Action or NotAction; actions know no upper and lower case."""
    named = any(fits(one.lower(), action.lower()) for one in texts(statement.get("Action")))
    spared = "NotAction" in statement and not any(
        fits(one.lower(), action.lower()) for one in texts(statement["NotAction"])
    )
    return named or spared


def texts(value: Any) -> list[str]:
    """Return the strings of a member that is one string or a list of them."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
