"""Defects of a pull-through cache behind its rights: its secret, its login to the upstream, the way of a first pull."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.emulated.moto_registry import break_cache_rule
from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.registry_defects import fetch
from tests.worlds.rights import allow, put_role_policy, registry

_CAUSE, _PREFIX, _NAME = "pull-through-cache-broken", "docker-hub", "ecr-pullthroughcache/docker-hub"
_RULES = frozenset({"ecr:DescribePullThroughCacheRules"})
_FACTS = _RULES | {"ecr:DescribeImages"}
_WAY = frozenset({"ec2:DescribeSubnets", "ec2:DescribeRouteTables"})
_NO_SECRET = "The secret of the pull through cache rule could not be accessed."
_NO_LOGIN = "Authentication against the upstream registry failed. Verify the credentials in the secret, and try again."


def not_signed_in(image: str) -> str:
    """What ECR answers where the upstream does not take its login."""
    return (
        f"CannotPullContainerError: Error response from daemon: pull access denied for {image.rpartition(':')[0]}, "
        "repository does not exist or may require 'docker login': denied: The authentication to the upstream registry "
        "failed. Verify that the credentials provided in the pull through cache rule are correct, and try again."
    )


def not_decrypted(image: str) -> str:
    """What ECR answers where it cannot decrypt the secret."""
    return (
        f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: "
        "UnableToDecryptSecretValueException: The secret is accessible but is unable to be decrypted"
    )


def _cached(parts: Healthy) -> str:
    """A rule that signs in to Docker Hub, and a task with the rights to pull through it; the secret's ARN."""
    arn = str(_secrets(parts).create_secret(Name=_NAME, SecretString="{}")["ARN"])
    _rule(parts, arn)
    put_role_policy(parts, "cache", allow(["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]))
    parts.image = f"{parts.image.partition('/')[0]}/{_PREFIX}/library/nginx:1.27"
    return arn


def _secrets(parts: Healthy) -> Any:
    return parts.builder.client("secretsmanager")


def _rule(parts: Healthy, secret: str) -> None:
    registry(parts).create_pull_through_cache_rule(
        ecrRepositoryPrefix=_PREFIX, upstreamRegistryUrl="registry-1.docker.io", credentialArn=secret
    )


def _say(parts: Healthy, failure: str | Callable[[], str] | None) -> None:
    """Let ECR's own test of the rule fail with this sentence, or pass."""
    break_cache_rule(parts.builder.account, parts.builder.region, _PREFIX, failure)


def _unless_restored(parts: Healthy, secret: str) -> Callable[[], str]:
    """What ECR's own test says of a rule, as long as its secret is marked for deletion."""
    return lambda: _NO_SECRET if "DeletedDate" in _secrets(parts).describe_secret(SecretId=secret) else ""


def _secret_gone(parts: Healthy) -> Broken:
    arn = _cached(parts)
    _secrets(parts).delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    _say(parts, _NO_SECRET)

    def mend() -> None:
        registry(parts).delete_pull_through_cache_rule(ecrRepositoryPrefix=_PREFIX)
        _rule(parts, str(_secrets(parts).create_secret(Name=_NAME, SecretString="{}")["ARN"]))
        _say(parts, None)
        fetch(parts)

    return Broken((arn,), not_signed_in(parts.image), mend)


def _secret_marked(parts: Healthy) -> Broken:
    arn = _cached(parts)
    _secrets(parts).delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    _say(parts, _unless_restored(parts, arn))

    def mend() -> None:
        _secrets(parts).restore_secret(SecretId=arn)
        fetch(parts)

    return Broken((arn,), texts.manifest_unknown(parts.image), mend)


def _login_refused(parts: Healthy) -> Broken:
    _cached(parts)
    _say(parts, _NO_LOGIN)

    def mend() -> None:
        _say(parts, None)
        fetch(parts)

    return Broken((_PREFIX,), texts.forbidden(parts.image), mend)


def _secret_in_text(parts: Healthy) -> Broken:
    _cached(parts)
    _say(parts, _NO_SECRET)

    def mend() -> None:
        _say(parts, None)
        fetch(parts)

    return Broken((_PREFIX,), not_decrypted(parts.image), mend, texts.repository_unknown(parts.image))


def _no_internet(parts: Healthy) -> Broken:
    """A subnet with endpoints alone, and an image that nobody has pulled yet."""
    _cached(parts)
    return Broken((parts.table,), texts.manifest_unknown(parts.image), lambda: fetch(parts))


def _layers_of_the_upstream(parts: Healthy) -> Broken:
    """The same, where ECR gave the manifest and sends the task to Docker Hub for a layer."""
    _cached(parts)
    url = "https://production.cloudflare.docker.com/registry-v2/docker/registry/v2/blobs/sha256/1c/1c10/data?verify=17"
    text = (
        "CannotPullContainerError: ref pull has been retried 7 time(s): failed to copy: httpReadSeeker: failed open: "
        f'failed to do request: Get "{url}": dial tcp 104.18.121.25:443: i/o timeout'
    )
    return Broken((parts.table,), text, lambda: fetch(parts), texts.manifest_unknown(parts.image))


DEFECTS: dict[str, Defect] = {
    "cache-secret-gone": Defect(_CAUSE, _secret_gone, "nat", rests_on=_RULES, own_account=True),
    "cache-secret-to-be-deleted": Defect(_CAUSE, _secret_marked, "nat", rests_on=_FACTS, own_account=True),
    "cache-login-refused": Defect(
        _CAUSE, _login_refused, "nat", rests_on=_FACTS | {"ecr:ValidatePullThroughCacheRule"}, own_account=True
    ),
    "cache-secret-in-text": Defect(_CAUSE, _secret_in_text, "nat", text_proves=True, own_account=True),
    "cache-without-internet": Defect(
        _CAUSE,
        _no_internet,
        "endpoints",
        certainty="likely",
        rests_on=_FACTS
        | _WAY
        | {"ecr:ValidatePullThroughCacheRule", "ecr:GetRegistryPolicy", "ecs:DescribeTaskDefinition"},
        own_account=True,
    ),
    "cache-layers-of-the-upstream": Defect(
        _CAUSE, _layers_of_the_upstream, "endpoints", text_proves=True, rests_on=_RULES | _WAY, own_account=True
    ),
}
