"""The way of the first pull through a cache, which ECR may send to the upstream for layers.

AWS says that such a pull may need a route to the internet, and later ones do not.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

from shlex import quote

from pull_doctor.causes.outcome import Evidence, Fix, Problem, Undetermined
from pull_doctor.causes.shared.cache.names import fetched_by
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrLookup
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.hosts import is_public
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.view.cache import UpstreamWay


def of_the_layers(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    ecr_image: Fact[EcrLookup],
    cache_rule: Fact[CacheRule | None],
    upstream_way: Fact[UpstreamWay],
    *,
    elsewhere: bool,
) -> Problem | Undetermined | None:
    """What is to be said where the text shows that the task itself asked the upstream for layers; else ``None``.

    ``elsewhere``: the text names a host that is none of AWS's. A way that is open says nothing of the cache.
    """
    if elsewhere and isinstance(cache_rule, Unknown):
        return Undetermined((cache_rule,))
    rule = cache_rule.value if isinstance(cache_rule, Known) else None
    if rule is None:
        return None
    if isinstance(upstream_way, Unknown):
        return Undetermined((upstream_way,)) if elsewhere else None
    way = upstream_way.value
    if way.dialled is None or symptom.kind != "network-timeout":
        return None
    if closed := closed_at(way.trace):
        return _dialled(task, symptom, image, rule, way, closed, ecr_image)
    missing = tuple(hop.missing for hop in way.trace.hops if hop.missing)
    return Undetermined(missing) if missing else None


def closed_at(way: Trace) -> Hop | None:
    """The hop that closes the way to the upstream; a name that does not resolve says nothing of the internet."""
    return next((hop for hop in way.hops if hop.verdict == "fail" and hop.step != "name"), None)


def _dialled(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    rule: CacheRule,
    way: UpstreamWay,
    closed: Hop,
    ecr_image: Fact[EcrLookup],
) -> Problem:
    repository, target = repository_of(image), symptom.host if way.dialled == "host" else symptom.address
    known = symptom.host is not None and is_public(symptom.host)
    of_upstream = f"that {target} is the upstream's: it is none of {'AWS' if symptom.host else 'Amazon S3'}'s"
    there = isinstance(ecr_image, Known) and ecr_image.value.missing is None
    has = Evidence(f"ECR has image {image.text} now, and needs no upstream for it", "fact", (repository,))
    return Problem(
        title="first pull through the cache has no way to the internet",
        explanation=(
            f"{image.repository} is a pull-through cache's: ECR fetches what it does not have from {rule.upstream}, by "
            f"cache rule {rule.prefix}, and may send the first pull there for layers. This one asked {target}, to "
            f"which there is no way: {closed.why}. What ECR has kept comes through the endpoints alone."
        ),
        culprit=closed.resource or repository,
        evidence=(
            Evidence(
                f"ECS's text shows that a layer of repository {image.repository} was asked for at {target}",
                "text",
                (repository,),
            ),
            fetched_by(image, rule),
            Evidence(closed.why, "fact", (closed.resource or repository,)),
            *((has,) if there else ()),
        ),
        fixes=() if there else _fixes(task, image),
        still="no" if there else "yes",
        text_proves=known,
        inferred=() if known else (of_upstream,),
        phases=("download",),
    )


def without_a_way(task: Task, image: ImageReference, rule: CacheRule, closed: Hop, *, has: bool) -> Problem:
    """The problem of an image that ECR does not have yet, asked for from where there is no way to its upstream.

    ``has``: the upstream was asked, and has the image.
    """
    repository = repository_of(image)
    doubt = "that this pull needs a way to the internet: AWS says only that the first one may"
    return Problem(
        title="first pull through the cache has no way to the internet",
        explanation=(
            f"ECR does not have {image.text} yet, and fetches it from {rule.upstream}, by cache rule {rule.prefix}, "
            f"while it is pulled. AWS says that the first pull may need a way to the internet, and there is none: "
            f"{closed.why}. Once ECR has the image, the endpoints for ECR and Amazon S3 are enough."
        ),
        culprit=closed.resource or repository,
        evidence=(
            fetched_by(image, rule),
            Evidence(f"ECR does not have {image.text}", "fact", (repository,)),
            Evidence(
                f"ECR's own test of cache rule {rule.prefix} against {rule.upstream} passes", "fact", (repository,)
            ),
            Evidence(closed.why, "fact", (closed.resource or repository,)),
        ),
        fixes=_fixes(task, image),
        inferred=(doubt, *(() if has else (f"that {rule.upstream} has the image: whether it does is not known",))),
    )


def _fixes(task: Task, image: ImageReference) -> tuple[Fix, ...]:
    assert image.ecr is not None
    registry, place = image.ecr, task.place
    login = f"docker login --username AWS --password-stdin {quote(registry.host)}"
    return (
        Fix(
            "pull the image once from where there is a way to the internet, with the rights of the cache",
            "your-call",
            registry.account,
            registry.region,
            (
                f"aws ecr get-login-password --region {quote(registry.region)} | {login}",
                f"docker pull {quote(image.text)}",
            ),
            effect="ECR keeps the image, and serves it to the task",
        ),
        Fix(
            "give the subnet a way to the internet, through a NAT gateway",
            "your-call",
            place.account,
            place.region,
            cost="a NAT gateway, by the hour and by the gigabyte",
        ),
    )
