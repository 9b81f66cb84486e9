"""Processes of the deployed function are killed between each two steps; Lambda's retry and the next events come back.

No report is lost, and none is sent twice to a sink that had confirmed it: only one that a sink took and whose mark was
not written yet comes again.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from infra import asset
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.emulated.runtime_api import Death, Function, function
from tests.end_to_end.running import Receivers, another, on_lambda, receivers
from tests.worlds import World, build

pytestmark = on_lambda

SECONDS = 20
"""What an attempt may take: fifteen are for the delivery."""

PAUSES = (19, 25)
"""Before the retries; as with Lambda's 60 s and its minute and two, the first one finds the dead one's lease."""

SETTLED = 0.5
"""Seconds after which all that a dead process had sent off has arrived."""

TEXT = "CannotPullContainerError: the sky fell"
"""It proves no cause: the incidents have no culprit in common, and are not grouped."""

COMEBACKS = ("the stopped event at once, then the retry", "the retry, then the stopped event")
_STEPS = {"dynamodb", "s3", "sns", "slack", "secretsmanager", "events"}


@dataclass
class _Case:
    """One process that dies, what comes then, and what each sink had when it was dead."""

    got: Receivers
    workload: str
    death: Death
    comeback: str
    event: dict[str, Any]
    stopped: dict[str, Any]
    taken: dict[str, int] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    saved: bool = False

    @property
    def where(self) -> str:
        return f"killed {self.death.moment} {self.death.action} {self.death.nth}; {self.comeback}"

    def look(self) -> None:
        """Note what stands in the table and what the sinks have."""
        time.sleep(SETTLED)
        state = self.got.incidents.state(self.got.key(self.workload))
        self.saved, self.pending = state.report is not None, state.pending
        self.taken = self.got.counts(self.workload)

    def check(self, running: Function) -> int:
        """Hold against what was noted what each sink got in the end; how many it got again."""
        assert running.of(self.event)[0].how == "killed", f"{self.where}: {running.of(self.event)}"
        assert running.of(self.event)[-1].how == "returned", f"{self.where}: {running.of(self.event)}"
        counts = self.got.counts(self.workload)
        missing = self.pending if self.saved else counts.keys()
        assert counts == {sink: self.taken[sink] + (sink in missing) for sink in counts}, self.where
        assert min(counts.values()) >= 1, f"{self.where}: {counts}"
        told = self.got.notified(self.workload)
        assert all(report == told[0] for report in told), f"{self.where}: not the same report"
        state = self.got.incidents.state(self.got.key(self.workload))
        assert (state.status, state.pending) == ("open", frozenset()), self.where
        return sum(counts.values()) - len(counts)


@pytest.mark.slow
def test_killed_with_the_report_sent_and_unmarked_it_comes_again_and_nothing_else_does(
    aws: EmulatedAws, deployed: Deployed, tmp_path: Path
) -> None:
    asset.build(tmp_path / "code")
    world = build(aws, "image-tag-missing")
    with (
        receivers(aws, deployed) as got,
        function(aws, deployed, tmp_path / "code", tmp_path, seconds=16.5, pauses=(19,)) as running,
    ):
        got.slack.watchers.append(running.sees_post)
        case = _case(got, world, 9999, Death("after", "slack"), COMEBACKS[0])
        _play(case, running)
        running.wait()
        assert case.taken["slack"] == 1
        assert case.check(running) >= 1


@pytest.mark.slow
def test_killed_between_each_two_steps_nothing_is_lost_and_only_the_unmarked_is_repeated(
    aws: EmulatedAws, deployed: Deployed, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    asset.build(tmp_path / "code")
    world = build(aws, "image-tag-missing")
    with (
        receivers(aws, deployed) as got,
        function(aws, deployed, tmp_path / "code", tmp_path, processes=4, seconds=SECONDS, pauses=PAUSES) as running,
    ):
        got.slack.watchers.append(running.sees_post)
        steps = _steps(got, running, world)
        deaths = [Death(moment, *step) for step in steps for moment in ("before", "after")]
        every = enumerate(itertools.product(deaths, COMEBACKS))
        cases = [_case(got, world, number, death, comeback) for number, (death, comeback) in every]
        for case in cases:
            _play(case, running)
        running.wait(500)
        assert got.kept_events() == []
        again = sum(case.check(running) for case in cases)
        attempts = Counter(attempt.how for attempt in running.attempts)
        measured(
            f"killed: {len(steps)} steps, {len(cases)} cases, {attempts.total()} attempts, {attempts['killed']} dead; "
            f"none lost; {again} came again, each taken by its sink before and not marked"
        )


def _play(case: _Case, running: Function) -> None:
    """Let the task's first event die, and its second one come at once or after all retries."""

    def then() -> None:
        case.look()
        running.send(case.stopped, wait=1 if case.comeback == COMEBACKS[0] else sum(PAUSES) + SECONDS)

    running.send(case.event, case.death, then=then)


def _steps(got: Receivers, running: Function, world: World) -> list[tuple[str, int]]:
    """The calls of the delivery in one whole report: each with its count among its like."""
    seen: list[str] = []
    event = another(world.event, "not-killed", text=TEXT)

    def see(moment: Literal["before", "after"], action: str, _: str) -> bool:
        if moment == "before" and action.partition(":")[0] in _STEPS:
            seen.append(action)
        return False

    with got.aws.watched(see):
        got.slack.watchers.append(lambda moment, _: see(moment, "slack", ""))
        running.send(event)
        running.wait()
        got.slack.watchers.pop()
    assert [attempt.how for attempt in running.of(event)] == ["returned"]
    return [(action, seen[: place + 1].count(action)) for place, action in enumerate(seen)]


def _case(got: Receivers, world: World, number: int, death: Death, comeback: str) -> _Case:
    workload = f"killed-{number:04}"
    event = another(world.events[0], workload, text=TEXT)
    task = event["detail"]["taskArn"].rsplit("/", 1)[-1]
    return _Case(got, workload, death, comeback, event, another(world.events[1], workload, task, TEXT))
