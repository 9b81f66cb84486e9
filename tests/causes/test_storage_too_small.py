from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import ContainerDefinition, EcrLookup, Service, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import (
    DEPLOYMENT,
    EC2_TASK,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    ROLE,
    SERVICE,
    SILENT,
    TASK,
    TASK_DEFINITION,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, problem
from tests.ranked_worlds import ranked

CAUSE = "storage-too-small"
GIB = 2**30
NO_SPACE = Symptom("unpack", "disk-full")
OLD = replace(TASK, storage=20, platform_version="1.3.0", platform_family="Linux")


def sized(gib: float, symptom: Symptom = NO_SPACE, **more: Any) -> World:
    """A full disk, and an image of so many GiB, compressed."""
    lookup = EcrLookup(None, replace(THERE, size=int(gib * GIB)))
    return World(failures=(failure(symptom),), lookup=lookup, **more)


def definition(*images: str, storage: int | None = None) -> TaskDefinition:
    containers = tuple(ContainerDefinition(f"c{n}", essential=True, image=one) for n, one in enumerate(images))
    return TaskDefinition("web", 87, ROLE, containers, storage=storage)


def wanted(world: World) -> str:
    """What the first fix sets, or says."""
    return problem(outcome(CAUSE, world)).fixes[0].text


def test_the_images_are_larger_than_what_the_task_has() -> None:
    found = problem(outcome(CAUSE, sized(7.4)))
    assert found.text_proves
    assert "7.4 GiB compressed" in found.explanation
    assert "22.2 GiB to 29.6 GiB (an estimate)" in found.explanation
    assert "the task has 20 GiB of ephemeral storage, the default" in found.explanation
    assert found.culprit.id == "web:87"
    assert '"ephemeralStorage": {"sizeInGiB": 40}' in found.fixes[0].text
    (finding,) = ranked(sized(7.4)).findings
    assert (finding.row.cause, finding.certainty) == (CAUSE, "proven")


@pytest.mark.parametrize(
    ("gib", "storage", "said"),
    [
        (7.4, 20, '"sizeInGiB": 40}'),
        (10.1, 20, '"sizeInGiB": 50}'),
        (12, 25, '"sizeInGiB": 50}'),
        (1, 20, '"sizeInGiB": 40}'),
        (0.01, 21, '"sizeInGiB": 50}'),
        (55, 20, '"sizeInGiB": 200}'),
        (60, 150, '"sizeInGiB": 200}'),
        (67, 20, "smaller image"),
        (1, 200, "smaller image"),
    ],
)
def test_the_size_to_set_is_the_next_round_one_that_fargate_takes(gib: float, storage: int, said: str) -> None:
    assert said in wanted(sized(gib, task=replace(TASK, storage=storage)))


def test_a_small_image_is_told_in_mib_and_no_estimate_is_claimed() -> None:
    found = problem(outcome(CAUSE, sized(0.03)))
    assert "31 MiB compressed, which comes to about 93 MiB to 123 MiB (an estimate)" in found.explanation
    assert "estimate" not in found.fixes[0].text
    assert found.fixes[0].text.endswith("in the task definition")
    assert "by the estimate" in problem(outcome(CAUSE, sized(12))).fixes[0].text


def test_an_estimate_below_the_storage_is_not_passed_off_as_the_reason() -> None:
    assert "shows that they took more" in problem(outcome(CAUSE, sized(1))).explanation
    assert "took more" not in problem(outcome(CAUSE, sized(7.4))).explanation
    half_known = sized(1, definition=definition(IMAGE, HUB_IMAGE))
    assert "took more" not in problem(outcome(CAUSE, half_known)).explanation


@pytest.mark.parametrize(
    ("task", "written", "said"),
    [
        (replace(TASK, storage=30), 25, "the task has 30 GiB of ephemeral storage ("),
        (TASK, 25, "the task has 25 GiB of ephemeral storage ("),
        (TASK, None, "the task has 20 GiB of ephemeral storage, the default ("),
        (replace(TASK, platform_version="1.0.0", platform_family="WINDOWS_SERVER_2022_CORE"), None, "has 20 GiB"),
        (OLD, None, "platform version 1.3.0 has 10 GB for layers"),
    ],
)
def test_the_task_tells_its_storage_else_the_task_definition(task: Any, written: int | None, said: str) -> None:
    found = problem(outcome(CAUSE, sized(7, task=task, definition=definition(IMAGE, storage=written))))
    assert said in str(found.evidence)


def test_before_1_4_no_setting_changes_it() -> None:
    found = problem(outcome(CAUSE, sized(3, task=OLD)))
    assert "LATEST" in found.fixes[0].text
    assert not any("sizeInGiB" in fix.text for fix in found.fixes)


def test_with_which_platform_version_a_service_goes_on_is_not_read() -> None:
    newest = replace(DEPLOYMENT, task_definition=TASK_DEFINITION)
    service = Service((newest,))
    assert problem(outcome(CAUSE, sized(7, service=service))).still == "yes"
    assert problem(outcome(CAUSE, sized(7, task=OLD, service=service))).still == "unknown"


def test_an_image_that_was_pushed_since_is_not_the_one_that_took_too_much() -> None:
    world = sized(1, service=Service((replace(DEPLOYMENT, task_definition=TASK_DEFINITION),)))
    assert world.lookup.image
    later = replace(world.lookup.image, pushed_at=FAILED_AT + timedelta(minutes=5))
    found = problem(outcome(CAUSE, replace(world, lookup=EcrLookup(None, later))))
    assert found.still == "unknown"
    assert f"What {IMAGE} names now was pushed after the failure" in found.explanation
    assert "took more" not in found.explanation


def test_containers_with_the_same_image_share_its_layers() -> None:
    once = problem(outcome(CAUSE, sized(6, definition=definition(IMAGE))))
    twice = problem(outcome(CAUSE, sized(6, definition=definition(IMAGE, IMAGE))))
    assert (once.explanation, once.fixes) == (twice.explanation, twice.fixes)
    other = IMAGE.replace("v1.4.2", "v2")
    assert "12.0 GiB compressed" in problem(outcome(CAUSE, sized(6, definition=definition(IMAGE, other)))).explanation


def test_a_size_that_is_not_in_ecr_is_said_to_be_unknown() -> None:
    found = problem(outcome(CAUSE, sized(6, definition=definition(IMAGE, HUB_IMAGE))))
    assert f"The size of {HUB_IMAGE} was not read." in found.explanation
    assert "those whose size was read" in found.explanation
    hub = World(failures=(failure(NO_SPACE, HUB_IMAGE),))
    assert "estimate)" not in problem(outcome(CAUSE, hub)).explanation
    assert '"sizeInGiB": 40' in wanted(hub)


def test_an_unread_task_definition_takes_nothing_from_the_text() -> None:
    unread = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")
    found = problem(outcome(CAUSE, sized(7), task_definition=unread, image_sizes=unread))
    assert found.text_proves
    assert [one.source for one in found.evidence] == ["text"]
    assert "was not read" in found.explanation
    assert "GiB" not in found.explanation
    told = problem(outcome(CAUSE, sized(7, task=replace(TASK, storage=21)), task_definition=unread))
    assert [one.source for one in told.evidence][:2] == ["text", "text"]


@pytest.mark.parametrize(
    ("more", "still"),
    [
        ({"task": replace(TASK, service=None)}, "yes"),
        ({"service": replace(SERVICE, deployments=(replace(DEPLOYMENT, task_definition=TASK_DEFINITION),))}, "yes"),
        ({"service": replace(SERVICE, deployments=(replace(DEPLOYMENT, task_definition="web:88"),))}, "unknown"),
        ({"service": None}, "unknown"),
    ],
)
def test_it_stands_as_long_as_the_service_starts_the_same_task_definition(more: dict[str, Any], still: str) -> None:
    assert problem(outcome(CAUSE, sized(7, **more))).still == still


def test_larger_than_the_whole_storage_and_never_told_is_only_possible() -> None:
    for symptom in (SILENT, TIMEOUT):
        world = sized(25, symptom)
        found = problem(outcome(CAUSE, world))
        assert (found.shown, found.text_proves) == (False, False)
        assert [one.certainty for one in ranked(world).findings if one.row.cause == CAUSE] == ["possible"]


def test_what_fits_is_ruled_out_and_what_may_not_fit_is_left_open() -> None:
    assert "5.0 GiB compressed" in ok(outcome(CAUSE, sized(5, SILENT)))
    assert "20 GiB of ephemeral storage" in missing(outcome(CAUSE, sized(6, SILENT)))[0]
    unsized = World(failures=(failure(SILENT),), lookup=EcrLookup(None, replace(THERE, size=None)))
    assert "20 GiB of ephemeral storage" in missing(outcome(CAUSE, unsized))[0]
    assert "network-timeout" in ok(outcome(CAUSE, sized(6, TIMEOUT)))


def test_an_unread_size_leaves_a_silent_text_open() -> None:
    unread = Unknown("image v1.4.2", "denied", "ecr:DescribeImages")
    silent = World(failures=(failure(SILENT),))
    assert missing(outcome(CAUSE, silent, ecr_image=unread)) == ("image v1.4.2",)
    assert "network-timeout" in ok(outcome(CAUSE, World(failures=(failure(TIMEOUT),)), ecr_image=unread))


def test_an_image_that_aws_put_in_is_not_shown() -> None:
    found = problem(outcome(CAUSE, World(failures=(failure(NO_SPACE, None),)), image_sizes=Known(())))
    assert "that AWS put into web:87" in found.evidence[0].text


def test_a_host_has_a_disk_of_its_own() -> None:
    assert isinstance(outcome(CAUSE, sized(7, task=EC2_TASK)), NotApplicable)
