"""Defects of the keys and the owners of secrets, and of the logins to registries other than ECR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import Statement, allow, deny, document, role_name

_GET = "secretsmanager:GetSecretValue"
PRIVATE = "quay.io/acme/orders:1.42.0"
_LOGIN = '{"username": "planted", "password": "planted"}'


def root(account: str) -> dict[str, str]:
    """An account as a principal."""
    return {"AWS": f"arn:aws:iam::{account}:root"}


def secret(parts: Healthy, *, key: str | None = None, account: str | None = None, policy: str | None = None) -> str:
    """A secret, which the role's own policies let it read and decrypt; its ARN."""
    manager = parts.builder.aws.client("secretsmanager", account=account or parts.builder.account)
    encrypted = {"KmsKeyId": key} if key else {}
    name = f"{parts.builder.workload}/login"
    arn: str = manager.create_secret(Name=name, SecretString=_LOGIN, **encrypted)["ARN"]
    if policy:
        manager.put_resource_policy(SecretId=arn, ResourcePolicy=policy)
    parts.builder.grant(role_name(parts), "secrets", [_GET, "kms:Decrypt"])
    return arn


def inject(parts: Healthy, arn: str) -> None:
    """Let the container inject the secret."""
    parts.container["secrets"] = [{"name": "DATABASE_PASSWORD", "valueFrom": arn}]


def sign_in_with(parts: Healthy, arn: str) -> None:
    """Let the task ask for a private image with the login in this secret."""
    parts.image = PRIVATE
    parts.container["repositoryCredentials"] = {"credentialsParameter": arn}


def key_with(parts: Healthy, *statements: Statement, account: str | None = None) -> tuple[Any, str]:
    """A key with this policy; KMS of its account, and its ARN."""
    kms = parts.builder.aws.client("kms", account=account or parts.builder.account)
    return kms, kms.create_key(Policy=document(*statements))["KeyMetadata"]["Arn"]


def fetching(arn: str, why: str) -> str:
    """What the agent says of a secret that it did not get."""
    return f"failed to fetch secret {arn} from secrets manager: {why}"


def not_authorized(parts: Healthy, arn: str, layer: str) -> str:
    """AWS's own words for a secret that no policy of this layer lets the role read."""
    session = f"arn:aws:sts::{parts.builder.account}:assumed-role/{role_name(parts)}/0f4d"
    return fetching(
        arn,
        f"AccessDeniedException: User: {session} is not authorized to perform: {_GET} on resource: {arn} "
        f"because no {layer} allows the {_GET} action",
    )


Use = Callable[[Healthy, str], None]


def _key_policy_without_the_role(use: Use, text: Callable[[str], str]) -> Callable[[Healthy], Broken]:
    """The key's policy names its administrator alone, so that no policy of the account lets anybody else use it."""

    def breaks(parts: Healthy) -> Broken:
        account = parts.builder.account
        administrator = {"AWS": f"arn:aws:iam::{account}:role/security"}
        kms, key = key_with(parts, allow("kms:*", Sid="Administrator", Principal=administrator))
        arn = secret(parts, key=key)
        use(parts, arn)

        def mend() -> None:
            whole = document(
                allow("kms:*", Sid="Administrator", Principal=administrator),
                allow("kms:*", Sid="Account", Principal=root(account)),
            )
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=whole)

        why = fetching(arn, "AccessDeniedException: Access to KMS is not allowed")
        return Broken((arn, key), text(why), mend, texts.secret_cut_short())

    return breaks


def _key_disabled(parts: Healthy) -> Broken:
    kms, key = key_with(parts, allow("kms:*", Principal=root(parts.builder.account)))
    arn = secret(parts, key=key)
    inject(parts, arn)
    kms.disable_key(KeyId=key)
    return Broken((arn, key), texts.secret_cut_short(), lambda: kms.enable_key(KeyId=key))


def _policy_denies(parts: Healthy) -> Broken:
    """The secret's own policy denies whatever is not the administrator."""
    other = {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{parts.builder.account}:role/security"}}
    written = document(deny(_GET, Sid="AdministratorOnly", Principal="*", Condition=other))
    arn = secret(parts, policy=written)
    inject(parts, arn)
    manager = parts.builder.client("secretsmanager")
    return Broken((arn,), texts.secret_cut_short(), lambda: manager.delete_resource_policy(SecretId=arn))


def _asked_without_a_login(parts: Healthy) -> Broken:
    """A private image, and nothing in the task definition with which to ask for it."""
    parts.image = PRIVATE
    arn = secret(parts)

    def mend() -> None:
        ecs, family = parts.builder.client("ecs"), parts.builder.workload
        found = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
        login = {"repositoryCredentials": {"credentialsParameter": arn}}
        ecs.register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=found["executionRoleArn"],
            containerDefinitions=[found["containerDefinitions"][0] | login],
        )
        ecs.update_service(cluster=parts.builder.cluster, service=family, taskDefinition=family)

    return Broken(
        (f"{parts.builder.workload}:1",),
        texts.unauthorized(PRIVATE),
        mend,
        # Neither a refusal nor a silence, so that the secret is looked at and the registry is not.
        next_text=lambda: texts.login_unavailable(fetching(arn, "ThrottlingException: Rate exceeded")),
    )


def _login_marked_for_deletion(parts: Healthy) -> Broken:
    arn, manager = secret(parts), parts.builder.client("secretsmanager")
    sign_in_with(parts, arn)
    manager.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    why = "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion."
    text = texts.login_unavailable(fetching(arn, why))
    return Broken((arn,), text, lambda: manager.restore_secret(SecretId=arn), texts.secret_cut_short())


def _login_not_readable(parts: Healthy) -> Broken:
    assert parts.role
    arn = secret(parts)
    sign_in_with(parts, arn)
    parts.builder.client("iam").delete_role_policy(RoleName=role_name(parts), PolicyName="secrets")

    def mend() -> None:
        parts.builder.grant(role_name(parts), "secrets", [_GET])

    text = texts.login_unavailable(not_authorized(parts, arn, "identity-based policy"))
    return Broken((parts.role, arn), text, mend, texts.secret_cut_short())


def login_refused(parts: Healthy) -> Broken:
    """A login that is there and readable, and that the registry refuses; its value is never read, mended or not."""
    arn = secret(parts)
    sign_in_with(parts, arn)
    manager = parts.builder.client("secretsmanager")
    return Broken(
        (arn,),
        texts.unauthorized(PRIVATE),
        lambda: manager.put_secret_value(SecretId=arn, SecretString=_LOGIN.replace("planted", "another")),
    )


_STORED = frozenset({"ecs:DescribeTaskDefinition"})
_SECRET = "task-secret-unavailable"
_UNREADABLE = "registry-credentials-unreadable"

DEFECTS: dict[str, Defect] = {
    "secret-key-admits-nobody": Defect(
        _SECRET,
        _key_policy_without_the_role(inject, texts.secret_unavailable),
        "nat",
        text_proves=True,
        rests_on=_STORED,
    ),
    "secret-key-disabled": Defect(
        _SECRET, _key_disabled, "nat", rests_on=_STORED | {"kms:DescribeKey", "secretsmanager:DescribeSecret"}
    ),
    "secret-denies-the-role": Defect(
        _SECRET, _policy_denies, "nat", rests_on=_STORED | {"secretsmanager:GetResourcePolicy"}
    ),
    "login-not-set": Defect(
        "registry-credentials-missing",
        _asked_without_a_login,
        "nat",
        certainty="likely",
        relaunch=True,
        rests_on=_STORED,
    ),
    "login-marked-for-deletion": Defect(
        "registry-credentials-missing", _login_marked_for_deletion, "nat", text_proves=True, rests_on=_STORED
    ),
    "login-not-readable": Defect(_UNREADABLE, _login_not_readable, "nat", text_proves=True, rests_on=_STORED),
    "login-key-admits-nobody": Defect(
        _UNREADABLE,
        _key_policy_without_the_role(sign_in_with, texts.login_unavailable),
        "nat",
        text_proves=True,
        rests_on=_STORED,
    ),
}
