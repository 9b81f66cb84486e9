from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import EcrLookup
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import DIGEST, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY

CAUSE = "registry-host-missing"
REFUSED = Symptom("resolve", "registry-access-denied")
BARE = World(failures=(failure(REFUSED, "team/app:v1.4.2"),))


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


@pytest.mark.parametrize("image", ["docker.io/team/app:1", "ghcr.io/team/app:1", "localhost/app"])
def test_a_registry_that_is_named_is_not_missing(image: str) -> None:
    assert "names its registry" in ok(outcome(CAUSE, replace(BARE, failures=(failure(REFUSED, image),))))


def test_an_unread_repository_is_not_judged() -> None:
    unread = Unknown("image team/app:v1.4.2", "denied", "ecr:DescribeImages")
    assert missing(outcome(CAUSE, BARE, own_ecr_image=unread)) == (unread.fact,)
