"""Defects of subnets with IPv6 alone, whose registry has IPv4 addresses alone: ECR's classic names have no others.

Such a subnet needs an IPv6 address for the name (DNS64), and a route that brings it to a NAT gateway (NAT64).
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html
"""

from __future__ import annotations

from tests.worlds import texts
from tests.worlds.healthy import NAT64, Broken, Defect, Healthy

NAT64_ADDRESS = "[64:ff9b::22ff:5392]"
"""ECR's address, as DNS64 writes it."""
_NAMES = frozenset({"ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"})


def _without_dns64(parts: Healthy) -> Broken:
    _dns64(parts, on=False)
    return Broken((parts.subnet,), texts.unreachable(parts.image), lambda: _dns64(parts, on=True))


def _without_nat64(parts: Healthy) -> Broken:
    """DNS64 gives addresses that no route brings to a NAT gateway: they leave with the other IPv6 traffic."""
    parts.ec2.delete_route(RouteTableId=parts.table, DestinationIpv6CidrBlock=NAT64)
    text = texts.manifest_timeout(parts.image, NAT64_ADDRESS)
    return Broken((parts.subnet, parts.table), text, lambda: _nat64(parts))


def _without_either(parts: Healthy) -> Broken:
    _dns64(parts, on=False)
    parts.ec2.delete_route(RouteTableId=parts.table, DestinationIpv6CidrBlock=NAT64)

    def mend() -> None:
        _dns64(parts, on=True)
        _nat64(parts)

    return Broken((parts.subnet,), texts.unreachable(parts.image), mend)


def _dns64(parts: Healthy, *, on: bool) -> None:
    parts.ec2.modify_subnet_attribute(SubnetId=parts.subnet, EnableDns64={"Value": on})


def _nat64(parts: Healthy) -> None:
    parts.ec2.create_route(RouteTableId=parts.table, DestinationIpv6CidrBlock=NAT64, NatGatewayId=parts.nat)


_CAUSE = "ipv6-only-subnet"

DEFECTS: dict[str, Defect] = {
    "ipv6-only-without-dns64": Defect(_CAUSE, _without_dns64, "ipv6", rests_on=_NAMES),
    "ipv6-only-without-nat64": Defect(_CAUSE, _without_nat64, "ipv6", rests_on=_NAMES | {"ec2:DescribeRouteTables"}),
    "ipv6-only-without-either": Defect(_CAUSE, _without_either, "ipv6", rests_on=_NAMES),
}
