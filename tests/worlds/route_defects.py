"""Defects of routes, in the shapes they take besides the plainest: tables, prefix lists, halves, and dead targets."""

from __future__ import annotations

from typing import Any

from tests.emulated import moto_repairs, moto_ways_out
from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

ANYWHERE = "0.0.0.0/0"
APPLIANCE = "10.0.0.77"
"""The next hop of a Route Server's routes."""
HALVES = ("0.0.0.0/1", "128.0.0.0/1")
_WAY = frozenset({"ec2:DescribeSubnets", "ec2:DescribeRouteTables"})
_NO_ROUTE = _WAY | {"ec2:DescribeVpcEndpoints"}
_DEAD_END = _NO_ROUTE | {"route53:ListHostedZonesByVPC"}
_NO_ADDRESS = _NO_ROUTE | {"ecs:DescribeServices"}
_GATEWAYS = _NO_ROUTE | {"ec2:DescribeInternetGateways"}


def _timeout(parts: Healthy) -> str:
    return texts.timeout(parts.image, parts.options.platform_version)


def default_route(parts: Healthy, **target: str) -> None:
    """Replace the default route of the subnet's table by one to another target, or by none."""
    everywhere: dict[str, Any] = {"RouteTableId": parts.table, "DestinationCidrBlock": ANYWHERE}
    parts.ec2.delete_route(**everywhere)
    if target:
        parts.ec2.create_route(**everywhere, **target)


def own_table_taken_away(parts: Healthy) -> str:
    """Leave the subnet to the VPC's main route table, which is returned."""
    tables = parts.ec2.describe_route_tables(RouteTableIds=[parts.table])["RouteTables"]
    parts.ec2.disassociate_route_table(AssociationId=tables[0]["Associations"][0]["RouteTableAssociationId"])
    return parts.builder.main_table()


# No route


def _on_the_main_table(parts: Healthy) -> Broken:
    """The table with the route to the NAT gateway is there, and another subnet's."""
    main = own_table_taken_away(parts)

    def mend() -> None:
        parts.ec2.associate_route_table(RouteTableId=parts.table, SubnetId=parts.subnet)

    return Broken((main, parts.subnet), _timeout(parts), mend)


def _half_of_the_internet(parts: Healthy) -> Broken:
    """Of the two halves that stand for a default route, the one with the registry is not there."""
    default_route(parts)
    with_registry, other = HALVES
    to_nat = {"RouteTableId": parts.table, "NatGatewayId": parts.nat}
    parts.ec2.create_route(**to_nat, DestinationCidrBlock=other)

    def mend() -> None:
        parts.ec2.create_route(**to_nat, DestinationCidrBlock=with_registry)

    return Broken((parts.table,), _timeout(parts), mend)


def _layers_alone_have_a_way(parts: Healthy) -> Broken:
    """An S3 gateway endpoint by itself does not make a subnet one that depends on endpoints."""
    default_route(parts)
    parts.builder.s3_endpoint(parts.table)

    def mend() -> None:
        parts.ec2.create_route(RouteTableId=parts.table, DestinationCidrBlock=ANYWHERE, NatGatewayId=parts.nat)

    return Broken((parts.table,), _timeout(parts), mend)


def _prefix_list_without_the_registry(parts: Healthy) -> Broken:
    """A customer's prefix list leads to the NAT gateway, and the registry's addresses are not in it."""
    default_route(parts)
    found = parts.ec2.create_managed_prefix_list(
        PrefixListName="offices", AddressFamily="IPv4", MaxEntries=5, Entries=[{"Cidr": "198.51.100.0/24"}]
    )["PrefixList"]["PrefixListId"]
    parts.ec2.create_route(RouteTableId=parts.table, DestinationPrefixListId=found, NatGatewayId=parts.nat)

    def mend() -> None:
        parts.ec2.modify_managed_prefix_list(
            PrefixListId=found, CurrentVersion=1, AddEntries=[{"Cidr": ANYWHERE, "Description": "all"}]
        )

    return Broken((parts.table,), _timeout(parts), mend)


def _registry_elsewhere_behind_endpoints(parts: Healthy) -> Broken:
    """No endpoint serves Docker Hub, whatever endpoints there are."""

    def mend() -> None:
        nat = parts.builder.nat_gateway(parts.builder.internet_gateway())
        parts.ec2.create_route(RouteTableId=parts.table, DestinationCidrBlock=ANYWHERE, NatGatewayId=nat)

    return Broken((parts.table,), _timeout(parts), mend)


# No public address


def _assign_addresses(parts: Healthy) -> None:
    network = {"subnets": [parts.subnet], "securityGroups": [parts.builder.task_group], "assignPublicIp": "ENABLED"}
    parts.builder.client("ecs").update_service(
        cluster=parts.builder.cluster,
        service=parts.builder.workload,
        networkConfiguration={"awsvpcConfiguration": network},
    )


def _no_address(parts: Healthy, *culprits: str) -> Broken:
    parts.public_ip = False
    return Broken((parts.subnet, *culprits), _timeout(parts), lambda: _assign_addresses(parts))


def _no_address_on_the_main_table(parts: Healthy) -> Broken:
    main = own_table_taken_away(parts)
    parts.ec2.create_route(RouteTableId=main, DestinationCidrBlock=ANYWHERE, GatewayId=parts.internet_gateway)
    return _no_address(parts, main)


def _no_address_behind_halves(parts: Healthy) -> Broken:
    default_route(parts)
    for half in HALVES:
        parts.ec2.create_route(RouteTableId=parts.table, DestinationCidrBlock=half, GatewayId=parts.internet_gateway)
    return _no_address(parts, parts.table)


def _no_address_behind_a_prefix_list(parts: Healthy) -> Broken:
    default_route(parts)
    found = parts.ec2.create_managed_prefix_list(
        PrefixListName="everything", AddressFamily="IPv4", MaxEntries=5, Entries=[{"Cidr": ANYWHERE}]
    )["PrefixList"]["PrefixListId"]
    parts.ec2.create_route(RouteTableId=parts.table, DestinationPrefixListId=found, GatewayId=parts.internet_gateway)
    return _no_address(parts, parts.table, found)


# Routes to what does not work any more


def _blackhole(parts: Healthy, **target: str) -> Broken:
    """The default route leads to something that EC2 shows, and is a blackhole."""
    default_route(parts, **target)
    where = parts.builder.account, parts.builder.region, parts.table, ANYWHERE
    moto_repairs.set_route_state(*where, "blackhole")

    def mend() -> None:
        default_route(parts, NatGatewayId=parts.nat)

    return Broken((parts.table, *target.values()), _timeout(parts), mend)


def _stopped_nat_instance(parts: Healthy) -> Broken:
    interface = parts.ec2.create_network_interface(SubnetId=parts.subnet)["NetworkInterface"]["NetworkInterfaceId"]
    return _blackhole(parts, NetworkInterfaceId=interface)


def _deleted_attachment(parts: Healthy) -> Broken:
    """A transit gateway that the VPC is not attached to any more."""
    gateway = parts.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    return _blackhole(parts, TransitGatewayId=gateway)


def advertised_default(parts: Healthy, state: str) -> None:
    """Let a Route Server put a default route into the subnet's table, whose next hop is an appliance's address."""
    where = parts.builder.account, parts.builder.region, parts.table
    moto_ways_out.advertise(*where, ANYWHERE, APPLIANCE, state)


def _filtered(parts: Healthy) -> Broken:
    """The one default route is a Route Server's, and EC2 shows it as filtered."""
    default_route(parts)
    advertised_default(parts, "filtered")

    def mend() -> None:
        parts.ec2.create_route(RouteTableId=parts.table, DestinationCidrBlock=ANYWHERE, NatGatewayId=parts.nat)

    return Broken((parts.table, APPLIANCE), _timeout(parts), mend)


def _gateway_of_another_vpc(parts: Healthy) -> Broken:
    """Somebody moved the internet gateway to another VPC."""
    other = parts.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    gateway = {"InternetGatewayId": parts.internet_gateway}
    parts.ec2.detach_internet_gateway(**gateway, VpcId=parts.builder.vpc)
    parts.ec2.attach_internet_gateway(**gateway, VpcId=other)

    def mend() -> None:
        parts.ec2.detach_internet_gateway(**gateway, VpcId=other)
        parts.ec2.attach_internet_gateway(**gateway, VpcId=parts.builder.vpc)

    return Broken((parts.internet_gateway, parts.table), _timeout(parts), mend)


_NONE = "no-route-to-registry"
_ADDRESS = "no-public-ip"
_DEAD = "blackhole-route"

DEFECTS: dict[str, Defect] = {
    "subnet-on-the-main-table": Defect(_NONE, _on_the_main_table, "nat", rests_on=_NO_ROUTE),
    "half-of-the-internet": Defect(_NONE, _half_of_the_internet, "nat", rests_on=_NO_ROUTE),
    "s3-endpoint-without-a-route": Defect(_NONE, _layers_alone_have_a_way, "nat", rests_on=_NO_ROUTE),
    "prefix-list-without-the-registry": Defect(
        _NONE, _prefix_list_without_the_registry, "nat", rests_on=_NO_ROUTE | {"ec2:GetManagedPrefixListEntries"}
    ),
    "docker-hub-behind-endpoints": Defect(
        _NONE, _registry_elsewhere_behind_endpoints, "endpoints", "docker-hub", rests_on=_WAY
    ),
    "no-public-ip-on-the-main-table": Defect(
        _ADDRESS, _no_address_on_the_main_table, "public", relaunch=True, rests_on=_NO_ADDRESS
    ),
    "no-public-ip-behind-halves": Defect(
        _ADDRESS, _no_address_behind_halves, "public", relaunch=True, rests_on=_NO_ADDRESS
    ),
    "no-public-ip-behind-a-prefix-list": Defect(
        _ADDRESS,
        _no_address_behind_a_prefix_list,
        "public",
        relaunch=True,
        rests_on=_NO_ADDRESS | {"ec2:GetManagedPrefixListEntries"},
    ),
    "stopped-nat-instance": Defect(_DEAD, _stopped_nat_instance, "nat", rests_on=_DEAD_END),
    "deleted-transit-gateway-attachment": Defect(_DEAD, _deleted_attachment, "nat", rests_on=_DEAD_END),
    "filtered-route-of-a-route-server": Defect(_DEAD, _filtered, "nat", rests_on=_DEAD_END),
    "internet-gateway-of-another-vpc": Defect(
        "internet-gateway-detached", _gateway_of_another_vpc, "public", rests_on=_GATEWAYS
    ),
}
