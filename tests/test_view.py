"""What one failure's view makes of the answers: whose values it takes, and what it does not claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NetworkInterface, PrefixList, Route
from pull_doctor.intake.task import Attachment
from pull_doctor.network.filters import LINUX_REPLY_PORTS, WINDOWS_REPLY_PORTS
from pull_doctor.network.vpc import Puller
from pull_doctor.view import View
from tests.causes.factory import DEPLOYMENT, HUB_IMAGE, INTERFACE, ROLE, SERVICE, TASK, TIMEOUT, World, failure, sibling
from tests.network.factory import ACCOUNT, NAT_VPC, REGION, routes

LIVE = replace(INTERFACE, groups=("sg-live",), private_ip="10.0.1.77", public_ip="203.0.113.9")


def known(fact: Any) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def unknown(fact: Any) -> Unknown:
    assert isinstance(fact, Unknown), fact
    return fact


def puller(world: World) -> Puller:
    found = known(world.view().puller)
    assert isinstance(found, Puller)
    return found


def view_without(world: World, kind: type[ask.Question[Any]]) -> View:
    answers = {
        question: Unknown(question.fact, "denied", "x:Y") if isinstance(question, kind) else fact
        for question, fact in world.answers()
    }
    return View(world.task, world.failures[0], Answers(answers))


def test_nothing_is_known_before_it_was_asked() -> None:
    view = View(TASK, failure(), Answers())
    assert unknown(view.role).why == "timed-out"
    assert unknown(view.traces).why == "timed-out"
    assert view.open_questions


def test_the_live_interface_goes_before_the_deployment() -> None:
    found = puller(World(interface=LIVE))
    assert (known(found.groups), found.public_ip, known(found.has_public_ip)) == (("sg-live",), "203.0.113.9", True)
    assert found.private_ip == "10.0.1.10"
    early = replace(TASK, attachment=Attachment("subnet-task", "eni-task"))
    assert puller(World(interface=LIVE, task=early)).private_ip == "10.0.1.77"


def test_a_deleted_interface_leaves_the_deployment_that_started_the_task() -> None:
    others = (replace(DEPLOYMENT, id="ecs-svc/2", groups=("sg-today",), assign_public_ip=True), DEPLOYMENT)
    found = puller(World(interface=None, service=replace(SERVICE, deployments=others)))
    assert (known(found.groups), known(found.has_public_ip)) == (("sg-task",), False)


def test_todays_deployment_is_not_taken_for_the_one_that_started_the_task() -> None:
    today = replace(DEPLOYMENT, id="ecs-svc/2")
    found = puller(World(interface=None, service=replace(SERVICE, deployments=(today,))))
    for fact in (found.groups, found.has_public_ip):
        assert unknown(fact).why == "not-visible"
        assert "eni-task is deleted" in str(unknown(fact).detail)


def test_an_interface_that_lost_its_address_does_not_contradict_the_deployment() -> None:
    service = replace(SERVICE, deployments=(replace(DEPLOYMENT, assign_public_ip=True),))
    assert known(puller(World(service=service)).has_public_ip) is True


def test_an_interface_without_an_address_tells_only_beside_a_service_that_was_read() -> None:
    found = known(view_without(World(), ask.OneService).puller)
    assert unknown(found.has_public_ip).why == "denied"
    assert known(found.groups) == ("sg-task",)
    alone = World(service=None, task=replace(TASK, service=None, started_by=None))
    assert known(puller(alone).has_public_ip) is False


def test_a_refused_interface_leaves_the_deployment() -> None:
    found = known(view_without(World(), ask.OneInterface).puller)
    assert (known(found.groups), known(found.has_public_ip)) == (("sg-task",), False)


@pytest.mark.parametrize(
    ("family", "ports"),
    [("Linux", LINUX_REPLY_PORTS), ("WINDOWS_SERVER_2022_CORE", WINDOWS_REPLY_PORTS), (None, LINUX_REPLY_PORTS)],
)
def test_the_reply_ports_of_the_operating_system(family: str | None, ports: tuple[int, int]) -> None:
    assert puller(World(task=replace(TASK, platform_family=family))).reply_ports == ports


def test_a_shared_subnet_hides_what_only_its_owner_sees() -> None:
    vpc = known(World(owner="999988887777").view().vpc)
    for fact in (vpc.endpoints, vpc.nat_gateways, vpc.internet_gateways):
        assert unknown(fact).why == "not-visible"
        assert "999988887777" in str(unknown(fact).detail)
    assert isinstance(vpc.route_tables, Known)


def test_the_task_runs_without_an_attachment() -> None:
    view = World(task=replace(TASK, attachment=None)).view()
    assert unknown(view.subnet).why == "not-visible"
    assert unknown(view.puller) == unknown(view.vpc) == unknown(view.traces) == unknown(view.subnet)


def test_a_shared_subnet_hides_its_owners_rules_for_names_only_where_they_matter() -> None:
    shared = World(owner="999988887777")
    vpc = known(shared.view().vpc)
    hidden = (vpc.egress_only_gateways, vpc.block_public_access, vpc.resolver_rules, vpc.dns_firewall)
    assert {unknown(fact).why for fact in hidden} == {"not-visible"}
    timeout = known(replace(shared, failures=(failure(TIMEOUT),)).view().vpc)
    assert timeout.resolver_rules is timeout.dns_firewall is None


def test_a_fargate_capacity_provider_is_fargate() -> None:
    spot = replace(TASK, launch_type=None, capacity_provider="FARGATE_SPOT")
    assert isinstance(World(task=spot).view().traces, Known)


def test_only_fargate_has_a_platform_version() -> None:
    untold = replace(TASK, launch_type=None)
    assert untold.on_fargate
    assert not replace(untold, platform_version=None).on_fargate
    assert not replace(untold, launch_type="EC2").on_fargate


def test_the_role_that_the_task_overrides() -> None:
    world = World(task=replace(TASK, execution_role_override=f"{ROLE}-2"))
    assert known(world.view().role) == f"{ROLE}-2"
    assert known(World(execution_role=None).view().role) is None


def test_the_traces_are_the_pulls() -> None:
    assert [one.phase for one in known(World().view().traces)] == ["sign-in", "resolve", "download"]
    old = World(task=replace(TASK, platform_version="1.3.0"))
    assert [one.phase for one in known(old.view().traces)] == ["resolve", "download"]
    hub = World(failures=(failure(image=HUB_IMAGE),))
    assert {one.host for one in known(hub.view().traces)} >= {"registry-1.docker.io", "auth.docker.io"}


@pytest.mark.parametrize("version", ["1.4.0", "LATEST", None, "1.10.0", "1.0.0"])
def test_which_platform_versions_sign_in_by_the_task(version: str | None) -> None:
    family = "WINDOWS_SERVER_2022_FULL" if version == "1.0.0" else "Linux"
    world = World(task=replace(TASK, platform_version=version, platform_family=family))
    assert known(world.view().traces)[0].phase == "sign-in"


def test_a_deleted_task_definition_is_not_an_absent_role() -> None:
    world = World()
    answers = {q: Known(None) if isinstance(q, ask.OneTaskDefinition) else fact for q, fact in world.answers()}
    view = View(world.task, world.failures[0], Answers(answers))
    assert unknown(view.role).why == "not-visible"
    assert unknown(view.container).why == "not-visible"


def test_a_container_that_the_task_definition_does_not_have() -> None:
    view = View(TASK, failure(container="aws-guardduty-agent", image=None), World().answers())
    assert known(view.container) is None
    assert unknown(view.image).why == "not-visible"


def test_many_siblings_are_described_in_the_portions_that_ecs_takes() -> None:
    world = World(siblings=tuple(sibling(f"t{number}") for number in range(150)))
    asked = [question for wave in world.waves() for question in wave if isinstance(question, ask.Siblings)]
    assert [len(question.tasks) for question in asked] == [100, 50]


def test_another_failures_answers_are_not_taken() -> None:
    two = World(failures=(failure(), failure(image=HUB_IMAGE, container="proxy")))
    ecr, hub = two.views()
    assert isinstance(ecr.ecr_image, Known)
    assert unknown(hub.ecr_image).why == "not-modelled"
    assert unknown(hub.sign_in_rights).why == "prerequisite"


def test_the_vpcs_facts_are_those_that_were_read() -> None:
    listed = Known(PrefixList("pl-own", "everywhere", ("0.0.0.0/0",)))
    routed = routes(NAT_VPC, Route("pl-own", "nat-1", "active"))
    vpc = known(World(vpc=replace(routed, prefix_lists={"pl-own": listed})).view().vpc)
    assert vpc.prefix_lists == {"pl-own": listed}
    assert (vpc.cidrs, vpc.block_public_access) == (NAT_VPC.cidrs, NAT_VPC.block_public_access)
    assert known(World(vpc=NAT_VPC).view().vpc).prefix_lists == {}


def test_what_the_interface_is() -> None:
    assert known(World().view().interface) == NetworkInterface(
        "eni-task", "subnet-task", ("sg-task",), "10.0.1.10", None
    )
    assert ask.OneInterface(ACCOUNT, REGION, "eni-task") in World().answers().facts
