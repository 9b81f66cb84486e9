"""The ways to pull an image of another registry from ECR: through a pull-through cache, or as a copy."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from pull_doctor.causes.outcome import AwsCommand, Fix
from pull_doctor.causes.shared.rights.roles import name_of, policy_text
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference, ecr_host
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place
from pull_doctor.view.cache import CACHE_ACTIONS

UPSTREAM_LOGIN = "--secret-string 'file://<file with username and accessToken as JSON>'"
"""A login as a command reads it, so that it stands in no shell's history."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A registry that ECR can cache: the usual prefix of its rule, its host, and whether the rule needs a login."""

    prefix: str
    host: str
    login: bool


_UPSTREAMS = {
    DOCKER_HUB_HOST: Upstream("docker-hub", DOCKER_HUB_HOST, login=True),
    "public.ecr.aws": Upstream("ecr-public", "public.ecr.aws", login=False),
    "ecr-public.aws.com": Upstream("ecr-public", "public.ecr.aws", login=False),
    "quay.io": Upstream("quay", "quay.io", login=False),
    "registry.k8s.io": Upstream("kubernetes", "registry.k8s.io", login=False),
    "ghcr.io": Upstream("github", "ghcr.io", login=True),
    "registry.gitlab.com": Upstream("gitlab", "registry.gitlab.com", login=True),
    "cgr.dev": Upstream("chainguard", "cgr.dev", login=True),
}


def upstream_of(host: str) -> Upstream | None:
    """The registry as the upstream of a cache rule; ``None`` if ECR cannot cache it.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    """
    return Upstream("azure", host, login=True) if host.endswith(".azurecr.io") else _UPSTREAMS.get(host)


def from_ecr(task: Task, image: ImageReference, role: Fact[str | None], purpose: str = "") -> Fix:
    """The fix that takes the image from ECR: by a cache rule where ECR can have one for its registry, else a copy.

    ``purpose`` goes on from that, with its comma or space.

    The Regions in China and GovCloud have no cache rules.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    """
    upstream = upstream_of(image.host)
    if upstream is None or task.place.partition != "aws":
        return _copied(task, image, purpose)
    place, prefix = task.place, upstream.prefix
    rule = {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": upstream.host}
    commands: list[AwsCommand | str] = []
    if upstream.login:
        create, rule["credentialArn"] = upstream_secret(place, prefix)
        commands.append(create)
    commands.append(AwsCommand("ecr", "CreatePullThroughCacheRule", rule))
    named = role.value if isinstance(role, Known) else None
    effect = f"the pulling role needs {' and '.join(CACHE_ACTIONS)} besides the rights to pull from ECR"
    if named:
        effect = (
            f"{name_of(named)} needs two rights more, which the last command grants, besides those to pull from ECR"
        )
        cached = f"arn:{place.partition}:ecr:{place.region}:{place.account}:repository/{prefix}/*"
        statement = {"Effect": "Allow", "Action": list(CACHE_ACTIONS), "Resource": cached}
        values = {"RoleName": name_of(named), "PolicyName": f"cache-{prefix}"}
        commands.append(AwsCommand("iam", "PutRolePolicy", {**values, "PolicyDocument": policy_text([statement])}))
    return Fix(
        f"pull it through a cache in ECR{purpose}, and name {_in_ecr(task, image, prefix)} in the task definition",
        "fill-in" if upstream.login else "your-call",
        place.account,
        place.region,
        tuple(commands),
        effect=effect,
        cost="what ECR takes to store the cached images",
    )


def upstream_secret(place: Place, prefix: str) -> tuple[str, str]:
    """The command that makes the secret with the login of a cache rule, and the ARN that this secret gets.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html
    """
    name = f"ecr-pullthroughcache/{prefix}"
    create = f"aws secretsmanager create-secret --region {quote(place.region)} --name {name} {UPSTREAM_LOGIN}"
    arn = f"arn:{place.partition}:secretsmanager:{place.region}:{place.account}:secret:{name}"
    return create, f"{arn}-<end of the ARN that create-secret prints>"


def _copied(task: Task, image: ImageReference, purpose: str) -> Fix:
    place = task.place
    name = f"{ecr_host(place.account, place.region)}/{image.repository}:{image.tag or 'copy'}"
    return Fix(
        f"copy the image into ECR{purpose}, and name {name} in the task definition",
        "your-call",
        place.account,
        place.region,
        (
            AwsCommand("ecr", "CreateRepository", {"repositoryName": image.repository}),
            f"docker buildx imagetools create --tag {quote(name)} {quote(image.text)}",
        ),
        effect="the copy needs a login to both registries, and the pulling role the rights to pull from ECR",
        cost="what ECR takes to store the image",
    )


def _in_ecr(task: Task, image: ImageReference, prefix: str) -> str:
    """The image's name under a cache rule; Docker Hub's official images keep their ``library/``."""
    label = f"@{image.digest}" if image.digest else f":{image.tag}"
    return f"{ecr_host(task.place.account, task.place.region)}/{prefix}/{image.repository}{label}"
