"""Who opened the connections of the pull, and from where.

On Fargate the task pulls by its own interface. On EC2 and on Managed Instances the machine pulls, by its primary
interface, whatever the task's network mode. Outside AWS nothing of the network can be read.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Instance, NetworkInterface, Subnet
from pull_doctor.intake.task import Earlier, Intake
from pull_doctor.network.filters import LINUX_REPLY_PORTS, WINDOWS_REPLY_PORTS
from pull_doctor.network.vpc import Puller
from pull_doctor.view.answered import present
from pull_doctor.view.workload import Workload


class Pulling(Workload):
    """What ECS and EC2 say of the interface that pulls."""

    @cached_property
    def subnet(self) -> Fact[Subnet]:
        """The subnet of the interface by which the pull leaves."""
        if not self.task.on_fargate:
            return self._instance_subnet()
        subnet = self.task.attachment.subnet if self.task.attachment else None
        if subnet is None:
            return Unknown("the subnet of the task", "not-visible", detail="the event names no network interface")
        answer = self.ask(ask.OneSubnet(self.place.account, self.place.region, subnet))
        return present(answer, f"subnet {subnet}", subnet, "EC2 knows no such subnet")

    @cached_property
    def vpc_id(self) -> Fact[str]:
        """The VPC of the interface by which the pull leaves."""
        if not self.task.on_fargate:
            placed = self._placed
            return placed if isinstance(placed, Unknown) else Known(placed.value.vpc or "")
        return self.subnet if isinstance(self.subnet, Unknown) else Known(self.subnet.value.vpc)

    @cached_property
    def interface(self) -> Fact[NetworkInterface | None]:
        """The task's own network interface; ``None`` once it is deleted. On EC2 no pull leaves by it."""
        interface = self.task.attachment.interface if self.task.attachment and self.task.on_fargate else None
        if interface is None:
            return Known(None)
        return self.ask(ask.OneInterface(self.place.account, self.place.region, interface))

    @cached_property
    def puller(self) -> Fact[Puller]:
        """Who opened the connections: the task, as its live interface or its deployment tells, or the instance."""
        return self._by_the_task() if self.task.on_fargate else self._by_the_instance()

    @property
    def _placed(self) -> Fact[Instance]:
        """The instance that pulls, as long as it has its network interface."""
        if self.task.launch_type == "EXTERNAL":
            machine = self.task.container_instance
            what = f"the network of container instance {(machine or '-').rsplit('/', 1)[-1]}"
            return Unknown(what, "not-visible", resource=machine, detail="it is outside AWS, with ECS Anywhere")
        instance = self.instance
        if isinstance(instance, Unknown) or (instance.value.vpc and instance.value.subnet):
            return instance
        named, state = instance.value.id, instance.value.state
        return Unknown(f"the network interface of {named}", "not-visible", resource=named, detail=f"it is {state}")

    def _instance_subnet(self) -> Fact[Subnet]:
        """The instance's subnet, found among those of its VPC, which are read anyway."""
        placed = self._placed
        if isinstance(placed, Unknown):
            return placed
        named, vpc = placed.value.subnet or "", placed.value.vpc or ""
        subnets = self.ask(ask.Subnets(self.place.account, self.place.region, vpc))
        if isinstance(subnets, Unknown):
            return subnets
        found = next((one for one in subnets.value if one.id == named), None)
        return present(Known(found), f"subnet {named}", named, f"it is not among the subnets of {vpc}")

    def _by_the_instance(self) -> Fact[Puller]:
        placed, subnet, role = self._placed, self.subnet, self.role
        if isinstance(placed, Unknown):
            return placed
        if isinstance(subnet, Unknown):
            return subnet
        instance = placed.value
        public: Fact[bool] = Known(instance.public_ip is not None)
        if instance.public_ip is None and instance.state not in ("pending", "running"):
            # An instance that is stopped has given its public address back.
            what = f"the public IP address of instance {instance.id}"
            public = Unknown(what, "not-visible", resource=instance.id, detail=f"it is {instance.state} now")
        return Known(
            Puller(
                self.place,
                subnet.value,
                Known(instance.groups),
                public,
                kind="instance",
                instance=instance.id,
                interface=instance.interface,
                private_ip=instance.private_ip,
                public_ip=instance.public_ip,
                ipv6=Known(instance.ipv6),
                reply_ports=self._reply_ports(),
                role=role,
            )
        )

    def _by_the_task(self) -> Fact[Puller]:
        groups, public, role = self._groups(), self._has_public_ip(), self.role
        subnet = self.subnet
        if isinstance(subnet, Unknown):
            return subnet
        live = self.interface.value if isinstance(self.interface, Known) else None
        attachment = self.task.attachment
        return Known(
            Puller(
                self.place,
                subnet.value,
                groups,
                public,
                interface=attachment.interface if attachment else None,
                private_ip=(attachment.private_ip if attachment else None) or (live.private_ip if live else None),
                public_ip=live.public_ip if live else None,
                ipv6=self._ipv6(subnet.value),
                reply_ports=self._reply_ports(),
                role=role,
            )
        )

    def _reply_ports(self) -> tuple[int, int]:
        """The ports to which replies come back, by the operating system."""
        written = [self.task.platform_family or ""]
        if not self.task.on_fargate and isinstance(self.container_instance, Known):
            written += [value for name, value in self.container_instance.value.attributes if name == "ecs.os-type"]
        windows = any(one.upper().startswith("WINDOWS") for one in written)
        return WINDOWS_REPLY_PORTS if windows else LINUX_REPLY_PORTS

    def _groups(self) -> Fact[tuple[str, ...]]:
        if isinstance(self.interface, Known) and self.interface.value and self.interface.value.groups:
            return Known(self.interface.value.groups)
        if isinstance(self.deployment, Known) and self.deployment.value and self.deployment.value.groups:
            return Known(self.deployment.value.groups)
        return self._gone("the security groups of the pulling interface")

    @property
    def seen(self) -> Earlier | None:
        """What this task's own interface and deployment tell later tasks of the same deployment."""
        task, live = self.task, self.interface.value if isinstance(self.interface, Known) else None
        if not (task.arn and task.service and task.started_by and task.on_fargate):
            return None
        shown = self._shown_deployment.value if isinstance(self._shown_deployment, Known) else None
        groups = (live.groups if live else ()) or (shown.groups if shown else ())
        public = shown.assign_public_ip if shown else None
        if public is None and live and live.public_ip:
            public = True
        return Earlier(task.arn, task.started_by, groups, public) if groups or public is not None else None

    def _has_public_ip(self) -> Fact[bool]:
        # An interface that is being deleted may have lost the address that the deployment assigns.
        started = self.deployment.value if isinstance(self.deployment, Known) else None
        assigned = started.assign_public_ip if started else None
        live = self.interface.value if isinstance(self.interface, Known) else None
        if assigned or (live and live.public_ip):
            return Known(value=True)
        if assigned is False:
            return Known(value=False)
        if live and isinstance(self._shown_deployment, Known):
            return Known(value=False)
        return self._gone("the public IP address of the pulling interface")

    def _ipv6(self, subnet: Subnet) -> Fact[tuple[str, ...]]:
        if isinstance(self.interface, Known) and self.interface.value:
            return Known(self.interface.value.ipv6)
        return self._gone("the IPv6 addresses of the pulling interface") if subnet.ipv6_cidr else Known(())

    def _gone(self, fact: str) -> Unknown:
        """Why neither the interface nor what started the task tells a fact."""
        for answer in (self.interface, self._shown_deployment):
            if isinstance(answer, Unknown):
                return answer
        interface = self.task.attachment.interface if self.task.attachment else None
        gone = f"{interface} is deleted" if interface else "the event names no network interface"
        started_by = f"deployment {self.task.started_by}" if self.task.started_by else "deployment"
        shown = isinstance(self._shown_deployment, Known) and self._shown_deployment.value
        detail = f"{gone}, and {started_by} names none" if shown else f"{gone}, and no {started_by} is shown"
        return Unknown(fact, "not-visible", "ec2:DescribeNetworkInterfaces", interface, detail=detail)


def seen_of(intake: Intake, answers: Answers) -> Earlier | None:
    """What the facts of this task tell later tasks of the same deployment. The intake has a failure."""
    return Pulling(intake.task, intake.failures[0], answers).seen
