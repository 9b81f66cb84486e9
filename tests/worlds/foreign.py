"""What belongs to another account, which tells this one nothing of it: only the owner's reader role sees the defect.

``build_foreign(aws, "repository-without-a-policy")`` is a task whose image, or whose secret, is another account's.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from pull_doctor.facts.aws import ReaderRole
from tests.emulated.aws import EmulatedAws
from tests.worlds import texts
from tests.worlds.defects import broken_world
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import (
    OWNER,
    READ,
    allow,
    deny,
    document,
    move_to_owner,
    put_repository_policy,
    registry,
    repository_name,
)
from tests.worlds.secret_defects import inject, key_with, not_authorized, root, secret
from tests.worlds.world import World

_WORD = "shared-word"


def reader_role(aws: EmulatedAws, account: str, owner: str = OWNER) -> ReaderRole:
    """The owner's role for this account's pull-doctor, made where it is not there yet."""
    iam = aws.client("iam", account=owner)
    condition = {"StringEquals": {"sts:ExternalId": _WORD}}
    trust = document(allow("sts:AssumeRole", None, Principal=root(account), Condition=condition))
    name = f"pull-doctor-reader-for-{account}"
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    return ReaderRole(f"arn:aws:iam::{owner}:role/{name}", _WORD)


def _without_a_policy(parts: Healthy) -> Broken:
    move_to_owner(parts)

    def mend() -> None:
        put_repository_policy(parts, allow(READ, None, Principal={"AWS": parts.role}))

    return Broken((repository_name(parts), OWNER), texts.forbidden(parts.image), mend)


def _for_an_organization(parts: Healthy) -> Broken:
    """The owner admits its organization, in which the task's account is not."""
    move_to_owner(parts)
    inside = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}
    ours = allow(READ, None, Sid="Ours", Principal="*", Condition=inside)
    put_repository_policy(parts, ours)

    def mend() -> None:
        put_repository_policy(parts, ours, allow(READ, None, Principal={"AWS": parts.role}))

    return Broken((repository_name(parts), OWNER), texts.forbidden(parts.image), mend)


def _registry_denies(parts: Healthy) -> Broken:
    """The repository grants the pull, and the owner's registry denies it."""
    move_to_owner(parts)
    ecr = registry(parts)
    put_repository_policy(parts, allow(READ, None, Principal={"AWS": parts.role}))
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V2")
    here = f"arn:aws:ecr:{parts.builder.region}:{OWNER}:repository/{repository_name(parts)}"
    ecr.put_registry_policy(policyText=document(deny("ecr:*", here, Sid="Frozen", Principal={"AWS": parts.role})))
    return Broken((OWNER,), texts.forbidden(parts.image), ecr.delete_registry_policy)


def _secret(parts: Healthy) -> Broken:
    """The owner lets this account describe the secret and use its key, and not read the secret."""
    here = parts.builder.account
    of_key = (allow("kms:*", Principal=root(OWNER)), allow(["kms:Decrypt", "kms:DescribeKey"], Principal=root(here)))
    _, key = key_with(parts, *of_key, account=OWNER)
    look = allow(["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"], Principal=root(here))
    arn = secret(parts, key=key, account=OWNER, policy=document(look))
    inject(parts, arn)
    manager = parts.builder.aws.client("secretsmanager", account=OWNER)

    def mend() -> None:
        granted = document(look, allow("secretsmanager:GetSecretValue", Principal={"AWS": parts.role}))
        manager.put_resource_policy(SecretId=arn, ResourcePolicy=granted)

    text = texts.secret_unavailable(not_authorized(parts, arn, "resource-based policy"))
    return Broken((arn, OWNER), text, mend, texts.secret_cut_short())


_REPOSITORY = Defect("repository-policy-denies", _without_a_policy)

FOREIGN: dict[str, Defect] = {
    "repository-without-a-policy": _REPOSITORY,
    "repository-for-an-organization": replace(_REPOSITORY, breaks=_for_an_organization),
    "registry-of-the-owner": Defect("registry-policy-denies", _registry_denies),
    "secret-of-the-owner": Defect("task-secret-unavailable", _secret, "nat", text_proves=True),
}


def build_foreign(aws: EmulatedAws, name: str) -> World:
    """The world of this name."""
    world = broken_world(aws, [FOREIGN[name]])
    world.name = name
    return world
