"""One failure's view of the answers: the facts by name, its own image, puller, and role.

Reading a fact asks the questions behind it: those without an answer yet are gathered in ``open_questions``,
which is how the plan of reads comes about. A fact whose question cannot even be put is unknown for the reason
that the fact before it is.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import (
    ContainerDefinition,
    Deployment,
    EcrLookup,
    EcrTags,
    NetworkInterface,
    Service,
    Sibling,
    Simulated,
    Subnet,
    TaskDefinition,
    VpcEndpoint,
)
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import REFUSALS, Symptom
from pull_doctor.intake.task import Failure, Task
from pull_doctor.network.filters import LINUX_REPLY_PORTS, WINDOWS_REPLY_PORTS
from pull_doctor.network.flows import pull_plan
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.network.walk import trace
from pull_doctor.resource import Place

T = TypeVar("T")

SIGN_IN_ACTIONS = ("ecr:GetAuthorizationToken",)
PULL_ACTIONS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What a pull from ECR needs; BatchCheckLayerAvailability is for pushing.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""

DESCRIBED_AT_ONCE = 100
"""How many tasks DescribeTasks takes in one call."""


class View:
    """The facts that concern one failure of a task, each ``Known`` or ``Unknown``."""

    def __init__(self, task: Task, failure: Failure, answers: Answers) -> None:
        self.task = task
        self.failure = failure
        self.open_questions: dict[ask.Question[Any], None] = {}
        self._answers = answers

    @property
    def place(self) -> Place:
        """Where the task ran."""
        return self.task.place

    @property
    def symptom(self) -> Symptom:
        """What ECS's text says."""
        return self.failure.symptom

    @cached_property
    def image(self) -> Fact[ImageReference]:
        """The image reference, if it is one."""
        if self.failure.reference:
            return Known(self.failure.reference)
        return Unknown(
            f"the image reference of container {self.failure.container}",
            "not-modelled" if self.failure.image else "not-visible",
            detail=f"{self.failure.image!r} is not an image reference" if self.failure.image else None,
        )

    # The workload

    @cached_property
    def task_definition(self) -> Fact[TaskDefinition]:
        """The task definition that the task was started from."""
        arn = self.task.task_definition
        if arn is None:
            return Unknown("the task definition", "not-visible", detail="the event names none")
        answer = self._ask(ask.OneTaskDefinition(self.place.account, self.place.region, arn))
        return _present(answer, f"task definition {arn.rsplit('/', 1)[-1]}", arn, "it is deleted")

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
        return self._ask(ask.OneService(self.place.account, self.place.region, self.task.cluster, self.task.service))

    @cached_property
    def deployment(self) -> Fact[Deployment | None]:
        """The deployment that started this task; ``None`` if the service does not show it (any more)."""
        service = self.service
        if isinstance(service, Unknown):
            return service
        deployments = service.value.deployments if service.value else ()
        return Known(next((one for one in deployments if one.id == self.task.started_by), None))

    @cached_property
    def role(self) -> Fact[str | None]:
        """The role that pulls: the task's override, else the task definition's execution role.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        """
        if self.task.execution_role_override:
            return Known(self.task.execution_role_override)
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        if definition.value.execution_role is None and not self.task.on_fargate:
            return Unknown("the role of the container instance", "not-modelled", resource=self.task.container_instance)
        return Known(definition.value.execution_role)

    @cached_property
    def siblings(self) -> Fact[tuple[Sibling, ...]]:
        """The running tasks of the same service, or of the same family where there is no service."""
        task, place = self.task, self.place
        if not (task.service or task.family):
            return Unknown("the running tasks of the same workload", "not-visible")
        family = None if task.service else task.family
        running = self._ask(ask.RunningTasks(place.account, place.region, task.cluster, task.service, family))
        if isinstance(running, Unknown):
            return running
        others = tuple(arn for arn in running.value if arn != task.arn)
        parts = [
            self._ask(
                ask.Siblings(place.account, place.region, task.cluster, others[start : start + DESCRIBED_AT_ONCE])
            )
            for start in range(0, len(others), DESCRIBED_AT_ONCE)
        ]
        unread = next((part for part in parts if isinstance(part, Unknown)), None)
        return unread or Known(tuple(one for part in parts if isinstance(part, Known) for one in part.value))

    # The network

    @cached_property
    def subnet(self) -> Fact[Subnet]:
        """The subnet of the interface by which the pull leaves."""
        if not self.task.on_fargate:
            return Unknown(
                "the network interface of the container instance",
                "not-modelled",
                resource=self.task.container_instance,
                detail="on EC2 and on premises the host pulls, by its own interface",
            )
        subnet = self.task.attachment.subnet if self.task.attachment else None
        if subnet is None:
            return Unknown("the subnet of the task", "not-visible", detail="the event names no network interface")
        answer = self._ask(ask.OneSubnet(self.place.account, self.place.region, subnet))
        return _present(answer, f"subnet {subnet}", subnet, "EC2 knows no such subnet")

    @cached_property
    def interface(self) -> Fact[NetworkInterface | None]:
        """The task's network interface; ``None`` once it is deleted."""
        interface = self.task.attachment.interface if self.task.attachment else None
        if interface is None:
            return Known(None)
        return self._ask(ask.OneInterface(self.place.account, self.place.region, interface))

    @cached_property
    def puller(self) -> Fact[Puller]:
        """Who opened the connections, from the live interface or the deployment that started the task."""
        groups, public = self._groups(), self._has_public_ip()
        subnet = self.subnet
        if isinstance(subnet, Unknown):
            return subnet
        if subnet.value.cidr is None:
            return Unknown(f"the IPv4 range of {subnet.value.id}", "not-modelled", resource=subnet.value.id)
        live = self.interface.value if isinstance(self.interface, Known) else None
        attachment = self.task.attachment
        windows = (self.task.platform_family or "").upper().startswith("WINDOWS")
        return Known(
            Puller(
                self.place,
                subnet.value,
                groups,
                public,
                interface=attachment.interface if attachment else None,
                private_ip=(attachment.private_ip if attachment else None) or (live.private_ip if live else None),
                public_ip=live.public_ip if live else None,
                reply_ports=WINDOWS_REPLY_PORTS if windows else LINUX_REPLY_PORTS,
            )
        )

    def _groups(self) -> Fact[tuple[str, ...]]:
        if isinstance(self.interface, Known) and self.interface.value and self.interface.value.groups:
            return Known(self.interface.value.groups)
        if isinstance(self.deployment, Known) and self.deployment.value and self.deployment.value.groups:
            return Known(self.deployment.value.groups)
        return self._puller_unknown("the security groups of the pulling interface")

    def _has_public_ip(self) -> Fact[bool]:
        # An interface that is being deleted may have lost the address that the deployment assigns.
        assigned = (
            self.deployment.value.assign_public_ip
            if isinstance(self.deployment, Known) and (self.deployment.value)
            else None
        )
        live = self.interface.value if isinstance(self.interface, Known) else None
        if assigned or (live and live.public_ip):
            return Known(value=True)
        if assigned is False:
            return Known(value=False)
        if live and isinstance(self.deployment, Known):
            return Known(value=False)
        return self._puller_unknown("the public IP address of the pulling interface")

    def _puller_unknown(self, fact: str) -> Unknown:
        for answer in (self.interface, self.deployment):
            if isinstance(answer, Unknown):
                return answer
        interface = self.task.attachment.interface if self.task.attachment else None
        gone = f"{interface} is deleted" if interface else "the event names no network interface"
        return Unknown(
            fact,
            "not-visible",
            "ec2:DescribeNetworkInterfaces",
            interface,
            detail=f"{gone}, and no deployment {self.task.started_by or ''} is shown".replace("  ", " "),
        )

    @cached_property
    def vpc(self) -> Fact[Vpc]:
        """The VPC of the pulling interface, read whole."""
        place = self.place
        s3 = self._ask(ask.S3PrefixList(place.account, place.region))
        subnet = self.subnet
        if isinstance(subnet, Unknown):
            return subnet
        scope = (place.account, place.region, subnet.value.vpc)
        shared = subnet.value.owner not in (None, place.account)
        endpoints = _standing(self._ask(ask.VpcEndpoints(*scope)))
        nat_gateways = self._ask(ask.NatGateways(*scope))
        internet_gateways = self._ask(ask.InternetGateways(*scope))
        if shared:
            # https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
            hidden = f"{subnet.value.id} is shared by account {subnet.value.owner}, which alone sees them"
            endpoints = Unknown(f"the VPC endpoints of {scope[2]}", "not-visible", detail=hidden)
            nat_gateways = Unknown(f"the NAT gateways of {scope[2]}", "not-visible", detail=hidden)
            internet_gateways = Unknown(f"the internet gateways of {scope[2]}", "not-visible", detail=hidden)
        return Known(
            Vpc(
                id=scope[2],
                subnets=self._ask(ask.Subnets(*scope)),
                route_tables=self._ask(ask.RouteTables(*scope)),
                network_acls=self._ask(ask.NetworkAcls(*scope)),
                security_groups=self._ask(ask.SecurityGroups(*scope)),
                endpoints=endpoints,
                endpoint_interfaces=self._ask(ask.EndpointInterfaces(*scope)),
                nat_gateways=nat_gateways,
                internet_gateways=internet_gateways,
                dns_support=self._ask(ask.DnsSupport(*scope)),
                dns_hostnames=self._ask(ask.DnsHostnames(*scope)),
                s3_prefix_list=s3,
            )
        )

    @cached_property
    def traces(self) -> Fact[tuple[Trace, ...]]:
        """The path to every host that this pull needs, in the order of its phases."""
        image, puller, vpc = self.image, self.puller, self.vpc
        for fact in (image, puller, vpc):
            if isinstance(fact, Unknown):
                return fact
        assert isinstance(image, Known)
        if image.value.port not in (None, 443):
            detail = f"its registry listens on port {image.value.port}, and only paths to port 443 are followed"
            return Unknown(f"the path to {image.value.host}", "not-modelled", resource=image.value.host, detail=detail)
        assert isinstance(puller, Known)
        assert isinstance(vpc, Known)
        flows = pull_plan(self.task, image.value, self.symptom)
        return Known(tuple(trace(flow, puller.value, vpc.value) for flow in flows))

    # The image and the rights to it

    @cached_property
    def ecr_image(self) -> Fact[EcrLookup]:
        """What ECR says of the image; unknown for an image that is not in ECR."""
        image = self.image
        if isinstance(image, Unknown):
            return image
        if image.value.ecr is None:
            return Unknown(f"image {image.value.text}", "not-modelled", detail="its registry is not ECR")
        registry, reference = image.value.ecr, image.value
        tag = None if reference.digest else reference.tag
        return self._ask(
            ask.EcrImageOf(
                self.place.account, registry.region, registry.account, reference.repository, tag, reference.digest
            )
        )

    @cached_property
    def ecr_tags(self) -> Fact[EcrTags]:
        """The repository's tags, asked for only once the image is known to be missing."""
        found = self.ecr_image
        if isinstance(found, Unknown):
            return found
        assert isinstance(self.image, Known)
        registry, repository = self.image.value.ecr, self.image.value.repository
        if registry is None or found.value.missing != "image":
            return Unknown(f"the tags of {repository}", "prerequisite", detail="the image is not missing")
        return self._ask(ask.EcrTagsOf(self.place.account, registry.region, registry.account, repository))

    @cached_property
    def sign_in_rights(self) -> Fact[tuple[Simulated, ...] | None]:
        """What the pulling role's policies decide on signing in to ECR; ``None``: no such role."""
        return self._simulation(SIGN_IN_ACTIONS, "*")

    @cached_property
    def pull_rights(self) -> Fact[tuple[Simulated, ...] | None]:
        """What the pulling role's policies decide on reading the image; ``None``: no such role."""
        return self._simulation(PULL_ACTIONS, self.repository_arn or "*")

    @property
    def repository_arn(self) -> str | None:
        """The ARN of the image's ECR repository."""
        reference = self.failure.reference
        if reference is None or reference.ecr is None:
            return None
        registry = reference.ecr
        return f"arn:{registry.partition}:ecr:{registry.region}:{registry.account}:repository/{reference.repository}"

    def _simulation(self, actions: tuple[str, ...], resource: str) -> Fact[tuple[Simulated, ...] | None]:
        role = self.role
        if self.repository_arn is None:
            return Unknown("the role's rights in ECR", "prerequisite", detail="the image is not in ECR")
        if isinstance(role, Unknown):
            return role
        if role.value is None:
            return Unknown("the execution role", "prerequisite", detail="the task definition names none")
        return self._ask(ask.Simulation(self.place.account, self.place.region, role.value, actions, resource))

    @cached_property
    def repository_policy(self) -> Fact[str | None]:
        """The policy of the image's repository; asked for where ECR refused, or the role alone may not pull."""
        reference = self.failure.reference
        if reference is None or reference.ecr is None:
            return Unknown("the repository's policy", "prerequisite", detail="the image is not in ECR")
        if self.symptom.kind not in REFUSALS:
            rights = self.pull_rights
            if isinstance(rights, Unknown):
                return rights
            if all(one.decision == "allowed" for one in rights.value or ()):
                return Unknown("the repository's policy", "prerequisite", detail="the role's own policies suffice")
        registry = reference.ecr
        return self._ask(
            ask.RepositoryPolicy(self.place.account, registry.region, registry.account, reference.repository)
        )

    def _ask(self, question: ask.Question[T]) -> Fact[T]:
        answer = self._answers.get(question)
        if answer is None:
            self.open_questions[question] = None
            return Unknown(
                question.fact, "timed-out", account=question.account, region=question.region, detail="not asked in time"
            )
        return answer


def _standing(endpoints: Fact[tuple[VpcEndpoint, ...]]) -> Fact[tuple[VpcEndpoint, ...]]:
    """The endpoints without those that are deleted: EC2 lists them for a while, and they serve nothing."""
    if isinstance(endpoints, Unknown):
        return endpoints
    return Known(tuple(one for one in endpoints.value if one.state not in ("deleting", "deleted")))


def _present(answer: Fact[T | None], fact: str, resource: str, absence: str) -> Fact[T]:
    if isinstance(answer, Unknown):
        return answer
    if answer.value is None:
        return Unknown(fact, "not-visible", resource=resource, detail=absence)
    return Known(answer.value)
