"""Questions to ECS about the workload."""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.facts import values
from pull_doctor.facts.questions.question import Question


@dataclass(frozen=True, slots=True)
class OneService(Question[values.Service | None]):
    """The service; ``None`` if it does not exist or is inactive. ``cluster`` is its name."""

    cluster: str
    service: str

    @property
    def fact(self) -> str:
        return f"service {self.service} of cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class StartedWith(Question[values.Deployment | None]):
    """The network configuration of a deployment that the service does not show any more, from its service revision.

    ``None`` if ECS knows no such deployment, or it is from before service revisions.
    """

    cluster: str
    service: str
    deployment: str

    @property
    def fact(self) -> str:
        return f"the service revision of deployment {self.deployment} of service {self.service}"


@dataclass(frozen=True, slots=True)
class OneTaskDefinition(Question[values.TaskDefinition | None]):
    """The task definition with this ARN; ``None`` once it is deleted."""

    arn: str

    @property
    def fact(self) -> str:
        return f"task definition {self.arn.rsplit('/', 1)[-1]}"


@dataclass(frozen=True, slots=True)
class RunningTasks(Question[tuple[str, ...]]):
    """The ARNs of the running tasks of a service, or of a family where ``service`` is ``None``."""

    cluster: str
    service: str | None
    family: str | None

    @property
    def fact(self) -> str:
        workload = f"service {self.service}" if self.service else f"family {self.family}"
        return f"the running tasks of {workload} in cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class Siblings(Question[tuple[values.Sibling, ...]]):
    """The described running tasks; at most 100 ARNs, DescribeTasks' own limit."""

    cluster: str
    tasks: tuple[str, ...]

    @property
    def fact(self) -> str:
        return f"{len(self.tasks)} running tasks in cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class OneContainerInstance(Question[values.ContainerInstance | None]):
    """The container instance with this ARN; ``None`` if ECS knows none."""

    cluster: str
    arn: str

    @property
    def fact(self) -> str:
        return f"container instance {self.arn.rsplit('/', 1)[-1]}"
