"""Decides which containers of a stopped task could not be pulled, or why the task is no pull failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pull_doctor.intake.image_reference import ImageReference, parse_reference
from pull_doctor.intake.scrub import image_text
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Failure, Task

WHOLE_TASK = "task"
"""The id of the one failure of a task whose text does not say which container it means."""
UNNAMED = "unknown"
"""The container's name where neither the task nor its text tells it."""

_INJECTED_NAME = "aws-guardduty-agent-"
_OUTSIDE_STOPS = {
    "UserInitiated": "a user or a call of the API stopped it",
    "ServiceSchedulerInitiated": "the service scheduler stopped it",
    "SpotInterruption": "its Spot capacity was taken back",
    "TerminationNotice": "its capacity was about to be terminated",
    "InfrastructureHealth": "ECS replaced it because of the infrastructure under it",
}
_ROUND_A_REFERENCE = "\"'`()<>[]{},;.:"
_MAX_QUOTE = 160


@dataclass(frozen=True)
class Container:
    """A container as the task shows it: scrubbed text, but ``image`` as written, for the grammar to judge."""

    name: str | None
    image: str | None
    reason: str | None
    runtime_id: str | None
    exit_code: int | None
    image_digest: str | None = None

    @property
    def label(self) -> str:
        """The name by which sentences call it."""
        return self.name or UNNAMED

    @property
    def injected(self) -> bool:
        """Whether AWS added the container: such a one is shown without its image."""
        return self.image is None or (self.name or "").startswith(_INJECTED_NAME)

    @property
    def ran(self) -> bool:
        """Whether it has an exit code: only a container that ran has one."""
        return self.exit_code is not None

    @cached_property
    def reference(self) -> ImageReference | None:
        """Its image by the grammar; ``None`` if that is illegal or not shown."""
        return parse_reference(self.image) if self.image else None

    @cached_property
    def pull_failed(self) -> bool:
        """Whether its own reason speaks of a failed pull, be it of one that a cached image made good."""
        return self.reason is not None and _is_pull_failure(read_symptom(self.reason))


def find_failures(
    task: Task, containers: Sequence[Container], *, desired_status: str | None, started: bool
) -> tuple[tuple[Failure, ...], str | None]:
    """Return the task's failures, or none of them and one sentence that says why it is no pull failure.

    A container's own text stands above the task's. Where only the task has a text, the failure is the container
    whose image the text names; a text about the whole task is a failure of each container that it stopped; and
    one that fits several containers is one failure of an unknown container, not several guesses.

    Where ECS puts the text: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
    """
    why_not = _stopped_otherwise(task, containers, desired_status, started=started)
    if why_not:
        return (), why_not
    failed = [container for container in containers if container.pull_failed and not container.ran]
    if failed:
        why_not = _only_beside_the_task(task, containers, failed)
        return ((), why_not) if why_not else (_failures(task, failed), None)
    text = task.stopped_reason or ""
    symptom = read_symptom(text)
    not_run = [container for container in containers if not container.ran]
    told_otherwise = symptom.kind == "undetermined" and any(container.reason for container in containers)
    speaks = _is_pull_failure(symptom) or (symptom.kind == "undetermined" and text)
    own_ran = any(container.ran for container in containers) and all(container.injected for container in not_run)
    if not speaks or told_otherwise or own_ran:
        return (), _another_stop(task, containers)
    blamed = _blamed(text, symptom, not_run)
    if blamed:
        return _failures(task, blamed), None
    unknown = Failure(id=WHOLE_TASK, container=UNNAMED, image=None, reference=None, message=text, symptom=symptom)
    return (unknown,), None


def _is_pull_failure(symptom: Symptom) -> bool:
    return symptom.kind not in ("not-a-pull-failure", "undetermined")


def _stopped_otherwise(
    task: Task, containers: Sequence[Container], desired_status: str | None, *, started: bool
) -> str | None:
    if desired_status not in (None, "STOPPED"):
        return f"Task {task.id} is not stopping: its desired status is {desired_status[:40]}."
    outside = _OUTSIDE_STOPS.get(task.stop_code or "")
    if outside:
        return f"Task {task.id} was stopped from outside ({task.stop_code}): {outside}."
    if not started:
        return None
    own = [container for container in containers if not container.injected]
    for container in containers:
        # A task that started has started its only container.
        if container.pull_failed and (container.ran or container.runtime_id or own == [container]):
            return _ran_despite(task, container)
    beside = next((container for container in containers if container.pull_failed), None)
    if beside:
        return f"Task {task.id} had started: that container {beside.label} could not be pulled did not stop it."
    return f"Task {task.id} had started: its images were there."


def _ran_despite(task: Task, container: Container) -> str:
    who = f"Container {container.label} of task {task.id}"
    if _on_a_host(task):
        return f"{who} ran from the image cached on its host, though the pull failed."
    return f"{who} ran, though its reason speaks of a failed pull."


def _on_a_host(task: Task) -> bool:
    return task.container_instance is not None or task.launch_type in ("EC2", "EXTERNAL", "MANAGED_INSTANCES")


def _only_beside_the_task(task: Task, containers: Sequence[Container], failed: Sequence[Container]) -> str | None:
    """Say so if the task stopped when a container had run, and those that could not be pulled only stood beside it."""
    ended = min((container for container in containers if container.ran), key=lambda it: it.injected, default=None)
    injected = all(container.injected for container in failed)
    if ended is None or task.stop_code == "TaskFailedToStart":
        return None
    if not injected and task.stop_code != "EssentialContainerExited":
        return None
    who = f"{failed[0].label}, which AWS injected," if injected else f"container {failed[0].label}"
    return (
        f"Task {task.id} stopped when its container {ended.label} exited with code {ended.exit_code}; "
        f"that {who} could not be pulled did not stop it."
    )


def _another_stop(task: Task, containers: Sequence[Container]) -> str:
    for container in containers:
        if container.pull_failed:
            return _ran_despite(task, container)
    for container in containers:
        if container.ran:
            return f"Container {container.label} of task {task.id} ran and exited with code {container.exit_code}."
    texts = [container.reason for container in containers if container.reason]
    text = next(iter(texts), task.stopped_reason)
    if text is None:
        return f"Nothing in task {task.id} says that an image could not be pulled."
    quote = text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}..."
    return f'Task {task.id} stopped for something other than a pull: "{quote}".'


def _blamed(text: str, symptom: Symptom, candidates: Sequence[Container]) -> Sequence[Container]:
    """Return the containers that the task's text speaks of; none where it does not say which of several."""
    references = _references(text)
    named = [container for container in candidates if _names(references, container, exactly=True)]
    named = named or [container for container in candidates if _names(references, container, exactly=False)]
    if named:
        return named
    injected = [container for container in candidates if container.injected]
    own = [container for container in candidates if not container.injected]
    if references:
        # It names an image that no container shows: an injected one's is not shown.
        return injected if len(injected) == 1 else ()
    own = own or injected
    if symptom.phase == "sign-in":
        in_ecr = [container for container in own if container.reference and container.reference.ecr]
        return in_ecr or own
    if symptom.phase == "prepare" or text.lower().startswith("resourceinitializationerror"):
        return own
    return own if len(own) == 1 else ()


def _references(text: str) -> list[ImageReference]:
    """Return the image references in the text that are written with their host, as Fargate writes them."""
    words = (word.strip(_ROUND_A_REFERENCE) for word in text.split())
    with_host = (word for word in words if "." in word.partition("/")[0] or ":" in word.partition("/")[0])
    parsed = (parse_reference(word) for word in with_host if "/" in word)
    return [reference for reference in parsed if reference is not None]


def _names(references: Sequence[ImageReference], container: Container, *, exactly: bool) -> bool:
    image = container.reference
    return image is not None and any(
        (image.host, image.port, image.repository) == (named.host, named.port, named.repository)
        and (not exactly or (image.digest == named.digest if image.digest else image.tag == named.tag))
        for named in references
    )


def _failures(task: Task, failed: Sequence[Container]) -> tuple[Failure, ...]:
    failures: list[Failure] = []
    taken: set[str] = set()
    for container in failed:
        message = _message(task, container, alone=len(failed) == 1)
        unique, count = container.label, 1
        while unique in taken:
            count += 1
            unique = f"{container.label}-{count}"
        taken.add(unique)
        failures.append(
            Failure(
                id=unique,
                container=container.label,
                image=image_text(container.image) if container.image else None,
                reference=container.reference,
                message=message,
                symptom=read_symptom(message),
                injected=container.injected,
                image_digest=container.image_digest,
            )
        )
    return tuple(failures)


def _message(task: Task, container: Container, *, alone: bool) -> str:
    whole = task.stopped_reason or ""
    if not container.pull_failed or container.reason is None:
        return whole
    # The container's copy may be no more than the error's name, or cut.
    return whole if alone and whole.startswith(container.reason) else container.reason
