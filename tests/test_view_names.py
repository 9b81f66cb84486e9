"""Which resolvers a view finds the VPC's DHCP options to name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import DhcpOptions, VpcDetails
from pull_doctor.view import View
from tests.causes.factory import World

DETAILS = VpcDetails(("10.0.0.0/16", "10.7.0.0/16"), "dopt-1")
UNREAD = Unknown("something", "denied")


def resolvers(details: Fact[VpcDetails | None], sets: Fact[tuple[DhcpOptions, ...]]) -> Fact[tuple[str, ...]]:
    world = World()
    given: dict[Any, Fact[Any]] = {ask.OneVpc: details, ask.DhcpOptionSets: sets}
    answers = Answers({question: given.get(type(question), fact) for question, fact in world.answers()})
    vpc = View(world.task, world.failures[0], answers).vpc
    assert isinstance(vpc, Known)
    return vpc.value.custom_resolvers


@pytest.mark.parametrize(
    ("servers", "custom"),
    [
        (("AmazonProvidedDNS",), ()),
        (("amazonprovideddns", "169.254.169.253"), ()),
        (("10.0.0.2",), ()),
        (("10.7.0.2", "fd00:ec2::253"), ()),
        ((), ()),
        (("10.0.0.53",), ("10.0.0.53",)),
        (("AmazonProvidedDNS", "10.9.0.53", "8.8.8.8"), ("10.9.0.53", "8.8.8.8")),
    ],
)
def test_what_is_not_amazons(servers: tuple[str, ...], custom: tuple[str, ...]) -> None:
    sets = (DhcpOptions("dopt-other", ("10.1.1.1",)), DhcpOptions("dopt-1", servers))
    assert resolvers(Known(DETAILS), Known(sets)) == Known(custom)


def test_a_vpc_without_an_option_set_has_amazons() -> None:
    others = Known((DhcpOptions("dopt-other", ("10.1.1.1",)),))
    assert resolvers(Known(replace(DETAILS, dhcp_options=None)), others) == Known(())


def test_what_is_not_seen_is_not_amazons() -> None:
    assert resolvers(UNREAD, Known(())) == UNREAD
    assert resolvers(Known(DETAILS), UNREAD) == UNREAD
    for details, sets in ((DETAILS, ()), (None, ())):
        found = resolvers(Known(details), Known(sets))
        assert isinstance(found, Unknown)
        assert found.why == "not-visible"
