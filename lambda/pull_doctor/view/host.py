"""The facts of the host: the container instance that runs the task on EC2, its EC2 instance, and the role of that."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerInstance, Instance, InstanceProfile
from pull_doctor.view.answered import Answered, present


class Host(Answered):
    """What ECS, EC2, and IAM say of the machine on which the task was placed; AWS Fargate shows none."""

    @cached_property
    def container_instance(self) -> Fact[ContainerInstance]:
        """The container instance that the task was placed on."""
        arn = self.task.container_instance
        if arn is None:
            return Unknown("the container instance of the task", "not-visible", detail="the event names none")
        question = ask.OneContainerInstance(self.place.account, self.place.region, self.task.cluster, arn)
        return present(self.ask(question), question.fact, arn, "ECS knows no such container instance any more")

    @cached_property
    def instance(self) -> Fact[Instance]:
        """The EC2 instance behind the container instance, a managed one too."""
        found = self.container_instance
        if isinstance(found, Unknown):
            return found
        named = found.value.instance
        if not (named or "").startswith("i-"):
            what, shown = f"the EC2 instance of {found.value.arn}", f"ECS shows {named or 'none'} for it"
            return Unknown(what, "not-visible", resource=found.value.arn, detail=shown)
        assert named is not None
        question = ask.OneInstance(self.place.account, self.place.region, named)
        return present(self.ask(question), question.fact, named, "EC2 knows no such instance any more")

    @cached_property
    def instance_profile(self) -> Fact[InstanceProfile | None]:
        """The profile of the running instance; ``None`` if it has none, or one that IAM does not know."""
        instance = self.instance
        if isinstance(instance, Unknown):
            return instance
        named, state, arn = instance.value.id, instance.value.state, instance.value.profile
        if arn:
            return self.ask(ask.OneInstanceProfile(self.place.account, self.place.region, arn))
        if state != "running":
            # A terminated instance has lost its profile.
            return Unknown(f"the profile of instance {named}", "not-visible", resource=named, detail=f"it is {state}")
        return Known(None)

    @cached_property
    def instance_role(self) -> Fact[str | None]:
        """The ARN of the role in the instance's profile; ``None`` if there is no such profile, or it holds none.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
        """
        profile = self.instance_profile
        if isinstance(profile, Unknown):
            return profile
        return Known(profile.value.role if profile.value else None)
