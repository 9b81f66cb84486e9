"""ECS says "not found" in the same words for many defects: each account leads to another answer."""

from __future__ import annotations

import pytest

from pull_doctor.report.model import Report
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import accused, evidence, report_on
from tests.worlds import build, texts

MEANINGS = {
    "repository-missing": ("repository-not-found", "create the repository"),
    "repository-in-another-region": ("repository-not-found", "name "),
    "copy-not-begun": ("repository-not-found", "wait until the copy has arrived"),
    "tag-not-pushed": ("image-not-found", "push the image"),
    "image-tag-missing": ("image-not-found", "name tag 1.42.0"),
    "image-in-another-region": ("image-not-found", "name "),
    "copy-not-arrived": ("image-not-found", "wait until the copy has arrived"),
    "pinned-digest-deleted-untold": ("pinned-digest-deleted", "start a new deployment"),
    "image-archived": ("image-archived", "restore the image"),
    "image-being-restored": ("image-archived", "wait until it is restored"),
    "cache-without-rights": ("pull-through-cache-broken", ""),
}
"""The first cause of each world, and how its first fix begins."""


def _bare(aws: EmulatedAws, name: str) -> Report:
    world = build(aws, name)
    return report_on(aws, world.saying(texts.not_found(world.image)))


@pytest.mark.parametrize("name", MEANINGS)
def test_the_first_answer_is_the_right_one(aws: EmulatedAws, name: str) -> None:
    report = _bare(aws, name)
    assert report.verdict == "cause-found"
    first = report.causes[0]
    cause, fix = MEANINGS[name]
    assert (first.cause, first.still) == (cause, "yes")
    assert first.fixes[0].text.startswith(fix)
    assert accused(report) == {cause}


def test_a_sound_account_is_told_what_is_there_now(aws: EmulatedAws) -> None:
    world = build(aws, "healthy", image="ecr")
    (found,) = report_on(aws, world.saying(texts.not_found(world.image))).causes
    assert (found.cause, found.certainty, found.still, found.fixes) == ("image-not-found", "likely", "no", ())


def test_the_rule_that_could_have_taken_a_tag_is_named_and_no_other(aws: EmulatedAws) -> None:
    said = evidence(_bare(aws, "tag-expired").causes[0])
    assert 'rule 2 ("keep the last ten builds")' in said
    assert "it could have expired this one" in said
    assert "rule 1 " not in said


def test_an_archived_near_miss_is_marked(aws: EmulatedAws) -> None:
    world = build(aws, "image-tag-missing")
    repository = world.image.partition("/")[2].rpartition(":")[0]
    world.builder.client("ecr").update_image_storage_class(
        repositoryName=repository, imageId={"imageTag": "1.42.0"}, targetStorageClass="ARCHIVE"
    )
    first = report_on(aws, world.event).causes[0]
    assert f"tag 1.42.0 of {repository}" in evidence(first)
    assert "is archived, differs only by the leading v" in evidence(first)
    assert [one.operation for one in first.fixes[0].commands] == ["UpdateImageStorageClass"]
