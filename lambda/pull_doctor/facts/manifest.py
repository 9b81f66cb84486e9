"""Reads a manifest: what an image, an index of builds, or anything else that a registry holds says of itself.

https://github.com/opencontainers/image-spec/blob/main/manifest.md and
https://github.com/opencontainers/image-spec/blob/main/image-index.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pull_doctor.facts.values import Manifest, Platform

LONGEST = 1_000_000
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
IMAGES = ("application/vnd.oci.image.manifest.v1+json", DOCKER_IMAGE)
SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
ACCEPTED = (*INDEXES, *IMAGES, *SCHEMA_1)
"""Every form that is asked for: a registry may answer "not found" for an image that it has in another one."""

_NAME = re.compile(r"[ -~]{1,255}")
_UNKNOWN = "unknown"
_REFERENCE_TYPE = "vnd.docker.reference.type"


class UnreadableManifestError(ValueError):
    """The text is no manifest; the message says why."""


def read_manifest(text: str, media_type: str | None) -> Manifest:
    """Read a manifest; ``media_type`` is what the registry calls it. What a pusher wrote is not believed.

    Raises:
        UnreadableManifestError: it is too long, or not of the form of a manifest.
    """
    if len(text) > LONGEST:
        raise UnreadableManifestError(f"the manifest is {len(text)} characters long")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableManifestError("the manifest is not JSON") from error
    if not isinstance(parsed, dict):
        raise UnreadableManifestError("the manifest is not a JSON object")
    try:
        return _read(parsed, media_type or _text(parsed.get("mediaType")) or "")
    except (AttributeError, KeyError, TypeError) as error:
        raise UnreadableManifestError("the manifest is not of the form of one") from error


def _read(parsed: Mapping[str, Any], media_type: str) -> Manifest:
    if media_type in SCHEMA_1 or parsed.get("schemaVersion") == 1:
        return Manifest(media_type, is_index=False, schema=1)
    if media_type in INDEXES or "manifests" in parsed:
        entries = parsed["manifests"]
        images = [entry for entry in entries if not _is_attestation(entry)]
        artifact = _text(parsed.get("artifactType"))
        return Manifest(
            media_type,
            is_index=True,
            platforms=_platforms(images),
            attestations=len(entries) - len(images),
            artifact_type=artifact,
        )
    layers = parsed.get("layers") or []
    sizes = [layer.get("size") for layer in layers]
    return Manifest(
        media_type,
        is_index=False,
        config_type=_text((parsed.get("config") or {}).get("mediaType")),
        layer_types=tuple(dict.fromkeys(filter(None, (_text(layer.get("mediaType")) for layer in layers)))),
        artifact_type=_text(parsed.get("artifactType")),
        size=sum(sizes) if sizes and all(type(size) is int and size >= 0 for size in sizes) else None,
    )


def _is_attestation(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of an index is none of its builds: buildx lists attestations as ``unknown/unknown``.

    https://docs.docker.com/build/metadata/attestations/attestation-storage/
    """
    platform = entry.get("platform") or {}
    marked = (entry.get("annotations") or {}).get(_REFERENCE_TYPE) == "attestation-manifest"
    return marked or _UNKNOWN in (platform.get("os"), platform.get("architecture"))


def _platforms(entries: list[Mapping[str, Any]]) -> tuple[Platform, ...] | None:
    """The platform of each build, ``None`` if one does not say its own."""
    found: dict[Platform, None] = {}
    for entry in entries:
        platform = entry.get("platform") or {}
        system, architecture = _text(platform.get("os")), _text(platform.get("architecture"))
        if not system or not architecture:
            return None
        variant, build = _text(platform.get("variant")), _text(platform.get("os.version"))
        found[Platform(system, architecture, variant, build)] = None
    return tuple(found)


def _text(value: object) -> str | None:
    """A name that a pusher wrote, as far as it is one: a line of plain characters, and not a long one."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None
