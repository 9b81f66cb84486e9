from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pull_doctor.delivery.incidents import QUIET, WINDOW, Held, incident_key
from pull_doctor.delivery.reporting import LeaseBusy
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Intake
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import Report
from tests.delivery.samples import ACCOUNT, REGION, START, Killed, Process, World, make_intake


def test_an_incident_is_named_by_account_region_cluster_and_workload() -> None:
    place = f"{ACCOUNT}/{REGION}/production"
    assert incident_key(make_intake().task) == f"{place}/service:web"
    assert incident_key(make_intake(service=None).task) == f"{place}/family:web"
    assert incident_key(make_intake(service=None, family=None).task) == f"{place}/task:t1"


def test_the_first_failure_is_reported_to_every_sink(world: World) -> None:
    done = world.invocation().report(make_intake(), "e1")

    assert done.confirmed == {"sns", "slack"}
    assert done.report
    assert done.report.incident
    assert done.report.incident.occurrences == 1
    assert world.sns.got == world.slack.got == [to_json(done.report)]


def test_the_incident_counts_its_tasks_and_their_times(world: World) -> None:
    for number in range(3):
        world.now = START + number
        world.invocation().report(make_intake(f"t{number}"), f"e{number}")
    world.now = START + WINDOW + 1
    done = world.invocation().report(make_intake("late"), "late")

    assert done.report
    incident = done.report.incident
    assert incident
    assert incident.key == f"{ACCOUNT}/{REGION}/production/service:web"
    assert (incident.status, incident.occurrences, incident.workloads) == ("open", 4, ("web",))
    assert incident.first_seen.timestamp() == START
    assert incident.last_seen.timestamp() == START + WINDOW + 1


def test_failures_before_a_quiet_day_are_not_counted(world: World) -> None:
    world.invocation().report(make_intake("old"), "old")
    world.now += QUIET + 1
    done = world.invocation().report(make_intake("new"), "new")
    assert done.report
    assert done.report.incident
    assert done.report.incident.occurrences == 1


def test_the_same_event_ten_times_in_both_statuses_shuffled_is_one_report(world: World) -> None:
    events = [("t1", event) for event in ("deprovisioning", "stopped") for _ in range(5)]
    random.Random(7).shuffle(events)  # noqa: S311 - a fixed order, no secret
    for task, event in events:
        world.now += 31
        world.invocation().report(make_intake(task), event)
    assert len(world.sns.got) == len(world.slack.got) == 1
    assert len(world.incidents.occurrences(incident_key(make_intake().task))) == 1


def test_a_repeated_event_hours_later_starts_no_report(world: World) -> None:
    world.invocation().report(make_intake(), "e1")
    world.now += 5 * WINDOW
    world.invocation().report(make_intake(), "e1")
    world.invocation().report(make_intake(), "stopped")
    assert world.diagnosed.total() == 1


def test_another_task_within_the_window_is_only_counted(world: World) -> None:
    world.invocation().report(make_intake("t1"), "e1")
    world.now += WINDOW
    done = world.invocation().report(make_intake("t2"), "e2")
    assert done.report is None
    assert world.diagnosed.total() == 1


def test_after_the_window_a_task_is_reported_again(world: World) -> None:
    world.invocation().report(make_intake("t1"), "e1")
    world.now += WINDOW + 1
    world.invocation().report(make_intake("t2"), "e2")
    assert len(world.sns.got) == 2


def test_a_new_kind_of_symptom_is_reported_within_the_window_and_the_old_one_not_again(world: World) -> None:
    for number, kind in enumerate(("network-timeout", "image-not-found", "network-timeout", "image-not-found")):
        world.invocation().report(make_intake(f"t{number}", kind), f"e{number}")  # type: ignore[arg-type]  # a literal
    assert list(world.diagnosed) == ["t0", "t1"]


def test_an_event_that_tells_less_is_no_news_but_one_that_tells_more_is(world: World) -> None:
    world.invocation().report(make_intake("t1", "undetermined"), "deprovisioning")
    world.invocation().report(make_intake("t1", "image-not-found"), "stopped")
    world.invocation().report(make_intake("t2", "undetermined"), "e2")
    assert len(world.sns.got) == 2


def test_workloads_are_incidents_of_their_own(world: World) -> None:
    world.invocation().report(make_intake("t1"), "e1")
    world.invocation().report(make_intake("t2", service="worker"), "e2")
    world.invocation().report(make_intake("t3", service=None, family="web"), "e3")
    assert len(world.sns.got) == 3


def test_the_cause_stands_in_the_table(world: World) -> None:
    world.invocation().report(make_intake(), "e1")
    key = {"incident": {"S": incident_key(make_intake().task)}, "item": {"S": "state"}}
    item = world.client.get_item(TableName="incidents", Key=key)["Item"]
    assert item["cause"] == {"S": "s3-endpoint-missing"}
    assert int(item["expires"]["N"]) > START


@pytest.mark.parametrize("broken", ["sns", "slack"])
def test_a_failing_sink_does_not_stop_the_other_and_the_retry_sends_only_what_is_missing(
    world: World, broken: str
) -> None:
    sinks = {"sns": world.sns, "slack": world.slack}
    sinks[broken].refuses = 1
    (works,) = sinks.keys() - {broken}

    first = world.invocation().report(make_intake(), "e1")
    assert first.failed == {broken: "busy"}
    assert len(sinks[works].got) == 1

    world.now += 60
    second = world.invocation().report(make_intake(), "e1")
    assert not second.failed
    assert second.report is None
    assert sinks[works].asked == 1
    assert world.diagnosed.total() == 1
    assert sinks[broken].got == sinks[works].got


def test_a_later_task_brings_what_a_sink_still_lacks(world: World) -> None:
    world.slack.refuses = 1
    world.invocation().report(make_intake("t1"), "e1")
    world.invocation().report(make_intake("t2"), "e2")
    assert world.slack.got == world.sns.got
    assert world.diagnosed.total() == 1


def test_a_new_kind_goes_out_although_a_sink_still_refuses(world: World) -> None:
    world.slack.refuses = 2
    world.invocation().report(make_intake("t1"), "e1")
    done = world.invocation().report(make_intake("t2", "image-not-found"), "e2")
    assert len(world.sns.got) == 2
    assert world.slack.got == world.sns.got[1:]
    assert done.failed == {"slack": "busy"}


def test_a_sink_that_crashes_is_a_failed_sink_and_its_words_are_not_repeated(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.slack.crashes_with = RuntimeError("https://hooks.example/secret")
    done = world.invocation().report(make_intake(), "e1")
    assert done.failed == {"slack": "the tool itself failed: RuntimeError"}
    assert "RuntimeError at sink slack" in caplog.text
    assert "in deliver" in caplog.text
    assert "hooks.example" not in caplog.text
    assert len(world.sns.got) == 1


def test_a_sink_that_was_taken_away_is_not_waited_for(world: World) -> None:
    world.slack.refuses = 1
    world.invocation().report(make_intake("t1"), "e1")
    world.invocation(sinks={"sns": world.sns}).report(make_intake("t1"), "e1")
    assert not world.incidents.state(incident_key(make_intake().task)).pending


def test_a_sink_that_was_added_does_not_get_old_reports(world: World) -> None:
    world.invocation(sinks={"sns": world.sns}).report(make_intake("t1"), "e1")
    world.invocation().report(make_intake("t2"), "e2")
    assert world.slack.got == []


def test_a_crashing_diagnosis_is_reported_as_such_with_what_ecs_said(world: World) -> None:
    def crash(_: Intake) -> Report:
        raise KeyError("web")

    done = world.invocation(diagnose=crash).report(make_intake(), "e1")
    assert done.report
    assert done.report.verdict == "undetermined"
    assert "KeyError" in done.report.verdict_reason
    assert done.report.failures[0].message == "CannotPull"
    assert from_json(world.sns.got[0]) == done.report


def test_while_the_lease_is_held_another_task_is_done(world: World) -> None:
    intake = make_intake("t1")
    world.incidents.take(
        incident_key(intake.task), event="e1", kinds=frozenset({"network-timeout"}), now=START, until=START + 60
    )
    done = world.invocation().report(make_intake("t2"), "e2")
    assert done.report is None
    assert world.sns.asked == 0


def test_while_the_lease_is_held_the_holders_own_event_and_a_new_kind_come_again(world: World) -> None:
    key = incident_key(make_intake().task)
    world.incidents.take(key, event="e1", kinds=frozenset({"network-timeout"}), now=START, until=START + 60)
    with pytest.raises(LeaseBusy):
        world.invocation().report(make_intake("t1"), "e1")
    with pytest.raises(LeaseBusy):
        world.invocation().report(make_intake("t2", "image-not-found"), "e2")

    world.now += 61
    world.invocation().report(make_intake("t2", "image-not-found"), "e2")
    world.invocation().report(make_intake("t1"), "e1")
    assert len(world.sns.got) == 2


def test_a_holder_whose_lease_ran_out_can_write_nothing_more(world: World) -> None:
    key, kinds = incident_key(make_intake().task), frozenset({"network-timeout"})
    old = world.incidents.take(key, event="e1", kinds=kinds, now=START, until=START + 60)
    new = world.incidents.take(key, event="e2", kinds=kinds, now=START + 61, until=START + 120)
    assert not isinstance(old, Held)
    assert not isinstance(new, Held)
    refused = world.client.exceptions.ConditionalCheckFailedException
    with pytest.raises(refused):
        old.save("{}", now=START, kinds=kinds, cause="x", sinks=frozenset({"sns"}))
    with pytest.raises(refused):
        old.confirmed("sns")
    with pytest.raises(refused):
        old.release()
    new.release()


def test_a_lease_whose_answer_was_lost_is_still_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore sends a write again if its answer did not arrive; the second one meets our own lease."""
    calls = world.client._make_api_call

    def twice(name: str, params: object) -> object:
        if name == "UpdateItem":
            calls(name, params)
        return calls(name, params)

    monkeypatch.setattr(world.client, "_make_api_call", twice)
    taken = world.incidents.take("key", event="e1", kinds=frozenset({"x"}), now=START, until=START + 60)
    assert not isinstance(taken, Held)


def test_twenty_tasks_at_once_are_one_report(world: World) -> None:
    with ThreadPoolExecutor(20) as pool:
        done = list(
            pool.map(lambda number: world.invocation().report(make_intake(f"t{number}"), f"e{number}"), range(20))
        )
    assert sum(each.report is not None for each in done) == 1
    assert len(world.sns.got) == len(world.slack.got) == world.diagnosed.total() == 1
    assert len(world.incidents.occurrences(incident_key(make_intake().task))) == 20


def test_both_events_of_a_task_at_once_are_one_report(world: World) -> None:
    def one(number: int) -> None:
        try:
            world.invocation().report(make_intake("t1"), ("deprovisioning", "stopped")[number % 2])
        except LeaseBusy:
            return

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(20)))
    assert len(world.sns.got) == len(world.slack.got) == 1


def _steps_of_a_report(world: World) -> list[str]:
    process = Process()
    _invoke(world, process, "t0", "e0", service="elsewhere")
    world.sns.got.clear()
    world.slack.got.clear()
    world.diagnosed.clear()
    return process.steps


def _invoke(world: World, process: Process, task: str, event: str, service: str) -> None:
    """Run one invocation in a process of its own; what is dead sends nothing more, release included."""
    world.sns.process = world.slack.process = process
    process.watch(world.client)
    try:
        world.invocation().report(make_intake(task, service=service), event)
    finally:
        process.unwatch(world.client)
        world.sns.process = world.slack.process = None


def _comebacks() -> dict[str, list[str]]:
    return {
        "the retry, then the stopped event": ["retry", "stopped"],
        "the stopped event at once, then the retry": ["stopped now", "retry"],
        "the stopped event alone": ["stopped"],
        "another task alone": ["other"],
    }


def test_killed_at_any_step_nothing_is_lost_and_only_the_unmarked_is_repeated(world: World) -> None:
    steps = _steps_of_a_report(world)
    assert steps.count("before PutItem") == steps.count("before GetItem") == 1
    assert {"before sns", "after sns", "before slack", "after slack"} <= set(steps)
    saved = steps.index("before UpdateItem", steps.index("before Query")) + 1
    for kill, comeback in itertools.product(range(len(steps)), _comebacks().items()):
        _kill_and_come_back(World(world.client), steps, kill, saved, comeback)


def _kill_and_come_back(world: World, steps: list[str], kill: int, saved: int, comeback: tuple[str, list[str]]) -> None:
    name, events = comeback
    case = f"killed at {steps[kill]} ({kill}); {name}"
    service = f"web-{kill}-{name}"
    at_start = world.now

    def intake(task: str = "t1") -> Intake:
        return make_intake(task, service=service)

    process = Process(dies_at=kill)
    with pytest.raises(Killed):
        _invoke(world, process, "t1", "e1", service=service)
    assert process.last == steps[kill], case

    for event in events:
        if event == "stopped now":
            world.invocation().report(intake(), "e2")
        elif event == "retry":
            for pause in (60, 120):
                world.now += pause
                try:
                    world.invocation().report(intake(), "e1")
                except LeaseBusy:
                    continue
                break
            else:
                pytest.fail(f"{case}: Lambda gave up")
        else:
            world.now = at_start + 70
            world.invocation().report(intake("t2" if event == "other" else "t1"), "e3")

    for sink in (world.sns, world.slack):
        unmarked = {steps.index(f"after {sink.name}"), steps.index(f"after {sink.name}") + 1}
        assert len(sink.got) == (2 if kill in unmarked else 1), case
        assert len(set(sink.got)) == 1, f"{case}: not the same bytes"
    diagnosed_in_vain = steps.index("before Query") <= kill < saved
    assert world.diagnosed.total() == (2 if diagnosed_in_vain else 1), case
    if kill >= saved:
        assert world.sns.got[0] == world.slack.got[0], case
    assert not world.incidents.state(incident_key(intake().task)).pending, case


def test_a_task_with_two_kinds_of_symptom_is_one_report(world: World) -> None:
    intake = make_intake()
    second = replace(intake.failures[0], id="sidecar", symptom=Symptom("resolve", "image-not-found"))
    world.invocation().report(replace(intake, failures=(*intake.failures, second)), "e1")
    world.invocation().report(make_intake("t2", "image-not-found"), "e2")
    assert world.diagnosed.total() == 1
