"""Laws of whole walks over VPCs that are broken in several ways at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import AclEntry, Route
from pull_doctor.network.flows import Flow
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Vpc
from tests.network.factory import (
    API,
    DKR,
    ENDPOINT_VPC,
    EVERYTHING,
    HUB,
    NAT_VPC,
    PUBLIC_VPC,
    PULLER,
    S3,
    TO_GATEWAY,
    TO_IGW,
    TO_NAT,
    WITH_PUBLIC_IP,
    change,
    drop,
    entry,
    having,
    https_from,
    interface_endpoint,
    routes,
    walked,
)

Change = Callable[[Vpc], Vpc]

BASES = {"nat": NAT_VPC, "endpoints": replace(ENDPOINT_VPC, nat_gateways=NAT_VPC.nat_gateways), "public": PUBLIC_VPC}


def _where(condition: Callable[[Vpc], bool], then: Change) -> Change:
    return lambda vpc: then(vpc) if condition(vpc) else vpc


def _has(fact: str, which: str) -> Callable[[Vpc], bool]:
    return lambda vpc: any(one.id == which for one in getattr(vpc, fact).value)


CHANGES: dict[str, Change] = {
    "no default": routes,
    "by nat": lambda vpc: routes(vpc, TO_NAT),
    "by nat and gateway": lambda vpc: routes(vpc, TO_NAT, TO_GATEWAY),
    "by igw and gateway": lambda vpc: routes(vpc, TO_IGW, TO_GATEWAY),
    "opaque": lambda vpc: routes(vpc, Route("0.0.0.0/0", "tgw-1", "active")),
    "half": lambda vpc: routes(vpc, Route("0.0.0.0/1", "nat-1", "active")),
    "blackhole": lambda vpc: routes(vpc, replace(TO_NAT, state="blackhole")),
    "main table": lambda vpc: (
        drop(vpc, "route_tables", "rtb-private") if _has("route_tables", "rtb-private")(vpc) else vpc
    ),
    "nat failed": lambda vpc: change(vpc, "nat_gateways", "nat-1", state="failed"),
    "nat private": lambda vpc: change(vpc, "nat_gateways", "nat-1", private=True),
    "nat without way out": lambda vpc: routes(vpc, table="rtb-public"),
    "igw detached": lambda vpc: replace(vpc, internet_gateways=Known(())),
    "acl closed": lambda vpc: change(vpc, "network_acls", "acl-task", entries=()),
    "acl partly": lambda vpc: change(
        vpc, "network_acls", "acl-task", entries=(entry(1, egress=True, allow=True, cidr="52.0.0.0/8"),)
    ),
    "endpoint acl closed": lambda vpc: change(vpc, "network_acls", "acl-endpoint", entries=()),
    "public acl closed": lambda vpc: change(vpc, "network_acls", "acl-public", entries=()),
    "no egress": lambda vpc: change(vpc, "security_groups", "sg-task", egress=()),
    "egress inside": lambda vpc: change(vpc, "security_groups", "sg-task", egress=(https_from("10.0.0.0/16"),)),
    "no ingress": lambda vpc: change(vpc, "security_groups", "sg-endpoint", ingress=()),
    "dns off": lambda vpc: replace(vpc, dns_support=Known(value=False)),
    "other resolvers": lambda vpc: replace(vpc, custom_resolvers=Known(("10.9.0.53",))),
    "hostnames off": lambda vpc: replace(vpc, dns_hostnames=Known(value=False)),
    "no api": _where(_has("endpoints", "vpce-api"), lambda vpc: drop(vpc, "endpoints", "vpce-api")),
    "dkr private dns off": _where(
        _has("endpoints", "vpce-dkr"), lambda vpc: change(vpc, "endpoints", "vpce-dkr", private_dns=False)
    ),
    "dkr pending": _where(
        _has("endpoints", "vpce-dkr"), lambda vpc: change(vpc, "endpoints", "vpce-dkr", state="pending")
    ),
    "dkr without interface": _where(
        _has("endpoints", "vpce-dkr"), lambda vpc: change(vpc, "endpoints", "vpce-dkr", subnets=(), interfaces=())
    ),
    "s3 gateway elsewhere": _where(
        _has("endpoints", "vpce-s3"),
        lambda vpc: routes(change(vpc, "endpoints", "vpce-s3", route_tables=("rtb-public",))),
    ),
    "s3 interface": lambda vpc: (
        replace(
            vpc,
            endpoints=Known(
                (*(one for one in vpc.endpoints.value if one.id != "vpce-s3"), interface_endpoint("s3", 13))
            ),
        )
        if isinstance(vpc.endpoints, Known)
        else vpc
    ),
}
FACTS = [name for name in Vpc.__dataclass_fields__ if name not in ("id", "prefix_lists")]


@st.composite
def vpcs(draw: st.DrawFn) -> Vpc:
    vpc = BASES[draw(st.sampled_from(sorted(BASES)))]
    for name in draw(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3, unique=True)):
        # A change may take away what a later one would edit.
        vpc = CHANGES[name](vpc) if name == "main table" or _has("route_tables", "rtb-private")(vpc) else vpc
    return vpc


PULLERS = st.sampled_from([PULLER, WITH_PUBLIC_IP, replace(PULLER, private_ip=None)])
FLOWS = st.builds(
    lambda flow, address: replace(flow, address=address),
    st.sampled_from([API, DKR, S3, HUB]),
    st.sampled_from([None, "52.1.2.3", "52.218.1.2", "10.0.2.99", "10.9.0.1"]),
) | st.just(replace(DKR, address="10.0.2.12"))


def standing(trace: Trace) -> int:
    return {"reached": 2, "undetermined": 1}.get(trace.disposition, 0)


def causes(trace: Trace) -> set[str | None]:
    return {hop.cause for hop in trace.hops if hop.cause}


@given(vpcs(), FLOWS, PULLERS, st.sets(st.sampled_from(FACTS), min_size=1))
def test_an_unknown_fact_never_makes_a_cause(vpc: Vpc, flow: Flow, puller: object, hidden: set[str]) -> None:
    unread = Unknown("something", "denied")
    known = walked(vpc, flow, puller)  # type: ignore[arg-type] # sampled_from loses the type
    masked = walked(having(vpc, **dict.fromkeys(hidden, unread)), flow, puller)  # type: ignore[arg-type] # the same
    assert causes(masked) <= causes(known)
    assert standing(masked) <= max(standing(known), 1)


PERMISSIVE: dict[str, Change] = {
    "acls": lambda vpc: (
        replace(
            vpc,
            network_acls=Known(
                tuple(
                    replace(
                        acl,
                        entries=(
                            AclEntry(0, True, True, "-1", "0.0.0.0/0"),  # noqa: FBT003 - egress, allow
                            AclEntry(0, False, True, "-1", "0.0.0.0/0"),  # noqa: FBT003 - the same
                            *acl.entries,
                        ),
                    )
                    for acl in vpc.network_acls.value
                )
            ),
        )
        if isinstance(vpc.network_acls, Known)
        else vpc
    ),
    "egress": lambda vpc: _more_rules(vpc, "sg-task", "egress"),
    "ingress": lambda vpc: _more_rules(vpc, "sg-endpoint", "ingress"),
    "default route": _where(
        _has("route_tables", "rtb-private"),
        lambda vpc: change(vpc, "route_tables", "rtb-private", routes=_with_default(vpc)),
    ),
}


def _more_rules(vpc: Vpc, group: str, way: str) -> Vpc:
    assert isinstance(vpc.security_groups, Known)
    rules = next(getattr(one, way) for one in vpc.security_groups.value if one.id == group)
    return change(vpc, "security_groups", group, **{way: (*rules, EVERYTHING)})


def _with_default(vpc: Vpc) -> tuple[Route, ...]:
    assert isinstance(vpc.route_tables, Known)
    known = next(one.routes for one in vpc.route_tables.value if one.id == "rtb-private")
    return known if any(one.destination == "0.0.0.0/0" for one in known) else (*known, TO_NAT)


@given(vpcs(), FLOWS, PULLERS, st.sampled_from(sorted(PERMISSIVE)))
def test_what_permits_more_never_breaks_a_path(vpc: Vpc, flow: Flow, puller: object, what: str) -> None:
    before = walked(vpc, flow, puller)  # type: ignore[arg-type] # sampled_from loses the type
    after = walked(PERMISSIVE[what](vpc), flow, puller)  # type: ignore[arg-type] # the same
    if what == "default route":
        # Where another route takes a part of the addresses already, a second target leaves the whole open.
        assert not (before.disposition == "reached" and after.disposition != "reached")
    else:
        assert standing(after) >= standing(before)
        assert causes(after) <= causes(before)


@given(vpcs(), FLOWS, PULLERS)
def test_every_hop_says_what_it_knows(vpc: Vpc, flow: Flow, puller: object) -> None:
    trace = walked(vpc, flow, puller)  # type: ignore[arg-type] # sampled_from loses the type
    for hop in trace.hops:
        assert hop.why
        assert (hop.verdict == "fail") == (hop.cause is not None)
        assert (hop.verdict == "unknown") == (hop.missing is not None)
    first = next((hop.cause for hop in trace.hops if hop.cause), None)
    assert trace.disposition == (first or ("undetermined" if any(hop.missing for hop in trace.hops) else "reached"))


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_every_change_changes_some_walk(name: str) -> None:
    walks = [
        (walked(base, flow, puller), walked(CHANGES[name](base), flow, puller))
        for base in BASES.values()
        for flow in (API, DKR, S3, HUB)
        for puller in (PULLER, WITH_PUBLIC_IP)
    ]
    assert any(before.hops != after.hops for before, after in walks)
