"""What a report notes besides its causes."""

from dataclasses import replace

import pytest

from pull_doctor.intake.symptom import Symptom
from pull_doctor.notes import notes_on
from pull_doctor.view.rights import SIGN_IN_ACTIONS
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    DIGEST,
    EC2_TASK,
    HUB_IMAGE,
    IMAGE,
    NOT_FOUND,
    PROFILE,
    ROLE,
    TASK,
    TIMEOUT,
    World,
    failure,
    refused,
)
from tests.network.factory import REGISTRY


def noted(*images: str | None) -> list[str]:
    failures = tuple(failure(NOT_FOUND, image, f"app-{at}") for at, image in enumerate(images))
    return [note.text for note in notes_on(World(failures=failures).views()) if "the tag latest" in note.text]


@pytest.mark.parametrize("image", ["nginx:latest", f"{REGISTRY}/team/app:latest"])
def test_an_image_by_the_tag_latest_is_noted_and_not_accused(image: str) -> None:
    (text,) = noted(image)
    assert text.startswith(f"{image} names the tag latest")
    assert "stops no pull" in text


def test_no_tag_means_latest() -> None:
    (text,) = noted(f"{REGISTRY}/team/app")
    assert text.startswith(f"{REGISTRY}/team/app names no tag and so means the tag latest")


def test_it_is_said_once_of_each_image() -> None:
    assert len(noted("nginx", "nginx", "redis:latest")) == 2


@pytest.mark.parametrize(
    "image", [IMAGE, f"nginx@{DIGEST}", f"nginx:latest@{DIGEST}", "nginx:latest-alpine", "Nginx:latest", None]
)
def test_where_the_tag_decides_nothing_nothing_is_said(image: str | None) -> None:
    assert noted(image) == []


def test_a_failure_that_is_not_about_the_image_is_noted_as_well() -> None:
    views = World(failures=(failure(TIMEOUT, "nginx"),)).views()
    assert "nginx names no tag" in notes_on(views)[0].text


NO_LOGIN = World(task=EC2_TASK, failures=(failure(Symptom("resolve", "auth-missing-credentials")),))


def without_login(world: World) -> list[str]:
    return [note.text for note in notes_on(world.views()) if "given no login" in note.text]


def test_why_docker_had_no_login_stands_in_the_agents_log_alone() -> None:
    (note,) = notes_on(NO_LOGIN.views())
    assert f"though {ROLE} may sign in" in note.text
    assert note.text.endswith("i-1: /var/log/ecs/ecs-agent.log")
    assert [one.id for one in note.resources] == ["i-1"]
    (by_the_instance,) = without_login(replace(NO_LOGIN, execution_role=None))
    assert f"though {PROFILE.role} may sign in" in by_the_instance
    windows = replace(CONTAINER_INSTANCE, attributes=(("ecs.os-type", "windows"),))
    (on_windows,) = without_login(replace(NO_LOGIN, container_instance=windows))
    assert "C:\\ProgramData" in on_windows


@pytest.mark.parametrize(
    "world",
    [
        replace(NO_LOGIN, task=TASK),
        replace(NO_LOGIN, task=replace(EC2_TASK, launch_type="MANAGED_INSTANCES")),
        replace(NO_LOGIN, sign_in=refused(SIGN_IN_ACTIONS)),
        replace(NO_LOGIN, failures=(failure(NO_LOGIN.failures[0].symptom, HUB_IMAGE),)),
        replace(NO_LOGIN, failures=(failure(TIMEOUT),)),
    ],
)
def test_no_log_is_named_where_it_tells_nothing_or_nobody_can_read_it(world: World) -> None:
    assert without_login(world) == []


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("11122223333.dkr.ecr.eu-west-1.amazonaws.com", True),
        ("111122223333.ecr.eu-west-1.amazonaws.com", True),
        ("111122223333.dkr.ecr.eu-west-1.amazonaw.com", True),
        ("111122223333.dkr.ecr.cn-north-1.amazonaws.com", True),
        (REGISTRY, False),
        (f"{REGISTRY}:5000", False),
        ("111122223333.dkr-ecr.eu-west-1.on.aws", False),
        ("public.ecr.aws", False),
        ("123.gcr.io", False),
    ],
)
def test_a_host_that_is_almost_an_ecr_registry_is_noted(host: str, *, told: bool) -> None:
    views = World(failures=(failure(NOT_FOUND, f"{host}/team/app:1"),)).views()
    assert any(f"{host} looks like" in note.text for note in notes_on(views)) == told
