"""Defects of the registry itself, told by ECS's text alone: its limits, its outages, and certificates put before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.registry_defects import cache_rule
from tests.worlds.rights import allow, put_role_policy

_HUB, _HUB_TOKENS, _ECR_PUBLIC = "registry-1.docker.io", "auth.docker.io", "public.ecr.aws"
_RETRIED = "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref"
_UNKNOWN_AUTHORITY = "tls: failed to verify certificate: x509: certificate signed by unknown authority"


def manifest_answer(image: str, answer: str) -> str:
    """The registry answers the request for the manifest with this status."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{_HUB if host == 'docker.io' else host}/v2/{repository}/manifests/{tag}"
    return f"{_RETRIED} {image}: unexpected status from HEAD request to {url}: {answer}"


def manifest_failure(image: str, why: str) -> str:
    """The request for the manifest fails before the registry answers."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    dialled = _HUB if host == "docker.io" else host
    return f'{_RETRIED} {image}: failed to do request: Head "https://{dialled}/v2/{repository}/manifests/{tag}": {why}'


def daemon_failure(image: str, why: str) -> str:
    """The same, as Docker says it on a host."""
    host = image.partition("/")[0]
    dialled = _HUB if host == "docker.io" else host
    return f'CannotPullContainerError: Error response from daemon: Get "https://{dialled}/v2/": {why}'


def layers_answer(image: str, answer: str) -> str:
    """The registry, or the storage to which it redirects, answers the request for a layer with this status."""
    host, _, path = image.partition("/")
    url = f"https://{host}/v2/{path.partition(':')[0]}/blobs/sha256:{'7' * 64}"
    return (
        "CannotPullContainerError: ref pull has been retried 7 time(s): failed to copy: httpReadSeeker: failed open: "
        f"unexpected status code {url}: {answer}"
    )


def tokens_answer(image: str, answer: str) -> str:
    """The service that gives out Docker Hub's tokens answers with this status."""
    return (
        f"{_RETRIED} {image}: failed to authorize: failed to fetch anonymous token: unexpected status from GET request "
        f"to https://{_HUB_TOKENS}/token?scope=repository%3Alibrary%2Fnginx%3Apull&service=registry.docker.io: {answer}"
    )


def sign_in_throttled(_image: str) -> str:
    """ECR's API limits the requests to sign in."""
    return (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve ecr registry auth: service call has been retried 3 time(s): ThrottlingException: Rate "
        "exceeded"
    )


def _told(text: Callable[[str], str], *culprits: str, image: str | None = None) -> Callable[[Healthy], Broken]:
    """An account in which nothing is broken; ``culprits`` are hosts, of ECR's registry the image's own."""

    def breaks(parts: Healthy) -> Broken:
        parts.image = image or parts.image
        return _broken(parts, text(parts.image), *(culprits or (parts.image.partition("/")[0],)))

    return breaks


def _broken(parts: Healthy, text: str, *culprits: str) -> Broken:
    """What mends it is outside AWS: the next task fails for another reason, which no cause shows."""
    return Broken(culprits, text, lambda: None, next_text=lambda: texts.manifest_timeout(parts.image))


def _behind_nat(parts: Healthy) -> Broken:
    return _broken(parts, texts.rate_limited(parts.image), _HUB, parts.nat)


def _with_a_login(parts: Healthy) -> Broken:
    secrets = parts.builder.client("secretsmanager")
    secret = secrets.create_secret(Name=f"{parts.builder.workload}-hub", SecretString="{}")["ARN"]
    put_role_policy(parts, "login", allow("secretsmanager:GetSecretValue", secret))
    parts.container["repositoryCredentials"] = {"credentialsParameter": secret}
    said = "429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit."
    return _broken(parts, manifest_answer(parts.image, said), _HUB)


def _by_a_cache(parts: Healthy) -> Broken:
    """ECR fetches the image from Docker Hub, and either of the two limits that."""
    cache_rule(parts)
    put_role_policy(parts, "cache", allow(["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]))
    return _broken(parts, manifest_answer(parts.image, "429 Too Many Requests"), "docker-hub", _HUB)


def _of(cause: str, breaks: Callable[[Healthy], Broken], base: Any = "nat", **more: Any) -> Defect:
    """A defect that no API of AWS shows."""
    return Defect(cause, breaks, base, relaunch=True, still="unknown", **more)


def _slow_down(image: str) -> str:
    return layers_answer(image, "503 Slow Down")


def _limited(image: str) -> str:
    return manifest_answer(image, "429 Too Many Requests")


def _bad_gateway(image: str) -> str:
    return daemon_failure(image, "received unexpected HTTP status: 502 Bad Gateway")


def _inspected(image: str) -> str:
    return manifest_failure(image, _UNKNOWN_AUTHORITY)


def _untrusted_by_docker(image: str) -> str:
    return daemon_failure(image, _UNKNOWN_AUTHORITY)


def _expired(image: str) -> str:
    return manifest_failure(
        image, "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"
    )


_LIMITED, _DOWN, _UNTRUSTED = "registry-rate-limited", "registry-unavailable", "registry-certificate-untrusted"
_PRIVATE = "harbor.example.com/team/app:1"
_PUBLIC = f"{_ECR_PUBLIC}/nginx/nginx:1.27"
_KEY = frozenset({"ecr:DescribeRepositories"})

DEFECTS: dict[str, Defect] = {
    "hub-limits-pulls": _of(_LIMITED, _behind_nat, image="docker-hub"),
    "hub-limits-a-login": _of(_LIMITED, _with_a_login, image="docker-hub"),
    "hub-limits-a-host": _of(_LIMITED, _behind_nat, image="docker-hub", host="bridge"),
    "ecr-public-limits-pulls": _of(_LIMITED, _told(_limited, image=_PUBLIC)),
    "ecr-limits-sign-ins": _of(_LIMITED, _told(sign_in_throttled, "api.ecr.eu-west-1.amazonaws.com"), "endpoints"),
    "ecr-limits-manifests": _of(_LIMITED, _told(_limited), "endpoints"),
    "cache-or-upstream-limits": _of(
        _LIMITED, _by_a_cache, rests_on=frozenset({"ecr:DescribePullThroughCacheRules"}), own_account=True
    ),
    "hub-gives-no-tokens": _of(
        _DOWN,
        _told(lambda image: tokens_answer(image, "503 Service Unavailable"), _HUB_TOKENS),
        image="docker-hub",
    ),
    "ecr-public-on-managed-instances-down": _of(
        _DOWN, _told(_bad_gateway, image=_PUBLIC), host="awsvpc", launch_type="MANAGED_INSTANCES"
    ),
    "ecr-answers-with-an-error": _of(_DOWN, _told(texts.server_error), "endpoints", rests_on=_KEY),
    "layers-slow-down": _of(_DOWN, _told(_slow_down), "endpoints"),
    "private-registry-down-on-premises": _of(
        _DOWN, _told(_bad_gateway, image=_PRIVATE), host="bridge", launch_type="EXTERNAL"
    ),
    "private-authority": _of(_UNTRUSTED, _told(_inspected, image=_PRIVATE)),
    "hub-inspected": _of(_UNTRUSTED, _told(_inspected, _HUB), image="docker-hub", certainty="likely"),
    "ecr-inspected": _of(_UNTRUSTED, _told(_inspected), certainty="likely"),
    "private-authority-on-ec2": _of(_UNTRUSTED, _told(_untrusted_by_docker, image=_PRIVATE), host="bridge"),
    "private-authority-on-premises": _of(
        _UNTRUSTED, _told(_untrusted_by_docker, image=_PRIVATE), host="bridge", launch_type="EXTERNAL"
    ),
    "private-certificate-expired": _of(_UNTRUSTED, _told(_expired, image=_PRIVATE)),
}
