"""The task definition names an image in a form that is not an image reference.

A reference is [host[:port]/]path[:tag][@sha256:...]. The path is in lower case. There is no https:// before it, no
white space in it, and a colon is followed by a tag. ECS registers a task definition without looking at that, and each
task then fails before any registry is asked: the network, the role, and the image itself do not matter yet. Usual
reasons: an address copied from a browser, a line break that came with the tag from a file, or a variable of the
pipeline that was empty or not filled in.

What mends it: a new revision of the task definition with the corrected reference.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.image.images import asker
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.reference_fault import UNFILLED, Fault, find_fault
from pull_doctor.intake.scrub import visible
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Resource


def check(*, task: Task, symptom: Symptom, image: Fact[ImageReference], written_image: str | None) -> Outcome:
    if written_image is None:
        assert isinstance(image, Unknown)
        return Undetermined((image,))
    definition = asker(task)
    fault = find_fault(written_image)
    if fault is None:
        return _legal(symptom, written_image, definition)
    asked = f'{definition.arn} asks for "{visible(written_image)}"'
    evidence = [Evidence(asked, "fact", (definition,))]
    told = symptom.kind == "invalid-reference"
    if told:
        text = f"ECS's text says that what {definition.arn} asks for is not a valid reference"
        evidence.insert(0, Evidence(text, "text", (definition,)))
    scheme_asked = symptom.host is not None and written_image.lower().startswith(f"{symptom.host}://")
    if scheme_asked:
        text = f"ECS's text says that {symptom.host}, with which {definition.arn} begins its image, was looked up"
        evidence.insert(0, Evidence(text, "text", (definition,)))
    return Problem(
        title=f"image reference {fault.why}",
        explanation=(
            f'{definition.id} asks for "{visible(written_image)}". It {fault.why}, so that it is not an image '
            "reference, and no registry can be asked for it. Every task of this revision fails in the same way."
        ),
        culprit=definition,
        evidence=tuple(evidence),
        fixes=(_fix(task, fault),),
        text_proves=told,
        # No other fault than a scheme that is taken for a host shows in a failed lookup.
        shown=symptom.kind != "dns-failure" or scheme_asked,
        where=fault.part or None,
    )


def _legal(symptom: Symptom, image: str, definition: Resource) -> Outcome:
    if symptom.kind != "invalid-reference":
        return Ok(f"{image} is an image reference")
    return Problem(
        title="image was no valid reference when the task asked for it",
        explanation=f"ECS's text says that the reference is not valid. {definition.id} asks for {image}, which is.",
        culprit=definition,
        evidence=(
            Evidence(
                f"ECS's text says that what {definition.arn} asks for is not a valid reference", "text", (definition,)
            ),
            Evidence(f"{image} is an image reference by the grammar of registries", "fact", (definition,)),
        ),
        still="no",
        text_proves=True,
        inferred=(f"{image} is what the task shows now, and the text may speak of another one",),
    )


def _fix(task: Task, fault: Fault) -> Fix:
    what = f"name {fault.corrected}" if fault.corrected else "name the image as [host/]path:tag, in lower case,"
    if fault.why == UNFILLED:
        what = f"fill in {fault.part}"
    return Fix(
        f"{what} in a new revision of the task definition",
        "your-call",
        task.place.account,
        task.place.region,
        effect="the service needs a deployment of the new revision" if task.service else None,
    )
