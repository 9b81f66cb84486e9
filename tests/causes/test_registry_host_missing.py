from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import EcrLookup, RegistryLookup
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import DIGEST, NOT_FOUND, SILENT, THERE, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY

CAUSE = "registry-host-missing"
REFUSED = Symptom("resolve", "registry-access-denied")
HIDDEN = RegistryLookup("hidden", 401)
BARE = World(failures=(failure(REFUSED, "team/app:v1.4.2"),), registry=HIDDEN)


def test_ecr_has_a_repository_of_that_name() -> None:
    found = problem(outcome(CAUSE, BARE))
    assert found.culprit.id == "web:87"
    assert (found.still, found.text_proves, found.where) == ("yes", False, "team/app:v1.4.2")
    assert "repository team/app of registry" in str(found.evidence)
    assert "was meant" in found.inferred[0]
    (fix,) = found.fixes
    assert (fix.applicability, fix.commands) == ("your-call", ())
    assert f"name {REGISTRY}/team/app:v1.4.2 in" in fix.text


def test_the_tag_may_be_missing_as_well() -> None:
    found = problem(outcome(CAUSE, replace(BARE, lookup=EcrLookup("image"))))
    assert "has no v1.4.2, so that a tag is missing as well" in str(found.evidence)


def test_a_name_without_a_path_is_looked_up_without_docker_hubs_library() -> None:
    found = problem(outcome(CAUSE, replace(BARE, failures=(failure(REFUSED, f"app@{DIGEST}"),))))
    assert f"name {REGISTRY}/app@{DIGEST}" in found.fixes[0].text


def test_a_text_that_does_not_speak_of_it_is_no_evidence() -> None:
    found = problem(outcome(CAUSE, replace(BARE, failures=(failure(TIMEOUT, "team/app:v1.4.2"),))))
    assert {one.source for one in found.evidence} == {"fact"}


def test_no_such_repository_in_ecr() -> None:
    found = ok(outcome(CAUSE, replace(BARE, lookup=EcrLookup("repository"))))
    assert f"team/app of registry {ACCOUNT} ({REGION})" in found


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/team/app:1",
        "ghcr.io/team/app:1",
        "localhost/app",
        "registry:5000/team/app:1",
        f"docker.io/{REGISTRY}/team/app:v1.4.2",
        f"{ACCOUNT}.dkr.ecr.{REGION}/team/app:v1.4.2",
    ],
)
def test_a_registry_that_is_named_is_not_missing(image: str) -> None:
    assert "names its registry" in ok(outcome(CAUSE, replace(BARE, failures=(failure(REFUSED, image),))))


def test_an_unread_repository_is_not_judged() -> None:
    unread = Unknown("image team/app:v1.4.2", "denied", "ecr:DescribeImages")
    assert missing(outcome(CAUSE, BARE, own_ecr_image=unread)) == (unread.fact,)


@pytest.mark.parametrize("image", [f"{ACCOUNT}/app:1", "team/sub/app:1", "app", "localhosts/app:1"])
def test_what_stands_before_the_first_slash_is_a_host_only_with_a_dot_or_a_colon(image: str) -> None:
    found = problem(outcome(CAUSE, replace(BARE, failures=(failure(REFUSED, image),))))
    assert found.fixes[0].text.startswith(f"name {REGISTRY}/{image.partition(':')[0]}:")


def test_an_image_that_docker_hub_has_was_meant_so() -> None:
    known = replace(BARE, registry=RegistryLookup("found", 200, DIGEST))
    assert "has team/app" in ok(outcome(CAUSE, known))
    given = Symptom("download", "network-timeout")
    assert "gave the manifest" in ok(outcome(CAUSE, replace(BARE, failures=(failure(given, "team/app:v1.4.2"),))))


def test_a_text_that_says_nothing_leaves_it_open() -> None:
    assert "has team/app" in missing(outcome(CAUSE, replace(BARE, failures=(failure(SILENT, "team/app:v1.4.2"),))))[0]
    unread = Unknown("image team/app:v1.4.2", "timed-out")
    assert problem(outcome(CAUSE, BARE, registry_image=unread)).inferred


@pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
def test_an_image_in_ecrs_archive_must_be_restored_before_it_is_named(status: str) -> None:
    found = problem(outcome(CAUSE, replace(BARE, lookup=EcrLookup(None, replace(THERE, status=status)))))
    state = "is archived" if status == "ARCHIVED" else "is still being restored"
    assert f"has v1.4.2, which {state}" in str(found.evidence)
    assert "within 20 minutes of its restoration" in found.fixes[0].text


def test_a_tag_that_neither_registry_has() -> None:
    mistyped = replace(BARE, failures=(failure(NOT_FOUND, "team/app:v1.4.2"),))
    assert "has no v1.4.2" in ok(outcome(CAUSE, replace(mistyped, lookup=EcrLookup("image"))))
    assert problem(outcome(CAUSE, mistyped)).still == "yes"
