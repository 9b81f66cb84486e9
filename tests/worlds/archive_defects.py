"""Defects of what became of an image: archived, expired, pinned and deleted, not copied yet, or in another Region."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any, Literal

from tests.emulated import moto_images
from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

ELSEWHERE = "eu-central-1"
_TAG = "1.42.0"
_KIND = "application/vnd.oci.image.manifest.v1+json"


def _archived(parts: Healthy) -> Broken:
    repository = _repository(parts)
    _keep(parts, "ARCHIVE")
    return _in_the_archive(parts, texts.not_found(parts.image), (repository,))


def _being_restored(parts: Healthy) -> Broken:
    repository = _repository(parts)
    _keep(parts, "ARCHIVE")
    _keep(parts, "STANDARD")
    return _in_the_archive(parts, texts.not_found(parts.image), (repository,))


def _pinned_archived(parts: Healthy) -> Broken:
    """The old build is archived with a tag of its own; the deployment pinned it, and its tag names the new one."""
    repository, ecr = _repository(parts), parts.builder.client("ecr")
    old = _image(ecr, repository)
    digest = old["imageId"]["imageDigest"]
    ecr.put_image(repositoryName=repository, imageTag=f"{_TAG}-old", imageManifest=old["imageManifest"])
    newer = _newer(repository)
    ecr.put_image(repositoryName=repository, imageTag=_TAG, imageManifest=newer)
    _keep(parts, "ARCHIVE", f"{_TAG}-old")

    text = texts.not_found(f"{parts.image}@{digest}")
    return _in_the_archive(parts, text, (repository, digest), f"{_TAG}-old")


def _in_the_archive(parts: Healthy, text: str, culprits: tuple[str, ...], tag: str = _TAG) -> Broken:
    builder, repository = parts.builder, _repository(parts)
    finish = partial(moto_images.finish_restore, builder.account, builder.region, repository, tag)

    def state() -> str:
        found = builder.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        status: str = found["imageDetails"][0]["imageStatus"]
        return status

    def mend() -> None:
        if state() == "ARCHIVED":
            _keep(parts, "STANDARD", tag)
        finish()

    def next_text() -> str:
        # The next task comes once the restoration, if it was asked for, is done.
        if state() == "ACTIVATING":
            finish()
        return texts.manifest_timeout(parts.image) if _deployed_anew(parts) else text

    return Broken(culprits, text, mend, texts.cut_short(parts.image), next_text)


def _tag_expired(parts: Healthy) -> Broken:
    """A lifecycle policy that takes such tags, and one that takes others; which of them took it nobody tells."""
    repository, ecr = _repository(parts), parts.builder.client("ecr")
    old = _image(ecr, repository)
    rules = [
        _rule(1, "keep what is released", tagStatus="tagged", tagPrefixList=["release-"]),
        _rule(2, "keep the last ten builds", tagStatus="tagged", tagPatternList=["1.*"]),
    ]
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=json.dumps({"rules": rules}))
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": _TAG}])

    def mend() -> None:
        ecr.put_image(repositoryName=repository, imageTag=_TAG, imageManifest=old["imageManifest"])

    return Broken((repository, "rule 2"), texts.not_found(parts.image), mend, texts.cut_short(parts.image))


def _pinned_deleted_untold(parts: Healthy) -> Broken:
    """ECS's text names the tag alone: only the service revision tells which digest the deployment asks for."""
    repository, ecr = _repository(parts), parts.builder.client("ecr")
    old, newer = _image(ecr, repository), _newer(repository)
    digest = old["imageId"]["imageDigest"]
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])
    ecr.put_image(repositoryName=repository, imageTag=_TAG, imageManifest=newer)
    parts.builder.revision_digest = digest

    def mend() -> None:
        ecr.put_image(repositoryName=repository, imageTag=f"{_TAG}-again", imageManifest=old["imageManifest"])

    def next_text() -> str:
        there = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])["images"]
        bare = texts.not_found(parts.image)
        return texts.manifest_timeout(parts.image) if there or _deployed_anew(parts) else bare

    return Broken((repository, digest), texts.not_found(parts.image), mend, next_text=next_text)


def _not_copied(parts: Healthy, *, repository_there: bool) -> Broken:
    """The task pulls from a Region to which its own registry copies the image, and the copy has not arrived."""
    repository, builder = _repository(parts), parts.builder
    ecr, there = builder.client("ecr"), builder.aws.client("ecr", account=builder.account, region=ELSEWHERE)
    rule = {
        "destinations": [{"region": ELSEWHERE, "registryId": builder.account}],
        "repositoryFilters": [{"filter": repository, "filterType": "PREFIX_MATCH"}],
    }
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    manifest = _image(ecr, repository)["imageManifest"]
    if repository_there:
        there.create_repository(repositoryName=repository)
    parts.image = parts.image.replace(builder.region, ELSEWHERE)

    def mend() -> None:
        if not repository_there:
            there.create_repository(repositoryName=repository)
        there.put_image(repositoryName=repository, imageTag=_TAG, imageManifest=manifest)

    text = texts.not_found(parts.image) if repository_there else texts.repository_unknown(parts.image)
    return Broken((repository, "IN_PROGRESS"), text, mend, texts.cut_short(parts.image))


def _in_another_region(parts: Healthy) -> Broken:
    """The named Region has the repository without that tag; the task's own has both."""
    repository, builder = _repository(parts), parts.builder
    named = builder.image(repository, ["1.30.0"], builder.account, ELSEWHERE)
    parts.image = f"{named}:{_TAG}"

    def mend() -> None:
        builder.image(repository, [_TAG], builder.account, ELSEWHERE)

    return Broken((repository, builder.region), texts.not_found(parts.image), mend, texts.cut_short(parts.image))


def _keep(parts: Healthy, storage: Literal["ARCHIVE", "STANDARD"], tag: str = _TAG) -> None:
    parts.builder.client("ecr").update_image_storage_class(
        repositoryName=_repository(parts), imageId={"imageTag": tag}, targetStorageClass=storage
    )


def _deployed_anew(parts: Healthy) -> bool:
    builder = parts.builder
    found = builder.client("ecs").describe_services(cluster=builder.cluster, services=[builder.workload])
    return len(found["services"][0]["deployments"]) > 1


def _image(ecr: Any, repository: str) -> dict[str, Any]:
    found: dict[str, Any] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": _TAG}])["images"][0]
    return found


def _rule(priority: int, description: str, **selection: Any) -> dict[str, Any]:
    counted = {"countType": "imageCountMoreThan", "countNumber": 10}
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection | counted,
        "action": {"type": "expire"},
    }


def _newer(repository: str) -> str:
    digest = "sha256:" + hashlib.sha256(f"{repository} newer".encode()).hexdigest()
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 7023, "digest": digest}
    return json.dumps({"schemaVersion": 2, "mediaType": _KIND, "config": config, "layers": []})


def _repository(parts: Healthy) -> str:
    return parts.image.partition("/")[2].rpartition(":")[0]


_IMAGE = frozenset({"ecr:DescribeImages"})
_PINNED = _IMAGE | {"ecs:DescribeServiceRevisions"}
DEFECTS = {
    "image-archived": Defect("image-archived", _archived, text_proves=True, rests_on=_PINNED),
    "image-being-restored": Defect("image-archived", _being_restored, "nat", text_proves=True, rests_on=_PINNED),
    "pinned-digest-archived": Defect(
        "image-archived", _pinned_archived, text_proves=True, rests_on=_IMAGE | {"ecs:DescribeTaskDefinition"}
    ),
    "tag-expired": Defect("image-not-found", _tag_expired, text_proves=True, rests_on=_IMAGE),
    "pinned-digest-deleted-untold": Defect(
        "pinned-digest-deleted",
        _pinned_deleted_untold,
        "nat",
        relaunch=True,
        certainty="likely",
        rests_on=_PINNED | {"ecs:DescribeTaskDefinition"},
    ),
    "copy-not-arrived": Defect(
        "image-not-found",
        partial(_not_copied, repository_there=True),
        "nat",
        text_proves=True,
        rests_on=_IMAGE,
        own_account=True,
    ),
    "copy-not-begun": Defect(
        "repository-not-found",
        partial(_not_copied, repository_there=False),
        "nat",
        text_proves=True,
        own_account=True,
    ),
    "image-in-another-region": Defect("image-not-found", _in_another_region, "nat", text_proves=True, rests_on=_IMAGE),
}
