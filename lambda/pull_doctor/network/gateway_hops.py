"""The hops behind a route that leads out: internet gateway, egress-only gateway, NAT gateway, public address."""

from __future__ import annotations

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NatGateway, RouteTable
from pull_doctor.network.addresses import IPV4, Network, behind_nat64, is_nat64, version_of
from pull_doctor.network.filter_hops import AclCheck, acl_of, judge_acl, puller_networks
from pull_doctor.network.filters import HTTPS, NAT_REPLY_PORTS
from pull_doctor.network.public_access import public_access_hops
from pull_doctor.network.routing import beyond, prefix_lists_in, routes_for, table_of, unread_list
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make


def internet_hops(gateway: str, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge an internet gateway, the address that the puller needs behind it, and VPC Block Public Access."""
    address = _public_address(gateway, puller) if version_of(networks) == IPV4 else _ipv6_address(puller)
    return _attached(gateway, puller, vpc), address, *public_access_hops("own-address", puller, vpc)


def egress_only_hops(gateway: str, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge an egress-only internet gateway, which carries IPv6 alone, and the puller's address behind it.

    https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html
    """
    item = make(puller.place, "AWS::EC2::EgressOnlyInternetGateway", gateway)
    if isinstance(vpc.egress_only_gateways, Unknown):
        why, missing = f"whether {gateway} is attached to {vpc.id} could not be read", vpc.egress_only_gateways
        hop = Hop("internet-gateway", item, "unknown", why, missing=missing)
    elif any(one.id == gateway and vpc.id in one.vpcs for one in vpc.egress_only_gateways.value):
        hop = Hop("internet-gateway", item, "ok", f"{gateway} is attached to {vpc.id}")
    else:
        why = f"{gateway} is not among the egress-only internet gateways of {vpc.id}"
        action = "ec2:DescribeEgressOnlyInternetGateways"
        missing = Unknown(f"egress-only internet gateway {gateway}", "not-visible", action, gateway)
        hop = Hop("internet-gateway", item, "unknown", why, missing=missing)
    return hop, _ipv6_address(puller), *public_access_hops("egress-only", puller, vpc)


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
    who = puller.named
    if isinstance(puller.has_public_ip, Unknown):
        why = f"whether {who} had a public IP address could not be read"
        return Hop("public-address", item, "unknown", why, missing=puller.has_public_ip)
    if puller.has_public_ip.value:
        return Hop("public-address", item, "ok", f"{who} has public IP address {puller.public_ip or '(assigned)'}")
    why = f"{who} has no public IP address, which {gateway} needs"
    return Hop("public-address", item, "fail", why, cause="no-public-ip")


def _ipv6_address(puller: Puller) -> Hop:
    """The puller's IPv6 address: every one that a VPC gives is public. In an IPv6-only subnet it has one for sure."""
    item = make(puller.place, "AWS::EC2::NetworkInterface", puller.interface) if puller.interface else None
    who = puller.named
    if isinstance(puller.ipv6, Known) and puller.ipv6.value:
        return Hop("public-address", item, "ok", f"{who} has IPv6 address {puller.ipv6.value[0]}")
    if puller.subnet.cidr is None:
        return Hop("public-address", item, "ok", f"{who} has an IPv6 address, as {puller.subnet.id} is IPv6 only")
    missing = puller.ipv6 if isinstance(puller.ipv6, Unknown) else Unknown(f"the IPv6 address of {who}", "not-visible")
    return Hop("public-address", item, "unknown", f"whether {who} had an IPv6 address is not known", missing=missing)


def nat_hops(gateway: str, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge a NAT gateway, its own way out to the addresses, the network ACL of its subnet, and what blocks it.

    Of IPv6 it carries only what DNS64 made up, and leaves by IPv4.
    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html
    """
    item = make(puller.place, "AWS::EC2::NatGateway", gateway)
    if isinstance(vpc.nat_gateways, Unknown):
        why = f"{gateway} could not be read"
        return (Hop("nat-gateway", item, "unknown", why, missing=vpc.nat_gateways),)
    nat = next((one for one in vpc.nat_gateways.value if one.id == gateway), None)
    if nat is None:
        missing = Unknown(f"NAT gateway {gateway}", "not-visible", "ec2:DescribeNatGateways", gateway)
        return (Hop("nat-gateway", item, "unknown", f"{gateway} is not among {vpc.id}'s", missing=missing),)
    if version_of(networks) != IPV4 and not is_nat64(networks):
        why = f"{gateway} carries only those IPv6 addresses that DNS64 makes up (64:ff9b::/96)"
        missing = Unknown(f"the way behind {gateway} over IPv6", "not-modelled", resource=gateway, detail=why)
        return (Hop("nat-gateway", item, "unknown", why, missing=missing),)
    far = networks if version_of(networks) == IPV4 else behind_nat64(networks)
    if nat.state == "available":
        way_out = _nat_way_out(nat, far, puller, vpc)
    else:
        way_out = Hop("nat-gateway", item, "fail", f"{gateway} is {nat.state}", cause="nat-gateway-unusable")
    access = () if nat.private else public_access_hops("nat-gateway", puller, vpc, nat.subnet)
    return way_out, *_nat_acl(nat, networks, far, puller, vpc), *access


def _nat_way_out(nat: NatGateway, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> Hop:
    """Judge the NAT gateway's own route to the addresses; a regional one has a table of its own.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html
    """
    item = make(puller.place, "AWS::EC2::NatGateway", nat.id)
    # EC2's model calls the member of a regional gateway's table its own id; AWS gives that table its way out.
    if nat.subnet is None and not (nat.route_table or "").startswith("rtb-"):
        return Hop("nat-gateway", item, "ok", f"{nat.id} is available, regional, and public")
    table = _nat_table(nat, vpc)
    if isinstance(table, Unknown):
        why = f"the route table of {nat.id}{_at(nat)} could not be read"
        return Hop("nat-gateway", item, "unknown", why, missing=table)
    if unread := unread_list(table, vpc, networks):
        why = f"the way out of {nat.id} may be the route to {unread.resource}, whose addresses are not read"
        return Hop("nat-gateway", item, "unknown", why, missing=unread)
    routes, left = routes_for(table, beyond(table, networks), prefix_lists_in(table, vpc, networks))
    no_way_out = f"{nat.id} has no way out itself: {table.id}{f' of its subnet {nat.subnet}' if nat.subnet else ''}"
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
    if nat.private:
        why = f"{nat.id} is a private NAT gateway, which has no public address for {target}, where {table.id} leads"
        return Hop("nat-gateway", item, "fail", why, cause="nat-gateway-unusable")
    attached = _attached(target, puller, vpc)
    if attached.verdict != "ok":
        why = f"{no_way_out} sends {routes[0].destination} to {target}, and {attached.why}"
        cause = "nat-gateway-unusable" if attached.cause else None
        return Hop("nat-gateway", item, attached.verdict, why, cause, attached.missing)
    return Hop("nat-gateway", item, "ok", f"{nat.id} is available and public, with a route to {target}")


def _nat_table(nat: NatGateway, vpc: Vpc) -> RouteTable | Unknown:
    if isinstance(vpc.route_tables, Unknown):
        return vpc.route_tables
    if nat.subnet is None:
        found = next((one for one in vpc.route_tables.value if one.id == nat.route_table), None)
    else:
        found = table_of(nat.subnet, vpc.route_tables.value)
    what = nat.subnet or nat.id
    return found or Unknown(f"the route table of {what}", "not-visible", "ec2:DescribeRouteTables", what)


def _at(nat: NatGateway) -> str:
    return f"'s subnet {nat.subnet}" if nat.subnet else ""


def _nat_acl(
    nat: NatGateway, networks: tuple[Network, ...], far: tuple[Network, ...], puller: Puller, vpc: Vpc
) -> tuple[Hop, ...]:
    """Judge the ACL of the NAT gateway's subnet: in from the puller, out to the addresses, and both ways back."""
    if nat.subnet is None or nat.subnet == puller.subnet.id:
        return ()
    acl = acl_of(nat.subnet, vpc.network_acls)
    if isinstance(acl, Unknown):
        why = f"the network ACL of {nat.id}'s subnet {nat.subnet} could not be read"
        return (Hop("nat-network-acl", None, "unknown", why, missing=acl),)
    near = puller_networks(puller, version_of(networks))
    checks: tuple[AclCheck, ...] = (
        ("ingress", near, HTTPS),
        ("egress", far, HTTPS),
        ("ingress", far, NAT_REPLY_PORTS),
        ("egress", near, puller.reply_ports),
    )
    return (judge_acl("nat-network-acl", acl, checks, puller),)
