"""Defects of endpoints, in the shapes they take besides the plainest: groups, tables, other VPCs, other names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.emulated import moto_repairs
from tests.worlds import texts
from tests.worlds.endpoint_defects import OTHER_RESOLVER, resolve_by
from tests.worlds.healthy import Broken, Defect, Healthy

_WAY = frozenset({"ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"})
_BY_ZONES = _WAY | {"route53:ListHostedZonesByVPC"}
_BY_GROUP = frozenset({"ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ec2:DescribeSecurityGroups"})
_NAMES = frozenset({"ec2:DescribeVpcs", "ec2:DescribeDhcpOptions", "ec2:DescribeVpcAttribute"})


def _private_timeout(parts: Healthy) -> str:
    return texts.timeout(parts.image, parts.options.platform_version, parts.endpoints.api, parts.endpoints.dkr)


# Security groups of the endpoints


def _rules_replaced(parts: Healthy, *rules: dict[str, Any]) -> Broken:
    """The endpoints' group has these inbound rules alone."""
    group = parts.endpoints.group
    before = parts.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    parts.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=before)
    parts.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(rules))

    def mend() -> None:
        parts.builder.allow_https(group, parts.builder.task_group)

    return Broken((group,), _private_timeout(parts), mend)


def _other_ports(parts: Healthy) -> Broken:
    """tcp 80 and udp 443 from everywhere, and tcp 443 from nowhere."""
    anywhere = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    return _rules_replaced(
        parts,
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80} | anywhere,
        {"IpProtocol": "udp", "FromPort": 443, "ToPort": 443} | anywhere,
    )


def _another_group(parts: Healthy) -> Broken:
    other = parts.builder.group("other-tasks")
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": other}]}
    return _rules_replaced(parts, https)


def _default_group(parts: Healthy) -> Broken:
    """An endpoint for which nobody chose a group has the VPC's default one, which admits only its own members."""
    vpc = [{"Name": "vpc-id", "Values": [parts.builder.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    default = parts.ec2.describe_security_groups(Filters=vpc)["SecurityGroups"][0]["GroupId"]
    for service in ("ecr.api", "ecr.dkr"):
        parts.ec2.modify_vpc_endpoint(
            VpcEndpointId=parts.endpoint_ids[service],
            AddSecurityGroupIds=[default],
            RemoveSecurityGroupIds=[parts.endpoints.group],
        )

    def mend() -> None:
        parts.builder.allow_https(default, "10.0.0.0/16")

    return Broken((default,), _private_timeout(parts), mend)


# Endpoints that are there, and not for this VPC, table, or name


def _in_another_vpc(service: str, text: Callable[[str], str]) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        own = parts.endpoint_ids["ecr.dkr" if service == "ecr.api" else "ecr.api"]
        parts.ec2.delete_vpc_endpoints(VpcEndpointIds=[parts.endpoint_ids[service]])
        other = parts.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = parts.ec2.create_subnet(VpcId=other, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        parts.ec2.create_vpc_endpoint(
            VpcId=other,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{parts.builder.region}.{service}",
            SubnetIds=[subnet],
        )

        def mend() -> None:
            parts.builder.interface_endpoint(service, parts.subnet, parts.endpoints.group)

        return Broken((parts.builder.vpc, own), text(parts.image), mend)

    return breaks


def _deleted_a_moment_ago(service: str, text: Callable[[str], str]) -> Callable[[Healthy], Broken]:
    """EC2 lists an endpoint for a while after it was deleted."""

    def breaks(parts: Healthy) -> Broken:
        endpoint = parts.endpoint_ids[service]
        where = parts.builder.account, parts.builder.region, endpoint
        moto_repairs.set_endpoint_state(*where, "deleting")

        def mend() -> None:
            moto_repairs.set_endpoint_state(*where, "available")

        return Broken((parts.builder.vpc,), text(parts.image), mend)

    return breaks


def _s3_on_another_table(parts: Healthy) -> Broken:
    """The S3 endpoint is on the main table alone, and the subnet has its own."""
    endpoint, main = parts.endpoint_ids["s3"], parts.builder.main_table()
    parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[main], RemoveRouteTableIds=[parts.table])

    def mend() -> None:
        parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[parts.table])

    return Broken((parts.table,), texts.layers_timeout(parts.image), mend)


def _s3_for_inbound_resolvers(parts: Healthy) -> Broken:
    """An S3 interface endpoint whose names only inbound Resolver endpoints answer, and no gateway endpoint."""
    parts.ec2.delete_vpc_endpoints(VpcEndpointIds=[parts.endpoint_ids["s3"]])
    parts.ec2.create_vpc_endpoint(
        VpcId=parts.builder.vpc,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{parts.builder.region}.s3",
        SubnetIds=[parts.subnet],
        SecurityGroupIds=[parts.endpoints.group],
        PrivateDnsEnabled=True,
        DnsOptions={"PrivateDnsOnlyForInboundResolverEndpoint": True},
    )

    def mend() -> None:
        parts.builder.s3_endpoint(parts.table)

    return Broken((parts.table,), texts.layers_timeout(parts.image), mend)


def _private_dns_of_the_api_off(parts: Healthy) -> Broken:
    endpoint = parts.endpoint_ids["ecr.api"]

    def mend() -> None:
        parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)

    parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=False)
    return Broken((endpoint,), texts.timeout(parts.image, "1.4.0"), mend)


def _dual_stack_fips_name(parts: Healthy) -> Broken:
    endpoint, region = parts.endpoint_ids["ecr.dkr"], parts.builder.region
    host, _, path = parts.image.partition("/")
    parts.image = f"{host.partition('.')[0]}.dkr-ecr-fips.{region}.on.aws/{path}"

    def mend() -> None:
        known = moto_repairs.ec2(parts.builder.account, region).vpc_end_points[endpoint]
        known.dns_entries.append({"dns_name": f"*.dkr-ecr-fips.{region}.on.aws", "hosted_zone_id": "ZPRIVATE"})

    return Broken((endpoint,), texts.manifest_timeout(parts.image), mend)


def _other_resolver_past_the_registry(parts: Healthy) -> Broken:
    resolve_by(parts, OTHER_RESOLVER)

    def mend() -> None:
        resolve_by(parts, "AmazonProvidedDNS")

    culprits = parts.builder.vpc, OTHER_RESOLVER, parts.endpoint_ids["ecr.dkr"]
    return Broken(culprits, texts.manifest_timeout(parts.image), mend)


def _at_sign_in(image: str) -> str:
    return texts.timeout(image, "1.4.0")


_GROUP = "endpoint-security-group-blocks"
_API = "ecr-api-endpoint-missing"
_DKR = "ecr-dkr-endpoint-missing"
_S3 = "s3-endpoint-missing"

DEFECTS: dict[str, Defect] = {
    "endpoint-group-on-other-ports": Defect(_GROUP, _other_ports, "endpoints", rests_on=_BY_GROUP),
    "endpoint-group-admits-others": Defect(_GROUP, _another_group, "endpoints", rests_on=_BY_GROUP),
    "endpoint-with-the-default-group": Defect(_GROUP, _default_group, "endpoints", rests_on=_BY_GROUP),
    "ecr-api-endpoint-in-another-vpc": Defect(
        _API, _in_another_vpc("ecr.api", _at_sign_in), "endpoints", rests_on=_WAY
    ),
    "ecr-api-endpoint-deleted": Defect(_API, _deleted_a_moment_ago("ecr.api", _at_sign_in), "endpoints", rests_on=_WAY),
    "ecr-dkr-endpoint-in-another-vpc": Defect(
        _DKR, _in_another_vpc("ecr.dkr", texts.manifest_timeout), "endpoints", rests_on=_WAY
    ),
    "s3-endpoint-on-another-table": Defect(_S3, _s3_on_another_table, "endpoints", rests_on=_WAY),
    "s3-endpoint-for-inbound-resolvers": Defect(_S3, _s3_for_inbound_resolvers, "endpoints", rests_on=_BY_ZONES),
    "private-dns-of-the-api-off": Defect(
        "endpoint-private-dns-off", _private_dns_of_the_api_off, "endpoints", rests_on=_BY_ZONES
    ),
    "dual-stack-fips-name": Defect("endpoint-lacks-name", _dual_stack_fips_name, "endpoints", rests_on=_BY_ZONES),
    "other-resolver-past-the-registry": Defect(
        "custom-dns-breaks-name",
        _other_resolver_past_the_registry,
        "endpoints",
        certainty="likely",
        rests_on=_WAY | _NAMES,
    ),
}
