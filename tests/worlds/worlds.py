"""The worlds: what each builds, what its defect is, and how the defect is mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.emulated.aws import EmulatedAws
from tests.worlds import texts
from tests.worlds.builder import Builder
from tests.worlds.defects import DEFECTS, build_broken
from tests.worlds.world import Options, World, finish, isolated_network, subnet_with_nat

_PULL_WITHOUT_IMAGE = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer"]


def build(aws: EmulatedAws, name: str, **options: Any) -> World:
    """Build the world of this name; raises ``KeyError`` with the names for an unknown one."""
    chosen = Options(**options)
    if name in DEFECTS:
        return build_broken(aws, name, options=chosen)
    if name not in _BUILDERS:
        raise KeyError(f"no world {name}; the worlds are {', '.join(WORLDS)}")
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

    return finish(builder, options, "no-route-to-registry", subnets, (table, subnet), mend)


def _s3_endpoint_missing(builder: Builder, options: Options) -> World:
    subnet, table, _ = isolated_network(builder, options)

    def mend() -> None:
        builder.s3_endpoint(table)

    return finish(builder, options, "s3-endpoint-missing", [subnet], (table,), mend, texts.layers_timeout)


def _endpoint_security_group(builder: Builder, options: Options) -> World:
    elsewhere = "10.0.99.0/24"
    subnet, table, endpoints = isolated_network(builder, options, https_from=elsewhere)
    builder.s3_endpoint(table)

    def mend() -> None:
        builder.allow_https(endpoints.group, builder.task_group)

    def text(image: str) -> str:
        return texts.timeout(image, builder.platform_version, endpoints.api, endpoints.dkr)

    return finish(builder, options, "endpoint-security-group-blocks", [subnet], (endpoints.group,), mend, text)


def _role_without_permission(builder: Builder, options: Options) -> World:
    subnet = subnet_with_nat(builder, options, _network_with_nat(builder))[0]
    role = builder.role(_PULL_WITHOUT_IMAGE)
    name = role.rsplit("/", 1)[-1]

    def mend() -> None:
        builder.grant(name, "pull", [*_PULL_WITHOUT_IMAGE, "ecr:BatchGetImage"])

    return finish(builder, options, "pull-permission-denied", [subnet], (role,), mend, texts.forbidden, role=role)


def _image_tag_missing(builder: Builder, options: Options) -> World:
    subnet = subnet_with_nat(builder, options, _network_with_nat(builder))[0]
    repository = f"team/{builder.workload}"
    owner, region = options.image_account or builder.account, options.image_region
    host = builder.image(repository, ["1.40.0", "1.41.2", "1.41.3", "latest", "1.42.0"], owner, region)

    def mend() -> None:
        ecr = builder.aws.client("ecr", account=owner, region=region)
        near = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "1.42.0"}])["images"][0]
        manifest, digest = near["imageManifest"], near["imageId"]["imageDigest"]
        ecr.put_image(repositoryName=repository, imageTag="v1.42.0", imageManifest=manifest, imageDigest=digest)

    world = finish(
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
            cluster=builder.cluster, service=builder.workload, networkConfiguration={"awsvpcConfiguration": network}
        )

    world = finish(builder, options, "no-public-ip", [subnet], (subnet,), mend)
    world.culprits = (world.launched.interface, subnet)
    return world


def _healthy(builder: Builder, options: Options) -> World:
    def nothing() -> None:
        """There is no defect."""

    return finish(
        builder, options, None, [subnet_with_nat(builder, options, _network_with_nat(builder))[0]], (), nothing
    )


_BUILDERS: dict[str, Callable[[Builder, Options], World]] = {
    "private-subnet-without-route": _private_subnet_without_route,
    "s3-endpoint-missing": _s3_endpoint_missing,
    "endpoint-security-group": _endpoint_security_group,
    "role-without-permission": _role_without_permission,
    "image-tag-missing": _image_tag_missing,
    "public-subnet-without-public-ip": _public_subnet_without_public_ip,
    "healthy": _healthy,
}
WORLDS = (*_BUILDERS, *DEFECTS)
_ON_DOCKER_HUB = {"private-subnet-without-route", "public-subnet-without-public-ip", "healthy"}


def _network_with_nat(builder: Builder) -> str:
    builder.network()
    return builder.nat_gateway(builder.internet_gateway())
