"""Accounts whose way out leads where AWS's API does not show what is behind: nothing there can be proven broken.

``build_opaque(aws, "transit-gateway")`` is the healthy account behind a NAT gateway, with the way out changed.
``culprits`` are the ids at which sight ends; ``mend`` gives the subnet its way through the NAT gateway back.
"""

from __future__ import annotations

from typing import Any

from tests.emulated import moto_repairs
from tests.emulated.aws import EmulatedAws
from tests.worlds import texts
from tests.worlds.defects import broken_world
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.route_defects import ANYWHERE, APPLIANCE, advertised_default, default_route
from tests.worlds.world import World

HUB_ADDRESS = "10.100.7.15"
"""An endpoint's interface in a central VPC."""
OWNER = "444455556666"
"""The account that shares its subnet."""


def _leads_to(parts: Healthy, *seen: str, **target: str) -> Broken:
    default_route(parts, **target)

    def mend() -> None:
        default_route(parts, NatGatewayId=parts.nat)

    return Broken(seen or tuple(target.values()), texts.timeout(parts.image, "1.4.0"), mend)


def _transit_gateway(parts: Healthy) -> Broken:
    return _leads_to(parts, TransitGatewayId=_new_transit_gateway(parts))


def _new_transit_gateway(parts: Healthy) -> str:
    gateway: str = parts.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    return gateway


def _peering_connection(parts: Healthy) -> Broken:
    other = parts.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    made = parts.ec2.create_vpc_peering_connection(VpcId=parts.builder.vpc, PeerVpcId=other)
    peering = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    parts.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    return _leads_to(parts, VpcPeeringConnectionId=peering)


def _vpn_gateway(parts: Healthy) -> Broken:
    gateway = parts.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    parts.ec2.attach_vpn_gateway(VpcId=parts.builder.vpc, VpnGatewayId=gateway)
    return _leads_to(parts, GatewayId=gateway)


def _nat_instance(parts: Healthy) -> Broken:
    return _leads_to(parts, InstanceId=_new_instance(parts)["InstanceId"])


def _appliance_interface(parts: Healthy) -> Broken:
    interfaces = _new_instance(parts)["NetworkInterfaces"]
    return _leads_to(parts, NetworkInterfaceId=interfaces[0]["NetworkInterfaceId"])


def _new_instance(parts: Healthy) -> dict[str, Any]:
    subnet = parts.ec2.describe_nat_gateways(NatGatewayIds=[parts.nat])["NatGateways"][0]["SubnetId"]
    made = parts.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet)
    instance: dict[str, Any] = made["Instances"][0]
    return instance


def _firewall_endpoint(parts: Healthy) -> Broken:
    return _leads_to(parts, VpcEndpointId=_new_firewall_endpoint(parts))


def _new_firewall_endpoint(parts: Healthy) -> str:
    """A Gateway Load Balancer endpoint, as AWS Network Firewall and other appliances have."""
    made = parts.ec2.create_vpc_endpoint(
        VpcId=parts.builder.vpc,
        VpcEndpointType="GatewayLoadBalancer",
        ServiceName=f"com.amazonaws.vpce.{parts.builder.region}.vpce-svc-0123456789abcdef0",
        SubnetIds=[parts.subnet],
    )
    endpoint: str = made["VpcEndpoint"]["VpcEndpointId"]
    known = moto_repairs.ec2(parts.builder.account, parts.builder.region).vpc_end_points[endpoint]
    known.vpc_endpoint_type = "GatewayLoadBalancer"
    return endpoint


def _carrier_gateway(parts: Healthy) -> Broken:
    made = parts.ec2.create_carrier_gateway(VpcId=parts.builder.vpc)
    return _leads_to(parts, CarrierGatewayId=made["CarrierGateway"]["CarrierGatewayId"])


def _local_gateway(parts: Healthy) -> Broken:
    return _with_member(parts, "local_gateway_id", "lgw-0dfbe4bf1234567890")


def _cloud_wan(parts: Healthy) -> Broken:
    network = f"arn:aws:networkmanager::{parts.builder.account}:core-network/core-network-0fab1c2d3e4f56789"
    return _with_member(parts, "core_network_arn", network)


def _with_member(parts: Healthy, member: str, target: str) -> Broken:
    """A route whose target moto does not know: the member is set on one to something that it knows."""
    broken = _leads_to(parts, target, TransitGatewayId=_new_transit_gateway(parts))
    table = moto_repairs.ec2(parts.builder.account, parts.builder.region).route_tables[parts.table]
    route = next(one for one in table.routes if one.destination_cidr_block == ANYWHERE)
    route.transit_gateway = None
    setattr(route, member, target)
    return broken


def _nat_behind_a_firewall(parts: Healthy) -> Broken:
    """The NAT gateway is public, and its own subnet's way out goes through a firewall's endpoint."""
    endpoint = _new_firewall_endpoint(parts)
    table = _route_of_the_nat_gateway(parts, VpcEndpointId=endpoint)
    return Broken((endpoint,), texts.timeout(parts.image, "1.4.0"), lambda: _way_out_again(parts, table))


def _private_nat(parts: Healthy) -> Broken:
    """A private NAT gateway, behind which a transit gateway leads to a network with a way out of its own."""
    gateway = _new_transit_gateway(parts)
    nat = moto_repairs.ec2(parts.builder.account, parts.builder.region).nat_gateways[parts.nat]
    nat.connectivity_type = "private"
    table = _route_of_the_nat_gateway(parts, TransitGatewayId=gateway)

    def mend() -> None:
        nat.connectivity_type = "public"
        _way_out_again(parts, table)

    return Broken((gateway,), texts.timeout(parts.image, "1.4.0"), mend)


def _route_of_the_nat_gateway(parts: Healthy, **target: str) -> str:
    """Let the NAT gateway's subnet have this way out; the subnet's table."""
    subnet = parts.ec2.describe_nat_gateways(NatGatewayIds=[parts.nat])["NatGateways"][0]["SubnetId"]
    here = [{"Name": "association.subnet-id", "Values": [subnet]}]
    table: str = parts.ec2.describe_route_tables(Filters=here)["RouteTables"][0]["RouteTableId"]
    parts.ec2.delete_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE)
    parts.ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, **target)
    return table


def _way_out_again(parts: Healthy, table: str) -> None:
    everywhere = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE}
    parts.ec2.delete_route(**everywhere)
    parts.ec2.create_route(**everywhere, GatewayId=parts.internet_gateway)


def _route_server(parts: Healthy) -> Broken:
    """A Route Server's route to an appliance; one to the NAT gateway for the same destination goes before it."""
    default_route(parts)
    advertised_default(parts, "active")

    def mend() -> None:
        parts.ec2.create_route(RouteTableId=parts.table, DestinationCidrBlock=ANYWHERE, NatGatewayId=parts.nat)

    return Broken((APPLIANCE,), texts.timeout(parts.image, "1.4.0"), mend)


def _central_endpoints(parts: Healthy) -> Broken:
    """ECR's names lead to endpoints in a central VPC, behind a transit gateway; there is no other way out."""
    gateway = _new_transit_gateway(parts)
    default_route(parts)
    central = {"RouteTableId": parts.table, "DestinationCidrBlock": "10.100.0.0/16"}
    parts.ec2.create_route(**central, TransitGatewayId=gateway)

    def mend() -> None:
        parts.ec2.delete_route(**central)
        parts.ec2.create_route(RouteTableId=parts.table, DestinationCidrBlock=ANYWHERE, NatGatewayId=parts.nat)

    return Broken((gateway,), texts.timeout(parts.image, "1.4.0", HUB_ADDRESS, HUB_ADDRESS), mend)


def _shared_subnet(parts: Healthy) -> Broken:
    """Another account owns the subnet, and it alone sees the NAT gateway behind it."""
    subnet = moto_repairs.ec2(parts.builder.account, parts.builder.region).get_subnet(parts.subnet)
    own = type(subnet)
    # Moto knows no shared subnets: each is owned by the account that asks.
    subnet.__class__ = type("SharedSubnet", (own,), {"owner_id": OWNER})

    def mend() -> None:
        subnet.__class__ = own

    return Broken((parts.subnet, OWNER), texts.timeout(parts.image, "1.4.0"), mend)


_OPEN = "no-route-to-registry"

OPAQUE: dict[str, Defect] = {
    name: Defect(_OPEN, breaks, "nat")
    for name, breaks in {
        "transit-gateway": _transit_gateway,
        "peering-connection": _peering_connection,
        "vpn-gateway": _vpn_gateway,
        "nat-instance": _nat_instance,
        "appliance-interface": _appliance_interface,
        "firewall-endpoint": _firewall_endpoint,
        "carrier-gateway": _carrier_gateway,
        "local-gateway": _local_gateway,
        "cloud-wan": _cloud_wan,
        "nat-behind-a-firewall": _nat_behind_a_firewall,
        "private-nat-behind-a-transit-gateway": _private_nat,
        "route-server": _route_server,
        "central-endpoints": _central_endpoints,
        "shared-subnet": _shared_subnet,
    }.items()
}
"""The targets at which sight ends."""


def build_opaque(aws: EmulatedAws, name: str) -> World:
    """The account whose way out ends at this target."""
    world = broken_world(aws, [OPAQUE[name]])
    world.name = name
    return world
