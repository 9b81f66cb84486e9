"""How an incident ends: what ECS must answer for each end, and what the last report then says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from pull_doctor.ending import End, Failed, closing, ended
from pull_doctor.facts import questions as q
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import ContainerDefinition, Deployment, Service, Sibling, TaskDefinition
from pull_doctor.intake.event import read_event
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import UNSET, Excluded, Incident, Report
from tests.causes.factory import FAILED_AT, IMAGE, READ_AT, sibling
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import OFFLINE, reading, session
from tests.network.factory import ACCOUNT, NAT_VPC, PLACE, REGION, REGISTRY
from tests.ranked_worlds import BROKEN, concluded
from tests.worlds import World, build

WEB = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:"
FAILED = Failed(PLACE, "prod", "web", f"{WEB}87", frozenset({IMAGE}), FAILED_AT)
SOON = FAILED_AT + timedelta(minutes=42)
LATE = FAILED_AT + timedelta(hours=24)
DENIED = Unknown("something", "denied")


def deployment(revision: int | str = 87, **members: Any) -> Deployment:
    arn = f"{WEB}{revision}" if isinstance(revision, int) else WEB.replace("web:", revision)
    whole: dict[str, Any] = {"rollout_state": "COMPLETED", "desired": 2, "running": 2}
    return Deployment("ecs-svc/2", members.pop("status", "PRIMARY"), task_definition=arn, **(whole | members))


def service(*deployments: Deployment, **members: Any) -> Service:
    whole: dict[str, Any] = {"status": "ACTIVE", "desired": 2, "running": 2, "pending": 0}
    return Service(deployments, **(whole | members))


def running(revision: int = 87, *, seconds: int | None = 60, name: str = "new") -> Sibling:
    started = None if seconds is None else FAILED_AT + timedelta(seconds=seconds)
    return sibling(name, task_definition=f"{WEB}{revision}", started_at=started)


class Ecs:
    """What ECS answers; ``asked`` are the kinds of questions that were put."""

    def __init__(self, service: Service | Unknown | None, *tasks: Sibling, images: tuple[str, ...] = (IMAGE,)) -> None:
        self.service = service
        self.tasks = tasks
        self.images = images
        self.unknown: type[Question[Any]] | None = None
        self.asked: list[type[Question[Any]]] = []

    def __call__(self, question: Question[Any]) -> Fact[Any]:
        self.asked.append(type(question))
        if isinstance(question, self.unknown or ()):
            return DENIED
        if isinstance(question, q.OneService):
            assert (question.cluster, question.service) == ("prod", "web")
            return self.service if isinstance(self.service, Unknown) else Known(self.service)
        if isinstance(question, q.RunningTasks):
            assert (question.service, question.family) == ("web", None)
            return Known(tuple(one.arn for one in self.tasks))
        if isinstance(question, q.Siblings):
            assert len(question.tasks) <= 100
            return Known(tuple(one for one in self.tasks if one.arn in question.tasks))
        assert isinstance(question, q.OneTaskDefinition)
        containers = tuple(
            ContainerDefinition(f"c{n}", essential=True, image=each) for n, each in enumerate(self.images)
        )
        return Known(TaskDefinition("web", int(question.arn.rpartition(":")[2]), None, containers))


def status(ecs: Ecs, failed: Failed = FAILED, now: datetime = SOON) -> str | None:
    end = ended(failed, ecs, now)
    return end.status if end else None


def test_a_new_task_of_the_revision_that_failed_is_recovery() -> None:
    ecs = Ecs(service(deployment()), running())
    end = ended(FAILED, ecs, SOON)
    assert end
    assert (end.status, end.why) == (
        "recovered",
        f"task new of web:87 has run since 2026-11-03 09:31:00 UTC with {IMAGE}",
    )
    assert [one.id for one in end.resources] == ["prod/new", "prod/web", f"{WEB}87"]
    assert q.OneTaskDefinition not in ecs.asked, "what the failed task asked for is known"


@pytest.mark.parametrize("image", [f"{REGISTRY}/team/app:v2", f"{REGISTRY}/team/app@sha256:{'b' * 64}"])
def test_a_later_revision_with_another_tag_or_digest_is_recovery(image: str) -> None:
    end = ended(FAILED, Ecs(service(deployment(88)), running(88), images=(image, "sidecar:1")), SOON)
    assert end
    assert (end.status, end.why) == (
        "recovered",
        f"task new of web:88 has run since 2026-11-03 09:31:00 UTC with {image}",
    )


def test_the_first_of_the_new_tasks_is_named_also_behind_the_first_hundred() -> None:
    old = [running(seconds=-60, name=f"old{n}") for n in range(120)]
    ecs = Ecs(service(deployment()), *old, running(seconds=90, name="second"), running(seconds=60, name="first"))
    end = ended(FAILED, ecs, SOON)
    assert end
    assert end.why.startswith("task first of web:87 ")
    assert ecs.asked.count(q.Siblings) == 2


@pytest.mark.parametrize(
    "task",
    [running(seconds=-1), running(seconds=0), running(seconds=None), running(86), running(88)],
    ids=["older than the failure", "as old", "not started yet", "an earlier revision's", "another revision's"],
)
def test_a_task_that_proves_nothing_ends_nothing(task: Sibling) -> None:
    assert status(Ecs(service(deployment()), task)) is None
    assert status(Ecs(service(deployment()))) is None


@pytest.mark.parametrize(
    ("members", "of_service"),
    [
        ({"running": 1}, {"running": 1}),
        ({"desired": 1, "running": 1}, {}),
        ({"desired": 0, "running": 0}, {"desired": None}),
        ({"rollout_state": "FAILED"}, {}),
        ({}, {"pending": 1}),
        ({"rollout_state": None, "running": 1}, {}),
        ({"rollout_state": None, "running": None}, {}),
        ({"rollout_state": "IN_PROGRESS", "desired": None}, {}),
        ({"status": "ACTIVE"}, {}),
    ],
)
@pytest.mark.parametrize("revision", [86, 87, 88])
def test_a_deployment_without_all_its_tasks_ends_nothing(
    revision: int, members: dict[str, Any], of_service: dict[str, Any]
) -> None:
    assert status(Ecs(service(deployment(revision, **members), **of_service), running(revision))) is None


@pytest.mark.parametrize(
    "members",
    [{"rollout_state": None}, {"desired": None, "running": None}, {"rollout_state": "IN_PROGRESS"}, {"running": 3}],
)
def test_all_tasks_run_by_their_number_or_by_the_rollout(members: dict[str, Any]) -> None:
    assert status(Ecs(service(deployment(**members), pending=None), running())) == "recovered"


@pytest.mark.parametrize("primary", [86, 9, "other:87", "other:99"])
def test_another_task_definition_is_a_rollback_even_with_new_tasks_and_the_same_image(primary: int | str) -> None:
    made = deployment(primary)
    name = str(made.task_definition).rpartition("/")[2]
    task = replace(running(), task_definition=str(made.task_definition))
    end = ended(FAILED, Ecs(service(made, deployment(87, status="ACTIVE", rollout_state="FAILED")), task), SOON)
    assert end
    assert (end.status, end.why) == (
        "rolled-back",
        f"service web runs {name}, and web:87, which could not be pulled, is not its primary deployment any more",
    )


def test_revisions_are_numbers() -> None:
    failed = replace(FAILED, task_definition=f"{WEB}9")
    assert status(Ecs(service(deployment(10)), running(10)), failed) == "recovered"


def test_a_later_revision_with_other_images_withdraws_the_one_that_failed() -> None:
    end = ended(FAILED, Ecs(service(deployment(88)), running(88), images=("nginx:1.27", "app:1")), SOON)
    assert end
    assert (end.status, end.why) == (
        "withdrawn",
        f"service web runs web:88 with app:1, nginx:1.27; {IMAGE}, which could not be pulled, is not in it",
    )


@pytest.mark.parametrize(
    "image", ["public.ecr.aws/team/app:v1", f"{REGISTRY}/team/app2:v1", "team/app:v1", "no reference"]
)
def test_another_registry_or_repository_is_another_image(image: str) -> None:
    assert status(Ecs(service(deployment(88)), running(88), images=(image,))) == "withdrawn"


def test_docker_hub_has_several_names() -> None:
    failed = replace(FAILED, images=frozenset({"nginx:1.27"}))
    ecs = Ecs(service(deployment(88)), running(88), images=("docker.io/library/nginx:1.28",))
    assert status(ecs, failed) == "recovered"


def test_of_several_images_one_that_is_still_used_must_be_pulled_again() -> None:
    failed = replace(FAILED, images=frozenset({IMAGE, "proxy:1"}))
    assert status(Ecs(service(deployment(88)), images=("proxy:2",)), failed) is None
    assert status(Ecs(service(deployment(88)), running(88), images=("proxy:2",)), failed) == "recovered"


def test_a_task_that_failed_before_its_image_recovers_with_a_new_one() -> None:
    end = ended(replace(FAILED, images=frozenset()), Ecs(service(deployment()), running()), SOON)
    assert end
    assert (end.status, end.why) == ("recovered", "task new of web:87 has run since 2026-11-03 09:31:00 UTC")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "service web of cluster prod is deleted"),
        (service(deployment(), status="INACTIVE"), "service web of cluster prod is deleted"),
        (service(deployment(), status="DRAINING"), "service web of cluster prod is deleted"),
        (service(deployment(desired=0, running=0), desired=0), "service web of cluster prod is scaled to 0 tasks"),
        (service(desired=0), "service web of cluster prod is scaled to 0 tasks"),
    ],
)
def test_a_service_that_wants_no_task_is_withdrawn(answer: Service | None, why: str) -> None:
    for tasks in ((), (running(),)):
        end = ended(FAILED, Ecs(answer, *tasks), SOON)
        assert end
        assert (end.status, end.why) == ("withdrawn", why)
        assert end.resources[0].id == "prod/web"


@pytest.mark.parametrize("unknown", [q.OneService, q.RunningTasks, q.Siblings, q.OneTaskDefinition])
def test_what_cannot_be_read_ends_nothing_until_it_is_quiet(unknown: type[Question[Any]]) -> None:
    ecs = Ecs(service(deployment(88)), running(88))
    assert status(ecs) == "recovered"
    ecs.unknown = unknown
    assert status(ecs) is None
    assert status(ecs, now=LATE) == "quiet"


def test_task_sets_show_no_deployment() -> None:
    assert status(Ecs(service(), running())) is None
    assert status(Ecs(service(), running()), now=LATE) == "quiet"


def test_a_failure_without_a_task_definition_has_nothing_to_compare_with() -> None:
    assert status(Ecs(service(deployment()), running()), replace(FAILED, task_definition=None)) is None


def test_a_workload_without_a_service_only_falls_quiet_and_asks_nothing() -> None:
    ecs = Ecs(None)
    failed = replace(FAILED, service=None)
    assert ended(failed, ecs, LATE - timedelta(seconds=1)) is None
    end = ended(failed, ecs, LATE)
    assert end == End(
        "quiet", "no failed pull of task family web in cluster prod was seen since 2026-11-03 09:30:00 UTC"
    )
    assert ecs.asked == []


def test_a_day_later_the_other_ends_still_come_first() -> None:
    assert status(Ecs(service(deployment()), running()), now=LATE) == "recovered"
    assert status(Ecs(service(deployment(86))), now=LATE) == "rolled-back"
    assert status(Ecs(None), now=LATE) == "withdrawn"


NO_ROUTE = BROKEN["no-route-to-registry"]
MENDED = replace(NO_ROUTE, vpc=NAT_VPC)
END = End("recovered", "task new of web:87 has run since 2026-11-03 09:31:00 UTC")
INCIDENT = Incident("a/r/prod/web", "recovered", 118, FAILED_AT, READ_AT, ("web",), ended=SOON)


def closed(fresh: Report | None, told: Report | None = None, **more: Any) -> Report:
    facts: dict[str, Any] = {"before": NO_ROUTE.answers(), "after": MENDED.answers()} | more
    return closing(told or concluded(NO_ROUTE), INCIDENT, END, fresh=fresh, **facts)


def test_the_last_report_says_how_it_ended_and_what_differs() -> None:
    told = concluded(NO_ROUTE)
    report = closed(concluded(MENDED))
    assert report.incident is not None
    assert replace(report.incident, differences=UNSET) == replace(INCIDENT, occasion="end", ending=END.why)
    assert isinstance(report.incident.differences, tuple)
    assert any(told.causes[0].culprit.id in note.text for note in report.incident.differences)
    assert replace(report, incident=None, causes=()) == replace(told, causes=())
    assert from_json(to_json(report)) == report


def test_a_cause_that_is_ruled_out_now_stands_no_longer_and_has_no_fix() -> None:
    told, report = concluded(NO_ROUTE), closed(concluded(MENDED))
    assert told.causes[0].fixes
    assert report.causes == (replace(told.causes[0], still="no", fixes=()),)


def test_a_cause_that_is_named_again_stands_as_it_is_named() -> None:
    told = concluded(NO_ROUTE)
    assert closed(told).causes == told.causes
    mended = replace(told, causes=(replace(told.causes[0], still="no"),))
    assert closed(mended).causes[0].still == "no"
    culprit = replace(told.causes[0].culprit, id="rtb-other", arn=None)
    other = replace(told, causes=(replace(told.causes[0], culprit=culprit),))
    assert closed(other).causes[0].still == "unknown"


def test_an_image_that_the_service_has_replaced_is_not_said_to_be_broken_still() -> None:
    told = concluded(NO_ROUTE)
    image = replace(told, causes=(replace(told.causes[0], cause="image-not-found", still="yes"),))
    network = replace(told, causes=(replace(told.causes[0], cause="no-route-to-registry", still="yes"),))
    for report, still in ((image, "unknown"), (network, "yes")):
        closed_by = replace(END, replaced=True)
        last = closing(report, INCIDENT, closed_by, before=None, after=None, fresh=report)
        assert last.causes[0].still == still
        assert bool(last.causes[0].fixes) is (still == "yes")
    same = closing(image, INCIDENT, END, before=None, after=None, fresh=image)
    assert same.causes[0].still == "yes", "the task definition that failed is deployed still"


def ruled_out(report: Report, *failures: str) -> Report:
    return replace(report, ruled_out=(Excluded("no-route-to-registry", failures, "it is there"),))


def test_a_cause_that_was_not_looked_at_again_is_unknown() -> None:
    told, bare = concluded(NO_ROUTE), replace(concluded(MENDED), ruled_out=(), not_applicable=())
    for fresh in (None, bare, ruled_out(bare, "other")):
        assert closed(fresh).causes == (replace(told.causes[0], still="unknown"),)
    assert closed(ruled_out(bare, "app", "other")).causes[0].still == "no"
    none = replace(bare, not_applicable=(Excluded("no-route-to-registry", ("app",), "no VPC"),))
    assert closed(none).causes[0].still == "no"


def test_a_later_defect_that_is_mended_lies_no_longer_ahead() -> None:
    told = concluded(NO_ROUTE)
    told = replace(told, causes=(replace(told.causes[0], next=True),))
    assert closed(concluded(MENDED), told).causes[0].next is False
    assert closed(None, told).causes[0].next is True


@pytest.mark.parametrize("side", ["before", "after"])
def test_without_facts_of_both_times_nothing_is_said_to_differ(side: str) -> None:
    incident = closed(None, **{side: None}).incident
    assert incident is not None
    assert incident.differences is UNSET


def test_what_the_report_blames_is_told_first() -> None:
    many = [f"sg-{n:02}" for n in range(20)]
    groups = NAT_VPC.security_groups
    assert isinstance(groups, Known)
    more = tuple(replace(groups.value[0], id=name) for name in many)
    after = replace(MENDED, vpc=replace(NAT_VPC, security_groups=Known((*groups.value, *more))))
    incident = closed(concluded(after), after=after.answers()).incident
    assert incident is not None
    assert isinstance(incident.differences, tuple)
    assert concluded(NO_ROUTE).causes[0].culprit.id in incident.differences[0].text
    assert incident.differences[-1].text == "and 10 more"


def end_of(aws: EmulatedAws, world: World, *, days: int = 0) -> str | None:
    task = read_event(world.event).task
    assert task.failed_at
    assert task.place.account == world.account
    images = frozenset({world.image})
    failed = Failed(task.place, task.cluster, task.service, task.task_definition, images, task.failed_at)
    end = ended(failed, lambda question: ask(reading(aws), question), task.failed_at + timedelta(minutes=5, days=days))
    return end.status if end else None


def test_the_ends_of_an_emulated_service(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing")
    assert end_of(aws, world) is None
    world.add_old_task()
    assert end_of(aws, world) is None, "it has run since before the failure"
    world.deploy()
    assert end_of(aws, world) is None, "no task of the new revision runs"
    world.recover()
    assert end_of(aws, world) == "recovered"
    world.scale_to_zero()
    assert end_of(aws, world) == "withdrawn"
    world.delete_service()
    assert end_of(aws, world) == "withdrawn"


def test_an_emulated_rollback_is_no_recovery(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing")
    world.recover()
    world.deploy()
    world.relaunch()
    assert end_of(aws, world) is None
    world.roll_back()
    assert end_of(aws, world) == "rolled-back"
    assert end_of(aws, world, days=1) == "rolled-back"


def test_another_image_in_an_emulated_service_is_no_recovery(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing")
    world.deploy("public.ecr.aws/nginx/nginx:1.27")
    world.recover()
    assert end_of(aws, world) == "withdrawn"


def test_a_tag_of_an_emulated_service_is_read(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing")
    world.tag("team", "payments")
    world.tag("cost-centre", "1")
    question = q.OneService(world.account, world.region, world.cluster, world.workload)
    fact = ask(Aws(session(aws), registry=OFFLINE, tag_keys=frozenset({"team"})), question)
    assert isinstance(fact, Known)
    assert fact.value is not None
    assert fact.value.tags == (("team", "payments"),)
