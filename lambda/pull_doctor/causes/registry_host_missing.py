"""The image reference names no registry, so that Docker Hub was asked; the image is meant to be in ECR.

Only what stands before the first slash, and holds a dot or a colon, is a registry. team/app:v1 is therefore Docker
Hub's docker.io/team/app:v1. Docker Hub does not know it, or does not say whether it does, and the ECR repository of
the same name in the task's own account is never asked.

What mends it: the whole name in the task definition, ACCOUNT.dkr.ecr.REGION.amazonaws.com/team/app:v1.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.image.images import asker, put_away
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import EcrLookup, RegistryLookup
from pull_doctor.intake.image_reference import ImageReference, ecr_host
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.resource import make

_REFUSALS = ("image-not-found", "repository-not-found", "registry-access-denied")


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    image: ImageReference,
    own_ecr_image: Fact[EcrLookup],
    registry_image: Fact[RegistryLookup],
) -> Outcome:
    if not image.host_missing:
        return Ok(f"{image.text} names its registry, {image.host}")
    if told.manifest_read:
        return Ok(f"ECS's text shows that {image.host} gave the manifest of {image.repository}")
    if isinstance(registry_image, Known) and registry_image.value.answer == "found":
        return Ok(f"{image.host} has {image.repository} by that name")
    if isinstance(own_ecr_image, Unknown):
        return Undetermined((own_ecr_image,))
    found, place = own_ecr_image.value, task.place
    name = image.repository.removeprefix("library/")
    where = f"{name} of registry {place.account} ({place.region})"
    if found.missing == "repository":
        return Ok(f"ECR has no repository {where} either")
    if found.missing and symptom.kind == "image-not-found":
        # Docker Hub says so of a tag alone: a repository that it does not have, it refuses.
        return Ok(
            f"{image.host} has {image.repository}, and ECR's repository {where} has no {image.digest or image.tag}"
        )
    if symptom.kind in SILENT:
        # An account may well mirror the very images that it pulls from Docker Hub.
        detail = f"ECR has a repository {where} too, and ECS's text does not say what Docker Hub answered"
        return Undetermined((Unknown(f"whether {image.host} has {name}", "not-visible", detail=detail),))
    definition, repository = asker(task), make(place, "AWS::ECR::Repository", name)
    label = f"@{image.digest}" if image.digest else f":{image.tag}"
    meant = f"{ecr_host(place.account, place.region)}/{name}{label}"
    there = f"has {label[1:]}" if found.missing is None else f"has no {label[1:]}, so that a tag is missing as well"
    state = put_away(found.image)
    away = f", which {state}" if state else ""
    evidence = [
        Evidence(f"{definition.arn} asks for {image.text}, which names no registry", "fact", (definition,)),
        Evidence(f"repository {where} exists and {there}{away}", "fact", (repository,)),
    ]
    if symptom.kind in _REFUSALS:
        text = f"ECS's text tells of {symptom.kind} for repository {image.repository} of {image.host}"
        evidence.insert(0, Evidence(text, "text", (definition,)))
    return Problem(
        title="image names no registry, so Docker Hub is asked for it",
        explanation=(
            f"{image.text} holds no registry's name, which means Docker Hub: {image.host}/{image.repository}. ECR has "
            f"a repository of that name in the task's account and Region, {where}, and is not asked."
        ),
        culprit=definition,
        evidence=tuple(evidence),
        fixes=(
            Fix(
                f"name {meant} in the task definition, if that is the image you meant"
                + (f". It {state}, and can be pulled within 20 minutes of its restoration" if state else ""),
                "your-call",
                place.account,
                place.region,
                effect="the service needs a deployment of the new revision" if task.service else None,
            ),
        ),
        inferred=(f"nothing says that ECR's repository {name} was meant, and not Docker Hub's {image.repository}",),
        where=image.text,
    )
