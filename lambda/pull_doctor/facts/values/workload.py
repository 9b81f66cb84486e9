"""What ECS says of the workload: definitions, services, deployments, tasks, container instances.

Nothing here can hold an environment variable, a command line, or a secret's value. Collections are
tuples, ordered as AWS returned them; an absent optional member is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """One container of a task definition.

    ``image`` as written there. ``secrets`` are the ARNs or names of what it injects (``valueFrom``), never a value;
    ``registry_credentials`` is the secret with which its registry is signed in to.
    """

    name: str
    essential: bool
    image: str | None = None
    secrets: tuple[str, ...] = ()
    registry_credentials: str | None = None


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task definition; ``execution_role`` is the ARN of the role that pulls on Fargate.

    ``os_family`` and ``cpu_architecture`` are its runtime platform (``LINUX``, ``ARM64``), where it names one.
    ``storage`` is its ephemeral storage in GiB, where it sets that. ``tags`` are key and value of those that the
    settings name; ``None`` where none was asked for.
    """

    family: str
    revision: int
    execution_role: str | None
    containers: tuple[ContainerDefinition, ...]
    registered_at: datetime | None = None
    registered_by: str | None = None
    task_role: str | None = None
    os_family: str | None = None
    cpu_architecture: str | None = None
    tags: tuple[tuple[str, str], ...] | None = None
    storage: int | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a service: the network configuration and the task definition with which it starts tasks.

    ``desired`` and ``running`` count its tasks. ``rollout_state`` is COMPLETED, FAILED, or IN_PROGRESS. ``digests``
    are the containers' names, each with the digest to which its image was resolved, where a service revision tells it.
    """

    id: str
    status: str
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    assign_public_ip: bool | None = None
    task_definition: str | None = None
    rollout_state: str | None = None
    desired: int | None = None
    running: int | None = None
    digests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its live deployments, its status (ACTIVE, DRAINING), and how many tasks it has.

    ``tags`` are key and value of those that the settings name; ``None`` where none was asked for.
    ``task_sets`` are those of CodeDeploy or of an external controller.
    """

    deployments: tuple[Deployment, ...]
    status: str | None = None
    desired: int | None = None
    running: int | None = None
    pending: int | None = None
    tags: tuple[tuple[str, str], ...] | None = None
    task_sets: tuple[Deployment, ...] = ()


@dataclass(frozen=True, slots=True)
class Sibling:
    """A running task of the same service or family: a candidate for counter-evidence."""

    arn: str
    task_definition: str
    started_at: datetime | None
    started_by: str | None
    subnet: str | None
    execution_role_override: str | None = None
    container_instance: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerInstance:
    """A container instance; ``instance`` is its EC2 instance id, or ``mi-...`` for a machine on premises.

    ``attributes`` are names and values of those that tell of its platform (``ecs.os-type``, ``ecs.os-family``,
    ``ecs.cpu-architecture``). ``docker_version`` is as ECS gives it ("DockerVersion: 25.0.8").
    """

    arn: str
    instance: str | None
    agent_version: str | None
    agent_connected: bool | None
    attributes: tuple[tuple[str, str], ...] = ()
    docker_version: str | None = None
