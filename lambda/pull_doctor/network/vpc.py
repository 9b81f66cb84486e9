"""What a trace walks through: the puller and the facts of its VPC, each known or unknown."""

from __future__ import annotations

from dataclasses import dataclass, field

from pull_doctor.facts.fact import Fact
from pull_doctor.facts.values import (
    InternetGateway,
    NatGateway,
    NetworkAcl,
    NetworkInterface,
    PrefixList,
    RouteTable,
    SecurityGroup,
    Subnet,
    VpcEndpoint,
)
from pull_doctor.network.filters import LINUX_REPLY_PORTS
from pull_doctor.resource import Place


@dataclass(frozen=True, slots=True)
class Puller:
    """Who opens the connections: an interface in ``subnet`` with these groups and addresses.

    ``has_public_ip`` is known without the address itself where the deployment tells it. ``role`` is the ARN of the role
    with which it asks ECR.
    """

    place: Place
    subnet: Subnet
    groups: Fact[tuple[str, ...]]
    has_public_ip: Fact[bool]
    role: Fact[str | None] = field(kw_only=True)
    interface: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    reply_ports: tuple[int, int] = LINUX_REPLY_PORTS


@dataclass(frozen=True, slots=True)
class Vpc:
    """The VPC read whole; ``custom_resolvers`` are its DHCP options' name servers, none where Amazon's serve it."""

    id: str
    subnets: Fact[tuple[Subnet, ...]]
    route_tables: Fact[tuple[RouteTable, ...]]
    network_acls: Fact[tuple[NetworkAcl, ...]]
    security_groups: Fact[tuple[SecurityGroup, ...]]
    endpoints: Fact[tuple[VpcEndpoint, ...]]
    endpoint_interfaces: Fact[tuple[NetworkInterface, ...]]
    nat_gateways: Fact[tuple[NatGateway, ...]]
    internet_gateways: Fact[tuple[InternetGateway, ...]]
    dns_support: Fact[bool]
    dns_hostnames: Fact[bool]
    s3_prefix_list: Fact[PrefixList | None]
    custom_resolvers: Fact[tuple[str, ...]]
