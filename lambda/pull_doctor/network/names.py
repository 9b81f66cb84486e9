"""Where the name of a host leads: to an endpoint of the VPC, to addresses, or to where path or sight ends.

The VPC's own resolver asks DNS Firewall, Resolver rules, private hosted zones, and the private DNS of endpoints before
the internet's name servers. Other resolvers of the VPC's DHCP options know none of these. Route 53 Profiles are not
read.
https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import HostedZone, VpcEndpoint
from pull_doctor.network.addresses import PUBLIC_IPV4, Network, networks_of
from pull_doctor.network.endpoints import answers, domain_of, is_of_service, of_service, resolving_endpoint
from pull_doctor.network.flows import Flow
from pull_doctor.network.lookups import answers_of, delegated, firewall_rule, forwarding_rule, zone_of
from pull_doctor.network.placing import (
    NOT_FOR_PRIVATE,
    endpoint_at,
    is_address,
    is_global,
    is_routed,
    lies_inside,
)
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make

OFF = Known(value=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a name leads, and the hop that says so; without endpoint and networks the walk ends at that hop.

    A hop that fails, or is unknown, may still have a target: the way behind it, once it is mended or whatever it is.
    """

    name: Hop
    endpoint: VpcEndpoint | None = None
    networks: tuple[Network, ...] = ()
    public: bool = False
    """Whether ``networks`` stand for whatever public addresses the name has."""
    now: Target | None = None
    """Where the name leads now, if the address that the text shows is from before and nobody can tell."""


def by_resolvers(flow: Flow, puller: Puller, vpc: Vpc) -> Target:
    """Where the resolvers of the VPC lead the host's name now."""
    answer, stop = unfiltered(flow, puller, vpc), _firewall_hop(flow, puller, vpc)
    if vpc.custom_resolvers != Known(()):
        plain = stop is None and answer == publicly(flow, puller, vpc)
        return answer if plain else by_other_resolvers(flow, answer, puller, vpc)
    # Without DNS support, or with it unread, it is not the firewall that keeps the resolver from answering.
    asked = answer.name.cause != "vpc-dns-off" and isinstance(vpc.dns_support, Known)
    return replace(answer, name=stop) if stop and asked else answer


def publicly(flow: Flow, puller: Puller, vpc: Vpc) -> Target:
    """The name as the internet's name servers answer it: without DNS support the VPC's resolver does not ask them.

    Other resolvers answer without it, and whether they do is not visible.
    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    item = make(puller.place, "AWS::EC2::VPC", vpc.id)
    if not flow.is_public:
        why = f"{flow.host} may be a private registry, and ECS's text does not show its address"
        return Target(_not_visible(flow, None, why))
    if isinstance(vpc.dns_support, Unknown):
        why = f"whether {vpc.id} has DNS support could not be read"
        name = Hop("name", item, "unknown", why, missing=vpc.dns_support)
    elif not vpc.dns_support.value and isinstance(vpc.custom_resolvers, Unknown):
        why = f"{vpc.id} has enableDnsSupport off, and which resolvers it names could not be read"
        name = Hop("name", item, "unknown", why, missing=vpc.custom_resolvers)
    elif not vpc.dns_support.value and vpc.custom_resolvers == Known(()):
        why = f"{vpc.id} has enableDnsSupport off, so its resolver does not answer for {flow.host}"
        name = Hop("name", item, "fail", why, cause="vpc-dns-off")
    else:
        why = f"no endpoint of {vpc.id} serves {flow.host}, so it resolves to a public address"
        name = Hop("name", item, "ok", why)
    return Target(name, None, _public_networks(flow, puller, vpc), public=True)


def _public_networks(flow: Flow, puller: Puller, vpc: Vpc) -> tuple[Network, ...]:
    own_region = flow.region == puller.place.region
    if flow.service == "s3" and own_region and isinstance(vpc.s3_prefix_list, Known) and vpc.s3_prefix_list.value:
        return networks_of(vpc.s3_prefix_list.value.cidrs) or PUBLIC_IPV4
    return PUBLIC_IPV4


def unfiltered(flow: Flow, puller: Puller, vpc: Vpc) -> Target:
    """Where the VPC's own resolver leads the name, if DNS Firewall lets the lookup through."""
    public = publicly(flow, puller, vpc)
    endpoint = resolving_endpoint(flow, vpc, puller.place)
    if isinstance(endpoint, Unknown):
        why = f"whether an endpoint of {vpc.id} serves {flow.host} could not be read"
        return Target(Hop("name", make(puller.place, "AWS::EC2::VPC", vpc.id), "unknown", why, missing=endpoint))
    if vpc.dns_support == OFF:
        return public
    if vpc.dns_hostnames == OFF:
        # Without them private DNS and zones do not answer; rules forward all the same.
        forwarded = _forwarded(flow, None, puller, vpc)
        return Target(forwarded) if forwarded else public
    served = _by_private_dns(flow, endpoint, puller) if endpoint else public
    domain = domain_of(endpoint, flow.host, puller.place) if endpoint else None
    if isinstance(vpc.hosted_zones, Unknown):
        forwarded = _forwarded(flow, domain, puller, vpc)
        return Target(forwarded) if forwarded else _by_zones_unread(flow, served, vpc.hosted_zones, puller, vpc)
    zone = zone_of(flow.host, vpc.hosted_zones.value)
    if zone and len(zone.name) <= len(domain or ""):
        zone = None
    forwarded = _forwarded(flow, zone.name if zone else domain, puller, vpc)
    if forwarded:
        return Target(forwarded)
    return _by_zone(flow, zone, served, puller, vpc) if zone else served


def _by_private_dns(flow: Flow, endpoint: VpcEndpoint, puller: Puller) -> Target:
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    leads = "leads to" if answers(endpoint) or flow.address else "is to lead to"
    return Target(Hop("name", item, "ok", f"{flow.host} {leads} {endpoint.id} by private DNS"), endpoint)


def _by_zones_unread(flow: Flow, served: Target, unread: Unknown, puller: Puller, vpc: Vpc) -> Target:
    """Sight ends where a zone could lead the name another way: to another endpoint, or to a central one."""
    item = make(puller.place, "AWS::EC2::VPC", vpc.id)
    hop = Hop("name", item, "unknown", f"the private hosted zones of {vpc.id} could not be read", missing=unread)
    others = [one for one in of_service(vpc, flow.service) if one != served.endpoint] if flow.service else []
    table = table_of(puller.subnet.id, vpc.route_tables.value) if isinstance(vpc.route_tables, Known) else None
    local = ("local", "vpce-", *NOT_FOR_PRIVATE)
    central = table is None or any(not route.target.startswith(local) for route in table.routes)
    return Target(hop) if others or central else replace(served, name=hop)


def _forwarded(flow: Flow, answered_in: str | None, puller: Puller, vpc: Vpc) -> Hop | None:
    """The hop at which a Resolver rule takes the lookup elsewhere, if the rules were read and one does."""
    if vpc.resolver_rules is None:
        return None
    if isinstance(vpc.resolver_rules, Unknown):
        item, why = make(puller.place, "AWS::EC2::VPC", vpc.id), f"the Resolver rules of {vpc.id} could not be read"
        return Hop("name", item, "unknown", why, missing=vpc.resolver_rules)
    rule = forwarding_rule(flow.host, vpc.resolver_rules.value, answered_in)
    if rule is None:
        return None
    item = make(puller.place, "AWS::Route53Resolver::ResolverRule", rule.id)
    return _not_visible(flow, item, f"{rule.id} forwards lookups of {flow.host} to {', '.join(rule.targets)}")


def _firewall_hop(flow: Flow, puller: Puller, vpc: Vpc) -> Hop | None:
    """The hop at which DNS Firewall stops the lookup, if its rules were read and one does or may."""
    if vpc.dns_firewall is None:
        return None
    if isinstance(vpc.dns_firewall, Unknown):
        item, why = make(puller.place, "AWS::EC2::VPC", vpc.id), f"the DNS Firewall of {vpc.id} could not be read"
        return Hop("name", item, "unknown", why, missing=vpc.dns_firewall)
    verdict, rule = firewall_rule(flow.host, vpc.dns_firewall.value, query_type(puller))
    if rule is None or verdict == "pass":
        return None
    item = make(puller.place, "AWS::Route53Resolver::FirewallRuleGroup", rule.group)
    if verdict == "block":
        why = f"{rule.group} blocks {flow.host} in {vpc.id} by {rule.domain_list} (priority {rule.priority})"
        return Hop("name", item, "fail", why, cause="dns-firewall-blocks")
    why = f"{rule.group} decides in {vpc.id} by {rule.domain_list}, whose domains are not shown"
    missing = Unknown(f"the domains of {rule.domain_list}", "not-visible", resource=rule.domain_list, detail=why)
    return Hop("name", item, "unknown", why, missing=missing)


def query_type(puller: Puller) -> Literal["A", "AAAA"]:
    """The type of record that the puller needs."""
    return "A" if puller.subnet.cidr else "AAAA"


def _by_zone(flow: Flow, zone: HostedZone, otherwise: Target, puller: Puller, vpc: Vpc) -> Target:
    """Where a private hosted zone leads the name; ``otherwise`` is its way without the zone."""
    item, said = make(puller.place, "AWS::Route53::HostedZone", zone.id), f"hosted zone {zone.id} ({zone.name})"
    if zone.records is None:
        owner = f" of account {zone.owner}" if zone.owner else ""
        return Target(_not_visible(flow, item, f"{said}{owner} answers for {flow.host}, and does not show its records"))
    if unread := first_unknown(vpc.dns_support, vpc.dns_hostnames):
        why = f"{said} answers for {flow.host} if both DNS attributes of {vpc.id} are on, which could not be read"
        return Target(Hop("name", item, "unknown", why, missing=unread))
    found = answers_of(flow.host, zone)
    if delegated(flow.host, zone):
        return Target(_not_visible(flow, item, f"{said} leaves {flow.host} to other name servers"))
    if not found:
        why = f"{said} answers for {flow.host} in {vpc.id}, and has no address of it"
        return replace(otherwise, name=Hop("name", item, "fail", why, cause="private-hosted-zone-shadows"))
    leads = f"{said} leads {flow.host} to {', '.join(found)}"
    if unread := first_unknown(vpc.endpoints, vpc.endpoint_interfaces):
        return Target(Hop("name", item, "unknown", f"{leads}, and whose that is could not be read", missing=unread))
    endpoints = {endpoint_at(one, vpc) for one in found}
    endpoint = endpoints.pop() if len(endpoints) == 1 else None
    if endpoint and not may_serve(endpoint, flow):
        why = f"{leads}, which is {endpoint.id} ({endpoint.service})"
        return replace(otherwise, name=Hop("name", item, "fail", why, cause="private-hosted-zone-shadows"))
    if endpoint:
        return Target(Hop("name", item, "ok", f"{said} leads {flow.host} to {endpoint.id}"), endpoint)
    if endpoints or not all(is_address(one) for one in found):
        return Target(_not_visible(flow, item, f"{leads}, whose way is not visible"))
    return _to_records(flow, found, leads, item, puller, vpc)


def _to_records(flow: Flow, found: tuple[str, ...], leads: str, item: Resource, puller: Puller, vpc: Vpc) -> Target:
    """The addresses of a zone's records that no endpoint of the VPC has: those of a central endpoint, mostly."""
    networks = networks_of(found)
    if any(is_global(one, vpc) for one in found):
        name = _not_visible(flow, item, f"{leads}; whether that is still the host's is not visible")
        return Target(name, networks=networks)
    if any(lies_inside(one, vpc) for one in found):
        return Target(_not_visible(flow, item, f"{leads}, which no endpoint of {vpc.id} has"))
    if isinstance(vpc.route_tables, Unknown):
        why = f"{leads}, and whether a route leads there could not be read"
        return Target(Hop("name", item, "unknown", why, missing=vpc.route_tables))
    if not is_routed(networks, puller, vpc):
        return Target(_not_visible(flow, item, f"{leads}, to which no route of {puller.subnet.id} is seen to lead"))
    return Target(Hop("name", item, "ok", f"{leads}, outside {vpc.id}"), networks=networks)


def may_serve(endpoint: VpcEndpoint, flow: Flow) -> bool:
    """Whether the endpoint may be for this host: one of another AWS service is not; one of a customer's may."""
    return flow.service is None or is_of_service(endpoint, flow.service) or ".vpce-svc-" in endpoint.service


def by_other_resolvers(flow: Flow, answer: Target, puller: Puller, vpc: Vpc) -> Target:
    """A name that the VPC's own resolver leads somewhere else than the internet's: other ones may not.

    https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
    """
    item = make(puller.place, "AWS::EC2::VPC", vpc.id)
    if isinstance(vpc.custom_resolvers, Unknown):
        why = f"which resolvers {vpc.id} names for {flow.host} could not be read"
        return Target(Hop("name", item, "unknown", why, missing=vpc.custom_resolvers))
    there = answer.endpoint.id if answer.endpoint else "where Amazon's resolver does"
    servers = ", ".join(vpc.custom_resolvers.value)
    why = f"{vpc.id} names {servers} as resolvers, which may lead {flow.host} to {there} or past it"
    return Target(_not_visible(flow, item, why))


def first_unknown(*facts: Fact[Any] | None) -> Unknown | None:
    """The first of these facts that is unknown."""
    return next((one for one in facts if isinstance(one, Unknown)), None)


def _not_visible(flow: Flow, item: Resource | None, why: str) -> Hop:
    missing = Unknown(f"the address of {flow.host}", "not-visible", resource=item.id if item else None, detail=why)
    return Hop("name", item, "unknown", why, missing=missing)
