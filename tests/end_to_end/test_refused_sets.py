"""Random sets of refused reads: a report goes out, and it accuses nobody it would not accuse."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from pull_doctor.intake.event import read_event
from pull_doctor.report.text import render_text
from tests.emulated.aws import EmulatedAws
from tests.emulated.front import Kind
from tests.end_to_end.harness import accused
from tests.end_to_end.refusals import RESTS_ON, diagnosis, standing
from tests.worlds import build
from tests.worlds.recording import Recording

SETS = 60


@pytest.mark.slow
@pytest.mark.parametrize("name", RESTS_ON)
def test_any_set_of_refused_reads_accuses_nobody_new(
    aws: EmulatedAws, name: str, measured: Callable[[str], None]
) -> None:
    world = build(aws, name)
    recording = Recording(aws, world.account)
    intake = read_event(world.event)
    whole = diagnosis(recording, intake)
    chance = random.Random(name)  # noqa: S311 - the same sets in every run
    kinds: list[Kind] = ["denied", "throttled", "timed-out"]
    for _ in range(SETS):
        chosen = chance.sample(sorted(recording.actions), chance.randint(2, 6))
        recording.faults = {action: chance.choice(kinds) for action in chosen}
        report = diagnosis(recording, intake)
        assert render_text(report)
        assert accused(report) <= accused(whole), recording.faults
        assert all(standing(whole).get(cause, -1) >= rank for cause, rank in standing(report).items())
    measured(f"refused reads, {name}: {SETS} random sets of 2 to 6")
