"""The subnet has IPv6 alone, and the registry's name has IPv4 addresses alone.

ECR's classic names (<account>.dkr.ecr.<region>.amazonaws.com, and the API's and the layers' names that go with it)
have no IPv6 address. A task in an IPv6-only subnet reaches them in one way: with DNS64, the VPC's resolver makes up an
IPv6 address in 64:ff9b::/96, and a route of the subnet leads that range to a NAT gateway, which translates it. Without
either of the two the connection has no way, and the pull ends in a timeout or in "network is unreachable".

What mends it: the registry's dual-stack name (<account>.dkr-ecr.<region>.on.aws) in the task definition, DNS64 with a
route to a NAT gateway, or subnets with IPv4.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem
from pull_doctor.causes.shared.paths import (
    broken_by,
    failing_hop,
    hop_evidence,
    hosts,
    still_there,
    undecided,
    usable_nats,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import RouteTable, Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.task import Task
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "ipv6-only-subnet"
STEPS: tuple[Step, ...] = ("name", "route", "internet")
_NAT64 = "64:ff9b::/96"
_DUAL_STACK = ("aws", "aws-us-gov")
"""Where ECR's dual-stack names end in on.aws: https://docs.aws.amazon.com/general/latest/gr/ecr.html"""


def check(
    *,
    task: Task,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    service: Fact[Service | None],
) -> Outcome:
    if puller.subnet.cidr is not None:
        return NotApplicable(f"{puller.subnet.id} has IPv4 addresses ({puller.subnet.cidr})")
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(STEPS, traces) or Ok(f"no path from {puller.subnet.id} ends for want of IPv4")
    hop = failing_hop(CAUSE, broken[0])
    assert hop is not None
    item = make(task.place, "AWS::EC2::Subnet", puller.subnet.id)
    dns64 = "on" if puller.subnet.dns64 else "off"
    lacks = (
        f"DNS64 is on for {puller.subnet.id}, and {hop.why}"
        if hop.step == "route"
        else f"DNS64 is {dns64} for {puller.subnet.id}, so that no IPv6 address stands in for these"
    )
    return Problem(
        title="subnet is IPv6 only, and the registry's name has IPv4 alone",
        explanation=(
            f"{puller.subnet.id} is IPv6 only. The pull needs {hosts(broken)}, for which AWS has IPv4 addresses alone. "
            f"{lacks}. So no connection can be opened."
        ),
        culprit=item,
        evidence=(
            *hop_evidence(broken),
            Evidence(f"{puller.subnet.id} has no IPv4 range, and DNS64 is {dns64} for it", "fact", (item,)),
        ),
        fixes=tuple(_fixes(task, image, puller, vpc)),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _fixes(task: Task, image: ImageReference, puller: Puller, vpc: Vpc) -> list[Fix]:
    """The dual-stack name costs nothing; translation serves every other name too."""
    place = task.place
    fixes = []
    if image.ecr and place.partition in _DUAL_STACK:
        family = "dkr-ecr-fips" if "ecr-fips" in image.ecr.host else "dkr-ecr"
        name = f"{image.ecr.account}.{family}.{image.ecr.region}.on.aws"
        fixes.append(
            Fix(
                f"name the image {name}/{image.repository} in the task definition",
                "your-call",
                place.account,
                place.region,
                effect=f"the pull of {image.repository} then needs a route for ::/0, or dual-stack endpoints",
            )
        )
    tables = vpc.route_tables.value if isinstance(vpc.route_tables, Known) else ()
    table = table_of(puller.subnet.id, tables)
    return [*fixes, *([_translation(task, puller, vpc, table)] if table else [])]


def _translation(task: Task, puller: Puller, vpc: Vpc, table: RouteTable) -> Fix:
    """DNS64 where it is off, and the route to a NAT gateway where there is none."""
    commands = []
    if not puller.subnet.dns64:
        dns64 = {"SubnetId": puller.subnet.id, "EnableDns64": {"Value": True}}
        commands.append(AwsCommand("ec2", "ModifySubnetAttribute", dns64))
    nats = usable_nats(puller, vpc)
    nat = nats[0].id if nats else "<nat-gateway-id>"
    led = [route for route in table.routes if route.destination == _NAT64]
    if not any(route.target.startswith("nat-") and route.state == "active" for route in led):
        route = {"RouteTableId": table.id, "DestinationIpv6CidrBlock": _NAT64, "NatGatewayId": nat}
        commands.append(AwsCommand("ec2", "ReplaceRoute" if led else "CreateRoute", route))
    return Fix(
        f"translate IPv6 to IPv4 for {puller.subnet.id}: DNS64, and a route for {_NAT64} to a NAT gateway",
        "fill-in" if "<" in str(commands) else "your-call",
        task.place.account,
        task.place.region,
        tuple(commands),
        table.managed_by,
        f"everything in {puller.subnet.id} reaches IPv4 addresses by a NAT gateway",
        "NAT gateway data processing, by the gigabyte",
    )
