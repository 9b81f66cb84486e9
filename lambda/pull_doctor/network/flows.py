"""The pull plan: which connections this pull needs, by launch type, platform version, and registry.

On Fargate 1.4.0 and later, and on Windows, everything leaves by the task's own interface. Up to 1.3.0 the sign-in
leaves by an interface of Fargate's, outside the VPC, so that it needs no path here.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace

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
    ``actions`` on ``resource`` is what it asks of the service, as an endpoint policy judges it. ``after_manifest``: the
    text shows that the registry had answered before.
    """

    phase: Phase
    host: str
    service: str | None = None
    region: str | None = None
    address: str | None = None
    actions: tuple[str, ...] = ()
    resource: str | None = None
    after_manifest: bool = False

    @property
    def is_public(self) -> bool:
        """Whether the host is AWS's or a well-known registry: one that resolves publicly, or to an endpoint."""
        known = any(self.host == name or self.host.endswith(f".{name}") for name in PUBLIC_REGISTRIES)
        return self.service is not None or known


def pull_plan(task: Task, reference: ImageReference, symptom: Symptom) -> tuple[Flow, ...]:
    """List the connections that the task's interface opens for this pull, in order."""
    if reference.ecr is None:
        return tuple(Flow(phase, host, address=_address(phase, host, symptom)) for phase, host in _hosts(reference))
    downloading = symptom.phase == "download"
    return tuple(
        replace(
            flow,
            address=_address(flow.phase, flow.host, symptom),
            after_manifest=downloading and flow.phase == "download",
        )
        for flow in _ecr_flows(reference.ecr, reference.repository)
        if not (flow.phase == "sign-in" and signs_in_outside_vpc(task))
    )


def signs_in_outside_vpc(task: Task) -> bool:
    """Whether Fargate signs in by an interface of its own: Linux platform versions before 1.4.0."""
    version = (task.platform_version or "").split(".")
    if (task.platform_family or "").upper().startswith("WINDOWS") or not all(part.isdigit() for part in version):
        return False
    # 1.0.0 is Windows' one; Linux's of that number is long gone.
    return (1, 0) < tuple(int(part) for part in version[:2]) < (1, 4)


def _ecr_flows(registry: EcrRegistry, repository: str) -> tuple[Flow, ...]:
    """The connections of a pull from ECR, and what each asks for.

    The SDK signs in at the classic name, whatever name form the image uses:
    https://docs.aws.amazon.com/general/latest/gr/ecr.html.
    The layers' bucket: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    suffix = DNS_SUFFIXES.get(registry.partition, "amazonaws.com")
    region, partition = registry.region, registry.partition
    owned = f"arn:{partition}:ecr:{region}:{registry.account}:repository/{repository}"
    bucket = f"prod-{region}-starport-layer-bucket"
    pull = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    return (
        Flow(
            "sign-in",
            f"api.ecr.{region}.{suffix}",
            "ecr.api",
            region,
            actions=("ecr:GetAuthorizationToken",),
            resource="*",
        ),
        Flow("resolve", registry.host, "ecr.dkr", region, actions=pull, resource=owned),
        Flow(
            "download",
            f"{bucket}.s3.{region}.{suffix}",
            "s3",
            region,
            actions=("s3:GetObject",),
            resource=f"arn:{partition}:s3:::{bucket}/*",
        ),
    )


def _hosts(reference: ImageReference) -> tuple[tuple[Phase, str], ...]:
    if reference.host == DOCKER_HUB_HOST:
        # https://docs.docker.com/desktop/setup/allow-list/
        return (
            ("sign-in", "auth.docker.io"),
            ("resolve", reference.host),
            ("download", "production.cloudflare.docker.com"),
        )
    return (("resolve", reference.host),)


def _address(phase: Phase, host: str, symptom: Symptom) -> str | None:
    """The dialled address, where the text ties it to this flow by its host or, without one, by its phase."""
    same = symptom.host == host if symptom.host else symptom.phase == phase
    if not (same and symptom.address):
        return None
    try:
        return str(ipaddress.ip_address(symptom.address))
    except ValueError:
        return None
