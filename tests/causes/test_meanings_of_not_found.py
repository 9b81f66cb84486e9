"""One text, "not found", has many meanings: each leads to an answer of its own, and a sound account to none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import (
    CacheRule,
    ContainerDefinition,
    Deployment,
    EcrImage,
    EcrLookup,
    RegistryLookup,
    Replication,
    ReplicationRule,
    Simulated,
    TaskDefinition,
)
from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Failure
from pull_doctor.report.model import Report
from pull_doctor.view.cache import CACHE_ACTIONS
from tests.causes.factory import DIGEST, FAILED_AT, ROLE, THERE, World
from tests.network.factory import ACCOUNT, REGION, REGISTRY
from tests.ranked_worlds import concluded

OLD = "sha256:" + "f" * 64
HERE = (ACCOUNT, REGION)
NO_IMAGE, NO_REPOSITORY = EcrLookup("image"), EcrLookup("repository")
FOUND = EcrLookup(None, THERE)
BEFORE, SINCE = FAILED_AT - timedelta(days=1), FAILED_AT + timedelta(seconds=20)


@dataclass(frozen=True)
class Registries(World):
    """A world whose registries answer for each account, Region, and name on their own."""

    has: dict[tuple[str, str, str], EcrLookup] = field(default_factory=dict)
    repository_missing: bool = False

    def answer(self, question: Question[Any]) -> Fact[Any]:
        if not isinstance(question, ask.EcrImageOf):
            return super().answer(question)
        asked = (question.registry, question.region, question.digest or question.tag or "")
        return Known(self.has.get(asked, NO_REPOSITORY if self.repository_missing else NO_IMAGE))


def told(image: str, named: str | None = None, words: str = "not found") -> Failure:
    """The failure of which ECS's text names the image, and says no more than "not found"."""
    text = (
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
        f"{named or image}: {words}"
    )
    return Failure("app", "app", image, parse_reference(image), text, read_symptom(text))


def world(image: str, *, named: str | None = None, words: str = "not found", **more: Any) -> Registries:
    definition = TaskDefinition("web", 87, ROLE, (ContainerDefinition("app", essential=True, image=image),))
    return Registries(failures=(told(image, named, words),), definition=definition, **more)


def there(tag: str = "v1.4.2", place: tuple[str, str] = HERE, **more: Any) -> dict[tuple[str, str, str], EcrLookup]:
    return {(*place, tag): EcrLookup(None, replace(THERE, **more))}


IMAGE = f"{REGISTRY}/team/app:v1.4.2"
IN_US = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app:v1.4.2"
CACHED = f"{REGISTRY}/quay/acme/app:v1.4.2"
COPIES: dict[str, Any] = {
    "replication": (ReplicationRule(((REGION, "222233334444"),)),),
    "copies": (Replication(REGION, "222233334444", "IN_PROGRESS"),),
}
REVISION = Deployment("ecs-svc/1", "INACTIVE", digests=(("app", OLD),))
OF_DOCKER_HUB = "pull access denied, repository does not exist or may require authorization"
"""Docker Hub says "not found" of a tag alone, and this of a repository."""
REFUSED = tuple(Simulated(one, "implicitDeny") for one in CACHE_ACTIONS)

MEANINGS: dict[str, tuple[str, str, str, Callable[[], World]]] = {
    "no such repository": (
        "repository-not-found",
        "yes",
        "create the repository",
        lambda: world(IMAGE, repository_missing=True),
    ),
    "no such tag": ("image-not-found", "yes", "push the image", lambda: world(IMAGE)),
    "no such digest": (
        "image-not-found",
        "yes",
        "push the image",
        lambda: world(f"{REGISTRY}/team/app@{OLD}", has=there()),
    ),
    "the pinned digest is deleted": (
        "pinned-digest-deleted",
        "yes",
        "start a new deployment",
        lambda: world(IMAGE, named=f"{IMAGE}@{OLD}", has=there(pushed_at=BEFORE)),
    ),
    "the pinned digest is deleted, as the service revision tells": (
        "pinned-digest-deleted",
        "yes",
        "start a new deployment",
        lambda: world(IMAGE, has=there(pushed_at=BEFORE), revision=REVISION),
    ),
    "the image is archived": (
        "image-archived",
        "yes",
        "restore the image",
        lambda: world(IMAGE, has=there(status="ARCHIVED", archived_at=BEFORE)),
    ),
    "the image is being restored": (
        "image-archived",
        "yes",
        "wait until it is restored",
        lambda: world(IMAGE, has=there(status="ACTIVATING", archived_at=BEFORE)),
    ),
    "the tag is in the task's own Region": (
        "image-not-found",
        "yes",
        f"name {IMAGE}",
        lambda: world(IN_US, has=there()),
    ),
    "the repository is in the task's own Region": (
        "repository-not-found",
        "yes",
        f"name {IMAGE}",
        lambda: world(IN_US, has=there(), repository_missing=True),
    ),
    "the copy has not arrived": (
        "image-not-found",
        "yes",
        "wait until the copy",
        lambda: world(f"222233334444.dkr.ecr.{REGION}.amazonaws.com/team/app:v1.4.2", **COPIES),
    ),
    "no registry is named": (
        "registry-host-missing",
        "yes",
        f"name {IMAGE}",
        lambda: world("team/app:v1.4.2", has=there(), words=OF_DOCKER_HUB, registry=RegistryLookup("hidden", 401)),
    ),
    "another registry does not have it": (
        "registry-image-not-found",
        "yes",
        "",
        lambda: world("quay.io/acme/app:v1", registry=RegistryLookup("missing", 404)),
    ),
    "a cache may not fetch it": (
        "pull-through-cache-broken",
        "yes",
        "",
        lambda: world(CACHED, cache_rules=(CacheRule("quay", "quay.io"),), cache=REFUSED),
    ),
    "the tag was pushed since": ("image-not-found", "no", "", lambda: world(IMAGE, has=there(pushed_at=SINCE))),
    "the image was restored since": (
        "image-archived",
        "no",
        "",
        lambda: world(IMAGE, has=there(status="ACTIVE", archived_at=BEFORE, restored_at=SINCE)),
    ),
}
"""What "not found" means: the first cause, whether it stands, how its first fix begins, and the world."""


def answer(report: Report) -> tuple[str, str, str, str]:
    first = report.causes[0]
    return first.cause, first.still, first.title + str(first.where), first.fixes[0].text if first.fixes else ""


@pytest.mark.parametrize("meaning", MEANINGS)
def test_the_first_answer_is_the_right_one(meaning: str) -> None:
    cause, still, fix, make = MEANINGS[meaning]
    report = concluded(make())
    assert report.verdict == "cause-found"
    first = report.causes[0]
    assert (first.cause, first.still) == (cause, still)
    assert bool(first.fixes) == (still == "yes")
    assert not first.fixes or first.fixes[0].text.startswith(fix)
    assert [one.cause for one in report.causes[1:] if one.certainty != "possible"] == []


def test_no_two_meanings_have_one_answer() -> None:
    # By whom the digest of a deployment is told changes how certain the answer is, and not the answer.
    named = [name for name in MEANINGS if not name.endswith("revision tells")]
    answers = {answer(concluded(MEANINGS[name][3]())) for name in named}
    assert len(answers) == len(named)
    assert len({cause for cause, *_ in answers}) == 7


@pytest.mark.parametrize("meaning", MEANINGS)
def test_a_timeout_in_the_same_account_is_nobody_s_fault_of_these(meaning: str) -> None:
    made = MEANINGS[meaning][3]()
    image = made.failures[0].image
    assert image
    text = f"CannotPullContainerError: failed to resolve ref {image}: failed to do request: dial tcp: i/o timeout"
    other = replace(made.failures[0], message=text, symptom=read_symptom(text))
    report = concluded(replace(made, failures=(other,)))
    accused = {one.cause for one in report.causes if one.certainty != "possible"}
    assert accused & {cause for cause, *_ in MEANINGS.values()} == set()


@pytest.mark.parametrize("kind", ["image", "repository"])
def test_a_sound_twin_of_which_the_text_says_nothing(kind: str) -> None:
    sound = world(IMAGE, has=there(pushed_at=BEFORE), repository_missing=kind == "repository")
    cut = told(IMAGE).message.removesuffix(": not found")
    silent = replace(sound.failures[0], message=cut, symptom=read_symptom(cut))
    assert concluded(replace(sound, failures=(silent,))).causes == ()


def test_a_tag_that_was_there_all_the_time_is_told_with_its_doubt() -> None:
    (found,) = concluded(world(IMAGE, has=there(pushed_at=BEFORE))).causes
    assert (found.cause, found.certainty, found.still, found.fixes) == ("image-not-found", "likely", "no", ())


def test_the_digest_of_the_task_definition_is_there() -> None:
    written = f"{REGISTRY}/team/app@{DIGEST}"
    sound = world(written, has={(*HERE, DIGEST): EcrLookup(None, EcrImage(DIGEST, (), BEFORE, "ACTIVE"))})
    (found,) = concluded(sound).causes
    assert (found.cause, found.still) == ("image-not-found", "no")
