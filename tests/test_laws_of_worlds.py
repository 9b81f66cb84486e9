"""The laws of a report, held over the saved facts of every world in ``tests/golden/worlds``."""

from __future__ import annotations

import random
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.facts import store
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Unknown
from pull_doctor.pipeline import conclude
from pull_doctor.report.document import to_json
from pull_doctor.report.model import Excluded, NotChecked, RankedCause, Report
from tests.conftest import GOLDEN

NAMES = sorted(path.stem for path in (GOLDEN / "worlds").glob("*.json") if "." not in path.stem)
CERTAINTIES = ("possible", "likely", "proven")


@cache
def saved(name: str) -> store.Saved:
    return store.load((GOLDEN / "worlds" / f"{name}.json").read_text(encoding="utf-8"))


def concluded(world: store.Saved, answers: Answers) -> Report:
    return conclude(world.intake, answers, world.read_at)


def hidden(answers: Answers, chance: random.Random, at_most: int) -> Answers:
    """The answers with some of them unknown."""
    questions = [question for question, _ in answers]
    chosen = chance.sample(questions, min(len(questions), chance.randint(1, at_most)))
    return answers.with_more({question: Unknown(question.fact, "denied", "x:Y") for question in chosen})


def standing(report: Report) -> dict[tuple[str, str], int]:
    """How certain each cause is for each failure; one that only follows stands no firmer than what it follows from."""
    return {
        (cause, failure): CERTAINTIES.index(one.certainty)
        for one in report.causes
        for cause in (one.cause, *(included.cause for included in one.includes))
        for failure in one.failures
    }


def places(report: Report) -> list[tuple[str, str]]:
    """Every place in which a cause stands for a failure."""
    groups: tuple[RankedCause | Excluded | NotChecked, ...] = (
        *report.causes,
        *report.ruled_out,
        *report.not_applicable,
        *report.not_checked,
    )
    included = [(one.cause, failure) for cause in report.causes for one in cause.includes for failure in cause.failures]
    return [*((one.cause, failure) for one in groups for failure in one.failures), *included]


def test_there_are_worlds_enough() -> None:
    assert len(NAMES) >= 25
    causes = {one.cause for name in NAMES for one in concluded(saved(name), saved(name).answers).causes[:1]}
    untold = {
        "registry-image-not-found",
        "registry-rate-limited",
        "registry-credentials-rejected",
        "registry-token-expired",
    }
    assert {row.cause for row in CATALOGUE} - causes <= untold


@settings(max_examples=400)
@given(st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_an_unknown_fact_raises_no_certainty_and_every_cause_stands_once(name: str, chance: random.Random) -> None:
    world = saved(name)
    whole = standing(concluded(world, world.answers))
    report = concluded(world, hidden(world.answers, chance, 6))
    for key, certainty in standing(report).items():
        assert certainty <= whole.get(key, -1), key
    everything = [(row.cause, failure.id) for row in CATALOGUE for failure in world.intake.failures]
    assert sorted(places(report)) == sorted(everything)
    assert not [one for one in report.not_checked for missing in one.missing if missing.why == "crashed"]


@settings(max_examples=100)
@given(st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_the_order_of_the_answers_does_not_matter(name: str, chance: random.Random) -> None:
    world = saved(name)
    answers = hidden(world.answers, chance, 3)
    shuffled = list(answers)
    chance.shuffle(shuffled)
    assert to_json(concluded(world, Answers(dict(shuffled)))) == to_json(concluded(world, answers))


@settings(max_examples=len(NAMES))
@given(st.sampled_from(NAMES))
def test_nothing_known_is_nothing_claimed_but_what_text_and_event_tell(name: str) -> None:
    world = saved(name)
    for one in concluded(world, Answers()).causes:
        if one.cause != "invalid-image-reference":
            assert all(evidence.source == "text" for evidence in one.evidence), one.cause
            assert (one.still, one.traces) == ("unknown", ())
