from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pull_doctor.delivery.evidence import EvidenceBucket
from pull_doctor.delivery.incidents import incident_key
from pull_doctor.delivery.state import SKEW, WINDOW
from pull_doctor.facts import questions as q
from pull_doctor.facts import values
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.report.document import from_json
from pull_doctor.report.model import UNSET
from tests.delivery.samples import ACCOUNT, REGION, START, World, make_intake

KEY = incident_key(make_intake().task)


class Ecs:
    """What ECS answers of service web; ``service`` is ``None`` once it is deleted."""

    def __init__(self) -> None:
        self.service: values.Service | None = None
        self.unread = False
        self.asked: list[Question[Any]] = []

    def __call__(self, question: Question[Any]) -> Fact[Any]:
        self.asked.append(question)
        if self.unread:
            return Unknown(question.fact, "throttled")
        assert isinstance(question, q.OneService)
        return Known(self.service)


@pytest.fixture
def ecs() -> Ecs:
    return Ecs()


def test_the_end_goes_to_every_sink_once_and_says_how_long_and_how_many(world: World, ecs: Ecs) -> None:
    for number in range(3):
        world.now = START + number
        world.fail(f"t{number}", event=f"e{number}")
    world.now = START + 42 * 60
    done = world.watch(ecs).look(KEY)
    again = world.watch(ecs).look(KEY)

    assert done.confirmed == {"sns", "slack"}
    assert (again.report, again.confirmed) == (None, frozenset())
    assert len(world.sns.got) == len(world.slack.got) == 2
    incident = world.sns.incidents[1]
    assert (incident.status, incident.occasion, incident.occurrences) == ("withdrawn", "end", 3)
    assert incident.ended == datetime.fromtimestamp(START + 42 * 60, UTC)
    assert incident.first_seen == datetime.fromtimestamp(START - 7, UTC)
    assert isinstance(incident.ending, str)
    assert world.slack.threads[1].own == "slack-1"
    assert from_json(world.sns.got[1]).causes[0].cause == "s3-endpoint-missing"
    (listed,) = world.incidents.listed("withdrawn")
    assert listed.ended == START + 42 * 60
    assert world.incidents.listed("open") == []


def test_what_cannot_be_read_ends_nothing(world: World, ecs: Ecs) -> None:
    world.fail()
    ecs.unread = True
    assert world.watch(ecs).look(KEY).report is None
    assert world.incidents.state(KEY).open


def test_a_service_that_was_never_heard_of_costs_one_read(world: World, ecs: Ecs) -> None:
    assert world.watch(ecs).look(f"{ACCOUNT}/{REGION}/production/service:elsewhere").report is None
    assert ecs.asked == []
    assert world.incidents.state(f"{ACCOUNT}/{REGION}/production/service:elsewhere").holder_event is None


def test_while_a_failure_is_being_told_nothing_ends(world: World, ecs: Ecs) -> None:
    world.fail()
    world.incidents.take(KEY, event="e2", kinds=frozenset(), now=world.now, until=world.now + 60)
    assert world.watch(ecs).look(KEY).report is None
    assert world.incidents.state(KEY).open


def test_a_sink_that_refuses_the_end_gets_it_from_the_next_sweep_and_the_other_no_second(
    world: World, ecs: Ecs
) -> None:
    world.fail()
    world.slack.refuses = 1
    assert world.watch(ecs).look(KEY).failed == {"slack": "busy"}
    assert len(world.sns.got) == 2
    world.now += 15 * 60
    (done,) = world.watch(ecs).sweep()
    assert done.confirmed == {"slack"}
    assert world.slack.got[-1] == world.sns.got[-1]
    assert world.watch(ecs).sweep() == []


def test_the_sweep_brings_a_report_that_a_sink_lacks(world: World, ecs: Ecs) -> None:
    world.slack.refuses = 1
    world.fail()
    ecs.unread = True
    world.now += 15 * 60
    (done,) = world.watch(ecs).sweep()
    assert done.confirmed == {"slack"}
    assert world.slack.got == world.sns.got


def test_an_incident_that_fails_does_not_stop_the_sweep(
    world: World, ecs: Ecs, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b", "c"):
        world.fail(service=name)

    def ask(question: Question[Any]) -> Fact[Any]:
        if isinstance(question, q.OneService) and question.service == "b":
            raise RuntimeError("boom")
        return ecs(question)

    done = {each.incident.rpartition(":")[2]: each for each in world.watch(ask).sweep()}
    assert done.keys() == {"a", "b", "c"}
    assert done["b"].failed == {"watch": "the tool itself failed: RuntimeError"}
    assert "boom" in caplog.text
    assert len(world.incidents.listed("withdrawn")) == 2


def test_the_sweep_stops_when_its_time_is_up(world: World, ecs: Ecs) -> None:
    world.fail()
    assert world.watch(ecs, until=0.0).sweep() == []
    assert world.incidents.state(KEY).open


def test_after_the_end_a_new_failure_is_a_new_incident_with_a_count_of_its_own(world: World, ecs: Ecs) -> None:
    world.fail("t1", event="e1")
    world.fail("t2", event="e2")
    world.now += 60
    world.watch(ecs).look(KEY)
    world.now += 60
    done = world.fail("t3", event="e3")
    assert done.report
    assert done.report.incident
    assert (done.report.incident.occasion, done.report.incident.occurrences) == ("first", 1)
    assert world.slack.threads[-1].own is None
    assert world.incidents.listed("withdrawn") == []
    state = world.incidents.state(KEY)
    assert (state.ended, state.opened) == (0.0, START + 120 - 7)


def test_an_event_that_comes_after_the_end_and_tells_of_a_failure_before_it_opens_nothing(
    world: World, ecs: Ecs
) -> None:
    world.fail("t1", event="e1")
    world.now += 10 * 60
    world.watch(ecs).look(KEY)
    world.now += 60
    late = datetime.fromtimestamp(START + 9 * 60, UTC)
    assert world.fail("t2", event="e2", failed_at=late).report is None
    assert world.fail("t1", event="e1").report is None
    near = datetime.fromtimestamp(START + 10 * 60 - SKEW + 1, UTC)
    assert world.fail("t3", event="e3", failed_at=near).report, "the clocks may differ: rather told than lost"


def test_a_muted_incident_ends_without_a_word(world: World, ecs: Ecs) -> None:
    world.muted = True
    world.fail()
    world.now += 60
    done = world.watch(ecs).look(KEY)
    assert (done.report, world.sns.got) == (None, [])
    assert world.incidents.listed("open") == []


def test_what_differs_comes_from_the_kept_facts_and_is_left_out_without_them(world: World, ecs: Ecs) -> None:
    subnet = q.OneSubnet(ACCOUNT, REGION, "subnet-1")
    world.answers = Answers({subnet: Known(None)})
    world.fail(service="web")
    world.fail(service="api", invocation=world.invocation(evidence=EvidenceBucket(world.s3, "no-such-bucket")))
    world.now += WINDOW
    world.watch(ecs).sweep()
    by_service = {incident.workloads[0]: incident for incident in world.sns.incidents if incident.occasion == "end"}
    assert by_service["web"].differences == ()
    assert by_service["api"].differences is UNSET


def test_a_group_ends_for_everybody_with_its_first_and_its_last(world: World, ecs: Ecs) -> None:
    for number in range(3):
        world.now += 1
        world.fail(f"t{number}", service=f"web-{number}")
    world.now += 60
    for number in (1, 0, 2):
        world.watch(ecs).look(f"{ACCOUNT}/{REGION}/production/service:web-{number}")
    ends = [incident for incident in world.sns.incidents if incident.occasion == "end"]
    assert [end.aside for end in ends] == [True, False, False]
    assert [end.workloads for end in ends] == [("web-1", "web-0", "web-2"), ("web-0", "web-2"), ("web-2",)]
