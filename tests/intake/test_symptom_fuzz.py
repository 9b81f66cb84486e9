"""Texts that nobody wrote: never an exception, nothing claimed that does not stand there, at most 5 ms each."""

import random
import re
import time
from collections.abc import Callable, Iterator
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pull_doctor.intake.symptom import Kind, Phase, Symptom
from pull_doctor.intake.symptoms import MAX_TEXT, read_symptom
from pull_doctor.intake.symptoms.other_stops import OTHER_STOPS
from pull_doctor.intake.symptoms.phases import PHASE_MARKS
from pull_doctor.intake.symptoms.rules import RULES

EXAMPLES = [rule.example for rule in RULES + OTHER_STOPS]
BATCH = 100
LIMIT = 0.005
HOSTS = ("ghcr.io", "quay.io", "10.1.2.3", "[fd00::7]", "hub.acme.example:8443", "x509", "...", "public.ecr.aws", "")
NOISE = "aé \u2019\"'[](){}<>,.:;/\\@*?=%$#0123456789\n\t\u3042\U0001f433\x00\ud800"
PATTERNS = [rule.pattern.pattern for rule in RULES + OTHER_STOPS] + [mark.pattern for _, mark in PHASE_MARKS]


def seconds(text: str) -> float:
    """CPU time of one reading; the best of three, because the collector of garbage is not the reader's."""
    best = 1.0
    for _ in range(3):
        start = time.thread_time()
        read_symptom(text)
        best = min(best, time.thread_time() - start)
        if best < LIMIT / 2:
            break
    return best


def mutated(chance: random.Random) -> str:
    text = chance.choice(EXAMPLES)
    for _ in range(chance.randint(1, 4)):
        where = chance.randint(0, len(text))
        match chance.randint(0, 8):
            case 0:
                text = text[:where]
            case 1:
                text = text[where:]
            case 2:
                text = re.sub(r"\d", lambda _: str(chance.randint(0, 9)), text)
            case 3:
                text = re.sub(r"(?:[a-z0-9-]+\.){2,}[a-z]+", lambda _: chance.choice(HOSTS), text)
            case 4:
                text = noise(chance) + text
            case 5:
                text = text[:where] + noise(chance) + text[where:]
            case 6:
                text = text[:where] + chance.choice(EXAMPLES)[where:]
            case 7:
                text = text.replace("'", "\u2019").replace(": ", ":\n")
            case _:
                text += noise(chance) * chance.randint(1, 40)
    return text


def noise(chance: random.Random) -> str:
    return "".join(chance.choices(NOISE, k=chance.randint(1, 30)))


def claims(symptom: Symptom) -> Iterator[str]:
    """Whatever the symptom says that must stand in the text, word for word."""
    for claim in (symptom.host, symptom.action, symptom.principal, symptom.digest, symptom.platform):
        if claim is not None:
            yield claim.lower()
    for number in (symptom.port, symptom.http_status):
        if number is not None:
            yield str(number)
    for address in (symptom.address, symptom.resolver):
        if address is not None and ":" not in address:
            yield address


def check(text: str) -> None:
    symptom = read_symptom(text)
    assert symptom.kind in get_args(Kind)
    assert symptom.phase in get_args(Phase)
    # The reader takes line breaks and quotation marks that a log line writes out for what they stand for.
    plain = re.sub(r"\\[nrt]", " ", text.replace("\u2019", "'").replace('\\"', '"'))
    words = " ".join(plain.lower().split())
    for claim in claims(symptom):
        assert claim in words
    if symptom.kind in ("undetermined", "not-a-pull-failure"):
        assert symptom == Symptom(phase="unknown", kind=symptom.kind)


def run(batches: int, measured: Callable[[str], None]) -> None:
    times: list[float] = []

    @settings(max_examples=batches)
    @given(seed=st.integers(0, 2**32 - 1))
    def messages(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - texts for a test, no secrets
        for _ in range(BATCH):
            text = mutated(chance)
            check(text)
            times.append(seconds(text))
            assert times[-1] <= LIMIT, text

    messages()
    worst, mean = max(times) * 1000, sum(times) / len(times) * 1000
    measured(f"{len(times):,} made-up texts read: {mean:.2f} ms on average, {worst:.2f} ms at worst, no exception")


def test_thousands_of_mutated_texts(measured: Callable[[str], None]) -> None:
    run(30, measured)


@pytest.mark.slow
def test_a_hundred_thousand_mutated_texts(measured: Callable[[str], None]) -> None:
    run(1000, measured)


@given(st.text(st.characters(exclude_categories=())))
def test_any_characters_at_all(text: str) -> None:
    for start in (
        "",
        "CannotPullContainerError: ",
        "ResourceInitializationError: unable to pull secrets or registry auth: ",
    ):
        check(start + text)


@given(st.lists(st.sampled_from([word for example in EXAMPLES for word in example.split()]), max_size=60).map(" ".join))
def test_words_of_the_examples_in_any_order(text: str) -> None:
    check(text)


def fragments() -> list[str]:
    """What a pattern may stumble over when it is repeated: its own words, and the beginnings of names."""
    words = {piece for pattern in PATTERNS for piece in re.split(r"[|()\[\]{}?*+\\^$.]", pattern) if piece.strip()}
    words |= {word for example in EXAMPLES for word in example.split()}
    starts = {
        "a.",
        "https://",
        "https://a/manifests/",
        "lookup ",
        "User: arn:",
        '"a" ',
        "/",
        ":",
        "\\",
        "...",
        "(service ",
    }
    return sorted(starts | words | {f"{word} " for word in words} | set(EXAMPLES))


def grows_linearly(pieces: list[str], measured: Callable[[str], None]) -> None:
    sizes = (MAX_TEXT // 4, MAX_TEXT // 2, MAX_TEXT)
    totals = []
    for size in sizes:
        times = [seconds(("CannotPullContainerError: " + piece * (size // len(piece) + 1))[:size]) for piece in pieces]
        totals.append(sum(times) / len(times) * 1000)
        assert max(times) <= LIMIT, pieces[times.index(max(times))]
    shown = ", ".join(f"{size:,} characters {total:.2f} ms" for size, total in zip(sizes, totals, strict=True))
    measured(f"{len(pieces):,} repeated fragments: {shown}")
    assert totals[1] <= 2.5 * totals[0]
    assert totals[2] <= 2.5 * totals[1]


def test_time_grows_with_the_text(measured: Callable[[str], None]) -> None:
    grows_linearly(fragments()[::10], measured)


@pytest.mark.slow
def test_time_grows_with_the_text_for_every_fragment(measured: Callable[[str], None]) -> None:
    grows_linearly(fragments(), measured)


def test_a_megabyte_costs_no_more_than_the_longest_text_read() -> None:
    assert seconds("CannotPullContainerError: " + "failed open: https://" * 50_000) <= LIMIT
