"""The registry limits how much is pulled from it, and this pull came on top.

Docker Hub counts the pulls of those who do not sign in by address: 100 in six hours, for all tasks behind one NAT
gateway together. A Personal account has 200 of its own. ECR Public and ECR limit requests by the second, which shows
where many tasks start at once. ECS tries a few times and then gives up; the next task may well succeed.

What mends it: fewer pulls from there, through a pull-through cache in ECR, or a login with a higher limit.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Outcome, Problem
from pull_doctor.causes.shared.images import cached, untold
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import ContainerDefinition
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference, ecr_host
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import make

_ECR_PUBLIC = ("public.ecr.aws", "ecr-public.aws.com")
_UPSTREAMS = {
    DOCKER_HUB_HOST: ("docker-hub", "registry-1.docker.io", True),
    "public.ecr.aws": ("ecr-public", "public.ecr.aws", False),
    "ecr-public.aws.com": ("ecr-public", "public.ecr.aws", False),
    "quay.io": ("quay", "quay.io", False),
    "registry.k8s.io": ("kubernetes", "registry.k8s.io", False),
    "ghcr.io": ("github", "ghcr.io", True),
    "registry.gitlab.com": ("gitlab", "registry.gitlab.com", True),
}
"""The registries that ECR can cache: the usual prefix, the upstream's name, and whether it wants a login.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html"""


def check(
    *, task: Task, symptom: Symptom, image: ImageReference, container: Fact[ContainerDefinition | None]
) -> Outcome:
    if symptom.kind != "rate-limited":
        return untold(symptom, "a limit of pulls", f"whether {image.host} limits pulls")
    host = symptom.host or image.host
    name, why = _limit(image, host, container)
    registry = make(task.place, "Registry", host)
    return Problem(
        title=f"pull limit of {name} is reached",
        explanation=f"{host} refused the pull of {image.repository}, as too many came before it. {why}",
        culprit=registry,
        evidence=(
            Evidence(
                f"ECS's text says that {host} limits the pulls of repository {image.repository}", "text", (registry,)
            ),
        ),
        fixes=_fixes(task, image, container),
        still="unknown",
        text_proves=True,
    )


def _limit(image: ImageReference, host: str, container: Fact[ContainerDefinition | None]) -> tuple[str, str]:
    if image.host == DOCKER_HUB_HOST:
        return "Docker Hub", _of_docker_hub(container)
    if image.host in _ECR_PUBLIC:
        return "ECR Public", "ECR Public counts the pulls of an account or an address by the second."
    if image.ecr is None:
        return host[:50], f"Only {host} itself knows whether it counts by login or by address."
    if cached(image):
        return (
            "ECR or the upstream of its cache",
            f"{image.repository} looks like a pull-through cache's, so that the limit may be the upstream registry's.",
        )
    where = f"account {image.ecr.account} in {image.ecr.region}"
    return "ECR", f"ECR counts requests by the second, for all of {where} together."


def _of_docker_hub(container: Fact[ContainerDefinition | None]) -> str:
    if not isinstance(container, Known) or container.value is None:
        return "Docker Hub counts by login, and by address where there is none."
    if secret := container.value.registry_credentials:
        return f"The task signs in with {secret}, and Docker Hub counts the pulls of that login."
    return (
        "The task does not sign in, so that Docker Hub counts by address: 100 pulls in six hours, for everything "
        "behind one NAT gateway."
    )


def _fixes(task: Task, image: ImageReference, container: Fact[ContainerDefinition | None]) -> tuple[Fix, ...]:
    place = task.place
    if image.ecr:
        registry = image.ecr
        if cached(image):
            text = "give the cache rule's upstream a login with a higher limit"
            return (Fix(text, "your-call", registry.account, registry.region),)
        quotas = AwsCommand("service-quotas", "ListServiceQuotas", {"ServiceCode": "ecr"})
        text = "start fewer tasks at once, or ask for more of the quota that is too low; this lists them"
        return (Fix(text, "your-call", registry.account, registry.region, (quotas,)),)
    known = container.value if isinstance(container, Known) else None
    if known and known.registry_credentials:
        login = "use a login with a higher limit"
    else:
        login = "give the container repositoryCredentials, a login of its own"
    fixes = [Fix(login, "your-call", place.account, place.region)] if image.host not in _ECR_PUBLIC else []
    cache = _cache(task, image)
    return (cache, *fixes) if cache else tuple(fixes)


def _cache(task: Task, image: ImageReference) -> Fix | None:
    place = task.place
    # The Regions in China have no such cache: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    if image.host not in _UPSTREAMS or place.partition == "aws-cn":
        return None
    prefix, upstream, login = _UPSTREAMS[image.host]
    rule = {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": upstream}
    if login:
        secret = (
            f"arn:{place.partition}:secretsmanager:{place.region}:{place.account}:secret:ecr-pullthroughcache/<name>"
        )
        rule["credentialArn"] = secret
    label = f"@{image.digest}" if image.digest else f":{image.tag}"
    name = f"{ecr_host(place.account, place.region)}/{prefix}/{image.repository}{label}"
    return Fix(
        f"pull it through a cache in ECR, and name {name} in the task definition",
        "fill-in" if login else "your-call",
        place.account,
        place.region,
        (AwsCommand("ecr", "CreatePullThroughCacheRule", rule),),
        effect="the pulling role needs ecr:BatchImportUpstreamImage and ecr:CreateRepository as well",
        cost="what ECR takes to store the cached images",
    )
