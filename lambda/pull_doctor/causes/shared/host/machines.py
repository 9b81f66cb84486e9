"""What the causes of a host share: the machine that pulls as a report names it, and what can be run on it."""

from __future__ import annotations

import shlex

from pull_doctor.causes.outcome import Still
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import ContainerInstance, Instance
from pull_doctor.intake.task import Task
from pull_doctor.resource import Resource, make

MANAGED = "MANAGED_INSTANCES"
ON_PREMISES = "EXTERNAL"
_INSTANCE, _CONTAINER_INSTANCE = "AWS::EC2::Instance", "AWS::ECS::ContainerInstance"


def machine_of(task: Task, container_instance: Fact[ContainerInstance]) -> Resource:
    """The machine that pulls: its EC2 instance, else its container instance, else the task."""
    known = container_instance.value if isinstance(container_instance, Known) else None
    if known and known.instance and not known.instance.startswith("i-"):
        # On premises it is known by its id with Systems Manager.
        return Resource(_CONTAINER_INSTANCE, known.instance, known.arn)
    if known and known.instance:
        return make(task.place, _INSTANCE, known.instance)
    if task.container_instance:
        return make(task.place, _CONTAINER_INSTANCE, task.container_instance)
    return make(task.place, "AWS::ECS::Task", f"{task.cluster}/{task.id}")


def called(machine: Resource) -> str:
    """The machine as sentences name it."""
    kinds = {_CONTAINER_INSTANCE: "container instance ", "AWS::ECS::Task": "the host of task "}
    return kinds.get(machine.type, "") + machine.id.rpartition(":container-instance/")[2]


def standing(instance: Fact[Instance]) -> Still:
    """Whether what is on the host still stands: not once the instance is gone; else no API of AWS shows it."""
    gone = isinstance(instance, Known) and instance.value.state in ("shutting-down", "terminated")
    return "no" if gone else "unknown"


def typed_on(
    task: Task, machine: Resource, container_instance: Fact[ContainerInstance], *lines: str
) -> tuple[str, ...]:
    """The shell line that opens a session on the machine, and those to type there.

    None on a managed instance, which AWS runs, and none on Windows, whose shell knows no such lines.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ManagedInstances.html
    """
    if task.launch_type == MANAGED or on_windows(container_instance):
        return ()
    if machine.type != _INSTANCE:
        return lines
    session = ["aws", "ssm", "start-session", "--region", task.place.region, "--target", machine.id]
    return (shlex.join(session), *lines)


def on_windows(container_instance: Fact[ContainerInstance]) -> bool:
    """Whether the container instance is known to run Windows."""
    attributes = container_instance.value.attributes if isinstance(container_instance, Known) else ()
    return ("ecs.os-type", "windows") in attributes
