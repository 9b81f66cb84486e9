"""The image is damaged: its layers and its configuration do not agree, or a layer is missing or broken.

A manifest names layers by their digests, and the configuration names what is in them. Layers that two compressions mix
(gzip and zstd), a push that was cut off, or a tool that edits images can leave the two apart. A registry can also have
lost a layer. Where a layer only fails to unpack, its copy in the registry may be in order: a connection that broke, or
the host's own copy, shows in the same way, so that this is likely at most. Errors of the host's disk, and of Windows
while it imports a layer, are not held against the image.

What mends it: the image built and pushed again under a new tag, and on EC2 the copy on the host removed.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html
"""

from __future__ import annotations

import shlex

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.host import machines
from pull_doctor.causes.shared.image.builds import DOCKER_FORM, rebuilt
from pull_doctor.causes.shared.image.forms import Complaint, Held, called, complaint, held
from pull_doctor.causes.shared.image.images import asker, repository_of, untold
from pull_doctor.causes.shared.image.platforms import wanted_by
from pull_doctor.causes.shared.image.pushes import for_its_deployment, still_the_same
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, ContainerInstance, EcrLookup, Manifest, Service, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task

_LAYERS_AND_CONFIGURATION = ("layers-differ", "layers-unnamed")
_SAID = {
    "layers-differ": ("image layers and configuration do not agree", "its layers and its configuration do not agree"),
    "layers-unnamed": ("image layers and configuration do not agree", "its layers and its configuration do not agree"),
    "layer-missing": ("image lacks a layer that its manifest names", "the registry has not every layer of it"),
    "layer-not-found": ("image lacks a layer that its manifest names", "a layer of it was not found"),
    "damage": ("image layer cannot be verified or unpacked", "a layer of it could not be verified or unpacked"),
}
"""The title, and what ECS's text says of the image."""


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
    if symptom.kind not in ("unsupported-manifest", "layer-corrupt-or-extract-failure"):
        return untold(symptom, "a damaged image", f"whether {image.text} is damaged")
    said, what = complaint(symptom, message), held(manifest, ecr_image)
    if said.says in _LAYERS_AND_CONFIGURATION and what.is_image is False:
        return Ok(f"{image.text} is {called(what.types)}, which has no such layers as an image")
    if said.says not in _SAID:
        return _of_something_else(symptom, image, said)
    title, defect = _SAID[said.says]
    still = still_the_same(task, image, ecr_image)
    if said.says == "layers-unnamed" and still == "no":
        detail = "another was pushed under that name after the failure, and a chart shows in the same way"
        return Undetermined((Unknown(f"what {image.text} was when the task failed", "not-visible", detail=detail),))
    doubts = _doubts(task, image, said, what)
    culprit = repository_of(image) if image.ecr else asker(task)
    evidence = [Evidence(f"ECS's text says of image {image.text} that {defect}", "text", (culprit,))]
    read = manifest.value if isinstance(manifest, Known) else None
    if read and len(read.layer_types) > 1 and said.says in _LAYERS_AND_CONFIGURATION:
        text = f"the manifest of image {image.text} lists layers of {' and '.join(read.layer_types)}"
        evidence.append(Evidence(text, "fact", (culprit,)))
    wanted = wanted_by(symptom, task, task_definition, container_instance)
    text = "build the image again and push it under a new tag, which the task definition then names"
    platforms = (wanted,) if wanted else ()
    built = rebuilt(task, image, cache_rule, platforms, text, form=DOCKER_FORM, new_tag="<new-tag>")
    problem = Problem(
        title=title,
        explanation=_explanation(image, said, defect, pushed_since=still == "no"),
        culprit=culprit,
        evidence=tuple(evidence),
        fixes=(built, *(_removed(task, image, container_instance) if said.says == "damage" else ())),
        still=still,
        text_proves=not doubts,
        inferred=doubts,
    )
    return for_its_deployment(problem, task, image, ecr_image, resolved_digest, service)


def _of_something_else(symptom: Symptom, image: ImageReference, said: Complaint) -> Outcome:
    if symptom.kind == "unsupported-manifest":
        return Ok("ECS's text tells of the form of the image, not of damage")
    why = {
        "host": "ECS's text speaks of the host itself: its disk, its copy of the layers, or the import by Windows",
        "cut": "ECS's text says that the layer came short: by a connection that broke, or in the registry's own copy",
    }.get(said.says or "", "ECS's text does not say what kept the layer from being unpacked")
    return Undetermined((Unknown(f"whether a layer of {image.text} is damaged", "not-visible", detail=why),))


def _doubts(task: Task, image: ImageReference, said: Complaint, what: Held) -> tuple[str, ...]:
    if said.says == "damage":
        copy = "a connection that broke" if task.on_fargate else "a connection that broke, or the host's own copy,"
        return (f"that the layer of {image.repository} is damaged in the registry is concluded: {copy} shows so, too",)
    if said.says == "layer-not-found":
        between = "a proxy, or another server in its place, answers so, too"
        return (f"that the registry itself lacks the layer of {image.repository} is concluded: {between}",)
    if said.says == "layers-unnamed" and not what.is_image:
        return (f"whether {image.repository} holds an image under that name was not read: a chart shows so, too",)
    return ()


def _explanation(image: ImageReference, said: Complaint, defect: str, *, pushed_since: bool) -> str:
    text = f"The pull of {image.text} ended because {defect}."
    if said.says in _LAYERS_AND_CONFIGURATION:
        text += " Layers that are compressed partly with gzip and partly with zstd lead to the same text."
    if said.says == "damage":
        text += " A pull of the same image elsewhere tells whether the registry's copy is damaged."
    return f"{text} Another image was pushed under that name after the failure." if pushed_since else text


def _removed(task: Task, image: ImageReference, host: Fact[ContainerInstance]) -> tuple[Fix, ...]:
    """What removes the host's own copy, on an EC2 instance; others admit nobody."""
    if task.launch_type != "EC2":
        return ()
    line = f"docker image rm {shlex.quote(image.text)}"
    machine = machines.machine_of(task, host)
    lines = (line,) if machines.on_windows(host) else machines.typed_on(task, machine, host, f"sudo {line}")
    text = f"remove the copy on {machines.called(machine)}"
    return (Fix(text, "your-call", task.place.account, task.place.region, lines),)
