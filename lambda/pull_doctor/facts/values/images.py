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
    """One image of an ECR repository; ``status`` is ACTIVE, ARCHIVED..."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime | None
    status: str | None = None


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
class EcrManifest:
    """The manifest behind a tag or digest.

    ``platforms`` are those of an index (``linux/amd64``, ``linux/arm64/v8``), attestations left out; ``None`` where it
    does not say: the manifest of one single image, or an index with an entry that names no platform.
    """

    media_type: str
    platforms: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RegistryLookup:
    """What a registry other than ECR answers to an anonymous question for one image.

    ``hidden``: it refuses, and does not say whether the image is missing or private.
    """

    answer: Literal["found", "missing", "hidden"]
    status: int
    digest: str | None = None
    media_type: str | None = None
