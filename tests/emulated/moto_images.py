"""What moto's ECR lacks of images: their storage class, sizes, media types, filters, pages, and untagged old ones.

Each repair is patched into moto once; an image's state lives with moto's own image. The last functions set what only
time brings about.
"""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr import policy_validation
from moto.ecr.models import ECRBackend, Image, ecr_backends
from moto.ecr.responses import ECRResponse

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


class _NotSupportedError(ServiceException):
    code = "ImageStorageClassUpdateNotSupportedException"


def repair() -> None:
    """Patch moto."""
    _images_tell_of_themselves()
    _a_moved_tag_leaves_its_image()
    _lists_are_filtered()
    _storage_classes()
    _lifecycle_policies_archive()


def image(account: str, region: str, repository: str, tag: str) -> Any:
    """Moto's own image behind a tag."""
    return ecr_backends[account][region].repositories[repository]._get_image(tag, None)


def finish_restore(account: str, region: str, repository: str, tag: str) -> None:
    """Let an image that is being restored be active, as some minutes later."""
    found = image(account, region, repository, tag)
    found.image_status, found.last_activated_at = "ACTIVE", datetime.now(UTC).timestamp()


def set_pushed_at(account: str, region: str, repository: str, tag: str, moment: datetime) -> None:
    """Let an image have been pushed at this moment."""
    image(account, region, repository, tag).image_pushed_at = moment.timestamp()


def _images_tell_of_themselves() -> None:
    """Sizes are those of the layers; of an index, that of its largest build that is in the repository, too.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html
    """
    start = Image.__init__

    def made(self: Any, *more: Any, **named: Any) -> None:
        start(self, *more, **named)
        self.image_status = "ACTIVE"

    def digest(self: Any) -> None:
        self._image_digest = "sha256:" + hashlib.sha256(self.image_manifest.encode()).hexdigest()

    def artifact(self: Any) -> str | None:
        manifest = json.loads(self.image_manifest)
        named: str | None = manifest.get("artifactType") or (manifest.get("config") or {}).get("mediaType")
        return named

    def size(self: Any) -> int | None:
        manifest = json.loads(self.image_manifest)
        if self.image_manifest_media_type not in _INDEXES:
            layers = [layer["size"] for layer in manifest.get("layers") or [] if "size" in layer]
            return sum(layers) if layers else None
        builds = {build["digest"] for build in manifest["manifests"]}
        sizes = [one.image_size_in_bytes for one in self.neighbours if one.image_digest in builds]
        return max((one for one in sizes if one), default=None)

    Image.__init__ = made  # type: ignore[method-assign] # the repair
    Image._create_digest = digest  # type: ignore[method-assign] # the repair
    Image.artifact_media_type = property(artifact)  # type: ignore[attr-defined] # the repair
    Image.get_image_size_in_bytes = size  # type: ignore[method-assign] # the repair
    Image.neighbours = ()  # type: ignore[attr-defined] # the repair


def _a_moved_tag_leaves_its_image() -> None:
    """The image that had the tag stays, untagged; an archived image that is pushed again is active.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html
    """
    put: Any = ECRBackend.put_image

    def put_image(self: Any, repository_name: str, image_manifest: str, image_tag: str, *more: Any) -> Any:
        repository = self._get_repository(repository_name)
        self._resolve_image_tag_mutability(repository, image_tag)
        for one in repository.images:
            if image_tag in one.image_tags and one.image_manifest != image_manifest:
                one.remove_tag(image_tag)
                one.image_tag = one.image_tags[-1] if one.image_tags else None
            if one.image_manifest == image_manifest and one.image_status != "ACTIVE":
                one.image_status = "ACTIVE"
                if image_tag in one.image_tags:
                    return one
        pushed = put(self, repository_name, image_manifest, image_tag, *more)
        pushed.neighbours = repository.images
        return pushed

    ECRBackend.put_image = put_image  # type: ignore[assignment,method-assign] # the repair


def _lists_are_filtered() -> None:
    """A list has active images alone, if the filter does not say otherwise; an image that is named is described.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImagesFilter.html and
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html
    """
    get = ECRBackend.batch_get_image

    def describe(self: Any) -> ActionResult:
        named = self._get_param("imageIds")
        found = self.ecr_backend.describe_images(
            self._get_param("repositoryName"), self._get_param("registryId"), named
        )
        wanted = {"imageStatus": "ACTIVE", "tagStatus": "ANY"} | self._get_param("filter", {})
        page = [one for one in found if named or _fits(one, wanted)]
        start, size = int(self._get_param("nextToken") or 0), self._get_param("maxResults")
        more = {"nextToken": str(start + size)} if size and start + size < len(page) else {}
        return ActionResult({"imageDetails": [_shown(one) for one in page[start:][:size]], **more})

    def get_active(self: Any, *more: Any, **named: Any) -> dict[str, Any]:
        answer = get(self, *more, **named)
        for one in [one for one in answer["images"] if one.image_status != "ACTIVE"]:
            answer["images"].remove(one)
            answer["failures"].append(
                {
                    "imageId": one.image_id,
                    "failureCode": "ImageNotFound",
                    "failureReason": "Requested image not found",
                }
            )
        return answer

    ECRResponse.describe_images = describe  # type: ignore[method-assign] # the repair
    ECRBackend.batch_get_image = get_active  # type: ignore[method-assign] # the repair


def _fits(one: Any, wanted: dict[str, str]) -> bool:
    tagged = "TAGGED" if one.image_tags else "UNTAGGED"
    return wanted["imageStatus"] in ("ANY", one.image_status) and wanted["tagStatus"] in ("ANY", tagged)


def _shown(one: Any) -> Any:
    """The image as it is described: without the member for its tags if it has none."""
    shown = copy.copy(one)
    if not shown.image_tags:
        del shown.image_tags
    return shown


def _storage_classes() -> None:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UpdateImageStorageClass.html."""

    def update(self: Any) -> ActionResult:
        name, wanted = self._get_param("repositoryName"), self._get_param("imageId")
        repository = self.ecr_backend._get_repository(name, self._get_param("registryId"))
        found = repository._get_image(wanted.get("imageTag"), wanted.get("imageDigest"))
        target = self._get_param("targetStorageClass")
        if found.image_status != {"ARCHIVE": "ACTIVE", "STANDARD": "ARCHIVED"}[target]:
            raise _NotSupportedError(f"The image has status {found.image_status}.")
        if target == "ARCHIVE":
            found.image_status, found.last_archived_at = "ARCHIVED", datetime.now(UTC).timestamp()
        else:
            found.image_status = "ACTIVATING"
        return ActionResult(
            {
                "registryId": repository.registry_id,
                "repositoryName": name,
                "imageId": wanted,
                "imageStatus": found.image_status,
            }
        )

    ECRResponse.update_image_storage_class = update  # type: ignore[attr-defined] # the repair


def _lifecycle_policies_archive() -> None:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html."""
    known = policy_validation
    known.VALID_ACTION_TYPE_VALUES = known.VALID_ACTION_TYPE_VALUES | {"transition"}
    known.VALID_ACTION_PROPERTIES = known.VALID_ACTION_PROPERTIES | {"targetStorageClass"}
    known.VALID_SELECTION_PROPERTIES = known.VALID_SELECTION_PROPERTIES | {"storageClass"}
    known.VALID_SELECTION_COUNT_TYPE_VALUES = known.VALID_SELECTION_COUNT_TYPE_VALUES | {
        "sinceImagePulled",
        "sinceImageTransitioned",
    }
