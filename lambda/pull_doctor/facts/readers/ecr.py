"""Reads ECR: whether an image is there, which tags a repository has, and the repository's policy.

DescribeImages reads metadata only and counts as no pull:
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers, utc

_PAGE = 1000
_MOST_PAGES = 5
_NO_REPOSITORY = "RepositoryNotFoundException"


@answers(questions.EcrImageOf, "ecr:DescribeImages")
def image_of(aws: Aws, question: questions.EcrImageOf) -> values.EcrLookup:
    """Look one image up by its digest, else by its tag; archived images are found too."""
    ecr = aws.client("ecr", question.region, question.account)
    wanted = {"imageDigest": question.digest} if question.digest else {"imageTag": question.tag}
    try:
        answer = ecr.describe_images(
            registryId=question.registry, repositoryName=question.repository, imageIds=[wanted]
        )
    except ClientError as error:
        if error_code(error) == _NO_REPOSITORY:
            return values.EcrLookup(missing="repository")
        if error_code(error) == "ImageNotFoundException":
            return values.EcrLookup(missing="image")
        raise
    if not answer["imageDetails"]:
        raise IncompleteAnswerError("ECR answered neither the image nor ImageNotFoundException")
    return values.EcrLookup(missing=None, image=_image(answer["imageDetails"][0]))


@answers(questions.EcrTagsOf, "ecr:DescribeImages")
def tags_of(aws: Aws, question: questions.EcrTagsOf) -> values.EcrTags:
    """Read up to 5,000 tagged images, archived ones left out; a repository that does not exist has none."""
    paginator = aws.client("ecr", question.region, question.account).get_paginator("describe_images")
    pages = paginator.paginate(
        registryId=question.registry,
        repositoryName=question.repository,
        filter={"tagStatus": "TAGGED"},
        PaginationConfig={"PageSize": _PAGE},
    )
    try:
        read = list(islice(pages, _MOST_PAGES))
    except ClientError as error:
        if error_code(error) == _NO_REPOSITORY:
            return values.EcrTags((), complete=True)
        raise
    found = (_image(item) for page in read for item in page["imageDetails"])
    return values.EcrTags(tuple(image for image in found if image.tags), complete="nextToken" not in read[-1])


@answers(questions.RepositoryPolicy, "ecr:GetRepositoryPolicy")
def repository_policy(aws: Aws, question: questions.RepositoryPolicy) -> str | None:
    """Read the repository's own policy; neither a repository without one nor a missing repository has any."""
    ecr = aws.client("ecr", question.region, question.account)
    try:
        answer = ecr.get_repository_policy(registryId=question.registry, repositoryName=question.repository)
    except ClientError as error:
        if error_code(error) in {_NO_REPOSITORY, "RepositoryPolicyNotFoundException"}:
            return None
        raise
    return str(answer["policyText"])


def _image(item: Mapping[str, Any]) -> values.EcrImage:
    return values.EcrImage(
        digest=item["imageDigest"],
        tags=tuple(item.get("imageTags", [])),
        pushed_at=utc(item.get("imagePushedAt")),
        status=item.get("imageStatus"),
    )
