import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.causes.outcome import Problem, Still
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import CacheRule, ContainerDefinition, EcrLookup, Manifest, Platform, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptoms import read_symptom
from tests.causes.factory import (
    BOTH_PLATFORMS,
    CONTAINER_INSTANCE,
    DIGEST,
    EC2_TASK,
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
AMD, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
WINDOWS_2019 = Platform("windows", "amd64", os_version="10.0.17763.6893")
UNTOLD = failure(replace(ARM, platform=None))


def index(*platforms: Platform) -> Manifest:
    return Manifest(INDEX, is_index=True, platforms=platforms)


WORLD = World(failures=(failure(ARM),), manifest=index(AMD))


def definition(os_family: str | None = None, cpu: str | None = None) -> TaskDefinition:
    container = ContainerDefinition("app", essential=True, image=IMAGE)
    return TaskDefinition("web", 87, ROLE, (container,), os_family=os_family, cpu_architecture=cpu)


def on_host(**attributes: str) -> World:
    """A text without a platform, of a task on a host with these attributes."""
    told = tuple((f"ecs.{name.replace('_', '-')}", value) for name, value in attributes.items())
    return replace(
        WORLD, task=EC2_TASK, failures=(UNTOLD,), container_instance=replace(CONTAINER_INSTANCE, attributes=told)
    )


def built(found: Problem) -> list[str]:
    """The words of the command that builds the missing platform."""
    (command,) = found.fixes[0].commands
    assert isinstance(command, str)
    return shlex.split(command)


def test_the_index_offers_another_platform() -> None:
    found = problem(outcome(CAUSE, WORLD))
    assert found.title == "image offers no build for linux/arm64"
    assert found.culprit.id == "team/app"
    assert (found.still, found.text_proves, found.inferred) == ("yes", True, ())
    assert f"the index of image {IMAGE} offers linux/amd64" in str(found.evidence)
    words = built(found)
    assert words[:3] == ["docker", "buildx", "build"]
    assert words[words.index("--platform") + 1] == "linux/amd64,linux/arm64"
    assert words[words.index("-t") + 1] == IMAGE
    assert '{"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}' in found.fixes[1].text


def test_built_on_a_laptop_with_an_arm_processor() -> None:
    world = replace(WORLD, failures=(failure(replace(ARM, platform="linux/amd64")),), manifest=index(ARM64))
    found = problem(outcome(CAUSE, world))
    assert "Apple laptop" in found.explanation
    assert '"cpuArchitecture": "ARM64"' in found.fixes[1].text
    assert "Apple" not in problem(outcome(CAUSE, WORLD)).explanation


@pytest.mark.parametrize(
    ("wanted", "offered", "still"),
    [
        ("linux/arm64 v8", Platform("linux", "arm64"), "no"),
        ("linux/arm64/v8", Platform("linux", "arm64", "v8"), "no"),
        ("linux/arm64", Platform("linux", "arm64", "v8"), "no"),
        ("linux/aarch64", Platform("linux", "arm64", "v8"), "no"),
        ("linux/amd64", Platform("linux", "AMD64"), "no"),
        ("linux/arm64", Platform("linux", "arm", "v7"), "yes"),
        ("linux/arm/v7", Platform("linux", "arm64", "v8"), "yes"),
        ("linux/arm/v6", Platform("linux", "arm", "v7"), "yes"),
        ("linux/amd64", Platform("windows", "amd64"), "yes"),
        ("windows/amd64 10.0.17763", Platform("windows", "amd64"), "unknown"),
        ("windows/amd64 10.0.17763", WINDOWS_2019, "no"),
        ("windows/amd64 10.0.18362", WINDOWS_2019, "yes"),
        ("windows(10.0.20348)/amd64", WINDOWS_2019, "yes"),
        ("windows/amd64 10.0.17763", Platform("linux", "amd64"), "yes"),
    ],
)
def test_platforms_are_compared_whatever_their_spelling(wanted: str, offered: Platform, still: Still) -> None:
    world = World(failures=(failure(replace(ARM, platform=wanted)),), manifest=index(offered))
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


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        Manifest("application/vnd.oci.image.manifest.v1+json", is_index=False),
        Manifest(INDEX, is_index=True, platforms=None),
    ],
)
def test_what_does_not_tell_its_platform_leaves_it_open(manifest: Manifest | None) -> None:
    found = problem(outcome(CAUSE, replace(WORLD, manifest=manifest)))
    assert (found.still, found.text_proves) == ("unknown", True)


def test_a_build_without_a_platform_is_shown() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, manifest=Manifest(INDEX, is_index=True, platforms=None))))
    assert "has a build without a platform" in str(found.evidence)


def test_an_unread_manifest_takes_nothing_from_the_text() -> None:
    found = problem(outcome(CAUSE, WORLD, manifest=Unknown("the manifest", "denied", "ecr:BatchGetImage")))
    assert (found.still, found.text_proves) == ("unknown", True)
    assert not any("index" in one.text for one in found.evidence)


@pytest.mark.parametrize(
    "manifest",
    [
        Manifest(INDEX, is_index=True, platforms=(), attestations=2),
        Manifest("x", is_index=False, config_type="application/vnd.cncf.helm.config.v1+json"),
    ],
)
def test_what_is_no_image_is_told_by_another_cause(manifest: Manifest) -> None:
    assert "not-a-container-image" in ok(outcome(CAUSE, replace(WORLD, manifest=manifest)))


@pytest.mark.parametrize(
    ("os_family", "cpu", "wanted"),
    [
        (None, None, "linux/amd64"),
        ("LINUX", "ARM64", "linux/arm64"),
        ("WINDOWS_SERVER_2019_CORE", "X86_64", "windows/amd64 10.0.17763"),
        ("WINDOWS_SERVER_2022_FULL", None, "windows/amd64 10.0.20348"),
        ("WINDOWS_SERVER_2025_CORE", "X86_64", "windows/amd64 10.0.26100"),
        ("WINDOWS_SERVER_2004_CORE", "X86_64", "windows/amd64"),
    ],
)
def test_where_the_text_names_none_fargate_wants_what_the_task_definition_says(
    os_family: str | None, cpu: str | None, wanted: str
) -> None:
    found = problem(outcome(CAUSE, replace(WORLD, failures=(UNTOLD,), definition=definition(os_family, cpu))))
    assert found.title == f"image offers no build for {wanted}"
    said = "names no runtimePlatform" if os_family is None else "sets a runtimePlatform"
    assert said in found.evidence[-1].text


def test_where_the_task_definition_is_unread_the_event_tells() -> None:
    task = replace(TASK, platform_family="Linux", cpu_architecture="arm64")
    unread = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")
    world = replace(WORLD, task=task, failures=(UNTOLD,))
    found = problem(outcome(CAUSE, world, task_definition=unread))
    assert found.title == "image offers no build for linux/arm64"
    untold = problem(outcome(CAUSE, replace(world, task=TASK), task_definition=unread))
    assert untold.title == "image offers no build for the task's platform"
    assert not untold.fixes[0].commands


def test_the_text_names_windows_and_the_task_its_build() -> None:
    world = World(
        failures=(failure(replace(ARM, platform="windows/amd64")),),
        definition=definition("WINDOWS_SERVER_2022_FULL", "X86_64"),
        manifest=index(WINDOWS_2019),
    )
    found = problem(outcome(CAUSE, world))
    assert (found.title, found.still) == ("image offers no build for windows/amd64 10.0.20348", "yes")
    assert not any(fix.commands for fix in found.fixes)
    assert '"operatingSystemFamily": "WINDOWS_SERVER_2019_FULL"' in found.fixes[1].text


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"os_type": "linux", "cpu_architecture": "arm64"}, "linux/arm64"),
        ({"os_type": "linux", "cpu_architecture": "x86_64", "os_family": "LINUX"}, "linux/amd64"),
        (
            {"os_type": "windows", "os_family": "WINDOWS_SERVER_2019_FULL", "cpu_architecture": "x86_64"},
            "windows/amd64 10.0.17763",
        ),
        ({"os_type": "windows", "cpu_architecture": "x86_64"}, "windows/amd64"),
        ({"os_type": "linux"}, "the task's platform"),
    ],
)
def test_on_a_host_the_host_decides(attributes: dict[str, str], wanted: str) -> None:
    found = problem(outcome(CAUSE, on_host(**attributes)))
    assert found.title == f"image offers no build for {wanted}"
    assert not any("runtimePlatform" in fix.text for fix in found.fixes)
    assert any("i-1 runs" in one.text for one in found.evidence) == (wanted != "the task's platform")


def test_on_a_host_the_task_can_go_to_another_one() -> None:
    found = problem(outcome(CAUSE, on_host(os_type="linux", cpu_architecture="arm64")))
    assert "attribute:ecs.cpu-architecture == x86_64" in found.fixes[1].text


@pytest.mark.parametrize(
    "words",
    [
        "does not match the specified platform: wanted linux/amd64, actual: linux/arm64/v8",
        "its platform (linux/arm64/v8) does not match the specified platform (linux/amd64)",
    ],
)
def test_docker_says_what_it_found_instead(words: str) -> None:
    said = f"CannotPullContainerError: image with reference {IMAGE} was found but {words}"
    told = replace(failure(read_symptom(said)), message=said)
    assert (told.symptom.kind, told.symptom.platform) == ("platform-mismatch", "linux/amd64")
    single = Manifest("application/vnd.oci.image.manifest.v1+json", is_index=False)
    found = problem(outcome(CAUSE, replace(WORLD, failures=(told,), manifest=single)))
    assert f"found for image {IMAGE} is for linux/arm64/v8" in str(found.evidence)
    assert "It offers linux/arm64." in found.explanation
    assert "linux/arm64,linux/amd64" in built(found)


def test_a_digest_cannot_be_pushed_again() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, f"{IMAGE}@{DIGEST}"),))))
    assert not any(fix.commands for fix in found.fixes)


def test_an_image_of_docker_hub_is_not_built_here() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, HUB_IMAGE),))))
    assert (found.culprit.id, found.still) == ("web:87", "yes")
    assert found.fixes[0].text == "name an image that offers linux/arm64 in the task definition"
    own = problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, "docker.io/acme/web:3"),))))
    assert "docker.io/acme/web:3" in built(own)


def test_builds_for_windows_beside_it_are_not_lost() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, manifest=index(AMD, WINDOWS_2019))))
    assert not found.fixes[0].commands


def test_a_strangers_platform_cannot_break_the_command() -> None:
    hostile = World(failures=(failure(replace(ARM, platform="linux/$(id)")),), manifest=index(AMD))
    words = built(problem(outcome(CAUSE, hostile)))
    assert words[4] == "linux/amd64,linux/$(id)"
    long = World(failures=(failure(replace(ARM, platform="linux/" + "a" * 54)),), manifest=index(AMD))
    assert problem(outcome(CAUSE, long)).title == "image offers no build for the task's platform"


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, replace(WORLD, failures=(failure(TIMEOUT),))))
    assert IMAGE in missing(outcome(CAUSE, replace(WORLD, failures=(failure(SILENT),))))[0]


def test_amd64_and_its_first_variant_are_one() -> None:
    first = index(Platform("linux", "amd64", "v1"))
    world = World(failures=(failure(replace(ARM, platform="linux/amd64")),), manifest=first)
    assert problem(outcome(CAUSE, world)).still == "no"
    later = replace(world, manifest=index(Platform("linux", "amd64", "v3")))
    assert problem(outcome(CAUSE, later)).still == "yes"


def test_a_build_is_pushed_with_the_rights_of_the_repositorys_account_and_region() -> None:
    image = "999988887777.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
    built, line = problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, image),)))).fixes
    assert (built.account, built.region) == ("999988887777", "us-east-1")
    assert image in str(built.commands)
    assert (line.account, line.region) == (TASK.place.account, TASK.place.region)


@pytest.mark.parametrize("image", ["public.ecr.aws/docker/library/nginx:1.27", "nginx:1.27", IMAGE])
def test_what_others_publish_or_a_cache_fetches_is_not_pushed(image: str) -> None:
    rule = CacheRule("team", "registry-1.docker.io")
    found = problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, image),), cache_rules=(rule,))))
    assert "name an image that offers linux/arm64" in found.fixes[0].text
    assert not any(fix.commands for fix in found.fixes)


def test_a_repository_that_only_sounds_like_a_caches_is_pushed_to() -> None:
    image = IMAGE.replace("team/app", "quay/app")
    assert image in built(problem(outcome(CAUSE, replace(WORLD, failures=(failure(ARM, image),)))))


def test_a_deployment_may_go_on_asking_for_what_it_resolved_before() -> None:
    before = f"sha256:{'9' * 64}"
    mended = replace(WORLD, manifest=BOTH_PLATFORMS)
    assert problem(outcome(CAUSE, mended)).still == "no"
    pinned = replace(mended, failures=(replace(mended.failures[0], image_digest=before),))
    found = problem(outcome(CAUSE, pinned))
    assert found.still == "unknown"
    assert [fix.text for fix in found.fixes] == ["start a new deployment, which resolves tag v1.4.2 anew"]
    same = replace(mended, failures=(replace(mended.failures[0], image_digest=DIGEST),))
    assert problem(outcome(CAUSE, same)).still == "no"
