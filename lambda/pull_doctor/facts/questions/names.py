"""Questions about what answers names in a VPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pull_doctor.facts import values
from pull_doctor.facts.questions.question import OfAVpc, Question


@dataclass(frozen=True, slots=True)
class DnsSupport(OfAVpc[bool]):
    """Whether the VPC's ``enableDnsSupport`` is on."""

    noun: ClassVar[str] = "DNS support"


@dataclass(frozen=True, slots=True)
class DnsHostnames(OfAVpc[bool]):
    """Whether the VPC's ``enableDnsHostnames`` is on."""

    noun: ClassVar[str] = "DNS hostnames"


@dataclass(frozen=True, slots=True)
class DhcpOptionSets(Question[tuple[values.DhcpOptions, ...]]):
    """Every DHCP option set of the account in this Region: which one the VPC has is read at the same time."""

    @property
    def fact(self) -> str:
        return f"the DHCP option sets of account {self.account} in {self.region}"


@dataclass(frozen=True, slots=True)
class HostedZones(OfAVpc[tuple[values.HostedZone, ...]]):
    """The private hosted zones that answer in the VPC, with their records for these host names."""

    hosts: tuple[str, ...]
    noun: ClassVar[str] = "the private hosted zones"


@dataclass(frozen=True, slots=True)
class ResolverRules(OfAVpc[tuple[values.ResolverRule, ...]]):
    """The Route 53 Resolver rules associated with the VPC."""

    noun: ClassVar[str] = "the Resolver rules"


@dataclass(frozen=True, slots=True)
class DnsFirewallOf(OfAVpc[values.DnsFirewall]):
    """The DNS Firewall rules associated with the VPC."""

    noun: ClassVar[str] = "the DNS Firewall rules"
