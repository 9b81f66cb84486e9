"""Rights that look as if they refused the pull: a grant elsewhere makes up for it, or a condition spares it."""

from __future__ import annotations

from collections.abc import Callable

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import (
    READ,
    SIGN_IN,
    allow,
    deny,
    document,
    put_repository_policy,
    put_role_policy,
    registry,
    repository_arn,
    take_managed_policy,
)
from tests.worlds.secret_defects import inject, key_with, root, secret


def _granted_by_the_repository(parts: Healthy) -> None:
    """In one account the repository's policy suffices, but for the sign-in."""
    take_managed_policy(parts)
    put_role_policy(parts, "sign-in", allow(SIGN_IN))
    put_repository_policy(parts, allow(READ, None, Principal={"AWS": parts.role}))


def _denied_to_another_role(parts: Healthy) -> None:
    other = f"arn:aws:iam::{parts.builder.account}:role/payments-execution"
    put_repository_policy(parts, deny("ecr:*", None, Principal={"AWS": other}))


def _denied_in_another_region(parts: Healthy) -> None:
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": [parts.builder.region, "eu-central-1"]}}
    put_role_policy(parts, "guardrails", deny("ecr:*", Condition=elsewhere))


def _allowed_for_its_tag(parts: Healthy) -> None:
    take_managed_policy(parts)
    of_team = {"StringEquals": {"aws:ResourceTag/team": "web"}}
    put_role_policy(parts, "pull", allow(SIGN_IN), allow(READ, Condition=of_team))
    registry(parts).tag_resource(resourceArn=repository_arn(parts), tags=[{"Key": "team", "Value": "web"}])


def _allowed_by_this_endpoint(parts: Healthy) -> None:
    take_managed_policy(parts)
    by_endpoint = {"StringEquals": {"aws:SourceVpce": parts.endpoint_ids["ecr.dkr"]}}
    read = allow(READ, repository_arn(parts), Condition=by_endpoint)
    put_role_policy(parts, "pull", allow(SIGN_IN), read)


def _denied_from_outside_this_vpc(parts: Healthy) -> None:
    outside = {"StringNotEquals": {"aws:SourceVpc": parts.builder.vpc}}
    put_repository_policy(parts, deny("ecr:*", None, Principal="*", Condition=outside))


def _denied_in_the_wider_scope_alone(parts: Healthy) -> None:
    """The registry's policy denies, and its scope is the narrow one by now: replication and caches alone."""
    ecr = registry(parts)
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V2")
    everything = f"arn:aws:ecr:{parts.builder.region}:{parts.builder.account}:repository/*"
    ecr.put_registry_policy(policyText=document(deny("ecr:*", everything, Principal={"AWS": parts.role})))
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V1")


def _within_a_boundary(parts: Healthy) -> None:
    iam = parts.builder.client("iam")
    written = document(allow(["ecr:*", "logs:*"]), deny("iam:*"))
    made = iam.create_policy(PolicyName=f"{parts.builder.workload}-boundary", PolicyDocument=written)["Policy"]["Arn"]
    assert parts.role
    iam.put_role_permissions_boundary(RoleName=parts.role.rsplit("/", 1)[-1], PermissionsBoundary=made)


def _secret_with_a_key(parts: Healthy) -> None:
    """The key's policy leaves it to the account's own policies, and the role's has kms:Decrypt."""
    _, key = key_with(parts, allow("kms:*", Principal=root(parts.builder.account)))
    inject(parts, secret(parts, key=key))


def _key_for_the_store_alone(parts: Healthy) -> None:
    """The key may be used by way of Secrets Manager alone, as AWS's own policies for such keys have it."""
    builder = parts.builder
    via = {
        "StringEquals": {
            "kms:ViaService": f"secretsmanager.{builder.region}.amazonaws.com",
            "kms:CallerAccount": builder.account,
        }
    }
    _, key = key_with(
        parts,
        allow("kms:*", Principal={"AWS": f"arn:aws:iam::{builder.account}:role/security"}),
        allow("kms:Decrypt", Principal={"AWS": parts.role}, Condition=via),
    )
    inject(parts, secret(parts, key=key))


def _after(change: Callable[[Healthy], None], text: Callable[[str], str]) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        change(parts)
        return Broken((), text(parts.image), lambda: None)

    return breaks


def _cut_short(_: str) -> str:
    return texts.secret_cut_short()


HARMLESS: dict[str, Defect] = {
    "granted-by-the-repository": Defect("", _after(_granted_by_the_repository, texts.forbidden)),
    "denied-to-another-role": Defect("", _after(_denied_to_another_role, texts.forbidden)),
    "denied-in-another-region": Defect("", _after(_denied_in_another_region, texts.forbidden)),
    "allowed-for-its-tag": Defect("", _after(_allowed_for_its_tag, texts.forbidden)),
    "allowed-by-this-endpoint": Defect("", _after(_allowed_by_this_endpoint, texts.forbidden), "endpoints"),
    "denied-from-outside-this-vpc": Defect("", _after(_denied_from_outside_this_vpc, texts.forbidden), "endpoints"),
    "denied-in-the-wider-scope-alone": Defect(
        "", _after(_denied_in_the_wider_scope_alone, texts.forbidden), own_account=True
    ),
    "within-a-boundary": Defect("", _after(_within_a_boundary, texts.forbidden)),
    "secret-with-a-key": Defect("", _after(_secret_with_a_key, _cut_short), "nat"),
    "key-for-the-store-alone": Defect("", _after(_key_for_the_store_alone, _cut_short), "nat"),
}
"""The accounts in which nobody may be accused."""
