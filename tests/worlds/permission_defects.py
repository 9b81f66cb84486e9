"""Defects of what the pulling role may do: its own policies, and those that limit it."""

from __future__ import annotations

from collections.abc import Callable

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import (
    READ,
    SIGN_IN,
    Statement,
    allow,
    deny,
    document,
    put_role_policy,
    registry,
    repository_arn,
    role_name,
    take_managed_policy,
)

_ROLE = frozenset({"ecs:DescribeTaskDefinition"})
_AS_WRITTEN = _ROLE | {"iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:GetRolePolicy"}

_POLICY = "guardrails"


def _with_policy(*reason: str, statements: Callable[[Healthy], list[Statement]]) -> Callable[[Healthy], Broken]:
    """An inline policy more; with a ``reason`` ECS's text ends in it, and without it says only 403."""

    def breaks(parts: Healthy) -> Broken:
        assert parts.role
        put_role_policy(parts, _POLICY, *statements(parts))

        def mend() -> None:
            parts.builder.client("iam").delete_role_policy(RoleName=role_name(parts), PolicyName=_POLICY)

        forbidden = texts.forbidden(parts.image)
        text = texts.refused(parts.image, parts.role, reason[0]) if reason else forbidden
        return Broken((parts.role, _POLICY), text, mend, forbidden if reason else None)

    return breaks


def _denies_the_image(parts: Healthy) -> list[Statement]:
    return [deny("ecr:Batch*", repository_arn(parts), Sid="NotThisOne")]


def _denies_another_region(_: Healthy) -> list[Statement]:
    """A lock on a Region, as many accounts have it: what a simulation is not given decides."""
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-north-1"]}}
    return [deny("ecr:*", Sid="OnlyOurRegions", Condition=elsewhere)]


def _only_tagged_repositories(parts: Healthy) -> Broken:
    """The role may read repositories of its team, and this one has no tag."""
    assert parts.role
    take_managed_policy(parts)
    of_team = {"StringEquals": {"aws:ResourceTag/team": "web"}}
    put_role_policy(parts, "pull", allow(SIGN_IN), allow(READ, Sid="OurRepositories", Condition=of_team))
    arn, ecr = repository_arn(parts), registry(parts)

    def mend() -> None:
        ecr.tag_resource(resourceArn=arn, tags=[{"Key": "team", "Value": "web"}])

    return Broken((parts.role, "OurRepositories"), texts.forbidden(parts.image), mend)


def _sign_in_on_the_repository(parts: Healthy) -> Broken:
    """All actions on the repository alone; signing in is asked of ``*``."""
    assert parts.role
    take_managed_policy(parts)
    put_role_policy(parts, "pull", allow([SIGN_IN, *READ], repository_arn(parts)))

    def mend() -> None:
        put_role_policy(parts, "pull", allow(SIGN_IN), allow(READ, repository_arn(parts)))

    reason = f"because no identity-based policy allows the {SIGN_IN} action"
    return Broken((parts.role,), texts.sign_in_refused(parts.role, reason), mend, texts.sign_in_denied())


def _boundary_denies(parts: Healthy) -> Broken:
    """A boundary that allows everything but this repository."""
    assert parts.role
    iam = parts.builder.client("iam")
    written = document(allow("*"), deny("ecr:BatchGetImage", repository_arn(parts), Sid="NotThisOne"))
    made = iam.create_policy(PolicyName=f"{parts.builder.workload}-boundary", PolicyDocument=written)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=role_name(parts), PermissionsBoundary=made)

    def mend() -> None:
        iam.delete_role_permissions_boundary(RoleName=role_name(parts))

    text = texts.refused(parts.image, parts.role, "with an explicit deny in a permissions boundary")
    return Broken((parts.role, made), text, mend, texts.forbidden(parts.image))


_DENIED = "with an explicit deny in an identity-based policy"

DEFECTS: dict[str, Defect] = {
    "role-denies-the-image": Defect(
        "pull-permission-denied", _with_policy(statements=_denies_the_image), rests_on=_ROLE
    ),
    "role-denies-the-image-in-text": Defect(
        "pull-permission-denied",
        _with_policy(_DENIED, statements=_denies_the_image),
        text_proves=True,
    ),
    "role-denies-other-regions": Defect(
        "pull-permission-denied",
        _with_policy(statements=_denies_another_region),
        rests_on=_AS_WRITTEN | {"iam:GetPolicy", "iam:GetPolicyVersion"},
    ),
    "role-reads-tagged-repositories": Defect(
        "pull-permission-denied",
        _only_tagged_repositories,
        rests_on=_AS_WRITTEN | {"ecr:ListTagsForResource", "ecr:GetRepositoryPolicy", "ecr:GetRegistryPolicy"},
    ),
    "role-signs-in-to-a-repository": Defect("pull-permission-denied", _sign_in_on_the_repository, text_proves=True),
    "boundary-denies-the-image": Defect("permissions-boundary-denies", _boundary_denies, text_proves=True),
}
