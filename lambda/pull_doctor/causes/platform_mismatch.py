"""The image offers no build for the operating system and processor on which the task runs.

An image index lists one manifest for each platform. Where none fits, the pull ends before a layer is read. Fargate runs
linux/amd64 unless the task definition's runtimePlatform says otherwise; an EC2 instance has a processor of its own, and
Windows also wants its own build. An image built on a computer with an ARM processor, such as an Apple laptop, is for
ARM alone, unless the build names more platforms. An image that is no index does not show its platform.

What mends it: a build for that platform under the same tag, a runtimePlatform that the image offers, or on EC2 an
instance with the other processor.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Still
from pull_doctor.causes.shared.image.builds import may_push, pushed_to, rebuilt
from pull_doctor.causes.shared.image.forms import held
from pull_doctor.causes.shared.image.images import asker, repository_of, untold
from pull_doctor.causes.shared.image.platforms import (
    fits,
    listed,
    of_fargate,
    of_host,
    plain,
    read_platform,
    runtime_platform,
    wanted_by,
    written,
)
from pull_doctor.causes.shared.image.pushes import doubt_of_push, for_its_deployment, still_the_same
from pull_doctor.facts.fact import Fact, Known
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
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import make

_ACTUAL = re.compile(r"(?:actual: |(?:image's|its) platform \()(?P<platform>[a-z]+/[\w/.]+)")
_LONGEST_TITLE = 80
_OTHER = {"amd64": "x86_64", "arm64": "arm64"}
"""The values of the attribute ecs.cpu-architecture."""


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
    if symptom.kind != "platform-mismatch":
        return untold(symptom, "a platform that the image lacks", f"the platforms of {image.text}")
    what = held(manifest, ecr_image)
    if what.is_image is False and still_the_same(task, image, ecr_image) != "no":
        return Ok(f"{image.text} is no container image, and so has no builds: not-a-container-image tells it")
    wanted = wanted_by(symptom, task, task_definition, container_instance)
    read = manifest.value if isinstance(manifest, Known) else None
    offered = tuple(dict.fromkeys(map(plain, read.platforms))) if read and read.platforms else ()
    still = _still(wanted, offered)
    build = written(wanted) if wanted else "the task's platform"
    culprit = repository_of(image) if image.ecr else asker(task)
    named = read_platform(symptom.platform) if symptom.platform else None
    missing = written(named) if named else "what runs the task"
    evidence = [Evidence(f"ECS's text says that image {image.text} offers nothing for {missing}", "text", (culprit,))]
    if told := _ACTUAL.search(message):
        text = f"ECS's text says that what was found for image {image.text} is for {told['platform']}"
        evidence.append(Evidence(text, "text", (culprit,)))
    if offered:
        text = f"the index of image {image.text} offers {listed(offered)}{' now' if still == 'no' else ''}"
        evidence.append(Evidence(text, "fact", (culprit,)))
    elif read and read.is_index and read.platforms is None:
        evidence.append(Evidence(f"the index of image {image.text} has a build without a platform", "fact", (culprit,)))
    actual = read_platform(told["platform"]) if told else None
    had = offered or ((actual,) if actual else ())
    title = f"image offers no build for {build}"
    problem = Problem(
        title=title if len(title) <= _LONGEST_TITLE else "image offers no build for the task's platform",
        explanation=_explanation(image, wanted, had, still),
        culprit=culprit,
        evidence=(*evidence, *_runs_on(task, wanted, task_definition, container_instance)),
        fixes=_fixes(task, image, wanted, had, task_definition, cache_rule),
        still=still,
        text_proves=True,
        inferred=doubt_of_push(task, image, ecr_image, "another index") if still == "no" else (),
    )
    return for_its_deployment(problem, task, image, ecr_image, resolved_digest, service)


def _still(wanted: Platform | None, offered: Sequence[Platform]) -> Still:
    if wanted is None or not offered:
        return "unknown"
    fitting = {fits(wanted, one) for one in offered}
    return "no" if True in fitting else "unknown" if None in fitting else "yes"


def _runs_on(
    task: Task, wanted: Platform | None, definition: Fact[TaskDefinition], host: Fact[ContainerInstance]
) -> tuple[Evidence, ...]:
    """What runs the task, as a fact of its own beside what the text says."""
    platform = of_fargate(task, definition) if task.on_fargate else of_host(host)
    if platform is None or platform != wanted:
        return ()
    if isinstance(host, Known):
        item = make(task.place, "AWS::ECS::ContainerInstance", host.value.arn)
        text = f"container instance {host.value.instance or item.arn} runs {written(platform)}"
        return (Evidence(text, "fact", (item,)),)
    if not isinstance(definition, Known):
        return ()
    value = definition.value
    item = make(task.place, "AWS::ECS::TaskDefinition", f"{value.family}:{value.revision}")
    said = "sets a" if value.os_family or value.cpu_architecture else "names no"
    text = f"{item.arn} {said} runtimePlatform, so that Fargate runs it on {written(platform)}"
    return (Evidence(text, "fact", (item,)),)


def _explanation(image: ImageReference, wanted: Platform | None, had: Sequence[Platform], still: Still) -> str:
    text = f"The task runs on {written(wanted)}, and the pull" if wanted else "The pull"
    text += f" found no build for {'that' if wanted else 'what runs the task'} in {image.text}, and went no further."
    if had:
        text += f" It offers {listed(had)}{' now' if still == 'no' else ''}."
    if still != "no" and wanted == Platform("linux", "amd64") and tuple(had) == (Platform("linux", "arm64"),):
        text += " A build on a computer with an ARM processor, such as an Apple laptop, gives that alone."
    return text


def _fixes(
    task: Task,
    image: ImageReference,
    wanted: Platform | None,
    had: Sequence[Platform],
    definition: Fact[TaskDefinition],
    rule: Fact[CacheRule | None],
) -> tuple[Fix, ...]:
    place = task.place
    named = written(wanted) if wanted else "the platform of the task"
    if not may_push(image, rule):
        text = f"name an image that offers {named} in the task definition"
        fixes = [Fix(text, "your-call", place.account, place.region)]
    elif wanted and wanted.os == "linux":
        fixes = [rebuilt(task, image, rule, (*had, wanted), f"build the image for {named} as well")]
    else:
        text = f"push a build for {named}"
        fixes = [Fix(text, "your-call", *pushed_to(task, image))]
    if other := _elsewhere(task, wanted, had, definition):
        fixes.append(Fix(other, "your-call", place.account, place.region))
    return tuple(fixes)


def _elsewhere(
    task: Task, wanted: Platform | None, had: Sequence[Platform], definition: Fact[TaskDefinition]
) -> str | None:
    """How the task gets to a platform that the image offers."""
    others = [one for one in had if one != wanted]
    if task.on_fargate:
        family = definition.value.os_family if isinstance(definition, Known) else task.platform_family
        line = next(filter(None, (runtime_platform(one, family) for one in others)), None)
        return f"set {line} in the task definition" if line else None
    other = next((one for one in others if wanted and one.os == wanted.os), None)
    if other is None or wanted is None:
        return None
    text = f"place the task on container instances that run {written(other)}"
    if other.architecture == wanted.architecture or other.architecture not in _OTHER:
        return text
    return f"{text}, by the placement constraint attribute:ecs.cpu-architecture == {_OTHER[other.architecture]}"
