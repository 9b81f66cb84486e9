"""Laws of ranking over whole sets of answers, some of them unknown."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pull_doctor.causes.runner import checks, run
from pull_doctor.facts.answers import Answers
from pull_doctor.pipeline import conclude
from pull_doctor.ranking import Judged, Ranking, in_order, rank
from pull_doctor.report.document import to_json
from pull_doctor.view import View
from tests.causes.factory import (
    READ_AT,
    World,
)
from tests.ranked_worlds import (
    CAUSES,
    MIXED,
    masked,
    ranked,
)

ANSWERS = {name: world.answers() for name, world in MIXED.items()}
CERTAINTIES = ("possible", "likely", "proven")


@st.composite
def worlds_and_masks(draw: st.DrawFn) -> tuple[World, Answers, Answers]:
    name = draw(st.sampled_from(sorted(MIXED)))
    questions = list(ANSWERS[name].facts)
    hidden = set(draw(st.lists(st.sampled_from(questions), max_size=6, unique=True)))
    return MIXED[name], ANSWERS[name], masked(MIXED[name], hidden)


def views(world: World, answers: Answers) -> list[View]:
    return [View(world.task, one, answers) for one in world.failures]


@settings(max_examples=150)
@given(worlds_and_masks())
def test_every_cause_stands_in_exactly_one_place_for_each_failure(given_: tuple[World, Answers, Answers]) -> None:
    world, _, answers = given_
    found = rank(views(world, answers), READ_AT)
    places = [
        *((one.row.cause, name) for one in found.findings for name in one.failures),
        *((included.cause, name) for one in found.findings for included in one.includes for name in one.failures),
        *((one.cause, name) for one in found.ruled_out for name in one.failures),
        *((one.cause, name) for one in found.not_applicable for name in one.failures),
        *((one.cause, name) for one in found.not_checked for name in one.failures),
    ]
    assert sorted(places) == sorted((cause, one.id) for cause in CAUSES for one in world.failures)


@settings(max_examples=300)
@given(worlds_and_masks())
def test_an_unknown_fact_raises_no_certainty_and_accuses_nobody(given_: tuple[World, Answers, Answers]) -> None:
    world, whole, answers = given_
    known = standing(rank(views(world, whole), READ_AT))
    for accused, certainty in standing(rank(views(world, answers), READ_AT)).items():
        assert accused in known
        assert CERTAINTIES.index(certainty) <= CERTAINTIES.index(known[accused])


def standing(found: Ranking) -> dict[tuple[str, str], str]:
    """What each failure's causes stand at; one that only follows from another stands no firmer than that."""
    return {
        (cause, name): one.certainty
        for one in found.findings
        for cause in (one.row.cause, *(included.cause for included in one.includes))
        for name in one.failures
    }


@settings(max_examples=60)
@given(worlds_and_masks(), st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(given_: tuple[World, Answers, Answers], shuffler: random.Random) -> None:
    world, _, answers = given_
    outcomes = [Judged(check.row, view, run(check, view)) for view in views(world, answers) for check in checks()]
    first = in_order(outcomes, READ_AT)
    shuffler.shuffle(outcomes)
    assert in_order(outcomes, READ_AT) == first


@pytest.mark.parametrize("name", MIXED)
def test_nothing_known_is_nothing_claimed_but_what_the_text_proves(name: str) -> None:
    world = MIXED[name]
    for one in rank(views(world, Answers()), READ_AT).findings:
        if one.row.cause == "invalid-image-reference":
            continue  # the event itself holds the reference
        assert one.problem.text_proves
        assert one.problem.still == "unknown"
        assert all(evidence.source == "text" for evidence in one.problem.evidence)


@settings(max_examples=60)
@given(worlds_and_masks(), st.randoms(use_true_random=False))
def test_the_same_facts_give_the_same_bytes(given_: tuple[World, Answers, Answers], shuffler: random.Random) -> None:
    world, _, answers = given_
    shuffled = list(answers)
    shuffler.shuffle(shuffled)
    first = to_json(conclude(world.intake, answers, READ_AT))
    assert first == to_json(conclude(world.intake, Answers(dict(shuffled)), READ_AT))
    assert '"the diagnosis itself failed' not in first


@pytest.mark.parametrize("name", MIXED)
def test_no_check_crashes(name: str) -> None:
    world = MIXED[name]
    found = ranked(world)
    assert not [one for one in found.not_checked for missing in one.missing if missing.why == "crashed"]
