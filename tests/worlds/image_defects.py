"""Defects of the image: what is asked for, and what the registry has of it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

_INDEX = "application/vnd.oci.image.index.v1+json"


def _invalid_reference(parts: Healthy) -> Broken:
    good, builder = parts.image, parts.builder
    parts.image = f"https://{good}"

    def mend() -> None:
        ecs = builder.client("ecs")
        found = ecs.describe_task_definition(taskDefinition=builder.workload)["taskDefinition"]
        container = found["containerDefinitions"][0] | {"image": good}
        ecs.register_task_definition(
            family=builder.workload,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=found["executionRoleArn"],
            containerDefinitions=[container],
        )
        ecs.update_service(cluster=builder.cluster, service=builder.workload, taskDefinition=builder.workload)

    return Broken((f"{builder.workload}:1",), texts.invalid_reference(), mend, texts.cut_short(good))


def _registry_host_missing(parts: Healthy) -> Broken:
    repository, right, builder = _repository(parts), parts.image, parts.builder
    parts.image = right.partition("/")[2]

    def mend() -> None:
        builder.deploy(right)

    culprits = (f"{builder.workload}:1", repository)
    return Broken(culprits, texts.no_access(parts.image), mend, next_text=lambda: texts.no_access(right))


def _repository_missing(parts: Healthy) -> Broken:
    repository = _repository(parts)
    parts.builder.client("ecr").delete_repository(repositoryName=repository, force=True)

    def mend() -> None:
        parts.builder.image(repository, ["1.42.0"], parts.builder.account, parts.builder.region)

    text = texts.repository_unknown(parts.image)
    return Broken((repository,), text, mend, texts.cut_short(parts.image))


def _repository_missing_untold(parts: Healthy) -> Broken:
    broken = _repository_missing(parts)
    return Broken(broken.culprits, texts.cut_short(parts.image), broken.mend)


def _repository_in_another_region(parts: Healthy) -> Broken:
    repository, builder, other = _repository(parts), parts.builder, "eu-central-1"
    parts.image = parts.image.replace(builder.region, other)

    def mend() -> None:
        builder.image(repository, ["1.42.0"], builder.account, other)

    text = texts.repository_unknown(parts.image)
    return Broken((repository, builder.region), text, mend, texts.cut_short(parts.image))


def _pinned_digest_deleted(parts: Healthy) -> Broken:
    repository, ecr = _repository(parts), parts.builder.client("ecr")
    old = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "1.42.0"}])["images"][0]
    digest = old["imageId"]["imageDigest"]
    newer = _manifest(repository)
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])
    _push(ecr, repository, "1.42.0", newer)

    def mend() -> None:
        ecr.put_image(
            repositoryName=repository,
            imageTag="1.42.0-restored",
            imageManifest=old["imageManifest"],
            imageDigest=digest,
        )

    def next_text() -> str:
        found = parts.builder.client("ecs").describe_services(
            cluster=parts.builder.cluster, services=[parts.builder.workload]
        )
        # A second deployment has pinned what the tag names by then.
        deployed_anew = len(found["services"][0]["deployments"]) > 1
        return texts.not_found(f"{parts.image}@{_sha(newer) if deployed_anew else digest}")

    pinned = f"{parts.image}@{digest}"
    return Broken((repository, digest), texts.not_found(pinned), mend, texts.cut_short(pinned), next_text)


def _platform_missing(parts: Healthy) -> Broken:
    repository, ecr = _repository(parts), parts.builder.client("ecr")
    _push(ecr, repository, "1.42.0", _index("amd64"))
    parts.definition["runtimePlatform"] = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}

    def mend() -> None:
        _push(ecr, repository, "1.42.0", _index("amd64", "arm64"))

    text = texts.no_such_platform("linux/arm64 v8")
    return Broken((repository,), text, mend, texts.manifest_timeout(parts.image))


def _repository(parts: Healthy) -> str:
    return parts.image.partition("/")[2].rpartition(":")[0]


def _push(ecr: Any, repository: str, tag: str, manifest: str) -> None:
    digest = _sha(manifest)
    ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest, imageDigest=digest)


def _index(*architectures: str) -> str:
    """An index as buildx pushes it: one image and one attestation for each platform."""
    platforms = [{"os": "linux", "architecture": one} for one in architectures]
    platforms += [{"os": "unknown", "architecture": "unknown"} for _ in architectures]
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifests = [
        {"mediaType": kind, "size": 1024, "digest": _sha(f"{place} {platform}"), "platform": platform}
        for place, platform in enumerate(platforms)
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": manifests})


def _manifest(seed: str) -> str:
    """The manifest of a newer build."""
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 7023, "digest": _sha(f"{seed} newer")}
    kind = "application/vnd.oci.image.manifest.v1+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})


def _sha(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


_IMAGE = frozenset({"ecr:DescribeImages"})
DEFECTS = {
    "image-with-a-scheme": Defect("invalid-image-reference", _invalid_reference, relaunch=True, text_proves=True),
    "registry-not-named": Defect(
        "registry-host-missing", _registry_host_missing, "nat", certainty="likely", relaunch=True, rests_on=_IMAGE
    ),
    "repository-missing": Defect("repository-not-found", _repository_missing, "nat", text_proves=True),
    "repository-missing-untold": Defect(
        "repository-not-found", _repository_missing_untold, certainty="likely", rests_on=_IMAGE
    ),
    "repository-in-another-region": Defect(
        "repository-not-found", _repository_in_another_region, "nat", text_proves=True
    ),
    "pinned-digest-deleted": Defect(
        "pinned-digest-deleted",
        _pinned_digest_deleted,
        text_proves=True,
        rests_on=_IMAGE | {"ecs:DescribeTaskDefinition"},
    ),
    "image-for-another-platform": Defect("platform-mismatch", _platform_missing, "nat", text_proves=True),
}
