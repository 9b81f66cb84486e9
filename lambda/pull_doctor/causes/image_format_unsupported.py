"""The image is there, in a form that the container runtime does not take.

Docker's oldest form, schema 1, is refused by current runtimes. Old ones, on EC2, do not know newer forms: OCI's index,
or layers that are compressed with zstd. A registry or a proxy may also give a manifest under the name of another type,
such as application/json. The names and rights are in order then, and so is the network.

What mends it: the image built and pushed again with a current builder, in the form that every Docker takes; on EC2 also
a current AMI.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html
"""

from __future__ import annotations

import shlex

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.causes.shared.image.builds import DOCKER_FORM, may_push, pushed_to, rebuilt
from pull_doctor.causes.shared.image.forms import Complaint, Held, called, complaint, held
from pull_doctor.causes.shared.image.images import asker, repository_of, untold
from pull_doctor.causes.shared.image.platforms import wanted_by
from pull_doctor.causes.shared.image.pushes import doubt_of_push, for_its_deployment, still_the_same
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.manifest import DOCKER_IMAGE
from pull_doctor.facts.values import CacheRule, ContainerInstance, EcrLookup, Manifest, Service, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import make

_NO_TYPE = Complaint("form")


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
    if symptom.kind != "unsupported-manifest":
        return untold(symptom, "a form that the runtime does not take", f"the form of {image.text}")
    said, what = complaint(symptom, message), held(manifest, ecr_image)
    if said.says == "web-page":
        detail = "text/html is what a web page is; who gave it in the place of the registry is not shown"
        return Undetermined((Unknown(f"who answered for {image.text}", "not-visible", detail=detail),))
    if said.says == "no-image" or (said.says != "schema-1" and what.is_image is False):
        types = (said.media_type,) if said.media_type else what.types
        return Ok(f"{image.text} is {called(types)}, and not an image in a form of its own")
    if said.says in ("layers-differ", "layers-unnamed"):
        return Ok("ECS's text tells of layers and a configuration that do not agree, not of their form")
    read = manifest.value if isinstance(manifest, Known) else None
    if said.says == "refused" and read and read.media_type == DOCKER_IMAGE:
        detail = f"its manifest is of type {read.media_type}, which every runtime takes"
        return Undetermined(
            (Unknown(f"why {image.host} refused the manifest of {image.text}", "not-visible", detail=detail),)
        )
    still = _still(task, image, said, read, ecr_image)
    doubts = _doubts(image, said, what, still)
    culprit = repository_of(image) if image.ecr else asker(task)
    evidence = [Evidence(f"ECS's text says that {_told(said)} of image {image.text}", "text", (culprit,))]
    if read:
        evidence.append(Evidence(_of_now(image, said, read, still), "fact", (culprit,)))
    wanted = wanted_by(symptom, task, task_definition, container_instance)
    text = "build the image again with a current builder, in the form that every Docker takes"
    problem = Problem(
        title="image has a form that the container runtime does not take",
        explanation=_explanation(image, said, still),
        culprit=culprit,
        evidence=(*evidence, *_docker(task, container_instance)),
        fixes=(
            rebuilt(task, image, cache_rule, (wanted,) if wanted else (), text, form=DOCKER_FORM),
            *(_converted(task, image, cache_rule) if said.says == "schema-1" else ()),
        ),
        still=still,
        text_proves=not doubts,
        inferred=(*doubts, *(doubt_of_push(task, image, ecr_image, "another form") if still == "no" else ())),
    )
    return for_its_deployment(problem, task, image, ecr_image, resolved_digest, service)


def _still(
    task: Task, image: ImageReference, said: Complaint, read: Manifest | None, ecr_image: Fact[EcrLookup]
) -> Still:
    if read and said.says == "schema-1":
        return "yes" if read.schema == 1 else "no"
    if read and said.media_type and said.media_type in (read.media_type, read.config_type, *read.layer_types):
        return "yes"
    return still_the_same(task, image, ecr_image)


def _doubts(image: ImageReference, said: Complaint, what: Held, still: Still) -> tuple[str, ...]:
    if said.says == "refused":
        return (f"that the form of {image.text} is why the registry refused the request is concluded",)
    if said == _NO_TYPE and not (what.is_image and still != "no"):
        return (f"whether {image.text} was an image at all is not known",)
    return ()


def _told(said: Complaint) -> str:
    if said.says == "refused":
        return "the registry refused the request for the manifest"
    form = "schema 1 (Docker's oldest form)" if said.says == "schema-1" else said.media_type or "the form"
    return f"the runtime does not take {form}"


def _explanation(image: ImageReference, said: Complaint, still: Still) -> str:
    text = f"The pull of {image.text} ended because {_told(said)}{' of its manifest' if said == _NO_TYPE else ''}."
    if said.says == "schema-1":
        text += " Builders have pushed newer forms since 2016."
    return f"{text} What is there now was pushed since, or has another form." if still == "no" else text


def _of_now(image: ImageReference, said: Complaint, read: Manifest, still: Still) -> str:
    now = " now" if still == "no" else ""
    if said.media_type in read.layer_types:
        return f"the manifest of image {image.text} lists layers of {said.media_type}{now}"
    return f"the manifest of image {image.text} is of type {read.media_type}{now}"


def _docker(task: Task, host: Fact[ContainerInstance]) -> tuple[Evidence, ...]:
    """The version of Docker that pulled, on EC2."""
    if not isinstance(host, Known) or not host.value.docker_version:
        return ()
    version = host.value.docker_version.removeprefix("DockerVersion:").strip()
    text = f"container instance {host.value.instance or host.value.arn} has Docker {version}"
    return (Evidence(text, "fact", (make(task.place, "AWS::ECS::ContainerInstance", host.value.arn),)),)


def _converted(task: Task, image: ImageReference, rule: Fact[CacheRule | None]) -> tuple[Fix, ...]:
    """Docker Engine pushes what it pulled in the newer form; from version 26 on it pulls schema 1 no more.

    https://docs.docker.com/engine/deprecated/
    """
    if image.digest or not may_push(image, rule):
        return ()
    name = shlex.quote(image.text)
    text = "pull the image with Docker Engine 20.10 to 25 and push it back, which converts it"
    commands = (f"docker pull {name}", f"docker push {name}")
    effect = f"{image.text} names a new image from then on"
    return (Fix(text, "your-call", *pushed_to(task, image), commands, effect=effect),)
