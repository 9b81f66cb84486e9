"""The goals of the benchmarks hold, and what they measure is what they say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import size, waves
from pull_doctor.facts.fact import Known
from pull_doctor.network.walk import trace
from tests.emulated.aws import EmulatedAws


def test_every_walk_of_the_large_vpc_goes_all_the_way() -> None:
    puller, vpc = size.large(0.25)
    assert [trace(flow, puller, vpc).disposition for flow in size.FLOWS.values()] == ["reached"] * len(size.FLOWS)


def test_the_large_vpc_is_as_large_as_it_says() -> None:
    _, vpc = size.large(1)
    facts = (vpc.route_tables, vpc.security_groups, vpc.endpoints, vpc.network_acls)
    counts = [len(fact.value) for fact in facts if isinstance(fact, Known)]
    assert counts == [200, 1000, 100, 200]
    assert isinstance(vpc.route_tables, Known)
    assert isinstance(vpc.security_groups, Known)
    assert {len(table.routes) for table in vpc.route_tables.value} == {100}
    assert {len(group.ingress) + len(group.egress) for group in vpc.security_groups.value} == {60}


@pytest.mark.slow
def test_a_walk_in_a_very_large_vpc_is_quick_and_grows_about_linearly(measured: Callable[[str], None]) -> None:
    walks = size.measure()
    for line in walks.lines():
        measured(line)
    assert walks.slowest < size.GOAL
    assert walks.growth < 8  # four times the size; a square would be sixteen


@pytest.mark.slow
@pytest.mark.parametrize("world", waves.WORLDS)
def test_a_diagnosis_waits_for_two_answers_one_after_the_other_and_on_ec2_for_three(
    aws: EmulatedAws, world: str, measured: Callable[[str], None]
) -> None:
    first, later = waves.measure(aws, world)
    measured(first.line)
    measured(later.line)
    assert first.waves == later.waves == waves.WORLDS[world]
    assert later.good
