import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.causes.runner import checks
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import EcrLookup, Manifest
from tests.causes import forms
from tests.causes.factory import (
    BOTH_PLATFORMS,
    CONTAINER_INSTANCE,
    DIGEST,
    EC2_TASK,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    SILENT,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.forms import saying
from tests.causes.helpers import missing, ok, problem

CAUSE = "image-corrupt"
UNREAD = Unknown("the manifest", "switched-off", "ecr:BatchGetImage")
LATER = EcrLookup(None, replace(THERE, pushed_at=FAILED_AT + timedelta(minutes=1)))


@pytest.mark.parametrize("text", [forms.COUNTS_DIFFER, forms.DOCKER_DIFFERS])
def test_layers_and_configuration_differ(text: str) -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(text),)), manifest=UNREAD))
    assert (found.still, found.text_proves, found.inferred, found.culprit.id) == ("yes", True, (), "team/app")
    (fix,) = found.fixes
    assert fix.applicability == "fill-in"
    (command,) = fix.commands
    assert isinstance(command, str)
    words = shlex.split(command)
    assert words[words.index("-t") + 1] == IMAGE.replace(":v1.4.2", ":<new-tag>")
    assert "force-compression=true" in command


@pytest.mark.parametrize("text", [forms.NO_DIFF_IDS, forms.INVALID_ROOTFS, forms.ROOTFS_DIFFERS])
def test_a_configuration_without_layers_may_be_no_image(text: str) -> None:
    world = World(failures=(saying(text),), manifest=forms.AN_IMAGE)
    assert problem(outcome(CAUSE, world)).text_proves
    unread = problem(outcome(CAUSE, world, manifest=UNREAD))
    assert not unread.text_proves
    assert "a chart shows so, too" in unread.inferred[0]
    assert "a Helm chart" in ok(outcome(CAUSE, replace(world, manifest=forms.CHART)))


def test_layers_of_two_compressions_are_shown() -> None:
    mixed = replace(forms.AN_IMAGE, layer_types=(forms.GZIP, forms.ZSTD))
    found = problem(outcome(CAUSE, World(failures=(saying(forms.COUNTS_DIFFER),), manifest=mixed)))
    assert f"{forms.GZIP} and {forms.ZSTD}" in found.evidence[1].text


def test_the_registry_lost_a_layer() -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(forms.LAYER_MISSING),))))
    assert found.title == "image lacks a layer that its manifest names"
    assert (found.text_proves, found.inferred) == (True, ())


@pytest.mark.parametrize("text", [forms.LAYER_NOT_FOUND, forms.LAYER_404])
def test_who_did_not_find_a_layer_is_concluded(text: str) -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(text),))))
    assert found.title == "image lacks a layer that its manifest names"
    assert "a layer of it was not found" in found.evidence[0].text
    assert not found.text_proves
    assert "a proxy" in found.inferred[0]


@pytest.mark.parametrize("text", [forms.VERIFICATION, forms.TAR])
def test_a_layer_that_does_not_unpack_may_have_come_damaged(text: str) -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(text),))))
    assert not found.text_proves
    assert "a connection that broke" in found.inferred[0]
    assert len(found.fixes) == 1


def test_on_a_host_its_own_copy_may_be_damaged() -> None:
    hostile = f"{IMAGE.rpartition(':')[0]}:x"
    found = problem(outcome(CAUSE, World(task=EC2_TASK, failures=(saying(forms.TAR, hostile),))))
    assert "the host's own copy" in found.inferred[0]
    session = "aws ssm start-session --region eu-west-1 --target i-1"
    assert found.fixes[1].commands == (session, f"sudo docker image rm {hostile}")
    assert found.fixes[1].text.endswith("i-1")


def test_the_shell_of_windows_knows_no_sudo() -> None:
    windows = replace(CONTAINER_INSTANCE, attributes=(("ecs.os-type", "windows"),))
    world = World(task=EC2_TASK, failures=(saying(forms.TAR),), container_instance=windows)
    assert problem(outcome(CAUSE, world)).fixes[1].commands == (f"docker image rm {IMAGE}",)


@pytest.mark.parametrize("text", [forms.DISK_ERROR, forms.WINDOWS_LOCK, forms.SHORT_READ, forms.NO_REASON])
def test_what_speaks_of_the_host_or_of_nothing_accuses_no_image(text: str) -> None:
    assert saying(text).symptom.kind == "layer-corrupt-or-extract-failure"
    assert IMAGE in missing(outcome(CAUSE, World(failures=(saying(text),))))[0]


def test_pushed_since() -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(forms.COUNTS_DIFFER),), lookup=LATER)))
    assert (found.still, found.inferred) == ("no", ())
    assert "after the failure" in found.explanation
    unnamed = World(failures=(saying(forms.NO_DIFF_IDS),), lookup=LATER, manifest=forms.AN_IMAGE)
    assert "was when the task failed" in missing(outcome(CAUSE, unnamed))[0]
    same = World(failures=(saying(forms.COUNTS_DIFFER, f"{IMAGE}@{DIGEST}"),), lookup=LATER)
    assert problem(outcome(CAUSE, same)).still == "yes"
    hub = World(failures=(saying(forms.COUNTS_DIFFER, HUB_IMAGE),))
    assert problem(outcome(CAUSE, hub)).still == "unknown"


@pytest.mark.parametrize("text", [forms.OLD, forms.OTHER_TYPE, forms.no_processor(forms.IN_TOTO)])
def test_the_form_is_another_matter(text: str) -> None:
    assert "form" in ok(outcome(CAUSE, World(failures=(saying(text),))))


def test_other_texts() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, World(failures=(failure(TIMEOUT),))))
    assert IMAGE in missing(outcome(CAUSE, World(failures=(failure(SILENT),))))[0]


_OF_THE_FORM = ("platform-mismatch", "not-a-container-image", "image-format-unsupported", CAUSE)


@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize(
    ("text", "manifest", "cause"),
    [
        (forms.no_processor(forms.IN_TOTO), forms.ATTESTATION, "not-a-container-image"),
        (forms.no_processor(forms.ZSTD), BOTH_PLATFORMS, "image-format-unsupported"),
        (forms.CHART_REFUSED, forms.CHART, "not-a-container-image"),
        (forms.COUNTS_DIFFER, BOTH_PLATFORMS, CAUSE),
        (forms.NO_DIFF_IDS, forms.AN_IMAGE, CAUSE),
        (forms.OLD, forms.SCHEMA_1, "image-format-unsupported"),
        (forms.OTHER_TYPE, forms.AN_IMAGE, "image-format-unsupported"),
        (forms.ACCEPTED_REFUSED, BOTH_PLATFORMS, "image-format-unsupported"),
        (forms.LAYER_MISSING, BOTH_PLATFORMS, CAUSE),
        (forms.TAR, BOTH_PLATFORMS, CAUSE),
    ],
)
def test_each_text_leads_to_one_cause(text: str, manifest: Manifest, cause: str, *, read: bool) -> None:
    world = World(failures=(saying(text),), manifest=manifest)
    facts = {} if read else {"manifest": UNREAD}
    found = {name: type(outcome(name, world, **facts)).__name__ for name in _OF_THE_FORM}
    assert [name for name, kind in found.items() if kind == "Problem"] == [cause]
    row = next(check.row for check in checks() if check.row.cause == cause)
    assert row.explains(world.failures[0].symptom)
