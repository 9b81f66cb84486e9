from __future__ import annotations

import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pull_doctor.delivery import outbox
from pull_doctor.delivery.diagnosis import Diagnosis
from pull_doctor.delivery.evidence import EvidenceBucket
from pull_doctor.delivery.incidents import Held, Incidents, incident_key
from pull_doctor.delivery.reporting import LeaseBusy, Reporting
from pull_doctor.delivery.state import AWAY, REMINDER, WINDOW
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known
from pull_doctor.facts.questions import OneService
from pull_doctor.facts.values import Deployment, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Earlier, Intake
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import UNSET
from tests.delivery.samples import ACCOUNT, REGION, START, FakeSink, Killed, Process, World, make_intake


def test_an_incident_is_named_by_account_region_cluster_and_workload() -> None:
    place = f"{ACCOUNT}/{REGION}/production"
    assert incident_key(make_intake().task) == f"{place}/service:web"
    assert incident_key(make_intake(service=None).task) == f"{place}/family:web"
    assert incident_key(make_intake(service=None, family=None).task) == f"{place}/task:t1"


def test_the_first_failure_is_reported_to_every_sink(world: World) -> None:
    done = world.fail(event="e1")

    assert done.confirmed == {"sns", "slack"}
    assert done.report
    assert done.report.incident
    assert done.report.incident.occurrences == 1
    assert world.sns.got == world.slack.got == [to_json(done.report)]


def test_a_reminder_counts_the_tasks_and_says_since_when_and_what_they_ask_for(world: World) -> None:
    for number in range(3):
        world.now = START + number
        world.fail(f"t{number}", event=f"e{number}")
    world.now = START + REMINDER + 1
    done = world.fail("late", event="late")

    assert done.report
    incident = done.report.incident
    assert incident
    assert incident.key == f"{ACCOUNT}/{REGION}/production/service:web"
    assert (incident.status, incident.occasion, incident.workloads) == ("open", "reminder", ("web",))
    assert incident.occurrences == 4
    assert incident.first_seen.timestamp() == START - 7
    assert incident.last_seen.timestamp() == START + REMINDER + 1 - 7
    assert any("4 failed tasks" in note.text for note in done.report.notes)


def test_the_reminder_comes_when_the_settings_say(world: World) -> None:
    world.fail("t1", event="e1")
    world.now += 2 * 60 * 60
    assert not world.fail("t2", event="e2", invocation=world.invocation(reminder=2 * 60 * 60 + 1)).report
    world.now += 2 * 60 * 60
    assert world.fail("t3", event="e3", invocation=world.invocation(reminder=2 * 60 * 60 + 1)).report


def test_the_same_event_ten_times_in_both_statuses_shuffled_is_one_report(world: World) -> None:
    events = [("t1", event) for event in ("deprovisioning", "stopped") for _ in range(5)]
    random.Random(7).shuffle(events)  # noqa: S311 - a fixed order, no secret
    for task, event in events:
        world.now += 31
        world.fail(task, event=event)
    assert len(world.sns.got) == len(world.slack.got) == 1
    assert len(world.incidents.occurrences(incident_key(make_intake().task), START)) == 1


def test_a_repeated_event_hours_later_starts_no_report(world: World) -> None:
    world.fail(event="e1")
    world.now += 5 * WINDOW
    world.fail(event="e1")
    world.fail(event="stopped")
    assert world.diagnosed.total() == 1


def test_another_task_within_the_window_is_only_counted(world: World) -> None:
    world.fail("t1", event="e1")
    world.now += WINDOW
    done = world.fail("t2", event="e2")
    assert done.report is None
    assert world.diagnosed.total() == 1


def test_after_the_window_it_is_diagnosed_again_and_the_same_cause_not_told_again(world: World) -> None:
    world.fail("t1", event="e1")
    for number in range(10):
        world.now += WINDOW + 1
        assert not world.fail(f"later-{number}", event=f"later-{number}").report
    assert world.diagnosed.total() == 11
    assert len(world.sns.got) == 1


@pytest.mark.parametrize(
    ("cause", "culprit"), [("no-route-to-registry", "subnet-1"), ("s3-endpoint-missing", "subnet-2")]
)
def test_another_cause_or_another_resource_to_blame_is_told_in_the_same_incident(
    world: World, cause: str, culprit: str
) -> None:
    world.fail("t1", event="e1")
    world.now += WINDOW + 1
    world.cause, world.culprit = cause, culprit
    done = world.fail("t2", event="e2")
    assert done.report
    assert done.report.incident
    assert (done.report.incident.occasion, done.report.incident.occurrences) == ("new-cause", 2)
    assert world.sns.threads[1].own == "sns-1"


def test_two_causes_in_turns_are_told_once_each_and_one_that_comes_back_later_again(world: World) -> None:
    causes = ("s3-endpoint-missing", "no-route-to-registry")
    for number in range(8):
        world.cause = causes[number % 2]
        world.fail(f"t{number}", event=f"e{number}")
        world.now += WINDOW + 1
    assert len(world.sns.got) == 2
    world.now += AWAY
    world.cause = causes[1]
    world.fail("t8", event="e8")
    world.now += WINDOW + 1
    world.cause = causes[0]
    assert world.fail("t9", event="e9").report


def test_what_a_task_showed_of_its_network_is_handed_to_later_ones(world: World) -> None:
    here, deployment = (ACCOUNT, REGION), "ecs-svc/1"
    shown = Deployment(deployment, "PRIMARY", groups=("sg-1", "sg-0"), assign_public_ip=False)
    answers = Answers({OneService(*here, "production", "web"): Known(Service((shown,)))})
    got: list[Intake] = []

    def diagnose(intake: Intake) -> Diagnosis:
        got.append(intake)
        return world.diagnose(intake)

    def fail(task: str, answers: Answers) -> Earlier | None:
        world.answers = answers
        world.fail(
            task,
            event=task,
            invocation=world.invocation(diagnose=diagnose),
            launch_type="FARGATE",
            started_by=deployment,
        )
        world.now += REMINDER + 1
        return got[-1].task.earlier

    kept = Earlier(make_intake("t1").task.arn or "", deployment, ("sg-1", "sg-0"), public_ip=False)
    assert fail("t0", Answers()) is None
    assert fail("t1", answers) is None
    assert fail("t2", Answers()) == kept
    assert fail("t3", Answers()) == kept
    folder = world.incidents.state(incident_key(got[-1].task)).evidence
    assert folder
    assert world.evidence.facts(folder).intake.task.earlier == kept


def test_what_cannot_be_told_any_more_is_no_news_after_a_cause(world: World) -> None:
    world.fail("t1", event="e1")
    world.now += WINDOW + 1
    world.reports = {"verdict": "undetermined"}
    assert not world.fail("t2", event="e2").report
    assert world.fail("t3", "image-not-found", event="e3").report


def test_a_new_kind_of_symptom_is_diagnosed_within_the_window_and_told_if_the_cause_is_another(world: World) -> None:
    for number, kind in enumerate(("network-timeout", "image-not-found", "network-timeout", "image-not-found")):
        world.cause = "s3-endpoint-missing" if kind == "network-timeout" else "image-not-found"
        world.fail(f"t{number}", kind, event=f"e{number}")  # type: ignore[arg-type]  # a literal
    assert list(world.diagnosed) == ["t0", "t1"]
    assert [incident.occasion for incident in world.sns.incidents] == ["first", "new-cause"]


def test_an_event_that_tells_less_is_no_news_but_one_that_tells_more_is(world: World) -> None:
    world.reports = {"verdict": "undetermined"}
    world.fail("t1", "undetermined", event="deprovisioning")
    world.fail("t1", "image-not-found", event="stopped")
    world.fail("t2", "undetermined", event="e2")
    assert len(world.sns.got) == 2


def test_a_muted_workload_is_watched_and_not_told_of_until_it_is_not_muted_any_more(world: World) -> None:
    world.muted = True
    assert not world.fail("t1", event="e1").report
    assert world.sns.got == []
    (listed,) = world.incidents.listed("open")
    assert (listed.told, listed.cause) == (None, "s3-endpoint-missing")
    world.muted = False
    world.now += WINDOW + 1
    done = world.fail("t2", event="e2")
    assert done.report
    assert done.report.incident
    assert (done.report.incident.occasion, done.report.incident.occurrences) == ("first", 2)


def test_incidents_with_the_same_resource_to_blame_are_one_group(world: World) -> None:
    for number in range(5):
        world.now += 1
        world.fail(f"t{number}", service=f"web-{number}", cluster="staging" if number == 4 else "production")
    world.fail("other", service="other", event="other", invocation=_with_culprit(world, "subnet-9"))

    first, second, third, fourth, fifth, other = world.sns.incidents
    assert (first.grouped_with, first.aside, first.workloads) == (UNSET, False, ("web-0",))
    assert [each.grouped_with for each in (second, third, fourth, fifth)] == [first.key] * 4
    assert [each.aside for each in (second, third, fourth, fifth)] == [False, True, False, True]
    assert third.workloads == ("web-2", "web-0", "web-1")
    assert fifth.workloads[:2] == ("web-4", "production/web-0")
    assert (other.grouped_with, other.workloads) == (UNSET, ("other",))
    assert [thread.group for thread in world.slack.threads] == [None, *["slack-1"] * 4, None]


def _with_culprit(world: World, culprit: str) -> Reporting:
    world.culprit = culprit
    return world.invocation()


def test_without_the_list_of_incidents_a_report_goes_out_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no index")

    monkeypatch.setattr(Incidents, "listed", refuse)
    done = world.fail()
    assert done.report
    assert done.report.incident
    assert done.report.incident.workloads == ("web",)


def test_the_evidence_is_kept_in_a_folder_of_the_report(world: World) -> None:
    world.fail()
    state = world.incidents.state(incident_key(make_intake().task))
    assert state.evidence == f"incidents/{ACCOUNT}/{REGION}/production/service:web/2026-09-21T14-13-20Z/"
    assert world.evidence.text(state.evidence + "report.json") == world.sns.got[0]
    assert world.evidence.facts(state.evidence).intake.task.service == "web"


def test_a_bucket_that_refuses_is_said_in_the_report_and_stops_nothing(world: World) -> None:
    done = world.fail(invocation=world.invocation(evidence=EvidenceBucket(world.s3, "no-such-bucket")))
    assert done.confirmed == {"sns", "slack"}
    assert done.report
    (note,) = done.report.notes
    assert "could not be kept: s3://no-such-bucket/" in note.text
    assert note.text.endswith("NoSuchBucket")


def test_workloads_are_incidents_of_their_own(world: World) -> None:
    world.fail("t1", event="e1")
    world.fail("t2", service="worker", event="e2")
    world.fail("t3", service=None, family="web", event="e3")
    assert len(world.sns.got) == 3


def test_the_cause_stands_in_the_table(world: World) -> None:
    world.fail(event="e1")
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

    first = world.fail(event="e1")
    assert first.failed == {broken: "busy"}
    assert len(sinks[works].got) == 1

    world.now += 60
    second = world.fail(event="e1")
    assert not second.failed
    assert second.report is None
    assert sinks[works].asked == 1
    assert world.diagnosed.total() == 1
    assert sinks[broken].got == sinks[works].got


def test_a_later_task_brings_what_a_sink_still_lacks(world: World) -> None:
    world.slack.refuses = 1
    world.fail("t1", event="e1")
    world.fail("t2", event="e2")
    assert world.slack.got == world.sns.got
    assert world.diagnosed.total() == 1


def test_a_new_kind_goes_out_although_a_sink_still_refuses(world: World) -> None:
    world.slack.refuses = 2
    world.fail("t1", event="e1")
    world.cause = "image-not-found"
    done = world.fail("t2", "image-not-found", event="e2")
    assert len(world.sns.got) == 2
    assert world.slack.got == world.sns.got[1:]
    assert done.failed == {"slack": "busy"}


def test_a_sink_that_crashes_is_a_failed_sink_and_its_words_are_not_repeated(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.slack.crashes_with = RuntimeError("https://hooks.example/secret")
    done = world.fail(event="e1")
    assert done.failed == {"slack": "the tool itself failed: RuntimeError"}
    assert "RuntimeError at sink slack" in caplog.text
    assert "in deliver" in caplog.text
    assert "hooks.example" not in caplog.text
    assert len(world.sns.got) == 1


def test_a_sink_that_hangs_keeps_no_other_waiting_and_is_given_up_in_time(world: World) -> None:
    hanging = threading.Event()

    class Hangs(FakeSink):
        def deliver(self, *_: object, **__: object) -> str:
            hanging.wait(30)
            return "too late"

    sinks = {"chat": Hangs("chat"), "sns": world.sns}
    box = outbox.Outbox(world.incidents, sinks, time.monotonic() + 2)
    done = world.fail(invocation=world.invocation(outbox=box))
    hanging.set()
    assert done.confirmed == {"sns"}
    assert done.failed == {"chat": "it did not answer in time"}
    assert len(world.sns.got) == 1


def test_a_sink_that_was_taken_away_is_not_waited_for(world: World) -> None:
    world.slack.refuses = 1
    world.fail("t1", event="e1")
    world.fail("t1", event="e1", invocation=world.invocation(sinks={"sns": world.sns}))
    assert not world.incidents.state(incident_key(make_intake().task)).pending


def test_a_sink_that_was_added_does_not_get_old_reports(world: World) -> None:
    world.fail("t1", event="e1", invocation=world.invocation(sinks={"sns": world.sns}))
    world.fail("t2", event="e2")
    assert world.slack.got == []


def test_a_crashing_diagnosis_is_reported_as_such_with_what_ecs_said(world: World) -> None:
    def crash(_: Intake) -> Diagnosis:
        raise KeyError("web")

    done = world.fail(event="e1", invocation=world.invocation(diagnose=crash))
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
    done = world.fail("t2", event="e2")
    assert done.report is None
    assert world.sns.asked == 0


def test_while_the_lease_is_held_the_holders_own_event_and_a_new_kind_come_again(world: World) -> None:
    key = incident_key(make_intake().task)
    world.incidents.take(key, event="e1", kinds=frozenset({"network-timeout"}), now=START, until=START + 60)
    with pytest.raises(LeaseBusy):
        world.fail("t1", event="e1")
    with pytest.raises(LeaseBusy):
        world.fail("t2", "image-not-found", event="e2")

    world.now += 61
    world.fail("t2", "image-not-found", event="e2")
    world.cause = "no-route-to-registry"
    world.fail("t1", event="e1")
    assert len(world.sns.got) == 2


def test_a_holder_whose_lease_ran_out_can_write_nothing_more(world: World) -> None:
    key, kinds = incident_key(make_intake().task), frozenset({"network-timeout"})
    old = world.incidents.take(key, event="e1", kinds=kinds, now=START, until=START + 60)
    new = world.incidents.take(key, event="e2", kinds=kinds, now=START + 61, until=START + 120)
    assert not isinstance(old, Held)
    assert not isinstance(new, Held)
    refused = world.client.exceptions.ConditionalCheckFailedException
    with pytest.raises(refused):
        old.save(title="x")
    with pytest.raises(refused):
        old.confirmed("sns", None)
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
        done = list(pool.map(lambda number: world.fail(f"t{number}", event=f"e{number}"), range(20)))
    assert sum(each.report is not None for each in done) == 1
    assert len(world.sns.got) == len(world.slack.got) == world.diagnosed.total() == 1
    assert len(world.incidents.occurrences(incident_key(make_intake().task), START)) == 20


def test_both_events_of_a_task_at_once_are_one_report(world: World) -> None:
    def one(number: int) -> None:
        try:
            world.fail("t1", event=("deprovisioning", "stopped")[number % 2])
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
    world.culprit = service  # with the same one they would be a group
    process.watch(world.client)
    process.watch(world.s3)
    try:
        world.fail(task, service=service, event=event)
    finally:
        process.unwatch(world.client)
        process.unwatch(world.s3)
        world.sns.process = world.slack.process = None


def _comebacks() -> dict[str, list[str]]:
    return {
        "the retry, then the stopped event": ["retry", "stopped"],
        "the stopped event at once, then the retry": ["stopped now", "retry"],
        "the stopped event alone": ["stopped"],
        "another task alone": ["other"],
    }


@pytest.fixture
def one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sinks wait for each other: a process that is to die at a certain step has its steps in one order."""
    monkeypatch.setattr(outbox, "_AT_ONCE", 1)


@pytest.mark.usefixtures("one_after_another")
def test_killed_at_any_step_nothing_is_lost_and_only_the_unmarked_is_repeated(world: World) -> None:
    steps = _steps_of_a_report(world)
    assert steps.count("before PutItem") == steps.count("before GetItem") == 1
    assert {"before sns", "after sns", "before slack", "after slack"} <= set(steps)
    saved = steps.index("before UpdateItem", steps.index("before Query")) + 1
    ways = list(_comebacks().items())
    for kill in range(len(steps)):
        _kill_and_come_back(World(world.client, world.s3), steps, kill, saved, ways[kill % len(ways)])


@pytest.mark.slow
@pytest.mark.usefixtures("one_after_another")
def test_killed_at_any_step_and_coming_back_in_any_way(world: World) -> None:
    steps = _steps_of_a_report(world)
    saved = steps.index("before UpdateItem", steps.index("before Query")) + 1
    for kill, comeback in itertools.product(range(len(steps)), _comebacks().items()):
        _kill_and_come_back(World(world.client, world.s3), steps, kill, saved, comeback)


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
            world.fail(service=service, event="e2")
        elif event == "retry":
            for pause in (60, 120):
                world.now += pause
                try:
                    world.fail(service=service, event="e1")
                except LeaseBusy:
                    continue
                break
            else:
                pytest.fail(f"{case}: Lambda gave up")
        else:
            world.now = at_start + 70
            world.fail("t2" if event == "other" else "t1", service=service, event="e3")

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
    world.invocation().report(replace(intake, failures=(*intake.failures, second)), {}, "e1")
    world.fail("t2", "image-not-found", event="e2")
    assert world.diagnosed.total() == 1
