"""Two healthy VPCs, one whose tasks leave by a NAT gateway and one that lives on endpoints, and one way to change them.

Subnets: the task's (10.0.1.0/24, table rtb-private), the endpoints' (10.0.2.0/24), the public one of the NAT gateway
(10.0.3.0/24, table rtb-public). Every subnet has an ACL of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import (
    AclEntry,
    BlockPublicAccess,
    GroupRule,
    InternetGateway,
    NatGateway,
    NetworkAcl,
    NetworkInterface,
    PrefixList,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    VpcEndpoint,
)
from pull_doctor.network.flows import Flow
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.network.walk import trace
from pull_doctor.resource import Place

ACCOUNT = "111122223333"
REGION = "eu-west-1"
PLACE = Place("aws", ACCOUNT, REGION)
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
LAYERS = f"prod-{REGION}-starport-layer-bucket.s3.{REGION}.amazonaws.com"
S3_CIDRS = ("52.218.0.0/17", "3.5.64.0/21")

API = Flow("sign-in", f"api.ecr.{REGION}.amazonaws.com", "ecr.api", REGION)
DKR = Flow("resolve", REGISTRY, "ecr.dkr", REGION)
S3 = Flow("download", LAYERS, "s3", REGION)
HUB = Flow("resolve", "registry-1.docker.io")

LOCAL = Route("10.0.0.0/16", "local", "active")
TO_NAT = Route("0.0.0.0/0", "nat-1", "active")
TO_IGW = Route("0.0.0.0/0", "igw-1", "active")
TO_GATEWAY = Route("pl-s3", "vpce-s3", "active")

EVERYTHING = GroupRule("-1", None, ("0.0.0.0/0",))


def https_from(*cidrs: str) -> GroupRule:
    return GroupRule("tcp", (443, 443), cidrs)


OPEN_ACL = (AclEntry(100, True, True, "-1", "0.0.0.0/0"), AclEntry(100, False, True, "-1", "0.0.0.0/0"))  # noqa: FBT003 - egress, allow


def entry(number: int, *, egress: bool, allow: bool, ports: tuple[int, int] | None = None, **more: Any) -> AclEntry:
    return AclEntry(number, egress, allow, more.get("protocol", "6"), more.get("cidr", "0.0.0.0/0"), ports)


SUBNET = Subnet("subnet-task", "vpc-1", f"{REGION}a", "10.0.1.0/24", owner=ACCOUNT)
PULLER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/web-exec"
PULLER = Puller(
    PLACE, SUBNET, Known(("sg-task",)), Known(value=False), "eni-task", "10.0.1.10", role=Known(PULLER_ROLE)
)


def interface_endpoint(kind: str, number: int, **more: Any) -> VpcEndpoint:
    """One endpoint of ``ecr.api``, ``ecr.dkr``, or ``s3`` with an interface at 10.0.2.<number>."""
    name = {"ecr.api": "api.ecr", "ecr.dkr": "dkr.ecr", "s3": "s3"}[kind]
    own = f"{name}.{REGION}.amazonaws.com"
    short = kind.rpartition(".")[2]
    members: dict[str, Any] = {
        "service_region": REGION,
        "subnets": ("subnet-endpoint",),
        "groups": ("sg-endpoint",),
        "interfaces": (f"eni-{short}",),
        "private_dns": True,
        "dns_names": (
            f"vpce-{short}-{number}.{name}.{REGION}.vpce.amazonaws.com",
            own if kind == "ecr.api" else f"*.{own}",
        ),
    }
    return VpcEndpoint(f"vpce-{short}", "Interface", f"com.amazonaws.{REGION}.{kind}", "available", **(members | more))


API_ENDPOINT = interface_endpoint("ecr.api", 11)
DKR_ENDPOINT = interface_endpoint("ecr.dkr", 12)
GATEWAY = VpcEndpoint(
    "vpce-s3", "Gateway", f"com.amazonaws.{REGION}.s3", "available", REGION, route_tables=("rtb-private",)
)

NAT_VPC = Vpc(
    cidrs=Known(("10.0.0.0/16",)),
    egress_only_gateways=Known(()),
    block_public_access=Known(BlockPublicAccess("off")),
    hosted_zones=Known(()),
    id="vpc-1",
    subnets=Known(
        (
            SUBNET,
            Subnet("subnet-endpoint", "vpc-1", f"{REGION}b", "10.0.2.0/24", owner=ACCOUNT),
            Subnet("subnet-public", "vpc-1", f"{REGION}b", "10.0.3.0/24", owner=ACCOUNT),
        )
    ),
    route_tables=Known(
        (
            RouteTable("rtb-main", True, (), (LOCAL,)),  # noqa: FBT003 - RouteTable's `main`
            RouteTable("rtb-private", False, ("subnet-task",), (LOCAL, TO_NAT)),  # noqa: FBT003 - the same
            RouteTable("rtb-public", False, ("subnet-public",), (LOCAL, TO_IGW)),  # noqa: FBT003 - the same
        )
    ),
    network_acls=Known(
        tuple(NetworkAcl(f"acl-{name}", (f"subnet-{name}",), OPEN_ACL) for name in ("task", "endpoint", "public"))
    ),
    security_groups=Known(
        (
            SecurityGroup("sg-task", (), (EVERYTHING,)),
            SecurityGroup("sg-endpoint", (https_from("10.0.0.0/16"),), ()),
        )
    ),
    endpoints=Known(()),
    endpoint_interfaces=Known(()),
    nat_gateways=Known((NatGateway("nat-1", "available", False, "subnet-public"),)),  # noqa: FBT003 - `private`
    internet_gateways=Known((InternetGateway("igw-1", ("vpc-1",)),)),
    dns_support=Known(value=True),
    dns_hostnames=Known(value=True),
    s3_prefix_list=Known(PrefixList("pl-s3", f"com.amazonaws.{REGION}.s3", S3_CIDRS)),
    custom_resolvers=Known(()),
)


def having(vpc: Vpc, **facts: Fact[Any]) -> Vpc:
    """The VPC with other facts."""
    members: dict[str, Any] = dict(facts)
    return replace(vpc, **members)


def change(vpc: Vpc, fact: str, which: str, **members: Any) -> Vpc:
    """The VPC with other members in the one thing of ``fact`` whose id is ``which``."""
    known = getattr(vpc, fact)
    assert any(one.id == which for one in known.value)
    return having(vpc, **{fact: Known(tuple(replace(o, **members) if o.id == which else o for o in known.value))})


def drop(vpc: Vpc, fact: str, which: str) -> Vpc:
    known = getattr(vpc, fact)
    assert any(one.id == which for one in known.value)
    return having(vpc, **{fact: Known(tuple(one for one in known.value if one.id != which))})


def add(vpc: Vpc, fact: str, *things: Any) -> Vpc:
    return having(vpc, **{fact: Known((*getattr(vpc, fact).value, *things))})


ENDPOINT_VPC = replace(
    change(NAT_VPC, "route_tables", "rtb-private", routes=(LOCAL, TO_GATEWAY)),
    endpoints=Known((API_ENDPOINT, DKR_ENDPOINT, GATEWAY)),
    endpoint_interfaces=Known(
        (
            NetworkInterface("eni-api", "subnet-endpoint", ("sg-endpoint",), "10.0.2.11", None),
            NetworkInterface("eni-dkr", "subnet-endpoint", ("sg-endpoint",), "10.0.2.12", None),
        )
    ),
    nat_gateways=Known(()),
)

PUBLIC_VPC = change(NAT_VPC, "route_tables", "rtb-private", routes=(LOCAL, TO_IGW))
WITH_PUBLIC_IP = replace(PULLER, has_public_ip=Known(value=True), public_ip="203.0.113.9")


def routes(vpc: Vpc, *more: Any, table: str = "rtb-private") -> Vpc:
    """The VPC with ``local`` and these routes in one table."""
    return change(vpc, "route_tables", table, routes=(LOCAL, *more))


def walked(vpc: Vpc, flow: Flow, puller: Puller = PULLER) -> Trace:
    return trace(flow, puller, vpc)


def hops_of(one: Trace) -> list[tuple[str, str | None, str]]:
    """The hops in order: step, resource id, verdict."""
    return [(hop.step, hop.resource.id if hop.resource else None, hop.verdict) for hop in one.hops]
