"""What the report says of the task and its puller: absent is not known, ``None`` is known not to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.assemble import task_part
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import OneService
from pull_doctor.intake.task import Earlier
from pull_doctor.pipeline import conclude
from pull_doctor.report.model import UNSET, PullerPart
from pull_doctor.report.text import render_text
from pull_doctor.report.words import place
from pull_doctor.view.workload import tag_of
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    EC2_TASK,
    READ_AT,
    SERVICE,
    SIGN_IN_DENIED,
    TASK,
    TIMEOUT,
    World,
    failure,
)
from tests.network.factory import PUBLIC_VPC, REGION, REGISTRY
from tests.ranked_worlds import concluded


@pytest.mark.parametrize(
    ("launch_type", "kind"),
    [
        ("FARGATE", "task"),
        ("EC2", "instance"),
        ("MANAGED_INSTANCES", "instance"),
        ("EXTERNAL", "on-premises"),
        (None, "unknown"),
    ],
)
def test_the_launch_type_says_who_pulls(launch_type: str | None, kind: str) -> None:
    puller = concluded(World(task=replace(TASK, launch_type=launch_type, platform_version=None))).puller
    assert isinstance(puller, PullerPart)
    assert puller.kind == kind


def test_a_platform_version_tells_of_fargate_where_the_launch_type_is_not_told() -> None:
    assert place(concluded(World(task=replace(TASK, launch_type=None)))).startswith("Fargate 1.4.0, subnet-task")


def test_a_host_that_the_pull_is_not_known_to_need_is_not_covered() -> None:
    report = concluded(World(failures=(failure(replace(TIMEOUT, host="mirror.example.com", address="10.0.9.9")),)))
    assert (report.verdict, report.title) == (
        "undetermined",
        "no cause proven; no check covers the host that ECS's text names",
    )
    assert "mirror.example.com (10.0.9.9)" in report.verdict_reason
    followed = concluded(World(failures=(failure(replace(TIMEOUT, host=REGISTRY)),)))
    assert followed.verdict == "no-defect-found"


def test_the_instance_that_pulls() -> None:
    puller = concluded(World(task=EC2_TASK)).puller
    assert isinstance(puller, PullerPart)
    assert (puller.kind, puller.interface, puller.subnet) == ("instance", "eni-host", "subnet-task")
    assert (puller.private_ip, puller.public_ip, puller.security_groups) == ("10.0.1.20", None, ("sg-task",))
    gone = concluded(World(task=EC2_TASK, instance=None)).puller
    assert isinstance(gone, PullerPart)
    assert (gone.kind, gone.interface, gone.subnet, gone.public_ip) == ("instance", UNSET, UNSET, UNSET)


def test_the_path_is_told_as_the_one_of_the_instance() -> None:
    failed = World(vpc=PUBLIC_VPC, task=EC2_TASK, failures=(failure(TIMEOUT),))
    assert "Path from the instance to" in render_text(concluded(failed))
    assert "Path from the task to" in render_text(concluded(replace(failed, task=TASK)))


def test_a_machine_outside_aws_gets_a_list_of_what_to_look_at() -> None:
    report = concluded(World(task=replace(EC2_TASK, launch_type="EXTERNAL")))
    (note,) = report.notes
    for host in (
        REGISTRY,
        f"api.ecr.{REGION}.amazonaws.com",
        f"prod-{REGION}-starport-layer-bucket.s3",
        "tcp 443",
        "proxy",
    ):
        assert host in note.text
    assert [one.id for one in note.resources] == [CONTAINER_INSTANCE.arn]
    assert report.verdict == "undetermined"
    assert not concluded(World(task=EC2_TASK)).notes


def test_a_right_for_pushing_is_explained_and_blamed_for_nothing() -> None:
    pushing = replace(SIGN_IN_DENIED, phase="resolve", action="ecr:BatchCheckLayerAvailability")
    report = concluded(World(failures=(failure(pushing),)))
    (note,) = report.notes
    assert "a pull does not need it" in note.text
    assert not report.causes
    assert not concluded(World(failures=(failure(SIGN_IN_DENIED),))).notes


def test_by_whom_the_network_configuration_is_known() -> None:
    arn = "arn:aws:ecs:eu-west-1:111122223333:task/prod/earlier"
    earlier = Earlier(arn, "ecs-svc/1", ("sg-task",), public_ip=False)
    later = World(task=replace(TASK, earlier=earlier), interface=None, service=None)
    report = concluded(later)
    (note,) = report.notes
    assert "deployment ecs-svc/1" in note.text
    assert "task earlier: security groups sg-task and no public IP address" in note.text
    assert [one.arn for one in note.resources] == [arn]
    assert isinstance(report.puller, PullerPart)
    assert (report.puller.security_groups, report.puller.public_ip) == (("sg-task",), None)
    assert not concluded(replace(later, service=SERVICE)).notes


def test_a_task_of_no_service_is_not_one_whose_group_is_not_said() -> None:
    assert task_part(TASK).service == "web"
    assert task_part(replace(TASK, group="family:web", service=None)).service is None
    assert task_part(replace(TASK, group=None, service=None)).service is UNSET


TAGS = (("team", "payments"), ("empty", ""))
TAGGED = World(service=replace(SERVICE, tags=TAGS))
ALONE = replace(TASK, service=None, group="family:web")
WITHOUT_SERVICE = World(
    task=ALONE, service=None, definition=replace(World().task_definition, tags=(("team", "batch"),))
)


def tag(world: World, key: str) -> Fact[str | None]:
    return tag_of(world.intake, world.answers(), key)


def test_the_service_s_tag_names_the_owner() -> None:
    world = replace(TAGGED, definition=WITHOUT_SERVICE.definition)
    assert conclude(world.intake, world.answers(), READ_AT, "team").task.owner == "payments"
    assert tag(world, "team") == Known("payments")


def test_without_a_service_the_task_definition_s_tag_does() -> None:
    assert conclude(WITHOUT_SERVICE.intake, WITHOUT_SERVICE.answers(), READ_AT, "team").task.owner == "batch"


@pytest.mark.parametrize("key", ["owner", "Team", "empty"])
def test_a_tag_that_is_not_there_or_empty_names_nobody(key: str) -> None:
    assert conclude(TAGGED.intake, TAGGED.answers(), READ_AT, key).task.owner is UNSET
    assert tag(TAGGED, key) == Known("" if key == "empty" else None)


def test_without_a_key_no_tag_is_looked_at() -> None:
    assert concluded(TAGGED).task.owner is UNSET


def test_a_tag_that_was_not_read_is_not_absent() -> None:
    denied = Unknown("service web of cluster prod", "denied")
    answers = {question: denied if isinstance(question, OneService) else fact for question, fact in TAGGED.answers()}
    assert tag_of(TAGGED.intake, Answers(answers), "team") == denied
    deleted, unasked = tag(World(service=None), "team"), tag(World(), "team")
    assert isinstance(deleted, Unknown)
    assert (deleted.fact, deleted.why, deleted.detail) == ("the tags of service web", "not-visible", "it is deleted")
    assert isinstance(unasked, Unknown)
    assert unasked.detail == "they were not asked for"
    assert conclude(TAGGED.intake, Answers(answers), READ_AT, "team").task.owner is UNSET
