"""Whether a resource policy grants an action to a role: yes, no, or not to be told from the document.

A repository policy of the same account suffices for a pull, without any identity policy.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from typing import Any, Literal

Grant = Literal["yes", "no", "unknown"]


def grants(document: str, role: str, action: str) -> Grant:
    """Say whether the policy allows ``action`` to the role with ARN ``role``.

    A condition, a NotPrincipal, the account as principal, a session of the role, a Deny that matches, and a document
    that does not parse make it ``unknown``.
    """
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unknown"
    found: Grant = "no"
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, Mapping):
            return "unknown"
        match = _matches(statement, role, action)
        if match == "no":
            continue
        if match == "unknown" or statement.get("Effect") != "Allow":
            return "unknown"
        found = "yes"
    return found


def _matches(statement: Mapping[str, Any], role: str, action: str) -> Grant:
    named = any(_fits(pattern, action) for pattern in _texts(statement.get("Action")))
    spared = "NotAction" in statement and not any(_fits(one, action) for one in _texts(statement["NotAction"]))
    if not (named or spared):
        return "no"
    principal = "unknown" if "NotPrincipal" in statement else _is_principal(statement.get("Principal"), role)
    if principal == "yes" and statement.get("Condition"):
        return "unknown"
    return principal


def _is_principal(principal: Any, role: str) -> Grant:
    account = role.split(":")[4]
    partition = role.split(":")[1]
    named = _texts(principal.get("AWS")) if isinstance(principal, Mapping) else _texts(principal)
    if {"*", role} & set(named):
        return "yes"
    # The account as principal leaves the grant to the account's own policies; a session may be the pull's.
    whole = {account, f"arn:{partition}:iam::{account}:root"} & set(named)
    session = f":sts::{account}:assumed-role/{role.rsplit('/', 1)[-1]}/"
    return "unknown" if whole or any(session in one for one in named) else "no"


def _fits(pattern: str, action: str) -> bool:
    # What needs more characters than there are cannot fit; a hostile pattern would keep fnmatch busy for long.
    if len(pattern.replace("*", "")) > len(action):
        return False
    # IAM knows only * and ?; fnmatch would read a bracket as a set of characters.
    return fnmatch.fnmatchcase(action.lower(), re.sub(r"\*+", "*", pattern.lower()).replace("[", "[[]"))


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
