"""Questions to EC2 about networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pull_doctor.facts import values
from pull_doctor.facts.questions.question import OfAVpc, Question


@dataclass(frozen=True, slots=True)
class OneSubnet(Question[values.Subnet | None]):
    """The subnet with this id; ``None`` if EC2 knows none."""

    subnet: str

    @property
    def fact(self) -> str:
        return f"subnet {self.subnet}"


@dataclass(frozen=True, slots=True)
class OneInterface(Question[values.NetworkInterface | None]):
    """The network interface with this id; ``None`` once EC2 has deleted it."""

    interface: str

    @property
    def fact(self) -> str:
        return f"network interface {self.interface}"


@dataclass(frozen=True, slots=True)
class OneInstance(Question[values.Instance | None]):
    """The EC2 instance with this id; ``None`` once EC2 has forgotten it."""

    instance: str

    @property
    def fact(self) -> str:
        return f"instance {self.instance}"


@dataclass(frozen=True, slots=True)
class Subnets(OfAVpc[tuple[values.Subnet, ...]]):
    """Every subnet of the VPC."""

    noun: ClassVar[str] = "the subnets"


@dataclass(frozen=True, slots=True)
class RouteTables(OfAVpc[tuple[values.RouteTable, ...]]):
    """Every route table of the VPC."""

    noun: ClassVar[str] = "the route tables"


@dataclass(frozen=True, slots=True)
class NetworkAcls(OfAVpc[tuple[values.NetworkAcl, ...]]):
    """Every network ACL of the VPC."""

    noun: ClassVar[str] = "the network ACLs"


@dataclass(frozen=True, slots=True)
class SecurityGroups(OfAVpc[tuple[values.SecurityGroup, ...]]):
    """Every security group of the VPC."""

    noun: ClassVar[str] = "the security groups"


@dataclass(frozen=True, slots=True)
class VpcEndpoints(OfAVpc[tuple[values.VpcEndpoint, ...]]):
    """Every endpoint of the VPC, of any type."""

    noun: ClassVar[str] = "the VPC endpoints"


@dataclass(frozen=True, slots=True)
class EndpointInterfaces(OfAVpc[tuple[values.NetworkInterface, ...]]):
    """The network interfaces of the VPC's interface endpoints."""

    noun: ClassVar[str] = "the endpoint network interfaces"


@dataclass(frozen=True, slots=True)
class NatGateways(OfAVpc[tuple[values.NatGateway, ...]]):
    """Every NAT gateway of the VPC that EC2 still shows."""

    noun: ClassVar[str] = "the NAT gateways"


@dataclass(frozen=True, slots=True)
class InternetGateways(OfAVpc[tuple[values.InternetGateway, ...]]):
    """The internet gateways that a route of the VPC may name: all of the Region, with what they are attached to."""

    noun: ClassVar[str] = "the internet gateways"


@dataclass(frozen=True, slots=True)
class EgressOnlyGateways(OfAVpc[tuple[values.EgressOnlyGateway, ...]]):
    """The egress-only internet gateways that a route of the VPC may name: all of the Region."""

    noun: ClassVar[str] = "the egress-only internet gateways"


@dataclass(frozen=True, slots=True)
class BlockPublicAccessOf(Question[values.BlockPublicAccess]):
    """VPC Block Public Access of the account in this Region, with what it leaves out."""

    @property
    def fact(self) -> str:
        return f"VPC Block Public Access of account {self.account} in {self.region}"


@dataclass(frozen=True, slots=True)
class OneVpc(Question[values.VpcDetails | None]):
    """What EC2 says of the VPC itself; ``None`` if it knows none."""

    vpc: str

    @property
    def fact(self) -> str:
        return f"VPC {self.vpc}"


@dataclass(frozen=True, slots=True)
class S3PrefixList(Question[values.PrefixList | None]):
    """The prefix list of Amazon S3 in this Region, with its CIDRs."""

    @property
    def fact(self) -> str:
        return f"the S3 prefix list of {self.region}"


@dataclass(frozen=True, slots=True)
class PrefixListEntries(Question[values.PrefixList | None]):
    """A prefix list with its CIDRs; ``None`` if EC2 knows none with this id."""

    prefix_list: str

    @property
    def fact(self) -> str:
        return f"the addresses of prefix list {self.prefix_list}"
