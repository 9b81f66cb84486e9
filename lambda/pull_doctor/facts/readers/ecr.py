"""Reads ECR: images and what they are made of, the tags of a repository, and the repositories.

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
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers, client, utc

_PAGE = 1000
_MOST_PAGES = 5
_LONGEST_MANIFEST = 1_000_000
_NO_REPOSITORY = "RepositoryNotFoundException"
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_SINGLE = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@answers(questions.EcrImageOf, "ecr:DescribeImages")
def image_of(aws: Aws, question: questions.EcrImageOf) -> values.EcrLookup:
    """Look one image up by its digest, else by its tag; archived images are found too."""
    ecr = client(aws, "ecr", question)
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
    paginator = client(aws, "ecr", question).get_paginator("describe_images")
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
def manifest_of(aws: Aws, question: questions.EcrManifestOf) -> values.EcrManifest | None:
    """Read the manifest of one image, an index where there is one.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
    """
    ecr = client(aws, "ecr", question)
    wanted = {"imageDigest": question.digest} if question.digest else {"imageTag": question.tag}
    try:
        answer = ecr.batch_get_image(
            registryId=question.registry,
            repositoryName=question.repository,
            imageIds=[wanted],
            acceptedMediaTypes=[*_INDEXES, *_SINGLE],
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
    text = answer["images"][0]["imageManifest"]
    manifest = _parsed(text)
    media_type = answer["images"][0].get("imageManifestMediaType") or manifest.get("mediaType") or ""
    if media_type not in _INDEXES and "manifests" not in manifest:
        return values.EcrManifest(media_type, None)
    return values.EcrManifest(media_type, _platforms(manifest["manifests"]))


def _parsed(manifest: str) -> Mapping[str, Any]:
    """The manifest as JSON; what a pusher wrote is not believed to be short or well formed."""
    if len(manifest) > _LONGEST_MANIFEST:
        raise IncompleteAnswerError(f"the manifest is {len(manifest)} characters long")
    try:
        parsed = json.loads(manifest)
    except (ValueError, RecursionError) as error:
        raise IncompleteAnswerError("the manifest is not JSON") from error
    if not isinstance(parsed, dict):
        raise IncompleteAnswerError("the manifest is not a JSON object")
    return parsed


def _platforms(entries: list[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """``os/architecture[/variant]`` of each entry, ``None`` if one does not say its own.

    Attestations are left out: buildx lists them as ``unknown/unknown``. https://docs.docker.com/build/metadata/attestations/attestation-storage/
    """
    found: dict[str, None] = {}
    for entry in entries:
        platform = entry.get("platform") or {}
        named = [platform.get(member) for member in ("os", "architecture", "variant")]
        if not all(named[:2]):
            return None
        if "unknown" not in named:
            found["/".join(filter(None, named))] = None
    return tuple(found)


def _image(item: Mapping[str, Any]) -> values.EcrImage:
    return values.EcrImage(
        digest=item["imageDigest"],
        tags=tuple(item.get("imageTags", [])),
        pushed_at=utc(item.get("imagePushedAt")),
        status=item.get("imageStatus"),
    )
