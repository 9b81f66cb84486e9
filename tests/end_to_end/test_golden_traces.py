"""The paths of one world for each kind of way and break, held hop by hop: flow, disposition, resources in order.

Ids are replaced by what they are. ``pytest --bless`` writes what the code says into ``tests/golden/traces``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pull_doctor.facts.fact import Fact, Known
from pull_doctor.intake.event import read_event
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.pipeline import read
from pull_doctor.view import View
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import reading
from tests.worlds import World, build
from tests.worlds.harmless import HARMLESS, build_harmless
from tests.worlds.opaque import OPAQUE, build_opaque

DEFECTS = (
    "route-removed",
    "half-of-the-internet",
    "docker-hub-behind-endpoints",
    "blackhole-route",
    "no-public-ip",
    "internet-gateway-detached",
    "nat-failed",
    "nat-without-way-out",
    "egress-to-endpoints-only",
    "acl-with-an-early-deny",
    "acl-of-the-endpoints-subnet",
    "ecr-api-endpoint-missing",
    "s3-endpoint-removed",
    "private-dns-off",
    "endpoint-group-closed",
    "dkr-endpoint-policy",
    "other-resolver-past-the-endpoint",
    "zone-without-the-registry",
    "firewall-walls-everything-in",
    "resolver-rule-for-aws",
    "public-access-blocked-for-the-nat-gateway",
    "ipv6-only-without-nat64",
    "no-way-to-secrets-manager",
    "route-removed-on-ec2-awsvpc",
)
LEFT_OPEN = ("transit-gateway", "private-nat-behind-a-transit-gateway", "central-endpoints", "shared-subnet")
HEALTHY = ("endpoints-in-another-zone", "regional-nat", "ipv6-alone", "on-ec2-with-endpoints")
NAMES = (*DEFECTS, *LEFT_OPEN, *HEALTHY)
SPREAD = [pytest.param(name, marks=pytest.mark.slow if number % 2 else []) for number, name in enumerate(NAMES)]
"""All worlds, of which the fast set has every other one."""


@pytest.mark.parametrize("name", SPREAD)
def test_the_paths_are_walked_as_agreed(aws: EmulatedAws, golden: Callable[[str, str], None], name: str) -> None:
    world = _built(aws, name)
    known = _names(world)
    told = "\n".join(_told(trace, known) for trace in _traces(aws, world))
    golden(f"traces/{name}.txt", told.replace(world.account, "ACCOUNT"))


def _built(aws: EmulatedAws, name: str) -> World:
    if name in OPAQUE:
        return build_opaque(aws, name)
    return build_harmless(aws, name) if name in HARMLESS else build(aws, name)


def _traces(aws: EmulatedAws, world: World) -> Iterator[Trace]:
    intake = read_event(world.event)
    answers = read(intake, reading(aws, world.account), deadline=time.monotonic() + 20).answers
    view = View(intake.task, intake.failures[0], answers)
    found: tuple[Fact[tuple[Trace, ...]], ...] = (view.store_traces, view.traces)
    for traces in found:
        assert isinstance(traces, Known), traces
        yield from traces.value


def _told(trace: Trace, known: dict[str, str]) -> str:
    address = f" at {trace.address}" if trace.address else ""
    hops = "".join(f"  {_hop(hop, known)}\n" for hop in trace.hops)
    return f"{trace.phase}: {trace.host}{address} -> {trace.disposition}\n{hops}"


def _hop(hop: Hop, known: dict[str, str]) -> str:
    kind = f": {known.get(hop.resource.id, hop.resource.type.rpartition('::')[2])}" if hop.resource else ""
    end = f" = {hop.cause}" if hop.cause else ""
    return f"{hop.verdict:8}{hop.step}{kind}{end}"


def _names(world: World) -> dict[str, str]:
    """What each resource of the world's VPC is, by its id; one that is not here is told by its type."""
    ec2, where = world.builder.client("ec2"), world.subnet
    here = [{"Name": "vpc-id", "Values": [world.vpc]}]
    prefix = f"com.amazonaws.{world.region}."

    def of_vpc(operation: str, member: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = getattr(ec2, operation)(Filters=here)[member]
        return found

    def whose(served: list[dict[str, Any]]) -> str:
        return "the puller's subnet" if where in [one.get("SubnetId") for one in served] else "other subnets"

    names = {world.launched.interface: "the task's interface", where: "the puller's subnet"}
    for table in of_vpc("describe_route_tables", "RouteTables"):
        names[table["RouteTableId"]] = f"the table of {whose(table['Associations'])}"
    for acl in of_vpc("describe_network_acls", "NetworkAcls"):
        names[acl["NetworkAclId"]] = (
            "the default ACL" if acl["IsDefault"] else f"the ACL of {whose(acl['Associations'])}"
        )
    for group in of_vpc("describe_security_groups", "SecurityGroups"):
        names[group["GroupId"]] = f"group {group['GroupName']}"
    for endpoint in of_vpc("describe_vpc_endpoints", "VpcEndpoints"):
        names[endpoint["VpcEndpointId"]] = f"endpoint {endpoint['ServiceName'].removeprefix(prefix)}"
    return names
