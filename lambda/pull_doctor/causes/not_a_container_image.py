"""What the registry holds under that name is no container image: a chart, a signature, or an attestation.

A registry keeps more than images. Helm charts, signatures, bills of materials, and WebAssembly modules stand beside
them, and each can take the tag of an image. buildx adds an attestation to each build: where the push of the image
itself failed, or where a tool kept the last part alone, the tag names the attestation, or an index without any build.
There is nothing to unpack then. The media types of the manifest tell, and often ECS's text does.

What mends it: the image pushed under that tag again, without attestations (--provenance=false, or
BUILDX_NO_DEFAULT_ATTESTATIONS=1), and charts and signatures under names of their own.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.causes.shared.image.builds import rebuilt
from pull_doctor.causes.shared.image.forms import ATTESTATION, NOTHING, Complaint, Held, called, complaint, held
from pull_doctor.causes.shared.image.images import asker, repository_of, untold
from pull_doctor.causes.shared.image.platforms import wanted_by
from pull_doctor.causes.shared.image.pushes import doubt_of_push, for_its_deployment, still_the_same
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import (
    CacheRule,
    ContainerInstance,
    EcrLookup,
    Manifest,
    Platform,
    Service,
    TaskDefinition,
)
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Kind, Symptom
from pull_doctor.intake.task import Task

_SHOWS_IT: tuple[Kind, ...] = ("platform-mismatch", "unsupported-manifest")
_SPEAKS_OF_ANOTHER = ("schema-1", "web-page")
"""Complaints that are not of something else than an image."""
_LONGEST_TITLE = 80


def check(
    *,
    task: Task,
    symptom: Symptom,
    message: str,
    image: ImageReference,
    task_definition: Fact[TaskDefinition],
    container_instance: Fact[ContainerInstance],
    manifest: Fact[Manifest | None],
    ecr_image: Fact[EcrLookup],
    cache_rule: Fact[CacheRule | None],
    resolved_digest: str | None,
    service: Fact[Service | None],
) -> Outcome:
    said, what = complaint(symptom, message), held(manifest, ecr_image)
    told = said.media_type if said.says == "no-image" else None
    if told is None and (what.is_image is not False or said.says in _SPEAKS_OF_ANOTHER):
        return _not_shown(symptom, image, said, what, manifest)
    read = manifest.value if isinstance(manifest, Known) else None
    since = still_the_same(task, image, ecr_image) == "no"
    still: Still = "yes" if what.is_image is False else "unknown"
    if what.is_image and read and (since or not read.attestations):
        still = "no"
    culprit = repository_of(image) if image.ecr else asker(task)
    evidence = [Evidence(_shown(image, what, read), "fact", (culprit,))] if what.is_image is not None else []
    if told:
        text = f"ECS's text names {told} in image {image.text}, which is no part of an image"
        evidence.insert(0, Evidence(text, "text", (culprit,)))
    types = (told,) if told else what.types
    wanted = wanted_by(symptom, task, task_definition, container_instance)
    problem = Problem(
        title=_title(types),
        explanation=_explanation(image, types, still),
        culprit=culprit,
        evidence=tuple(evidence),
        fixes=(_fix(task, image, cache_rule, types, wanted),),
        still=still,
        text_proves=told is not None,
        inferred=_doubts(task, image, ecr_image, what, still) if still == "no" or not told else (),
    )
    return for_its_deployment(problem, task, image, ecr_image, resolved_digest, service)


def _not_shown(
    symptom: Symptom, image: ImageReference, said: Complaint, what: Held, manifest: Fact[Manifest | None]
) -> Outcome:
    """What is to be said where neither the text nor a fact shows something else than an image."""
    if symptom.kind not in _SHOWS_IT:
        return untold(symptom, "something that is no image", f"what {image.text} is")
    if said.says == "schema-1":
        return Ok("ECS's text tells of an old form of an image, not of something that is none")
    if said.says == "layers-differ":
        return Ok("ECS's text shows that the configuration names layers, as that of an image does")
    if what.is_image:
        return Ok(f"{image.text} is a container image, by its manifest")
    if isinstance(manifest, Unknown):
        return Undetermined((manifest,))
    detail = "its manifest does not say" if manifest.value else "it is not there any more"
    return Undetermined((Unknown(f"what {image.text} is", "not-visible", detail=detail),))


def _shown(image: ImageReference, what: Held, read: Manifest | None) -> str:
    if read is None:
        return f"ECR says that image {image.text} is of type {what.types[0]}"
    if read.is_index:
        builds = f"{len(read.platforms)} builds" if read.platforms else "no build for any platform"
        others = f", and {read.attestations} attestations" if read.attestations else ""
        return f"the index of image {image.text} lists {builds}{others}"
    if what.is_image:
        return f"the manifest of image {image.text} is that of a container image"
    return f"the manifest of image {image.text} is of {' and '.join(what.types)}"


def _title(types: tuple[str, ...]) -> str:
    if not types:
        return "image index lists no build for any platform"
    title = f"image is {called(types)}, not a container image"
    return title if len(title) <= _LONGEST_TITLE else "image reference names no container image"


def _explanation(image: ImageReference, types: tuple[str, ...], still: Still) -> str:
    if not types:
        text = f"{image.text} names an index without a build for any platform, so that there is nothing to run."
    else:
        text = f"{image.text} named {called(types)}, not a container image, so that there was nothing to unpack."
    if called(types) in (ATTESTATION, NOTHING):
        text += " buildx adds an attestation to each build, unless it is told not to."
    else:
        text += " What is pushed under the tag of an image takes its place."
    return f"{text} It is a container image now." if still == "no" else text


def _doubts(task: Task, image: ImageReference, ecr_image: Fact[EcrLookup], what: Held, still: Still) -> tuple[str, ...]:
    if still == "no":
        return doubt_of_push(task, image, ecr_image, "something else")
    doubts = []
    if not what.from_manifest:
        doubts.append(f"the manifest of {image.repository} was not read, so that ECR's word for its type counts alone")
    if still_the_same(task, image, ecr_image) == "no":
        doubts.append(f"what {image.text} names now was pushed after the task had failed")
    return tuple(doubts)


def _fix(
    task: Task,
    image: ImageReference,
    rule: Fact[CacheRule | None],
    types: tuple[str, ...],
    wanted: Platform | None,
) -> Fix:
    if called(types) in (ATTESTATION, NOTHING):
        text = "push the image again, without attestations (--provenance=false or BUILDX_NO_DEFAULT_ATTESTATIONS=1)"
    else:
        text = "push the image under that tag again, and keep what is there now under a name of its own"
    return rebuilt(task, image, rule, (wanted,) if wanted else (), text)
