"""How long the paths of a pull take to walk in a very large VPC, and how that grows with the VPC.

At full size: 200 route tables of 100 routes, 1,000 security groups of 60 rules, 100 endpoints, and 200 network ACLs of
40 rules. What the pull meets stands last everywhere: its subnet, its table, the rules that let it through.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import (
    AclEntry,
    GroupRule,
    NatGateway,
    NetworkAcl,
    NetworkInterface,
    PrefixList,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
)
from pull_doctor.network.flows import Flow
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.network.walk import trace
from tests.network.factory import (
    ACCOUNT,
    API,
    DKR,
    HUB,
    NAT_VPC,
    PULLER,
    REGION,
    S3,
    S3_CIDRS,
    SUBNET,
    interface_endpoint,
)

TABLES, ROUTES = 200, 100
GROUPS, RULES = 1000, 60
ENDPOINTS = 100
ACLS, ENTRIES = 200, 20
OWN_GROUPS = 5
"""As many groups as an interface has at most by default; the puller's, and an endpoint's, are of full size too."""

GOAL = 0.05
"""Seconds that one walk may take at full size."""

SCALES = (0.25, 0.5, 1.0)
REPEATS = 5
FLOWS: dict[str, Flow] = {
    "ecr.api, by endpoint": API,
    "ecr.dkr, by endpoint": DKR,
    "s3, by nat gateway": S3,
    "docker hub, by nat gateway": HUB,
    "one address, by nat gateway": replace(HUB, address="54.227.20.253"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds that one walk takes at each of ``SCALES``, and that the four walks of all hosts take together."""

    flows: dict[str, tuple[float, ...]]

    @property
    def slowest(self) -> float:
        """Seconds of the slowest walk at full size."""
        return max(times[-1] for times in self.flows.values())

    @property
    def growth(self) -> float:
        """How much longer the walks take together at full size than at a quarter of it."""
        return sum(times[-1] for times in self.flows.values()) / sum(times[0] for times in self.flows.values())

    def lines(self) -> list[str]:
        """The numbers as a table."""
        head = f"{'size: one walk, ms':30}" + "".join(f"{f'x {scale:g}':>10}" for scale in SCALES)
        rows = [
            f"{name:30}" + "".join(f"{seconds * 1000:10.2f}" for seconds in times) for name, times in self.flows.items()
        ]
        return [head, *rows, f"{'together':30}{f'x {self.growth:.1f}':>30}"]


def measure() -> Measured:
    """Walk every flow at every size; of several walks the fastest counts."""
    worlds = [large(scale) for scale in SCALES]
    return Measured(
        {name: tuple(_fastest(flow, puller, vpc) for puller, vpc in worlds) for name, flow in FLOWS.items()}
    )


def _fastest(flow: Flow, puller: Puller, vpc: Vpc) -> float:
    spent = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        trace(flow, puller, vpc)
        spent.append(time.perf_counter() - began)
    return min(spent)


def large(scale: float) -> tuple[Puller, Vpc]:
    """A healthy VPC of this part of full size, and a puller in it."""
    count = {
        "tables": round(TABLES * scale),
        "routes": round(ROUTES * scale),
        "groups": round(GROUPS * scale),
        "rules": round(RULES * scale),
        "endpoints": round(ENDPOINTS * scale),
        "acls": round(ACLS * scale),
        "entries": round(ENTRIES * scale),
    }
    gateway = Subnet("subnet-nat", "vpc-1", f"{REGION}b", "10.0.2.0/24", ACCOUNT)
    others = [
        Subnet(f"subnet-{at}", "vpc-1", f"{REGION}b", f"10.{1 + at // 256}.{at % 256}.0/24", ACCOUNT)
        for at in range(count["tables"] - 2)
    ]
    subnets = (*others, gateway, SUBNET)
    targets = [f"nat-{at}" for at in range(len(others))] + ["igw-1", "nat-1"]
    tables = tuple(
        RouteTable(f"rtb-{subnet.id}", False, (subnet.id,), _routes(count["routes"], target))  # noqa: FBT003 - RouteTable's `main`
        for subnet, target in zip(subnets, targets, strict=True)
    )
    acls = tuple(
        NetworkAcl(f"acl-{one.id}", (one.id,), _entries(count["entries"])) for one in subnets[-count["acls"] :]
    )
    groups = tuple(SecurityGroup(f"sg-{at}", *_rules(count["rules"])) for at in range(count["groups"]))
    names = tuple(group.id for group in groups[-OWN_GROUPS:])
    places = tuple(one.id for one in subnets[:3])
    services = [f"service-{at}" for at in range(count["endpoints"] - 2)] + ["ecr.api", "ecr.dkr"]
    endpoints = tuple(
        replace(
            interface_endpoint("ecr.dkr" if service == "ecr.dkr" else "ecr.api", at),
            id=f"vpce-{at}",
            service=f"com.amazonaws.{REGION}.{service}",
            dns_names=interface_endpoint(service, at).dns_names if service.startswith("ecr.") else (f"{service}.aws",),
            subnets=places,
            groups=names,
            interfaces=tuple(f"eni-{at}-{subnet}" for subnet in places),
        )
        for at, service in enumerate(services)
    )
    interfaces = tuple(
        NetworkInterface(f"eni-{at}-{subnet}", subnet, names, f"10.1.{place}.{at % 250 + 4}", None)
        for at in range(count["endpoints"])
        for place, subnet in enumerate(places)
    )
    vpc = replace(
        NAT_VPC,
        subnets=Known(subnets),
        route_tables=Known(tables),
        network_acls=Known(acls),
        security_groups=Known(groups),
        endpoints=Known(endpoints),
        endpoint_interfaces=Known(interfaces),
        nat_gateways=Known((NatGateway("nat-1", "available", False, gateway.id),)),  # noqa: FBT003 - `private`
        s3_prefix_list=Known(PrefixList("pl-s3", f"com.amazonaws.{REGION}.s3", S3_CIDRS)),
    )
    return replace(PULLER, groups=Known(names)), vpc


def _routes(count: int, target: str) -> tuple[Route, ...]:
    """Routes to single public networks by the way of all others, so that a walk to all of them is cut by each."""
    single = [Route(f"54.{at}.0.0/16", target, "active") for at in range(count - 2)]
    return (Route("10.0.0.0/8", "local", "active"), *single, Route("0.0.0.0/0", target, "active"))


def _entries(count: int) -> tuple[AclEntry, ...]:
    """Rules of each direction that allow single public networks, and at the end all others."""
    return tuple(
        AclEntry(number, egress, allow=True, protocol="6", cidr=cidr)
        for egress in (True, False)
        for number in range(1, count + 1)
        for cidr in ["0.0.0.0/0" if number == count else f"52.{number}.0.0/16"]
    )


def _rules(count: int) -> tuple[tuple[GroupRule, ...], tuple[GroupRule, ...]]:
    """Inbound and outbound rules, half each; the last one of each lets https pass."""
    single = tuple(GroupRule("tcp", (443, 443), (f"18.{at}.0.0/16",)) for at in range(count // 2 - 1))
    return (*single, GroupRule("tcp", (443, 443), ("10.0.0.0/8",))), (*single, GroupRule("-1", None, ("0.0.0.0/0",)))
