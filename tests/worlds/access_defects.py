"""Defects of VPC Block Public Access, which holds for a whole account and Region: each world has its own account."""

from __future__ import annotations

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

_WAY = frozenset({"ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"})


def block(parts: Healthy, mode: str) -> None:
    """Set what VPC Block Public Access of the account does: ``off``, ``block-bidirectional``, ``block-ingress``."""
    parts.ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode=mode)


def exclude(parts: Healthy, mode: str, **resource: str) -> None:
    """Leave a VPC or a subnet out."""
    parts.ec2.create_vpc_block_public_access_exclusion(InternetGatewayExclusionMode=mode, **resource)


def nat_subnet(parts: Healthy) -> str:
    """The subnet in which the NAT gateway stands."""
    subnet: str = parts.ec2.describe_nat_gateways(NatGatewayIds=[parts.nat])["NatGateways"][0]["SubnetId"]
    return subnet


def _both_ways(parts: Healthy) -> Broken:
    block(parts, "block-bidirectional")
    text = texts.timeout(parts.image, parts.options.platform_version)
    return Broken((parts.builder.account,), text, lambda: block(parts, "off"))


def _inward(parts: Healthy) -> Broken:
    """A task with a public address of its own cannot reach out either, and a NAT gateway could."""
    block(parts, "block-ingress")

    def mend() -> None:
        exclude(parts, "allow-bidirectional", VpcId=parts.builder.vpc)

    text = texts.timeout(parts.image, parts.options.platform_version)
    return Broken((parts.builder.account, parts.subnet), text, mend)


def _another_subnet_excluded(parts: Healthy) -> Broken:
    """The task's subnet is left out, and the NAT gateway's is not."""
    block(parts, "block-bidirectional")
    exclude(parts, "allow-egress", SubnetId=parts.subnet)
    there = nat_subnet(parts)

    def mend() -> None:
        exclude(parts, "allow-egress", SubnetId=there)

    text = texts.timeout(parts.image, parts.options.platform_version)
    return Broken((parts.builder.account, there), text, mend)


_BY_NAT = _WAY | {"ec2:DescribeNatGateways"}
_CAUSE = "public-access-blocked"

DEFECTS: dict[str, Defect] = {
    "public-access-blocked": Defect(_CAUSE, _both_ways, "nat", rests_on=_BY_NAT, own_account=True),
    "public-access-blocked-inward": Defect(_CAUSE, _inward, "public", rests_on=_WAY, own_account=True),
    "public-access-blocked-for-the-nat-gateway": Defect(
        _CAUSE, _another_subnet_excluded, "nat", rests_on=_BY_NAT, own_account=True
    ),
    "public-access-blocked-by-address": Defect(_CAUSE, _both_ways, "public", rests_on=_WAY, own_account=True),
}
