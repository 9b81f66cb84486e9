"""Defects of what the image's owner allows: the repository's policy and the registry's, at home and across accounts."""

from __future__ import annotations

from collections.abc import Callable

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import (
    OWNER,
    READ,
    Statement,
    allow,
    deny,
    document,
    move_to_owner,
    put_repository_policy,
    registry,
    repository_name,
)

Statements = Callable[[Healthy], list[Statement]]

_RULED = frozenset({"ecs:DescribeTaskDefinition"})
_LOOK = ["ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource"]
"""What an owner lets another account see without letting it pull."""


def _may_look(parts: Healthy) -> Statement:
    return allow(_LOOK, None, Sid="Look", Principal={"AWS": f"arn:aws:iam::{parts.builder.account}:root"})


def _may_pull(parts: Healthy) -> Statement:
    return allow(READ, None, Sid="Pull", Principal={"AWS": parts.role})


def _denies(statements: Statements, reason: str | None = None) -> Callable[[Healthy], Broken]:
    """A repository of the account's own; mended, it has no policy."""

    def breaks(parts: Healthy) -> Broken:
        assert parts.role
        put_repository_policy(parts, *statements(parts))

        def mend() -> None:
            registry(parts).delete_repository_policy(repositoryName=repository_name(parts))

        forbidden = texts.forbidden(parts.image)
        text = texts.refused(parts.image, parts.role, reason) if reason else forbidden
        return Broken((repository_name(parts),), text, mend, forbidden if reason else None)

    return breaks


def _does_not_grant(statements: Statements, reason: str | None = None) -> Callable[[Healthy], Broken]:
    """A repository of another account; mended, its policy grants the pull to the role."""

    def breaks(parts: Healthy) -> Broken:
        assert parts.role
        move_to_owner(parts)
        put_repository_policy(parts, *statements(parts))

        def mend() -> None:
            put_repository_policy(parts, _may_look(parts), _may_pull(parts))

        forbidden = texts.forbidden(parts.image)
        text = texts.refused(parts.image, parts.role, reason) if reason else forbidden
        return Broken((repository_name(parts), OWNER), text, mend, forbidden if reason else None)

    return breaks


def _denies_the_role(parts: Healthy) -> list[Statement]:
    return [deny("ecr:BatchGetImage", None, Sid="NotOrders", Principal={"AWS": parts.role})]


def _denies_all_but_a_pipeline(parts: Healthy) -> list[Statement]:
    pipeline = f"arn:aws:iam::{parts.builder.account}:role/pipeline"
    return [
        deny(
            ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            None,
            Sid="PipelineOnly",
            Principal="*",
            Condition={"ArnNotEquals": {"aws:PrincipalArn": pipeline}},
        )
    ]


def _lets_look(parts: Healthy) -> list[Statement]:
    return [_may_look(parts)]


def _grants_another_role(parts: Healthy) -> list[Statement]:
    other = f"arn:aws:iam::{parts.builder.account}:role/payments-execution"
    return [_may_look(parts), allow(READ, None, Sid="Payments", Principal={"AWS": other})]


def _grants_the_deleted_role(parts: Healthy) -> list[Statement]:
    """The role was deleted and made anew since: AWS keeps the id of the one that was granted the pull."""
    return [_may_look(parts), allow(READ, None, Sid="Orders", Principal={"AWS": "AROAEXAMPLEOFANOLDROLE"})]


def _registry_denies(parts: Healthy) -> Broken:
    """The registry's policy denies, in the scope in which it is evaluated on every action."""
    ecr, account = registry(parts), parts.builder.account
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V2")
    everything = f"arn:aws:ecr:{parts.builder.region}:{account}:repository/team/*"
    written = deny("ecr:BatchGetImage", everything, Sid="FrozenTeam", Principal={"AWS": parts.role})
    ecr.put_registry_policy(policyText=document(written))
    return Broken((account,), texts.forbidden(parts.image), ecr.delete_registry_policy)


_CAUSE = "repository-policy-denies"
_BY_RESOURCE = "with an explicit deny in a resource-based policy"
_NOT_GRANTED = "because no resource-based policy allows the ecr:BatchGetImage action"
_READ_THERE = _RULED | {"ecr:GetRepositoryPolicy"}

DEFECTS: dict[str, Defect] = {
    "repository-denies-the-role": Defect(_CAUSE, _denies(_denies_the_role), rests_on=_READ_THERE),
    "repository-denies-all-but-a-pipeline": Defect(_CAUSE, _denies(_denies_all_but_a_pipeline), rests_on=_READ_THERE),
    "repository-denies-in-text": Defect(
        _CAUSE, _denies(_denies_the_role, _BY_RESOURCE), text_proves=True, rests_on=_READ_THERE
    ),
    "foreign-repository-lets-look": Defect(
        _CAUSE, _does_not_grant(_lets_look), certainty="likely", rests_on=_READ_THERE
    ),
    "foreign-repository-grants-another-role": Defect(
        _CAUSE, _does_not_grant(_grants_another_role), certainty="likely", rests_on=_READ_THERE
    ),
    "foreign-repository-grants-the-deleted-role": Defect(
        _CAUSE, _does_not_grant(_grants_the_deleted_role), certainty="likely", rests_on=_READ_THERE | {"iam:GetRole"}
    ),
    "foreign-repository-in-text": Defect(
        _CAUSE, _does_not_grant(_lets_look, _NOT_GRANTED), text_proves=True, rests_on=_READ_THERE
    ),
    "registry-denies-the-role": Defect(
        "registry-policy-denies",
        _registry_denies,
        own_account=True,
        rests_on=_RULED | {"ecr:GetRegistryPolicy", "ecr:GetAccountSetting"},
    ),
}
