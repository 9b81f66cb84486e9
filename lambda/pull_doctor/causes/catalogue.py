"""The catalogue: one row a cause, in the order in which equal findings are listed.

A row says what the defect is and which symptom it explains; the module ``pull_doctor.causes.<cause>`` with
underscores holds the check. A new cause is a row here, that module, and its test.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from pull_doctor.intake.symptom import PHASES, Kind, Phase, Symptom

Realm = Literal["network", "identity", "image"]
"""What a running sibling shows to work: its path, its role, or its image."""

AddressClass = Literal["any", "public", "private"]

SILENT: tuple[Kind, ...] = ("other-pull-failure", "undetermined")
"""Kinds of text that say nothing of what went wrong: every cause may stand behind them, none is shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One cause.

    ``kinds`` and ``phases`` are the symptoms that it explains, ``address`` which dialled address it explains;
    ``registry`` whether it can only stop a pull from ECR.
    ``best`` is the highest certainty that it can have. ``docs`` are AWS's pages on it, as (title, URL).
    """

    cause: str
    defect: str
    realm: Realm
    kinds: tuple[Kind, ...]
    phases: tuple[Phase, ...]
    address: AddressClass = "any"
    registry: Literal["any", "ecr"] = "any"
    best: Literal["proven", "likely"] = "proven"
    docs: tuple[tuple[str, str], ...] = ()

    def covers(self, symptom: Symptom) -> bool:
        """Whether the cause fits this kind of symptom in this phase; a way that a connection took is not closed."""
        if self.realm == "network" and symptom.connected:
            return False
        return symptom.kind in self.kinds and symptom.phase in (*self.phases, "unknown")

    def explains(self, symptom: Symptom) -> bool:
        """Whether the defect would show as this symptom, as far as the text tells."""
        if not self.covers(symptom):
            return False
        return self.address == "any" or symptom.address is None or self.address == address_class(symptom.address)

    def may_hide_behind(self, symptom: Symptom) -> bool:
        """Whether the text speaks of a failed pull, and says too little to tell this cause from others."""
        return symptom.kind == "other-pull-failure" and symptom.phase in (*self.phases, "unknown")

    @property
    def phase_rank(self) -> int:
        """The place of the earliest phase that the cause stops."""
        return min(PHASES.index(phase) for phase in self.phases)


def address_class(address: str) -> AddressClass:
    """``private`` for an address that the internet does not route, else ``public``."""
    try:
        return "public" if ip_address(address).is_global else "private"
    except ValueError:
        return "any"


_PULL = (
    "CannotPullContainerError task errors",
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
)
_ENDPOINTS = (
    "Amazon ECR interface VPC endpoints",
    "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
)
_FARGATE_NETWORK = (
    "Fargate task networking",
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
)
_EXECUTION_ROLE = (
    "Amazon ECS task execution IAM role",
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
)

_ON_THE_WAY: tuple[Phase, ...] = ("sign-in", "resolve", "download")

CATALOGUE: tuple[Row, ...] = (
    Row(
        "no-route-to-registry",
        "the subnet has no usable route, and no endpoint, to a host the pull needs",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        docs=(_PULL, _FARGATE_NETWORK),
    ),
    Row(
        "no-public-ip",
        "the route leads to an internet gateway and the puller has no public address",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "public",
        docs=(_PULL, _FARGATE_NETWORK),
    ),
    Row(
        "endpoint-security-group-blocks",
        "the endpoint's security group does not let 443 in from the puller",
        "network",
        ("network-timeout",),
        _ON_THE_WAY,
        "private",
        "ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "s3-endpoint-missing",
        "no gateway endpoint for S3 on the subnet's route table, nor another way to the image's layers",
        "network",
        ("network-timeout",),
        ("download",),
        "public",
        "ecr",
        docs=(_ENDPOINTS,),
    ),
    Row(
        "pull-permission-denied",
        "the pulling role lacks (or is denied) a needed ECR action",
        "identity",
        ("auth-denied-ecr-permission", "registry-access-denied", "auth-missing-credentials"),
        ("prepare", *_ON_THE_WAY),
        registry="ecr",
        docs=(_EXECUTION_ROLE,),
    ),
    Row(
        "image-not-found",
        "the ECR repository has no image with that tag or digest",
        "image",
        ("image-not-found",),
        ("resolve", "download"),
        registry="ecr",
        docs=(_PULL,),
    ),
)
