"""The image offers no build for the operating system and processor on which the task runs.

An image index lists one manifest for each platform. Where none fits, the pull ends before a layer is read. Fargate runs
linux/amd64 unless the task definition's runtimePlatform says otherwise; an EC2 instance has a processor of its own. An
image built on a laptop with an ARM processor is for ARM alone, unless the build names more platforms.

What mends it: a build for that platform under the same tag, or a runtimePlatform that the image offers.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from pull_doctor.causes.outcome import Evidence, Fix, Outcome, Problem, Still
from pull_doctor.causes.shared.images import asker, repository_of, untold
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import EcrLookup, EcrManifest, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_RUNTIME = {"linux/amd64": "X86_64", "linux/arm64": "ARM64"}
"""The values of cpuArchitecture. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html"""


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    task_definition: Fact[TaskDefinition],
    ecr_manifest: Fact[EcrManifest | None],
    ecr_image: Fact[EcrLookup],
) -> Outcome:
    if symptom.kind != "platform-mismatch":
        return untold(symptom, "a platform that the image lacks", f"the platforms of {image.text}")
    culprit = repository_of(image) if image.ecr else asker(task)
    wanted = _plain(symptom.platform) if symptom.platform else _wanted_by(task, task_definition)
    manifest = ecr_manifest.value if isinstance(ecr_manifest, Known) else None
    offered = tuple(dict.fromkeys(map(_plain, manifest.platforms))) if manifest and manifest.platforms else ()
    still = _still(wanted, offered)
    build = wanted or "the task's platform"
    evidence = [Evidence(f"ECS's text says that image {image.text} offers nothing for {build}", "text", (culprit,))]
    if offered:
        text = f"the index of {image.text} offers {_listed(offered)}{' now' if still == 'no' else ''}"
        evidence.append(Evidence(text, "fact", (culprit,)))
    return Problem(
        title=f"image offers no build for {build}",
        explanation=_explanation(image, build, offered, still),
        culprit=culprit,
        evidence=tuple(evidence),
        fixes=_fixes(task, image, wanted, offered),
        still=still,
        text_proves=True,
        inferred=_doubt(task, image, ecr_image) if still == "no" else (),
    )


def _plain(platform: str) -> str:
    """``os/architecture[/variant]`` in one spelling: Fargate writes ``linux/arm64 v8``, and arm64 is always v8."""
    system, architecture, *more = [*re.split(r"[/ ]", platform.lower()), "", ""]
    architecture = _ARCHITECTURES.get(architecture, architecture)
    variant = next((one for one in more if one and (architecture, one) != ("arm64", "v8")), None)
    return "/".join(filter(None, (system, architecture, variant)))


def _wanted_by(task: Task, task_definition: Fact[TaskDefinition]) -> str | None:
    """What Fargate asks for where the text does not say it; on a host it is the host that decides."""
    if not task.on_fargate or not isinstance(task_definition, Known):
        return None
    definition = task_definition.value
    if (definition.os_family or "LINUX") != "LINUX":
        return None
    return _plain(f"linux/{definition.cpu_architecture or 'X86_64'}")


def _still(wanted: str | None, offered: Sequence[str]) -> Still:
    if not wanted or not offered:
        return "unknown"
    if wanted in offered:
        return "no"
    # A Windows image must have the host's own build, which an index names beside its platform.
    family = "/".join(wanted.split("/")[:2])
    return "unknown" if family.startswith("windows") and family in offered else "yes"


def _doubt(task: Task, image: ImageReference, ecr_image: Fact[EcrLookup]) -> tuple[str, ...]:
    """Why the index that offers the platform now may not be the one that the task was given."""
    there = ecr_image.value.image if isinstance(ecr_image, Known) else None
    pushed_at = there.pushed_at if there else None
    if pushed_at and task.failed_at and pushed_at > task.failed_at:
        return ()
    name = f"{image.repository}@{image.digest}" if image.digest else f"{image.repository}:{image.tag}"
    return (f"whether {name} named another index when the task asked for it is not known",)


def _explanation(image: ImageReference, build: str, offered: Sequence[str], still: Still) -> str:
    text = f"The task runs on {build}, and ECS found no build for that in {image.text}, so that no layer was pulled."
    if still == "no":
        return f"{text} Its index offers {_listed(offered)} now."
    return f"{text} Its index offers {_listed(offered)}." if offered else text


def _listed(offered: Sequence[str]) -> str:
    return " and ".join([", ".join(offered[:-1]), offered[-1]]) if len(offered) > 1 else offered[0]


def _fixes(task: Task, image: ImageReference, wanted: str | None, offered: Sequence[str]) -> tuple[Fix, ...]:
    place = task.place
    fixes = []
    linux = [one for one in dict.fromkeys((*offered, wanted or "")) if one.startswith("linux/")]
    if wanted in linux and not image.digest:
        build = ["docker", "buildx", "build", "--platform", ",".join(linux), "--provenance=false", "-t", image.text]
        text = f"build the image for {wanted} as well, where its Dockerfile is"
        effect = f"{image.text} names a new image from then on"
        command = shlex.join([*build, "--push", "."])
        fixes.append(Fix(text, "your-call", place.account, place.region, (command,), effect=effect))
    else:
        text = f"push a build for {wanted or 'the platform of the task'}, and name it in the task definition"
        fixes.append(Fix(text, "your-call", place.account, place.region))
    if task.on_fargate and (other := next((_RUNTIME[one] for one in offered if one in _RUNTIME), None)):
        text = f"set cpuArchitecture to {other} in the task definition's runtimePlatform"
        fixes.append(Fix(text, "your-call", place.account, place.region))
    return tuple(fixes)
