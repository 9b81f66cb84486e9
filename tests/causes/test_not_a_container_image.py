import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import EcrLookup, Manifest, Platform
from pull_doctor.intake.symptom import Symptom
from tests.causes import forms
from tests.causes.factory import (
    BOTH_PLATFORMS,
    DIGEST,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    INDEX,
    SILENT,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.forms import saying
from tests.causes.helpers import missing, ok, problem

CAUSE = "not-a-container-image"
PLATFORM = Symptom("resolve", "platform-mismatch", platform="linux/amd64")
UNREAD = Unknown("the manifest", "switched-off", "ecr:BatchGetImage")
LATER = EcrLookup(None, replace(THERE, pushed_at=FAILED_AT + timedelta(minutes=1)))
ATTESTATION = World(failures=(saying(forms.no_processor(forms.IN_TOTO)),), manifest=forms.ATTESTATION)


def of_type(artifact_type: str, media_type: str = forms.OCI) -> EcrLookup:
    """What ECR tells of the image without its manifest."""
    return EcrLookup(None, replace(THERE, artifact_type=artifact_type, media_type=media_type))


def test_the_text_names_an_attestation() -> None:
    found = problem(outcome(CAUSE, ATTESTATION))
    assert found.title == "image is an attestation of a build, not a container image"
    assert (found.still, found.text_proves, found.inferred, found.culprit.id) == ("yes", True, (), "team/app")
    assert forms.IN_TOTO in found.evidence[0].text
    assert "BUILDX_NO_DEFAULT_ATTESTATIONS=1" in found.fixes[0].text
    (command,) = found.fixes[0].commands
    assert isinstance(command, str)
    words = shlex.split(command)
    assert words[words.index("--platform") + 1] == "linux/amd64"
    assert "--provenance=false" in words
    assert IMAGE in words


def test_the_text_proves_it_where_no_manifest_is_read() -> None:
    found = problem(outcome(CAUSE, ATTESTATION, manifest=UNREAD))
    assert (found.still, found.text_proves, found.inferred) == ("unknown", True, ())
    hub = problem(outcome(CAUSE, replace(ATTESTATION, failures=(saying(ATTESTATION.failures[0].message, HUB_IMAGE),))))
    assert hub.culprit.id == "web:87"
    assert not hub.fixes[0].commands


def test_the_image_was_pushed_since() -> None:
    found = problem(outcome(CAUSE, replace(ATTESTATION, manifest=forms.AN_IMAGE, lookup=LATER)))
    assert (found.still, found.inferred) == ("no", ())
    before = problem(outcome(CAUSE, replace(ATTESTATION, manifest=forms.AN_IMAGE)))
    assert (before.still, len(before.inferred)) == ("no", 1)


def test_an_index_with_attestations_beside_its_builds_may_still_be_the_one() -> None:
    index = replace(BOTH_PLATFORMS, attestations=2)
    found = problem(outcome(CAUSE, replace(ATTESTATION, manifest=index)))
    assert (found.still, found.text_proves) == ("unknown", True)
    assert "2 builds, and 2 attestations" in found.evidence[1].text


def test_a_type_that_the_end_of_the_text_cuts_off_is_not_heard() -> None:
    cut = saying("CannotPullContainerError: Error response from daemon: unsupported media type application/vnd.oci.ima")
    assert missing(outcome(CAUSE, World(failures=(cut,)), manifest=UNREAD)) == ("the manifest",)


@pytest.mark.parametrize("text", [forms.NO_DIFF_IDS, forms.INVALID_ROOTFS, forms.ROOTFS_DIFFERS, forms.NO_TYPE])
def test_the_manifest_shows_a_chart(text: str) -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(text),), manifest=forms.CHART)))
    assert found.title == "image is a Helm chart, not a container image"
    assert (found.still, found.text_proves, found.inferred) == ("yes", False, ())
    assert "under a name of its own" in found.fixes[0].text


def test_the_text_names_a_chart() -> None:
    found = problem(outcome(CAUSE, World(failures=(saying(forms.CHART_REFUSED),)), manifest=UNREAD))
    assert found.text_proves
    assert "a Helm chart" in found.title


@pytest.mark.parametrize(
    ("config", "layer", "called"),
    [
        (forms.CONFIG, "application/vnd.dev.cosign.simplesigning.v1+json", "a signature"),
        ("application/vnd.wasm.config.v0+json", "application/wasm", "a WebAssembly module"),
        ("application/vnd.oci.empty.v1+json", "application/spdx+json", "application/vnd.oci.empty.v1+json"),
        ("application/vnd.docker.plugin.v1+json", forms.GZIP, "a plugin of Docker"),
    ],
)
def test_other_things_that_a_registry_keeps(config: str, layer: str, called: str) -> None:
    manifest = Manifest(forms.OCI, is_index=False, config_type=config, layer_types=(layer,))
    found = problem(outcome(CAUSE, World(failures=(saying(forms.NO_TYPE),), manifest=manifest)))
    assert called in found.explanation


def test_an_index_of_attestations_alone_has_no_platform() -> None:
    world = World(failures=(failure(PLATFORM),), manifest=forms.ONLY_ATTESTATIONS)
    found = problem(outcome(CAUSE, world))
    assert found.title == "image index lists no build for any platform"
    assert "and 2 attestations" in found.evidence[0].text
    assert (found.text_proves, found.inferred) == (False, ())
    assert ok(outcome("platform-mismatch", world))


def test_pushed_after_the_failure_it_is_in_doubt() -> None:
    world = World(failures=(failure(PLATFORM),), manifest=forms.ONLY_ATTESTATIONS, lookup=LATER)
    assert "pushed after the task had failed" in problem(outcome(CAUSE, world)).inferred[0]
    assert problem(outcome("platform-mismatch", world)).text_proves


def test_what_ecr_tells_without_the_manifest_is_likely() -> None:
    world = World(failures=(saying(forms.NO_DIFF_IDS),), lookup=of_type(forms.HELM))
    found = problem(outcome(CAUSE, world, manifest=UNREAD))
    assert "a Helm chart" in found.title
    assert "was not read" in found.inferred[0]


@pytest.mark.parametrize("lookup", [of_type(forms.CONFIG), of_type(forms.HELM, INDEX), of_type("application/json")])
def test_what_ecr_tells_may_show_nothing(lookup: EcrLookup) -> None:
    world = World(failures=(saying(forms.NO_DIFF_IDS),), lookup=lookup)
    assert missing(outcome(CAUSE, world, manifest=UNREAD)) == ("the manifest",)


@pytest.mark.parametrize(
    "manifest", [None, Manifest(INDEX, is_index=True, platforms=None), Manifest(forms.OCI, is_index=False)]
)
def test_a_manifest_that_does_not_tell(manifest: Manifest | None) -> None:
    assert IMAGE in missing(outcome(CAUSE, World(failures=(failure(PLATFORM),), manifest=manifest)))[0]


@pytest.mark.parametrize(
    ("text", "manifest"),
    [
        (forms.NO_DIFF_IDS, forms.AN_IMAGE),
        (forms.COUNTS_DIFFER, BOTH_PLATFORMS),
        (forms.OLD, forms.SCHEMA_1),
        (forms.OTHER_TYPE, forms.AN_IMAGE),
    ],
)
def test_an_image_is_one(text: str, manifest: Manifest) -> None:
    assert ok(outcome(CAUSE, World(failures=(saying(text),), manifest=manifest)))
    platform = Manifest(INDEX, is_index=True, platforms=(Platform("linux", "arm64"),))
    assert ok(outcome(CAUSE, World(failures=(failure(PLATFORM),), manifest=platform)))


def test_a_digest_stays_what_it_is() -> None:
    text = ATTESTATION.failures[0].message
    found = problem(outcome(CAUSE, replace(ATTESTATION, failures=(saying(text, f"{IMAGE}@{DIGEST}"),), lookup=LATER)))
    assert not found.fixes[0].commands
    assert "name the new image" in found.fixes[0].text


def test_names_are_not_heard() -> None:
    hostile = "CannotPullContainerError: failed to resolve ref acme/vnd.in-toto:no-processor: unsupported manifest"
    assert missing(outcome(CAUSE, World(failures=(saying(hostile),)), manifest=UNREAD))


def test_other_texts() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, World(failures=(failure(TIMEOUT),))))
    assert "layer-corrupt" in ok(outcome(CAUSE, World(failures=(saying(forms.TAR),))))
    assert IMAGE in missing(outcome(CAUSE, World(failures=(failure(SILENT),))))[0]
    assert problem(outcome(CAUSE, World(failures=(failure(SILENT),), lookup=of_type(forms.HELM)))).inferred
