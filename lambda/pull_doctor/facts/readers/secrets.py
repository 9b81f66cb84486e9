"""Reads what is known of secrets and parameters, never their values.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html and
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers, client, utc

_PAGE = 50
_ABSENT = "ResourceNotFoundException"
_AWS_KEYS = ("alias/aws/secretsmanager", "alias/aws/ssm")


@answers(questions.OneSecret, "secretsmanager:DescribeSecret")
def one_secret(aws: Aws, question: questions.OneSecret) -> values.Secret | None:
    """Read a secret's description; one that is marked for deletion is still described."""
    try:
        answer = client(aws, "secretsmanager", question).describe_secret(SecretId=question.secret)
    except ClientError as error:
        if error_code(error) == _ABSENT:
            return None
        raise
    return values.Secret(
        arn=answer["ARN"], deleted_at=utc(answer.get("DeletedDate")), key=_customer_key(answer.get("KmsKeyId"))
    )


@answers(questions.SecretPolicy, "secretsmanager:GetResourcePolicy")
def secret_policy(aws: Aws, question: questions.SecretPolicy) -> str | None:
    """Read a secret's resource policy; neither a secret without one nor a missing secret has any.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html
    """
    try:
        answer = client(aws, "secretsmanager", question).get_resource_policy(SecretId=question.secret)
    except ClientError as error:
        if error_code(error) == _ABSENT:
            return None
        raise
    if "ARN" not in answer:
        raise IncompleteAnswerError(f"Secrets Manager answered nothing about {question.secret}")
    return answer.get("ResourcePolicy") or None


@answers(questions.OneParameter, "ssm:DescribeParameters")
def one_parameter(aws: Aws, question: questions.OneParameter) -> values.Parameter | None:
    """Read a parameter's description, by its exact name; a page may be empty and still not be the last one."""
    paginator = client(aws, "ssm", question).get_paginator("describe_parameters")
    pages = paginator.paginate(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [question.parameter]}],
        PaginationConfig={"PageSize": _PAGE},
    )
    named = (item for page in pages for item in page["Parameters"] if item["Name"] == question.parameter)
    found = next(named, None)
    return values.Parameter(found["Name"], _customer_key(found.get("KeyId"))) if found else None


def _customer_key(key: str | None) -> str | None:
    """The key, unless it is AWS's own, which whoever may read the secret may use."""
    return None if not key or key.rpartition(":")[2] in _AWS_KEYS else key
