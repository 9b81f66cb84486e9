import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.causes.outcome import Still
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

CAUSE = "image-format-unsupported"
UNREAD = Unknown("the manifest", "switched-off", "ecr:BatchGetImage")
OLD = World(failures=(saying(forms.OLD),), manifest=forms.SCHEMA_1)
LATER = EcrLookup(None, replace(THERE, pushed_at=FAILED_AT + timedelta(minutes=1)))


def test_schema_1() -> None:
    found = problem(outcome(CAUSE, OLD))
    assert (found.still, found.text_proves, found.inferred, found.culprit.id) == ("yes", True, (), "team/app")
    assert "schema 1" in found.explanation
    built, converted = found.fixes
    (command,) = built.commands
    assert isinstance(command, str)
    assert "oci-mediatypes=false" in command
    assert IMAGE in shlex.split(command)
    assert converted.commands == (f"docker pull {IMAGE}", f"docker push {IMAGE}")


@pytest.mark.parametrize(
    ("manifest", "lookup", "still", "doubts"),
    [
        (forms.SCHEMA_1, THERE, "yes", 0),
        (forms.AN_IMAGE, THERE, "no", 1),
        (forms.AN_IMAGE, LATER.image, "no", 0),
        (None, LATER.image, "no", 0),
        (None, replace(THERE, pushed_at=None), "unknown", 0),
    ],
)
def test_what_is_there_now(manifest: Manifest | None, lookup: object, still: Still, doubts: int) -> None:
    world = replace(OLD, manifest=manifest, lookup=EcrLookup(None, lookup))  # type: ignore[arg-type] # the parameters mix
    found = problem(outcome(CAUSE, world))
    assert (found.still, len(found.inferred), found.text_proves) == (still, doubts, True)


def test_the_text_proves_it_where_no_manifest_is_read() -> None:
    found = problem(outcome(CAUSE, OLD, manifest=UNREAD))
    assert (found.text_proves, found.inferred) == (True, ())
    hub = problem(outcome(CAUSE, World(failures=(saying(forms.OTHER_TYPE, HUB_IMAGE),)), manifest=UNREAD))
    assert (hub.still, hub.text_proves, hub.culprit.id) == ("unknown", True, "web:87")
    assert not any(fix.commands for fix in hub.fixes)


def test_an_old_docker_and_layers_in_zstd() -> None:
    host = replace(CONTAINER_INSTANCE, docker_version="DockerVersion: 19.03.13-ce")
    manifest = replace(forms.AN_IMAGE, layer_types=(forms.ZSTD,))
    world = World(task=EC2_TASK, failures=(saying(forms.ZSTD_REFUSED),), container_instance=host, manifest=manifest)
    found = problem(outcome(CAUSE, world))
    assert (found.still, found.text_proves) == ("yes", True)
    assert forms.ZSTD in found.evidence[0].text
    assert "i-1 has Docker 19.03.13-ce" in found.evidence[-1].text
    assert "compression=gzip" in str(found.fixes[0].commands)


def test_a_type_that_is_none() -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(forms.OTHER_TYPE),), manifest=BOTH_PLATFORMS)))
    assert "application/json" in found.evidence[0].text
    assert found.text_proves


def test_without_a_type_an_image_must_be_shown_to_be_one() -> None:
    world = World(failures=(saying(forms.NO_TYPE),), manifest=forms.AN_IMAGE)
    assert problem(outcome(CAUSE, world)).text_proves
    unread = problem(outcome(CAUSE, world, manifest=UNREAD))
    assert not unread.text_proves
    assert "is not known" in unread.inferred[0]
    since = problem(outcome(CAUSE, replace(world, lookup=LATER)))
    assert (since.still, since.text_proves, len(since.inferred)) == ("no", False, 1)


def test_a_refused_request_for_the_plainest_form_is_left_open() -> None:
    plain = Manifest("application/vnd.docker.distribution.manifest.v2+json", is_index=False)
    world = World(failures=(saying(forms.ACCEPTED_REFUSED),), manifest=plain)
    assert missing(outcome(CAUSE, world)) == (f"why {IMAGE.partition('/')[0]} refused the manifest of {IMAGE}",)


def test_a_refused_request_is_likely() -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(forms.ACCEPTED_REFUSED),))))
    assert "refused the request" in found.explanation
    assert found.inferred
    since = problem(outcome(CAUSE, World(failures=(saying(forms.ACCEPTED_REFUSED),), lookup=LATER)))
    assert (since.still, since.text_proves) == ("no", False)


@pytest.mark.parametrize("text", [forms.WEB_PAGE, forms.QUOTED_PAGE])
def test_a_web_page_came_from_somebody_else(text: str) -> None:
    assert IMAGE in missing(outcome(CAUSE, World(failures=(saying(text),))))[0]


def test_the_type_that_came_is_told_and_not_the_one_that_was_expected() -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(forms.EXPECTED_DOCKER),), manifest=forms.AN_IMAGE)))
    assert f"the runtime does not take {forms.OCI} of" in found.evidence[0].text
    assert forms.DOCKER not in found.explanation
    assert "schema 1" not in found.explanation


def test_schema_1_in_quotes_is_schema_1() -> None:
    world = World(failures=(saying(forms.OLD_AND_QUOTED),), manifest=forms.SCHEMA_1)
    found = problem(outcome(CAUSE, world))
    assert "schema 1" in found.explanation
    assert [fix.commands[0].split()[1] for fix in found.fixes if isinstance(fix.commands[0], str)] == ["buildx", "pull"]
    assert problem(outcome(CAUSE, replace(world, manifest=forms.AN_IMAGE))).still == "no"


@pytest.mark.parametrize(
    ("text", "manifest"),
    [
        (forms.no_processor(forms.IN_TOTO), BOTH_PLATFORMS),
        (forms.CHART_REFUSED, None),
        (forms.NO_TYPE, forms.CHART),
        (forms.COUNTS_DIFFER, forms.AN_IMAGE),
        (forms.NO_DIFF_IDS, None),
    ],
)
def test_another_cause_speaks(text: str, manifest: Manifest | None) -> None:
    assert ok(outcome(CAUSE, World(failures=(saying(text),), manifest=manifest)))


def test_a_digest_is_not_pushed_again() -> None:
    found = problem(outcome(CAUSE, replace(OLD, failures=(saying(forms.OLD, f"{IMAGE}@{DIGEST}"),))))
    assert not any(fix.commands for fix in found.fixes)


def test_other_texts() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, World(failures=(failure(TIMEOUT),))))
    assert "layer-corrupt" in ok(outcome(CAUSE, World(failures=(saying(forms.TAR),))))
    assert IMAGE in missing(outcome(CAUSE, World(failures=(failure(SILENT),))))[0]
