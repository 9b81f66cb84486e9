"""The network of a world: VPC, subnets, route tables, gateways, endpoints, groups and ACLs, made through EC2's API."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import islice
from typing import Any

from tests.emulated import moto_repairs
from tests.emulated.aws import EmulatedAws


class Network:
    """Makes the parts of one VPC in one account; ``vpc`` and ``task_group`` are set by ``network``."""

    def __init__(self, aws: EmulatedAws, account: str) -> None:
        self.aws = aws
        self.account = account
        self.region = aws.region
        self.vpc = ""
        self.task_group = ""

    def client(self, service: str) -> Any:
        """The boto3 client of this world's account."""
        return self.aws.client(service, account=self.account)

    def network(self, *, ipv6: bool = False) -> None:
        """A VPC 10.0.0.0/16 with DNS hostnames on, whose main route table only reaches it, and the tasks' group.

        With ``ipv6`` it has a range of these addresses too.
        """
        ec2 = self.client("ec2")
        made = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=ipv6)
        self.vpc = made["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.task_group = self.group("tasks")

    def subnet(self, cidr: str, zone: str, table: str | None) -> str:
        """A subnet; without a ``table`` of its own it uses the VPC's main one."""
        ec2 = self.client("ec2")
        subnet: str = ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=self.region + zone)["Subnet"][
            "SubnetId"
        ]
        if table:
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return subnet

    def ipv6_subnet(self, number: int, zone: str, table: str | None, *, cidr: str | None, dns64: bool = False) -> str:
        """A subnet with the VPC's IPv6 range of this number; IPv6 alone unless ``cidr`` gives it IPv4 as well.

        Its interfaces get an IPv6 address each.
        """
        ec2 = self.client("ec2")
        vpc = ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]
        whole = ip_network(vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])
        own = next(islice(whole.subnets(new_prefix=64), number, None))
        subnet: str = ec2.create_subnet(
            VpcId=self.vpc,
            AvailabilityZone=self.region + zone,
            Ipv6CidrBlock=str(own),
            **({"CidrBlock": cidr} if cidr else {"Ipv6Native": True}),
        )["Subnet"]["SubnetId"]
        ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True})
        ec2.modify_subnet_attribute(SubnetId=subnet, EnableDns64={"Value": dns64})
        if table:
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return subnet

    def route(self, table: str, destination: str, **target: str) -> None:
        """A route of a table to an IPv4 or IPv6 range, or to a prefix list."""
        member = (
            "DestinationPrefixListId"
            if destination.startswith("pl-")
            else "DestinationIpv6CidrBlock"
            if ":" in destination
            else "DestinationCidrBlock"
        )
        self.client("ec2").create_route(RouteTableId=table, **{member: destination}, **target)

    def prefix_list(self, name: str, *cidrs: str) -> str:
        """A prefix list of the account's own, of one family."""
        made = self.client("ec2").create_managed_prefix_list(
            PrefixListName=name,
            MaxEntries=10,
            AddressFamily="IPv6" if ":" in cidrs[0] else "IPv4",
            Entries=[{"Cidr": cidr} for cidr in cidrs],
        )
        found: str = made["PrefixList"]["PrefixListId"]
        return found

    def egress_only_gateway(self) -> str:
        """An egress-only internet gateway of the VPC."""
        made = self.client("ec2").create_egress_only_internet_gateway(VpcId=self.vpc)
        gateway: str = made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
        return gateway

    def regional_nat_gateway(self) -> str:
        """A NAT gateway in no subnet; its own route table leads to the VPC's internet gateway, which is there."""
        made = self.client("ec2").create_nat_gateway(VpcId=self.vpc, AvailabilityMode="regional")
        nat: str = made["NatGateway"]["NatGatewayId"]
        return nat

    def table(self, **default_route: str) -> str:
        """A route table; ``GatewayId`` or ``NatGatewayId`` gives it a default route."""
        ec2 = self.client("ec2")
        table: str = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        if default_route:
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **default_route)
        return table

    def main_table(self) -> str:
        """The main route table of the VPC."""
        tables = self.client("ec2").describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])
        main: str = next(
            table["RouteTableId"]
            for table in tables["RouteTables"]
            if any(association["Main"] for association in table["Associations"])
        )
        return main

    def internet_gateway(self) -> str:
        """An internet gateway, attached."""
        ec2 = self.client("ec2")
        gateway: str = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        return gateway

    def nat_gateway(self, internet_gateway: str) -> str:
        """A public NAT gateway in a public subnet of its own."""
        ec2 = self.client("ec2")
        subnet = self.subnet("10.0.0.0/24", "a", self.table(GatewayId=internet_gateway))
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat: str = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
        moto_repairs.ec2(self.account, self.region).nat_gateways[nat].connectivity_type = "public"
        return nat

    def group(self, name: str, https_from: str | None = None) -> str:
        """A security group that lets everything out, and tcp 443 in from a CIDR."""
        ec2 = self.client("ec2")
        group: str = ec2.create_security_group(VpcId=self.vpc, GroupName=name, Description=name)["GroupId"]
        if https_from:
            self.allow_https(group, https_from)
        return group

    def allow_https(self, group: str, source: str) -> None:
        """Let tcp 443 in from a CIDR or another security group."""
        rule: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
        rule |= (
            {"UserIdGroupPairs": [{"GroupId": source}]} if source[:3] == "sg-" else {"IpRanges": [{"CidrIp": source}]}
        )
        self.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])

    def interface_endpoint(self, service: str, subnet: str, group: str, region: str | None = None) -> str:
        """An interface endpoint with private DNS (``ecr.api``), for the service in a Region; its interface's address.

        https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-cross-region-privatelink-support.html
        """
        ec2, region = self.client("ec2"), region or self.region
        endpoint = ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{region}.{service}",
            ServiceRegion=region,
            SubnetIds=[subnet],
            SecurityGroupIds=[group],
            PrivateDnsEnabled=True,
        )["VpcEndpoint"]
        interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])
        address: str = interfaces["NetworkInterfaces"][0]["PrivateIpAddress"]
        return address

    def s3_endpoint(self, table: str) -> str:
        """The S3 gateway endpoint, on a route table."""
        endpoint: str = self.client("ec2").create_vpc_endpoint(
            VpcId=self.vpc,
            VpcEndpointType="Gateway",
            ServiceName=f"com.amazonaws.{self.region}.s3",
            RouteTableIds=[table],
        )["VpcEndpoint"]["VpcEndpointId"]
        return endpoint

    def acl_without_replies(self, subnet: str) -> str:
        """An ACL that names what it allows and forgets the replies, which its implicit ``*`` rule then denies."""
        ec2 = self.client("ec2")
        acl: str = ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        https = {
            "Protocol": "6",
            "RuleAction": "allow",
            "CidrBlock": "0.0.0.0/0",
            "PortRange": {"From": 443, "To": 443},
        }
        for egress in (True, False):
            ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=egress, **https)
        acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["NetworkAcls"]
        association = next(
            association["NetworkAclAssociationId"]
            for found in acls
            for association in found["Associations"]
            if association["SubnetId"] == subnet
        )
        ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)
        return acl
