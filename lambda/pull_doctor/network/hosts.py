"""Which hosts a pull contacts, by registry and Region, as tables: their names, address families, and who is public.

ECR's names: https://docs.aws.amazon.com/general/latest/gr/ecr.html and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, EcrRegistry

DNS_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
"""The DNS suffix of each partition that does not use ``amazonaws.com``."""

DUAL_STACK_SUFFIXES = {"aws-cn": "api.amazonwebservices.com.cn", "aws-eusc": "api.amazonwebservices.eu"}
"""The suffix of the dual-stack names of AWS's services, in each partition that does not use ``api.aws``."""

_SERVICE = r"(?:api\.ecr|ecr|secretsmanager|ssm)(?:-fips)?\.[a-z0-9-]+"
_BUCKET = r"prod-[a-z0-9-]+-starport-layer-bucket\.s3"
_CLASSIC = re.compile(
    rf"(?:{_SERVICE}|\d{{12}}\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+|{_BUCKET}\.[a-z0-9-]+)\.amazonaws\.(?:com|com\.cn|eu)"
)
_DUAL_STACK = re.compile(
    rf"{_SERVICE}\.api\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu)"
    r"|\d{12}\.dkr-ecr(?:-fips)?\.[a-z0-9-]+\.on\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu)"
    rf"|{_BUCKET}\.dualstack\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)"
)
_KNOWN_FAMILIES = {"public.ecr.aws": (4,), "ecr-public.aws.com": (4, 6)}
"""ECR Public: https://docs.aws.amazon.com/AmazonECR/latest/public/public-ecr-requests.html"""


@dataclass(frozen=True, slots=True)
class OtherRegistry:
    """What a registry outside ECR is known to use besides its own host, by the ends of its names.

    ``layers`` are hosts of which a download uses one; where ``documented`` is false, it may use the registry's own too.
    """

    names: tuple[str, ...]
    sign_in: str | None = None
    layers: tuple[str, ...] = ()
    documented: bool = False


OTHER_REGISTRIES = (
    # https://docs.docker.com/desktop/setup/allow-list/
    OtherRegistry(
        (DOCKER_HUB_HOST,),
        "auth.docker.io",
        (
            "production.cloudflare.docker.com",
            "production.cloudfront.docker.com",
            "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com",
        ),
        documented=True,
    ),
    # The rest is as seen, so that none of these hosts alone decides about a pull.
    OtherRegistry(("ghcr.io",), layers=("pkg-containers.githubusercontent.com",)),
    OtherRegistry(("quay.io",), layers=("cdn.quay.io", "cdn01.quay.io", "cdn02.quay.io", "cdn03.quay.io")),
    OtherRegistry(("gcr.io",), layers=("storage.googleapis.com",)),
    OtherRegistry(("registry.gitlab.com",), layers=("cdn.registry.gitlab-static.net",)),
    OtherRegistry(("public.ecr.aws", "ecr-public.aws.com", "pkg.dev", "mcr.microsoft.com", "registry.k8s.io")),
)

_PUBLIC = (
    *(name for registry in OTHER_REGISTRIES for name in (*registry.names, *registry.layers)),
    "docker.io",
    "docker.com",
)
"""Hosts that are on the internet for sure, by the end of their names; any other may be a private one."""


def is_of_aws(host: str) -> bool:
    """Whether a host has one of AWS's own names."""
    return host.endswith((".amazonaws.com", ".aws", *DNS_SUFFIXES.values(), *DUAL_STACK_SUFFIXES.values()))


def is_public(host: str) -> bool:
    """Whether a registry's host is on the internet for sure."""
    return _ends(host, _PUBLIC)


def other_registry(host: str) -> OtherRegistry:
    """What is known of the registry; of one that is not in the table nothing but its own host."""
    return next((one for one in OTHER_REGISTRIES if _ends(host, one.names)), OtherRegistry((host,)))


def families(host: str) -> tuple[int, ...]:
    """The IP versions in which a host has addresses, as AWS documents them; empty where that is not known.

    Only AWS's dual-stack names have IPv6 addresses. The classic ones of ECR, S3, Secrets Manager, and Systems Manager
    need IPv4: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
    """
    if host in _KNOWN_FAMILIES:
        return _KNOWN_FAMILIES[host]
    if _DUAL_STACK.fullmatch(host):
        return (4, 6)
    return (4,) if _CLASSIC.fullmatch(host) else ()


def service_host(service: str, region: str, partition: str, *, dual_stack: bool = False) -> str:
    """The host of an AWS service's API: ``ecr.api``, ``secretsmanager``, or ``ssm``.

    SDKs ask at the classic name, whatever name form the image uses; where the puller has no IPv4, at the dual-stack
    one, as nothing else answers there.
    """
    if dual_stack:
        return f"{service.partition('.')[0]}.{region}.{DUAL_STACK_SUFFIXES.get(partition, 'api.aws')}"
    name = "api.ecr" if service == "ecr.api" else service
    return f"{name}.{region}.{DNS_SUFFIXES.get(partition, 'amazonaws.com')}"


def layer_bucket(region: str) -> str:
    """The bucket from which ECR hands out layers.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    return f"prod-{region}-starport-layer-bucket"


def layers_host(registry: EcrRegistry, *, dual_stack: bool = False) -> str:
    """The host to which ECR redirects for layers; only S3's dual-stack name has IPv6 addresses.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/dual-stack-endpoints.html
    """
    form = "s3.dualstack" if dual_stack else "s3"
    suffix = DNS_SUFFIXES.get(registry.partition, "amazonaws.com")
    return f"{layer_bucket(registry.region)}.{form}.{registry.region}.{suffix}"


def _ends(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)
