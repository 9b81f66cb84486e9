"""The task's ephemeral storage on AWS Fargate is too small for its images.

Fargate keeps the layers as they are pulled and the unpacked image in the task's ephemeral storage. A registry shows the
compressed size alone: count three to four times that, which is an estimate, as only unpacking shows the real size. A
task has 20 GiB unless its task definition sets 21 to 200 GiB. Up to platform version 1.3.0 it has 10 GB for the layers,
which no setting changes. The images of all its containers share the storage.

What mends it: ephemeralStorage in the task definition, a platform version that has more, or a smaller image.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.image.images import asker
from pull_doctor.causes.shared.image.pushes import still_the_same
from pull_doctor.causes.shared.network.paths import starts_with
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import EcrLookup, Service, TaskDefinition
from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import starts_outside_vpc
from pull_doctor.view.contents import Sized

_MIB, _GIB, _GB = 2**20, 2**30, 10**9
_DEFAULT, _MOST = 20, 200
_LAYERS_BEFORE_1_4 = 10 * _GB
_FACTORS = (3, 4)
"""Compressed and unpacked, both of which count, come to about so many times the compressed size."""
_STEP = 10


@dataclass(frozen=True, slots=True)
class _Storage:
    """What the task has for its images: in bytes, and as sentences name it.

    ``source`` is what shows it, ECS's event counting as its text. ``fixed``: no setting changes it.
    """

    size: int
    text: str
    source: Literal["text", "fact"]
    fixed: bool = False


def check(
    *,
    task: Task,
    symptom: Symptom,
    written_image: str | None,
    task_definition: Fact[TaskDefinition],
    image_sizes: Fact[tuple[Sized, ...]],
    ecr_image: Fact[EcrLookup],
    service: Fact[Service | None],
) -> Outcome:
    if not task.on_fargate:
        return NotApplicable("the task ran on a host, whose disk holds the image")
    image = written_image or f"that AWS put into {_name(task)}"
    storage = _storage_of(task, task_definition)
    if symptom.kind == "disk-full":
        reference = parse_reference(image)
        pushed_since = reference is not None and still_the_same(task, reference, ecr_image) == "no"
        still: Still = "unknown" if pushed_since else _still(task, storage, service)
        return _full(task, image, storage, image_sizes, still, pushed_since=pushed_since)
    if isinstance(storage, Unknown) or isinstance(ecr_image, Unknown):
        unread = next(one for one in (storage, ecr_image) if isinstance(one, Unknown))
        return Undetermined((unread,)) if symptom.kind in SILENT else _not_told(symptom)
    size = ecr_image.value.image.size if ecr_image.value.image else None
    if size and size > storage.size:
        return _larger_than_all(task, image, storage, size)
    if symptom.kind not in SILENT:
        return _not_told(symptom)
    if size and size * _FACTORS[-1] <= storage.size:
        return Ok(f"{image} is {_sized(size)} compressed, and {storage.text}")
    what = f"whether {image} fits into {storage.text.partition(' has ')[2] or storage.text}"
    shown = f"it is {_sized(size)} compressed" if size else "its size is not known"
    return Undetermined((Unknown(what, "not-visible", detail=f"ECS's text does not say what failed, and {shown}"),))


def _not_told(symptom: Symptom) -> Ok:
    return Ok(f"ECS's text tells of {symptom.kind}, not of a full disk")


def _storage_of(task: Task, task_definition: Fact[TaskDefinition]) -> _Storage | Unknown:
    """What the task has: as it shows itself, as its task definition sets it, or by default."""
    # The platform versions with another network are those with another storage.
    if starts_outside_vpc(task):
        text = f"platform version {task.platform_version} has 10 GB for layers"
        return _Storage(_LAYERS_BEFORE_1_4, text, "text", fixed=True)
    if task.storage is None and isinstance(task_definition, Unknown):
        return task_definition
    written = task_definition.value.storage if isinstance(task_definition, Known) else None
    size = task.storage or written or _DEFAULT
    by = ", the default" if written is None and size == _DEFAULT and isinstance(task_definition, Known) else ""
    source: Literal["text", "fact"] = "fact" if isinstance(task_definition, Known) else "text"
    return _Storage(size * _GIB, f"the task has {size} GiB of ephemeral storage{by}", source)


def _full(
    task: Task,
    image: str,
    storage: _Storage | Unknown,
    image_sizes: Fact[tuple[Sized, ...]],
    still: Still,
    *,
    pushed_since: bool,
) -> Problem:
    culprit = asker(task)
    # Containers with the same image share its layers.
    sizes = {one.image: one.size for one in image_sizes.value} if isinstance(image_sizes, Known) else {}
    read = {name: size for name, size in sizes.items() if size}
    total = sum(read.values())
    evidence = [Evidence(f"ECS's text says that no space was left for image {image}", "text", (culprit,))]
    if isinstance(storage, _Storage):
        evidence.append(Evidence(f"{storage.text} ({_name(task)})", storage.source, (culprit,)))
    evidence += [Evidence(f"{name} is {_sized(size)} compressed", "fact", (culprit,)) for name, size in read.items()]
    unread = [name for name in (sizes or {image: None}) if name not in read]
    return Problem(
        title="images do not fit into the task's ephemeral storage",
        explanation=_explanation(storage, total, unread, pushed_since=image if pushed_since else None),
        culprit=culprit,
        evidence=tuple(evidence),
        fixes=_fixes(task, storage, total),
        still=still,
        text_proves=True,
    )


def _still(task: Task, storage: _Storage | Unknown, service: Fact[Service | None]) -> Still:
    """Whether new tasks have the same storage: not known once the service starts another task definition.

    With which platform version it starts tasks is not read.
    """
    if task.service is None:
        return "yes"
    if isinstance(storage, _Storage) and storage.fixed:
        return "unknown"
    newest = starts_with(task, service)
    return "yes" if newest and newest.task_definition == task.task_definition else "unknown"


def _explanation(storage: _Storage | Unknown, total: int, unread: list[str], *, pushed_since: str | None) -> str:
    text = "The storage of the task was full before its images were unpacked"
    text += f": {storage.text}." if isinstance(storage, _Storage) else "."
    if total:
        low, high = (_sized(total * factor) for factor in _FACTORS)
        whose = "those whose size was read are" if unread else "they are"
        text += (
            f" Fargate keeps images compressed and unpacked: {whose} {_sized(total)} compressed, which comes to about "
            f"{low} to {high} (an estimate)."
        )
        if pushed_since:
            text += f" What {pushed_since} names now was pushed after the failure."
        elif isinstance(storage, _Storage) and not unread and total * _FACTORS[-1] < storage.size:
            text += " ECS's text shows that they took more."
    else:
        text += " Fargate keeps images compressed and unpacked: about three to four times the compressed size."
    return f"{text} The size of {' and '.join(unread)} was not read." if unread else text


def _larger_than_all(task: Task, image: str, storage: _Storage, size: int) -> Problem:
    culprit = asker(task)
    return Problem(
        title="image is larger than the task's ephemeral storage",
        explanation=(
            f"{image} is {_sized(size)} even compressed, and {storage.text}. ECS's text does not speak of that: the "
            "pull ended for another reason."
        ),
        culprit=culprit,
        evidence=(
            Evidence(f"{image} is {_sized(size)} compressed", "fact", (culprit,)),
            Evidence(f"{storage.text} ({_name(task)})", "fact", (culprit,)),
        ),
        fixes=_fixes(task, storage, size),
        shown=False,
    )


def _fixes(task: Task, storage: _Storage | Unknown, total: int) -> tuple[Fix, ...]:
    place = (task.place.account, task.place.region)
    smaller = Fix("build a smaller image: only what runs, in fewer and smaller layers", "your-call", *place)
    if isinstance(storage, _Storage) and storage.fixed:
        text = f"run the task on platform version LATEST, which has {_DEFAULT} GiB and can be given up to {_MOST} GiB"
        return (Fix(text, "your-call", *place), smaller)
    has = storage.size if isinstance(storage, _Storage) else _DEFAULT * _GIB
    if has >= _MOST * _GIB or total * _FACTORS[0] > _MOST * _GIB:
        return (smaller,)
    # Where the estimate says that it fits already, the text says that it does not.
    estimate, twice = total * _FACTORS[1], 2 * has
    size = min(ceil(max(estimate, twice) / _GIB / _STEP) * _STEP, _MOST)
    text = f'set "ephemeralStorage": {{"sizeInGiB": {size}}} in the task definition'
    text += ", by the estimate" if estimate >= twice else ""
    return (Fix(text, "your-call", *place, cost=f"the storage above {_DEFAULT} GiB, by the hour"), smaller)


def _name(task: Task) -> str:
    return task.task_definition.rsplit("/", 1)[-1] if task.task_definition else task.id


def _sized(size: int) -> str:
    """A size in GiB to a tenth, or in MiB where that would say little."""
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{ceil(size / _MIB)} MiB"
