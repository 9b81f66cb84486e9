"""The registry answers the pull with a server error.

The connection stood and something answered, so that neither the way there nor the role is at fault. It may be the
registry, the service that gives out its tokens, the storage behind it, or a proxy in front of it; behind a pull-through
cache also the upstream. ECS tries for minutes, and a service starts its task anew. Most such errors pass by themselves.
ECR answers so, too, where it cannot use the KMS key of the repository: that is told as ecr-key-unusable.

What mends it: the registry's operator. A copy or a cache of the image in ECR helps against the next time.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

import re

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.cache.instead import from_ecr
from pull_doctor.causes.shared.host.answering import answering, slowed_down, who_answered
from pull_doctor.causes.shared.image.images import untold
from pull_doctor.causes.shared.secrets.keys import UNUSABLE
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, Key, RegistryLookup, Repository, Service
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Trace
from pull_doctor.resource import make

_NO_ANSWER = re.compile(r"could not reach any registry endpoint", re.IGNORECASE)
"""What old versions of Docker say of a registry that is down, and of one to which the way is closed."""
_STATUS_PAGES = {
    DOCKER_HUB_HOST: "https://www.dockerstatus.com",
    "ghcr.io": "https://www.githubstatus.com",
    "registry.gitlab.com": "https://status.gitlab.com",
}
_AWS_STATUS_PAGE = "https://health.aws.amazon.com"


def check(
    *,
    task: Task,
    symptom: Symptom,
    message: str,
    image: ImageReference,
    role: Fact[str | None],
    service: Fact[Service | None],
    cache_rule: Fact[CacheRule | None],
    ecr_repository: Fact[Repository | None],
    ecr_key: Fact[Key | None],
    registry_image: Fact[RegistryLookup],
    traces: Fact[tuple[Trace, ...]],
) -> Outcome:
    if symptom.kind != "registry-unavailable-5xx":
        return untold(symptom, "a server error", f"whether {image.host} answered with a server error")
    no_answer = bool(_NO_ANSWER.search(message))
    if no_answer and (closed := _closed(traces)):
        return Ok(
            f"ECS's text says only that {image.host} could not be reached, and the way to {closed.host} is closed "
            f"({closed.disposition})"
        )
    if unread := _unread_key(symptom, message, image, ecr_repository, ecr_key):
        return Undetermined((unread,))
    status = 503 if slowed_down(message) else symptom.http_status
    error = f"HTTP {status}" if status else "a server error"
    registry, who = make(task.place, "Registry", answering(symptom, image)), who_answered(symptom, image)
    answers = _answers_now(symptom, registry_image)
    title = f"registry answers with a server error{f' ({error})' if status else ''}"
    happened = f"{who} answered the pull of {image.repository} with {error}."
    told = f"ECS's text shows that {who} answered a request for repository {image.repository} with {error}"
    if no_answer:
        title, happened = "registry could not be reached", f"{who} could not be reached for {image.repository}."
        told = f"ECS's text says that no endpoint of {who} could be reached for repository {image.repository}"
    now = f"{image.host} answers pull-doctor's own question for image {image.text} now"
    return Problem(
        title=title,
        explanation=f"{happened} {_why(message, image, cache_rule)}",
        culprit=registry,
        evidence=(
            Evidence(told, "text", (registry,)),
            *([Evidence(now, "fact", (registry,))] if answers else []),
        ),
        fixes=() if answers else _fixes(task, image, role, service),
        still="no" if answers else "unknown",
        text_proves=True,
        inferred=_inferred(symptom, message, image, ecr_key),
    )


def _why(message: str, image: ImageReference, cache_rule: Fact[CacheRule | None]) -> str:
    why = "So the connection stood, and something at its other end is at fault."
    if _NO_ANSWER.search(message):
        why = "Nothing that was read closes the way to it, so that it may have been down."
    if slowed_down(message):
        why = "That is what S3 answers to more requests than it takes at the time."
    rule = cache_rule.value if isinstance(cache_rule, Known) else None
    if image.ecr and rule:
        why += f" Cache rule {rule.prefix} fetches the image from {rule.upstream}, whose error it may be."
    return why


def _closed(traces: Fact[tuple[Trace, ...]]) -> Trace | None:
    """The first connection of the pull that is shown not to pass."""
    walked = traces.value if isinstance(traces, Known) else ()
    return next((one for one in walked if one.disposition not in ("reached", "undetermined")), None)


def _answers_now(symptom: Symptom, registry_image: Fact[RegistryLookup]) -> bool:
    """Whether the registry has answered for the image since, as far as the text tells what had failed.

    Layers come from another host. Who is refused has not reached what failed.
    """
    asked_for = symptom.phase in ("sign-in", "resolve")
    return asked_for and isinstance(registry_image, Known) and registry_image.value.answer != "hidden"


def _may_be_the_key(symptom: Symptom, message: str, image: ImageReference) -> bool:
    """Whether ECR may have answered so because it cannot use the repository's key."""
    return image.ecr is not None and symptom.phase != "sign-in" and not slowed_down(message)


def _unread_key(
    symptom: Symptom,
    message: str,
    image: ImageReference,
    ecr_repository: Fact[Repository | None],
    ecr_key: Fact[Key | None],
) -> Unknown | None:
    """What leaves open whether the key is at fault; such a server error is no outage."""
    if not _may_be_the_key(symptom, message, image):
        return None
    unread = next((one for one in (ecr_repository, ecr_key) if isinstance(one, Unknown)), None)
    return unread if unread and unread.why != "prerequisite" else None


def _inferred(
    symptom: Symptom,
    message: str,
    image: ImageReference,
    ecr_key: Fact[Key | None],
) -> tuple[str, ...]:
    """What is concluded: that it is the registry at all, and that the repository's key is not behind its error."""
    doubts = []
    if _NO_ANSWER.search(message):
        doubts.append(f"ECS's text says only that {image.host} could not be reached, and not that it answered")
    if not _may_be_the_key(symptom, message, image):
        return tuple(doubts)
    key = ecr_key.value if isinstance(ecr_key, Known) else None
    if isinstance(ecr_key, Known) and (key is None or key.state in UNUSABLE):
        state = UNUSABLE[key.state] if key else "does not exist"
        doubts.append(f"the KMS key of repository {image.repository} {state}, and ECR answers with an error for that")
    return tuple(doubts)


def _fixes(task: Task, image: ImageReference, role: Fact[str | None], service: Fact[Service | None]) -> tuple[Fix, ...]:
    """The task anew, once the registry answers; and for the next time an image that ECR has, if it is not there yet."""
    place = task.place
    page = _STATUS_PAGES.get(image.host, "")
    if (image.ecr or image.host in ("public.ecr.aws", "ecr-public.aws.com")) and place.partition == "aws":
        page = _AWS_STATUS_PAGE
    once = f"once it answers{f' ({page} tells of outages)' if page else ''}"
    again = Fix(f"start the task again, {once}", "your-call", place.account, place.region)
    known = service.value if isinstance(service, Known) else None
    if known and not known.task_sets:
        update = {"cluster": task.cluster, "service": task.service, "forceNewDeployment": True}
        text = f"let ECS try on, and {once}, start a new deployment, if ECS has given up"
        effect = f"every task of service {task.service} is replaced"
        deploy = (AwsCommand("ecs", "UpdateService", update),)
        again = Fix(text, "your-call", place.account, place.region, deploy, effect=effect)
    return (again,) if image.ecr else (again, from_ecr(task, image, role, " for the next time"))
