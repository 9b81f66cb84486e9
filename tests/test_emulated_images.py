"""What the emulated ECR and ECS tell of images, their copies, and hosts, and what the readers make of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known
from pull_doctor.intake.event import read_event
from pull_doctor.intake.task import Intake
from tests.emulated import moto_images, moto_registry
from tests.emulated.aws import REGION, EmulatedAws
from tests.end_to_end.harness import reading
from tests.worlds import World, build

pytestmark = pytest.mark.slow  # the emulator changes rarely: its own tests are of the long set

ACCOUNT = "333333333341"
OTHER_REGION = "eu-central-1"
HERE = (ACCOUNT, REGION)
OCI, OCI_INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
CHART = "application/vnd.cncf.helm.config.v1+json"


def manifest(seed: str, *sizes: int, **members: Any) -> str:
    layers = [{"mediaType": "layer", "size": size, "digest": f"sha256:{seed}"} for size in sizes]
    config = {"mediaType": IMAGE_CONFIG, "size": 7023}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": layers, "of": seed} | members)


@pytest.fixture
def ecr(aws: EmulatedAws) -> Any:
    """ECR with an empty repository of this name."""
    client = aws.client("ecr", account=ACCOUNT)
    client.create_repository(repositoryName="web")
    yield client
    client.delete_repository(repositoryName="web", force=True)


def push(ecr: Any, tag: str, text: str, **more: Any) -> str:
    image = ecr.put_image(repositoryName="web", imageTag=tag, imageManifest=text, **more)["image"]
    digest: str = image["imageId"]["imageDigest"]
    return digest


def read(aws: EmulatedAws, question: q.Question[Any]) -> Any:
    fact = ask(reading(aws, ACCOUNT), question)
    assert isinstance(fact, Known), fact
    return fact.value


def look_up(aws: EmulatedAws, tag: str) -> v.EcrImage:
    found = read(aws, q.EcrImageOf(*HERE, ACCOUNT, "web", tag, None)).image
    assert isinstance(found, v.EcrImage)
    return found


def store(ecr: Any, tag: str, storage_class: str) -> str:
    changed = ecr.update_image_storage_class(
        repositoryName="web", imageId={"imageTag": tag}, targetStorageClass=storage_class
    )
    status: str = changed["imageStatus"]
    return status


def test_an_image_tells_its_size_and_what_it_is(aws: EmulatedAws, ecr: Any) -> None:
    digest = push(ecr, "1", manifest("a", 1000, 200))
    found = look_up(aws, "1")
    assert (found.digest, found.size, found.media_type, found.artifact_type) == (digest, 1200, OCI, IMAGE_CONFIG)
    assert (found.status, found.archived_at, found.restored_at) == ("ACTIVE", None, None)
    push(ecr, "chart", manifest("b", config={"mediaType": CHART}))
    assert (look_up(aws, "chart").artifact_type, look_up(aws, "chart").size) == (CHART, None)
    push(ecr, "signature", manifest("c", 9, artifactType="application/x-signature"))
    assert look_up(aws, "signature").artifact_type == "application/x-signature"
    push(ecr, "old", json.dumps({"schemaVersion": 1, "fsLayers": []}), imageManifestMediaType=SCHEMA_1)
    assert look_up(aws, "old").media_type == SCHEMA_1
    assert read(aws, q.EcrManifestOf(*HERE, ACCOUNT, "web", "old", None)).schema == 1


def test_the_size_of_an_index_is_that_of_its_largest_build(aws: EmulatedAws, ecr: Any) -> None:
    builds = [push(ecr, name, manifest(name, size)) for name, size in (("amd64", 500), ("arm64", 900))]
    entries = [{"digest": digest, "platform": {"os": "linux", "architecture": "amd64"}} for digest in builds]
    push(ecr, "1", json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))
    found = look_up(aws, "1")
    assert (found.size, found.media_type, found.artifact_type) == (900, OCI_INDEX, None)
    elsewhere = [{"digest": "sha256:none"}]
    push(ecr, "2", json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": elsewhere}))
    assert look_up(aws, "2").size is None


def test_an_archived_image_is_listed_by_no_other_filter_and_cannot_be_pulled(aws: EmulatedAws, ecr: Any) -> None:
    push(ecr, "1", manifest("a", 1))
    push(ecr, "2", manifest("b", 1))
    assert store(ecr, "1", "ARCHIVE") == "ARCHIVED"

    listed = ecr.describe_images(repositoryName="web")["imageDetails"]
    assert [one["imageTags"] for one in listed] == [["2"]]
    found = look_up(aws, "1")
    assert found.status == "ARCHIVED"
    assert found.archived_at
    assert {one.tags for one in read(aws, q.EcrTagsOf(*HERE, ACCOUNT, "web")).images} == {("1",), ("2",)}
    assert read(aws, q.EcrManifestOf(*HERE, ACCOUNT, "web", "1", None)) is None
    with pytest.raises(ClientError, match="ImageStorageClassUpdateNotSupportedException"):
        store(ecr, "1", "ARCHIVE")


def test_a_restored_image_takes_its_time(aws: EmulatedAws, ecr: Any) -> None:
    push(ecr, "1", manifest("a", 1))
    store(ecr, "1", "ARCHIVE")
    assert store(ecr, "1", "STANDARD") == "ACTIVATING"
    assert (look_up(aws, "1").status, look_up(aws, "1").restored_at) == ("ACTIVATING", None)
    assert read(aws, q.EcrManifestOf(*HERE, ACCOUNT, "web", "1", None)) is None
    moto_images.finish_restore(*HERE, "web", "1")
    assert look_up(aws, "1").status == "ACTIVE"
    assert look_up(aws, "1").restored_at
    assert read(aws, q.EcrManifestOf(*HERE, ACCOUNT, "web", "1", None))


def test_an_archived_image_that_is_pushed_again_is_active(aws: EmulatedAws, ecr: Any) -> None:
    push(ecr, "1", manifest("a", 1))
    store(ecr, "1", "ARCHIVE")
    push(ecr, "1", manifest("a", 1))
    assert look_up(aws, "1").status == "ACTIVE"


def test_a_tag_that_is_pushed_again_leaves_its_image_untagged(aws: EmulatedAws, ecr: Any) -> None:
    old = push(ecr, "1", manifest("a", 1))
    new = push(ecr, "1", manifest("b", 1))
    assert look_up(aws, "1").digest == new
    (left,) = ecr.describe_images(repositoryName="web", filter={"tagStatus": "UNTAGGED"})["imageDetails"]
    assert left["imageDigest"] == old
    assert "imageTags" not in left
    day = datetime(2026, 11, 1, tzinfo=UTC)
    moto_images.set_pushed_at(*HERE, "web", "1", day)
    assert look_up(aws, "1").pushed_at == day


def test_images_come_in_pages(ecr: Any) -> None:
    for number in range(5):
        push(ecr, str(number), manifest(str(number), 1))
    pages = list(ecr.get_paginator("describe_images").paginate(repositoryName="web", PaginationConfig={"PageSize": 2}))
    assert [len(page["imageDetails"]) for page in pages] == [2, 2, 1]
    assert len({one["imageDigest"] for page in pages for one in page["imageDetails"]}) == 5


def test_a_lifecycle_policy_may_archive(aws: EmulatedAws, ecr: Any) -> None:
    selection = {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90}
    action = {"type": "transition", "targetStorageClass": "archive"}
    rule = {"rulePriority": 1, "description": "rarely used", "selection": selection, "action": action}
    assert read(aws, q.LifecycleRulesOf(*HERE, ACCOUNT, "web")) == ()
    ecr.put_lifecycle_policy(repositoryName="web", lifecyclePolicyText=json.dumps({"rules": [rule]}))
    assert read(aws, q.LifecycleRulesOf(*HERE, ACCOUNT, "web")) == (
        v.LifecycleRule(1, "transition", "any", "sinceImagePulled", 90, "days", description="rarely used"),
    )
    assert read(aws, q.LifecycleRulesOf(*HERE, ACCOUNT, "none")) == ()


def test_a_cache_rule_works_until_it_is_broken(aws: EmulatedAws, ecr: Any) -> None:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io")
    question = q.CacheRuleWorks(*HERE, ACCOUNT, "hub")
    assert read(aws, question) == v.CacheRuleState(valid=True)
    moto_registry.break_cache_rule(*HERE, "hub", "the token has expired")
    assert read(aws, question) == v.CacheRuleState(valid=False, failure="the token has expired")
    moto_registry.break_cache_rule(*HERE, "hub", None)
    assert read(aws, question) == v.CacheRuleState(valid=True)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert read(aws, question) is None


def test_a_copy_is_under_way_until_the_other_registry_has_it(aws: EmulatedAws, ecr: Any) -> None:
    there = {"region": OTHER_REGION, "registryId": ACCOUNT}
    of_web = [{"filter": "we", "filterType": "PREFIX_MATCH"}]
    rules = {"rules": [{"destinations": [there], "repositoryFilters": of_web}]}
    assert read(aws, q.ReplicationRulesOf(*HERE, ACCOUNT)) == ()
    ecr.put_replication_configuration(replicationConfiguration=rules)
    assert read(aws, q.ReplicationRulesOf(*HERE, ACCOUNT)) == (v.ReplicationRule(((OTHER_REGION, ACCOUNT),), ("we",)),)

    text = manifest("a", 1)
    push(ecr, "1", text)
    copies = q.ReplicationOf(*HERE, ACCOUNT, "web", "1", None)
    assert read(aws, copies) == (v.Replication(OTHER_REGION, ACCOUNT, "IN_PROGRESS"),)
    moto_registry.break_replication(*HERE, "web", "DENIED")
    assert read(aws, copies) == (v.Replication(OTHER_REGION, ACCOUNT, "FAILED", "DENIED"),)
    other = aws.client("ecr", account=ACCOUNT, region=OTHER_REGION)
    other.create_repository(repositoryName="web")
    push(other, "1", text)
    assert read(aws, copies) == (v.Replication(OTHER_REGION, ACCOUNT, "COMPLETE"),)
    assert read(aws, q.ReplicationOf(*HERE, ACCOUNT, "web", "2", None)) is None

    moto_registry.break_replication(*HERE, "web", None)
    other.delete_repository(repositoryName="web", force=True)
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})


def test_other_names_are_not_copied(aws: EmulatedAws, ecr: Any) -> None:
    of_others = [{"filter": "team/", "filterType": "PREFIX_MATCH"}]
    there = {"region": OTHER_REGION, "registryId": ACCOUNT}
    rule = {"destinations": [there], "repositoryFilters": of_others}
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    push(ecr, "1", manifest("a", 1))
    assert read(aws, q.ReplicationOf(*HERE, ACCOUNT, "web", "1", None)) == ()
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})


def _intake(world: World) -> Intake:
    found = read_event(world.event)
    assert isinstance(found, Intake)
    return found


def test_an_event_tells_what_the_task_was_given(aws: EmulatedAws) -> None:
    world = build(aws, "healthy", account=ACCOUNT, image="ecr")
    assert (_intake(world).task.storage, _intake(world).task.cpu_architecture) == (20, "x86_64")
    ecs, builder = world.builder.client("ecs"), world.builder
    found = ecs.describe_task_definition(taskDefinition=world.workload)["taskDefinition"]
    known = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    changed = {name: value for name, value in found.items() if name in known}
    changed |= {"ephemeralStorage": {"sizeInGiB": 60}, "runtimePlatform": {"cpuArchitecture": "ARM64"}}
    ecs.register_task_definition(**changed)
    ecs.update_service(cluster=world.cluster, service=world.workload, taskDefinition=world.workload)
    builder.image_digest = "sha256:" + "b" * 64
    builder.revision_digest = "sha256:" + "c" * 64
    world.relaunch()

    intake = _intake(world)
    assert (intake.task.storage, intake.task.cpu_architecture) == (60, "arm64")
    assert [one.image_digest for one in intake.failures] == [builder.image_digest]
    (task,) = ecs.describe_tasks(cluster=world.cluster, tasks=[world.launched.task])["tasks"]
    assert task["ephemeralStorage"] == {"sizeInGiB": 60}
    revision = q.StartedWith(*HERE, world.cluster, world.workload, world.launched.started_by)
    assert read(aws, revision).digests == (("web", builder.revision_digest),)


def test_a_host_tells_what_its_agent_does(aws: EmulatedAws) -> None:
    world = build(aws, "route-removed-on-ec2", account=ACCOUNT)
    host = world.builder.host
    assert host
    question = q.OneContainerInstance(*HERE, world.cluster, host.container_instance)
    found = read(aws, question)
    assert (found.agent_version, found.docker_version) == ("1.90.0", "DockerVersion: 25.0.8")
    world.builder.agent_tells("1.12.0", "1.13.1", cpu_architecture="arm64", os_family="LINUX")
    found = read(aws, question)
    assert (found.agent_version, found.docker_version) == ("1.12.0", "DockerVersion: 1.13.1")
    assert dict(found.attributes) == {
        "ecs.os-type": "linux",
        "ecs.cpu-architecture": "arm64",
        "ecs.os-family": "LINUX",
    }
    world.relaunch()
    assert _intake(world).task.cpu_architecture == "arm64"
    assert _intake(world).task.storage is None
