"""Every call of the function fails, one at a time and in random sets: always a report, or an event that is kept.

The handler runs in this process and its calls fail as HTTP; its time is not real. What a dead process leaves behind is
tested in ``test_killed``.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.emulated.fixtures import SLACK_SECRET
from tests.emulated.slack import Trouble
from tests.end_to_end.in_process import KINDS, SECONDS, Fault, InProcess, Kind
from tests.end_to_end.running import Receivers, another, receivers
from tests.worlds import World, build

SETS = 500
TROUBLES: tuple[Trouble, ...] = ("rate-limited", "500", "rubbish", "hangs-up", "no-such-hook")
_NOT_NEEDED = {"s3:PutObject", "secretsmanager:GetSecretValue"}
"""A report goes out without its evidence; the secret is kept for five minutes by a process that has read it."""

_REFUSALS = {"denied", "throttled", "timed-out", "unavailable"}
"""Nothing was done; with the other kinds it was, and what is left to do depends on the action."""

FIRST = frozenset({1})
ALWAYS = frozenset({1, 2, 3})
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def got(aws: EmulatedAws, deployed: Deployed) -> Iterator[Receivers]:
    with receivers(aws, deployed) as running:
        yield running


@pytest.fixture(scope="module")
def world(aws: EmulatedAws) -> World:
    return build(aws, "image-tag-missing")


@pytest.fixture
def running(aws: EmulatedAws, deployed: Deployed, got: Receivers, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    assert got.slack.trouble is None
    return InProcess(aws, deployed, monkeypatch)


def _kept_or_told(
    running: InProcess, got: Receivers, world: World, faults: dict[str, Fault], trouble: Trouble | None = None
) -> str:
    """Play one failure with its faults; what was left undone is put back afterwards, as ``redrive`` does.

    Returns what became of it: told in the first attempt, by a retry, or after the event was kept.
    """
    workload = f"faulty-{next(_numbers):05}"
    event = another(world.event, workload)
    running.faults, got.slack.trouble = faults, trouble
    returned = running.invoke(event)
    outcomes = running.outcomes
    running.faults, got.slack.trouble = {}, None
    said = (
        f"{ {action: (fault.kind, sorted(fault.attempts)) for action, fault in faults.items()} } {trouble}: {outcomes}"
    )
    counts = got.counts(workload)
    if returned:
        assert min(counts.values()) >= 1, f"lost: {said}"
    else:
        assert running.invoke(event), f"{said}, then {running.outcomes}"
        counts = got.counts(workload)
        assert min(counts.values()) >= 1, f"lost after it was put back: {said}"
    for sink, count in counts.items():
        assert count == 1 or _may_repeat(sink, faults), f"{sink} got {count}: {said}"
    assert not got.incidents.state(got.key(workload)).pending, said
    got.forget(workload)
    return f"told by attempt {len(outcomes)}" if returned else "kept"


def _may_repeat(sink: str, faults: dict[str, Fault]) -> bool:
    """Whether a sink can have taken a report without the table knowing it: the one window for a duplicate."""
    unheard = sink == "sns" and (fault := faults.get("sns:Publish")) and fault.kind in {"answer-lost", "malformed"}
    return bool(unheard) or "dynamodb:UpdateItem" in faults


def _actions(running: InProcess, got: Receivers, world: World) -> list[str]:
    """Every action of a whole report."""
    workload = f"whole-{next(_numbers):05}"
    assert running.invoke(another(world.event, workload))
    got.forget(workload)
    return sorted(running.actions)


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])])
def test_a_call_of_the_delivery_that_fails_once_or_for_good_loses_nothing(
    running: InProcess, got: Receivers, world: World, kind: Kind
) -> None:
    for action in ("dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query", "s3:PutObject",
                   "sns:Publish", "secretsmanager:GetSecretValue"):  # fmt: skip
        ends = [_kept_or_told(running, got, world, {action: Fault(kind, attempts)}) for attempts in (FIRST, ALWAYS)]
        if kind in _REFUSALS and action not in _NOT_NEEDED:
            assert ends == ["told by attempt 2", "kept"], action


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_slack_in_trouble_gets_its_report_later_and_the_topic_no_second(
    running: InProcess, got: Receivers, world: World, trouble: Trouble
) -> None:
    assert _kept_or_told(running, got, world, {}, trouble) == "kept"


def test_a_topic_whose_key_is_disabled_gets_its_report_once_the_key_is_back(
    aws: EmulatedAws, running: InProcess, got: Receivers, world: World
) -> None:
    workload = f"keyless-{next(_numbers):05}"
    event = another(world.event, workload)
    with aws.fault("sns:Publish", "key-disabled"):
        assert not running.invoke(event)
    assert all("KMSDisabled" in outcome for outcome in running.outcomes)
    assert got.counts(workload) == {"sns": 0, "slack": 1}
    assert running.invoke(event)
    assert got.counts(workload) == {"sns": 1, "slack": 1}
    got.forget(workload)


def test_a_secret_that_is_missing_delays_slack_alone(
    aws: EmulatedAws, running: InProcess, got: Receivers, world: World
) -> None:
    workload = f"secretless-{next(_numbers):05}"
    event = another(world.event, workload)
    secrets = aws.client("secretsmanager")
    secrets.delete_secret(SecretId=SLACK_SECRET, ForceDeleteWithoutRecovery=True)
    assert not running.invoke(event)
    secrets.create_secret(Name=SLACK_SECRET, SecretString=got.slack.webhook)
    assert got.counts(workload) == {"sns": 1, "slack": 0}
    assert running.invoke(event)
    assert got.counts(workload) == {"sns": 1, "slack": 1}
    got.forget(workload)


@pytest.mark.slow
def test_clocks_that_differ_by_a_minute_lose_nothing_and_repeat_nothing(
    running: InProcess, got: Receivers, world: World
) -> None:
    base = running.now
    for shifts in itertools.product((-60, 0, 60), repeat=3):
        workload = f"skewed-{next(_numbers):05}"
        first = another(world.events[0], workload)
        stopped = another(world.events[1], workload, first["detail"]["taskArn"].rsplit("/", 1)[-1])
        for place, (event, shift) in enumerate(
            zip((first, stopped, another(world.event, workload)), shifts, strict=True)
        ):
            running.now = base + 20 * place + shift
            assert running.invoke(event)
        assert got.counts(workload) == {"sns": 1, "slack": 1}, shifts
        got.forget(workload)


@pytest.mark.parametrize("shift", [-120, 120, *(pytest.param(shift, marks=pytest.mark.slow) for shift in (-60, 0, 60))])
def test_a_dead_ones_lease_by_another_clock_keeps_or_tells(
    running: InProcess, got: Receivers, world: World, shift: int
) -> None:
    base, workload = running.now, f"leased-{next(_numbers):05}"
    event = another(world.event, workload)
    kinds = frozenset({"image-not-found"})
    until = base + shift + SECONDS
    got.incidents.take(got.key(workload), event=event["id"], kinds=kinds, now=base + shift, until=until)
    if not running.invoke(event):
        assert got.counts(workload) == {"sns": 0, "slack": 0}
        running.now += 120
        assert running.invoke(event)
    assert got.counts(workload) == {"sns": 1, "slack": 1}
    got.forget(workload)


@pytest.mark.slow
def test_every_call_that_fails_alone_leaves_a_report_or_a_kept_event(
    running: InProcess, got: Receivers, world: World, measured: Callable[[str], None]
) -> None:
    actions = _actions(running, got, world)
    ends = Counter(
        _kept_or_told(running, got, world, {action: Fault(kind, attempts)})
        for action in actions
        for kind in KINDS
        for attempts in (FIRST, ALWAYS)
    )
    measured(f"faults: {len(actions)} actions, {len(KINDS)} kinds, once and for good: {dict(sorted(ends.items()))}")


@pytest.mark.slow
def test_any_set_of_failing_calls_leaves_a_report_or_a_kept_event(
    running: InProcess, got: Receivers, world: World, measured: Callable[[str], None]
) -> None:
    actions = _actions(running, got, world)
    chance = random.Random(4)  # noqa: S311 - the same sets in every run
    ends: Counter[str] = Counter()
    for _ in range(SETS):
        chosen = chance.sample(actions, chance.randint(2, 6))
        attempts = [frozenset(range(1, chance.randint(1, 3) + 1)) for _ in chosen]
        faults = {action: Fault(chance.choice(KINDS), each) for action, each in zip(chosen, attempts, strict=True)}
        trouble = chance.choice([*TROUBLES[1:], None, None, None, None])
        ends[_kept_or_told(running, got, world, faults, trouble)] += 1
    measured(f"faults: {SETS} random sets of 2 to 6 calls: {dict(sorted(ends.items()))}")
