"""A registry other than ECR has no image with that name and tag.

Docker Hub, ECR Public, and other registries answer "not found" for an image that they do not have. Some of them,
Docker Hub and GitHub among them, answer a stranger "access denied" instead, and so hide whether the image is missing or
private: then it can only be said that it is one of the two.

What mends it: the name of an image that the registry has. An image that is private needs repositoryCredentials.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.image.images import asker, suffix_of
from pull_doctor.causes.shared.secrets.logins import agents_login, all_public, hides_nothing, unread_in_ecr
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerDefinition, EcrLookup, RegistryLookup
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference, parse_ecr_host
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told

_HIDING = (DOCKER_HUB_HOST, "ghcr.io")
"""Registries that refuse a stranger alike for a missing image and a private one.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html"""
_NOT_THERE = ("image-not-found", "repository-not-found")
_SPEAKS_OF_IT = (*_NOT_THERE, "registry-access-denied", *SILENT)


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    image: ImageReference,
    told: Told,
    registry_image: Fact[RegistryLookup],
    container: Fact[ContainerDefinition | None],
    own_ecr_image: Fact[EcrLookup],
    pinned_image: Fact[ImageReference | None],
) -> Outcome:
    if told.manifest_read:
        return Ok(f"ECS's text shows that {image.host} gave the manifest of {image.repository}")
    if symptom.kind not in _SPEAKS_OF_IT:
        return Ok(f"ECS's text tells of {symptom.kind}, not of an image that {image.host} does not have")
    what = f"{image.repository}{f'@{image.digest}' if image.digest else f':{image.tag}'}"
    definition, doubt = asker(task), _in_ecr(image, own_ecr_image)
    said = symptom.kind in _NOT_THERE
    told_so = f"ECS's text says that {image.host} has no {symptom.digest or what}"
    if symptom.kind == "registry-access-denied":
        told_so = f"ECS's text says that {image.host} refuses access to {what}"
    silent = symptom.kind in SILENT
    evidence: tuple[Evidence, ...] = () if silent else (Evidence(told_so, "text", (definition,)),)
    if isinstance(registry_image, Unknown):
        if said:
            return _problem(task, image, what, evidence, still="unknown", inferred=doubt)
        return Undetermined((registry_image,))
    found = registry_image.value
    if found.answer == "found":
        return _found(symptom, image, what, found, evidence, task, pinned_image)
    answered = f"{image.host} answers pull-doctor, which asks without a login, with status {found.status} for {what}"
    evidence += (Evidence(answered, "fact", (definition,)),)
    open_login = _login(container, image) or agents_login(task, image, message)
    if found.answer == "hidden" and not said and (unread := unread_in_ecr(image, own_ecr_image)):
        return Undetermined((unread,))
    if said:
        shown = found.answer == "missing" and (all_public(image) or not open_login)
        return _problem(task, image, what, evidence, still="yes" if shown else "unknown", inferred=doubt)
    return _refused(task, image, what, found, evidence, open_login, public=hides_nothing(image, message))


def _in_ecr(image: ImageReference, own_ecr_image: Fact[EcrLookup]) -> tuple[str, ...]:
    """The doubt that another registry is meant, where the image names none and ECR has the very image."""
    if not image.host_missing or isinstance(own_ecr_image, Unknown) or own_ecr_image.value.missing:
        return ()
    name = image.repository.removeprefix("library/")
    return (
        f"ECR has {name} with the same {'digest' if image.digest else 'tag'}, and may be the registry that is meant",
    )


def _refused(
    task: Task,
    image: ImageReference,
    what: str,
    found: RegistryLookup,
    evidence: tuple[Evidence, ...],
    open_login: Unknown | None,
    *,
    public: bool,
) -> Outcome:
    """What a text leaves open that does not say that the image is missing; ``public``: no login could be shown more."""
    if open_login and not public:
        return Undetermined((open_login,))
    if found.answer == "missing":
        return _problem(task, image, what, evidence, still="yes", text_proves=False)
    if image.host not in _HIDING:
        detail = f"{image.host} answers {found.status}, which does not tell whether the image is missing or private"
        return Undetermined((Unknown(f"image {what} in {image.host}", "not-visible", detail=detail),))
    if public:
        refuses = f"{image.host} refuses {what} as it refuses what it does not have: nothing by that name is private"
        return _problem(task, image, what, evidence, still="yes", text_proves=False, inferred=(refuses,))
    return _hidden(task, image, what, evidence)


def _login(container: Fact[ContainerDefinition | None], image: ImageReference) -> Unknown | None:
    """Why an answer to a stranger tells nothing: the task signs in, or may do so."""
    if isinstance(container, Unknown):
        return container
    secret = container.value.registry_credentials if container.value else None
    if secret is None:
        return None
    detail = f"the task signs in to {image.host}, and what {image.host} shows to that login was not asked"
    return Unknown(f"image {image.text} as {secret} may see it", "not-visible", resource=secret, detail=detail)


def _found(
    symptom: Symptom,
    image: ImageReference,
    what: str,
    found: RegistryLookup,
    evidence: tuple[Evidence, ...],
    task: Task,
    pinned_image: Fact[ImageReference | None],
) -> Outcome:
    there = f"{image.host} has {what}" + (f": {found.digest}" if found.digest else "")
    if symptom.kind not in _NOT_THERE:
        return Ok(there)
    if symptom.digest and symptom.digest not in (image.digest, found.digest):
        pinned = pinned_image.value if isinstance(pinned_image, Known) else None
        if pinned and pinned.digest == symptom.digest:
            return Ok(f"{there}; {symptom.digest}, which ECS asked for, is what the deployment pinned")
        detail = f"{image.host} was asked for {what}"
        return Undetermined((Unknown(f"{symptom.digest} in {image.host}", "not-modelled", detail=detail),))
    definition = asker(task)
    return Problem(
        title="image did not exist when the task asked for it",
        explanation=f"{image.host} answered that it has no {what}. The image is there now.",
        culprit=definition,
        evidence=(*evidence, Evidence(f"{there} now", "fact", (definition,))),
        still="no",
        text_proves=True,
    )


def _problem(
    task: Task,
    image: ImageReference,
    what: str,
    evidence: tuple[Evidence, ...],
    *,
    still: Still,
    text_proves: bool = True,
    inferred: tuple[str, ...] = (),
) -> Problem:
    definition = asker(task)
    return Problem(
        title="image does not exist in its registry",
        explanation=f"{definition.id} asks {image.host} for {what}, which it does not have.{_misplaced(image)}",
        culprit=definition,
        evidence=evidence,
        fixes=(_other_name(task, image),),
        still=still,
        text_proves=text_proves,
        inferred=inferred,
        where=image.digest or (image.tag if image.text.endswith(f":{image.tag}") else image.text),
    )


def _hidden(task: Task, image: ImageReference, what: str, evidence: tuple[Evidence, ...]) -> Problem:
    place, definition = task.place, asker(task)
    login = f"give the container repositoryCredentials, if {what} is private"
    # Behind Docker Hub's name no login leads to an image in ECR.
    or_private = () if _misplaced(image) else (Fix(login, "your-call", place.account, place.region),)
    return Problem(
        title="image is missing in its registry, or private",
        explanation=(
            f"{definition.id} asks {image.host} for {what} without a login, and {image.host} refuses that. It refuses "
            f"alike what it does not have and what is private.{_misplaced(image)}"
        ),
        culprit=definition,
        evidence=evidence,
        fixes=(_other_name(task, image), *or_private),
        inferred=(f"{image.host} would give the same answer if {what} were private",),
        where=image.text,
    )


def _misplaced(image: ImageReference) -> str:
    """That an ECR host's name stands behind Docker Hub's, where it is only a part of the path."""
    first = image.repository.partition("/")[0]
    return f" {first} is only a part of the path there." if parse_ecr_host(first) else ""


def _other_name(task: Task, image: ImageReference) -> Fix:
    first, _, rest = image.repository.partition("/")
    text = f"name an image and tag that {image.host} has in the task definition"
    if parse_ecr_host(first):
        text = f"name {first}/{rest}{suffix_of(image)} in the task definition, without what stands before it"
    return Fix(text, "your-call", task.place.account, task.place.region)
