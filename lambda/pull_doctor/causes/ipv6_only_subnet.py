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

import shlex
from dataclasses import replace

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.neighbours import Needed, Neighbours, leave_subnet, neighbours
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    failing_hop,
    hop_evidence,
    hosts,
    primary,
    still_there,
    undecided,
    usable_nats,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Deployment, RouteTable, Service
from pull_doctor.intake.image_reference import ImageReference, parse_reference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import pull_plan
from pull_doctor.network.follow import follow
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "ipv6-only-subnet"
STEPS: tuple[Step, ...] = ("name", "route", "internet")
_NAT64 = "64:ff9b::/96"
_DUAL_STACK = ("aws", "aws-us-gov")
"""Where ECR's dual-stack names end in on.aws: https://docs.aws.amazon.com/general/latest/gr/ecr.html"""
_ADDED = (
    ".taskDefinitionArn",
    ".revision",
    ".status",
    ".requiresAttributes",
    ".compatibilities",
    ".registeredAt",
    ".registeredBy",
    ".deregisteredAt",
    ".deleteRequestedAt",
)
"""What a task definition has and RegisterTaskDefinition does not take.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html
"""


def check(
    *,
    task: Task,
    symptom: Symptom,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    needed: Needed,
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
    others = neighbours(CAUSE, task, needed, symptom, puller, vpc, service)
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
            f"{lacks}. So no connection can be opened.{others.sentence}"
        ),
        culprit=item,
        evidence=(
            *hop_evidence(broken),
            Evidence(f"{puller.subnet.id} has no IPv4 range, and DNS64 is {dns64} for it", "fact", (item,)),
            *others.evidence(task),
        ),
        fixes=_fixes(task, needed, symptom, puller, vpc, service, others),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _fixes(
    task: Task,
    needed: Needed,
    symptom: Symptom,
    puller: Puller,
    vpc: Vpc,
    service: Fact[Service | None],
    others: Neighbours,
) -> tuple[Fix, ...]:
    """The dual-stack name costs nothing; translation serves every other name too."""
    tables = vpc.route_tables.value if isinstance(vpc.route_tables, Known) else ()
    table = table_of(puller.subnet.id, tables)
    fixes = (
        _dual_stack_name(task, needed, symptom, puller, vpc, service) if isinstance(needed, ImageReference) else None,
        leave_subnet(task, puller, service, others, "IPv6 only"),
        _translation(task, puller, vpc, table) if table else None,
    )
    return tuple(fix for fix in fixes if fix)[:2]


def _dual_stack_name(
    task: Task, image: ImageReference, symptom: Symptom, puller: Puller, vpc: Vpc, service: Fact[Service | None]
) -> Fix | None:
    """The same registry by the name that has IPv6 addresses, unless the pull is shown to have no way by that either.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
    """
    place, registry = task.place, image.ecr
    if registry is None or place.partition not in _DUAL_STACK:
        return None
    family = "dkr-ecr-fips" if "ecr-fips" in registry.host else "dkr-ecr"
    host = f"{registry.account}.{family}.{registry.region}.on.aws"
    renamed = parse_reference(host + image.text[len(registry.host) :])
    assert renamed is not None
    ways = follow(pull_plan(task, renamed, replace(symptom, host=None, address=None), ipv6_only=True), puller, vpc)
    if any(way.disposition not in ("reached", "undetermined") for way in ways):
        return None
    seen = all(way.disposition == "reached" for way in ways)
    return Fix(
        f"name the image {host}/{image.repository} in a new revision of the task definition (by jq)",
        "your-call",
        place.account,
        place.region,
        _renaming(task, registry.host, host, primary(service)),
        None,
        f"every image of {registry.host} in the task definition gets the dual-stack name"
        + ("" if seen else f"; whether {puller.subnet.id} has a way to it by IPv6 is not seen"),
    )


def _renaming(task: Task, old: str, new: str, newest: Deployment | None) -> tuple[AwsCommand | str, ...]:
    """The task definition again, without what AWS adds to it, and with another registry; no other member is touched."""
    if task.task_definition is None or task.family is None:
        return ()
    region = f"--region {shlex.quote(task.place.region)}"
    program = f'.containerDefinitions[].image |= sub("^{old}/"; "{new}/") | del({", ".join(_ADDED)})'
    known = shlex.quote(task.task_definition.rpartition("/")[2])
    deploy = {"cluster": task.cluster, "service": task.service, "taskDefinition": task.family}
    read = f"aws ecs describe-task-definition {region} --task-definition {known} --query taskDefinition --output json"
    return (
        f"{read} | jq {shlex.quote(program)} > task-definition.json",
        f"aws ecs register-task-definition {region} --cli-input-json file://task-definition.json",
        *((AwsCommand("ecs", "UpdateService", deploy),) if newest else ()),
    )


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
