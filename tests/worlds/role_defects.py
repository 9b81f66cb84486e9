"""Defects of the roles: who may assume them, what limits them, and the secrets that they read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy

_ROLE = frozenset({"ecs:DescribeTaskDefinition", "iam:GetRole"})
_RIGHTS = frozenset({"ecs:DescribeTaskDefinition", "iam:SimulatePrincipalPolicy"})
_DEFINITION = frozenset({"ecs:DescribeTaskDefinition"})


def _name(parts: Healthy) -> str:
    assert parts.role
    return parts.role.rsplit("/", 1)[-1]


def _trust(principal: str, **condition: dict[str, str]) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    statement |= {"Condition": condition} if condition else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


_ECS_TASKS = _trust("ecs-tasks.amazonaws.com")


def _delete(parts: Healthy, role: str) -> None:
    iam = parts.builder.client("iam")
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=role)


def _role_deleted(parts: Healthy) -> Broken:
    assert parts.role
    _delete(parts, _name(parts))

    def mend() -> None:
        parts.builder.role()

    return Broken((parts.role,), texts.role_not_assumed(parts.role), mend)


def _role_trusts(trust: Callable[[Healthy], str]) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        assert parts.role
        update = parts.builder.client("iam").update_assume_role_policy
        update(RoleName=_name(parts), PolicyDocument=trust(parts))

        def mend() -> None:
            update(RoleName=_name(parts), PolicyDocument=_ECS_TASKS)

        return Broken((parts.role,), texts.role_not_assumed(parts.role), mend)

    return breaks


def _one_cluster(parts: Healthy) -> str:
    cluster = f"arn:aws:ecs:{parts.builder.region}:{parts.builder.account}:cluster/prod"
    return _trust("ecs-tasks.amazonaws.com", ArnLike={"aws:SourceArn": cluster})


def _task_role(trust: str | None) -> Callable[[Healthy], Broken]:
    """A task role of its own, with this trust policy; ``None``: deleted."""

    def breaks(parts: Healthy) -> Broken:
        iam, name = parts.builder.client("iam"), f"{parts.builder.workload}-task"

        def create(document: str) -> str:
            return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])

        role = create(trust or _ECS_TASKS)
        if trust is None:
            iam.delete_role(RoleName=name)
        parts.definition["taskRoleArn"] = role

        def mend() -> None:
            if trust is None:
                create(_ECS_TASKS)
            else:
                iam.update_assume_role_policy(RoleName=name, PolicyDocument=_ECS_TASKS)

        return Broken((role,), texts.role_not_assumed(role), mend)

    return breaks


def _boundary(reason: str | None) -> Callable[[Healthy], Broken]:
    """A boundary that knows S3 and the sign-in alone; without a reason the text says only that access is denied."""

    def breaks(parts: Healthy) -> Broken:
        assert parts.role
        iam = parts.builder.client("iam")
        allow = {"Effect": "Allow", "Action": ["s3:*", "ecr:GetAuthorizationToken"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        boundary = iam.create_policy(PolicyName=f"{parts.builder.workload}-boundary", PolicyDocument=document)
        arn = str(boundary["Policy"]["Arn"])
        iam.put_role_permissions_boundary(RoleName=_name(parts), PermissionsBoundary=arn)
        forbidden = texts.forbidden(parts.image)
        text = texts.refused(parts.image, parts.role, reason) if reason else forbidden

        def mend() -> None:
            iam.delete_role_permissions_boundary(RoleName=_name(parts))

        return Broken((parts.role, arn), text, mend, forbidden if reason else None)

    return breaks


def _service_control_policy(reason: str | None) -> Callable[[Healthy], Broken]:
    """The organization denies pulls from this repository; mended, the account has left the organization."""

    def breaks(parts: Healthy) -> Broken:
        assert parts.role
        aws, account = parts.builder.aws, parts.builder.account
        repository = parts.image.partition("/")[2].partition(":")[0]
        resource = f"arn:aws:ecr:*:{account}:repository/{repository}"
        deny = {"Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": resource}
        aws.in_organization(account, "o-exampleorg1")
        aws.organization_policy(account, [deny])
        forbidden = texts.forbidden(parts.image)
        text = texts.refused(parts.image, parts.role, reason) if reason else forbidden
        return Broken((parts.role,), text, lambda: aws.in_organization(account, None), forbidden if reason else None)

    return breaks


def _injects(parts: Healthy, value_from: str, *actions: str) -> None:
    """Let the container inject a value, and the role read it."""
    parts.container["secrets"] = [{"name": "DATABASE_PASSWORD", "valueFrom": value_from}]
    if actions:
        parts.builder.grant(_name(parts), "secrets", list(actions))


def _secret(parts: Healthy) -> str:
    manager = parts.builder.client("secretsmanager")
    return str(manager.create_secret(Name=f"{parts.builder.workload}/database", SecretString="planted")["ARN"])


def _secret_marked_for_deletion(parts: Healthy) -> Broken:
    manager, arn = parts.builder.client("secretsmanager"), _secret(parts)
    _injects(parts, f"{arn}:password::", "secretsmanager:GetSecretValue")
    manager.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    why = (
        f"failed to fetch secret {arn} from secrets manager: InvalidRequestException: You can't perform this operation "
        "on the secret because it was marked for deletion."
    )
    text = texts.secret_unavailable(why)
    return Broken((arn,), text, lambda: manager.restore_secret(SecretId=arn), texts.secret_cut_short())


def _role_may_not_read_the_secret(parts: Healthy) -> Broken:
    assert parts.role
    arn, account = _secret(parts), parts.builder.account
    _injects(parts, arn)
    action = "secretsmanager:GetSecretValue"
    why = (
        f"failed to fetch secret {arn} from secrets manager: AccessDeniedException: User: arn:aws:sts::{account}:"
        f"assumed-role/{_name(parts)}/0f4d is not authorized to perform: {action} on resource: {arn} because no "
        f"identity-based policy allows the {action} action"
    )

    def mend() -> None:
        parts.builder.grant(_name(parts), "secrets", [action])

    return Broken((parts.role, arn), texts.secret_unavailable(why), mend, texts.secret_cut_short())


def _parameter_deleted(parts: Healthy) -> Broken:
    ssm, name = parts.builder.client("ssm"), f"/{parts.builder.workload}/database"

    def put() -> None:
        ssm.put_parameter(Name=name, Type="String", Value="planted")

    put()
    ssm.delete_parameter(Name=name)
    arn = f"arn:aws:ssm:{parts.builder.region}:{parts.builder.account}:parameter{name}"
    _injects(parts, name, "ssm:GetParameters")
    return Broken((arn,), texts.parameter_unavailable(name), put, texts.secret_cut_short())


_BY_BOUNDARY = "because no permissions boundary allows the ecr:BatchGetImage action"
_BY_ORGANIZATION = "with an explicit deny in a service control policy"

DEFECTS = {
    "execution-role-deleted": Defect("execution-role-missing", _role_deleted, rests_on=_DEFINITION),
    "execution-role-trusts-ec2": Defect(
        "execution-role-not-assumable", _role_trusts(lambda _: _trust("ec2.amazonaws.com")), rests_on=_ROLE
    ),
    "execution-role-trusts-one-cluster": Defect(
        "execution-role-not-assumable", _role_trusts(_one_cluster), rests_on=_ROLE
    ),
    "task-role-trusts-lambda": Defect(
        "task-role-not-assumable", _task_role(_trust("lambda.amazonaws.com")), rests_on=_ROLE
    ),
    "task-role-deleted": Defect("task-role-not-assumable", _task_role(None), rests_on=_ROLE),
    "boundary-without-ecr": Defect(
        "permissions-boundary-denies",
        _boundary(None),
        rests_on=_DEFINITION | {"ecr:GetRepositoryPolicy", "ecr:GetRegistryPolicy"},
    ),
    "boundary-in-text": Defect("permissions-boundary-denies", _boundary(_BY_BOUNDARY), text_proves=True),
    "service-control-policy-in-text": Defect(
        "organization-policy-denies", _service_control_policy(_BY_ORGANIZATION), text_proves=True
    ),
    "service-control-policy": Defect(
        "organization-policy-denies", _service_control_policy(None), certainty="likely", rests_on=_RIGHTS
    ),
    "secret-marked-for-deletion": Defect(
        "task-secret-unavailable", _secret_marked_for_deletion, text_proves=True, rests_on=_DEFINITION
    ),
    "secret-not-readable": Defect(
        "task-secret-unavailable", _role_may_not_read_the_secret, text_proves=True, rests_on=_DEFINITION
    ),
    "parameter-deleted": Defect("task-secret-unavailable", _parameter_deleted, text_proves=True, rests_on=_DEFINITION),
}
