"""What EC2 says of networks: only the members that the diagnosis uses, in AWS's own nouns.

Nothing here can hold an environment variable, a command line, or a secret's value. Collections are
tuples, ordered as AWS returned them; an absent optional member is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet; ``owner`` is the account that owns it (another one in a shared VPC).

    ``cidr`` is its IPv4 range, ``None`` where it is IPv6 only; ``ipv6_cidr`` its IPv6 range. ``dns64`` is whether the
    resolver makes IPv6 addresses up for names that have IPv4 addresses alone. ``gateway_block`` is what VPC Block
    Public Access does to it: ``off``, ``block-bidirectional``, or ``block-ingress``; ``None`` where EC2 does not say.
    """

    id: str
    vpc: str
    zone: str
    cidr: str | None
    owner: str | None = None
    ipv6_cidr: str | None = None
    dns64: bool = False
    gateway_block: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One route. ``destination`` is a CIDR or a prefix list id; ``target`` ``local`` or the target's id.

    ``state`` is ``active``, ``blackhole``, or ``filtered``. ``propagated``: a virtual private gateway or a Route Server
    put it there, and not a call.
    """

    destination: str
    target: str
    state: str
    propagated: bool = False


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table; ``subnets`` are only its explicit associations, ``main`` serves the others."""

    id: str
    main: bool
    subnets: tuple[str, ...]
    routes: tuple[Route, ...]
    managed_by: str | None = None


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One rule of a network ACL. ``protocol`` is the number as text, ``-1`` for all; ``ports`` inclusive."""

    number: int
    egress: bool
    allow: bool
    protocol: str
    cidr: str
    ports: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """A network ACL with the subnets it is associated with; the closing ``*`` deny is implicit."""

    id: str
    subnets: tuple[str, ...]
    entries: tuple[AclEntry, ...]


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One rule of a security group. ``protocol`` ``-1`` is all; ``ports`` inclusive, ``None`` is all."""

    protocol: str
    ports: tuple[int, int] | None = None
    cidrs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    prefix_lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A security group with its rules."""

    id: str
    ingress: tuple[GroupRule, ...]
    egress: tuple[GroupRule, ...]
    managed_by: str | None = None


@dataclass(frozen=True, slots=True)
class VpcEndpoint:
    """A VPC endpoint. ``state`` is lower case; ``dns_names`` are all names of its DnsEntries.

    ``interfaces`` are the ids of its network interfaces. ``inbound_resolver_only`` is S3's private DNS that
    serves only inbound Resolver endpoints. ``policy`` is its policy document as JSON text.
    ``ip_type`` is ``ipv4``, ``dualstack``, or ``ipv6``.
    """

    id: str
    type: str
    service: str
    state: str
    service_region: str | None = None
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    route_tables: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    private_dns: bool = False
    dns_names: tuple[str, ...] = ()
    inbound_resolver_only: bool = False
    managed_by: str | None = None
    policy: str | None = None
    ip_type: str | None = None


@dataclass(frozen=True, slots=True)
class NatGateway:
    """A NAT gateway. A regional one has no ``subnet``, but a ``route_table`` of its own."""

    id: str
    state: str
    private: bool
    subnet: str | None = None
    regional: bool = False
    route_table: str | None = None


@dataclass(frozen=True, slots=True)
class InternetGateway:
    """An internet gateway with the VPCs it is attached to."""

    id: str
    vpcs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EgressOnlyGateway:
    """An egress-only internet gateway, for IPv6, with the VPCs it is attached to."""

    id: str
    vpcs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessExclusion:
    """What VPC Block Public Access leaves out: a VPC or subnet, ``allow-bidirectional`` or ``allow-egress``."""

    resource: str
    mode: str


@dataclass(frozen=True, slots=True)
class BlockPublicAccess:
    """VPC Block Public Access in the Region: ``off``, ``block-bidirectional``, or ``block-ingress``.

    ``managed_by`` is ``declarative-policy`` where the account itself cannot change it, else ``account``.
    """

    mode: str
    exclusions: tuple[AccessExclusion, ...] = ()
    managed_by: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """A network interface; ``public_ip`` is ``None`` where it has none, ``ipv6`` its IPv6 addresses."""

    id: str
    subnet: str
    groups: tuple[str, ...]
    private_ip: str | None
    public_ip: str | None
    ipv6: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance, by its primary network interface. ``profile`` is the ARN of its instance profile.

    One that is terminated has no ``vpc``, ``subnet``, or interface any more.
    """

    id: str
    state: str
    vpc: str | None
    subnet: str | None
    interface: str | None
    groups: tuple[str, ...]
    private_ip: str | None
    public_ip: str | None
    ipv6: tuple[str, ...] = ()
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class PrefixList:
    """A prefix list with its CIDRs: AWS's own (S3's, for one), or a customer's."""

    id: str
    name: str
    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VpcDetails:
    """What EC2 says of the VPC itself: its IPv4 ranges, the first one first, and its DHCP option set's id.

    ``dhcp_options`` is ``None`` for a VPC without an option set.
    """

    cidrs: tuple[str, ...]
    dhcp_options: str | None
    ipv6_cidrs: tuple[str, ...] = ()
