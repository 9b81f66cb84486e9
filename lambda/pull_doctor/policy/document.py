"""A policy document as statements, and IAM's wildcards.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Statement = Mapping[str, Any]


def statements_of(document: str) -> tuple[Statement, ...]:
    """Return the statements; a document that is no policy raises ``ValueError``."""
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a policy, as it is no JSON") from error
    found = policy.get("Statement") if isinstance(policy, Mapping) else None
    statements = tuple(found) if isinstance(found, list) else (found,)
    if not all(isinstance(one, Mapping) for one in statements):
        raise ValueError("not a policy, as it has no statements")
    return statements


def name_of(statements: Iterable[Statement], number: int) -> str:
    """Name a statement by its place, counted from 1, and its Sid if it has one."""
    sid = tuple(statements)[number - 1].get("Sid")
    return f"statement {number} ({sid})" if isinstance(sid, str) and sid else f"statement {number}"


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


def fits(pattern: str, text: str) -> bool:
    """Whether ``text`` fits the pattern: ``*`` stands for any characters, ``?`` for one; nothing else is special.

    Only the last star is tried again, so that a hostile pattern costs no more than its length times the text's.
    """
    if len(pattern) - pattern.count("*") > len(text):
        return False
    at = place = resume = 0
    star = -1
    while place < len(text):
        if pattern[at : at + 1] == "*":
            star, resume, at = at, place, at + 1
        elif pattern[at : at + 1] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return not pattern[at:].strip("*")
