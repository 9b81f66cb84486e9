"""The subnet has no usable route, and no endpoint, to a host that the pull needs.

A task on Fargate pulls its image by its own network interface. For each host of the pull (the registry, for ECR
also its API and Amazon S3, which keeps the layers) that interface needs a way: a VPC endpoint that serves the
host's name, or a route to the internet through a NAT gateway or an internet gateway. A subnet that has no route
table of its own uses the main one of its VPC, which often reaches nothing but the VPC. Nothing answers the
connection then, and ECS reports a timeout some minutes later.

What mends it: a default route through a NAT gateway; for images in ECR also the endpoints ecr.api, ecr.dkr, and S3;
or other subnets for the service.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from collections.abc import Iterator

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.paths import (
    broken_by,
    failing_hop,
    hop_evidence,
    hosts,
    leave_subnet,
    primary,
    silence,
    still_there,
    table_in_use,
    undecided,
    usable_nats,
)
from pull_doctor.causes.shared.vpc_endpoints import create_interface, dns_attributes
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import RouteTable, Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import of_service, s3_gateways
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Place, make

CAUSE = "no-route-to-registry"
ENDPOINT_SERVICES = {"aws": "com.amazonaws", "aws-us-gov": "com.amazonaws", "aws-cn": "cn.com.amazonaws"}
"""How the names of ECR's endpoint services begin, in the partitions where that is known."""
STEPS: tuple[Step, ...] = ("route", "nat-gateway", "internet")


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    service: Fact[Service | None],
) -> Outcome:
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(STEPS, traces) or Ok(_why_ok(puller, traces))
    table, uses = table_in_use(task, puller, vpc)
    item = make(task.place, "AWS::EC2::RouteTable", table.id)
    neighbours = _working_neighbours(puller, vpc, service)
    explanation = (
        f"{uses.text}, which has no route that reaches {hosts(broken)}. {_no_endpoint(image, vpc)}{silence(symptom)}"
    )
    if neighbours:
        subnet, _, gateway = neighbours[0]
        explanation += f" {subnet}, which the service uses too, has a default route to {gateway}."
    routes = failing_hop(CAUSE, broken[0])
    shown = "; ".join(routes.details) if routes else ""
    count = f"{len(table.routes)} route{'s' if len(table.routes) != 1 else ''}"
    evidence = (uses, *hop_evidence(broken), Evidence(f"{table.id} holds {count}: {shown}", "fact", (item,)))
    return Problem(
        title="subnet has no route to the registry",
        explanation=explanation,
        culprit=item,
        evidence=evidence,
        fixes=_fixes(task, image, puller, vpc, table, service, neighbours),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _no_endpoint(image: ImageReference, vpc: Vpc) -> str:
    """That no endpoint serves the name, where endpoints could: AWS's names alone have them."""
    return f"No endpoint of {vpc.id} serves that name. " if image.ecr and isinstance(vpc.endpoints, Known) else ""


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    reached = [trace for trace in traces if trace.disposition == "reached"]
    if reached:
        return f"{puller.subnet.id} has a way to {' and '.join(trace.host for trace in reached)}"
    # Another cause ends every path: what was seen of the ways is said, and no more.
    ways = [hop.why for trace in traces for hop in trace.hops if hop.step in ("name", "route") and hop.verdict == "ok"]
    return ways[-1] if ways else f"no path from {puller.subnet.id} ends for want of a route"


def _working_neighbours(puller: Puller, vpc: Vpc, service: Fact[Service | None]) -> list[tuple[str, RouteTable, str]]:
    """Other subnets of the service with an active default route through a NAT gateway: (subnet, table, gateway)."""
    newest = primary(service)
    found = []
    for subnet in newest.subnets if newest else ():
        table = table_of(subnet, vpc.route_tables.value) if isinstance(vpc.route_tables, Known) else None
        gateway = _default_nat(table, puller, vpc) if table else None
        if table and gateway and subnet != puller.subnet.id:
            found.append((subnet, table, gateway))
    return found


def _default_nat(table: RouteTable, puller: Puller, vpc: Vpc) -> str | None:
    usable = {nat.id for nat in usable_nats(puller, vpc)}
    return next(
        (
            route.target
            for route in table.routes
            if route.destination == "0.0.0.0/0" and route.state == "active" and route.target in usable
        ),
        None,
    )


def _fixes(
    task: Task,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    table: RouteTable,
    service: Fact[Service | None],
    neighbours: list[tuple[str, RouteTable, str]],
) -> tuple[Fix, ...]:
    place, subnet = task.place, puller.subnet.id
    fixes: list[Fix] = []
    if neighbours:
        _, model, gateway = neighbours[0]
        associate = AwsCommand("ec2", "AssociateRouteTable", {"RouteTableId": model.id, "SubnetId": subnet})
        if subnet not in table.subnets:
            fixes.append(
                Fix(
                    "give the subnet the route table that its neighbours use",
                    "your-call",
                    place.account,
                    place.region,
                    (associate,),
                    model.managed_by,
                    f"everything in {subnet} reaches the internet through {gateway}",
                )
            )
    usable = usable_nats(puller, vpc)
    if not fixes and usable:
        route = {"RouteTableId": table.id, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": usable[0].id}
        fixes.append(
            Fix(
                "route the subnet's internet traffic through the VPC's NAT gateway",
                "your-call",
                place.account,
                place.region,
                (AwsCommand("ec2", "CreateRoute", route),),
                table.managed_by,
                f"every subnet that uses {table.id} reaches the internet through {usable[0].id}",
                "NAT gateway data processing, by the gigabyte",
            )
        )
    ways = [*fixes, *_endpoints(task, image, puller, vpc, table)]
    if not fixes:
        ways.append(_new_nat(task, table))
    leave = leave_subnet(task, puller, service)
    return (ways[0], *((leave,) if leave else ()), *ways[1:])


def _endpoints(task: Task, image: ImageReference, puller: Puller, vpc: Vpc, table: RouteTable) -> Iterator[Fix]:
    """The private way out, where ECR's endpoints can serve the image."""
    place = task.place
    if image.ecr and image.ecr.region == place.region and place.partition in ENDPOINT_SERVICES:
        commands = tuple(_endpoint_commands(place, image.ecr.host, puller, vpc, table))
        interfaces = sum(one.parameters.get("VpcEndpointType") == "Interface" for one in commands)
        yield Fix(
            "give the VPC endpoints for ECR and Amazon S3",
            "fill-in" if interfaces else "your-call",
            place.account,
            place.region,
            commands,
            table.managed_by,
            f"{vpc.id} reaches ECR in {place.region} through the endpoints",
            "interface endpoints, by the hour and Availability Zone; the gateway endpoint is free"
            if interfaces
            else "none",
        )


def _new_nat(task: Task, table: RouteTable) -> Fix:
    place = task.place
    route = {"RouteTableId": table.id, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "<nat-gateway-id>"}
    return Fix(
        "route the subnet's internet traffic through a NAT gateway in a public subnet",
        "fill-in",
        place.account,
        place.region,
        (AwsCommand("ec2", "CreateRoute", route),),
        table.managed_by,
        f"every subnet that uses {table.id} reaches the internet",
        "a NAT gateway, by the hour and by the gigabyte",
    )


def _endpoint_commands(place: Place, host: str, puller: Puller, vpc: Vpc, table: RouteTable) -> Iterator[AwsCommand]:
    yield from dns_attributes(vpc)
    registry = "ecr-fips.dkr" if "ecr-fips" in host else "ecr.dkr"
    lacking = [name for name, kind in (("ecr.api", "ecr.api"), (registry, "ecr.dkr")) if not of_service(vpc, kind)]
    for service in lacking:
        name = f"{ENDPOINT_SERVICES[place.partition]}.{place.region}.{service}"
        yield create_interface(vpc, name, [puller.subnet.id], ["<group-that-lets-443-in-from-the-task>"])
    gateways = s3_gateways(vpc.endpoints.value, place.region, place) if isinstance(vpc.endpoints, Known) else ()
    if not any(table.id in gateway.route_tables for gateway in gateways):
        gateway = {
            "VpcId": vpc.id,
            "VpcEndpointType": "Gateway",
            "ServiceName": f"com.amazonaws.{place.region}.s3",
            "RouteTableIds": [table.id],
        }
        yield AwsCommand("ec2", "CreateVpcEndpoint", gateway)
