"""The hops from the route table on: route, gateway endpoint, NAT gateway, internet gateway, public address."""

from __future__ import annotations

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NatGateway, Route, RouteTable, VpcEndpoint
from pull_doctor.network.addresses import Network
from pull_doctor.network.endpoints import missing_way, s3_gateways
from pull_doctor.network.filter_hops import AclCheck, acl_of, judge_acl, puller_networks
from pull_doctor.network.filters import HTTPS, NAT_REPLY_PORTS
from pull_doctor.network.flows import Flow
from pull_doctor.network.policy_hops import policy_hops
from pull_doctor.network.routing import routes_for, table_of, unread_prefix_lists
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make

OPAQUE = {
    "tgw-": "AWS::EC2::TransitGateway",
    "pcx-": "AWS::EC2::VPCPeeringConnection",
    "vgw-": "AWS::EC2::VPNGateway",
    "eni-": "AWS::EC2::NetworkInterface",
    "i-": "AWS::EC2::Instance",
    "vpce-": "AWS::EC2::VPCEndpoint",
}
"""Targets whose far side AWS does not show, with their types; any target not followed here ends sight too."""

_ROUTES_SHOWN = 8


def route_hops(flow: Flow, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge the route to the addresses and everything behind it."""
    table = _table(puller, vpc)
    if isinstance(table, Unknown):
        return (Hop("route", None, "unknown", f"the route table of {puller.subnet.id} could not be read", None, table),)
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    gateway = _s3_gateway_of(flow, table, puller, vpc)
    if gateway:
        return _gateway_endpoint_hops(flow, gateway, puller, vpc, item)
    lists = {}
    to_s3 = flow.service == "s3" and flow.region == puller.place.region
    if to_s3 and isinstance(vpc.s3_prefix_list, Known) and vpc.s3_prefix_list.value:
        lists[vpc.s3_prefix_list.value.id] = vpc.s3_prefix_list.value.cidrs
    routes, left = routes_for(table, networks, lists)
    unread = unread_prefix_lists(table, lists, _for_other_hosts(vpc))
    if unread:
        why = f"{table.id} has a route to {unread[0]}, whose addresses are not read"
        missing = Unknown(f"the addresses of {unread[0]}", "not-modelled", resource=unread[0], detail=why)
        return (Hop("route", item, "unknown", why, missing=missing),)
    if not routes:
        return (_no_route_hop(flow, table, item, puller, vpc),)
    targets = {route.target for route in routes}
    if left or len(targets) > 1:
        why = f"{table.id} routes only part of the addresses that {flow.host} can have, or parts differently"
        missing = Unknown(f"which address {flow.host} had", "not-visible", resource=table.id, detail=why)
        return (Hop("route", item, "unknown", why, missing=missing, details=shown_routes(table)),)
    return _behind(routes[0], table, networks, puller, vpc)


def _table(puller: Puller, vpc: Vpc) -> RouteTable | Unknown:
    if isinstance(vpc.route_tables, Unknown):
        return vpc.route_tables
    table = table_of(puller.subnet.id, vpc.route_tables.value)
    return table or Unknown(
        f"the route table of {puller.subnet.id}", "not-visible", "ec2:DescribeRouteTables", puller.subnet.id
    )


def _for_other_hosts(vpc: Vpc) -> set[str]:
    """What leads to S3, DynamoDB, or VPC Lattice alone: gateway endpoints, S3's own prefix list, and Lattice's target.

    A flow to S3 finds its gateway endpoint before, and knows the prefix list's addresses. VPC Lattice writes its route
    into every table of a VPC: https://docs.aws.amazon.com/vpc-lattice/latest/ug/how-it-works.html
    """
    gateways = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    return {one.id for one in gateways if one.type == "Gateway"} | ({s3.id} if s3 else set()) | {"VpcLattice"}


def shown_routes(table: RouteTable) -> tuple[str, ...]:
    """The table's routes as a report shows them; of many only the first."""
    lines = [
        f"{route.destination} -> {route.target}" + ("" if route.state == "active" else f" ({route.state})")
        for route in table.routes
    ]
    if len(lines) <= _ROUTES_SHOWN:
        return tuple(lines)
    return (*lines[:_ROUTES_SHOWN], f"... {len(lines) - _ROUTES_SHOWN} more")


def _s3_gateway_of(flow: Flow, table: RouteTable, puller: Puller, vpc: Vpc) -> VpcEndpoint | None:
    """The S3 gateway endpoint on this table: a gateway endpoint is bound to route tables, not to subnets."""
    # A flow to S3 ends at the name where the endpoints could not be read.
    if flow.service != "s3" or isinstance(vpc.endpoints, Unknown):
        return None
    routed = {route.target for route in table.routes if route.state == "active"}
    return next(
        (
            gateway
            for gateway in s3_gateways(vpc.endpoints.value, flow.region, puller.place)
            if gateway.id in routed or table.id in gateway.route_tables
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


def _no_route_hop(flow: Flow, table: RouteTable, item: Resource, puller: Puller, vpc: Vpc) -> Hop:
    own = "" if puller.subnet.id in table.subnets else f", the main one of {vpc.id},"
    why = f"{table.id}{own} has no route that matches {flow.address or 'a public address'}"
    if hidden := _way_not_followed(flow, table):
        missing = Unknown(f"the way to {flow.host}", "not-visible", resource=table.id, detail=hidden)
        return Hop("route", item, "unknown", f"{why}, but {hidden}", missing=missing, details=shown_routes(table))
    cause = missing_way(flow, vpc, puller.place)
    if isinstance(cause, Unknown):
        why = f"{why}, and whether an endpoint serves {flow.host} could not be read"
        return Hop("route", item, "unknown", why, missing=cause, details=shown_routes(table))
    return Hop("route", item, "fail", why, cause=cause, details=shown_routes(table))


def _way_not_followed(flow: Flow, table: RouteTable) -> str | None:
    """Another way than the public IPv4 one that the table may hold for the host: central endpoints, or IPv6."""
    active = [route for route in table.routes if route.state == "active"]
    followed = ("local", "igw-", "nat-", "eigw-", "vpce-")
    central = next((route for route in active if not route.target.startswith(followed)), None)
    if central and flow.service and not flow.address:
        return f"its name may lead to an endpoint behind {central.target}, as hosted zones are not read"
    over_ipv6 = next((route for route in active if route.destination in ("::/0", "64:ff9b::/96")), None)
    classic = flow.service is not None and not flow.host.endswith(".on.aws")
    if over_ipv6 and not classic and not flow.address:
        return f"IPv6 leads to {over_ipv6.target}, which is not followed"
    return None


def sends(table: RouteTable, route: Route) -> str:
    """How a route hop begins that names the route in force."""
    return f"{table.id} sends {route.destination} to {route.target}"


def _behind(
    route: Route, table: RouteTable, networks: tuple[Network, ...], puller: Puller, vpc: Vpc
) -> tuple[Hop, ...]:
    item = make(puller.place, "AWS::EC2::RouteTable", table.id)
    says = sends(table, route)
    if route.state != "active":
        return _dead_route_hops(route, says, table, puller, vpc)
    hop = Hop("route", item, "ok", says)
    if route.target.startswith("igw-"):
        return (hop, *internet_hops(route.target, puller, vpc))
    if route.target.startswith("nat-"):
        return (hop, *nat_hops(route.target, networks, puller, vpc))
    kind = next((kind for prefix, kind in OPAQUE.items() if route.target.startswith(prefix)), "AWS::EC2::Route")
    why = f"what lies behind {route.target} is not visible from this VPC"
    missing = Unknown(f"the way behind {route.target}", "not-visible", resource=route.target, detail=says)
    return hop, Hop("internet", make(puller.place, kind, route.target), "unknown", why, missing=missing)


def _dead_route_hops(route: Route, says: str, table: RouteTable, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
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
    cause, why = _blackhole_cause(route.target, vpc), f"{says}, and the state of the route is {route.state}"
    if isinstance(cause, Unknown):
        why = f"{why}; {route.target} could not be read"
        return (Hop("route", item, "unknown", why, missing=cause, details=shown_routes(table)),)
    hop = Hop("route", item, "fail", why, cause=cause, details=shown_routes(table))
    return (hop, _public_address(route.target, puller)) if route.target.startswith("igw-") else (hop,)


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


def internet_hops(gateway: str, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge an internet gateway, and the public address that the puller needs behind it."""
    return _attached(gateway, puller, vpc), _public_address(gateway, puller)


def _attached(gateway: str, puller: Puller, vpc: Vpc) -> Hop:
    item = make(puller.place, "AWS::EC2::InternetGateway", gateway)
    if isinstance(vpc.internet_gateways, Unknown):
        why = f"whether {gateway} is attached to {vpc.id} could not be read"
        return Hop("internet-gateway", item, "unknown", why, missing=vpc.internet_gateways)
    if any(one.id == gateway and vpc.id in one.vpcs for one in vpc.internet_gateways.value):
        return Hop("internet-gateway", item, "ok", f"{gateway} is attached to {vpc.id}")
    why = f"{gateway} is not attached to {vpc.id}"
    return Hop("internet-gateway", item, "fail", why, cause="internet-gateway-detached")


def _public_address(gateway: str, puller: Puller) -> Hop:
    item = make(puller.place, "AWS::EC2::NetworkInterface", puller.interface) if puller.interface else None
    who = puller.interface or f"the task's interface in {puller.subnet.id}"
    if isinstance(puller.has_public_ip, Unknown):
        why = f"whether {who} had a public IP address could not be read"
        return Hop("public-address", item, "unknown", why, missing=puller.has_public_ip)
    if puller.has_public_ip.value:
        return Hop("public-address", item, "ok", f"{who} has public IP address {puller.public_ip or '(assigned)'}")
    why = f"{who} has no public IP address, which {gateway} needs"
    return Hop("public-address", item, "fail", why, cause="no-public-ip")


def nat_hops(gateway: str, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge a NAT gateway, its own way out to the addresses, and the network ACL of its subnet."""
    item = make(puller.place, "AWS::EC2::NatGateway", gateway)
    if isinstance(vpc.nat_gateways, Unknown):
        why = f"{gateway} could not be read"
        return (Hop("nat-gateway", item, "unknown", why, missing=vpc.nat_gateways),)
    nat = next((one for one in vpc.nat_gateways.value if one.id == gateway), None)
    if nat is None:
        missing = Unknown(f"NAT gateway {gateway}", "not-visible", "ec2:DescribeNatGateways", gateway)
        return (Hop("nat-gateway", item, "unknown", f"{gateway} is not among {vpc.id}'s", missing=missing),)
    if nat.state != "available" or nat.private:
        state = f"is {nat.state}" if nat.state != "available" else "is a private NAT gateway, which has no way out"
        return (Hop("nat-gateway", item, "fail", f"{gateway} {state}", cause="nat-gateway-unusable"),)
    return (_nat_way_out(nat, networks, puller, vpc), *_nat_acl(nat, networks, puller, vpc))


def _nat_way_out(nat: NatGateway, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> Hop:
    """Judge the NAT gateway's own route to the internet; a regional one brings its own.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html
    """
    item = make(puller.place, "AWS::EC2::NatGateway", nat.id)
    if nat.regional or nat.subnet is None:
        return Hop("nat-gateway", item, "ok", f"{nat.id} is available, regional, and public")
    if isinstance(vpc.route_tables, Unknown):
        why = f"the route table of {nat.id}'s subnet {nat.subnet} could not be read"
        return Hop("nat-gateway", item, "unknown", why, missing=vpc.route_tables)
    table = table_of(nat.subnet, vpc.route_tables.value)
    if table is None:
        missing = Unknown(f"the route table of {nat.subnet}", "not-visible", "ec2:DescribeRouteTables", nat.subnet)
        why = f"{nat.id}'s subnet {nat.subnet} has no route table among those read"
        return Hop("nat-gateway", item, "unknown", why, missing=missing)
    routes, left = routes_for(table, networks, {})
    unread = unread_prefix_lists(table, {}, _for_other_hosts(vpc))
    if unread and not routes:
        why = f"the way out of {nat.id} may be the route to {unread[0]}, whose addresses are not read"
        missing = Unknown(f"the addresses of {unread[0]}", "not-modelled", resource=unread[0], detail=why)
        return Hop("nat-gateway", item, "unknown", why, missing=missing)
    no_way_out = f"{nat.id} has no way out itself: {table.id} of its subnet {nat.subnet}"
    if not routes:
        why = f"{no_way_out} has no route to the internet"
        return Hop("nat-gateway", item, "fail", why, cause="nat-gateway-unusable")
    target = routes[0].target
    if not left and all(route.state != "active" or route.target == nat.id for route in routes):
        state = f", and the state of the route is {routes[0].state}" if routes[0].state != "active" else ""
        itself = ", which is the gateway itself" if target == nat.id else ""
        why = f"{no_way_out} sends {routes[0].destination} to {target}{itself}{state}"
        return Hop("nat-gateway", item, "fail", why, cause="nat-gateway-unusable")
    if left or len({route.target for route in routes}) > 1 or not target.startswith("igw-"):
        why = f"the way behind {nat.id} leads to {target}, whose far side is not visible"
        missing = Unknown(f"the way out of {nat.id}", "not-visible", resource=target, detail=why)
        return Hop("nat-gateway", item, "unknown", why, missing=missing)
    attached = _attached(target, puller, vpc)
    if attached.verdict != "ok":
        why = f"{no_way_out} sends {routes[0].destination} to {target}, and {attached.why}"
        cause = "nat-gateway-unusable" if attached.cause else None
        return Hop("nat-gateway", item, attached.verdict, why, cause, attached.missing)
    return Hop("nat-gateway", item, "ok", f"{nat.id} is available and public, with a route to {target}")


def _nat_acl(nat: NatGateway, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    if nat.subnet is None or nat.subnet == puller.subnet.id:
        return ()
    acl = acl_of(nat.subnet, vpc.network_acls)
    if isinstance(acl, Unknown):
        why = f"the network ACL of {nat.id}'s subnet {nat.subnet} could not be read"
        return (Hop("nat-network-acl", None, "unknown", why, missing=acl),)
    near = puller_networks(puller)
    checks: tuple[AclCheck, ...] = (
        ("ingress", near, HTTPS),
        ("egress", networks, HTTPS),
        ("ingress", networks, NAT_REPLY_PORTS),
        ("egress", near, puller.reply_ports),
    )
    return (judge_acl("nat-network-acl", acl, checks, puller),)
