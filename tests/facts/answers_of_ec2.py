"""One full answer of EC2 for every question about networks, with the value that the diagnosis makes of it."""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from tests.facts.botocore_world import OWN_ACCOUNT, AwsError
from tests.facts.case import HERE, PROFILE, Case

SUBNET = {
    "SubnetId": "subnet-1",
    "VpcId": "vpc-1",
    "AvailabilityZone": "eu-west-1a",
    "CidrBlock": "10.0.0.0/24",
    "OwnerId": OWN_ACCOUNT,
    "Ipv6CidrBlockAssociationSet": [
        {"Ipv6CidrBlock": "2001:db8:0:1::/64", "Ipv6CidrBlockState": {"State": "disassociated"}},
        {"Ipv6CidrBlock": "2001:db8:0:2::/64", "Ipv6CidrBlockState": {"State": "associated"}},
    ],
    "EnableDns64": True,
    "BlockPublicAccessStates": {"InternetGatewayBlockMode": "block-ingress"},
}
SUBNET_VALUE = v.Subnet(
    "subnet-1",
    "vpc-1",
    "eu-west-1a",
    "10.0.0.0/24",
    OWN_ACCOUNT,
    ipv6_cidr="2001:db8:0:2::/64",
    dns64=True,
    gateway_block="block-ingress",
)
INTERFACE = {
    "NetworkInterfaceId": "eni-1",
    "VpcId": "vpc-1",
    "SubnetId": "subnet-1",
    "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
    "PrivateIpAddress": "10.0.0.9",
    "Association": {"PublicIp": "198.51.100.9"},
    "Ipv6Addresses": [{"Ipv6Address": "2001:db8:0:2::9"}],
}
INTERFACE_VALUE = v.NetworkInterface(
    "eni-1", "subnet-1", ("sg-1",), "10.0.0.9", "198.51.100.9", ipv6=("2001:db8:0:2::9",)
)
INSTANCE = {
    "InstanceId": "i-1",
    "State": {"Code": 16, "Name": "running"},
    "VpcId": "vpc-1",
    "SubnetId": "subnet-1",
    "PublicIpAddress": "198.51.100.7",
    "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}],
    "IamInstanceProfile": {"Arn": PROFILE, "Id": "AIPAEXAMPLE123456"},
    "NetworkInterfaces": [
        {**INTERFACE, "NetworkInterfaceId": "eni-2", "Attachment": {"DeviceIndex": 1, "NetworkCardIndex": 0}},
        {**INTERFACE, "NetworkInterfaceId": "eni-3", "Attachment": {"DeviceIndex": 0, "NetworkCardIndex": 1}},
        {**INTERFACE, "Attachment": {"DeviceIndex": 0, "NetworkCardIndex": 0}},
    ],
}
INSTANCE_VALUE = v.Instance(
    "i-1",
    "running",
    "vpc-1",
    "subnet-1",
    "eni-1",
    ("sg-1",),
    "10.0.0.9",
    "198.51.100.9",
    ipv6=("2001:db8:0:2::9",),
    profile=PROFILE,
)
ENDPOINT = {
    "VpcEndpointId": "vpce-1",
    "VpcEndpointType": "Interface",
    "VpcId": "vpc-1",
    "ServiceName": "com.amazonaws.eu-west-1.s3",
    "ServiceRegion": "eu-west-1",
    "State": "Available",
    "SubnetIds": ["subnet-1"],
    "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
    "NetworkInterfaceIds": ["eni-1"],
    "PrivateDnsEnabled": True,
    "DnsOptions": {"PrivateDnsOnlyForInboundResolverEndpoint": True},
    "DnsEntries": [{"DnsName": "vpce-1.s3.eu-west-1.vpce.amazonaws.com"}, {"DnsName": "s3.eu-west-1.amazonaws.com"}],
    "Tags": [{"Key": "ManagedBy", "Value": "Terraform"}, {"Key": "Workspace", "Value": "network"}],
    "PolicyDocument": '{"Statement": []}',
    "IpAddressType": "dualstack",
}
GATEWAY_ENDPOINT = {
    "VpcEndpointId": "vpce-2",
    "VpcEndpointType": "Gateway",
    "VpcId": "vpc-1",
    "ServiceName": "com.amazonaws.eu-west-1.s3",
    "State": "available",
    "RouteTableIds": ["rtb-1"],
    "PrivateDnsEnabled": False,
}


CASES = (
    Case(
        q.OneSubnet(*HERE, "subnet-1"),
        "DescribeSubnets",
        [{"Subnets": [SUBNET]}],
        SUBNET_VALUE,
        gone=(AwsError("InvalidSubnetID.NotFound"),),
    ),
    Case(
        q.OneInterface(*HERE, "eni-1"),
        "DescribeNetworkInterfaces",
        [{"NetworkInterfaces": [INTERFACE]}],
        INTERFACE_VALUE,
        gone=(AwsError("InvalidNetworkInterfaceID.NotFound"),),
    ),
    Case(
        q.OneInstance(*HERE, "i-1"),
        "DescribeInstances",
        [{"Reservations": [{"ReservationId": "r-1", "Instances": [INSTANCE]}]}],
        INSTANCE_VALUE,
        gone=(AwsError("InvalidInstanceID.NotFound"), AwsError("InvalidInstanceID.Malformed")),
    ),
    Case(
        q.Subnets(*HERE, "vpc-1"),
        "DescribeSubnets",
        [
            {"Subnets": [SUBNET]},
            {"Subnets": [{"SubnetId": "subnet-2", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1b"}]},
        ],
        (SUBNET_VALUE, v.Subnet("subnet-2", "vpc-1", "eu-west-1b", None)),
        token="NextToken",
    ),
    Case(
        q.RouteTables(*HERE, "vpc-1"),
        "DescribeRouteTables",
        [
            {
                "RouteTables": [
                    {
                        "RouteTableId": "rtb-1",
                        "Associations": [
                            {"Main": True, "AssociationState": {"State": "associated"}},
                            {"Main": False, "SubnetId": "subnet-1"},
                            {"Main": False, "SubnetId": "subnet-2", "AssociationState": {"State": "disassociated"}},
                            {"Main": False, "GatewayId": "igw-1", "AssociationState": {"State": "associated"}},
                        ],
                        "Routes": [
                            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                            {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-2", "State": "active"},
                            {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"},
                            {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"},
                            {
                                "DestinationCidrBlock": "10.9.0.0/16",
                                "CoreNetworkArn": "arn:aws:networkmanager::1:core-network/c",
                            },
                        ],
                        "Tags": [{"Key": "aws:cloudformation:stack-name", "Value": "net"}],
                    }
                ]
            },
            {"RouteTables": [{"RouteTableId": "rtb-2", "Associations": [], "Routes": []}]},
        ],
        (
            v.RouteTable(
                "rtb-1",
                main=True,
                subnets=("subnet-1",),
                routes=(
                    v.Route("10.0.0.0/16", "local", "active"),
                    v.Route("pl-1", "vpce-2", "active"),
                    v.Route("0.0.0.0/0", "nat-1", "blackhole"),
                    v.Route("::/0", "eigw-1", "active"),
                    v.Route("10.9.0.0/16", "arn:aws:networkmanager::1:core-network/c", "active"),
                ),
                managed_by="CloudFormation stack net",
            ),
            v.RouteTable("rtb-2", main=False, subnets=(), routes=()),
        ),
        token="NextToken",
    ),
    Case(
        q.NetworkAcls(*HERE, "vpc-1"),
        "DescribeNetworkAcls",
        [
            {
                "NetworkAcls": [
                    {
                        "NetworkAclId": "acl-1",
                        "IsDefault": False,
                        "Associations": [{"SubnetId": "subnet-1", "NetworkAclId": "acl-1"}],
                        "Entries": [
                            {
                                "RuleNumber": 100,
                                "Egress": True,
                                "RuleAction": "allow",
                                "Protocol": "6",
                                "CidrBlock": "0.0.0.0/0",
                                "PortRange": {"From": 443, "To": 443},
                            },
                            {
                                "RuleNumber": 32767,
                                "Egress": False,
                                "RuleAction": "deny",
                                "Protocol": "-1",
                                "Ipv6CidrBlock": "::/0",
                            },
                        ],
                    }
                ]
            },
            {"NetworkAcls": [{"NetworkAclId": "acl-2", "IsDefault": True, "Entries": []}]},
        ],
        (
            v.NetworkAcl(
                "acl-1",
                subnets=("subnet-1",),
                entries=(
                    v.AclEntry(100, egress=True, allow=True, protocol="6", cidr="0.0.0.0/0", ports=(443, 443)),
                    v.AclEntry(32767, egress=False, allow=False, protocol="-1", cidr="::/0"),
                ),
            ),
            v.NetworkAcl("acl-2", subnets=(), entries=()),
        ),
        token="NextToken",
    ),
    Case(
        q.SecurityGroups(*HERE, "vpc-1"),
        "DescribeSecurityGroups",
        [
            {
                "SecurityGroups": [
                    {
                        "GroupId": "sg-1",
                        "GroupName": "web",
                        "IpPermissions": [
                            {
                                "IpProtocol": "tcp",
                                "FromPort": 443,
                                "ToPort": 443,
                                "IpRanges": [{"CidrIp": "10.0.0.0/16"}],
                                "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}],
                                "UserIdGroupPairs": [{"GroupId": "sg-2"}],
                                "PrefixListIds": [{"PrefixListId": "pl-1"}],
                            }
                        ],
                        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
                        "Tags": [{"Key": "terraform", "Value": "true"}],
                    }
                ]
            },
            {
                "SecurityGroups": [
                    {"GroupId": "sg-2", "GroupName": "db", "IpPermissions": [], "IpPermissionsEgress": []}
                ]
            },
        ],
        (
            v.SecurityGroup(
                "sg-1",
                ingress=(v.GroupRule("tcp", (443, 443), ("10.0.0.0/16", "2001:db8::/64"), ("sg-2",), ("pl-1",)),),
                egress=(v.GroupRule("-1", None, ("0.0.0.0/0",)),),
                managed_by="Terraform",
            ),
            v.SecurityGroup("sg-2", (), ()),
        ),
        token="NextToken",
    ),
    Case(
        q.VpcEndpoints(*HERE, "vpc-1"),
        "DescribeVpcEndpoints",
        [{"VpcEndpoints": [ENDPOINT]}, {"VpcEndpoints": [GATEWAY_ENDPOINT]}],
        (
            v.VpcEndpoint(
                "vpce-1",
                "Interface",
                "com.amazonaws.eu-west-1.s3",
                "available",
                service_region="eu-west-1",
                subnets=("subnet-1",),
                groups=("sg-1",),
                interfaces=("eni-1",),
                private_dns=True,
                dns_names=("vpce-1.s3.eu-west-1.vpce.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
                inbound_resolver_only=True,
                managed_by="Terraform workspace network",
                policy='{"Statement": []}',
                ip_type="dualstack",
            ),
            v.VpcEndpoint("vpce-2", "Gateway", "com.amazonaws.eu-west-1.s3", "available", route_tables=("rtb-1",)),
        ),
        token="NextToken",
    ),
    Case(
        q.EndpointInterfaces(*HERE, "vpc-1"),
        "DescribeNetworkInterfaces",
        [{"NetworkInterfaces": [INTERFACE]}, {"NetworkInterfaces": [INTERFACE | {"NetworkInterfaceId": "eni-2"}]}],
        (INTERFACE_VALUE, replace(INTERFACE_VALUE, id="eni-2")),
        token="NextToken",
    ),
    Case(
        q.OneVpc(*HERE, "vpc-1"),
        "DescribeVpcs",
        [
            {
                "Vpcs": [
                    {
                        "VpcId": "vpc-1",
                        "CidrBlock": "10.0.0.0/16",
                        "DhcpOptionsId": "dopt-1",
                        "CidrBlockAssociationSet": [
                            {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
                            {"CidrBlock": "100.64.0.0/16", "CidrBlockState": {"State": "associated"}},
                            {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "disassociated"}},
                        ],
                        "Ipv6CidrBlockAssociationSet": [
                            {"Ipv6CidrBlock": "2001:db8::/56", "Ipv6CidrBlockState": {"State": "associated"}},
                            {"Ipv6CidrBlock": "2001:db8:1::/56", "Ipv6CidrBlockState": {"State": "disassociating"}},
                        ],
                    }
                ]
            }
        ],
        v.VpcDetails(("10.0.0.0/16", "100.64.0.0/16"), "dopt-1", ("2001:db8::/56",)),
        gone=(AwsError("InvalidVpcID.NotFound"),),
    ),
    Case(
        q.DhcpOptionSets(*HERE),
        "DescribeDhcpOptions",
        [
            {
                "DhcpOptions": [
                    {
                        "DhcpOptionsId": "dopt-1",
                        "DhcpConfigurations": [
                            {"Key": "domain-name", "Values": [{"Value": "corp.example"}]},
                            {"Key": "domain-name-servers", "Values": [{"Value": "10.0.0.53"}, {"Value": "10.0.0.54"}]},
                        ],
                    },
                    {"DhcpOptionsId": "dopt-2"},
                ]
            },
            {
                "DhcpOptions": [
                    {
                        "DhcpOptionsId": "dopt-3",
                        "DhcpConfigurations": [
                            {"Key": "domain-name-servers", "Values": [{"Value": "10.0.0.53, AmazonProvidedDNS"}]}
                        ],
                    }
                ]
            },
        ],
        (
            v.DhcpOptions("dopt-1", ("10.0.0.53", "10.0.0.54")),
            v.DhcpOptions("dopt-2", ()),
            v.DhcpOptions("dopt-3", ("10.0.0.53", "AmazonProvidedDNS")),
        ),
        token="NextToken",
    ),
    Case(
        q.DnsSupport(*HERE, "vpc-1"),
        "DescribeVpcAttribute",
        [{"VpcId": "vpc-1", "EnableDnsSupport": {"Value": True}}],
        value=True,
    ),
    Case(
        q.DnsHostnames(*HERE, "vpc-1"),
        "DescribeVpcAttribute",
        [{"VpcId": "vpc-1", "EnableDnsHostnames": {"Value": False}}],
        value=False,
    ),
)
