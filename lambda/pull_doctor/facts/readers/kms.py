"""Reads KMS keys: their state and their policies.

https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import answers, client, owners_client

_ABSENT = "NotFoundException"


@answers(questions.OneKey, "kms:DescribeKey")
def one_key(aws: Aws, question: questions.OneKey) -> values.Key | None:
    """Read a key's state; its own policy may admit another account to that."""
    try:
        answer = client(aws, "kms", question).describe_key(KeyId=question.key)
    except ClientError as error:
        if error_code(error) == _ABSENT:
            return None
        raise
    key = answer["KeyMetadata"]
    return values.Key(key["Arn"], key["KeyState"], key["KeyManager"])


@answers(questions.KeyPolicy, "kms:GetKeyPolicy")
def key_policy(aws: Aws, question: questions.KeyPolicy) -> str | None:
    """Read a key's one policy, which no other account may ask for; every key has one.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
    """
    try:
        answer = owners_client(aws, "kms", question).get_key_policy(KeyId=question.key)
    except ClientError as error:
        if error_code(error) == _ABSENT:
            return None
        raise
    return str(answer["Policy"])
