"""Which DNS Firewall rule, Resolver rule, and private hosted zone of a VPC decides about a name.

The most specific domain decides; of a rule and a zone for the same one the rule does. A zone that has no record for a
name in it answers that there is no such name, also where the name is known elsewhere.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html and
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-overview-forward-vpc-to-network-autodefined-rules.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pull_doctor.facts.values import DnsFirewall, FirewallRule, HostedZone, ResolverRule

_OF_ENDPOINTS = "vpce."
"""How the owner of a zone begins that is an endpoint's private DNS; the endpoint's own names tell what it serves."""


def lies_in(host: str, domain: str) -> bool:
    """Whether the host is the domain or lies below it; the empty domain is the root."""
    return domain in ("", host) or host.endswith(f".{domain}")


def zone_of(host: str, zones: Iterable[HostedZone]) -> HostedZone | None:
    """The most specific zone that the host lies in, except those of endpoints' private DNS."""
    over = (one for one in zones if lies_in(host, one.name) and not (one.owner or "").startswith(_OF_ENDPOINTS))
    return max(over, key=lambda zone: len(zone.name), default=None)


def answers_of(host: str, zone: HostedZone) -> tuple[str, ...]:
    """The addresses and names with which a zone answers; none means that it answers that there is no such name.

    The wildcard of the closest domain that exists stands for names that have no record of their own, of whatever type.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
    """
    records = zone.records or ()
    above = {zone.name, *(one.name.removeprefix("*.") for one in records if lies_in(host, one.name.removeprefix("*.")))}
    own = host if any(one.name == host for one in records) else f"*.{max(above, key=len)}"
    return tuple(
        value for one in records if one.name == own and one.type in ("A", "AAAA", "CNAME") for value in one.values
    )


def delegated(host: str, zone: HostedZone) -> bool:
    """Whether the zone leaves the host, or a domain that it lies in, to other name servers."""
    below = (one.name for one in zone.records or () if one.type == "NS" and one.name != zone.name)
    return any(lies_in(host, name) for name in below)


def forwarding_rule(host: str, rules: Iterable[ResolverRule], answered_in: str | None) -> ResolverRule | None:
    """The rule that forwards lookups of the host; ``answered_in`` is the domain of the zone or endpoint that has it.

    Every VPC has a ``RECURSIVE`` rule of AWS's own for the root, to which a rule for everything is preferred.
    """
    over = (one for one in rules if lies_in(host, one.domain) and one.kind not in ("DELEGATE", "RECURSIVE"))
    rule = max(over, key=lambda one: len(one.domain), default=None)
    if rule is None or rule.kind != "FORWARD" or len(rule.domain) < len(answered_in or ""):
        return None
    return rule


def firewall_rule(
    host: str, firewall: DnsFirewall, query_type: Literal["A", "AAAA"]
) -> tuple[Literal["pass", "block", "unknown"], FirewallRule | None]:
    """What DNS Firewall does to lookups of the host, and by which rule: the first one that has the name decides.

    A list that is not shown, AWS's own ones for one, may have it.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall-rules.html
    """
    unread: list[FirewallRule] = []
    for rule in firewall.rules:
        if rule.query_type not in (None, query_type):
            continue
        if rule.domains is None:
            unread.append(rule)
        elif any(matches(host, domain) for domain in rule.domains):
            otherwise = next((one for one in unread if (one.action == "BLOCK") != (rule.action == "BLOCK")), None)
            if otherwise:
                return "unknown", otherwise
            return ("block" if rule.action == "BLOCK" else "pass"), rule
    blocking = next((one for one in unread if one.action == "BLOCK"), None)
    return ("unknown", blocking) if blocking else ("pass", None)


def matches(host: str, domain: str) -> bool:
    """Whether a domain of a DNS Firewall list is the host's; a star at its start stands for anything before the rest.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall-domain-lists.html
    """
    return host.endswith(domain[1:].lower()) if domain.startswith("*") else host == domain.lower()
