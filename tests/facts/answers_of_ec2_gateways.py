"""One full answer of EC2 for every question about the ways out of a VPC, and the value that is made of it."""

from __future__ import annotations

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, AwsError
from tests.facts.case import HERE, Case

_OF_THE_ACCOUNT = f"arn:aws:ec2:{REGION}:{OWN_ACCOUNT}:"


def _exclusion(resource: str, mode: str, state: str) -> dict[str, str]:
    return {
        "ExclusionId": f"vpcbpa-exclude-{state}",
        "ResourceArn": _OF_THE_ACCOUNT + resource,
        "InternetGatewayExclusionMode": mode,
        "State": state,
    }


CASES = (
    Case(
        q.NatGateways(*HERE, "vpc-1"),
        "DescribeNatGateways",
        [
            {
                "NatGateways": [
                    {"NatGatewayId": "nat-1", "State": "available", "SubnetId": "subnet-1"},
                    {"NatGatewayId": "nat-2", "State": "failed", "SubnetId": "subnet-1", "ConnectivityType": "private"},
                ]
            },
            {
                "NatGateways": [
                    {
                        "NatGatewayId": "nat-3",
                        "State": "available",
                        "ConnectivityType": "public",
                        "AvailabilityMode": "regional",
                        "RouteTableId": "rtb-9",
                    }
                ]
            },
        ],
        (
            v.NatGateway("nat-1", "available", private=False, subnet="subnet-1"),
            v.NatGateway("nat-2", "failed", private=True, subnet="subnet-1"),
            v.NatGateway("nat-3", "available", private=False, regional=True, route_table="rtb-9"),
        ),
        token="NextToken",
    ),
    Case(
        q.InternetGateways(*HERE, "vpc-1"),
        "DescribeInternetGateways",
        [
            {
                "InternetGateways": [
                    {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]},
                    {"InternetGatewayId": "igw-2", "Attachments": [{"VpcId": "vpc-1", "State": "detaching"}]},
                ]
            },
            {"InternetGateways": [{"InternetGatewayId": "igw-3", "Attachments": [{"VpcId": "vpc-2"}]}]},
        ],
        (
            v.InternetGateway("igw-1", ("vpc-1",)),
            v.InternetGateway("igw-2", ()),
            v.InternetGateway("igw-3", ("vpc-2",)),
        ),
        token="NextToken",
    ),
    Case(
        q.EgressOnlyGateways(*HERE, "vpc-1"),
        "DescribeEgressOnlyInternetGateways",
        [
            {
                "EgressOnlyInternetGateways": [
                    {
                        "EgressOnlyInternetGatewayId": "eigw-1",
                        "Attachments": [{"VpcId": "vpc-1", "State": "attached"}],
                    },
                    {
                        "EgressOnlyInternetGatewayId": "eigw-2",
                        "Attachments": [{"VpcId": "vpc-1", "State": "detaching"}],
                    },
                ]
            },
            {"EgressOnlyInternetGateways": [{"EgressOnlyInternetGatewayId": "eigw-3"}]},
        ],
        (
            v.EgressOnlyGateway("eigw-1", ("vpc-1",)),
            v.EgressOnlyGateway("eigw-2", ()),
            v.EgressOnlyGateway("eigw-3", ()),
        ),
        token="NextToken",
    ),
    Case(
        q.BlockPublicAccessOf(*HERE),
        "DescribeVpcBlockPublicAccessOptions",
        [
            {
                "VpcBlockPublicAccessOptions": {
                    "AwsAccountId": OWN_ACCOUNT,
                    "AwsRegion": REGION,
                    "State": "update-complete",
                    "InternetGatewayBlockMode": "block-bidirectional",
                    "ManagedBy": "account",
                    "ExclusionsAllowed": "allowed",
                }
            }
        ],
        v.BlockPublicAccess(
            "block-bidirectional",
            (v.AccessExclusion("vpc-1", "allow-egress"), v.AccessExclusion("subnet-1", "allow-bidirectional")),
            managed_by="account",
        ),
        more={
            "DescribeVpcBlockPublicAccessExclusions": [
                {
                    "VpcBlockPublicAccessExclusions": [
                        _exclusion("vpc/vpc-1", "allow-egress", "create-complete"),
                        _exclusion("vpc/vpc-2", "allow-egress", "delete-complete"),
                        _exclusion("vpc/vpc-3", "allow-egress", "create-failed"),
                    ],
                    "NextToken": "page-2",
                },
                {
                    "VpcBlockPublicAccessExclusions": [
                        _exclusion("subnet/subnet-1", "allow-bidirectional", "update-complete"),
                        _exclusion("subnet/subnet-2", "allow-bidirectional", "disable-complete"),
                    ]
                },
            ]
        },
    ),
    Case(
        q.S3PrefixList(*HERE),
        "DescribePrefixLists",
        [
            {"PrefixLists": []},
            {
                "PrefixLists": [
                    {
                        "PrefixListId": "pl-1",
                        "PrefixListName": "com.amazonaws.eu-west-1.s3",
                        "Cidrs": ["52.218.0.0/17"],
                    }
                ]
            },
        ],
        v.PrefixList("pl-1", "com.amazonaws.eu-west-1.s3", ("52.218.0.0/17",)),
        token="NextToken",
    ),
    Case(
        q.PrefixListEntries(*HERE, "pl-2"),
        "GetManagedPrefixListEntries",
        [
            {"Entries": [{"Cidr": "0.0.0.0/1", "Description": "half"}, {"Cidr": "10.9.0.0/16"}]},
            {"Entries": [{"Cidr": "128.0.0.0/1"}]},
        ],
        v.PrefixList("pl-2", "pl-2", ("0.0.0.0/1", "10.9.0.0/16", "128.0.0.0/1")),
        token="NextToken",
        gone=(AwsError("InvalidPrefixListID.NotFound"), AwsError("InvalidPrefixListId.NotFound")),
    ),
)
