"""Image references by the full grammar: registry host, repository, tag, and digest."""

from __future__ import annotations

import re
from dataclasses import dataclass

DOCKER_HUB_HOST = "registry-1.docker.io"
_DOCKER_HUB_NAMES = frozenset({"docker.io", "index.docker.io"})

_HTTPS = 443
_MAX_NAME = 255
_MAX_TEXT = _MAX_NAME + len("@sha256:") + 64

_HOST = re.compile(
    r"(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)

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
    if len(text) > _MAX_TEXT:
        return None
    name, at, digest = text.partition("@")
    if len(name) > _MAX_NAME or (at and not _DIGEST.fullmatch(digest)):
        return None
    host_missing, first, repository, colon, tag = _split(name)
    host = _HOST.fullmatch(first)
    if host is None or not _REPOSITORY.fullmatch(repository) or (colon and not _TAG.fullmatch(tag)):
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


def _split(name: str) -> tuple[bool, str, str, str, str]:
    """Whether no host is written; the host; the repository; the colon of a tag, if there is one; and that tag."""
    first, slash, rest = name.partition("/")
    host_missing = not slash or not (first == "localhost" or "." in first or ":" in first)
    if host_missing:
        first, rest = "docker.io", name
    return host_missing, first, *rest.partition(":")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is not a legal reference: ``why`` goes on from "the image reference ...".

    ``part`` is where, empty where no part of the text can be pointed at. ``corrected`` is the legal reference that the
    text must mean, if there is only one.
    """

    why: str
    part: str = ""
    corrected: str | None = None


def find_fault(text: str) -> Fault | None:
    """Say where a text is not a legal image reference; ``None`` if it is one."""
    if parse_reference(text) is not None:
        return None
    why, part = _fault(text)
    bare = _SCHEME.sub("", text.strip(), count=1)
    name, at, digest = bare.partition("@")
    *_, repository, colon, tag = _split(name)
    end = len(name) - len(repository + colon + tag)
    corrected = f"{name[:end]}{repository.lower()}{colon}{tag}{at}{digest}"
    return Fault(why, part, corrected if parse_reference(corrected) else None)


def _fault(text: str) -> tuple[str, str]:
    if text != text.strip() or not text:
        return ("begins or ends with white space" if text.strip() else "is empty"), ""
    if space := re.search(r"\S\s+\S", text):
        return "has white space in it", space[0]
    if scheme := _SCHEME.match(text):
        return f"begins with {scheme[0]}", scheme[0]
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return "has a digest that is not sha256: and 64 digits in lower case", at + digest
    if len(name) > _MAX_NAME:
        return f"has more than {_MAX_NAME} characters", ""
    return _fault_of_name(name)


def _fault_of_name(name: str) -> tuple[str, str]:
    host_missing, first, repository, colon, tag = _split(name)
    if not host_missing and not _HOST.fullmatch(first):
        return "has an impossible host name", first
    if not repository:
        return "names no repository", ""
    if not _REPOSITORY.fullmatch(repository):
        upper = _REPOSITORY.fullmatch(repository.lower())
        return f"has {'upper case in its' if upper else 'an impossible'} repository name", repository
    if colon and not _TAG.fullmatch(tag):
        return ("has an impossible tag" if tag else "ends in a colon without a tag"), colon + tag
    return "is the id of an image, not a name", name


def ecr_host(account: str, region: str) -> str:
    """The name of an account's private ECR registry in a Region; the classic one, which every Region has."""
    suffix = next(classic for _, prefix, classic, _ in _PARTITIONS if region.startswith(prefix))
    return f"{account}.dkr.ecr.{region}.{suffix}"


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
