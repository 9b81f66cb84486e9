"""Reads what holds for an ECR registry or a whole repository: policies, cache rules, encryption, and tags.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
"""

from __future__ import annotations

from typing import Any, cast

from botocore.exceptions import ClientError

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import error_code
from pull_doctor.facts.readers.reader import IncompleteAnswerError, answers, client, owners_client
from pull_doctor.intake.scrub import scrub

_PAGE = 1000
_NO_REPOSITORY = "RepositoryNotFoundException"
_SCOPES = ("V1", "V2")


@answers(questions.RepositoryPolicy, "ecr:GetRepositoryPolicy")
def repository_policy(aws: Aws, question: questions.RepositoryPolicy) -> str | None:
    """Read the repository's own policy; neither a repository without one nor a missing repository has any."""
    ecr = client(aws, "ecr", question)
    try:
        answer = ecr.get_repository_policy(registryId=question.registry, repositoryName=question.repository)
    except ClientError as error:
        if error_code(error) in {_NO_REPOSITORY, "RepositoryPolicyNotFoundException"}:
            return None
        raise
    return str(answer["policyText"])


@answers(questions.RegistryPolicyOf, "ecr:GetRegistryPolicy", "ecr:GetAccountSetting")
def registry_policy(aws: Aws, question: questions.RegistryPolicyOf) -> values.RegistryRules:
    """Read the registry's policy, and where there is one, its scope; both calls take no account but the caller's.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetRegistryPolicy.html and
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-account-settings.html
    """
    ecr = owners_client(aws, "ecr", question)
    try:
        answer = ecr.get_registry_policy()
    except ClientError as error:
        if error_code(error) == "RegistryPolicyNotFoundException":
            return values.RegistryRules(None)
        raise
    if answer["registryId"] != question.registry:
        raise IncompleteAnswerError(f"ECR answered for registry {answer['registryId']}")
    scope = ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"]
    if scope not in _SCOPES:
        raise IncompleteAnswerError(f"the scope of the registry's policy is {scope}")
    return values.RegistryRules(str(answer["policyText"]), cast("Any", scope))


@answers(questions.CacheRulesOf, "ecr:DescribePullThroughCacheRules")
def cache_rules(aws: Aws, question: questions.CacheRulesOf) -> tuple[values.CacheRule, ...]:
    """Read every pull-through cache rule of the registry.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PullThroughCacheRule.html
    """
    paginator = owners_client(aws, "ecr", question).get_paginator("describe_pull_through_cache_rules")
    pages = paginator.paginate(registryId=question.registry, PaginationConfig={"PageSize": _PAGE})
    return tuple(
        values.CacheRule(
            prefix=rule["ecrRepositoryPrefix"],
            upstream=rule["upstreamRegistryUrl"],
            credential=rule.get("credentialArn"),
            custom_role=rule.get("customRoleArn"),
            upstream_prefix=rule.get("upstreamRepositoryPrefix"),
        )
        for page in pages
        for rule in page["pullThroughCacheRules"]
    )


@answers(questions.CacheRuleWorks, "ecr:ValidatePullThroughCacheRule")
def cache_rule_works(aws: Aws, question: questions.CacheRuleWorks) -> values.CacheRuleState | None:
    """Let ECR try a rule: it signs in to the upstream as the rule says, and fetches nothing.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ValidatePullThroughCacheRule.html
    """
    ecr = owners_client(aws, "ecr", question)
    try:
        answer = ecr.validate_pull_through_cache_rule(registryId=question.registry, ecrRepositoryPrefix=question.prefix)
    except ClientError as error:
        if error_code(error) == "PullThroughCacheRuleNotFoundException":
            return None
        raise
    return values.CacheRuleState(answer["isValid"], scrub(answer.get("failure", "")) or None)


@answers(questions.RepositoryDetails, "ecr:DescribeRepositories")
def repository_details(aws: Aws, question: questions.RepositoryDetails) -> values.Repository | None:
    """Read what encrypts a repository, which is settled when it is made.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    """
    ecr = client(aws, "ecr", question)
    try:
        answer = ecr.describe_repositories(registryId=question.registry, repositoryNames=[question.repository])
    except ClientError as error:
        if error_code(error) == _NO_REPOSITORY:
            return None
        raise
    found = answer["repositories"]
    if not found:
        raise IncompleteAnswerError("ECR answered neither the repository nor RepositoryNotFoundException")
    encryption = found[0]["encryptionConfiguration"]
    kind, key = encryption["encryptionType"], encryption.get("kmsKey")
    if kind.startswith("KMS") and not key:
        raise IncompleteAnswerError(f"ECR did not name the key of {question.repository}")
    return values.Repository(found[0]["repositoryArn"], kind, key)


@answers(questions.RepositoryTags, "ecr:ListTagsForResource")
def repository_tags(aws: Aws, question: questions.RepositoryTags) -> tuple[tuple[str, str], ...] | None:
    """Read the tags of the repository as a resource of AWS; its images' tags are other things.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListTagsForResource.html
    """
    ecr = client(aws, "ecr", question)
    arn = f"arn:{ecr.meta.partition}:ecr:{question.region}:{question.registry}:repository/{question.repository}"
    try:
        answer = ecr.list_tags_for_resource(resourceArn=arn)
    except ClientError as error:
        if error_code(error) == _NO_REPOSITORY:
            return None
        raise
    return tuple((tag["Key"], tag["Value"]) for tag in answer["tags"])
