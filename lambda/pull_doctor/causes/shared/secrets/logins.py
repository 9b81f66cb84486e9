"""What the causes of registry credentials share: whose login a text is about, and the words for it."""

from __future__ import annotations

import re
from shlex import quote

from pull_doctor.causes.outcome import Fix, Ok, Outcome, Undetermined
from pull_doctor.causes.shared.host.machines import MANAGED
from pull_doctor.causes.shared.secrets.findings import Use, judged
from pull_doctor.causes.shared.secrets.stored import OF_THE_REGISTRY
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import EcrLookup
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.stored import Stored
from pull_doctor.resource import Place
from pull_doctor.view.secrets import may_speak_of_a_login

OF_A_RULE = re.compile(r"not signed in notary|vulnerability (?:policy|scanning|severity)", re.IGNORECASE)
"""A registry's refusal of an image for what it is, whoever asks."""
_WITHOUT_SUCH_AN_IMAGE = re.compile(r"repository does not exist|insufficient_scope", re.IGNORECASE)
"""What Docker Hub says of an image that it does not have, or does not show; of a wrong login it says so."""
_SIGNED_IN = re.compile(r"incorrect username or password|bad credentials|failed to fetch oauth token", re.IGNORECASE)
"""Words for a login that was tried; who has none is asked for one, and gets an anonymous token."""
NO_LOGIN = "the task definition names no credentials for a registry"
NOUN = "with the login to a registry"
LEAD = "ECS signs in to a registry with"
FROM_FILE = "--secret-string 'file://<file with username and password as JSON>'"
"""A login as a command reads it, so that it stands in no shell's history."""
_PUBLIC = ("public.ecr.aws", "ecr-public.aws.com", "registry.k8s.io")
"""Registries that have no private repository.
https://docs.aws.amazon.com/AmazonECR/latest/public/public-repositories.html"""


def of_login(
    task: Task,
    symptom: Symptom,
    message: str,
    use: Use,
    logins: Fact[tuple[Stored, ...]],
    injected: Fact[tuple[Stored, ...]],
) -> Outcome:
    """What the text and the facts say of the secrets with which ECS signs in to registries."""
    if not may_speak_of_a_login(symptom, message):
        return Ok(f"ECS's text tells of {symptom.kind}, and not of a login to a registry")
    if isinstance(logins, Unknown):
        return Undetermined((logins,))
    # A text that names the credentials cannot mean what the task injects.
    others = Known(()) if OF_THE_REGISTRY.search(message) else injected
    return judged(task, symptom, message, use, logins.value, others)


def all_public(image: ImageReference) -> bool:
    """Whether nothing is private there, so that no login can be missing; Docker Hub's official images are public.

    No account of Docker Hub has a dot in its name: what has one is another registry's host behind Docker Hub's.
    https://docs.docker.com/docker-hub/image-library/trusted-content/
    """
    account = image.repository.partition("/")[0]
    return image.host in _PUBLIC or (image.host == DOCKER_HUB_HOST and (account == "library" or "." in account))


def hides_nothing(image: ImageReference, message: str) -> bool:
    """Whether a refusal means that there is no such image: none is private, and the text does not blame the login."""
    return all_public(image) and bool(_WITHOUT_SUCH_AN_IMAGE.search(message))


def unread_in_ecr(image: ImageReference, own_ecr_image: Fact[EcrLookup]) -> Unknown | None:
    """Why a refusal may be of an image that is meant to be in ECR: its name has no registry, and ECR was not read."""
    if isinstance(own_ecr_image, Unknown) and image.host_missing and own_ecr_image.why != "prerequisite":
        return own_ecr_image
    return None


def has_agents_login(task: Task) -> bool:
    """Whether the container agent on the host may have a login of its own, in settings that no API shows.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth-container-instances.html
    """
    return not task.on_fargate and task.launch_type != MANAGED


def agents_login(task: Task, image: ImageReference, message: str) -> Unknown | None:
    """The login that the text shows to be the agent's, of a task without one; ``None`` where the text shows none."""
    if not (has_agents_login(task) and _SIGNED_IN.search(message)):
        return None
    detail = "ECS's text tells of a login, and the only one that the task could use is in ECS_ENGINE_AUTH_DATA"
    return Unknown(f"the container agent's own login to {image.host}", "not-visible", detail=detail)


def new_value(secret: str, place: Place) -> Fix:
    """The login put anew into its secret."""
    put = f"aws secretsmanager put-secret-value --region {quote(place.region)} --secret-id {quote(secret)} {FROM_FILE}"
    text = 'put a login that the registry takes into the secret, as JSON with "username" and "password"'
    return Fix(text, "fill-in", place.account, place.region, (put,))
