"""Who may do what: roles, simulated decisions, secrets, and parameters.

Nothing here can hold an environment variable, a command line, or a secret's value. Collections are
tuples, ordered as AWS returned them; an absent optional member is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Simulated:
    """What iam:SimulatePrincipalPolicy answers for one action on one resource.

    ``statements`` are the ids of the policies whose statements decided; ``missing_context`` the condition keys
    that would have been needed; ``boundary_allows`` and ``organization_allows`` are ``None`` where not said.
    """

    action: str
    decision: Literal["allowed", "explicitDeny", "implicitDeny"]
    statements: tuple[str, ...] = ()
    missing_context: tuple[str, ...] = ()
    boundary_allows: bool | None = None
    organization_allows: bool | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its trust policy as JSON text, and the ARN of its permissions boundary."""

    arn: str
    trust: str
    boundary: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceProfile:
    """An instance profile; ``role`` is the ARN of its role, ``None`` where it has none."""

    arn: str
    role: str | None


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of Secrets Manager, never its value; ``deleted_at`` is set once it is marked for deletion.

    ``key`` is the customer's KMS key; ``None`` where AWS's own key encrypts it.
    """

    arn: str
    deleted_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of Systems Manager, never its value.

    ``key`` is the customer's KMS key of a SecureString; ``None`` where AWS's own key or none encrypts it.
    """

    name: str
    key: str | None = None
