"""Who pulls, from where, and with which role, by launch type and by what still tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import Problem
from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Deployment
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Earlier
from pull_doctor.network.filters import LINUX_REPLY_PORTS, WINDOWS_REPLY_PORTS
from pull_doctor.network.vpc import Puller
from pull_doctor.view import View
from pull_doctor.view.puller import seen_of
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    DEPLOYMENT,
    EC2_TASK,
    INSTANCE,
    INTERFACE,
    PROFILE,
    ROLE,
    SERVICE,
    TASK,
    World,
    failure,
    outcome,
)
from tests.network.factory import PUBLIC_VPC, SUBNET

EC2 = World(task=EC2_TASK)
REVISION = Deployment("ecs-svc/1", "INACTIVE", ("subnet-task",), ("sg-then",), assign_public_ip=True)


def puller(world: World) -> Puller:
    found = world.view().puller
    assert isinstance(found, Known), found
    return found.value


def unknown(fact: Any) -> Unknown:
    assert isinstance(fact, Unknown), fact
    return fact


def known(fact: Any) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def in_subnet(world: World, **members: Any) -> Puller:
    """The puller if the subnet of the task's interface had other members."""
    subnet = Known(replace(SUBNET, **members))
    answers = {question: subnet if isinstance(question, ask.OneSubnet) else fact for question, fact in world.answers()}
    found = View(world.task, world.failures[0], Answers(answers)).puller
    assert isinstance(found, Known)
    return found.value


@pytest.mark.parametrize("attachment", [EC2_TASK.attachment, None])
def test_on_ec2_the_instance_pulls_by_its_primary_interface_in_every_network_mode(attachment: Any) -> None:
    found = puller(replace(EC2, task=replace(EC2_TASK, attachment=attachment)))
    assert (found.kind, found.instance, found.interface) == ("instance", "i-1", "eni-host")
    assert (found.subnet.id, known(found.groups), found.private_ip) == ("subnet-task", ("sg-task",), "10.0.1.20")
    assert found.named == "instance i-1"
    assert known(found.has_public_ip) is False


def test_the_instances_own_addresses_count() -> None:
    public = replace(INSTANCE, public_ip="203.0.113.9", ipv6=("2001:db8::9",))
    found = puller(replace(EC2, instance=public))
    assert (known(found.has_public_ip), found.public_ip, known(found.ipv6)) == (True, "203.0.113.9", ("2001:db8::9",))


def test_a_managed_instance_pulls_as_one_of_the_customers() -> None:
    assert puller(replace(EC2, task=replace(EC2_TASK, launch_type="MANAGED_INSTANCES"))).instance == "i-1"


def test_the_paths_are_walked_from_the_instance() -> None:
    traces = known(EC2.view().traces)
    assert [trace.phase for trace in traces] == ["sign-in", "resolve", "download"]
    assert {trace.disposition for trace in traces} == {"reached"}


def test_a_pull_through_a_proxy_does_not_go_by_these_paths() -> None:
    proxied = replace(EC2, failures=(failure(Symptom("resolve", "proxy-failure")),))
    assert unknown(proxied.view().traces).why == "not-visible"


@pytest.mark.parametrize(
    ("world", "told"),
    [
        (replace(EC2, container_instance=None), CONTAINER_INSTANCE.arn),
        (replace(EC2, container_instance=replace(CONTAINER_INSTANCE, instance=None)), CONTAINER_INSTANCE.arn),
        (replace(EC2, container_instance=replace(CONTAINER_INSTANCE, instance="mi-1")), "mi-1"),
        (replace(EC2, instance=None), "i-1"),
        (replace(EC2, instance=replace(INSTANCE, state="terminated", vpc=None, subnet=None)), "terminated"),
        (replace(EC2, instance=replace(INSTANCE, subnet="subnet-elsewhere")), "subnet-elsewhere"),
        (replace(EC2, task=replace(EC2_TASK, container_instance=None)), "the event names none"),
    ],
)
def test_an_instance_that_does_not_show_leaves_the_network_unknown(world: World, told: str) -> None:
    view = world.view()
    for fact in (view.puller, view.traces):
        missing = unknown(fact)
        assert missing.why == "not-visible"
        assert told in f"{missing.fact} {missing.resource} {missing.detail}"


def test_a_stopped_instance_has_given_its_address_back() -> None:
    stopped = puller(replace(EC2, instance=replace(INSTANCE, state="stopped")))
    assert "stopped" in str(unknown(stopped.has_public_ip).detail)
    elastic = replace(INSTANCE, state="stopped", public_ip="203.0.113.9")
    assert known(puller(replace(EC2, instance=elastic)).has_public_ip) is True


def test_outside_aws_no_network_is_visible() -> None:
    view = replace(EC2, task=replace(EC2_TASK, launch_type="EXTERNAL")).view()
    for fact in (view.puller, view.subnet, view.vpc, view.traces):
        assert unknown(fact).why == "not-visible"
        assert unknown(fact).resource == EC2_TASK.container_instance
    assert any(host.startswith("prod-") for host in view.hosts)


def test_the_execution_role_pulls_where_there_is_one_and_else_the_instances() -> None:
    assert known(EC2.view().role) == ROLE
    alone = replace(EC2, execution_role=None)
    assert known(alone.view().role) == PROFILE.role
    assert known(alone.view().execution_role) is None
    assert known(puller(alone).role) == PROFILE.role
    for launch_type in ("MANAGED_INSTANCES", "EXTERNAL"):
        assert known(replace(alone, task=replace(EC2_TASK, launch_type=launch_type)).view().role) is None


@pytest.mark.parametrize(
    "without",
    [{"instance": replace(INSTANCE, profile=None)}, {"profile": None}, {"profile": replace(PROFILE, role=None)}],
)
def test_a_running_instance_without_a_profile_or_a_role_in_it_has_none(without: dict[str, Any]) -> None:
    assert known(replace(EC2, execution_role=None, **without).view().role) is None


@pytest.mark.parametrize(
    "without",
    [{"container_instance": None}, {"instance": replace(INSTANCE, profile=None, state="terminated")}],
)
def test_an_instance_whose_role_does_not_show_is_not_one_without_rights(without: dict[str, Any]) -> None:
    assert unknown(replace(EC2, execution_role=None, **without).view().role).why == "not-visible"


def test_the_instances_profile_is_asked_for_only_where_its_role_pulls() -> None:
    alone = replace(EC2, execution_role=None)
    assert known(alone.view().pulling_profile) == PROFILE
    assert known(alone.view().pulling_instance) == INSTANCE
    for other in (EC2, World(), replace(alone, task=replace(EC2_TASK, launch_type="EXTERNAL"))):
        assert unknown(other.view().pulling_profile).why == unknown(other.view().pulling_instance).why == "prerequisite"


def test_secrets_are_the_execution_roles_and_never_the_instances() -> None:
    view = replace(EC2, execution_role=None).view()
    assert unknown(view.may(view.execution_role, ("secretsmanager:GetSecretValue",), "arn")).why == "prerequisite"


@pytest.mark.parametrize(
    ("os_type", "ports"), [("linux", LINUX_REPLY_PORTS), ("windows", WINDOWS_REPLY_PORTS), (None, LINUX_REPLY_PORTS)]
)
def test_the_reply_ports_are_those_of_the_instances_system(os_type: str | None, ports: tuple[int, int]) -> None:
    attributes = (("ecs.os-type", os_type),) if os_type else ()
    world = replace(EC2, container_instance=replace(CONTAINER_INSTANCE, attributes=attributes))
    assert puller(world).reply_ports == ports


def test_a_task_set_tells_as_a_deployment_does() -> None:
    sets = replace(SERVICE, deployments=(), task_sets=(DEPLOYMENT,))
    found = puller(World(interface=None, service=sets))
    assert (known(found.groups), known(found.has_public_ip)) == (("sg-task",), False)


def test_the_service_revision_of_a_deployment_that_is_gone() -> None:
    today = replace(SERVICE, deployments=(replace(DEPLOYMENT, id="ecs-svc/2"),))
    found = puller(World(interface=None, service=today, revision=REVISION))
    assert (known(found.groups), known(found.has_public_ip)) == (("sg-then",), True)
    assert known(World(service=today, revision=REVISION).view().deployment) == REVISION


EARLIER = Earlier("arn:earlier", "ecs-svc/1", ("sg-seen",), public_ip=True)
UNREAD = Unknown("service web", "denied", "ecs:DescribeServices")


def told_later(earlier: Earlier | None, **members: Any) -> World:
    """The interface and the service are gone, and the incident keeps this of an earlier task."""
    gone: dict[str, Any] = {"interface": None, "service": None}
    return World(**(gone | members), task=replace(TASK, earlier=earlier))


def unread(world: World, *kinds: type[ask.Question[Any]]) -> View:
    """The view in which the questions of these kinds were refused."""
    answers = {question: UNREAD if isinstance(question, kinds) else fact for question, fact in world.answers()}
    return View(world.task, world.failures[0], Answers(answers))


def test_what_neither_interface_nor_deployment_tells_an_earlier_task_does() -> None:
    assert unknown(puller(told_later(None)).groups).why == "not-visible"
    found = puller(told_later(EARLIER))
    assert (known(found.groups), known(found.has_public_ip)) == (("sg-seen",), True)
    assert known(told_later(EARLIER).view().traces)
    refused = known(unread(told_later(EARLIER), ask.OneService, ask.OneInterface).puller)
    assert (known(refused.groups), known(refused.has_public_ip)) == (("sg-seen",), True)


def test_an_earlier_task_of_another_deployment_tells_nothing() -> None:
    other = told_later(replace(EARLIER, started_by="ecs-svc/0"))
    assert unknown(puller(other).groups).why == "not-visible"
    assert other.view().told_by_earlier is None
    assert unknown(known(unread(other, ask.OneService).puller).groups) == UNREAD


def test_what_the_earlier_task_did_not_show_stays_unknown() -> None:
    half = puller(told_later(replace(EARLIER, public_ip=None)))
    assert known(half.groups) == ("sg-seen",)
    assert unknown(half.has_public_ip).why == "not-visible"
    other_half = puller(told_later(replace(EARLIER, groups=())))
    assert (unknown(other_half.groups).why, known(other_half.has_public_ip)) == ("not-visible", True)


def test_an_address_that_is_not_seen_while_the_deployment_is_unread_may_be_taken_away_already() -> None:
    seen = told_later(replace(EARLIER, public_ip=None), interface=INTERFACE)
    assert unknown(known(unread(seen, ask.OneService).puller).has_public_ip) == UNREAD
    given = told_later(EARLIER, interface=INTERFACE)
    assert known(puller(given).has_public_ip) is True


def test_what_can_be_read_counts_before_what_an_earlier_task_showed() -> None:
    found = puller(told_later(EARLIER, interface=INTERFACE, service=SERVICE))
    assert (known(found.groups), known(found.has_public_ip)) == (("sg-task",), False)
    assert told_later(EARLIER, service=SERVICE).view().told_by_earlier is None
    today = replace(SERVICE, deployments=(replace(DEPLOYMENT, id="ecs-svc/2"),))
    by_revision = puller(told_later(EARLIER, service=today, revision=REVISION))
    assert known(by_revision.groups) == ("sg-then",)


def test_a_deployment_without_groups_of_its_own_is_completed() -> None:
    default = replace(SERVICE, deployments=(replace(DEPLOYMENT, groups=()),))
    found = puller(told_later(EARLIER, service=default))
    assert (known(found.groups), known(found.has_public_ip)) == (("sg-seen",), False)


def test_the_address_that_an_earlier_task_was_known_not_to_get() -> None:
    world = told_later(replace(EARLIER, public_ip=False), vpc=PUBLIC_VPC)
    found = outcome("no-public-ip", world)
    assert isinstance(found, Problem)
    assert (found.culprit.id, found.still, found.inferred) == ("prod/web", "unknown", ())


@pytest.mark.parametrize(
    ("world", "told"),
    [
        (World(), Earlier(TASK.arn or "", "ecs-svc/1", ("sg-task",), public_ip=False)),
        (World(interface=None), Earlier(TASK.arn or "", "ecs-svc/1", ("sg-task",), public_ip=False)),
        (World(service=None), Earlier(TASK.arn or "", "ecs-svc/1", ("sg-task",), public_ip=None)),
        (
            World(service=None, interface=replace(INTERFACE, public_ip="203.0.113.9")),
            Earlier(TASK.arn or "", "ecs-svc/1", ("sg-task",), public_ip=True),
        ),
        (World(service=None, interface=None), None),
        (World(service=None, interface=None, task=replace(TASK, earlier=EARLIER)), None),
        (World(task=replace(TASK, started_by=None)), None),
        (World(task=replace(TASK, service=None)), None),
        (World(task=EC2_TASK), None),
    ],
)
def test_what_a_task_tells_later_ones_is_only_what_was_read_of_itself(world: World, told: Earlier | None) -> None:
    assert seen_of(world.intake, world.answers()) == told


def test_ipv6_addresses_are_the_live_interfaces() -> None:
    live = replace(INTERFACE, ipv6=("2001:db8::1",))
    assert known(puller(World(interface=live)).ipv6) == ("2001:db8::1",)
    assert known(puller(World(interface=None)).ipv6) == ()
    gone = in_subnet(World(interface=None), ipv6_cidr="2001:db8::/64")
    assert unknown(gone.ipv6).why == "not-visible"


def test_a_subnet_without_ipv4_has_a_puller_too() -> None:
    assert in_subnet(World(), cidr=None, ipv6_cidr="2001:db8::/64").subnet.cidr is None


def test_what_a_sentence_calls_the_puller() -> None:
    assert puller(World()).named == "eni-task"
    early = replace(TASK, attachment=replace(TASK.attachment or pytest.fail("no attachment"), interface=None))
    assert puller(World(task=early)).named == "the task's interface in subnet-task"
