"""Whether a resource policy grants an action to a role: yes, no, or not to be told from the document.

A repository policy of the same account suffices for a pull, without any identity policy.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pull_doctor.policy.document import Statement, names_action, statements_of, texts
from pull_doctor.policy.evaluate import Answer


def grants(document: str, role: str, action: str) -> Answer:
    """Say whether the policy allows ``action`` to the role with ARN ``role``.

    A condition, a NotPrincipal, the account as principal, a session of the role, a Deny that matches, and a document
    that does not parse make it ``unknown``.
    """
    try:
        statements = statements_of(document)
    except ValueError:
        return "unknown"
    found: Answer = "no"
    for statement in statements:
        match = _matches(statement, role, action)
        if match == "no":
            continue
        if match == "unknown" or statement.get("Effect") != "Allow":
            return "unknown"
        found = "yes"
    return found


def _matches(statement: Statement, role: str, action: str) -> Answer:
    if not names_action(statement, action):
        return "no"
    principal = "unknown" if "NotPrincipal" in statement else _is_principal(statement.get("Principal"), role)
    if principal == "yes" and statement.get("Condition"):
        return "unknown"
    return principal


def _is_principal(principal: Any, role: str) -> Answer:
    account = role.split(":")[4]
    partition = role.split(":")[1]
    named = texts(principal.get("AWS")) if isinstance(principal, Mapping) else texts(principal)
    if {"*", role} & set(named):
        return "yes"
    # The account as principal leaves the grant to the account's own policies; a session may be the pull's.
    whole = {account, f"arn:{partition}:iam::{account}:root"} & set(named)
    session = f":sts::{account}:assumed-role/{role.rsplit('/', 1)[-1]}/"
    return "unknown" if whole or any(session in one for one in named) else "no"
