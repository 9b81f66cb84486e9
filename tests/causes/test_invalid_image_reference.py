from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import Problem
from pull_doctor.causes.runner import checks, run
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import IMAGE, TASK, TASK_DEFINITION, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import REGISTRY

CAUSE = "invalid-image-reference"
TOLD = Symptom("resolve", "invalid-reference")


def world(image: str | None, symptom: Symptom = TOLD) -> World:
    return World(failures=(failure(symptom, image),))


def test_a_scheme_before_the_host() -> None:
    found = problem(outcome(CAUSE, world(f"https://{IMAGE}")))
    assert found.title == "image reference begins with https://"
    assert (found.culprit.id, found.where) == ("web:87", "https://")
    assert (found.still, found.text_proves) == ("yes", True)
    assert TASK_DEFINITION in str(found.evidence)
    (fix,) = found.fixes
    assert (fix.applicability, fix.commands) == ("your-call", ())
    assert f"name {IMAGE} in a new revision" in fix.text


@pytest.mark.parametrize(
    ("image", "title", "where", "corrected"),
    [
        (f"{REGISTRY}/Team/App:v1", "has upper case in its repository name", "Team/App", f"{REGISTRY}/team/app:v1"),
        (f"{REGISTRY}/team/app:", "ends in a colon without a tag", ":", None),
        (f"{REGISTRY}/team/app:v1 ", "begins or ends with white space", None, f"{REGISTRY}/team/app:v1"),
        (f"{REGISTRY}/team/app: v1", "has white space in it", ": v", None),
        (f"{REGISTRY}/team/app@sha256:12", "has a digest that is not", "@sha256:12", None),
        (f"{REGISTRY}/team/app:v1:v2", "has an impossible tag", ":v1:v2", None),
    ],
)
def test_what_is_at_fault_and_what_it_must_mean(
    image: str, title: str, where: str | None, corrected: str | None
) -> None:
    found = problem(outcome(CAUSE, world(image)))
    assert title in found.title
    assert found.where == where
    assert (f"name {corrected} in" in found.fixes[0].text) == (corrected is not None)


def test_the_string_tells_without_the_text() -> None:
    found = problem(outcome(CAUSE, world(f"https://{IMAGE}", TIMEOUT)))
    assert not found.text_proves
    assert {one.source for one in found.evidence} == {"fact"}


def test_a_legal_reference_is_not_accused() -> None:
    assert IMAGE in ok(outcome(CAUSE, world(IMAGE, TIMEOUT)))
    assert "docker.io/" in ok(outcome(CAUSE, world(f"docker.io/{IMAGE}", TIMEOUT)))


def test_a_legal_reference_that_the_text_calls_invalid_is_so_no_more() -> None:
    found = problem(outcome(CAUSE, world(IMAGE)))
    assert (found.still, found.text_proves, found.fixes) == ("no", True, ())
    assert found.inferred


def test_an_image_that_is_not_shown_is_not_judged() -> None:
    assert "container app" in missing(outcome(CAUSE, world(None)))[0]


def test_a_task_without_a_task_definition_is_named_itself() -> None:
    bare = replace(world("Team/App"), task=replace(TASK, task_definition=None, service=None))
    found = problem(outcome(CAUSE, bare))
    assert found.culprit.id == "prod/failed"
    assert found.fixes[0].effect is None


def test_no_registry_is_accused_for_it() -> None:
    view = world(f"https://{IMAGE}").view()
    found = [check.row.cause for check in checks() if isinstance(run(check, view), Problem)]
    assert found == [CAUSE]
