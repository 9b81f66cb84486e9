"""What a trace walks through: the puller and the facts of its VPC, each known or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import (
    BlockPublicAccess,
    DnsFirewall,
    EgressOnlyGateway,
    HostedZone,
    InternetGateway,
    NatGateway,
    NetworkAcl,
    NetworkInterface,
    PrefixList,
    ResolverRule,
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

    ``kind`` is whose interface it is: the task's own, or that of ``instance``, which runs the task and pulls by its
    primary one whatever the task's network mode. ``has_public_ip`` is known without the address itself where the
    deployment tells it. ``ipv6`` are its IPv6 addresses; they are unknown where nothing shows the interface and its
    subnet has IPv6. ``role`` is the ARN of the role with which it asks ECR.
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
    kind: Literal["task", "instance"] = "task"
    ipv6: Fact[tuple[str, ...]] = field(default_factory=lambda: Known(()))
    instance: str | None = None

    @property
    def named(self) -> str:
        """What a sentence calls it: ``instance i-1``, ``eni-1``, or ``the task's interface in subnet-1``."""
        if self.kind == "instance":
            return f"instance {self.instance}"
        return self.interface or f"the task's interface in {self.subnet.id}"


@dataclass(frozen=True, slots=True)
class Vpc:
    """The VPC read whole; ``custom_resolvers`` are its DHCP options' name servers, none where Amazon's serve it.

    ``cidrs`` are its ranges of both families. ``prefix_lists`` has the prefix lists, other than Amazon S3's, that the
    way may hang on, by their ids: those that the routes of the puller and of its NAT gateways name, its own groups, and
    the groups of the endpoints. ``resolver_rules`` and ``dns_firewall`` are ``None`` where the symptom gives no reason
    to read them, ``organization`` where no endpoint's policy asks for it.
    """

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
    cidrs: Fact[tuple[str, ...]]
    egress_only_gateways: Fact[tuple[EgressOnlyGateway, ...]]
    block_public_access: Fact[BlockPublicAccess]
    hosted_zones: Fact[tuple[HostedZone, ...]]
    prefix_lists: Mapping[str, Fact[PrefixList | None]] = field(default_factory=dict)
    resolver_rules: Fact[tuple[ResolverRule, ...]] | None = None
    dns_firewall: Fact[DnsFirewall] | None = None
    organization: Fact[str | None] | None = None
