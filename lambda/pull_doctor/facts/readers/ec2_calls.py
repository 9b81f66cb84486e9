"""How EC2 is asked: for one thing by its id, or for all things page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code

EVEN_HIDDEN = {"IncludeManagedResources": True}
"""Asks for what AWS's services manage too, which an account can hide: instances and interfaces of theirs.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""
PAGE = 1000
"""The largest page of most of EC2's lists; one that is larger than the operation allows is refused."""


def one(aws: Aws, question: Any, operation: str, wanted: Mapping[str, Any], *absent: str) -> Mapping[str, Any] | None:
    """The answer about the one id in ``wanted``, or ``None`` if EC2's error, one of ``absent``, says there is none."""
    ec2 = aws.client("ec2", question.region, question.account)
    try:
        found: Mapping[str, Any] = getattr(ec2, operation)(**wanted)
    except ClientError as error:
        if error_code(error) in absent:
            return None
        raise
    return found


def of_vpc(
    aws: Aws,
    question: Any,
    operation: str,
    member: str,
    *more: dict[str, Any],
    page_size: int = PAGE,
    **parameters: Any,
) -> list[Any]:
    """Every item of the question's VPC that passes the further filters."""
    filters = [{"Name": "vpc-id", "Values": [question.vpc]}, *more]
    return pages(aws, question, operation, member, page_size=page_size, Filters=filters, **parameters)


def pages(
    aws: Aws, question: Any, operation: str, member: str, *, page_size: int = PAGE, **parameters: Any
) -> list[Any]:
    """The items of all pages. An answer without its list is a failure, not an empty list."""
    ec2 = aws.client("ec2", question.region, question.account)
    paginator = ec2.get_paginator(operation)
    found = paginator.paginate(PaginationConfig={"PageSize": page_size}, **parameters)
    return [item for page in found for item in page[member]]
