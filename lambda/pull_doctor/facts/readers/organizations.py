"""Reads AWS Organizations: whether the account is in one.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from pull_doctor.facts import questions
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import answers


@answers(questions.Organization, "organizations:DescribeOrganization")
def organization(aws: Aws, question: questions.Organization) -> str | None:
    """Read the organization's id; every account may ask for its own, in whatever Region: there is one endpoint."""
    try:
        answer = aws.client("organizations", question.region, question.account).describe_organization()
    except ClientError as error:
        if error_code(error) == "AWSOrganizationsNotInUseException":
            return None
        raise
    return str(answer["Organization"]["Id"])
