"""The facts of the host: the container instance that runs the task on EC2, its EC2 instance, and the role of that."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerInstance, Instance
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
    def instance_role(self) -> Fact[str]:
        """The ARN of the role in the instance's profile.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
        """
        instance = self.instance
        if isinstance(instance, Unknown):
            return instance
        named, arn = instance.value.id, instance.value.profile
        if arn is None:
            # A terminated instance has lost its profile, and a wanting one is no cause of this catalogue.
            return Unknown(f"the role of instance {named}", "not-visible", resource=named, detail="it has no profile")
        question = ask.OneInstanceProfile(self.place.account, self.place.region, arn)
        profile = present(self.ask(question), question.fact, arn, "IAM knows no such instance profile")
        if isinstance(profile, Unknown):
            return profile
        if profile.value.role is None:
            return Unknown(question.fact, "not-visible", resource=arn, detail="it holds no role")
        return Known(profile.value.role)
