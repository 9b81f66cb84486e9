"""Where a name led when the pull failed: to the address that ECS's text shows, placed in the VPC or outside it.

The address may be from before: of an endpoint or a hosted zone that is there by now, the VPC's own resolver tells where
the name leads since.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.addresses import networks_of
from pull_doctor.network.endpoints import answers, domain_of
from pull_doctor.network.flows import Flow
from pull_doctor.network.lookups import answers_of, forwarding_rule, zone_of
from pull_doctor.network.names import (
    Target,
    by_other_resolvers,
    by_resolvers,
    first_unknown,
    may_serve,
    publicly,
    unfiltered,
)
from pull_doctor.network.placing import (
    endpoint_at,
    is_global,
    is_routed,
    is_unrouted,
    lies_inside,
    may_have,
    resolvers_of,
)
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make


def resolve(flow: Flow, puller: Puller, vpc: Vpc) -> Target:
    """Where the host's name leads, or led to the address that the text shows."""
    if flow.address:
        return _at_address(flow, flow.address, puller, vpc)
    return by_resolvers(flow, puller, vpc)


def _at_address(flow: Flow, address: str, puller: Puller, vpc: Vpc) -> Target:
    """The trace goes to the address that the text shows, unless that is from before the VPC's endpoint or zone."""
    item = make(puller.place, "AWS::EC2::VPC", vpc.id)
    if address in resolvers_of(vpc):
        why = f"{address} is a resolver of {vpc.id}, which did not answer for {flow.host}"
        missing = Unknown(f"why {address} did not answer", "not-visible", resource=vpc.id, detail=why)
        return Target(Hop("name", item, "unknown", why, missing=missing))
    answer = unfiltered(flow, puller, replace(vpc, resolver_rules=None))
    if not is_global(address, vpc):
        return _at_private_address(flow, address, answer, puller, vpc)
    public = publicly(flow, puller, vpc)
    shown = Target(_shown(flow, address, puller, vpc), networks=networks_of([address]))
    if answer.endpoint is None and (answer.name.cause or answer.networks == public.networks):
        return shown
    if isinstance(vpc.custom_resolvers, Unknown):
        return by_other_resolvers(flow, answer, puller, vpc)
    if vpc.custom_resolvers.value or (answer.endpoint and not answers(answer.endpoint)):
        return shown
    # An address outside the VPC is from before, as its own resolver leads elsewhere now.
    return answer


def _shown(flow: Flow, address: str, puller: Puller, vpc: Vpc) -> Hop:
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    placed = "a public address"
    if s3 and any(ip_address(address) in network for network in networks_of(s3.cidrs)):
        placed = f"an address of Amazon S3 in {puller.place.region}"
    elif s3 and flow.service == "s3" and flow.region == puller.place.region:
        placed = f"a public address that is not among those of Amazon S3 in {puller.place.region}"
    elif not ip_address(address).is_global:
        placed = f"a private address outside {vpc.id}"
    return Hop("name", None, "ok", f"the name resolved to {address}, {placed}, as ECS's text shows")


def _at_private_address(flow: Flow, address: str, answer: Target, puller: Puller, vpc: Vpc) -> Target:
    """The endpoint whose interface holds the private address that the text shows, else that address."""
    if answer.endpoint and not answer.name.cause and may_have(answer.endpoint, address, vpc):
        return _at_endpoint(flow, address, answer.endpoint, puller, vpc)
    for fact in (vpc.endpoint_interfaces, vpc.endpoints, vpc.subnets):
        if isinstance(fact, Unknown):
            return Target(
                Hop("name", None, "unknown", f"whose private address {address} is could not be read", missing=fact)
            )
    endpoint = endpoint_at(address, vpc)
    unread = first_unknown(vpc.dns_support, vpc.dns_hostnames, vpc.hosted_zones, vpc.resolver_rules)
    wrong = None if unread else _wrong_answer(flow, address, answer, puller, vpc)
    fitting = endpoint is not None and may_serve(endpoint, flow)
    if endpoint and (fitting or not (wrong or unread)):
        return _at_endpoint(flow, address, endpoint, puller, vpc)
    if endpoint and unread:
        return Target(_unseen_leader(flow, address, unread, puller, vpc))
    if lies_inside(address, vpc):
        why = f"{address} lies in {vpc.id}, and no endpoint interface there has it"
        missing = Unknown(f"what {address} in {vpc.id} is", "not-visible", detail=why)
        return Target(wrong or Hop("name", None, "unknown", why, missing=missing))
    if isinstance(vpc.route_tables, Unknown):
        why = f"whether a route leads to {address}, which ECS's text shows, could not be read"
        return Target(Hop("name", None, "unknown", why, missing=vpc.route_tables))
    if is_routed(networks_of([address]), puller, vpc):
        return Target(_shown(flow, address, puller, vpc), networks=networks_of([address]))
    if unread:
        return Target(_unseen_leader(flow, address, unread, puller, vpc))
    return Target(wrong) if wrong else _outside(flow, address, answer, puller, vpc)


def _unseen_leader(flow: Flow, address: str, unread: Unknown, puller: Puller, vpc: Vpc) -> Hop:
    item = make(puller.place, "AWS::EC2::VPC", vpc.id)
    return Hop("name", item, "unknown", f"what leads {flow.host} to {address} could not be read", missing=unread)


def _outside(flow: Flow, address: str, answer: Target, puller: Puller, vpc: Vpc) -> Target:
    """A private address outside the VPC to which no route is seen to lead: from before, where an endpoint serves."""
    if answer.endpoint is None and answer.networks != publicly(flow, puller, vpc).networks:
        return answer
    if answer.endpoint and isinstance(vpc.custom_resolvers, Unknown):
        return by_other_resolvers(flow, answer, puller, vpc)
    if answer.endpoint and vpc.custom_resolvers == Known(()) and answers(answer.endpoint):
        return answer
    shown, networks = _shown(flow, address, puller, vpc), networks_of([address])
    # A gateway to the internet takes the address and carries it nowhere, unless the NAT gateway's own routes do.
    if is_unrouted(networks, puller, vpc):
        return Target(shown, networks=networks)
    return Target(_led_nowhere(flow, shown), now=answer if vpc.custom_resolvers == Known(()) else None)


def _led_nowhere(flow: Flow, shown: Hop) -> Hop:
    why = f"{shown.why}, to which no route is seen to lead"
    missing = Unknown(f"the way to {flow.address}", "not-visible", detail=why)
    return replace(shown, verdict="unknown", why=why, missing=missing)


def _at_endpoint(flow: Flow, address: str, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> Target:
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    known = vpc.endpoint_interfaces.value if isinstance(vpc.endpoint_interfaces, Known) else ()
    own = next((one.id for one in known if address in (one.private_ip, *one.ipv6)), None)
    whose = f"its interface {own}" if own else "in one of its subnets"
    why = f"{flow.host} led to {endpoint.id}: {address}, which ECS's text shows, is {whose}"
    return Target(Hop("name", item, "ok", why), endpoint)


def _wrong_answer(flow: Flow, address: str, answer: Target, puller: Puller, vpc: Vpc) -> Hop | None:
    """The hop of the zone or the Resolver rule that led the name to an address where nothing answers for the host.

    Private DNS of an endpoint with a more specific domain is asked before both.
    """
    zone = zone_of(flow.host, vpc.hosted_zones.value) if isinstance(vpc.hosted_zones, Known) else None
    endpoint = answer.endpoint if answer.endpoint and answer.endpoint.private_dns else None
    domain = (domain_of(endpoint, flow.host, puller.place) if endpoint else None) or ""
    if zone and len(zone.name) <= len(domain):
        zone = None
    if zone and address in answers_of(flow.host, zone):
        item = make(puller.place, "AWS::Route53::HostedZone", zone.id)
        why = f"hosted zone {zone.id} ({zone.name}) leads {flow.host} to {address}, where nothing is seen to serve it"
        return Hop("name", item, "fail", why, cause="private-hosted-zone-shadows")
    rules = vpc.resolver_rules.value if isinstance(vpc.resolver_rules, Known) else ()
    rule = forwarding_rule(flow.host, rules, zone.name if zone else domain)
    if rule:
        item = make(puller.place, "AWS::Route53Resolver::ResolverRule", rule.id)
        why = f"{rule.id} forwards lookups of {flow.host}, which led to {address}, where nothing is seen to serve it"
        return Hop("name", item, "fail", why, cause="resolver-rule-misroutes")
    return None
