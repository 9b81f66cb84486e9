"""What answers names in a VPC: DHCP options, hosted zones, Resolver rules, DNS Firewall.

Nothing here can hold an environment variable, a command line, or a secret's value. Collections are
tuples, ordered as AWS returned them; an absent optional member is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DhcpOptions:
    """A DHCP option set; ``name_servers`` as written, ``AmazonProvidedDNS`` among them."""

    id: str
    name_servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A record of a hosted zone: its name without a closing dot, its type, and its values or its alias's name."""

    name: str
    type: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostedZone:
    """A private hosted zone that answers in a VPC; ``name`` without a closing dot.

    ``owner`` is the account or the AWS service that owns it. ``records`` are those of the names that were asked for;
    ``None`` where another account's zone does not show them.
    """

    id: str
    name: str
    owner: str | None
    records: tuple[ZoneRecord, ...] | None


@dataclass(frozen=True, slots=True)
class ResolverRule:
    """A Route 53 Resolver rule of a VPC: ``FORWARD`` (to ``targets``), ``SYSTEM``, or ``RECURSIVE``.

    ``domain`` is without a closing dot; empty is the root.
    """

    id: str
    domain: str
    kind: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """One DNS Firewall rule: ``action`` ``ALLOW``, ``ALERT``, or ``BLOCK``, with ``response`` to what it blocks.

    ``domains`` are as written (``*.example.com``), without a closing dot; ``None`` where AWS manages the list, or the
    rule is not one of a list of domains.
    """

    group: str
    priority: int
    action: str
    domain_list: str
    response: str | None = None
    domains: tuple[str, ...] | None = None
    query_type: str | None = None


@dataclass(frozen=True, slots=True)
class DnsFirewall:
    """The DNS Firewall rules of a VPC, in the order in which they are tried."""

    rules: tuple[FirewallRule, ...] = ()
