"""A world: one account around one ECS service, whose task failed to pull; and how a world may vary."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.emulated.aws import ACCOUNT, REGION
from tests.worlds import texts
from tests.worlds.builder import Builder
from tests.worlds.scheduler import Launch


@dataclass(frozen=True)
class Options:
    """How a world may vary, its defect staying the same.

    ``main_table``: the task's subnet has no route table of its own. ``acl_without_replies``: its ACL names what it
    allows, and the implicit deny stops the replies. ``image`` replaces the image: any reference, or ``ecr`` for
    ``team/WORKLOAD:1.42.0`` in ECR. ``by_digest`` asks for that ECR image as ``@sha256:...``. ``image_account`` and
    ``image_region`` move the ECR repository. ``alone``: no other world stands beside it, so that one that holds for a
    whole account can have this one.
    """

    account: str = ACCOUNT
    platform_version: str = "1.4.0"
    main_table: bool = False
    acl_without_replies: bool = False
    image: str | None = None
    by_digest: bool = False
    image_account: str | None = None
    image_region: str = REGION
    alone: bool = False


@dataclass
class World:
    """One account with one defect; ``culprits`` are the ids or ARNs of the resources to blame.

    ``event`` is the STOPPED event, ``events`` has the DEPROVISIONING one before it. ``mend`` removes the defect.
    ``neutral_text`` is a text that the defect could cause but that does not prove it; ``None`` where ``text`` is one.
    """

    cause: str | None
    account: str
    region: str
    workload: str
    cluster: str
    subnet: str
    vpc: str
    role: str
    image: str
    text: str
    culprits: tuple[str, ...]
    mend: Callable[[], None]
    builder: Builder = field(repr=False)
    launched: Launch = field(repr=False)
    neutral_text: str | None = None
    next_text: Callable[[], str] | None = None
    name: str = ""

    @property
    def events(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The failed task's events, DEPROVISIONING and STOPPED."""
        return self.launched.events

    @property
    def event(self) -> dict[str, Any]:
        """The STOPPED event."""
        return self.launched.events[1]

    def saying(self, text: str) -> dict[str, Any]:
        """The STOPPED event with another text of ECS."""
        event = copy.deepcopy(self.event)
        event["detail"]["stoppedReason"] = text
        event["detail"]["containers"][0]["reason"] = text
        return event

    @property
    def service_action(self) -> dict[str, Any]:
        """What ECS says of the service where it cannot even start its task; there is no task then."""
        members = ("version", "id", "source", "account", "time", "region")
        return {name: self.event[name] for name in members} | {
            "detail-type": "ECS Service Action",
            "resources": [self.builder.service_arn],
            "detail": {
                "eventType": "ERROR",
                "eventName": "SERVICE_TASK_CONFIGURATION_FAILURE",
                "clusterArn": self.event["detail"]["clusterArn"],
                "createdAt": self.event["time"],
                "reason": self.text,
            },
        }

    @property
    def denial(self) -> str:
        """AWS's own words for a pull that its role may not make."""
        role, task = self.role.rsplit("/", 1)[-1], self.launched.task.rsplit("/", 1)[-1]
        return texts.denied(self.image, self.account, role, task)

    def relaunch(self) -> None:
        """Let the service's newest deployment start its next task, which fails with the same text, or ``next_text``."""
        self.launched = self.builder.launch(self.next_text() if self.next_text else self.text)

    def add_sibling(self) -> str:
        """A running task of the same deployment and subnet, started after the failure; its ARN."""
        return self.builder.start(self.subnet, self._after_the_failure())

    def add_old_task(self) -> str:
        """A running task of the newest deployment, started two hours ago; its ARN."""
        return self.builder.start(self.subnet, datetime.now(UTC) - timedelta(hours=2))

    def fail_again(self, tasks: int) -> list[dict[str, Any]]:
        """Let more tasks fail as the last one did; their events, DEPROVISIONING and STOPPED of each in turn."""
        return self.builder.fail_again(self.launched, tasks)

    def deploy(self, image: str | None = None) -> str:
        """Deploy a new revision of the task definition, the same or with another image; no task of it runs yet."""
        return self.builder.deploy(image)

    def recover(self) -> str:
        """Let a task of the newest deployment start and run, which completes the deployment; its ARN."""
        task = self.builder.start(None, self._after_the_failure())
        self.builder.settle()
        return task

    def roll_back(self) -> None:
        """Give the service back the deployment before ``deploy``, whose tasks went on running."""
        self.builder.roll_back()

    def scale_to_zero(self) -> None:
        """Let the service want no task any more."""
        self.builder.scale_to_zero()

    def delete_service(self) -> None:
        """Delete the service, with its tasks."""
        self.builder.client("ecs").delete_service(cluster=self.cluster, service=self.workload, force=True)

    @property
    def steady_state(self) -> dict[str, Any]:
        """What ECS says of a service that runs as many tasks as it wants; it repeats that every six hours."""
        cluster, now = self.event["detail"]["clusterArn"], datetime.now(UTC).isoformat()
        return self.builder.service_event(
            "ECS Service Action", "SERVICE_STEADY_STATE", clusterArn=cluster, createdAt=now
        )

    @property
    def deployment_completed(self) -> dict[str, Any]:
        """What ECS says when the service's newest deployment is done."""
        deployment, now = self.builder.deployment()["id"], datetime.now(UTC).isoformat()
        return self.builder.service_event(
            "ECS Deployment State Change",
            "SERVICE_DEPLOYMENT_COMPLETED",
            deploymentId=deployment,
            updatedAt=now,
            reason=f"ECS deployment {deployment} completed.",
        )

    def neighbour(self, cluster: str = "prod") -> World:
        """Another service with this one's subnet, image, and role, whose task fails with the same text."""
        builder = self.builder.beside(cluster)
        builder.service(self.image, self.role, [self.subnet], builder.task_group)
        return launched_world(
            builder, self.cause, self.subnet, self.culprits, self.mend, self.text, image=self.image, role=self.role
        )

    def tag(self, key: str, value: str) -> None:
        """Tag the service."""
        tags = [{"key": key, "value": value}]
        self.builder.client("ecs").tag_resource(resourceArn=self.builder.service_arn, tags=tags)

    def untag(self, key: str) -> None:
        """Take a tag off the service."""
        self.builder.client("ecs").untag_resource(resourceArn=self.builder.service_arn, tagKeys=[key])

    def _after_the_failure(self) -> datetime:
        return max(self.launched.stopped_at + timedelta(milliseconds=1), datetime.now(UTC))

    def release_interface(self) -> None:
        """Delete the failed task's network interface, as happens some seconds after it stopped."""
        self.builder.client("ec2").delete_network_interface(NetworkInterfaceId=self.launched.interface)


@dataclass(frozen=True)
class Endpoints:
    """The endpoints' group, and the addresses of the interfaces of ecr.api and ecr.dkr."""

    group: str
    api: str
    dkr: str


def subnet_with_nat(builder: Builder, options: Options, nat: str) -> tuple[str, str]:
    """A private subnet whose default route leads to a NAT gateway, and its route table."""
    if not options.main_table:
        table = builder.table(NatGatewayId=nat)
        return builder.subnet("10.0.1.0/24", "b", table), table
    table = builder.main_table()
    builder.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    return builder.subnet("10.0.1.0/24", "b", None), table


def isolated_network(builder: Builder, options: Options, https_from: str = "10.0.0.0/16") -> tuple[str, str, Endpoints]:
    """A subnet without internet access, its route table, and endpoints for ecr.api and ecr.dkr."""
    builder.network()
    table = builder.main_table() if options.main_table else builder.table()
    subnet = builder.subnet("10.0.1.0/24", "a", None if options.main_table else table)
    group = builder.group("endpoints", https_from)
    addresses = [builder.interface_endpoint(service, subnet, group) for service in ("ecr.api", "ecr.dkr")]
    return subnet, table, Endpoints(group, *addresses)


def finish(
    builder: Builder,
    options: Options,
    cause: str | None,
    subnets: list[str],
    culprits: tuple[str, ...],
    mend: Callable[[], None],
    text: Callable[[str], str] | None = None,
    *,
    image: str | None = None,
    role: str | None = None,
) -> World:
    """The rest of a world, the same for all: image, role, service, and the task that failed in the first subnet."""
    image = image or image_of(builder, options)
    role = role or builder.role()
    builder.service(image, role, subnets, builder.task_group)
    if options.acl_without_replies:
        builder.acl_without_replies(subnets[0])
    said = text(image) if text else texts.timeout(image, builder.platform_version)
    return launched_world(builder, cause, subnets[0], culprits, mend, said, image=image, role=role)


def launched_world(
    builder: Builder,
    cause: str | None,
    subnet: str,
    culprits: tuple[str, ...],
    mend: Callable[[], None],
    said: str,
    *,
    image: str,
    role: str,
) -> World:
    """The world whose service stands, with its task started and failed with a text."""
    return World(
        cause=cause,
        account=builder.account,
        region=builder.region,
        workload=builder.workload,
        cluster=builder.cluster,
        subnet=subnet,
        vpc=builder.vpc,
        role=role,
        image=image,
        text=said,
        culprits=culprits,
        mend=mend,
        builder=builder,
        launched=builder.launch(said),
    )


def image_of(builder: Builder, options: Options) -> str:
    """The image that the world's service asks for; its ECR repository is made where it is one of ECR's."""
    image = options.image
    if not image:
        moved = options.by_digest or options.image_account
        image = "ecr" if moved or builder.workload.startswith("orders-api") else "docker.io/library/nginx:1.27"
    if image != "ecr":
        return image
    owner, repository = options.image_account or builder.account, f"team/{builder.workload}"
    host = builder.image(repository, ["1.41.3", "1.42.0"], owner, options.image_region)
    if not options.by_digest:
        return f"{host}:1.42.0"
    ecr = builder.aws.client("ecr", account=owner, region=options.image_region)
    found = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "1.42.0"}])["imageDetails"][0]
    return f"{host}@{found['imageDigest']}"
