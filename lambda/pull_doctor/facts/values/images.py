"""What registries say of images.

Nothing here can hold an environment variable, a command line, or a secret's value. Collections are
tuples, ordered as AWS returned them; an absent optional member is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class EcrImage:
    """One image of an ECR repository.

    ``status`` is ACTIVE, ARCHIVED, or ACTIVATING, which it is while it is restored; ``archived_at`` and ``restored_at``
    are when it last was. ``size`` is in bytes, compressed; of an index, that of its largest build. ``media_type`` is
    the manifest's, ``artifact_type`` what the manifest says it holds (a chart, a signature, an image's configuration).
    """

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime | None
    status: str | None = None
    size: int | None = None
    media_type: str | None = None
    artifact_type: str | None = None
    archived_at: datetime | None = None
    restored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EcrLookup:
    """What ECR answers for one repository and one tag or digest.

    ``missing`` says which of the two ECR does not have; ``None`` if the image is there.
    """

    missing: Literal["repository", "image"] | None
    image: EcrImage | None = None


@dataclass(frozen=True, slots=True)
class EcrTags:
    """Tagged images of a repository, in ECR's order; ``complete`` is false where more pages were left unread."""

    images: tuple[EcrImage, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class RepositoryNames:
    """The names of a registry's repositories; ``complete`` is false where more pages were left unread."""

    names: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform of one build in an index, as its pusher wrote it; ``os_version`` is Windows's build number."""

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest behind a tag or digest, as far as it tells what it is a manifest of.

    Of an index: ``platforms``, attestations left out, which ``attestations`` counts; ``platforms`` is ``None`` where an
    entry names none. Of anything else ``platforms`` is ``None``, and ``config_type`` and ``layer_types`` are the media
    types of its configuration and its layers, ``artifact_type`` what it calls itself. ``size`` is the sum of its
    layers in bytes, compressed; ``None`` where it does not say. ``schema`` is 1 for Docker's oldest form, else 2.
    """

    media_type: str
    is_index: bool
    platforms: tuple[Platform, ...] | None = None
    attestations: int = 0
    config_type: str | None = None
    layer_types: tuple[str, ...] = ()
    artifact_type: str | None = None
    size: int | None = None
    schema: int = 2


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """One rule of a repository's lifecycle policy, as it is written.

    It takes tagged images with one of the ``prefixes`` or ``patterns``, untagged ones, or any, once there are more than
    ``count`` of them or they are older than ``count`` ``unit``s, by what ``count_type`` counts.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """

    priority: int
    action: Literal["expire", "transition"]
    tag_status: Literal["tagged", "untagged", "any"]
    count_type: str
    count: int
    unit: str | None = None
    prefixes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ReplicationRule:
    """Where a registry copies its images to, as (Region, account), and which: all, or those with these prefixes."""

    destinations: tuple[tuple[str, str], ...]
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replication:
    """How far the copy of one image to one registry has come; ``status`` is IN_PROGRESS, COMPLETE, or FAILED."""

    region: str
    account: str
    status: str
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What a registry says of its limit to the one who asks: ``remaining`` of ``limit`` pulls in ``seconds``.

    ``source`` is whom it counts: an address, or an account.
    """

    limit: int
    remaining: int
    seconds: int
    source: str | None = None


@dataclass(frozen=True, slots=True)
class RegistryLookup:
    """What a registry other than ECR answers to an anonymous question for one image.

    ``hidden``: it refuses, and does not say whether the image is missing or private. ``rate_limit`` is that of the one
    who asked, not of the task.
    """

    answer: Literal["found", "missing", "hidden"]
    status: int
    digest: str | None = None
    media_type: str | None = None
    rate_limit: RateLimit | None = None
