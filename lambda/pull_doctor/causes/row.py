"""One row of the catalogue: what a defect is, and which symptoms it explains."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from pull_doctor.intake.symptom import PHASES, Kind, Phase, Symptom

Realm = Literal["network", "identity", "image", "host"]
"""What a running sibling shows to work: its path, its role, its image, or the host that it shares."""

AddressClass = Literal["any", "public", "private"]

HostClass = Literal["ecr-api", "ecr-registry", "s3", "secret-store", "docker-hub", "other"]

SILENT: tuple[Kind, ...] = ("other-pull-failure", "undetermined")
"""Kinds of text that say nothing of what went wrong: every cause may stand behind them, none is shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One cause.

    ``kinds`` and ``phases`` are the symptoms that it explains, ``hosts`` and ``address`` the dialled hosts (none: any)
    and addresses. ``registry`` is where the image must be for it to matter: ``any``, ``ecr``, or ``other`` than ECR.
    ``best`` is the highest certainty that it can have. ``follows`` are the causes from which it only follows where both
    are found, each with why. ``docs`` are AWS's pages on it, as (title, URL).
    """

    cause: str
    defect: str
    realm: Realm
    kinds: tuple[Kind, ...]
    phases: tuple[Phase, ...]
    address: AddressClass = "any"
    hosts: tuple[HostClass, ...] = ()
    registry: Literal["any", "ecr", "other"] = "any"
    best: Literal["proven", "likely"] = "proven"
    follows: tuple[tuple[str, str], ...] = ()
    docs: tuple[tuple[str, str], ...] = ()

    def covers(self, symptom: Symptom) -> bool:
        """Whether the cause fits this kind of symptom in this phase; a way that a connection took is not closed."""
        if symptom.connected and (self.realm == "network" or symptom.kind == "network-timeout"):
            return False
        return self._crashes(symptom) or (symptom.kind in self.kinds and symptom.phase in (*self.phases, "unknown"))

    def explains(self, symptom: Symptom) -> bool:
        """Whether the defect would show as this symptom, as far as the text tells."""
        if not self.covers(symptom):
            return False
        if self.hosts and symptom.host and host_class(symptom.host) not in self.hosts:
            return False
        return self.address == "any" or symptom.address is None or self.address == address_class(symptom.address)

    def may_hide_behind(self, symptom: Symptom) -> bool:
        """Whether the text speaks of a failed pull, and says too little to tell this cause from others."""
        silent = symptom.kind == "other-pull-failure" and symptom.phase in (*self.phases, "unknown")
        return silent or self._crashes(symptom) or self._closes_the_way(symptom)

    def _closes_the_way(self, symptom: Symptom) -> bool:
        """Whether the text may be of a registry that was never reached: it tells neither a step nor an answer."""
        told = symptom.phase != "unknown" or symptom.http_status is not None or symptom.connected is True
        return self.realm == "network" and symptom.kind == "registry-unavailable-5xx" and not told

    def _crashes(self, symptom: Symptom) -> bool:
        """Whether the text tells of a pull that crashed while layers came, as one does whose way to S3 is closed.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
        """
        crashed = symptom.kind == "daemon-or-agent-fault" and symptom.phase == "download"
        return crashed and self.realm == "network" and "download" in self.phases

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


def host_class(host: str) -> HostClass:
    """Which service of AWS's, or which registry, a host name belongs to.

    https://docs.aws.amazon.com/general/latest/gr/ecr.html
    """
    if ".dkr.ecr" in host or ".dkr-ecr" in host:
        return "ecr-registry"
    if host.startswith(("api.ecr.", "api.ecr-fips.", "ecr.", "ecr-fips.")):
        return "ecr-api"
    if "-starport-layer-bucket." in host or host.startswith(("s3.", "s3-")):
        return "s3"
    if host.startswith(("secretsmanager.", "secretsmanager-fips.", "ssm.", "ssm-fips.")):
        return "secret-store"
    return "docker-hub" if host == "docker.io" or host.endswith((".docker.io", ".docker.com")) else "other"
