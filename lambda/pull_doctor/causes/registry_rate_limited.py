"""The registry limits how much is pulled from it, and this pull came on top.

Docker Hub counts the pulls of those who do not sign in by address: 100 in six hours, for all tasks behind one NAT
gateway together. A Personal account has 200 of its own, a paid one no such limit. Besides, Docker Hub limits how many
requests come from one address, whatever the plan. ECR Public and ECR limit requests by the second, which shows where
many tasks start at once. Behind a pull-through cache it may be the upstream that limits ECR. ECS tries a few times and
then gives up; the next task may well succeed.

What mends it: fewer pulls from there, through a pull-through cache in ECR, or a login with a higher limit.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Outcome, Problem
from pull_doctor.causes.shared.cache.instead import UPSTREAM_LOGIN, from_ecr, upstream_of, upstream_secret
from pull_doctor.causes.shared.host.answering import answering
from pull_doctor.causes.shared.image.images import moment, repository_of, untold
from pull_doctor.causes.shared.secrets.logins import all_public, has_agents_login, new_value
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, ContainerDefinition, EcrLookup, RegistryLookup
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.intake.symptoms.names import hide_names
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Trace
from pull_doctor.resource import Place, Resource, make

_ECR_PUBLIC = ("public.ecr.aws", "ecr-public.aws.com")
_OF_PULLS = re.compile(r"pull rate limit", re.IGNORECASE)
"""What Docker Hub says of its limit of pulls; of the one on requests it gives no more than the status.
https://docs.docker.com/docker-hub/usage/"""
_ANONYMOUS = re.compile(r"unauthenticated pull rate limit|fetch anonymous token", re.IGNORECASE)
_LOCKED_OUT = re.compile(r"failed login attempts", re.IGNORECASE)
_OF_AN_UPSTREAM = re.compile(r"pull rate limit|upstream")
"""Words that ECR has for no limit of its own."""
_QUOTAS: dict[Phase, tuple[str, int, str]] = {
    "sign-in": ("GetAuthorizationToken", 500, "L-55A41110"),
    "resolve": ("BatchGetImage", 2000, "L-16E70933"),
    "download": ("GetDownloadUrlForLayer", 3000, "L-A60A366D"),
}
"""What ECR is asked for in each phase, how often in a second by default, and the code of the quota on that.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html"""


@dataclass(frozen=True, slots=True)
class _Limit:
    """Which limit it was, and who counts what, in a sentence or two."""

    title: str
    why: str


_LOCK_OUT = _Limit(
    "login is locked out by Docker Hub",
    "Too many logins of one name or from one address have failed: Docker Hub takes none until some time has passed.",
)
_UPSTREAM = _Limit(
    "pull limit of the upstream of ECR's cache is reached",
    "Through a cache ECR fetches what it does not have from an upstream, and ECS's text says that that one limits it.",
)


def check(
    *,
    task: Task,
    symptom: Symptom,
    message: str,
    image: ImageReference,
    container: Fact[ContainerDefinition | None],
    role: Fact[str | None],
    ecr_image: Fact[EcrLookup],
    cache_rule: Fact[CacheRule | None],
    registry_image: Fact[RegistryLookup],
    traces: Fact[tuple[Trace, ...]],
) -> Outcome:
    if symptom.kind != "rate-limited":
        return untold(symptom, "a limit of pulls", f"whether {image.host} limits pulls")
    if image.ecr and isinstance(cache_rule, Known) and cache_rule.value:
        rule = cache_rule.value
        return _behind_a_cache(task, symptom, message, image, rule, ecr_image)
    if image.ecr and _OF_AN_UPSTREAM.search(hide_names(message)):
        place = Place(image.ecr.partition, image.ecr.account, image.ecr.region)
        text = f"give the cache rule that fetches {image.repository} a login with a higher limit"
        login = Fix(text, "your-call", place.account, place.region)
        return _problem(task, symptom, image, _UPSTREAM, (), (login, _fewer(task, image.ecr.region)))
    if image.ecr:
        unread = cache_rule if isinstance(cache_rule, Unknown) and cache_rule.why != "prerequisite" else None
        return _problem(task, symptom, image, _of_ecr(symptom, unread), (), _of_quotas(task, symptom, image))
    if image.host == DOCKER_HUB_HOST and _LOCKED_OUT.search(message):
        return _problem(task, symptom, image, _LOCK_OUT, (), (_login_that_works(task, container),))
    return _problem(
        task,
        symptom,
        image,
        _elsewhere(task, message, image, container),
        (*_by_one_address(image, message, container, traces), *_asked(task, image, registry_image)),
        (from_ecr(task, image, role), *_instead(task, image, container)),
    )


def _problem(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    limit: _Limit,
    facts: tuple[Evidence, ...],
    fixes: tuple[Fix, ...],
    culprit: Resource | None = None,
) -> Problem:
    host = answering(symptom, image)
    registry = make(task.place, "Registry", host)
    told = f"ECS's text says that {host} limits the requests for repository {image.repository}"
    return Problem(
        title=limit.title,
        explanation=f"{host} refused the pull of {image.repository}, as too many requests came before. {limit.why}",
        culprit=culprit or registry,
        evidence=(Evidence(told, "text", (registry,)), *facts),
        fixes=fixes,
        still="unknown",
        text_proves=True,
    )


def _elsewhere(task: Task, message: str, image: ImageReference, container: Fact[ContainerDefinition | None]) -> _Limit:
    if image.host == DOCKER_HUB_HOST:
        return _of_docker_hub(task, message, container)
    if image.host in _ECR_PUBLIC:
        why = (
            "ECR Public takes ten pulls a second from a caller that signs in or runs on ECS, and one from any other. "
            "Without a login there are 500 GB a month besides."
        )
        return _Limit("pull limit of ECR Public is reached", why)
    why = f"Only {image.host} itself knows its limits, and whether it counts by login or by address."
    return _Limit(f"pull limit of {image.host[:50]} is reached", why)


def _of_docker_hub(task: Task, message: str, container: Fact[ContainerDefinition | None]) -> _Limit:
    """Whom Docker Hub counts, and what; only the words of its answer tell its limits apart.

    https://docs.docker.com/docker-hub/usage/pulls/
    """
    if not _OF_PULLS.search(message):
        why = (
            "ECS's text does not say which limit of Docker Hub it was: that of pulls, or that of requests from one "
            "address, which every plan has."
        )
        return _Limit("request limit of Docker Hub is reached", why)
    by_address = "counts by address: 100 pulls in six hours, from one IPv4 address or one /64 of IPv6."
    known = container.value if isinstance(container, Known) else None
    secret = known.registry_credentials if known else None
    if _ANONYMOUS.search(message):
        why = f"The pull was not signed in, so that Docker Hub {by_address}"
        if secret:
            why += f" The task definition names a login in {secret}, which was not used."
    elif secret:
        why = f"The task signs in with {secret}. Of such logins, a Personal account has 200 pulls in six hours."
    elif known and not has_agents_login(task):
        why = f"The task does not sign in, so that Docker Hub {by_address}"
    elif known:
        why = f"The task definition names no login. Without one in the agent's settings, Docker Hub {by_address}"
    else:
        why = f"Docker Hub counts by login. Where there is none, it {by_address}"
    return _Limit("pull limit of Docker Hub is reached", why)


def _login_that_works(task: Task, container: Fact[ContainerDefinition | None]) -> Fix:
    place, known = task.place, container.value if isinstance(container, Known) else None
    if known and known.registry_credentials:
        return new_value(known.registry_credentials, place)
    text = "find what signs in to Docker Hub with a login that fails, and give it one that works"
    return Fix(text, "your-call", place.account, place.region)


def _instead(task: Task, image: ImageReference, container: Fact[ContainerDefinition | None]) -> tuple[Fix, ...]:
    """What helps without ECR: fewer pulls at once, or a login, which a registry of public images has no use for."""
    account, region = task.place.account, task.place.region
    if image.host != DOCKER_HUB_HOST and all_public(image):
        return (_fewer(task, region),)
    known = container.value if isinstance(container, Known) else None
    if known and known.registry_credentials:
        text = f"put a login with a higher limit into {known.registry_credentials}"
        return (Fix(text, "your-call", account, region),)
    text = "give the container repositoryCredentials in the task definition, with a login that has a higher limit"
    effect = "the execution role has to be allowed secretsmanager:GetSecretValue on the secret with that login"
    return (Fix(text, "your-call", account, region, effect=effect),)


def _asked(task: Task, image: ImageReference, registry_image: Fact[RegistryLookup]) -> tuple[Evidence, ...]:
    """What the registry says to pull-doctor, which asks from another address than the task, and without its login."""
    registry = make(task.place, "Registry", image.host)
    if isinstance(registry_image, Unknown):
        text = f"{image.host} limits pull-doctor's requests, too, which come from another address than the task's"
        return (Evidence(text, "fact", (registry,)),) if registry_image.why == "throttled" else ()
    if (limit := registry_image.value.rate_limit) is None:
        return ()
    whose = f"pull-doctor's own address{f', {limit.source},' if limit.source else ''} which is not the task's"
    hours = f"{limit.seconds / 3600:g} hours"
    text = f"{image.host} has {limit.remaining} of {limit.limit} pulls in {hours} left for {whose}"
    return (Evidence(text, "fact", (registry,)),)


def _by_one_address(
    image: ImageReference, message: str, container: Fact[ContainerDefinition | None], traces: Fact[tuple[Trace, ...]]
) -> tuple[Evidence, ...]:
    """The NAT gateway by whose address a registry knows who does not sign in, and whatever else leaves by it."""
    known = container.value if isinstance(container, Known) else None
    by_login = known and known.registry_credentials and not _ANONYMOUS.search(message)
    if by_login or image.host in _ECR_PUBLIC:
        return ()
    ways = traces.value if isinstance(traces, Known) else ()
    hops = [hop for one in ways if (one.host, one.disposition) == (image.host, "reached") for hop in one.hops]
    gateway = next((hop.resource for hop in hops if hop.step == "nat-gateway"), None)
    if gateway is None:
        return ()
    text = f"the pull leaves by {gateway.id}, and shares its address with all that leaves by it"
    return (Evidence(text, "fact", (gateway,)),)


def _of_ecr(symptom: Symptom, unread: Unknown | None) -> _Limit:
    why = "ECR counts the calls of each of its actions by the second, for all of an account in a Region together."
    if symptom.phase in _QUOTAS:
        action, usual, _ = _QUOTAS[symptom.phase]
        why = f"ECR takes {usual} calls of {action} a second by default, from all of an account in a Region together."
    if unread:
        why += f" Behind a pull-through cache it may be the upstream's limit: {unread.fact} could not be read."
    return _Limit("request limit of ECR is reached", why)


def _of_quotas(task: Task, symptom: Symptom, image: ImageReference) -> tuple[Fix, ...]:
    """Fewer calls, or more of the quota that the phase tells; it is one of the account that calls."""
    assert image.ecr is not None
    account, region = task.place.account, image.ecr.region
    fewer = _fewer(task, region)
    if symptom.phase not in _QUOTAS:
        listed = AwsCommand("service-quotas", "ListServiceQuotas", {"ServiceCode": "ecr"})
        text = "ask for more of the quota that is too low; this lists them"
        return fewer, Fix(text, "your-call", account, region, (listed,))
    action, _, code = _QUOTAS[symptom.phase]
    more = (
        f"aws service-quotas request-service-quota-increase --region {quote(region)} --service-code ecr "
        f"--quota-code {code} --desired-value '<calls per second>'"
    )
    return fewer, Fix(f"ask for a higher quota on {action}", "fill-in", account, region, (more,))


def _fewer(task: Task, region: str) -> Fix:
    return Fix("start fewer tasks at once", "your-call", task.place.account, region)


def _behind_a_cache(
    task: Task,
    symptom: Symptom,
    message: str,
    image: ImageReference,
    rule: CacheRule,
    ecr_image: Fact[EcrLookup],
) -> Problem:
    """Of an image under a cache rule either ECR limits its own callers, or the upstream limits ECR.

    What ECR has it serves, also where it cannot ask the upstream for a newer one.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    """
    assert image.ecr is not None
    place = Place(image.ecr.partition, image.ecr.account, image.ecr.region)
    item = make(place, "AWS::ECR::PullThroughCacheRule", rule.prefix)
    fetched = f"cache rule {rule.prefix} fetches repository {image.repository} from {rule.upstream}"
    facts = (Evidence(fetched, "fact", (item,)), *_in_ecr(image, ecr_image))
    own, fewer_or_more = _of_ecr(symptom, None), _of_quotas(task, symptom, image)
    of_upstream = _OF_AN_UPSTREAM.search(hide_names(message))
    if not of_upstream and _had_before(task, ecr_image):
        limit = _Limit(own.title, f"{own.why} What it has of {rule.upstream}, it serves without asking there.")
        return _problem(task, symptom, image, limit, facts, fewer_or_more)
    fetches = f"By cache rule {rule.prefix}, ECR fetches what it does not have from {rule.upstream}, while it is pulled"
    if of_upstream:
        limit = _Limit(f"pull limit of {rule.upstream[:50]} is reached", f"{fetches}, and that registry limits it.")
    else:
        why = f"{fetches}. ECS's text does not say which of the two set the limit. {own.why}"
        limit = _Limit("limit of ECR, or of the upstream of its cache, is reached", why)
    return _problem(task, symptom, image, limit, facts, (*_login_of(rule, place), fewer_or_more[0]), item)


def _in_ecr(image: ImageReference, ecr_image: Fact[EcrLookup]) -> tuple[Evidence, ...]:
    """Whether ECR has the image, and since when; what it does not have it has to fetch."""
    if isinstance(ecr_image, Unknown):
        return ()
    found = ecr_image.value.image
    since = f" since {moment(found.pushed_at)}" if found and found.pushed_at else ""
    text = f"ECR has image {image.text}{since}" if found else f"ECR does not have image {image.text}"
    return (Evidence(text, "fact", (repository_of(image),)),)


def _had_before(task: Task, ecr_image: Fact[EcrLookup]) -> bool:
    """Whether ECR is known to have had the image when the task pulled it."""
    found = ecr_image.value.image if isinstance(ecr_image, Known) else None
    return bool(found and found.pushed_at and task.failed_at and found.pushed_at < task.failed_at)


def _login_of(rule: CacheRule, place: Place) -> tuple[Fix, ...]:
    """A login for the rule's upstream, or a better one in the secret that it has."""
    upstream = upstream_of(rule.upstream)
    if rule.credential:
        put = (
            f"aws secretsmanager put-secret-value --region {quote(place.region)} --secret-id {quote(rule.credential)} "
            f"{UPSTREAM_LOGIN}"
        )
        text = f"put a login to {rule.upstream} with a higher limit into the secret of the cache rule"
        return (Fix(text, "fill-in", place.account, place.region, (put,)),)
    if upstream is None or not upstream.login:
        return ()
    create, arn = upstream_secret(place, upstream.prefix)
    values = {"ecrRepositoryPrefix": rule.prefix, "credentialArn": arn}
    update = AwsCommand("ecr", "UpdatePullThroughCacheRule", values)
    text = f"give the cache rule a login to {rule.upstream}"
    return (Fix(text, "fill-in", place.account, place.region, (create, update)),)
