"""The ECS agent of the host is too old for what the task needs.

The agent signs in for Docker. From version 1.16.0 on it can do so with the task's execution role, from 1.19.0 on with
the repositoryCredentials of a private registry. An older one does not know them, and pulls with the instance's role or
without a login. AWS keeps the agent of Managed Instances and of Fargate up to date. That an agent is older than the
newest one, or not connected for a while, is no defect by itself.

What mends it: an update of the agent, or an instance with a current ECS-optimized AMI.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-update.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.host.machines import MANAGED, ON_PREMISES, called, machine_of, on_windows
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerDefinition, ContainerInstance
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Kind, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.resource import Resource

_SHOWS: tuple[Kind, ...] = ("auth-missing-credentials", "registry-access-denied")
"""What a login that the agent does not know shows as."""


@dataclass(frozen=True, slots=True)
class _Need:
    """The first version of the agent that can do what the task needs, and what that is."""

    version: tuple[int, int]
    what: str

    @property
    def text(self) -> str:
        return f"{self.version[0]}.{self.version[1]}.0"


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    image: ImageReference,
    execution_role: Fact[str | None],
    container: Fact[ContainerDefinition | None],
    container_instance: Fact[ContainerInstance],
) -> Outcome:
    if symptom.kind == "daemon-or-agent-fault" and not told.manifest_read:
        return _daemon(task, container_instance)
    if task.on_fargate or task.launch_type == MANAGED:
        return NotApplicable("AWS keeps the agent that pulls up to date")
    may_show = symptom.kind in (*_SHOWS, *SILENT)
    if told.manifest_read:
        return Ok("ECS's text shows that the agent's login let the pull begin")
    need = _need(image, execution_role, container)
    if isinstance(need, Unknown) or isinstance(container_instance, Unknown):
        unread = next(one for one in (need, container_instance) if isinstance(one, Unknown))
        return Undetermined((unread,)) if may_show else Ok(f"ECS's text tells of {symptom.kind}, not of a login")
    if need is None:
        return Ok("the task needs nothing of the agent that only later versions can do")
    host = container_instance.value
    version = re.match(r"v?(\d+)\.(\d+)", host.agent_version or "")
    machine = machine_of(task, container_instance)
    if version is None:
        unread = Unknown(f"the agent's version on {called(machine)}", "not-visible", resource=host.arn)
        return Undetermined((unread,)) if may_show else Ok(f"ECS's text tells of {symptom.kind}, not of a login")
    if (int(version[1]), int(version[2])) >= need.version:
        return Ok(f"agent {host.agent_version} of {called(machine)} is not older than {need.text}")
    return Problem(
        title=f"ECS agent {host.agent_version} is too old for what the task needs"[:80],
        explanation=(
            f"The task {need.what}, which the ECS agent can do from version {need.text} on. The agent of "
            f"{called(machine)} has version {host.agent_version}, so that Docker is given no such login."
        ),
        culprit=machine,
        evidence=(
            Evidence(f"{called(machine)} has ECS agent {host.agent_version}", "fact", (machine,)),
            Evidence(f"the task {need.what}", "fact", (machine,)),
            *(
                [Evidence(f"ECS shows the agent of {called(machine)} as not connected", "fact", (machine,))]
                if host.agent_connected is False
                else []
            ),
        ),
        fixes=_fixes(task, machine, container_instance, need),
        inferred=_doubt(symptom, image, machine),
    )


def _doubt(symptom: Symptom, image: ImageReference, machine: Resource) -> tuple[str, ...]:
    """From ECR an old agent pulls with the instance's role, which may suffice."""
    if image.ecr is None or symptom.kind == "auth-missing-credentials":
        return ()
    return (f"that the role of {called(machine)} itself may not pull {image.repository} is concluded",)


def _daemon(task: Task, container_instance: Fact[ContainerInstance]) -> Undetermined:
    """A container runtime that is down: no API of AWS shows it, and no version of the agent explains it."""
    if task.on_fargate or task.launch_type == MANAGED:
        detail = "AWS runs it; a new task gets another host"
        return Undetermined((Unknown("the container runtime of the host", "not-visible", detail=detail),))
    machine = machine_of(task, container_instance)
    looking = "sudo systemctl status docker ecs; sudo journalctl --unit docker --since -1h"
    agent = container_instance.value if isinstance(container_instance, Known) else None
    state = "" if agent is None or agent.agent_connected is not False else "; ECS shows its agent as not connected"
    unread = Unknown(
        f"whether Docker runs on {called(machine)}",
        "not-visible",
        resource=machine.id,
        detail=f"look there: {looking}{state}",
    )
    return Undetermined((unread,))


def _need(
    image: ImageReference, execution_role: Fact[str | None], container: Fact[ContainerDefinition | None]
) -> _Need | Unknown | None:
    """What the task needs of the agent; ``None`` where any version can pull the image.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
    """
    if image.ecr:
        if isinstance(execution_role, Unknown):
            return execution_role
        role = execution_role.value
        return _Need((1, 16), f"pulls from {image.host} with its execution role {role}") if role else None
    if isinstance(container, Unknown):
        return container
    login = container.value.registry_credentials if container.value else None
    return _Need((1, 19), f"signs in to {image.host} with repositoryCredentials {login}") if login else None


def _fixes(task: Task, machine: Resource, container_instance: Known[ContainerInstance], need: _Need) -> tuple[Fix, ...]:
    place = (task.place.account, task.place.region)
    if task.launch_type == ON_PREMISES:
        text = f"install the current ECS agent on {called(machine)}, {need.text} or newer"
        return (Fix(text, "your-call", *place),)
    newer = Fix(
        f"replace {called(machine)} with an instance of a current ECS-optimized AMI, and drain it before",
        "your-call",
        *place,
        effect="its tasks move to other instances",
    )
    if on_windows(container_instance):
        return (newer,)
    parameters = {"cluster": task.cluster, "containerInstance": container_instance.value.arn}
    update = Fix(
        f"update the agent of {called(machine)}, where it runs an ECS-optimized AMI",
        "your-call",
        *place,
        (AwsCommand("ecs", "UpdateContainerAgent", parameters),),
        effect="the agent restarts, and running tasks go on",
    )
    return (update, newer)
