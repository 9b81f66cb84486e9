import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.causes.outcome import Still
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import ContainerDefinition, EcrLookup, EcrManifest, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import (
    BOTH_PLATFORMS,
    DIGEST,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    INDEX,
    ROLE,
    SILENT,
    TASK,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, problem

CAUSE = "platform-mismatch"
ARM = Symptom("resolve", "platform-mismatch", platform="linux/arm64 v8")
AMD_ONLY = EcrManifest(INDEX, ("linux/amd64",))
WORLD = World(failures=(failure(ARM),), manifest=AMD_ONLY)


def test_the_index_offers_another_platform() -> None:
    found = problem(outcome(CAUSE, WORLD))
    assert found.title == "image offers no build for linux/arm64"
    assert found.culprit.id == "team/app"
    assert (found.still, found.text_proves, found.inferred) == ("yes", True, ())
    assert f"the index of {IMAGE} offers linux/amd64" in str(found.evidence)
    build, runtime = found.fixes
    (command,) = build.commands
    assert isinstance(command, str)
    words = shlex.split(command)
    assert words[words.index("--platform") + 1] == "linux/amd64,linux/arm64"
    assert words[words.index("-t") + 1] == IMAGE
    assert "cpuArchitecture to X86_64" in runtime.text


@pytest.mark.parametrize(
    ("wanted", "offered", "still"),
    [
        ("linux/arm64 v8", "linux/arm64", "no"),
        ("linux/arm64/v8", "linux/arm64/v8", "no"),
        ("linux/arm64", "linux/arm64/v8", "no"),
        ("linux/aarch64", "linux/arm64/v8", "no"),
        ("linux/amd64", "linux/AMD64", "no"),
        ("linux/arm/v7", "linux/arm64/v8", "yes"),
        ("linux/arm/v6", "linux/arm/v7", "yes"),
        ("linux/amd64", "windows/amd64", "yes"),
        ("windows/amd64 10.0.17763", "windows/amd64", "unknown"),
        ("windows/amd64 10.0.17763", "linux/amd64", "yes"),
    ],
)
def test_platforms_are_compared_whatever_their_spelling(wanted: str, offered: str, still: Still) -> None:
    world = World(failures=(failure(replace(ARM, platform=wanted)),), manifest=EcrManifest(INDEX, (offered,)))
    assert problem(outcome(CAUSE, world)).still == still


def test_pushed_for_it_since() -> None:
    later = EcrLookup(None, replace(THERE, pushed_at=FAILED_AT + timedelta(minutes=1)))
    found = problem(outcome(CAUSE, replace(WORLD, manifest=BOTH_PLATFORMS, lookup=later)))
    assert (found.still, found.inferred) == ("no", ())
    assert "now" in found.explanation


def test_an_index_that_offered_it_all_along_is_in_doubt() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, manifest=BOTH_PLATFORMS)))
    assert found.still == "no"
    assert "team/app:v1.4.2 named another index" in found.inferred[0]


@pytest.mark.parametrize("manifest", [None, EcrManifest("application/vnd.oci.image.manifest.v1+json", None)])
def test_what_does_not_tell_its_platform_leaves_it_open(manifest: EcrManifest | None) -> None:
    found = problem(outcome(CAUSE, replace(WORLD, manifest=manifest)))
    assert (found.still, found.text_proves) == ("unknown", True)


def test_an_unread_manifest_takes_nothing_from_the_text() -> None:
    found = problem(outcome(CAUSE, WORLD, ecr_manifest=Unknown("the manifest", "denied", "ecr:BatchGetImage")))
    assert (found.still, found.text_proves) == ("unknown", True)
    assert [one.source for one in found.evidence] == ["text"]


@pytest.mark.parametrize(
    ("os_family", "architecture", "title"),
    [
        (None, None, "linux/amd64"),
        ("LINUX", "ARM64", "linux/arm64"),
        ("WINDOWS_SERVER_2022_CORE", "X86_64", "the task's platform"),
    ],
)
def test_where_the_text_names_none_fargate_wants_what_the_task_definition_says(
    os_family: str | None, architecture: str | None, title: str
) -> None:
    container = ContainerDefinition("app", essential=True, image=IMAGE)
    definition = TaskDefinition("web", 87, ROLE, (container,), os_family=os_family, cpu_architecture=architecture)
    world = replace(WORLD, failures=(failure(replace(ARM, platform=None)),), definition=definition)
    assert problem(outcome(CAUSE, world)).title == f"image offers no build for {title}"


def test_on_a_host_the_host_decides() -> None:
    task = replace(TASK, launch_type="EC2", platform_version=None)
    world = replace(WORLD, task=task, failures=(failure(replace(ARM, platform=None)),))
    found = problem(outcome(CAUSE, world))
    assert found.title == "image offers no build for the task's platform"
    assert not any("cpuArchitecture" in fix.text for fix in found.fixes)


def test_a_digest_cannot_be_pushed_again() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, f"{IMAGE}@{DIGEST}"),))))
    assert not any(fix.commands for fix in found.fixes)


def test_another_registry_is_not_read() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, HUB_IMAGE),))))
    assert (found.culprit.id, found.still) == ("web:87", "unknown")


def test_a_strangers_tag_cannot_break_the_command() -> None:
    hostile = World(failures=(failure(replace(ARM, platform="linux/$(id)")),), manifest=AMD_ONLY)
    for fix in problem(outcome(CAUSE, hostile)).fixes:
        for command in fix.commands:
            assert isinstance(command, str)
            assert shlex.split(command)[4] == "linux/amd64,linux/$(id)"


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, replace(WORLD, failures=(failure(TIMEOUT),))))
    assert IMAGE in missing(outcome(CAUSE, replace(WORLD, failures=(failure(SILENT),))))[0]
