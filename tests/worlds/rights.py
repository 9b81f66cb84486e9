"""What the defects of rights share: policy documents, and where each is put."""

from __future__ import annotations

import json
from typing import Any

from tests.worlds.healthy import Healthy

Statement = dict[str, Any]

SIGN_IN = "ecr:GetAuthorizationToken"
READ = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
"""What a pull needs of the repository."""

OWNER = "444455556666"
"""The other account, to which an image belongs."""


def document(*statements: Statement) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | None = "*", **members: Any) -> Statement:
    """A statement that allows; a repository's policy names no resource."""
    return {"Effect": "Allow", "Action": action, **({"Resource": resource} if resource else {}), **members}


def deny(action: str | list[str], resource: str | None = "*", **members: Any) -> Statement:
    """A statement that denies."""
    return allow(action, resource, **members) | {"Effect": "Deny"}


def role_name(parts: Healthy) -> str:
    """The name of the pulling role."""
    assert parts.role
    return parts.role.rsplit("/", 1)[-1]


def repository_name(parts: Healthy) -> str:
    """The name of the image's repository."""
    return parts.image.partition("/")[2].partition("@")[0].partition(":")[0]


def repository_arn(parts: Healthy) -> str:
    """The ARN of the image's repository."""
    account, region = parts.image.split(".")[0], parts.image.split(".")[3]
    return f"arn:aws:ecr:{region}:{account}:repository/{repository_name(parts)}"


def put_role_policy(parts: Healthy, name: str, *statements: Statement) -> None:
    """Give the role an inline policy."""
    iam = parts.builder.client("iam")
    iam.put_role_policy(RoleName=role_name(parts), PolicyName=name, PolicyDocument=document(*statements))


def take_managed_policy(parts: Healthy) -> None:
    """Take AWS's own policy for execution roles off the role."""
    iam, name = parts.builder.client("iam"), role_name(parts)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])


def registry(parts: Healthy) -> Any:
    """ECR, with the credentials of the account that owns the image."""
    return parts.builder.aws.client("ecr", account=parts.image.split(".")[0])


def put_repository_policy(parts: Healthy, *statements: Statement) -> None:
    """Give the image's repository this policy."""
    registry(parts).set_repository_policy(repositoryName=repository_name(parts), policyText=document(*statements))


def move_to_owner(parts: Healthy, owner: str = OWNER) -> None:
    """Let the image be one of another account, whose repository has no policy yet."""
    repository = repository_name(parts)
    host = parts.builder.image(repository, ["1.41.3", "1.42.0"], owner, parts.builder.region)
    parts.image = f"{host}:1.42.0"
