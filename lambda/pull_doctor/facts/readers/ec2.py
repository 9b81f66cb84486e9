"""Reads networks: subnets, route tables, ACLs, security groups, endpoints, gateways, and interfaces.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import answers
from pull_doctor.intake.scrub import scrub

_PAGE = 1000
_ROUTE_TABLE_PAGE = 100

_ROUTE_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_ROUTE_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "IpAddress",
)
_GONE = "a target that is gone"
"""What a blackhole leads to where EC2 no longer names it."""
_ATTACHED = ("available", "attached")
_WORKSPACE_TAGS = ("workspace", "terraform-workspace", "terraform:workspace")


@answers(questions.OneSubnet, "ec2:DescribeSubnets")
def one_subnet(aws: Aws, question: questions.OneSubnet) -> values.Subnet | None:
    """Read one subnet."""
    found = _one(aws, question, "describe_subnets", "SubnetIds", question.subnet, absent="InvalidSubnetID.NotFound")
    return None if found is None else _subnet(found["Subnets"][0])


@answers(questions.OneInterface, "ec2:DescribeNetworkInterfaces")
def one_interface(aws: Aws, question: questions.OneInterface) -> values.NetworkInterface | None:
    """Read one network interface, which EC2 forgets soon after the task has stopped."""
    found = _one(
        aws,
        question,
        "describe_network_interfaces",
        "NetworkInterfaceIds",
        question.interface,
        absent="InvalidNetworkInterfaceID.NotFound",
    )
    return None if found is None else _interface(found["NetworkInterfaces"][0])


@answers(questions.Subnets, "ec2:DescribeSubnets")
def subnets(aws: Aws, question: questions.Subnets) -> tuple[values.Subnet, ...]:
    """Read every subnet of a VPC."""
    return tuple(map(_subnet, _of_vpc(aws, question, "describe_subnets", "Subnets")))


@answers(questions.RouteTables, "ec2:DescribeRouteTables")
def route_tables(aws: Aws, question: questions.RouteTables) -> tuple[values.RouteTable, ...]:
    """Read every route table of a VPC."""
    return tuple(
        map(_route_table, _of_vpc(aws, question, "describe_route_tables", "RouteTables", page_size=_ROUTE_TABLE_PAGE))
    )


@answers(questions.NetworkAcls, "ec2:DescribeNetworkAcls")
def network_acls(aws: Aws, question: questions.NetworkAcls) -> tuple[values.NetworkAcl, ...]:
    """Read every network ACL of a VPC."""
    return tuple(map(_network_acl, _of_vpc(aws, question, "describe_network_acls", "NetworkAcls")))


@answers(questions.SecurityGroups, "ec2:DescribeSecurityGroups")
def security_groups(aws: Aws, question: questions.SecurityGroups) -> tuple[values.SecurityGroup, ...]:
    """Read every security group of a VPC."""
    return tuple(map(_security_group, _of_vpc(aws, question, "describe_security_groups", "SecurityGroups")))


@answers(questions.VpcEndpoints, "ec2:DescribeVpcEndpoints")
def vpc_endpoints(aws: Aws, question: questions.VpcEndpoints) -> tuple[values.VpcEndpoint, ...]:
    """Read every endpoint of a VPC."""
    return tuple(map(_vpc_endpoint, _of_vpc(aws, question, "describe_vpc_endpoints", "VpcEndpoints")))


@answers(questions.EndpointInterfaces, "ec2:DescribeNetworkInterfaces")
def endpoint_interfaces(aws: Aws, question: questions.EndpointInterfaces) -> tuple[values.NetworkInterface, ...]:
    """Read the interfaces of the VPC's endpoints: by their type, as a VPC can have thousands of others."""
    of_endpoints = {"Name": "interface-type", "Values": ["vpc_endpoint"]}
    found = _of_vpc(aws, question, "describe_network_interfaces", "NetworkInterfaces", of_endpoints)
    return tuple(map(_interface, found))


@answers(questions.NatGateways, "ec2:DescribeNatGateways")
def nat_gateways(aws: Aws, question: questions.NatGateways) -> tuple[values.NatGateway, ...]:
    """Read every NAT gateway of a VPC. One without a connectivity type is public; a regional one is in no subnet.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html
    """
    of_vpc = [{"Name": "vpc-id", "Values": [question.vpc]}]
    return tuple(map(_nat_gateway, _pages(aws, question, "describe_nat_gateways", "NatGateways", Filter=of_vpc)))


@answers(questions.InternetGateways, "ec2:DescribeInternetGateways")
def internet_gateways(aws: Aws, question: questions.InternetGateways) -> tuple[values.InternetGateway, ...]:
    """Read every internet gateway of the Region, as one that is detached belongs to no VPC.

    An attachment that is coming or going is none.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InternetGatewayAttachment.html
    """
    return tuple(map(_internet_gateway, _pages(aws, question, "describe_internet_gateways", "InternetGateways")))


@answers(questions.S3PrefixList, "ec2:DescribePrefixLists")
def s3_prefix_list(aws: Aws, question: questions.S3PrefixList) -> values.PrefixList | None:
    """Read the Region's prefix list of Amazon S3."""
    name = f"com.amazonaws.{question.region}.s3"
    named = [{"Name": "prefix-list-name", "Values": [name]}]
    found = _pages(aws, question, "describe_prefix_lists", "PrefixLists", Filters=named)
    lists = (
        values.PrefixList(each["PrefixListId"], each["PrefixListName"], tuple(each.get("Cidrs", []))) for each in found
    )
    return next((each for each in lists if each.name == name), None)


def _one(
    aws: Aws, question: questions.Question[Any], operation: str, parameter: str, wanted: str, *, absent: str
) -> Mapping[str, Any] | None:
    """The answer about one id, or ``None`` if EC2 has no such thing."""
    ec2 = aws.client("ec2", question.region, question.account)
    try:
        found: Mapping[str, Any] = getattr(ec2, operation)(**{parameter: [wanted]})
    except ClientError as error:
        if error_code(error) == absent:
            return None
        raise
    return found


def _of_vpc(
    aws: Aws, question: Any, operation: str, member: str, *more: dict[str, Any], page_size: int = _PAGE
) -> list[Any]:
    """Every item of the question's VPC that passes the further filters."""
    filters = [{"Name": "vpc-id", "Values": [question.vpc]}, *more]
    return _pages(aws, question, operation, member, page_size=page_size, Filters=filters)


def _pages(
    aws: Aws, question: Any, operation: str, member: str, *, page_size: int = _PAGE, **parameters: Any
) -> list[Any]:
    """The items of all pages. An answer without its list is a failure, not an empty list."""
    ec2 = aws.client("ec2", question.region, question.account)
    paginator = ec2.get_paginator(operation)
    pages = paginator.paginate(PaginationConfig={"PageSize": page_size}, **parameters)
    return [item for page in pages for item in page[member]]


def _subnet(item: Mapping[str, Any]) -> values.Subnet:
    return values.Subnet(
        id=item["SubnetId"],
        vpc=item["VpcId"],
        zone=item["AvailabilityZone"],
        cidr=item.get("CidrBlock"),
        owner=item.get("OwnerId"),
    )


def _route_table(item: Mapping[str, Any]) -> values.RouteTable:
    associations = [
        each
        for each in item.get("Associations", [])
        if each.get("AssociationState", {}).get("State", "associated") == "associated"
    ]
    return values.RouteTable(
        id=item["RouteTableId"],
        main=any(each.get("Main", False) for each in associations),
        subnets=tuple(each["SubnetId"] for each in associations if "SubnetId" in each),
        routes=tuple(map(_route, item["Routes"])),
        managed_by=_managed_by(item.get("Tags", [])),
    )


def _route(item: Mapping[str, Any]) -> values.Route:
    dead = item.get("State") == "blackhole"
    return values.Route(
        destination=_first(item, _ROUTE_DESTINATIONS),
        target=_GONE
        if dead and not any(item.get(member) for member in _ROUTE_TARGETS)
        else _first(item, _ROUTE_TARGETS),
        state=item.get("State", "active"),
    )


def _first(item: Mapping[str, Any], members: Sequence[str]) -> str:
    """The first of these members that the item has; a route with none is one that we do not understand."""
    for member in members:
        if item.get(member):
            return str(item[member])
    raise KeyError(f"none of {', '.join(members)} in the answer")


def _network_acl(item: Mapping[str, Any]) -> values.NetworkAcl:
    return values.NetworkAcl(
        id=item["NetworkAclId"],
        subnets=tuple(each["SubnetId"] for each in item.get("Associations", [])),
        entries=tuple(map(_acl_entry, item["Entries"])),
    )


def _acl_entry(item: Mapping[str, Any]) -> values.AclEntry:
    ports = item.get("PortRange") or {}
    return values.AclEntry(
        number=int(item["RuleNumber"]),
        egress=item["Egress"],
        allow=item["RuleAction"] == "allow",
        protocol=str(item["Protocol"]),
        cidr=_first(item, ("CidrBlock", "Ipv6CidrBlock")),
        ports=_ports(str(item["Protocol"]), ports.get("From"), ports.get("To")),
    )


def _ports(protocol: str, first: int | str | None, last: int | str | None) -> tuple[int, int] | None:
    if protocol == "-1" or first is None or last is None:
        return None
    return int(first), int(last)


def _security_group(item: Mapping[str, Any]) -> values.SecurityGroup:
    return values.SecurityGroup(
        id=item["GroupId"],
        ingress=tuple(map(_group_rule, item["IpPermissions"])),
        egress=tuple(map(_group_rule, item["IpPermissionsEgress"])),
        managed_by=_managed_by(item.get("Tags", [])),
    )


def _group_rule(item: Mapping[str, Any]) -> values.GroupRule:
    protocol = str(item["IpProtocol"])
    return values.GroupRule(
        protocol=protocol,
        ports=_ports(protocol, item.get("FromPort"), item.get("ToPort")),
        cidrs=(
            *(each["CidrIp"] for each in item.get("IpRanges", [])),
            *(each["CidrIpv6"] for each in item.get("Ipv6Ranges", [])),
        ),
        groups=tuple(each["GroupId"] for each in item.get("UserIdGroupPairs", [])),
        prefix_lists=tuple(each["PrefixListId"] for each in item.get("PrefixListIds", [])),
    )


def _vpc_endpoint(item: Mapping[str, Any]) -> values.VpcEndpoint:
    return values.VpcEndpoint(
        id=item["VpcEndpointId"],
        type=item.get("VpcEndpointType", "Gateway"),
        service=item.get("ServiceName", ""),
        state=item["State"].lower(),
        service_region=item.get("ServiceRegion"),
        subnets=tuple(item.get("SubnetIds", [])),
        groups=tuple(each["GroupId"] for each in item.get("Groups", [])),
        route_tables=tuple(item.get("RouteTableIds", [])),
        interfaces=tuple(item.get("NetworkInterfaceIds", [])),
        private_dns=item["PrivateDnsEnabled"] if item.get("VpcEndpointType") == "Interface" else False,
        dns_names=tuple(each["DnsName"] for each in item.get("DnsEntries", []) if "DnsName" in each),
        inbound_resolver_only=item.get("DnsOptions", {}).get("PrivateDnsOnlyForInboundResolverEndpoint", False),
        managed_by=_managed_by(item.get("Tags", [])),
        policy=item.get("PolicyDocument"),
    )


def _nat_gateway(item: Mapping[str, Any]) -> values.NatGateway:
    return values.NatGateway(
        id=item["NatGatewayId"],
        state=item["State"],
        private=item.get("ConnectivityType") == "private",
        subnet=item.get("SubnetId"),
        regional=item.get("AvailabilityMode") == "regional",
    )


def _internet_gateway(item: Mapping[str, Any]) -> values.InternetGateway:
    attachments = item.get("Attachments", [])
    return values.InternetGateway(
        id=item["InternetGatewayId"],
        vpcs=tuple(each["VpcId"] for each in attachments if each.get("State", "available") in _ATTACHED),
    )


def _interface(item: Mapping[str, Any]) -> values.NetworkInterface:
    return values.NetworkInterface(
        id=item["NetworkInterfaceId"],
        subnet=item["SubnetId"],
        groups=tuple(each["GroupId"] for each in item.get("Groups", [])),
        private_ip=item.get("PrivateIpAddress"),
        public_ip=item.get("Association", {}).get("PublicIp"),
    )


def _managed_by(tags: Sequence[Mapping[str, str]]) -> str | None:
    """The CloudFormation stack or the Terraform that owns a resource, as far as its tags tell."""
    by_key = {tag["Key"]: scrub(tag["Value"]) for tag in tags}
    if stack := by_key.get("aws:cloudformation:stack-name"):
        return f"CloudFormation stack {stack}"
    lower = {key.lower(): value for key, value in by_key.items()}
    marks = (lower.get(key, "").lower() for key in ("managed-by", "managed_by", "managedby"))
    if "terraform" not in marks and lower.get("terraform", "").lower() != "true":
        return None
    workspace = next((lower[key] for key in _WORKSPACE_TAGS if lower.get(key)), None)
    return f"Terraform workspace {workspace}" if workspace else "Terraform"
