"""The hops from the route table on: the route that takes the addresses, and what it leads to."""

from __future__ import annotations

import re

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Route, RouteTable, VpcEndpoint
from pull_doctor.network.addresses import IPV4, Network, is_nat64, version_of
from pull_doctor.network.endpoints import missing_way, s3_gateways
from pull_doctor.network.flows import Flow
from pull_doctor.network.gateway_hops import egress_only_hops, internet_hops, nat_hops
from pull_doctor.network.policy_hops import policy_hops
from pull_doctor.network.routing import beyond, prefix_lists_in, routes_for, table_of, unread_list
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make

OPAQUE = {
    "tgw-": ("AWS::EC2::TransitGateway", "its route tables, and the way out of the VPC that they lead to"),
    "pcx-": ("AWS::EC2::VPCPeeringConnection", "the other VPC: a peering connection leads to no gateway behind it"),
    "vgw-": ("AWS::EC2::VPNGateway", "the network at the other end of the VPN or Direct Connect"),
    "eni-": ("AWS::EC2::NetworkInterface", "the appliance that has the interface, and its source/destination check"),
    "i-": ("AWS::EC2::Instance", "whether the instance runs and forwards, and its source/destination check"),
    "vpce-": ("AWS::EC2::VPCEndpoint", "the firewall or appliance behind the endpoint, and the way out behind that"),
    "lgw-": ("AWS::EC2::LocalGateway", "the local gateway's route table, and the network of its Outpost"),
    "cagw-": ("AWS::EC2::CarrierGateway", "the carrier's network, and the carrier IP address of the interface"),
    "arn:aws:networkmanager:": ("AWS::NetworkManager::CoreNetwork", "the core network's policy and its segments"),
}
"""Targets whose far side AWS does not show, with their types and where to look on.

https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html
https://docs.aws.amazon.com/vpc/latest/peering/invalid-peering-configurations.html
"""

_ELSEWHERE = ("AWS::EC2::Route", "what has that address, and where it leads")
_ROUTES_SHOWN = 8


def route_hops(flow: Flow, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge the route to the addresses and everything behind it."""
    table = _table(puller, vpc)
    if isinstance(table, Unknown):
        return (_unread_table(table, puller),)
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    if flow.service == "s3" and isinstance(vpc.endpoints, Unknown):
        why = f"whether {table.id} leads to a gateway endpoint for Amazon S3 could not be read"
        return (Hop("route", item, "unknown", why, missing=vpc.endpoints),)
    gateway = _s3_gateway_of(flow, networks, table, puller, vpc)
    if gateway:
        return _gateway_endpoint_hops(flow, gateway, puller, vpc, item)
    if unread := unread_list(table, vpc, networks):
        why = f"{table.id} has a route to {unread.resource}, whose addresses are not read"
        return (Hop("route", item, "unknown", why, missing=unread),)
    routes, left = routes_for(table, beyond(table, networks), prefix_lists_in(table, vpc, networks))
    if not routes:
        return (_no_route_hop(flow, networks, table, puller, vpc),)
    targets = {route.target for route in routes}
    if left or len(targets) > 1:
        why = f"{table.id} routes only part of the addresses that {flow.host} can have, or parts differently"
        missing = Unknown(f"which address {flow.host} had", "not-visible", resource=table.id, detail=why)
        return (Hop("route", item, "unknown", why, missing=missing, details=shown_routes(table)),)
    return _behind(flow, routes[0], table, networks, puller, vpc)


def inside_hops(flow: Flow, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge the route to addresses inside the VPC, where another one than ``local`` takes any of them.

    A route for a whole subnet can lead to a firewall or an appliance in between.
    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html
    """
    table = _table(puller, vpc)
    if isinstance(table, Unknown):
        return (_unread_table(table, puller),)
    routes, _ = routes_for(table, networks, prefix_lists_in(table, vpc, networks))
    led = [route for route in routes if route.target != "local"]
    if not led:
        return ()
    if len(routes) == 1:
        return _behind(flow, led[0], table, networks, puller, vpc)
    item, why = make(puller.place, "AWS::EC2::RouteTable", table.id), f"{sends(table, led[0])}, and the rest elsewhere"
    missing = Unknown(f"which address {flow.host} had", "not-visible", resource=table.id, detail=why)
    return (Hop("route", item, "unknown", why, missing=missing, details=shown_routes(table)),)


def _table(puller: Puller, vpc: Vpc) -> RouteTable | Unknown:
    if isinstance(vpc.route_tables, Unknown):
        return vpc.route_tables
    table = table_of(puller.subnet.id, vpc.route_tables.value)
    return table or Unknown(
        f"the route table of {puller.subnet.id}", "not-visible", "ec2:DescribeRouteTables", puller.subnet.id
    )


def _unread_table(unread: Unknown, puller: Puller) -> Hop:
    return Hop("route", None, "unknown", f"the route table of {puller.subnet.id} could not be read", None, unread)


def shown_routes(table: RouteTable) -> tuple[str, ...]:
    """The table's routes as a report shows them; of many only the first."""
    lines = [
        f"{route.destination} -> {route.target}" + ("" if route.state == "active" else f" ({route.state})")
        for route in table.routes
    ]
    if len(lines) <= _ROUTES_SHOWN:
        return tuple(lines)
    return (*lines[:_ROUTES_SHOWN], f"... {len(lines) - _ROUTES_SHOWN} more")


def _s3_gateway_of(
    flow: Flow, networks: tuple[Network, ...], table: RouteTable, puller: Puller, vpc: Vpc
) -> VpcEndpoint | None:
    """The S3 gateway endpoint on this table: a gateway endpoint is bound to route tables, not to subnets.

    It serves the IP versions of its type, IPv4 where EC2 does not say.
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html
    """
    if flow.service != "s3" or isinstance(vpc.endpoints, Unknown) or is_nat64(networks):
        return None
    version = f"ipv{version_of(networks)}"
    routed = {route.target for route in table.routes if route.state == "active"}
    return next(
        (
            gateway
            for gateway in s3_gateways(vpc.endpoints.value, flow.region, puller.place)
            if (gateway.ip_type or "ipv4") in (version, "dualstack")
            and (gateway.id in routed or table.id in gateway.route_tables)
        ),
        None,
    )


def _gateway_endpoint_hops(
    flow: Flow, gateway: VpcEndpoint, puller: Puller, vpc: Vpc, table: Resource
) -> tuple[Hop, ...]:
    item = make(puller.place, "AWS::EC2::VPCEndpoint", gateway.id)
    route = Hop("route", table, "ok", f"{table.id} sends Amazon S3's addresses to {gateway.id}")
    if gateway.state != "available":
        return (
            route,
            Hop("endpoint", item, "fail", f"{gateway.id} is {gateway.state}", cause="endpoint-not-available"),
        )
    return route, Hop("endpoint", item, "ok", f"{gateway.id} is available"), *policy_hops(flow, gateway, puller, vpc)


def _no_route_hop(flow: Flow, networks: tuple[Network, ...], table: RouteTable, puller: Puller, vpc: Vpc) -> Hop:
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    own = "" if puller.subnet.id in table.subnets else f", the main one of {vpc.id},"
    wanted = flow.address or ("a public address" if version_of(networks) == IPV4 else "a public IPv6 address")
    if is_nat64(networks):
        why = f"{table.id}{own} has no route that matches {flow.address or '64:ff9b::/96, where DNS64 puts the name'}"
        return _untranslated(flow, why, table, puller, vpc)
    why = f"{table.id}{own} has no route that matches {wanted}"
    if hidden := _way_not_followed(flow, table):
        missing = Unknown(f"the way to {flow.host}", "not-visible", resource=table.id, detail=hidden)
        return Hop("route", item, "unknown", f"{why}, but {hidden}", missing=missing, details=shown_routes(table))
    return _unrouted(flow, why, table, puller, vpc)


def _unrouted(flow: Flow, why: str, table: RouteTable, puller: Puller, vpc: Vpc) -> Hop:
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    cause = missing_way(flow, vpc, puller.place)
    if isinstance(cause, Unknown):
        why = f"{why}, and whether an endpoint serves {flow.host} could not be read"
        return Hop("route", item, "unknown", why, missing=cause, details=shown_routes(table))
    return Hop("route", item, "fail", why, cause=cause, details=shown_routes(table))


def _untranslated(flow: Flow, why: str, table: RouteTable, puller: Puller, vpc: Vpc) -> Hop:
    """A route hop where nothing translates DNS64's addresses: the lack of a subnet that has no IPv4 of its own."""
    if puller.subnet.cidr is not None:
        return _unrouted(flow, why, table, puller, vpc)
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    return Hop("route", item, "fail", why, cause="ipv6-only-subnet", details=shown_routes(table))


def _way_not_followed(flow: Flow, table: RouteTable) -> str | None:
    """Central endpoints in another network, to which the table may lead the host's private address."""
    active = [route for route in table.routes if route.state == "active"]
    followed = ("local", "igw-", "nat-", "eigw-", "vpce-", "VpcLattice")
    central = next((route for route in active if not route.target.startswith(followed)), None)
    if central and flow.service and not flow.address:
        return f"its name may lead to an endpoint behind {central.target}, by a zone or a Route 53 Profile"
    return None


def sends(table: RouteTable, route: Route) -> str:
    """How a route hop begins that names the route in force."""
    return f"{table.id} sends {route.destination} to {route.target}"


def _behind(
    flow: Flow, route: Route, table: RouteTable, networks: tuple[Network, ...], puller: Puller, vpc: Vpc
) -> tuple[Hop, ...]:
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    says = sends(table, route)
    if route.state != "active":
        return _dead_route_hops(route, says, table, networks, puller, vpc)
    hop = Hop("route", item, "ok", says)
    if is_nat64(networks) and route.target.startswith(("igw-", "eigw-")):
        why = f"{says}, which does not translate {flow.address or '64:ff9b::/96'} to IPv4, as a NAT gateway does"
        return (_untranslated(flow, why, table, puller, vpc),)
    if gateway := _gateway_hops(route.target, networks, puller, vpc):
        return hop, *gateway
    kind, where = _opaque(route.target)
    why = f"what lies behind {route.target} is not visible from this VPC"
    missing = Unknown(
        f"the way behind {route.target}", "not-visible", resource=route.target, detail=f"{says}; look at {where}"
    )
    return hop, Hop("internet", make(puller.place, kind, route.target), "unknown", why, missing=missing)


def _gateway_hops(target: str, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """The hops at and behind a gateway that is followed, the gateway's own first; none at another target."""
    if target.startswith("igw-"):
        return internet_hops(target, networks, puller, vpc)
    if target.startswith("eigw-"):
        return egress_only_hops(target, puller, vpc)
    return nat_hops(target, networks, puller, vpc) if target.startswith("nat-") else ()


def _opaque(target: str) -> tuple[str, str]:
    """The type of a target that is not followed, and where to look on; a next hop by address has no type of its own."""
    # An ARN has the partition in its second part.
    name = re.sub("^arn:[^:]+:", "arn:aws:", target)
    return next((told for prefix, told in OPAQUE.items() if name.startswith(prefix)), _ELSEWHERE)


def _dead_route_hops(
    route: Route, says: str, table: RouteTable, networks: tuple[Network, ...], puller: Puller, vpc: Vpc
) -> tuple[Hop, ...]:
    """A route that EC2 does not use, as what it led to is gone, detached, or out of order.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
    """
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    endpoints = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    endpoint = next((one for one in endpoints if one.id == route.target and one.state != "available"), None)
    if endpoint:
        found = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
        why = f"{endpoint.id} is {endpoint.state}"
        return Hop("route", item, "ok", says), Hop("endpoint", found, "fail", why, cause="endpoint-not-available")
    # A route that is filtered out tells nothing about its target.
    cause = "blackhole-route" if route.state == "filtered" else _blackhole_cause(route.target, vpc)
    why = f"{says}, and the state of the route is {route.state}"
    if isinstance(cause, Unknown):
        why = f"{why}; {route.target} could not be read"
        return (Hop("route", item, "unknown", why, missing=cause, details=shown_routes(table)),)
    hop = Hop("route", item, "fail", why, cause=cause, details=shown_routes(table))
    return hop, *_gateway_hops(route.target, networks, puller, vpc)[1:]


def _blackhole_cause(target: str, vpc: Vpc) -> str | Unknown:
    readable = (
        (vpc.endpoints, "vpce-", "blackhole-route"),
        (vpc.nat_gateways, "nat-", "nat-gateway-unusable"),
        (vpc.internet_gateways, "igw-", "internet-gateway-detached"),
    )
    for fact, prefix, cause in readable:
        if not target.startswith(prefix):
            continue
        if isinstance(fact, Unknown):
            return fact
        if any(one.id == target for one in fact.value):
            return cause
    return "blackhole-route"
