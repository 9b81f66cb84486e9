"""The pull plan: which connections this pull needs, by launch type, platform version, and registry.

On Fargate 1.4.0 and later, and on Windows, everything leaves by the task's own interface. Up to 1.3.0 the sign-in
leaves by an interface of Fargate's, outside the VPC, so that it needs no path here.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, EcrRegistry, ImageReference
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.intake.task import Task

DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
"""The DNS suffix of each partition that does not use ``amazonaws.com``."""

PUBLIC_REGISTRIES = (
    "docker.io",
    "public.ecr.aws",
    "ecr-public.aws.com",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "pkg.dev",
    "mcr.microsoft.com",
    "registry.gitlab.com",
    "registry.k8s.io",
    "docker.com",
)
"""Registries that are on the internet for sure, by the end of their names; any other may be a private one."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One connection to ``host``, port 443, that the pull needs in ``phase``.

    ``service`` is the AWS service behind the host (``ecr.api``, ``ecr.dkr``, ``s3``), ``None`` for a registry
    elsewhere; ``region`` that service's Region. ``address`` is what the text shows to have been dialled.
    """

    phase: Phase
    host: str
    service: str | None = None
    region: str | None = None
    address: str | None = None

    @property
    def is_public(self) -> bool:
        """Whether the host is AWS's or a well-known registry: one that resolves publicly, or to an endpoint."""
        known = any(self.host == name or self.host.endswith(f".{name}") for name in PUBLIC_REGISTRIES)
        return self.service is not None or known


def pull_plan(task: Task, reference: ImageReference, symptom: Symptom) -> tuple[Flow, ...]:
    """List the connections that the task's interface opens for this pull, in order."""
    hosts = _ecr_hosts(reference.ecr) if reference.ecr else _public_hosts(reference.host)
    return tuple(
        Flow(phase, host, service, reference.ecr.region if reference.ecr else None, _address(phase, host, symptom))
        for phase, host, service in hosts
        if not (phase == "sign-in" and signs_in_outside_vpc(task))
    )


def signs_in_outside_vpc(task: Task) -> bool:
    """Whether Fargate signs in by an interface of its own: Linux platform versions before 1.4.0."""
    version = (task.platform_version or "").split(".")
    if (task.platform_family or "").upper().startswith("WINDOWS") or not all(part.isdigit() for part in version):
        return False
    # 1.0.0 is Windows' one; Linux's of that number is long gone.
    return (1, 0) < tuple(int(part) for part in version[:2]) < (1, 4)


def _ecr_hosts(registry: EcrRegistry) -> tuple[tuple[Phase, str, str], ...]:
    # The SDK signs in at the classic name, whatever name form the image uses.
    # https://docs.aws.amazon.com/general/latest/gr/ecr.html
    suffix = DNS_SUFFIXES.get(registry.partition, "amazonaws.com")
    region = registry.region
    return (
        ("sign-in", f"api.ecr.{region}.{suffix}", "ecr.api"),
        ("resolve", registry.host, "ecr.dkr"),
        ("download", f"prod-{region}-starport-layer-bucket.s3.{region}.{suffix}", "s3"),
    )


def _public_hosts(host: str) -> tuple[tuple[Phase, str, None], ...]:
    if host == DOCKER_HUB_HOST:
        # https://docs.docker.com/desktop/setup/allow-list/
        return (
            ("sign-in", "auth.docker.io", None),
            ("resolve", host, None),
            ("download", "production.cloudflare.docker.com", None),
        )
    return (("resolve", host, None),)


def _address(phase: Phase, host: str, symptom: Symptom) -> str | None:
    """The dialled address, where the text ties it to this flow by its host or, without one, by its phase."""
    same = symptom.host == host if symptom.host else symptom.phase == phase
    if not (same and symptom.address):
        return None
    try:
        return str(ipaddress.ip_address(symptom.address))
    except ValueError:
        return None
