"""Defects of ECR's registry behind the image: the key of its repository, and the pull-through cache that fetches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import (
    READ,
    SIGN_IN,
    allow,
    document,
    put_role_policy,
    registry,
    repository_name,
    take_managed_policy,
)

_IMPORT, _CREATE = "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"
_KEY = frozenset({"ecr:DescribeRepositories", "kms:DescribeKey"})
_CACHE = frozenset({"ecs:DescribeTaskDefinition", "ecr:DescribeImages", "ecr:DescribePullThroughCacheRules"})
_POLICIES = frozenset({"ecr:GetRegistryPolicy", "ecr:GetRepositoryPolicy"})


def _key(disable: Callable[[Any, str], None], mend: Callable[[Any, str], None]) -> Callable[[Healthy], Broken]:
    """A repository that a key of the account's own encrypts, and what became of the key."""

    def breaks(parts: Healthy) -> Broken:
        kms, ecr, name = parts.builder.client("kms"), registry(parts), repository_name(parts)
        key = str(kms.create_key(Description="images")["KeyMetadata"]["Arn"])
        ecr.delete_repository(repositoryName=name, force=True)
        ecr.create_repository(repositoryName=name, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key})
        parts.builder.image(name, ["1.41.3", "1.42.0"], parts.builder.account, parts.builder.region)
        disable(kms, key)
        return Broken((name, key), texts.server_error(parts.image), lambda: mend(kms, key))

    return breaks


def _disable(kms: Any, key: str) -> None:
    kms.disable_key(KeyId=key)


def _enable(kms: Any, key: str) -> None:
    kms.enable_key(KeyId=key)


def _delete(kms: Any, key: str) -> None:
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _keep(kms: Any, key: str) -> None:
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)


def cache_rule(parts: Healthy, name: str = "library/nginx") -> str:
    """A rule that caches Docker Hub, and a task that asks for an image of it; the repository's name in ECR."""
    registry(parts).create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io"
    )
    parts.image = f"{parts.image.partition('/')[0]}/docker-hub/{name}:1.27"
    return f"docker-hub/{name}"


def fetch(parts: Healthy) -> None:
    """Let ECR have the image, as it has once somebody has pulled it who may import."""
    parts.builder.image(repository_name(parts), ["1.27"], parts.builder.account, parts.builder.region)


def without_the_rights(parts: Healthy) -> Broken:
    """AWS's own policy for execution roles grants neither right of the cache."""
    assert parts.role
    repository = cache_rule(parts)

    def mend() -> None:
        put_role_policy(parts, "cache", allow([_IMPORT, _CREATE]))
        fetch(parts)

    return Broken((parts.role, repository), texts.repository_unknown(parts.image), mend)


def _without_the_import(parts: Healthy) -> Broken:
    """Somebody made the repository by hand, so that the cache need not."""
    assert parts.role
    repository = cache_rule(parts)
    registry(parts).create_repository(repositoryName=repository)

    def mend() -> None:
        put_role_policy(parts, "cache", allow(_IMPORT))
        fetch(parts)

    return Broken((parts.role, repository), texts.manifest_unknown(parts.image), mend)


def _import_in_text(parts: Healthy) -> Broken:
    assert parts.role
    repository = cache_rule(parts)
    text = texts.refused(parts.image, parts.role, f"because no identity-based policy allows the {_IMPORT} action")

    def mend() -> None:
        put_role_policy(parts, "cache", allow([_IMPORT, _CREATE]))
        fetch(parts)

    text = text.replace("perform: ecr:BatchGetImage", f"perform: {_IMPORT}")
    return Broken((parts.role, repository), text, mend, texts.repository_unknown(parts.image))


def _without_library(parts: Healthy) -> Broken:
    """The role may import, and the name lacks the ``library/`` of Docker Hub's official images."""
    repository, builder = cache_rule(parts, "nginx"), parts.builder
    put_role_policy(parts, "cache", allow([_IMPORT, _CREATE]))
    right = parts.image.replace("/nginx", "/library/nginx")

    def mend() -> None:
        builder.image(repository.replace("/nginx", "/library/nginx"), ["1.27"], builder.account, builder.region)
        builder.deploy(right)

    return Broken((repository,), texts.forbidden(parts.image), mend, next_text=lambda: texts.forbidden(right))


def _cannot_read_what_is_cached(parts: Healthy) -> Broken:
    """The role has the cache's rights and may not read: under a cache rule that is the cache's defect, too."""
    assert parts.role
    repository = cache_rule(parts)
    fetch(parts)
    take_managed_policy(parts)
    put_role_policy(parts, "cache", allow([SIGN_IN, _IMPORT, _CREATE]))

    def mend() -> None:
        put_role_policy(parts, "cache", allow([SIGN_IN, *READ, _IMPORT, _CREATE]))

    return Broken((parts.role, repository), texts.forbidden(parts.image), mend)


def granted_by_the_registry(parts: Healthy) -> Broken:
    """The registry's policy grants the rights that the role's own policies lack; the image is missing all the same."""
    broken = without_the_rights(parts)
    everything = f"arn:aws:ecr:{parts.builder.region}:{parts.builder.account}:repository/docker-hub/*"
    written = allow([_IMPORT, _CREATE], everything, Principal={"AWS": parts.role})
    registry(parts).put_registry_policy(policyText=document(written))
    return broken


_CAUSE = "pull-through-cache-broken"

DEFECTS: dict[str, Defect] = {
    "key-disabled": Defect("ecr-key-unusable", _key(_disable, _enable), rests_on=_KEY, told="registry-unavailable"),
    "key-to-be-deleted": Defect("ecr-key-unusable", _key(_delete, _keep), rests_on=_KEY, told="registry-unavailable"),
    "cache-without-rights": Defect(
        _CAUSE, without_the_rights, "nat", rests_on=_CACHE | {"ecr:GetRegistryPolicy"}, own_account=True
    ),
    "cache-without-import": Defect(_CAUSE, _without_the_import, "nat", rests_on=_CACHE | _POLICIES, own_account=True),
    "cache-import-in-text": Defect(_CAUSE, _import_in_text, "nat", text_proves=True, own_account=True),
    "cache-without-library": Defect(
        _CAUSE,
        _without_library,
        "nat",
        relaunch=True,
        rests_on=_CACHE - {"ecs:DescribeTaskDefinition"},
        own_account=True,
    ),
    "cache-not-readable": Defect(
        _CAUSE,
        _cannot_read_what_is_cached,
        "nat",
        rests_on=(_CACHE | {"ecr:GetRepositoryPolicy"}) - {"ecr:DescribeImages"},
        own_account=True,
    ),
}
