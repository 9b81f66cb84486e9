"""A service of CodeDeploy or of an external controller: its task sets start the tasks, and UpdateService cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand, Problem
from pull_doctor.causes.shared.network.paths import primary, starts_with
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Deployment, EcrLookup, Service
from tests.causes.factory import DEPLOYMENT, FOUND, NOT_FOUND, SERVICE, TASK, World, failure, outcome
from tests.causes.helpers import problem
from tests.causes.test_neighbours import beside
from tests.network.factory import ENDPOINT_VPC, NAT_VPC, PUBLIC_VPC, TO_NAT, change, routes

GREEN = replace(DEPLOYMENT, status="ACTIVE")
"""The set of the failed task, which CodeDeploy tries."""
BLUE = Deployment("ecs-svc/0", "PRIMARY", ("subnet-blue",), ("sg-blue",), assign_public_ip=True)


def of_sets(*sets: Deployment) -> Service:
    return Service((), task_sets=sets)


def operations(found: Problem) -> set[str]:
    return {one.operation for fix in found.fixes for one in fix.commands if isinstance(one, AwsCommand)}


def test_new_tasks_start_with_the_failed_ones_own_set_or_the_only_other_one() -> None:
    assert starts_with(TASK, Known(of_sets(BLUE, GREEN))) == GREEN
    assert starts_with(TASK, Known(of_sets(BLUE, replace(GREEN, status="DRAINING")))) == BLUE
    assert starts_with(TASK, Known(of_sets(BLUE))) == BLUE
    assert starts_with(TASK, Known(of_sets(BLUE, replace(GREEN, id="ecs-svc/2")))) is None
    assert starts_with(TASK, Known(SERVICE)) == DEPLOYMENT
    assert starts_with(TASK, Known(None)) is None
    assert starts_with(TASK, Unknown("service web", "denied")) is None


def test_what_has_task_sets_has_nothing_that_an_update_replaces() -> None:
    assert primary(Known(of_sets(replace(DEPLOYMENT, status="PRIMARY")))) is None
    assert primary(Known(replace(SERVICE, task_sets=(BLUE,)))) is None
    assert primary(Known(SERVICE)) == DEPLOYMENT


@pytest.mark.parametrize(
    ("sets", "still"),
    [
        ((BLUE, GREEN), "yes"),
        ((BLUE,), "no"),
        ((BLUE, replace(GREEN, id="ecs-svc/2")), "unknown"),
        ((replace(BLUE, subnets=("subnet-task",)),), "yes"),
        ((), "unknown"),
    ],
)
def test_the_defect_stands_as_long_as_the_set_of_the_failed_task(sets: tuple[Deployment, ...], still: str) -> None:
    assert problem(outcome("no-route-to-registry", World(vpc=routes(NAT_VPC), service=of_sets(*sets)))).still == still


def test_a_set_that_gives_public_addresses_mends_only_its_own_tasks() -> None:
    world = World(vpc=PUBLIC_VPC, interface=None, service=of_sets(replace(BLUE, subnets=("subnet-task",)), GREEN))
    found = problem(outcome("no-public-ip", world))
    assert (found.still, operations(found)) == ("yes", set())
    assert found.fixes


def test_the_other_subnets_are_those_of_the_task_set() -> None:
    world = beside(routes(NAT_VPC), good=(TO_NAT,))
    assert world.service
    (deployment,) = world.service.deployments
    rolling = problem(outcome("no-route-to-registry", world))
    by_sets = problem(outcome("no-route-to-registry", replace(world, service=of_sets(deployment))))
    assert "the path works from subnet-good" in by_sets.explanation
    assert "UpdateService" in operations(rolling)
    assert operations(by_sets) == operations(rolling) - {"UpdateService"}


def test_the_group_to_let_in_is_the_task_sets() -> None:
    closed = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=())
    newest = replace(BLUE, subnets=("subnet-task",))
    found = problem(outcome("endpoint-security-group-blocks", World(vpc=closed, service=of_sets(newest))))
    assert "let sg-blue in" in found.fixes[0].text


def test_no_new_deployment_is_forced_on_task_sets() -> None:
    told = replace(NOT_FOUND, digest="sha256:" + "f" * 64)
    gone = {"ecr_pinned": Known(EcrLookup("image")), "ecr_tag": Known(FOUND)}
    world = World(failures=(failure(told),))
    assert "UpdateService" in operations(problem(outcome("pinned-digest-deleted", world, **gone)))
    by_sets = replace(world, service=of_sets(replace(DEPLOYMENT, status="PRIMARY")))
    found = problem(outcome("pinned-digest-deleted", by_sets, **gone))
    assert operations(found) == set()
    assert found.fixes[0].applicability == "your-call"
