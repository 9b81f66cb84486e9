"""The worlds: what each builds, what its defect is, and how the defect is mended."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.emulated.aws import ACCOUNT, REGION, EmulatedAws
from tests.worlds import texts
from tests.worlds.builder import CLUSTER, Builder, Launch

_PULL_WITHOUT_IMAGE = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer"]


@dataclass(frozen=True)
class Options:
    """How a world may vary, its defect staying the same.

    ``main_table``: the task's subnet has no route table of its own. ``acl_without_replies``: its ACL names what it
    allows, and the implicit deny stops the replies. ``image`` replaces the image: any reference, or ``ecr`` for
    ``team/WORKLOAD:1.42.0`` in ECR. ``by_digest`` asks for that ECR image as ``@sha256:...``. ``image_account`` and
    ``image_region`` move the ECR repository.
    """

    account: str = ACCOUNT
    platform_version: str = "1.4.0"
    main_table: bool = False
    acl_without_replies: bool = False
    image: str | None = None
    by_digest: bool = False
    image_account: str | None = None
    image_region: str = REGION


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
    def denial(self) -> str:
        """AWS's own words for a pull that its role may not make."""
        role, task = self.role.rsplit("/", 1)[-1], self.launched.task.rsplit("/", 1)[-1]
        return texts.denied(self.image, self.account, role, task)

    def relaunch(self) -> None:
        """Let the service's newest deployment start its next task, which fails with the same text."""
        self.launched = self.builder.launch(self.text)

    def add_sibling(self) -> str:
        """A running task of the same deployment and subnet, started after the failure; its ARN."""
        return self.builder.sibling(self.subnet, self.launched.stopped_at)

    def release_interface(self) -> None:
        """Delete the failed task's network interface, as happens some seconds after it stopped."""
        self.builder.client("ec2").delete_network_interface(NetworkInterfaceId=self.launched.interface)


def build(aws: EmulatedAws, name: str, **options: Any) -> World:
    """Build the world of this name; raises ``KeyError`` with the names for an unknown one."""
    if name not in _BUILDERS:
        raise KeyError(f"no world {name}; the worlds are {', '.join(WORLDS)}")
    chosen = Options(**options)
    workload = "orders-web" if name in _ON_DOCKER_HUB else "orders-api"
    world = _BUILDERS[name](Builder(aws, workload, chosen.account, chosen.platform_version), chosen)
    world.name = name
    return world


def _private_subnet_without_route(builder: Builder, options: Options) -> World:
    nat = _network_with_nat(builder)
    neighbour = builder.table(NatGatewayId=nat)
    table = builder.main_table() if options.main_table else builder.table()
    subnet = builder.subnet("10.0.1.0/24", "b", None if options.main_table else table)
    subnets = [subnet, builder.subnet("10.0.2.0/24", "c", neighbour)]

    def mend() -> None:
        if options.main_table:
            builder.client("ec2").associate_route_table(RouteTableId=neighbour, SubnetId=subnet)
        else:
            route = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat}
            builder.client("ec2").create_route(RouteTableId=table, **route)

    return _world(builder, options, "no-route-to-registry", subnets, (table, subnet), mend)


def _s3_endpoint_missing(builder: Builder, options: Options) -> World:
    subnet, table, _ = _isolated_network(builder, options)

    def mend() -> None:
        builder.s3_endpoint(table)

    return _world(builder, options, "s3-endpoint-missing", [subnet], (table,), mend, texts.layers_timeout)


def _endpoint_security_group(builder: Builder, options: Options) -> World:
    elsewhere = "10.0.99.0/24"
    subnet, table, endpoints = _isolated_network(builder, options, https_from=elsewhere)
    builder.s3_endpoint(table)

    def mend() -> None:
        builder.allow_https(endpoints.group, builder.task_group)

    def text(image: str) -> str:
        return texts.timeout(image, builder.platform_version, endpoints.api, endpoints.dkr)

    return _world(builder, options, "endpoint-security-group-blocks", [subnet], (endpoints.group,), mend, text)


def _role_without_permission(builder: Builder, options: Options) -> World:
    subnet = _subnet_with_nat(builder, options)
    role = builder.role(_PULL_WITHOUT_IMAGE)
    name = role.rsplit("/", 1)[-1]

    def mend() -> None:
        builder.grant(name, "pull", [*_PULL_WITHOUT_IMAGE, "ecr:BatchGetImage"])

    return _world(builder, options, "pull-permission-denied", [subnet], (role,), mend, texts.forbidden, role=role)


def _image_tag_missing(builder: Builder, options: Options) -> World:
    subnet = _subnet_with_nat(builder, options)
    repository = f"team/{builder.workload}"
    owner, region = options.image_account or builder.account, options.image_region
    host = builder.image(repository, ["1.40.0", "1.41.2", "1.41.3", "latest", "1.42.0"], owner, region)

    def mend() -> None:
        ecr = builder.aws.client("ecr", account=owner, region=region)
        near = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "1.42.0"}])["images"][0]
        manifest, digest = near["imageManifest"], near["imageId"]["imageDigest"]
        ecr.put_image(repositoryName=repository, imageTag="v1.42.0", imageManifest=manifest, imageDigest=digest)

    world = _world(
        builder, options, "image-not-found", [subnet], (repository,), mend, texts.not_found, image=f"{host}:v1.42.0"
    )
    world.neutral_text = texts.cut_short(world.image)
    return world


def _public_subnet_without_public_ip(builder: Builder, options: Options) -> World:
    builder.network()
    gateway = builder.internet_gateway()
    table = builder.main_table() if options.main_table else builder.table(GatewayId=gateway)
    if options.main_table:
        builder.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnet = builder.subnet("10.0.1.0/24", "a", None if options.main_table else table)

    def mend() -> None:
        network = {"subnets": [subnet], "securityGroups": [builder.task_group], "assignPublicIp": "ENABLED"}
        builder.client("ecs").update_service(
            cluster=CLUSTER, service=builder.workload, networkConfiguration={"awsvpcConfiguration": network}
        )

    world = _world(builder, options, "no-public-ip", [subnet], (subnet,), mend)
    world.culprits = (world.launched.interface, subnet)
    return world


def _healthy(builder: Builder, options: Options) -> World:
    def nothing() -> None:
        """There is no defect."""

    return _world(builder, options, None, [_subnet_with_nat(builder, options)], (), nothing)


_BUILDERS: dict[str, Callable[[Builder, Options], World]] = {
    "private-subnet-without-route": _private_subnet_without_route,
    "s3-endpoint-missing": _s3_endpoint_missing,
    "endpoint-security-group": _endpoint_security_group,
    "role-without-permission": _role_without_permission,
    "image-tag-missing": _image_tag_missing,
    "public-subnet-without-public-ip": _public_subnet_without_public_ip,
    "healthy": _healthy,
}
WORLDS = tuple(_BUILDERS)
_ON_DOCKER_HUB = {"private-subnet-without-route", "public-subnet-without-public-ip", "healthy"}


@dataclass(frozen=True)
class _Endpoints:
    """The endpoints' group, and the addresses of the interfaces of ecr.api and ecr.dkr."""

    group: str
    api: str
    dkr: str


def _network_with_nat(builder: Builder) -> str:
    builder.network()
    return builder.nat_gateway(builder.internet_gateway())


def _subnet_with_nat(builder: Builder, options: Options) -> str:
    """A private subnet whose default route leads to a NAT gateway."""
    nat = _network_with_nat(builder)
    if not options.main_table:
        return builder.subnet("10.0.1.0/24", "b", builder.table(NatGatewayId=nat))
    main = builder.main_table()
    builder.client("ec2").create_route(RouteTableId=main, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    return builder.subnet("10.0.1.0/24", "b", None)


def _isolated_network(
    builder: Builder, options: Options, https_from: str = "10.0.0.0/16"
) -> tuple[str, str, _Endpoints]:
    """A subnet without internet access, its route table, and endpoints for ecr.api and ecr.dkr."""
    builder.network()
    table = builder.main_table() if options.main_table else builder.table()
    subnet = builder.subnet("10.0.1.0/24", "a", None if options.main_table else table)
    group = builder.group("endpoints", https_from)
    addresses = [builder.interface_endpoint(service, subnet, group) for service in ("ecr.api", "ecr.dkr")]
    return subnet, table, _Endpoints(group, *addresses)


def _world(
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
    image = image or _image(builder, options)
    role = role or builder.role()
    builder.service(image, role, subnets, builder.task_group)
    if options.acl_without_replies:
        builder.acl_without_replies(subnets[0])
    said = text(image) if text else texts.timeout(image, builder.platform_version)
    return World(
        cause=cause,
        account=builder.account,
        region=builder.region,
        workload=builder.workload,
        cluster=CLUSTER,
        subnet=subnets[0],
        vpc=builder.vpc,
        role=role,
        image=image,
        text=said,
        culprits=culprits,
        mend=mend,
        builder=builder,
        launched=builder.launch(said),
    )


def _image(builder: Builder, options: Options) -> str:
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
