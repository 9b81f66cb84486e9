"""Reads the ways out of a VPC: its gateways, what Block Public Access stops there, and prefix lists.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.ec2_calls import pages
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers

_EGRESS_ONLY_PAGE = 255
_ENTRY_PAGE = 100
_EXCLUSION_PAGE = 1000
_ATTACHED = ("available", "attached")
_NO_PREFIX_LIST = ("InvalidPrefixListID.NotFound", "InvalidPrefixListId.NotFound")
_IN_FORCE = ("create-complete", "update-complete")
_NOT_IN_FORCE = ("create-failed", "delete-complete", "disable-complete")


@answers(questions.NatGateways, "ec2:DescribeNatGateways")
def nat_gateways(aws: Aws, question: questions.NatGateways) -> tuple[values.NatGateway, ...]:
    """Read every NAT gateway of a VPC. One without a connectivity type is public; a regional one is in no subnet.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html
    """
    of_vpc = [{"Name": "vpc-id", "Values": [question.vpc]}]
    return tuple(map(_nat_gateway, pages(aws, question, "describe_nat_gateways", "NatGateways", Filter=of_vpc)))


@answers(questions.InternetGateways, "ec2:DescribeInternetGateways")
def internet_gateways(aws: Aws, question: questions.InternetGateways) -> tuple[values.InternetGateway, ...]:
    """Read every internet gateway of the Region, as one that is detached belongs to no VPC.

    An attachment that is coming or going is none.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InternetGatewayAttachment.html
    """
    found = pages(aws, question, "describe_internet_gateways", "InternetGateways")
    return tuple(values.InternetGateway(item["InternetGatewayId"], _attached(item)) for item in found)


@answers(questions.EgressOnlyGateways, "ec2:DescribeEgressOnlyInternetGateways")
def egress_only_gateways(aws: Aws, question: questions.EgressOnlyGateways) -> tuple[values.EgressOnlyGateway, ...]:
    """Read every egress-only internet gateway of the Region: EC2 has no filter by VPC.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeEgressOnlyInternetGateways.html
    """
    found = pages(
        aws,
        question,
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        page_size=_EGRESS_ONLY_PAGE,
    )
    return tuple(values.EgressOnlyGateway(item["EgressOnlyInternetGatewayId"], _attached(item)) for item in found)


@answers(
    questions.BlockPublicAccessOf,
    "ec2:DescribeVpcBlockPublicAccessOptions",
    "ec2:DescribeVpcBlockPublicAccessExclusions",
)
def block_public_access(aws: Aws, question: questions.BlockPublicAccessOf) -> values.BlockPublicAccess:
    """Read VPC Block Public Access of the account in the Region; its exclusions only where it blocks anything.

    While the mode is being changed nobody can tell which one holds: that is unknown.
    https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html
    """
    ec2 = aws.client("ec2", question.region, question.account)
    options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
    if options.get("State") == "update-in-progress":
        raise IncompleteAnswerError("VPC Block Public Access is being changed")
    mode = options["InternetGatewayBlockMode"]
    return values.BlockPublicAccess(
        mode=mode,
        exclusions=() if mode == "off" else tuple(_exclusions(ec2)),
        managed_by=options.get("ManagedBy"),
    )


@answers(questions.S3PrefixList, "ec2:DescribePrefixLists")
def s3_prefix_list(aws: Aws, question: questions.S3PrefixList) -> values.PrefixList | None:
    """Read the Region's prefix list of Amazon S3."""
    name = f"com.amazonaws.{question.region}.s3"
    named = [{"Name": "prefix-list-name", "Values": [name]}]
    found = pages(aws, question, "describe_prefix_lists", "PrefixLists", Filters=named)
    lists = (
        values.PrefixList(each["PrefixListId"], each["PrefixListName"], tuple(each.get("Cidrs", []))) for each in found
    )
    return next((each for each in lists if each.name == name), None)


@answers(questions.PrefixListEntries, "ec2:GetManagedPrefixListEntries")
def prefix_list_entries(aws: Aws, question: questions.PrefixListEntries) -> values.PrefixList | None:
    """Read what a prefix list holds now. EC2 does not say its name with that, so it goes by its id.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetManagedPrefixListEntries.html
    """
    wanted = question.prefix_list
    try:
        entries = pages(
            aws,
            question,
            "get_managed_prefix_list_entries",
            "Entries",
            page_size=_ENTRY_PAGE,
            PrefixListId=wanted,
        )
    except ClientError as error:
        if error_code(error) in _NO_PREFIX_LIST:
            return None
        raise
    return values.PrefixList(wanted, wanted, tuple(entry["Cidr"] for entry in entries))


def _nat_gateway(item: Mapping[str, Any]) -> values.NatGateway:
    return values.NatGateway(
        id=item["NatGatewayId"],
        state=item["State"],
        private=item.get("ConnectivityType") == "private",
        subnet=item.get("SubnetId"),
        regional=item.get("AvailabilityMode") == "regional",
        route_table=item.get("RouteTableId"),
    )


def _attached(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The VPCs that a gateway is attached to."""
    attachments = item.get("Attachments", [])
    return tuple(each["VpcId"] for each in attachments if each.get("State", "available") in _ATTACHED)


def _exclusions(ec2: Any) -> Iterator[values.AccessExclusion]:
    """The exclusions in force; one in between, or whose change failed, leaves the whole answer unknown.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcBlockPublicAccessExclusion.html
    """
    token: dict[str, str] | None = {}
    while token is not None:  # botocore has no paginator for it
        page = ec2.describe_vpc_block_public_access_exclusions(MaxResults=_EXCLUSION_PAGE, **token)
        for item in page["VpcBlockPublicAccessExclusions"]:
            if item["State"] in _IN_FORCE:
                resource = item["ResourceArn"].rsplit("/", 1)[-1]
                yield values.AccessExclusion(resource, item["InternetGatewayExclusionMode"])
            elif item["State"] not in _NOT_IN_FORCE:
                raise IncompleteAnswerError(f"exclusion {item['ExclusionId']} is in state {item['State']}")
        token = {"NextToken": page["NextToken"]} if page.get("NextToken") else None
