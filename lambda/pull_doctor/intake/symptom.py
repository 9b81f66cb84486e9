"""What ECS's text alone says of a failed pull: a phase, a kind, and what the text proves besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["prepare", "sign-in", "resolve", "download", "unpack", "unknown"]
PHASES: tuple[Phase, ...] = ("prepare", "sign-in", "resolve", "download", "unpack")
"""The phases of a pull in the order in which they happen."""

Kind = Literal[
    "network-timeout",
    "connection-refused-or-reset",
    "dns-failure",
    "tls-failure",
    "proxy-failure",
    "auth-missing-credentials",
    "auth-denied-ecr-permission",
    "auth-token-expired",
    "registry-access-denied",
    "kms-denied",
    "s3-layer-denied",
    "rate-limited",
    "image-not-found",
    "repository-not-found",
    "invalid-reference",
    "platform-mismatch",
    "unsupported-manifest",
    "disk-full",
    "layer-corrupt-or-extract-failure",
    "image-too-large-or-pull-timeout",
    "registry-unavailable-5xx",
    "secret-unavailable",
    "pull-through-cache-failure",
    "role-assume-failure",
    "daemon-or-agent-fault",
    "other-pull-failure",
    "undetermined",
    "not-a-pull-failure",
]

REFUSALS: tuple[Kind, ...] = (
    "auth-denied-ecr-permission",
    "registry-access-denied",
    "auth-missing-credentials",
    "s3-layer-denied",
)
"""Kinds of text that show a registry refusing who asked; a refused layer may be the registry's refusal or S3's."""

DeniedBy = Literal[
    "identity-policy",
    "resource-policy",
    "endpoint-policy",
    "permissions-boundary",
    "service-control-policy",
    "resource-control-policy",
    "session-policy",
]
"""The layer that AWS's own denial text names ("because no identity-based policy allows ...")."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """What one text says. ``host`` is what was dialled, only where the text proves it.

    ``address`` is the dialled IP address, ``port`` its port; ``resolver`` is the IP address of the name server that a
    failed lookup asked. ``action``, ``principal`` and ``denied_by`` come from an access-denied text; ``explicit_deny``
    is true where that text speaks of an explicit deny. ``connected`` is true where the text shows that the connection
    stood before it failed.
    """

    phase: Phase
    kind: Kind
    host: str | None = None
    address: str | None = None
    port: int | None = None
    resolver: str | None = None
    http_status: int | None = None
    action: str | None = None
    principal: str | None = None
    denied_by: DeniedBy | None = None
    explicit_deny: Literal[True] | None = None
    connected: Literal[True] | None = None
    digest: str | None = None
    platform: str | None = None
