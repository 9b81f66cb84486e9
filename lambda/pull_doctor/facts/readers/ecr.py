"""Reads ECR: images, their manifests and copies, a repository's tags and lifecycle policy, and the repositories.

DescribeImages reads metadata only and counts as no pull:
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.manifest import ACCEPTED, UnreadableManifestError, read_manifest
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers, client, owners_client, utc

_PAGE = 1000
_MOST_PAGES = 5
_NO_REPOSITORY = "RepositoryNotFoundException"
_NO_IMAGE = "ImageNotFoundException"
_GONE = (_NO_REPOSITORY, _NO_IMAGE)


@answers(questions.EcrImageOf, "ecr:DescribeImages")
def image_of(aws: Aws, question: questions.EcrImageOf) -> values.EcrLookup:
    """Look one image up by its digest, else by its tag; archived images are found too.

    DescribeImages shows active images alone unless it is asked for others, and does not say whether that holds for an
    image that is named. So where ECR does not find one, it is asked for one of any status.
    """
    ecr = client(aws, "ecr", question)
    wanted = {"imageDigest": question.digest} if question.digest else {"imageTag": question.tag}
    asked = {"registryId": question.registry, "repositoryName": question.repository, "imageIds": [wanted]}
    try:
        answer = ecr.describe_images(**asked)
    except ClientError as error:
        if error_code(error) == _NO_REPOSITORY:
            return values.EcrLookup(missing="repository")
        if error_code(error) != _NO_IMAGE:
            raise
        answer = _of_any_status(ecr, asked)
    if answer is None:
        return values.EcrLookup(missing="image")
    if not answer["imageDetails"]:
        raise IncompleteAnswerError("ECR answered neither the image nor ImageNotFoundException")
    return values.EcrLookup(missing=None, image=_image(answer["imageDetails"][0]))


def _of_any_status(ecr: Any, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The image, archived or not; ``None`` where ECR has none, or takes no filter beside the name of an image."""
    try:
        answer: Mapping[str, Any] = ecr.describe_images(**asked, filter={"imageStatus": "ANY"})
    except ClientError as error:
        if error_code(error) in (_NO_IMAGE, "InvalidParameterException", "ValidationException"):
            return None
        raise
    return answer if answer["imageDetails"] else None


@answers(questions.EcrTagsOf, "ecr:DescribeImages")
def tags_of(aws: Aws, question: questions.EcrTagsOf) -> values.EcrTags:
    """Read up to 5,000 tagged images, archived ones too; a repository that does not exist has none."""
    paginator = client(aws, "ecr", question).get_paginator("describe_images")
    pages = paginator.paginate(
        registryId=question.registry,
        repositoryName=question.repository,
        filter={"tagStatus": "TAGGED", "imageStatus": "ANY"},
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


@answers(questions.EcrRepositories, "ecr:DescribeRepositories")
def repositories(aws: Aws, question: questions.EcrRepositories) -> values.RepositoryNames:
    """Read the names of up to 5,000 repositories of a registry.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
    """
    paginator = client(aws, "ecr", question).get_paginator("describe_repositories")
    pages = paginator.paginate(registryId=question.registry, PaginationConfig={"PageSize": _PAGE})
    read = list(islice(pages, _MOST_PAGES))
    names = tuple(item["repositoryName"] for page in read for item in page["repositories"])
    return values.RepositoryNames(names, complete="nextToken" not in read[-1])


@answers(questions.EcrManifestOf, "ecr:BatchGetImage")
def manifest_of(aws: Aws, question: questions.EcrManifestOf) -> values.Manifest | None:
    """Read the manifest of one image, an index where there is one; no blob is fetched.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
    """
    ecr = client(aws, "ecr", question)
    wanted = {"imageDigest": question.digest} if question.digest else {"imageTag": question.tag}
    try:
        answer = ecr.batch_get_image(
            registryId=question.registry,
            repositoryName=question.repository,
            imageIds=[wanted],
            acceptedMediaTypes=list(ACCEPTED),
        )
    except ClientError as error:
        if error_code(error) == _NO_REPOSITORY:
            return None
        raise
    if not answer["images"]:
        codes = {failure.get("failureCode") for failure in answer.get("failures", [])}
        if codes == {"ImageNotFound"}:
            return None
        raise IncompleteAnswerError(f"ECR gave no manifest: {', '.join(sorted(map(str, codes))) or 'no reason'}")
    image = answer["images"][0]
    try:
        return read_manifest(image["imageManifest"], image.get("imageManifestMediaType"))
    except UnreadableManifestError as error:
        raise IncompleteAnswerError(str(error)) from error


@answers(questions.LifecycleRulesOf, "ecr:GetLifecyclePolicy")
def lifecycle_rules(aws: Aws, question: questions.LifecycleRulesOf) -> tuple[values.LifecycleRule, ...]:
    """Read the repository's lifecycle policy; neither a repository without one nor a missing repository has any.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """
    ecr = client(aws, "ecr", question)
    try:
        answer = ecr.get_lifecycle_policy(registryId=question.registry, repositoryName=question.repository)
    except ClientError as error:
        if error_code(error) in {_NO_REPOSITORY, "LifecyclePolicyNotFoundException"}:
            return ()
        raise
    return tuple(map(_rule, json.loads(answer["lifecyclePolicyText"])["rules"]))


@answers(questions.ReplicationRulesOf, "ecr:DescribeRegistry")
def replication_rules(aws: Aws, question: questions.ReplicationRulesOf) -> tuple[values.ReplicationRule, ...]:
    """Read where a registry copies its images to; the call takes no account but the caller's.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRegistry.html
    """
    answer = owners_client(aws, "ecr", question).describe_registry()
    if answer["registryId"] != question.registry:
        raise IncompleteAnswerError(f"ECR answered for registry {answer['registryId']}")
    return tuple(
        values.ReplicationRule(
            destinations=tuple((one["region"], one["registryId"]) for one in rule["destinations"]),
            prefixes=tuple(one["filter"] for one in rule.get("repositoryFilters", [])),
        )
        for rule in answer.get("replicationConfiguration", {}).get("rules", [])
    )


@answers(questions.ReplicationOf, "ecr:DescribeImageReplicationStatus")
def replication_of(aws: Aws, question: questions.ReplicationOf) -> tuple[values.Replication, ...] | None:
    """Read how far the copies of an image have come, from the registry that it was pushed to.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageReplicationStatus.html
    """
    ecr = client(aws, "ecr", question)
    wanted = {"imageDigest": question.digest} if question.digest else {"imageTag": question.tag}
    try:
        answer = ecr.describe_image_replication_status(
            registryId=question.registry, repositoryName=question.repository, imageId=wanted
        )
    except ClientError as error:
        if error_code(error) in _GONE:
            return None
        raise
    return tuple(
        values.Replication(one["region"], one["registryId"], one["status"], one.get("failureCode"))
        for one in answer["replicationStatuses"]
    )


def _rule(rule: Mapping[str, Any]) -> values.LifecycleRule:
    selection = rule["selection"]
    return values.LifecycleRule(
        priority=rule["rulePriority"],
        action=rule["action"]["type"],
        tag_status=selection["tagStatus"],
        count_type=selection["countType"],
        count=selection["countNumber"],
        unit=selection.get("countUnit"),
        prefixes=tuple(selection.get("tagPrefixList", [])),
        patterns=tuple(selection.get("tagPatternList", [])),
        description=rule.get("description") or None,
    )


def _image(item: Mapping[str, Any]) -> values.EcrImage:
    return values.EcrImage(
        digest=item["imageDigest"],
        tags=tuple(item.get("imageTags", [])),
        pushed_at=utc(item.get("imagePushedAt")),
        status=item.get("imageStatus"),
        size=item.get("imageSizeInBytes"),
        media_type=item.get("imageManifestMediaType"),
        artifact_type=item.get("artifactMediaType"),
        archived_at=utc(item.get("lastArchivedAt")),
        restored_at=utc(item.get("lastActivatedAt")),
    )
