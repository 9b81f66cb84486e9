"""A missing tag beside the digest that a deployment pinned: the digest decides what the tasks ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import (
    ContainerDefinition,
    Deployment,
    EcrImage,
    EcrLookup,
    EcrTags,
    RegistryLookup,
    TaskDefinition,
)
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptoms import read_symptom
from tests.causes.factory import DIGEST, FAILED_AT, IMAGE, NOT_FOUND, ROLE, SILENT, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import REGISTRY
from tests.ranked_worlds import concluded

CAUSE = "image-not-found"
OLD = "sha256:" + "f" * 64
BY_TAG = TaskDefinition("web", 87, ROLE, (ContainerDefinition("app", essential=True, image=IMAGE),))
NEAR = EcrTags((EcrImage(DIGEST, ("1.4.2",), FAILED_AT - timedelta(days=1), "ACTIVE"),), complete=True)
MISSING, THERE = Known(EcrLookup("image")), Known(EcrLookup(None, EcrImage(OLD, (), None, "ACTIVE")))
TOLD = replace(NOT_FOUND, digest=OLD)
BY_REVISION = Deployment("ecs-svc/1", "INACTIVE", digests=(("app", OLD),))


def world(symptom: Symptom, resolved: str | None = None) -> World:
    failed = replace(failure(symptom), image_digest=resolved)
    return World(failures=(failed,), lookup=EcrLookup("image"), tags=NEAR, definition=BY_TAG)


def test_a_tag_put_back_does_not_mend_a_deployment_that_asks_for_a_digest() -> None:
    found = problem(outcome(CAUSE, world(TOLD), ecr_pinned=MISSING))
    assert f"has no tag v1.4.2, and no {OLD}, which the deployment pinned" in str(found.evidence)
    assert found.fixes[1].effect == f"none until a new deployment resolves the tag: this one asks for {OLD}"
    alone = problem(outcome(CAUSE, replace(world(TOLD), tags=EcrTags((), complete=True)), ecr_pinned=MISSING))
    assert f"push the image and start a new deployment, as this one asks for {OLD}" in alone.fixes[0].text


def test_without_a_pin_the_next_retry_finds_the_tag() -> None:
    found = problem(outcome(CAUSE, world(NOT_FOUND)))
    assert "next retry finds the tag" in str(found.fixes[1].effect)


@pytest.mark.parametrize(("symptom", "resolved"), [(TOLD, None), (SILENT, OLD)])
def test_a_digest_that_is_there_needs_no_tag(symptom: Symptom, resolved: str | None) -> None:
    sound = world(symptom, resolved)
    assert f"{OLD} of team/app" in ok(outcome(CAUSE, sound, ecr_pinned=THERE))
    unread = Unknown("image team/app", "throttled", "ecr:DescribeImages")
    assert missing(outcome(CAUSE, sound, ecr_pinned=unread)) == (unread.fact,)


def test_a_text_that_names_the_tag_alone_is_about_the_tag() -> None:
    found = problem(outcome(CAUSE, world(NOT_FOUND, OLD), ecr_pinned=THERE))
    assert found.still == "yes"
    assert OLD not in str((found.evidence, found.fixes))


def test_the_service_revision_is_asked_where_the_text_does_not_say_that_the_missing_tag_is_missed() -> None:
    def asked(symptom: Symptom) -> bool:
        return any(isinstance(one, ask.StartedWith) for wave in world(symptom).waves() for one in wave)

    assert asked(SILENT)
    assert not asked(NOT_FOUND)
    assert not asked(TIMEOUT)
    assert "which the deployment pinned" in ok(
        outcome(CAUSE, replace(world(SILENT), revision=BY_REVISION), ecr_pinned=THERE)
    )


def test_an_unread_service_revision_is_named() -> None:
    unread = Unknown("service revision 1", "denied", "ecs:DescribeServiceRevisions")
    (doubt,) = problem(outcome(CAUSE, world(SILENT), pinned_image=unread)).inferred
    assert "whether the deployment pinned a digest" in doubt
    assert unread.fact in doubt


def test_a_part_of_an_image_is_not_what_the_deployment_pinned() -> None:
    text = (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: "
        f"content at https://{REGISTRY}/v2/team/app/manifests/{OLD} not found: not found"
    )
    failed = replace(failure(read_symptom(text)), message=text)
    part = World(failures=(failed,), definition=BY_TAG)
    assert part.view().pinned_image == Known(None)
    report = concluded(part)
    assert (report.verdict, report.causes) == ("undetermined", ())


def test_what_the_tag_names_now_that_is_written_beside_a_missing_digest() -> None:
    image = f"{IMAGE}@{OLD}"
    tags = EcrTags((EcrImage(DIGEST, ("v1.4.2",), FAILED_AT - timedelta(days=1), "ARCHIVED"),), complete=True)
    written = World(failures=(failure(TOLD, image),), lookup=EcrLookup("image"), tags=tags)
    evidence = [one.text for one in problem(outcome(CAUSE, written)).evidence]
    assert f"tag v1.4.2 of team/app, pushed 2026-11-02 09:30:00 UTC, is archived, names {DIGEST}" in evidence
    assert not any("names" in one.text for one in problem(outcome(CAUSE, replace(written, tags=NEAR))).evidence)


# In another registry


QUAY = "quay.io/acme/app:v1"
OF_QUAY = TaskDefinition("web", 87, ROLE, (ContainerDefinition("app", essential=True, image=QUAY),))
SHOWN = RegistryLookup("found", 200, DIGEST)


def in_quay(symptom: Symptom = TOLD, registry: RegistryLookup = SHOWN, image: str = QUAY) -> World:
    return World(failures=(failure(symptom, image),), definition=OF_QUAY, registry=registry)


def test_another_registry_has_the_tag_and_not_the_pinned_digest() -> None:
    (found,) = concluded(in_quay()).causes
    assert (found.cause, found.certainty, found.still) == ("pinned-digest-deleted", "proven", "unknown")
    assert OLD in found.explanation
    assert f"it names {DIGEST}" in found.explanation
    (deploy,) = found.fixes
    assert (deploy.applicability, deploy.commands[0].operation) == ("your-call", "UpdateService")


@pytest.mark.parametrize("registry", [RegistryLookup("missing", 404), RegistryLookup("found", 200, OLD)])
def test_another_registry_lacks_the_tag_too_or_has_the_digest_by_now(registry: RegistryLookup) -> None:
    assert "v1 of acme/app" in ok(outcome("pinned-digest-deleted", in_quay(registry=registry)))
    (found,) = concluded(in_quay(registry=registry)).causes
    assert (found.cause, found.still) == ("registry-image-not-found", "yes" if registry.status == 404 else "no")


def test_another_registrys_digest_is_the_texts_alone_to_tell() -> None:
    assert isinstance(outcome("pinned-digest-deleted", in_quay(NOT_FOUND)), NotApplicable)
    assert isinstance(outcome("pinned-digest-deleted", in_quay(TIMEOUT)), NotApplicable)
    assert isinstance(outcome("pinned-digest-deleted", in_quay(image=f"{QUAY}@{OLD}")), NotApplicable)
    unread = Unknown(f"image {QUAY}", "timed-out")
    assert missing(outcome("pinned-digest-deleted", in_quay(), registry_image=unread)) == (unread.fact,)


# In the archive


@pytest.mark.parametrize(
    "words",
    [
        "ImageArchivedException: The image is archived",
        "manifest unknown: Requested image is archived, restore it before it can be pulled",
        f"unknown: The image with imageId {{imageDigest:'{DIGEST}', imageTag:'v1.4.2'}} is in the archive",
    ],
)
def test_a_registry_that_says_archived_is_quoted_so(words: str) -> None:
    text = f"CannotPullImageManifestError: Error response from daemon: {words}"
    failed = replace(failure(read_symptom(text)), message=text)
    away = EcrLookup(None, EcrImage(DIGEST, ("v1.4.2",), None, "ARCHIVED"))
    (found,) = concluded(World(failures=(failed,), lookup=away, definition=BY_TAG)).causes
    assert (found.cause, found.certainty) == ("image-archived", "proven")
    said = "is archived" if "archived" in words else "is not found"
    assert found.evidence[0].text.endswith(said)
