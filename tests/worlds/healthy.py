"""A healthy account, before its service exists, and what breaking it means.

Four networks: ``endpoints`` (no internet access; ecr.api, ecr.dkr, and the S3 gateway endpoint), ``nat`` (a private
subnet behind a NAT gateway), ``public`` (a subnet behind an internet gateway, with public addresses assigned), and
``ipv6`` (a subnet with IPv6 alone, with DNS64, and NAT64 by the NAT gateway).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.worlds.builder import Builder
from tests.worlds.scheduler import HostType, NetworkMode
from tests.worlds.world import Endpoints, Options, image_of, isolated_network, subnet_with_nat

NAT64 = "64:ff9b::/96"
Base = Literal["endpoints", "nat", "public", "ipv6", "any"]


@dataclass
class Healthy:
    """The parts of a healthy account; a defect may change what the service is then made with.

    ``endpoint_ids`` is by service (``ecr.api``, ``ecr.dkr``, ``s3``). ``container`` and ``definition`` are more members
    of the task definition. ``task_subnet`` is that of the tasks' own interfaces where it is not the puller's. Ids that
    the network does not have are empty.
    """

    builder: Builder
    options: Options
    subnet: str
    table: str
    role: str | None
    image: str
    endpoints: Endpoints
    nat: str = ""
    internet_gateway: str = ""
    endpoint_ids: dict[str, str] = field(default_factory=dict)
    public_ip: bool = False
    task_subnet: str = ""
    container: dict[str, Any] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)

    @property
    def ec2(self) -> Any:
        """The account's EC2."""
        return self.builder.client("ec2")


@dataclass(frozen=True)
class Broken:
    """What a defect did: the ids to blame, what ECS says then, and how to undo it.

    ``neutral_text`` is a text that the defect could cause but that does not prove it; ``None`` where ``text`` is one.
    ``next_text`` makes what ECS says to the next task, where it depends on what was done since; else it is the same.
    """

    culprits: tuple[str, ...]
    text: str
    mend: Callable[[], None]
    neutral_text: str | None = None
    next_text: Callable[[], str] | None = None


@dataclass(frozen=True)
class Defect:
    """One defect: the cause it must be named as, the network it needs, and the function that plants it.

    ``relaunch``: the failed task keeps the defect, only a new one shows it mended. ``text_proves``: ECS's text proves
    the cause, so that it stays named, with ``still: no``, once it is mended. ``certainty`` is what it must reach, and
    ``still`` what is said of it before it is mended: ``unknown`` where no API of AWS shows it.
    ``rests_on`` are the reads without which the cause is not, or not as certainly, named, besides who the caller is
    and which tasks run. With a ``host`` the tasks run on a host of that ``launch_type``, in that network mode; with
    ``instance_role`` they have no execution role, and the instance's pulls. ``platform`` is another version and family
    of Fargate's platform. ``told`` is another cause that the text proves by itself, and that is left once this one is
    mended. ``own_account``: it holds for a whole account, so that its world stands in one of its own.
    """

    cause: str
    breaks: Callable[[Healthy], Broken]
    base: Base = "any"
    image: Literal["ecr", "docker-hub"] = "ecr"
    relaunch: bool = False
    text_proves: bool = False
    certainty: Literal["proven", "likely"] = "proven"
    still: Literal["yes", "unknown"] = "yes"
    rests_on: frozenset[str] = frozenset()
    host: NetworkMode | None = None
    launch_type: HostType = "EC2"
    instance_role: bool = False
    platform: tuple[str, str] | None = None
    told: str | None = None
    own_account: bool = False


def healthy(builder: Builder, options: Options, base: Base, image: Literal["ecr", "docker-hub"]) -> Healthy:
    """The network, the role with AWS's own policy, and the image, all of which a pull needs."""
    parts = _NETWORKS[base](builder, options)
    parts.role = builder.role()
    parts.image = "docker.io/library/nginx:1.27" if image == "docker-hub" else image_of(builder, options)
    return parts


def put_on_a_host(parts: Healthy, defect: Defect) -> None:
    """Let the tasks run on an instance in the subnet, or on premises, as the defect has it.

    Interfaces of the tasks' own stand in a subnet without a way out: the pull leaves by the instance's interface,
    whatever the network mode.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html
    """
    assert defect.host
    if defect.instance_role:
        parts.role = parts.builder.role(of_instance=True)
    instance = "mi-0123456789abcdef0"
    if defect.launch_type != "EXTERNAL":
        role = parts.role if defect.instance_role else None
        instance = parts.builder.add_instance(parts.subnet, role, public_ip=parts.public_ip)
    parts.builder.add_host(instance, defect.host, defect.launch_type)
    if defect.host == "awsvpc":
        parts.task_subnet = parts.builder.subnet("10.0.7.0/24", "c", parts.builder.table())


def _endpoints(builder: Builder, options: Options) -> Healthy:
    subnet, table, endpoints = isolated_network(builder, options)
    builder.s3_endpoint(table)
    found = builder.client("ec2").describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [builder.vpc]}])
    prefix = f"com.amazonaws.{builder.region}."
    ids = {one["ServiceName"].removeprefix(prefix): one["VpcEndpointId"] for one in found["VpcEndpoints"]}
    return Healthy(builder, options, subnet, table, None, "", endpoints, endpoint_ids=ids)


def _nat(builder: Builder, options: Options) -> Healthy:
    builder.network()
    gateway = builder.internet_gateway()
    nat = builder.nat_gateway(gateway)
    subnet, table = subnet_with_nat(builder, options, nat)
    nowhere = Endpoints("", "", "")
    return Healthy(builder, options, subnet, table, None, "", nowhere, nat=nat, internet_gateway=gateway)


def _public(builder: Builder, options: Options) -> Healthy:
    builder.network()
    gateway = builder.internet_gateway()
    table = builder.table(GatewayId=gateway)
    subnet = builder.subnet("10.0.1.0/24", "a", table)
    nowhere = Endpoints("", "", "")
    return Healthy(builder, options, subnet, table, None, "", nowhere, internet_gateway=gateway, public_ip=True)


def _ipv6(builder: Builder, options: Options) -> Healthy:
    builder.network(ipv6=True)
    gateway = builder.internet_gateway()
    nat, table = builder.nat_gateway(gateway), builder.table()
    subnet = builder.ipv6_subnet(0, "b", table, cidr=None, dns64=True)
    builder.route(table, "::/0", EgressOnlyInternetGatewayId=builder.egress_only_gateway())
    builder.route(table, NAT64, NatGatewayId=nat)
    nowhere = Endpoints("", "", "")
    return Healthy(builder, options, subnet, table, None, "", nowhere, nat=nat, internet_gateway=gateway)


_NETWORKS: dict[Base, Callable[[Builder, Options], Healthy]] = {
    "endpoints": _endpoints,
    "nat": _nat,
    "public": _public,
    "ipv6": _ipv6,
    "any": _endpoints,
}
