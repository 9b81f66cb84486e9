"""The path from the puller to one host, as a value: hops with verdicts, and one disposition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Phase
from pull_doctor.resource import Resource

Step = Literal[
    "name",
    "security-group",
    "network-acl",
    "route",
    "endpoint",
    "endpoint-security-group",
    "endpoint-network-acl",
    "endpoint-policy",
    "nat-gateway",
    "nat-network-acl",
    "internet-gateway",
    "public-address",
    "public-access",
    "internet",
]
Verdict = Literal["ok", "fail", "unknown", "-"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path: its resource, the verdict on it, and why, with ids.

    ``cause`` is the cause that a failing hop is. ``missing`` is what an unknown hop could not read.
    ``details`` are lines shown under the hop, such as the routes of a table.
    """

    step: Step
    resource: Resource | None
    verdict: Verdict
    why: str
    cause: str | None = None
    missing: Unknown | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """The path from the puller to one host:443.

    ``disposition`` is ``reached``, the cause of the first failing hop, or ``undetermined``.
    ``address`` is the address that the text shows to have been dialled.
    """

    phase: Phase
    host: str
    disposition: str
    hops: tuple[Hop, ...]
    address: str | None = None
    port: int = 443
