"""Image references by the full grammar: registry host, repository, tag, and digest."""

from __future__ import annotations

import re
from dataclasses import dataclass

DOCKER_HUB_HOST = "registry-1.docker.io"
_DOCKER_HUB_NAMES = frozenset({"docker.io", "index.docker.io"})

_HTTPS = 443
MAX_NAME = 255
MAX_TEXT = MAX_NAME + len("@sha256:") + 64

HOST = re.compile(
    r"(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*")
ECR_REPOSITORY = re.compile(r"(?=.{2,256}$)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""What ECR takes: fewer names than the grammar of references.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html"""
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_ECR_HOST = re.compile(
    r"(?P<account>[0-9]{12})\.dkr(?P<joint>[.-])ecr(?:-fips)?"
    r"\.(?P<region>(?:cn|us-gov|eusc-[a-z]{2}|[a-z]{2})-[a-z]+-[0-9]{1,2})\.(?P<suffix>[a-z.]+)"
)
# The partition's name, the prefix of its Regions, and the suffixes of its classic and dual-stack registry names.
_PARTITIONS = (
    ("aws-cn", "cn-", "amazonaws.com.cn", "on.amazonwebservices.com.cn"),
    ("aws-us-gov", "us-gov-", "amazonaws.com", "on.aws"),
    ("aws-eusc", "eusc-", "amazonaws.eu", "on.amazonwebservices.eu"),
    ("aws", "", "amazonaws.com", "on.aws"),
)


@dataclass(frozen=True, slots=True)
class EcrRegistry:
    """A private ECR registry, as its name ``host`` tells: the owner's account, Region, and partition."""

    host: str
    account: str
    region: str
    partition: str

    @property
    def dual_stack(self) -> bool:
        """Whether the name has IPv6 addresses too.

        https://docs.aws.amazon.com/general/latest/gr/ecr.html
        """
        return ".dkr-ecr" in self.host


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A parsed reference. With a digest the digest decides and ``tag`` is only a label.

    ``host`` is the registry that is dialled for manifests (``registry-1.docker.io`` for Docker Hub), in lower
    case and without ``port``, which is ``None`` where none is written; ``repository`` has Docker Hub's
    ``library/`` filled in; ``tag`` is ``latest`` where neither tag nor digest is written. ``host_missing``: no registry
    is written, so that Docker Hub is meant.
    """

    text: str
    host: str
    repository: str
    tag: str | None
    digest: str | None
    ecr: EcrRegistry | None = None
    port: int | None = None
    host_missing: bool = False


def parse_reference(text: str) -> ImageReference | None:
    """Parse an image reference; ``None`` if it is not a legal one.

    The first component is a host only if it holds a dot or a colon or is ``localhost``; anything else is on
    Docker Hub. A scheme, white space, upper case in the path, and any digest but SHA-256 make it illegal.

    Grammar: https://pkg.go.dev/github.com/distribution/reference
    Length: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """
    if len(text) > MAX_TEXT:
        return None
    name, at, digest = text.partition("@")
    if len(name) > MAX_NAME or (at and not DIGEST.fullmatch(digest)):
        return None
    host_missing, first, repository, colon, tag = split_name(name)
    host = HOST.fullmatch(first)
    if host is None or not REPOSITORY.fullmatch(repository) or (colon and not TAG.fullmatch(tag)):
        return None
    # Docker keeps a bare SHA-256 for image ids: it is no name.
    if name == repository and _IMAGE_ID.fullmatch(repository):
        return None
    dialled, port = host["host"].lower(), int(host["port"]) if host["port"] else None
    # Docker fills in library/ and the real host for these two names only.
    if first.lower() in _DOCKER_HUB_NAMES:
        dialled = DOCKER_HUB_HOST
        repository = repository if "/" in repository else f"library/{repository}"
    return ImageReference(
        text=text,
        host=dialled,
        repository=repository,
        tag=tag if colon else (None if at else "latest"),
        digest=digest if at else None,
        ecr=parse_ecr_host(dialled) if port in (None, _HTTPS) else None,
        port=port,
        host_missing=host_missing,
    )


def split_name(name: str) -> tuple[bool, str, str, str, str]:
    """Split what stands before a digest, be it legal or not.

    Return whether no host is written; the host; the repository; the colon of a tag, if there is one; and that tag.
    """
    first, slash, rest = name.partition("/")
    host_missing = not slash or not (first == "localhost" or "." in first or ":" in first)
    if host_missing:
        first, rest = "docker.io", name
    return host_missing, first, *rest.partition(":")


def ecr_host(account: str, region: str, *, dual_stack: bool = False) -> str:
    """The name of an account's private ECR registry in a Region; the classic one, or the one that has IPv6 too."""
    _, _, classic, dual = next(row for row in _PARTITIONS if region.startswith(row[1]))
    return f"{account}.dkr-ecr.{region}.{dual}" if dual_stack else f"{account}.dkr.ecr.{region}.{classic}"


def parse_ecr_host(host: str) -> EcrRegistry | None:
    """Parse the host name of a private ECR registry; ``None`` for any other name.

    The whole name must fit, and the Region must belong to the partition of the DNS suffix.

    Names: https://docs.aws.amazon.com/general/latest/gr/ecr.html
    """
    match = _ECR_HOST.fullmatch(host)
    if match is None:
        return None
    region = match["region"]
    partition, _, classic, dual_stack = next(row for row in _PARTITIONS if region.startswith(row[1]))
    if match["suffix"] != (dual_stack if match["joint"] == "-" else classic):
        return None
    return EcrRegistry(host, match["account"], region, partition)
