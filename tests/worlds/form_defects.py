"""Defects of what the image is: for another platform, no image at all, in an old form, or damaged.

Each pushes a manifest under the tag that the task names, and mends by pushing another one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.emulated import moto_images
from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.platform_defects import WINDOWS
from tests.worlds.rights import registry, repository_name

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
CONFIG = "application/vnd.oci.image.config.v1+json"
HELM = "application/vnd.cncf.helm.config.v1+json"
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"
GZIP, ZSTD = (f"application/vnd.oci.image.layer.v1.tar+{one}" for one in ("gzip", "zstd"))

_AMD, _ARM = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}
_NO_PLATFORM = {"os": "unknown", "architecture": "unknown"}
_RETRIED = "CannotPullContainerError: ref pull has been retried 1 time(s):"
_DAEMON = "CannotPullContainerError: Error response from daemon:"


def _windows(build: str) -> dict[str, str]:
    return {"os": "windows", "architecture": "amd64", "os.version": build}


def _sha(number: int) -> str:
    return f"sha256:{number:064x}"


def _manifest(config: str, *layers: str, seed: int = 0) -> dict[str, Any]:
    """A manifest of one thing: an image, or whatever its media types make it; ``seed`` makes it another one."""
    described = [
        {"mediaType": kind, "size": 31_357_624, "digest": _sha(seed * 100 + place + 1)}
        for place, kind in enumerate(layers)
    ]
    own = {"mediaType": config, "size": 7023, "digest": _sha(seed * 100)}
    return {"schemaVersion": 2, "mediaType": OCI, "config": own, "layers": described}


def _index(*platforms: dict[str, str]) -> dict[str, Any]:
    """An index with one manifest for each platform."""
    manifests = [
        {"mediaType": OCI, "size": 1024, "digest": _sha(9000 + place), "platform": platform}
        for place, platform in enumerate(platforms)
    ]
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}


def _push(parts: Healthy, manifest: dict[str, Any], media_type: str | None = None) -> None:
    registry(parts).put_image(
        repositoryName=repository_name(parts),
        imageTag=parts.image.rpartition(":")[2],
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=media_type or manifest["mediaType"],
    )


def _pushed_later(parts: Healthy, manifest: dict[str, Any]) -> None:
    """Push an image after the failure; the emulator tells the time to the second alone."""
    _push(parts, manifest)
    later = datetime.now(UTC) + timedelta(seconds=2)
    where = (parts.builder.account, parts.builder.region, repository_name(parts), parts.image.rpartition(":")[2])
    moto_images.set_pushed_at(*where, later)


def _pushing(
    broken: dict[str, Any], mended: dict[str, Any], text: str, media_type: str | None = None
) -> Callable[[Healthy], Broken]:
    """The tag names the one, ECS says this, and the tag names the other once it is mended."""

    def breaks(parts: Healthy) -> Broken:
        _push(parts, broken, media_type)
        neutral = texts.manifest_timeout(parts.image)
        return Broken((repository_name(parts),), text, lambda: _pushed_later(parts, mended), neutral)

    return breaks


def _for_another_windows(parts: Healthy) -> Broken:
    parts.definition["runtimePlatform"] = {"cpuArchitecture": "X86_64", "operatingSystemFamily": WINDOWS[1]}
    old, new = _windows("10.0.17763.6893"), _windows("10.0.20348.3091")
    return _pushing(_index(old), _index(old, new), _no_matching("windows/amd64 10.0.20348"))(parts)


def _on_an_arm_host(parts: Healthy) -> Broken:
    parts.builder.agent_tells("1.90.0", "25.0.8", cpu_architecture="arm64")
    host = parts.builder.host
    assert host
    broken = _pushing(_index(_AMD), _index(_AMD, _ARM), _no_matching("linux/arm64/v8"))(parts)
    return Broken((*broken.culprits, host.instance), broken.text, broken.mend, broken.neutral_text)


def _on_old_docker(parts: Healthy) -> Broken:
    """The Docker of an old AMI does not know layers in zstd."""
    parts.builder.agent_tells("1.50.0", "19.03.13-ce")
    text = f"{_DAEMON} unsupported media type {ZSTD}"
    return _pushing(_manifest(CONFIG, ZSTD, seed=5), _IMAGE, text)(parts)


def _index_of_attestations(parts: Healthy) -> Broken:
    """The next task, once there is a build, fails otherwise: this text would go on proving that there was none."""
    text = texts.no_such_platform("linux/amd64")
    broken = _pushing(_index(_NO_PLATFORM, _NO_PLATFORM), _index(_AMD, _NO_PLATFORM), text)(parts)

    def next_text() -> str:
        return texts.manifest_timeout(parts.image)

    return Broken(broken.culprits, broken.text, broken.mend, next_text=next_text)


def _no_matching(platform: str) -> str:
    return f"{_DAEMON} no matching manifest for {platform} in the manifest list entries"


def _no_processor(media_type: str) -> str:
    return (
        f"{_RETRIED} failed to unpack image on snapshotter overlayfs: failed to extract layer {_sha(7)}: failed to get "
        f"stream processor for {media_type}: no processor for media-type: unknown"
    )


_IMAGE = _manifest(CONFIG, GZIP, GZIP, seed=1)
_SCHEMA_1 = (
    f"{_DAEMON} Docker Image Format v1 and Docker Image manifest version 2, schema 1 support is disabled by default "
    "and will be removed in an upcoming release."
)
_CHART = _manifest(HELM, CHART, seed=3)
_BY_MANIFEST = frozenset({"ecr:BatchGetImage", "ecr:DescribePullThroughCacheRules"})

DEFECTS: dict[str, Defect] = {
    "image-built-on-a-laptop": Defect(
        "platform-mismatch",
        _pushing(_index(_ARM, _NO_PLATFORM), _index(_AMD, _ARM), texts.no_such_platform("linux/amd64")),
        "nat",
        text_proves=True,
    ),
    "image-for-another-windows": Defect(
        "platform-mismatch",
        _for_another_windows,
        "nat",
        text_proves=True,
        platform=WINDOWS,
    ),
    "image-without-arm-on-ec2": Defect("platform-mismatch", _on_an_arm_host, "nat", text_proves=True, host="bridge"),
    "attestation-pushed-last": Defect(
        "not-a-container-image",
        _pushing(_manifest(CONFIG, IN_TOTO, seed=2), _IMAGE, _no_processor(IN_TOTO)),
        "nat",
        text_proves=True,
    ),
    "chart-under-the-tag": Defect(
        "not-a-container-image",
        _pushing(_CHART, _IMAGE, f"{_RETRIED} number of layers and diffIDs don't match: 1 != 0"),
        "nat",
        rests_on=_BY_MANIFEST,
    ),
    "chart-under-the-tag-on-ec2": Defect(
        "not-a-container-image",
        _pushing(_CHART, _IMAGE, f"{_DAEMON} unsupported media type {HELM}"),
        "nat",
        text_proves=True,
        host="bridge",
    ),
    "index-of-attestations": Defect(
        "not-a-container-image", _index_of_attestations, "nat", relaunch=True, rests_on=_BY_MANIFEST
    ),
    "image-in-schema-1": Defect(
        "image-format-unsupported",
        _pushing({"schemaVersion": 1, "name": "app", "tag": "1", "fsLayers": []}, _IMAGE, _SCHEMA_1, SCHEMA_1),
        "nat",
        text_proves=True,
    ),
    "layers-in-zstd-on-old-docker": Defect(
        "image-format-unsupported", _on_old_docker, "nat", text_proves=True, host="bridge"
    ),
    "layers-and-configuration-differ": Defect(
        "image-corrupt",
        _pushing(
            _manifest(CONFIG, *[GZIP] * 3, *[ZSTD] * 12, seed=4),
            _IMAGE,
            f"{_RETRIED} number of layers and diffIDs don't match: 3 != 15",
        ),
        "nat",
        text_proves=True,
    ),
    "layer-damaged-on-ec2": Defect(
        "image-corrupt",
        _pushing(
            _manifest(CONFIG, GZIP, seed=6),
            _IMAGE,
            f"{_DAEMON} failed to register layer: Error processing tar file(exit status 1): unexpected EOF",
        ),
        "nat",
        text_proves=True,
        certainty="likely",
        host="bridge",
    ),
}
