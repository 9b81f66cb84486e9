"""A private registry is asked without repositoryCredentials, or the secret that they name is gone.

For an image in a private registry other than ECR, the container definition names a secret with the login in
repositoryCredentials. Without it ECS asks as a stranger, and the registry answers 401, 403, or "access denied"; Docker
Hub and GitHub answer the same of an image that they do not have. A secret that is deleted, or marked for it, cannot be
read, so that the start fails before any pull. On EC2 the container agent may hold a login of its own, in
ECS_ENGINE_AUTH_DATA, that no API shows. ECS ignores repositoryCredentials for an image in ECR.

What mends it: a secret with the login, named by repositoryCredentials, and the execution role's right to read it.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.image.images import asker
from pull_doctor.causes.shared.secrets.findings import Use
from pull_doctor.causes.shared.secrets.logins import (
    FROM_FILE,
    LEAD,
    NO_LOGIN,
    NOUN,
    OF_A_RULE,
    agents_login,
    all_public,
    has_agents_login,
    of_login,
    unread_in_ecr,
)
from pull_doctor.causes.shared.secrets.stored import existence
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerDefinition, EcrLookup, RegistryLookup
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.policy.stored import Stored
from pull_doctor.view.secrets import REFUSED_LOGIN

_LOGIN = Use(
    noun=NOUN,
    lead=LEAD,
    fine="the secrets with the logins to registries are there: {}",
    none=NO_LOGIN,
    judge=existence,
    whats=("gone", "deleted"),
)


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    told: Told,
    image: Fact[ImageReference],
    container: Fact[ContainerDefinition | None],
    logins: Fact[tuple[Stored, ...]],
    injected: Fact[tuple[Stored, ...]],
    registry_image: Fact[RegistryLookup],
    own_ecr_image: Fact[EcrLookup],
) -> Outcome:
    if symptom.kind not in (*REFUSED_LOGIN, *SILENT) or (isinstance(logins, Known) and logins.value):
        return of_login(task, symptom, message, _LOGIN, logins, injected)
    if isinstance(image, Unknown):
        return Undetermined((image,))
    if image.value.ecr:
        return NotApplicable(f"the image is in ECR registry {image.value.host}, and ECS signs in there by itself")
    if told.manifest_read:
        return Ok(f"ECS's text shows that {image.value.host} gave the manifest of {image.value.repository}")
    if isinstance(container, Unknown):
        return Undetermined((container,))
    if container.value is None:
        return NotApplicable("AWS added the container, and knows its registry")
    if secret := container.value.registry_credentials:
        return Ok(f"the task definition names {secret} for {image.value.host}")
    outcome = _anonymous(task, symptom, message, image.value, container.value.name, registry_image)
    unread = unread_in_ecr(image.value, own_ecr_image)
    return Undetermined((unread,)) if unread and isinstance(outcome, Problem) else outcome


def _anonymous(
    task: Task,
    symptom: Symptom,
    message: str,
    image: ImageReference,
    container: str,
    registry_image: Fact[RegistryLookup],
) -> Outcome:
    """What a refusal means where the task definition names no login; the registry's own answer decides."""
    what = f"{image.repository}{f'@{image.digest}' if image.digest else f':{image.tag}'}"
    answer = registry_image.value if isinstance(registry_image, Known) else None
    if of_agent := agents_login(task, image, message):
        return Undetermined((of_agent,))
    if all_public(image):
        return Ok(f"{image.host} has no private image by the name {image.repository}")
    if OF_A_RULE.search(message):
        return Ok(f"ECS's text tells of a rule of {image.host} on what may be pulled, and not of a login")
    if answer and answer.answer != "hidden":
        gives = "gives" if answer.answer == "found" else "says that it does not have"
        return Ok(f"{image.host} {gives} {what} to pull-doctor, which asks without a login (status {answer.status})")
    if isinstance(registry_image, Unknown) and symptom.kind in SILENT:
        return Undetermined((registry_image,))
    definition = asker(task)
    names_none = f"container {container} of {definition.id} names no repositoryCredentials for {image.host}"
    shown = [Evidence(names_none, "fact", (definition,))]
    if symptom.kind in REFUSED_LOGIN:
        said = f"ECS's text says that {image.host} refuses {what}"
        shown.insert(0, Evidence(said, "text", (definition,)))
    if answer:
        said = f"{image.host} refuses {what} to pull-doctor, which asks without a login (status {answer.status})"
        shown.append(Evidence(said, "fact", (definition,)))
    return Problem(
        title="private registry is asked without credentials",
        explanation=(
            f"{definition.id} names no repositoryCredentials for container {container}, so that ECS asks {image.host} "
            f"for {what} as a stranger. {image.host} refuses that."
        ),
        culprit=definition,
        evidence=tuple(shown),
        fixes=_fixes(task, image, container),
        inferred=_steps(task, image, what),
        phases=("sign-in", "resolve", "download"),
        where=image.text,
    )


def _steps(task: Task, image: ImageReference, what: str) -> tuple[str, ...]:
    """What is concluded: that there is such an image, and that no login is set where no API shows it."""
    private = f"{what} is there and private: {image.host} may refuse alike what it does not have"
    if not has_agents_login(task):
        return (private,)
    return private, f"the container agent has no login of its own to {image.host}, in ECS_ENGINE_AUTH_DATA"


def _fixes(task: Task, image: ImageReference, container: str) -> tuple[Fix, ...]:
    place = task.place
    create = f"aws secretsmanager create-secret --region {place.region} --name '<name of the secret>' {FROM_FILE}"
    line = '"repositoryCredentials": {"credentialsParameter": "<ARN of the secret>"}'
    return (
        Fix(
            f"put a login to {image.host} into a secret, name it for container {container} in the task definition with "
            f"{line}, and let the execution role call secretsmanager:GetSecretValue on it",
            "fill-in",
            place.account,
            place.region,
            (create,),
        ),
    )
