"""Defects of the VPC's endpoints and of how names lead to them."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulated import moto_repairs
from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.name_defects import hosted_zone

OTHER_RESOLVER = "10.0.1.53"
_WAY = frozenset({"ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"})
_BY_ZONES = _WAY | {"route53:ListHostedZonesByVPC"}
_RESOLVERS = frozenset({"ec2:DescribeVpcs", "ec2:DescribeDhcpOptions"})
_NAMES = _RESOLVERS | {"ec2:DescribeVpcAttribute"}


def _private_dns_off(parts: Healthy) -> Broken:
    endpoint = parts.endpoint_ids["ecr.dkr"]

    def mend() -> None:
        parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)

    parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=False)
    return Broken((endpoint,), texts.manifest_timeout(parts.image), mend)


def _private_dns_and_hostnames_off(parts: Healthy) -> Broken:
    endpoints = parts.endpoint_ids["ecr.api"], parts.endpoint_ids["ecr.dkr"]

    def mend() -> None:
        _set(parts, "EnableDnsHostnames", value=True)
        for endpoint in endpoints:
            parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)

    for endpoint in endpoints:
        parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=False)
    _set(parts, "EnableDnsHostnames", value=False)
    return Broken(endpoints, texts.timeout(parts.image, "1.4.0"), mend)


def _missing(service: str, text: Callable[[str], str]) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        other = parts.endpoint_ids["ecr.dkr" if service == "ecr.api" else "ecr.api"]

        def mend() -> None:
            parts.builder.interface_endpoint(service, parts.subnet, parts.endpoints.group)

        parts.ec2.delete_vpc_endpoints(VpcEndpointIds=[parts.endpoint_ids[service]])
        return Broken((parts.builder.vpc, other, parts.table), text(parts.image), mend)

    return breaks


def _missing_behind_the_main_table(parts: Healthy) -> Broken:
    main = parts.builder.main_table()
    tables = parts.ec2.describe_route_tables(RouteTableIds=[parts.table])["RouteTables"]
    parts.ec2.disassociate_route_table(AssociationId=tables[0]["Associations"][0]["RouteTableAssociationId"])
    parts.ec2.modify_vpc_endpoint(VpcEndpointId=parts.endpoint_ids["s3"], AddRouteTableIds=[main])
    broken = _missing("ecr.dkr", texts.manifest_timeout)(parts)
    return Broken((parts.builder.vpc, main), broken.text, broken.mend)


def _state(state: str) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        endpoint = parts.endpoint_ids["ecr.dkr"]
        known = moto_repairs.ec2(parts.builder.account, parts.builder.region).vpc_end_points[endpoint]

        def mend() -> None:
            known.state = "available"

        known.state = state
        return Broken((endpoint,), texts.manifest_timeout(parts.image), mend)

    return breaks


def _without_interface(parts: Healthy) -> Broken:
    endpoint = parts.endpoint_ids["ecr.api"]

    def mend() -> None:
        parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddSubnetIds=[parts.subnet])

    parts.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=[parts.subnet])
    return Broken((endpoint,), texts.timeout(parts.image, "1.4.0"), mend)


def _layers_alone(parts: Healthy) -> Broken:
    """The registry's name leads to its endpoint by a hosted zone, without private DNS; S3 has no way."""
    parts.ec2.modify_vpc_endpoint(VpcEndpointId=parts.endpoint_ids["ecr.dkr"], PrivateDnsEnabled=False)
    domain = f"dkr.ecr.{parts.builder.region}.amazonaws.com"
    hosted_zone(parts, domain, (f"*.{domain}", "A", [parts.endpoints.dkr]))
    parts.ec2.delete_vpc_endpoints(VpcEndpointIds=[parts.endpoint_ids["s3"]])

    def mend() -> None:
        parts.builder.s3_endpoint(parts.table)

    return Broken((parts.table, parts.endpoint_ids["ecr.dkr"]), texts.layers_timeout(parts.image), mend)


def _fips_name(parts: Healthy) -> Broken:
    parts.image = parts.image.replace(".dkr.ecr.", ".dkr.ecr-fips.")

    def mend() -> None:
        parts.builder.interface_endpoint("ecr-fips.dkr", parts.subnet, parts.endpoints.group)

    return Broken((parts.endpoint_ids["ecr.dkr"],), texts.manifest_timeout(parts.image), mend)


def _dual_stack_name(parts: Healthy) -> Broken:
    endpoint, region = parts.endpoint_ids["ecr.dkr"], parts.builder.region
    host, _, path = parts.image.partition("/")
    parts.image = f"{host.partition('.')[0]}.dkr-ecr.{region}.on.aws/{path}"

    def mend() -> None:
        known = moto_repairs.ec2(parts.builder.account, region).vpc_end_points[endpoint]
        known.dns_entries.append({"dns_name": f"*.dkr-ecr.{region}.on.aws", "hosted_zone_id": "ZPRIVATE"})

    return Broken((endpoint,), texts.manifest_timeout(parts.image), mend)


def _hostnames_off(parts: Healthy) -> Broken:
    def mend() -> None:
        _set(parts, "EnableDnsHostnames", value=True)

    _set(parts, "EnableDnsHostnames", value=False)
    return Broken((parts.builder.vpc, parts.endpoint_ids["ecr.api"]), texts.timeout(parts.image, "1.4.0"), mend)


def _support_off(parts: Healthy) -> Broken:
    def mend() -> None:
        _set(parts, "EnableDnsSupport", value=True)

    _set(parts, "EnableDnsSupport", value=False)
    return Broken((parts.builder.vpc,), texts.lookup_failed(parts.image, "10.0.0.2"), mend)


def _both_attributes_off(parts: Healthy) -> Broken:
    def mend() -> None:
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            _set(parts, attribute, value=True)

    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        _set(parts, attribute, value=False)
    return Broken(
        (parts.builder.vpc, parts.endpoint_ids["ecr.dkr"]), texts.lookup_failed(parts.image, "10.0.0.2"), mend
    )


def _other_resolver(text: Callable[[str], str], endpoint: str | None = None) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        def mend() -> None:
            resolve_by(parts, "AmazonProvidedDNS")

        resolve_by(parts, OTHER_RESOLVER)
        culprits = (parts.builder.vpc, OTHER_RESOLVER, parts.endpoint_ids[endpoint] if endpoint else "")
        return Broken(tuple(filter(None, culprits)), text(parts.image), mend)

    return breaks


def _set(parts: Healthy, attribute: str, *, value: bool) -> None:
    parts.ec2.modify_vpc_attribute(VpcId=parts.builder.vpc, **{attribute: {"Value": value}})


def resolve_by(parts: Healthy, server: str) -> None:
    """Give the VPC DHCP options that name this resolver."""
    servers = {"Key": "domain-name-servers", "Values": [server]}
    options = parts.ec2.create_dhcp_options(DhcpConfigurations=[servers])["DhcpOptions"]["DhcpOptionsId"]
    parts.ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=parts.builder.vpc)


def _at_sign_in(image: str) -> str:
    return texts.timeout(image, "1.4.0")


def _at_lookup(image: str) -> str:
    return texts.lookup_failed(image, OTHER_RESOLVER)


DEFECTS = {
    "private-dns-off": Defect("endpoint-private-dns-off", _private_dns_off, "endpoints", rests_on=_BY_ZONES),
    "private-dns-and-hostnames-off": Defect(
        "endpoint-private-dns-off", _private_dns_and_hostnames_off, "endpoints", rests_on=_WAY
    ),
    "ecr-api-endpoint-missing": Defect(
        "ecr-api-endpoint-missing", _missing("ecr.api", _at_sign_in), "endpoints", rests_on=_WAY
    ),
    "ecr-dkr-endpoint-missing": Defect(
        "ecr-dkr-endpoint-missing", _missing("ecr.dkr", texts.manifest_timeout), "endpoints", rests_on=_WAY
    ),
    "ecr-dkr-endpoint-missing-main-table": Defect(
        "ecr-dkr-endpoint-missing", _missing_behind_the_main_table, "endpoints", rests_on=_WAY
    ),
    "endpoint-pending": Defect("endpoint-not-available", _state("pending"), "endpoints", rests_on=_WAY | _NAMES),
    "endpoint-failed": Defect("endpoint-not-available", _state("failed"), "endpoints", rests_on=_WAY | _NAMES),
    "endpoint-without-interface": Defect(
        "endpoint-not-available", _without_interface, "endpoints", rests_on=_WAY | _NAMES
    ),
    "s3-endpoint-missing-behind-a-hosted-zone": Defect(
        "s3-endpoint-missing", _layers_alone, "endpoints", rests_on=_WAY
    ),
    "fips-name": Defect("endpoint-lacks-name", _fips_name, "endpoints", rests_on=_BY_ZONES),
    "dual-stack-name": Defect("endpoint-lacks-name", _dual_stack_name, "endpoints", rests_on=_BY_ZONES),
    "dns-hostnames-off": Defect(
        "vpc-dns-off", _hostnames_off, "endpoints", rests_on=_WAY | {"ec2:DescribeVpcAttribute"}
    ),
    "dns-support-off": Defect(
        "vpc-dns-off",
        _support_off,
        "nat",
        "docker-hub",
        rests_on=_NAMES | {"ec2:DescribeSubnets"},
    ),
    "both-dns-attributes-off": Defect(
        "vpc-dns-off",
        _both_attributes_off,
        "endpoints",
        rests_on=_NAMES | {"ec2:DescribeSubnets"},
    ),
    "other-resolver-past-the-endpoint": Defect(
        "custom-dns-breaks-name",
        _other_resolver(_at_sign_in, "ecr.api"),
        "endpoints",
        certainty="likely",
        rests_on=_WAY | _NAMES,
    ),
    "other-resolver-does-not-answer": Defect(
        "custom-dns-breaks-name",
        _other_resolver(_at_lookup),
        "nat",
        certainty="likely",
        rests_on=_RESOLVERS | {"ec2:DescribeSubnets"},
    ),
}
