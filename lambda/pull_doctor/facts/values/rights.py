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
    """A role: its trust policy as JSON text, and the ARN of its permissions boundary.

    ``id`` is the unique one (``AROA...``), which another role of the same name does not have. ``tags`` are keys and
    values. Both are ``None`` in facts that an earlier version saved.
    """

    arn: str
    trust: str
    boundary: str | None = None
    id: str | None = None
    tags: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy document as JSON text; ``name`` is a managed policy's ARN, or an inline policy's own name."""

    name: str
    document: str


@dataclass(frozen=True, slots=True)
class RolePolicies:
    """Every identity policy of a role, the attached ones first, and its permissions boundary, if it has one."""

    identity: tuple[NamedPolicy, ...]
    boundary: NamedPolicy | None = None


@dataclass(frozen=True, slots=True)
class InstanceProfile:
    """An instance profile; ``role`` is the ARN of its role, ``None`` where it has none."""

    arn: str
    role: str | None


@dataclass(frozen=True, slots=True)
class RegistryRules:
    """A registry's policy as JSON text, ``None`` if it has none.

    ``scope`` says what it applies to: ``V1`` replication and the pull-through cache, ``V2`` every action of ECR.
    Without a policy it is not read.
    """

    policy: str | None
    scope: Literal["V1", "V2"] | None = None


@dataclass(frozen=True, slots=True)
class CacheRule:
    """A pull-through cache rule: what is pulled under ``prefix`` comes from the registry ``upstream``.

    The prefix ``ROOT`` fits whatever no other rule fits. ``credential`` is the ARN of the secret that signs in to the
    upstream, ``custom_role`` of the role that does where it is another account's ECR, ``upstream_prefix`` what stands
    there in the place of ``prefix``.
    """

    prefix: str
    upstream: str
    credential: str | None = None
    custom_role: str | None = None
    upstream_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class CacheRuleState:
    """What ECR found when it tried a pull-through cache rule; ``failure`` is its sentence on what does not work."""

    valid: bool
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """An ECR repository; ``encryption`` is ``AES256``, ``KMS`` or ``KMS_DSSE``, ``key`` the ARN of its KMS key."""

    arn: str
    encryption: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key; ``state`` is KMS's own word (``Enabled``, ``Disabled``, ``PendingDeletion``...).

    ``manager`` tells AWS's own keys from the customer's.
    """

    arn: str
    state: str
    manager: Literal["AWS", "CUSTOMER"]


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
