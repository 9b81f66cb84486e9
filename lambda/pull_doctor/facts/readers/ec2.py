"""Reads networks: subnets, interfaces, instances, route tables, ACLs, security groups, and endpoints.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.readers.ec2_calls import EVEN_HIDDEN, of_vpc, one
from pull_doctor.facts.readers.reader import answers
from pull_doctor.intake.scrub import scrub

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
_NO_RANGE = ("associating", "disassociating", "disassociated", "failing", "failed")
_NO_INSTANCE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
_PROPAGATED = ("EnableVgwRoutePropagation", "Advertisement")
_GONE = "a target that is gone"
"""What a blackhole leads to where EC2 no longer names it."""
_WORKSPACE_TAGS = ("workspace", "terraform-workspace", "terraform:workspace")


@answers(questions.OneSubnet, "ec2:DescribeSubnets")
def one_subnet(aws: Aws, question: questions.OneSubnet) -> values.Subnet | None:
    """Read one subnet."""
    found = one(aws, question, "describe_subnets", {"SubnetIds": [question.subnet]}, "InvalidSubnetID.NotFound")
    return None if found is None else _subnet(found["Subnets"][0])


@answers(questions.OneInterface, "ec2:DescribeNetworkInterfaces")
def one_interface(aws: Aws, question: questions.OneInterface) -> values.NetworkInterface | None:
    """Read one network interface, which EC2 forgets soon after the task has stopped."""
    wanted = {"NetworkInterfaceIds": [question.interface], **EVEN_HIDDEN}
    found = one(aws, question, "describe_network_interfaces", wanted, "InvalidNetworkInterfaceID.NotFound")
    return None if found is None else _interface(found["NetworkInterfaces"][0])


@answers(questions.OneInstance, "ec2:DescribeInstances")
def one_instance(aws: Aws, question: questions.OneInstance) -> values.Instance | None:
    """Read one instance by its primary interface, which a terminated one has no more.

    An id that no instance can have, such as ``mi-...`` of a machine on premises, is one that EC2 does not know.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """
    wanted = {"InstanceIds": [question.instance], **EVEN_HIDDEN}
    found = one(aws, question, "describe_instances", wanted, *_NO_INSTANCE)
    return None if found is None else _instance(found["Reservations"][0]["Instances"][0])


@answers(questions.Subnets, "ec2:DescribeSubnets")
def subnets(aws: Aws, question: questions.Subnets) -> tuple[values.Subnet, ...]:
    """Read every subnet of a VPC."""
    return tuple(map(_subnet, of_vpc(aws, question, "describe_subnets", "Subnets")))


@answers(questions.RouteTables, "ec2:DescribeRouteTables")
def route_tables(aws: Aws, question: questions.RouteTables) -> tuple[values.RouteTable, ...]:
    """Read every route table of a VPC."""
    return tuple(
        map(_route_table, of_vpc(aws, question, "describe_route_tables", "RouteTables", page_size=_ROUTE_TABLE_PAGE))
    )


@answers(questions.NetworkAcls, "ec2:DescribeNetworkAcls")
def network_acls(aws: Aws, question: questions.NetworkAcls) -> tuple[values.NetworkAcl, ...]:
    """Read every network ACL of a VPC."""
    return tuple(map(_network_acl, of_vpc(aws, question, "describe_network_acls", "NetworkAcls")))


@answers(questions.SecurityGroups, "ec2:DescribeSecurityGroups")
def security_groups(aws: Aws, question: questions.SecurityGroups) -> tuple[values.SecurityGroup, ...]:
    """Read every security group of a VPC."""
    return tuple(map(_security_group, of_vpc(aws, question, "describe_security_groups", "SecurityGroups")))


@answers(questions.VpcEndpoints, "ec2:DescribeVpcEndpoints")
def vpc_endpoints(aws: Aws, question: questions.VpcEndpoints) -> tuple[values.VpcEndpoint, ...]:
    """Read every endpoint of a VPC."""
    return tuple(map(_vpc_endpoint, of_vpc(aws, question, "describe_vpc_endpoints", "VpcEndpoints")))


@answers(questions.EndpointInterfaces, "ec2:DescribeNetworkInterfaces")
def endpoint_interfaces(aws: Aws, question: questions.EndpointInterfaces) -> tuple[values.NetworkInterface, ...]:
    """Read the interfaces of the VPC's endpoints: by their type, as a VPC can have thousands of others."""
    of_endpoints = {"Name": "interface-type", "Values": ["vpc_endpoint"]}
    found = of_vpc(aws, question, "describe_network_interfaces", "NetworkInterfaces", of_endpoints, **EVEN_HIDDEN)
    return tuple(map(_interface, found))


def _subnet(item: Mapping[str, Any]) -> values.Subnet:
    return values.Subnet(
        id=item["SubnetId"],
        vpc=item["VpcId"],
        zone=item["AvailabilityZone"],
        cidr=item.get("CidrBlock"),
        owner=item.get("OwnerId"),
        ipv6_cidr=next(_ipv6_ranges(item), None),
        dns64=item.get("EnableDns64", False),
        gateway_block=item.get("BlockPublicAccessStates", {}).get("InternetGatewayBlockMode"),
    )


def _ipv6_ranges(item: Mapping[str, Any]) -> Iterator[str]:
    """The IPv6 ranges of a subnet, without those that are coming or going.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SubnetCidrBlockState.html
    """
    for each in item.get("Ipv6CidrBlockAssociationSet", []):
        if each.get("Ipv6CidrBlockState", {}).get("State") not in _NO_RANGE:
            yield each["Ipv6CidrBlock"]


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
        propagated=item.get("Origin") in _PROPAGATED,
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
        ip_type=item.get("IpAddressType"),
    )


def _interface(item: Mapping[str, Any]) -> values.NetworkInterface:
    return values.NetworkInterface(
        id=item["NetworkInterfaceId"],
        subnet=item["SubnetId"],
        groups=tuple(each["GroupId"] for each in item.get("Groups", [])),
        private_ip=item.get("PrivateIpAddress"),
        public_ip=item.get("Association", {}).get("PublicIp"),
        ipv6=tuple(each["Ipv6Address"] for each in item.get("Ipv6Addresses", [])),
    )


def _instance(item: Mapping[str, Any]) -> values.Instance:
    primary = next(filter(_is_primary, item.get("NetworkInterfaces", [])), None)
    interface = _interface(primary) if primary else None
    return values.Instance(
        id=item["InstanceId"],
        state=item["State"]["Name"],
        vpc=item.get("VpcId"),
        subnet=interface.subnet if interface else None,
        interface=interface.id if interface else None,
        groups=interface.groups if interface else (),
        private_ip=interface.private_ip if interface else None,
        public_ip=interface.public_ip if interface else None,
        ipv6=interface.ipv6 if interface else (),
        profile=item.get("IamInstanceProfile", {}).get("Arn"),
    )


def _is_primary(interface: Mapping[str, Any]) -> bool:
    """Whether an instance's interface is the one that it was launched with: the first device of its first card.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
    """
    attachment: Mapping[str, int] = interface.get("Attachment", {})
    return attachment.get("DeviceIndex") == 0 and attachment.get("NetworkCardIndex", 0) == 0


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
