"""Texts about the form of an image, and manifests of what is one, and of what is not."""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.facts.values import Manifest
from pull_doctor.intake.symptoms.reading import read_symptom
from pull_doctor.intake.task import Failure
from tests.causes.factory import IMAGE, INDEX, failure

OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
HELM = "application/vnd.cncf.helm.config.v1+json"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"

AN_IMAGE = Manifest(OCI, is_index=False, config_type=CONFIG, layer_types=(GZIP,))
CHART = Manifest(OCI, is_index=False, config_type=HELM, layer_types=(CHART_LAYER,))
ATTESTATION = Manifest(OCI, is_index=False, config_type=CONFIG, layer_types=(IN_TOTO,))
ONLY_ATTESTATIONS = Manifest(INDEX, is_index=True, platforms=(), attestations=2)
SCHEMA_1 = Manifest("application/vnd.docker.distribution.manifest.v1+prettyjws", is_index=False, schema=1)

_RETRIED = "CannotPullContainerError: ref pull has been retried 1 time(s):"
_DAEMON = "CannotPullContainerError: Error response from daemon:"
_UNPACK = f"{_RETRIED} failed to unpack image on snapshotter overlayfs:"


def no_processor(media_type: str) -> str:
    return (
        f"{_UNPACK} failed to extract layer sha256:5e1f: failed to get stream processor for {media_type}: no processor "
        "for media-type: unknown"
    )


COUNTS_DIFFER = f"{_RETRIED} number of layers and diffIDs don\u2019t  match: 4 != 9"
NO_DIFF_IDS = f"{_RETRIED} number of layers and diffIDs don't match: 1 != 0"
ROOTFS_DIFFERS = f"{_UNPACK} mismatched image rootfs and manifest layers"
INVALID_ROOTFS = f"{_DAEMON} invalid rootfs in image configuration"
DOCKER_DIFFERS = f"{_DAEMON} layers from manifest don't match image configuration"
OLD = f"{_DAEMON} Docker Image Format v1 and Docker Image manifest version 2, schema 1 support is disabled by default"
OTHER_TYPE = f"{_DAEMON} unsupported manifest mediatype: application/json"
NO_TYPE = f"{_DAEMON} unsupported manifest format"
WEB_PAGE = f"{_RETRIED} failed to resolve reference: unexpected media type text/html for sha256:5e1f: not found"
QUOTED_PAGE = f"{_DAEMON} mediaType in manifest should be '{DOCKER}' not 'text/html'"
EXPECTED_DOCKER = f"{_DAEMON} mediaType in manifest should be '{DOCKER}' not '{OCI}'"
OLD_AND_QUOTED = (
    f'{_RETRIED} media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since '
    f'containerd v2.1, please rebuild the image as "{DOCKER}" or "{OCI}"'
)
ZSTD_REFUSED = f"{_DAEMON} media type {ZSTD!r} is not supported by this daemon"
CHART_REFUSED = f"{_DAEMON} unsupported media type {HELM}"
ACCEPTED_REFUSED = (
    f"{_RETRIED} failed to copy: httpReadSeeker: failed open: unexpected status code https://123456789012.dkr.ecr."
    "eu-west-1.amazonaws.com/v2/team/app/manifests/sha256:5e1f: 405 Method Not Allowed - Server message: unsupported: "
    "Invalid parameter at 'acceptedMediaTypes' failed to satisfy constraint"
)
LAYER_MISSING = f"{_RETRIED} failed to copy: blob unknown: blob unknown to registry"
LAYER_NOT_FOUND = (
    f"{_RETRIED} failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:5e1f "
    f"({GZIP}) from remote: not found"
)
LAYER_404 = (
    f"{_RETRIED} failed to copy: httpReadSeeker: failed open: unexpected status code https://123456789012.dkr.ecr."
    "eu-west-1.amazonaws.com/v2/team/app/blobs/sha256:5e1f: 404 Not Found"
)
VERIFICATION = f"{_DAEMON} filesystem layer verification failed for digest sha256:5e1f"
TAR = f"{_DAEMON} failed to register layer: Error processing tar file(exit status 1): unexpected EOF"
SHORT_READ = f"{_UNPACK} failed to extract layer sha256:5e1f: short read: expected 31457280 bytes but got 8192"
DISK_ERROR = f"{_DAEMON} failed to register layer: write /var/lib/docker/tmp/x: input/output error"
WINDOWS_LOCK = (
    f"{_DAEMON} failed to register layer: hcsshim::ImportLayer failed in Win32: The process cannot access the file "
    "because it is being used by another process. (0x20)"
)
NO_REASON = f"{_DAEMON} failed to register layer: exit status 1"


def saying(text: str, image: str = IMAGE) -> Failure:
    """The failure of a container with this text, read as any text is."""
    return replace(failure(read_symptom(text), image), message=text)
