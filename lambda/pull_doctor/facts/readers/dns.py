"""Reads how names resolve in a VPC: its DNS attributes, its address ranges, and its DHCP options.

https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html and
https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers

_PAGE = 1000
_ASSOCIATED = "associated"
_NO_OPTIONS = "default"
"""What EC2 shows in the place of an option set's id for a VPC that has none: such a VPC has Amazon's own resolver.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateDhcpOptions.html"""


@answers(questions.OneVpc, "ec2:DescribeVpcs")
def one_vpc(aws: Aws, question: questions.OneVpc) -> values.VpcDetails | None:
    """Read the VPC's address ranges and its option set's id."""
    try:
        found = aws.client("ec2", question.region, question.account).describe_vpcs(VpcIds=[question.vpc])["Vpcs"]
    except ClientError as error:
        if error_code(error) == "InvalidVpcID.NotFound":
            return None
        raise
    if not found:
        raise IncompleteAnswerError(f"EC2 answered neither {question.vpc} nor that there is none")
    vpc = found[0]
    more = (
        item["CidrBlock"]
        for item in vpc.get("CidrBlockAssociationSet", [])
        if item.get("CidrBlockState", {}).get("State", _ASSOCIATED) == _ASSOCIATED
    )
    ipv6 = (
        item["Ipv6CidrBlock"]
        for item in vpc.get("Ipv6CidrBlockAssociationSet", [])
        if item.get("Ipv6CidrBlockState", {}).get("State", _ASSOCIATED) == _ASSOCIATED
    )
    options = vpc.get("DhcpOptionsId")
    return values.VpcDetails(
        cidrs=tuple(dict.fromkeys((vpc["CidrBlock"], *more))),
        dhcp_options=None if options in (None, _NO_OPTIONS) else options,
        ipv6_cidrs=tuple(ipv6),
    )


@answers(questions.DhcpOptionSets, "ec2:DescribeDhcpOptions")
def dhcp_option_sets(aws: Aws, question: questions.DhcpOptionSets) -> tuple[values.DhcpOptions, ...]:
    """Read every option set of the account in the Region."""
    paginator = aws.client("ec2", question.region, question.account).get_paginator("describe_dhcp_options")
    pages = paginator.paginate(PaginationConfig={"PageSize": _PAGE})
    return tuple(_options(item) for page in pages for item in page["DhcpOptions"])


def _options(item: Mapping[str, Any]) -> values.DhcpOptions:
    """An option set; one that names no server leaves Amazon's own, and several may be written into one value."""
    servers = (
        server.strip()
        for configuration in item.get("DhcpConfigurations", [])
        if configuration["Key"] == "domain-name-servers"
        for value in configuration["Values"]
        for server in value["Value"].split(",")
    )
    return values.DhcpOptions(item["DhcpOptionsId"], tuple(servers))


@answers(questions.DnsSupport, "ec2:DescribeVpcAttribute")
def dns_support(aws: Aws, question: questions.DnsSupport) -> bool:
    """Read ``enableDnsSupport``."""
    ec2 = aws.client("ec2", question.region, question.account)
    attribute = ec2.describe_vpc_attribute(VpcId=question.vpc, Attribute="enableDnsSupport")
    return bool(attribute["EnableDnsSupport"]["Value"])


@answers(questions.DnsHostnames, "ec2:DescribeVpcAttribute")
def dns_hostnames(aws: Aws, question: questions.DnsHostnames) -> bool:
    """Read ``enableDnsHostnames``."""
    ec2 = aws.client("ec2", question.region, question.account)
    attribute = ec2.describe_vpc_attribute(VpcId=question.vpc, Attribute="enableDnsHostnames")
    return bool(attribute["EnableDnsHostnames"]["Value"])
