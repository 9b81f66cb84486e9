"""A storm: thousands of events of one service, in processes of the deployed function, are one report."""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import asset
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.emulated.runtime_api import function
from tests.end_to_end.running import another, on_lambda, receivers
from tests.worlds import build

pytestmark = on_lambda


def test_a_small_storm_is_one_report(
    aws: EmulatedAws, deployed: Deployed, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    _storm(aws, deployed, tmp_path, tasks=40, duplicates=20, processes=3, measured=measured)


@pytest.mark.slow
def test_ten_thousand_events_of_one_service_are_one_report(
    aws: EmulatedAws, deployed: Deployed, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    _storm(aws, deployed, tmp_path, tasks=4000, duplicates=2000, processes=20, measured=measured)


def _storm(
    aws: EmulatedAws,
    deployed: Deployed,
    scratch: Path,
    *,
    tasks: int,
    duplicates: int,
    processes: int,
    measured: Callable[[str], None],
) -> None:
    """Both events of every task, some of them twice, in any order, as many at once as there are processes."""
    asset.build(scratch / "code")
    world = build(aws, "image-tag-missing")
    chance = random.Random(7)  # noqa: S311 - the same order in every run
    ids = [uuid.UUID(int=chance.getrandbits(128)).hex for _ in range(tasks)]
    events = [another(event, world.workload, task) for task in ids for event in world.events]
    events += chance.sample(events, duplicates)
    chance.shuffle(events)
    with (
        receivers(aws, deployed) as got,
        function(aws, deployed, scratch / "code", scratch, processes=processes, pauses=(3, 6)) as running,
    ):
        before, began = len(aws.calls), time.monotonic()
        for event in events:
            running.send(event)
        running.wait(900)
        spent = time.monotonic() - began
        callers = {sandbox.caller for sandbox in running.sandboxes}
        calls = Counter(call.action for call in aws.calls[before:] if call.caller in callers)
        attempts = Counter(attempt.how for attempt in running.attempts)

        assert got.counts(world.workload) == {"sns": 1, "slack": 1}, running.log[-2000:]
        assert got.kept_events() == []
        state = got.incidents.state(got.key(world.workload))
        counted = len(got.incidents.occurrences(got.key(world.workload), state.opened))
        assert (state.status, state.pending, state.holder_event) == ("open", frozenset(), None)
        assert counted == tasks
        assert attempts["killed"] == attempts["timed-out"] == 0
        assert calls["dynamodb:PutItem"] == calls["dynamodb:GetItem"] == attempts.total()
        assert calls["sns:Publish"] == 1 + bool(deployed.chat)
        # A lease is asked for while the first diagnosis runs, and then no more.
        assert calls["dynamodb:UpdateItem"] <= max(60, len(events) // 20)
        measured(
            f"storm: {len(events)} events of {tasks} tasks, {processes} at once, {spent:.0f} s: "
            f"{len(events) / spent:.0f} a second; 1 report a sink, {counted} occurrences; "
            f"{calls['dynamodb:PutItem']} conditional puts, {calls['dynamodb:GetItem']} reads of the state, "
            f"{calls['dynamodb:UpdateItem']} updates; {attempts['raised']} attempts came again"
        )
