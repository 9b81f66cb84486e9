"""The facts of the workload: task definition, service, deployments, role, and the tasks that run beside."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import (
    ContainerDefinition,
    Deployment,
    Instance,
    InstanceProfile,
    Service,
    Sibling,
    TaskDefinition,
)
from pull_doctor.intake.task import Earlier, Intake
from pull_doctor.resource import make
from pull_doctor.view.answered import present
from pull_doctor.view.host import Host

DESCRIBED_AT_ONCE = 100
"""How many tasks DescribeTasks takes in one call."""
_ANOTHER_ROLE = Unknown("the role of the instance", "prerequisite", detail="it is not known to be the one that pulls")


class Workload(Host):
    """What ECS says of the failed task's workload."""

    @cached_property
    def task_definition_arn(self) -> Fact[str]:
        """The ARN of the task definition that the task was started from."""
        arn = self.task.task_definition
        if arn is None and self.task.arn is None:
            # Of a service whose tasks ECS cannot start, the newest deployment says what it starts.
            service = self.service
            if isinstance(service, Unknown):
                return service
            deployments = service.value.deployments if service.value else ()
            arn = next((one.task_definition for one in deployments if one.status == "PRIMARY"), None)
        return Known(arn) if arn else Unknown("the task definition", "not-visible", detail="the event names none")

    @cached_property
    def task_definition(self) -> Fact[TaskDefinition]:
        """The task definition that the task was started from."""
        named = self.task_definition_arn
        if isinstance(named, Unknown):
            return named
        arn = named.value
        answer = self.ask(ask.OneTaskDefinition(self.place.account, self.place.region, arn))
        return present(answer, f"task definition {arn.rsplit('/', 1)[-1]}", arn, "it is deleted")

    @cached_property
    def container(self) -> Fact[ContainerDefinition | None]:
        """The failed container's definition; ``None`` if the task definition has none, as for AWS's sidecars."""
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        return Known(next((one for one in definition.value.containers if one.name == self.failure.container), None))

    @cached_property
    def service(self) -> Fact[Service | None]:
        """The service of the task; ``None`` if it has none, or it is deleted."""
        if self.task.service is None:
            return Known(None)
        return self.ask(ask.OneService(self.place.account, self.place.region, self.task.cluster, self.task.service))

    @cached_property
    def tags(self) -> Fact[tuple[tuple[str, str], ...]]:
        """The tags that the settings name: the service's; of a task without a service the task definition's."""
        named = f"service {self.task.service}" if self.task.service else "the task definition"
        tagged: Fact[Service | None] | Fact[TaskDefinition] = (
            self.service if self.task.service else self.task_definition
        )
        if isinstance(tagged, Unknown):
            return tagged
        if tagged.value is None or tagged.value.tags is None:
            why = "they were not asked for" if tagged.value else "it is deleted"
            return Unknown(f"the tags of {named}", "not-visible", detail=why)
        return Known(tagged.value.tags)

    @cached_property
    def deployment(self) -> Fact[Deployment | None]:
        """The deployment or task set that started this task; where ECS does not show it, as an earlier task tells."""
        shown, earlier = self._shown_deployment, self.told_by_earlier
        if earlier is None:
            return shown
        known = shown.value if isinstance(shown, Known) else None
        known = known or Deployment(earlier.started_by, "INACTIVE")
        public = earlier.public_ip if known.assign_public_ip is None else known.assign_public_ip
        return Known(replace(known, groups=known.groups or earlier.groups, assign_public_ip=public))

    @cached_property
    def told_by_earlier(self) -> Earlier | None:
        """The earlier task of the same deployment that tells what ECS does not; ``None`` where ECS does."""
        earlier, shown = self.task.earlier, self._shown_deployment
        if isinstance(shown, Known) and shown.value and shown.value.groups:
            return None
        return earlier if earlier and earlier.started_by == self.task.started_by else None

    @cached_property
    def _shown_deployment(self) -> Fact[Deployment | None]:
        """The deployment or task set that started this task; ``None`` if ECS does not show it (any more).

        Of one that the service does not show any more, its service revision tells the network configuration.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html
        """
        service, started_by = self.service, self.task.started_by
        if isinstance(service, Unknown):
            return service
        started = (*service.value.deployments, *service.value.task_sets) if service.value else ()
        found = next((one for one in started if one.id == started_by), None)
        named = self.task.service
        if found or not (self.task.on_fargate and named and started_by and service.value):
            return Known(found)
        return self.ask(ask.StartedWith(self.place.account, self.place.region, self.task.cluster, named, started_by))

    @cached_property
    def execution_role(self) -> Fact[str | None]:
        """The task execution role: the task's override, else the task definition's.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        """
        if self.task.execution_role_override:
            return Known(make(self.place, "AWS::IAM::Role", self.task.execution_role_override).arn)
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        named = definition.value.execution_role
        return Known(make(self.place, "AWS::IAM::Role", named).arn if named else None)

    @cached_property
    def role(self) -> Fact[str | None]:
        """The role that pulls: the execution role; on EC2, where there is none, the instance's.

        ECS places no task with an execution role on an agent that cannot pull with it.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        """
        return self.instance_role if self._hosts_role_pulls else self.execution_role

    @property
    def _hosts_role_pulls(self) -> bool:
        on_ec2 = self.task.launch_type in ("EC2", None) and not self.task.on_fargate
        return on_ec2 and self.execution_role == Known(None)

    @cached_property
    def pulling_instance(self) -> Fact[Instance]:
        """The instance whose own role pulls."""
        return self.instance if self._hosts_role_pulls else _ANOTHER_ROLE

    @cached_property
    def pulling_profile(self) -> Fact[InstanceProfile | None]:
        """The profile of the instance whose own role pulls; ``None`` as for ``instance_profile``."""
        return self.instance_profile if self._hosts_role_pulls else _ANOTHER_ROLE

    @cached_property
    def siblings(self) -> Fact[tuple[Sibling, ...]]:
        """The running tasks of the same service, or of the same family where there is no service."""
        task, place = self.task, self.place
        if not (task.service or task.family):
            return Unknown("the running tasks of the same workload", "not-visible")
        family = None if task.service else task.family
        running = self.ask(ask.RunningTasks(place.account, place.region, task.cluster, task.service, family))
        if isinstance(running, Unknown):
            return running
        others = tuple(arn for arn in running.value if arn != task.arn)
        parts = [
            self.ask(ask.Siblings(place.account, place.region, task.cluster, others[start : start + DESCRIBED_AT_ONCE]))
            for start in range(0, len(others), DESCRIBED_AT_ONCE)
        ]
        unread = next((part for part in parts if isinstance(part, Unknown)), None)
        return unread or Known(tuple(one for part in parts if isinstance(part, Known) for one in part.value))


def tag_of(intake: Intake, answers: Answers, key: str) -> Fact[str | None]:
    """The value of a tag of the failed task's workload; ``None`` if it has no such tag.

    The intake has a failure. Only tags that the settings name are read: ``Aws.tag_keys``.
    """
    tags = Workload(intake.task, intake.failures[0], answers).tags
    return tags if isinstance(tags, Unknown) else Known(dict(tags.value).get(key))


def task_definition_of(intake: Intake, answers: Answers) -> str | None:
    """The ARN of the task definition that failed, as far as it is known. The intake has a failure."""
    arn = Workload(intake.task, intake.failures[0], answers).task_definition_arn
    return arn.value if isinstance(arn, Known) else None
