"""The stopped task and its failures, as both doors hand them to the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.resource import Place


@dataclass(frozen=True, slots=True)
class Attachment:
    """The task's network interface as its attachment names it; early failures know only the subnet."""

    subnet: str | None = None
    interface: str | None = None
    private_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was seen of the network of an earlier ``task``, an ARN, that the deployment ``started_by`` had started.

    A deployment starts all its tasks with the same security groups, and gives all or none of them a public address.
    No groups, and ``None``: not seen.
    """

    task: str
    started_by: str
    groups: tuple[str, ...] = ()
    public_ip: bool | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One container whose image could not be pulled.

    ``id`` is the container's name, made unique within the task. ``message`` is ECS's text, scrubbed of
    signed query strings and credentials. ``reference`` is ``None`` where ``image`` is not a legal image
    reference, or is absent because AWS injected the container.
    """

    id: str
    container: str
    image: str | None
    reference: ImageReference | None
    message: str
    symptom: Symptom
    injected: bool = False
    image_digest: str | None = None
    """The digest to which ECS had resolved the image, where the event shows it."""


@dataclass(frozen=True, slots=True)
class Task:
    """A stopped task, from its state-change event or from DescribeTasks. ``None``: not said there.

    Of a service whose tasks ECS cannot even start there is no task: ``arn`` is ``None``, and ``id`` the event's own.
    """

    arn: str | None
    id: str
    place: Place
    cluster: str
    group: str | None = None
    service: str | None = None
    started_by: str | None = None
    task_definition: str | None = None
    family: str | None = None
    launch_type: str | None = None
    capacity_provider: str | None = None
    platform_version: str | None = None
    platform_family: str | None = None
    cpu_architecture: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    failed_at: datetime | None = None
    """When the task stopped, else when it began to stop, else the event's own time; in UTC."""
    attachment: Attachment | None = None
    container_instance: str | None = None
    storage: int | None = None
    """The task's ephemeral storage in GiB, which Fargate tells."""
    execution_role_override: str | None = None
    task_role_override: str | None = None
    earlier: Earlier | None = None
    """What the incident keeps of an earlier task; it counts only where the same deployment started both."""

    @property
    def on_fargate(self) -> bool:
        """Whether AWS Fargate ran the task: the pull then leaves by the task's own interface.

        Only its tasks have a platform version: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
        """
        told = self.launch_type or ("FARGATE" if self.platform_version else None)
        return told == "FARGATE" or (self.capacity_provider or "").startswith("FARGATE")


@dataclass(frozen=True, slots=True)
class Intake:
    """What one event or one described task says: the failures, or why there is none to diagnose.

    ``not_a_pull_failure`` is one sentence, set exactly when ``failures`` is empty.
    """

    task: Task
    failures: tuple[Failure, ...] = ()
    not_a_pull_failure: str | None = None
