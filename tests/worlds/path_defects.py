"""Defects of the path: security groups, network ACLs, routes, and gateways."""

from __future__ import annotations

from typing import Any

from tests.emulated import moto_repairs
from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.world import Endpoints

ALL: list[dict[str, Any]] = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
HTTPS: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
ANYWHERE = "0.0.0.0/0"
_SEEN = frozenset({"ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"})
_BY_GROUP = _SEEN | {"ec2:DescribeSecurityGroups"}
_BY_ACL = _SEEN | {"ec2:DescribeNetworkAcls"}
_BY_ROUTE = _SEEN | {"ec2:DescribeRouteTables"}
_BY_NAT = _BY_ROUTE | {"ec2:DescribeNatGateways"}
_BY_GATEWAY = _BY_ROUTE | {"ec2:DescribeInternetGateways"}


def _set_nat_state(parts: Healthy, state: str) -> None:
    moto_repairs.set_nat_state(parts.builder.account, parts.builder.region, parts.nat, state)


def _timeout(parts: Healthy) -> str:
    return texts.timeout(parts.image, parts.options.platform_version)


# Security groups


def _let_out_only(parts: Healthy, text: str, *rules: dict[str, Any]) -> Broken:
    group = parts.builder.task_group
    parts.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=ALL)
    if rules:
        parts.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=list(rules))

    def mend() -> None:
        parts.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=ALL)

    return Broken((group,), text, mend)


def _egress_to_endpoints_only(parts: Healthy) -> Broken:
    to_endpoints = HTTPS | {"UserIdGroupPairs": [{"GroupId": parts.endpoints.group}]}
    return _let_out_only(parts, texts.layers_timeout(parts.image), to_endpoints)


def _egress_to_s3_only(parts: Healthy) -> Broken:
    name = {"Name": "prefix-list-name", "Values": [f"com.amazonaws.{parts.builder.region}.s3"]}
    found = parts.ec2.describe_prefix_lists(Filters=[name])["PrefixLists"][0]["PrefixListId"]
    text = texts.timeout(parts.image, parts.options.platform_version, parts.endpoints.api, parts.endpoints.dkr)
    return _let_out_only(parts, text, HTTPS | {"PrefixListIds": [{"PrefixListId": found}]})


def _egress_closed_before_endpoints(parts: Healthy) -> Broken:
    text = texts.timeout(parts.image, parts.options.platform_version, parts.endpoints.api, parts.endpoints.dkr)
    return _let_out_only(parts, text)


def _egress_closed(parts: Healthy) -> Broken:
    return _let_out_only(parts, _timeout(parts))


# Network ACLs


def _rule(acl: str, number: int, action: str, ports: tuple[int, int], *, egress: bool) -> dict[str, Any]:
    return {
        "NetworkAclId": acl,
        "RuleNumber": number,
        "Protocol": "6",
        "RuleAction": action,
        "Egress": egress,
        "CidrBlock": ANYWHERE,
        "PortRange": {"From": ports[0], "To": ports[1]},
    }


def _acl_without_replies_on(parts: Healthy, subnet: str, text: str, *, outward: bool) -> Broken:
    acl = parts.builder.acl_without_replies(subnet)

    def mend() -> None:
        parts.ec2.create_network_acl_entry(**_rule(acl, 200, "allow", (1024, 65535), egress=not outward))

    return Broken((acl, subnet), text, mend)


def _acl_without_replies(parts: Healthy) -> Broken:
    return _acl_without_replies_on(parts, parts.subnet, _timeout(parts), outward=True)


def _acl_of_the_endpoints_subnet(parts: Healthy) -> Broken:
    """The endpoints stand in a subnet of their own, whose ACL lets the request in and no reply out."""
    builder = parts.builder
    builder.client("ec2").delete_vpc_endpoints(
        VpcEndpointIds=[parts.endpoint_ids[service] for service in ("ecr.api", "ecr.dkr")]
    )
    subnet = builder.subnet("10.0.2.0/24", "b", None)
    group = parts.endpoints.group
    api, dkr = (builder.interface_endpoint(service, subnet, group) for service in ("ecr.api", "ecr.dkr"))
    parts.endpoints = Endpoints(group, api, dkr)
    text = texts.timeout(parts.image, parts.options.platform_version, api, dkr)
    return _acl_without_replies_on(parts, subnet, text, outward=False)


def _acl_with_an_early_deny(parts: Healthy) -> Broken:
    """The default ACL of the VPC, which serves the NAT gateway's subnet too, denies tcp 443 before it allows all."""
    acls = parts.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [parts.builder.vpc]}])["NetworkAcls"]
    acl = acls[0]["NetworkAclId"]
    parts.ec2.create_network_acl_entry(**_rule(acl, 1, "deny", (443, 443), egress=True))

    def mend() -> None:
        parts.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=1, Egress=True)

    return Broken((acl,), _timeout(parts), mend)


# NAT gateways


def _nat_subnet(parts: Healthy) -> str:
    found = parts.ec2.describe_nat_gateways(NatGatewayIds=[parts.nat])["NatGateways"][0]
    subnet: str = found["SubnetId"]
    return subnet


def _nat_table(parts: Healthy) -> str:
    here = [{"Name": "association.subnet-id", "Values": [_nat_subnet(parts)]}]
    table: str = parts.ec2.describe_route_tables(Filters=here)["RouteTables"][0]["RouteTableId"]
    return table


def _second_nat(parts: Healthy) -> None:
    """Another NAT gateway that works, which no route names yet."""
    address = parts.ec2.allocate_address(Domain="vpc")["AllocationId"]
    parts.ec2.create_nat_gateway(SubnetId=_nat_subnet(parts), AllocationId=address)


def _nat_in_state(parts: Healthy, state: str) -> Broken:
    _set_nat_state(parts, state)

    def mend() -> None:
        _set_nat_state(parts, "available")

    return Broken((parts.nat, parts.table), _timeout(parts), mend)


def _nat_failed(parts: Healthy) -> Broken:
    return _nat_in_state(parts, "failed")


def _nat_pending(parts: Healthy) -> Broken:
    return _nat_in_state(parts, "pending")


def _nat_deleted(parts: Healthy) -> Broken:
    """As EC2 shows it for about an hour: the gateway is still listed, the route to it is a blackhole."""
    _second_nat(parts)
    return _nat_in_state(parts, "deleted")


def _nat_private(parts: Healthy) -> Broken:
    gateway = moto_repairs.ec2(parts.builder.account, parts.builder.region).nat_gateways[parts.nat]
    gateway.connectivity_type = "private"

    def mend() -> None:
        gateway.connectivity_type = "public"

    return Broken((parts.nat,), _timeout(parts), mend)


def _nat_without_way_out(parts: Healthy) -> Broken:
    table = _nat_table(parts)
    parts.ec2.delete_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE)

    def mend() -> None:
        parts.ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=parts.internet_gateway)

    return Broken((parts.nat, table), _timeout(parts), mend)


def _nat_in_a_loop(parts: Healthy) -> Broken:
    """The NAT gateway's subnet has been given the private route table, which leads to the gateway itself."""
    subnet, public = _nat_subnet(parts), _nat_table(parts)
    found = parts.ec2.describe_route_tables(RouteTableIds=[public])["RouteTables"][0]["Associations"]
    association = next(one["RouteTableAssociationId"] for one in found if one.get("SubnetId") == subnet)
    moved = parts.ec2.replace_route_table_association(AssociationId=association, RouteTableId=parts.table)

    def mend() -> None:
        parts.ec2.replace_route_table_association(AssociationId=moved["NewAssociationId"], RouteTableId=public)

    return Broken((parts.nat, parts.table), _timeout(parts), mend)


# Routes and internet gateways


def _nat_gone(parts: Healthy) -> Broken:
    """The NAT gateway was deleted so long ago that EC2 does not show it any more; the route is still there."""
    _second_nat(parts)
    gateways = moto_repairs.ec2(parts.builder.account, parts.builder.region).nat_gateways
    gone = gateways[parts.nat]
    moto_repairs.forget_nat_gateway(parts.builder.account, parts.builder.region, parts.nat)

    def mend() -> None:
        gateways[parts.nat] = gone
        _set_nat_state(parts, "available")

    return Broken((parts.nat, parts.table), _timeout(parts), mend)


def _narrow_route_to_nowhere(parts: Healthy) -> Broken:
    """A route of its own for the registry's addresses leads to a NAT instance's interface, which is deleted."""
    addresses = texts.ECR_ADDRESS.rsplit(".", 2)[0] + ".0.0/16"
    interface = parts.ec2.create_network_interface(SubnetId=parts.subnet)["NetworkInterface"]["NetworkInterfaceId"]
    route = {"RouteTableId": parts.table, "DestinationCidrBlock": addresses}
    parts.ec2.create_route(**route, NetworkInterfaceId=interface)
    parts.ec2.delete_network_interface(NetworkInterfaceId=interface)

    def mend() -> None:
        parts.ec2.delete_route(**route)

    return Broken((interface, parts.table), _timeout(parts), mend)


def _gateway_detached(parts: Healthy) -> Broken:
    parts.ec2.detach_internet_gateway(InternetGatewayId=parts.internet_gateway, VpcId=parts.builder.vpc)

    def mend() -> None:
        parts.ec2.attach_internet_gateway(InternetGatewayId=parts.internet_gateway, VpcId=parts.builder.vpc)

    return Broken((parts.internet_gateway, parts.table), _timeout(parts), mend)


def _gateway_replaced(parts: Healthy) -> Broken:
    """The route names the old gateway, and no route the VPC's new one."""
    detached = _gateway_detached(parts)
    new = parts.builder.internet_gateway()

    def mend() -> None:
        parts.ec2.detach_internet_gateway(InternetGatewayId=new, VpcId=parts.builder.vpc)
        detached.mend()

    return Broken((parts.internet_gateway, parts.table), detached.text, mend)


_EGRESS = "security-group-egress-blocks"
_ACL = "network-acl-blocks"
_NAT = "nat-gateway-unusable"
_IGW = "internet-gateway-detached"

DEFECTS: dict[str, Defect] = {
    "egress-to-endpoints-only": Defect(_EGRESS, _egress_to_endpoints_only, "endpoints", rests_on=_BY_GROUP),
    "egress-to-s3-only": Defect(_EGRESS, _egress_to_s3_only, "endpoints", rests_on=_BY_GROUP),
    "egress-closed-before-endpoints": Defect(_EGRESS, _egress_closed_before_endpoints, "endpoints", rests_on=_BY_GROUP),
    "egress-closed": Defect(_EGRESS, _egress_closed, "nat", rests_on=_BY_GROUP),
    "acl-without-replies": Defect(_ACL, _acl_without_replies, "nat", rests_on=_BY_ACL),
    "acl-of-the-endpoints-subnet": Defect(_ACL, _acl_of_the_endpoints_subnet, "endpoints", rests_on=_BY_ACL),
    "acl-with-an-early-deny": Defect(_ACL, _acl_with_an_early_deny, "nat", rests_on=_BY_ACL),
    "nat-failed": Defect(_NAT, _nat_failed, "nat", rests_on=_BY_NAT),
    "nat-pending": Defect(_NAT, _nat_pending, "nat", rests_on=_BY_NAT),
    "nat-deleted": Defect(_NAT, _nat_deleted, "nat", rests_on=_BY_NAT),
    "nat-private": Defect(_NAT, _nat_private, "nat", rests_on=_BY_NAT),
    "nat-without-way-out": Defect(_NAT, _nat_without_way_out, "nat", rests_on=_BY_NAT),
    "nat-in-a-loop": Defect(_NAT, _nat_in_a_loop, "nat", rests_on=_BY_NAT),
    "blackhole-route": Defect("blackhole-route", _nat_gone, "nat", rests_on=_BY_NAT),
    "narrow-blackhole-route": Defect(
        "blackhole-route", _narrow_route_to_nowhere, "nat", rests_on=_BY_ROUTE | {"route53:ListHostedZonesByVPC"}
    ),
    "internet-gateway-detached": Defect(_IGW, _gateway_detached, "public", rests_on=_BY_GATEWAY),
    "internet-gateway-replaced": Defect(_IGW, _gateway_replaced, "public", rests_on=_BY_GATEWAY),
}
