"""What a text says of the form of an image, and what its manifest shows it to be.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.manifest import INDEXES
from pull_doctor.facts.values import EcrLookup, Manifest
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptoms.names import hide_names

Says = Literal[
    "no-image",
    "schema-1",
    "web-page",
    "layers-differ",
    "layers-unnamed",
    "refused",
    "form",
    "layer-missing",
    "layer-not-found",
    "host",
    "cut",
    "damage",
]

_OF_THE_FORM: tuple[tuple[Says, re.Pattern[str]], ...] = (
    ("schema-1", re.compile(r"schema ?(?:version )?1\b|image format v1|distribution\.manifest\.v1\+")),
    ("web-page", re.compile(r"text/html")),
    ("layers-differ", re.compile(r"diffids don.?t match: [1-9]\d* != [1-9]|layers from manifest")),
    ("layers-unnamed", re.compile(r"layers and diffids|rootfs and manifest layers|invalid rootfs in")),
    ("refused", re.compile(r"manifest invalid|405 method not allowed")),
    ("form", re.compile("")),
)
_OF_A_LAYER: tuple[tuple[Says, re.Pattern[str]], ...] = (
    ("layer-missing", re.compile(r"blob unknown|unknown blob")),
    (
        "host",
        re.compile(
            r"hcsshim|input/output error|layer does not exist|extraction snapshot|content digest|permission denied"
            r"|not (?:permitted|supported)|cannot allocate memory|read-only file system|being used by another"
        ),
    ),
    ("cut", re.compile(r"short read|content size of zero")),
    (
        "damage",
        re.compile(
            r"verification failed|digest mismatch|commit digest|failed size validation|gzip: invalid|zlib|archive/tar"
            r"|unexpected eof"
        ),
    ),
    ("layer-not-found", re.compile(r"from remote: not found| 404\b")),
)
_MARKS = {"unsupported-manifest": _OF_THE_FORM, "layer-corrupt-or-extract-failure": _OF_A_LAYER}
"""By the kind of text; the first that matches decides. A full disk and a broken connection are kinds of their own."""

_MEDIA_TYPE = re.compile(r"(?<![\w/.-])application/(?:vnd\.[\w.+-]*\w|(?:json|octet-stream)(?![\w/]))")
_OF_IMAGES = (
    "application/vnd.oci.image.",
    "application/vnd.docker.image.",
    "application/vnd.docker.container.image.",
    "application/vnd.docker.distribution.manifest.",
)
_QUOTED = re.compile(r"""(["'])((?:application|text)/[\w.+-]+)\1""", re.IGNORECASE)
_INSTEAD = re.compile(r"mediatype in manifest should be \S+ not ", re.IGNORECASE)
"""What Docker says of a type that it did not expect, behind the one that it did."""
_CONFIGURATIONS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")
ATTESTATION, NOTHING = "an attestation of a build", "nothing that runs"
_NAMES = {
    "in-toto": ATTESTATION,
    "helm": "a Helm chart",
    "cosign": "a signature",
    "sigstore": "a signature",
    "notary": "a signature",
    "signature": "a signature",
    "spdx": "a bill of materials",
    "cyclonedx": "a bill of materials",
    "syft": "a bill of materials",
    "wasm": "a WebAssembly module",
    "soci": "an index for lazy loading",
    "plugin": "a plugin of Docker",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the runtime says, ``None`` where that tells nothing; ``media_type`` is what it stumbled on."""

    says: Says | None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What the registry holds under the reference; ``is_image`` is ``None`` where that was not read, or not shown.

    ``types`` are the media types that show it; ``from_manifest`` is whether the manifest itself was read.
    """

    is_image: bool | None
    types: tuple[str, ...] = ()
    from_manifest: bool = False


def complaint(symptom: Symptom, message: str) -> Complaint:
    """Read which of the forms the text complains of; names of images and hosts are not heard."""
    # A type in quotes is no name, and one that was expected is not the one that came.
    line = _INSTEAD.sub("unexpected mediatype ", _QUOTED.sub(r"\2", " ".join(message.split())))
    words, marks = hide_names(line), _MARKS.get(symptom.kind, ())
    says = next((says for says, mark in marks if mark.search(words)), None)
    media_type = next(iter(_MEDIA_TYPE.findall(line.lower())), None) if says == "form" else None
    # A text may end in the middle of a word: what is left of a type must not pass for another one.
    if media_type and not any(one.startswith(media_type) for one in _OF_IMAGES) and foreign(media_type):
        return Complaint("no-image", media_type)
    return Complaint(says, media_type)


def foreign(media_type: str) -> bool:
    """Whether a media type is none of an image; of one without a vendor nothing is said."""
    return media_type.startswith("application/vnd.") and not media_type.startswith(_OF_IMAGES)


def held(manifest: Fact[Manifest | None], found: Fact[EcrLookup]) -> Held:
    """What was read of the image, by its manifest, else by what ECR tells of it."""
    read = manifest.value if isinstance(manifest, Known) else None
    if read:
        return _of_manifest(read)
    there = found.value.image if isinstance(found, Known) else None
    kind = there.artifact_type if there and there.media_type not in INDEXES else None
    # An attestation has the configuration of an image, so that it shows nothing.
    return Held(is_image=False, types=(kind,)) if kind and foreign(kind) else Held(is_image=None)


def _of_manifest(read: Manifest) -> Held:
    if read.is_index:
        return Held(is_image=None if read.platforms is None else bool(read.platforms), from_manifest=True)
    if read.config_type and foreign(read.config_type):
        return Held(
            is_image=False, types=tuple(filter(None, (read.artifact_type, read.config_type))), from_manifest=True
        )
    if read.layer_types and not any(one.startswith(_LAYERS) for one in read.layer_types):
        return Held(is_image=False, types=read.layer_types, from_manifest=True)
    known = read.schema == 1 or read.config_type in _CONFIGURATIONS
    return Held(is_image=True if known else None, from_manifest=True)


def called(types: Iterable[str]) -> str:
    """What an artifact of these media types is, with its article."""
    types = tuple(types)
    named = (name for one in types for word, name in _NAMES.items() if word in one)
    return next(named, f"an artifact of type {types[0]}" if types else NOTHING)
