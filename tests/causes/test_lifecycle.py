"""Which lifecycle rules could have taken an image away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.causes.shared.image.lifecycle import taken_by
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import LifecycleRule
from pull_doctor.intake.image_reference import ImageReference, parse_reference
from tests.causes.factory import DIGEST, IMAGE

ANY = LifecycleRule(9, "expire", "any", "imageCountMoreThan", 30)
TAGGED = LifecycleRule(2, "expire", "tagged", "sinceImagePushed", 14, "days")
UNTAGGED = LifecycleRule(1, "expire", "untagged", "sinceImagePushed", 1, "days")


def reference(text: str) -> ImageReference:
    found = parse_reference(text)
    assert found is not None
    return found


BY_TAG, BY_DIGEST = reference(IMAGE), reference(IMAGE.replace(":v1.4.2", f"@{DIGEST}"))


def told(rule: LifecycleRule, image: ImageReference = BY_TAG, *, untagged: bool = False, archived: bool = False) -> str:
    return "".join(one.text for one in taken_by(image, Known((rule,)), untagged=untagged, archived=archived))


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (ANY, True),
        (UNTAGGED, False),
        (replace(TAGGED, prefixes=("v",)), True),
        (replace(TAGGED, prefixes=("dev", "v1.4")), True),
        (replace(TAGGED, prefixes=("dev",)), False),
        (replace(TAGGED, prefixes=("v*",)), False),
        (replace(TAGGED, patterns=("v*",)), True),
        (replace(TAGGED, patterns=("*.2",)), True),
        (replace(TAGGED, patterns=("v*.4.*",)), True),
        (replace(TAGGED, patterns=("v1",)), False),
        (replace(TAGGED, patterns=("dev*", "*-rc")), False),
        (TAGGED, False),
        (replace(ANY, action="transition"), False),
        (replace(ANY, count_type="sinceImageTransitioned"), True),
    ],
)
def test_a_rule_that_cannot_fit_a_missing_tag_is_not_named(rule: LifecycleRule, *, fits: bool) -> None:
    assert bool(told(rule)) == fits


def test_an_image_that_may_have_lost_its_tag() -> None:
    assert told(UNTAGGED, BY_DIGEST, untagged=True)
    assert told(UNTAGGED, untagged=True)
    assert told(ANY, BY_DIGEST, untagged=True)
    assert not told(replace(TAGGED, prefixes=("v",)), BY_DIGEST, untagged=True)


def test_only_transitions_archive() -> None:
    assert not told(ANY, archived=True)
    assert "archives images" in told(replace(ANY, action="transition"), archived=True)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (ANY, "expires images, once there are more than 30"),
        (UNTAGGED, "expires untagged images, 1 day after they were pushed"),
        (
            replace(TAGGED, prefixes=("v",), patterns=("*.2",)),
            "expires images with a tag like v* or *.2, 14 days after they were pushed",
        ),
        (replace(ANY, count_type="sinceImageTransitioned", count=90), "90 days after they were archived"),
        (replace(ANY, count_type="sinceTheFlood"), "by sinceTheFlood"),
    ],
)
def test_what_a_rule_takes_is_said_in_words(rule: LifecycleRule, words: str) -> None:
    assert words in told(rule, untagged=True)


def test_the_first_two_in_the_order_of_ecr() -> None:
    rules = tuple(replace(ANY, priority=priority) for priority in (30, 10, 20))
    assert [one.text.split()[1] for one in taken_by(BY_TAG, Known(rules))] == ["10", "20"]


def test_a_long_description_is_cut_and_an_unread_policy_says_nothing() -> None:
    assert len(told(replace(ANY, description="word " * 60))) < 250
    assert taken_by(BY_TAG, Unknown("the lifecycle policy", "denied")) == ()


def test_an_image_that_one_rule_selects_is_not_taken_by_a_later_one() -> None:
    kept = replace(TAGGED, prefixes=("v",), count_type="imageCountMoreThan", count=9999)
    assert [one.text.split()[1] for one in taken_by(BY_TAG, Known((ANY, kept)))] == ["2"]
    # Another tag of the image must fit as well, which is not known.
    both = replace(kept, prefixes=("v", "release-"))
    assert [one.text.split()[1] for one in taken_by(BY_TAG, Known((ANY, both)))] == ["2", "9"]
    # Without its tag the rule did not select it any more.
    assert len(taken_by(BY_TAG, Known((ANY, kept)), untagged=True)) == 2
    put_away = replace(kept, action="transition")
    assert [one.text.split()[1] for one in taken_by(BY_TAG, Known((ANY, put_away)))] == ["9"]
