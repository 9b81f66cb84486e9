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
from ipaddress import ip_address

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.neighbours import Neighbours, leave_subnet, neighbours
from pull_doctor.causes.shared.network.paths import (
    Model,
    attached_egress_only,
    broken_by,
    failing_hop,
    hop_evidence,
    hosts,
    route_command,
    silence,
    still_there,
    table_in_use,
    target_member,
    undecided,
    usable_nats,
)
from pull_doctor.causes.shared.network.vpc_endpoints import create_interface, dns_attributes
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import RouteTable, Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.addresses import IPV6, is_nat64, networks_of
from pull_doctor.network.endpoints import of_service, s3_gateways
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
    others = neighbours(CAUSE, task, image, symptom, puller, vpc, service)
    routes = failing_hop(CAUSE, broken[0])
    shown = "; ".join(routes.details) if routes else ""
    count = f"{len(table.routes)} route{'s' if len(table.routes) != 1 else ''}"
    holds = Evidence(f"{table.id} holds {count}: {shown}", "fact", (item,))
    return Problem(
        title="subnet has no route to the registry",
        explanation=(
            f"{uses.text}, which has no route that reaches {hosts(broken)}. {_no_endpoint(image, vpc)}"
            f"{silence(symptom)}{others.sentence}"
        ),
        culprit=item,
        evidence=(uses, *hop_evidence(broken), holds, *others.evidence(task)),
        fixes=_fixes(task, image, puller, vpc, table, service, others, broken),
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


def _fixes(
    task: Task,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    table: RouteTable,
    service: Fact[Service | None],
    others: Neighbours,
    broken: tuple[Trace, ...],
) -> tuple[Fix, ...]:
    leave = leave_subnet(task, puller, service, others)
    inside = next((one.address for one in broken if one.address and not ip_address(one.address).is_global), None)
    if inside:
        return (_to_private_address(task, table, inside), *((leave,) if leave else ()))
    if puller.subnet.cidr is None or any(_is_ipv6(one) for one in broken):
        return (_over_ipv6(task, vpc, table), *((leave,) if leave else ()))
    way = _neighbours_way(task, puller, table, others.model) if others.model else _own_nat(task, puller, vpc, table)
    ways = [*([way] if way else []), *_endpoints(task, image, puller, vpc, table)]
    if way is None:
        ways.append(_new_nat(task, table))
    return (ways[0], *((leave,) if leave else ()), *ways[1:])


def _is_ipv6(one: Trace) -> bool:
    return (
        one.address is not None and ip_address(one.address).version == IPV6 and not is_nat64(networks_of([one.address]))
    )


def _to_private_address(task: Task, table: RouteTable, address: str) -> Fix:
    """The way to an address that no gateway to the internet leads to: most often that of a central endpoint."""
    return Fix(
        f"route {address} to the network that has it",
        "fill-in",
        task.place.account,
        task.place.region,
        (route_command("CreateRoute", table, f"<range-that-has-{address}>", TransitGatewayId="<transit-gateway-id>"),),
        table.managed_by,
        f"every subnet that uses {table.id} reaches that network",
    )


def _neighbours_way(task: Task, puller: Puller, table: RouteTable, model: Model) -> Fix:
    """The route table of a subnet from which the path works, or its route where the subnet has a table of its own."""
    subnet, gateway = puller.subnet.id, model.route.target
    if subnet not in table.subnets:
        return Fix(
            "give the subnet the route table that its neighbours use",
            "your-call",
            task.place.account,
            task.place.region,
            (AwsCommand("ec2", "AssociateRouteTable", {"RouteTableId": model.table.id, "SubnetId": subnet}),),
            model.table.managed_by,
            f"everything in {subnet} reaches the internet through {gateway}",
        )
    target = {target_member(gateway): gateway}
    return Fix(
        f"route the subnet's internet traffic through {gateway}, as in {model.subnet}",
        "your-call",
        task.place.account,
        task.place.region,
        (route_command("CreateRoute", table, model.route.destination, **target),),
        table.managed_by,
        f"every subnet that uses {table.id} reaches the internet through {gateway}",
        "NAT gateway data processing, by the gigabyte" if gateway.startswith("nat-") else None,
    )


def _own_nat(task: Task, puller: Puller, vpc: Vpc, table: RouteTable) -> Fix | None:
    usable = usable_nats(puller, vpc)
    if not usable:
        return None
    return Fix(
        "route the subnet's internet traffic through the VPC's NAT gateway",
        "your-call",
        task.place.account,
        task.place.region,
        (route_command("CreateRoute", table, "0.0.0.0/0", NatGatewayId=usable[0].id),),
        table.managed_by,
        f"every subnet that uses {table.id} reaches the internet through {usable[0].id}",
        "NAT gateway data processing, by the gigabyte",
    )


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


def _over_ipv6(task: Task, vpc: Vpc, table: RouteTable) -> Fix:
    """The way out of a subnet that has IPv6 alone."""
    place, gateway = task.place, attached_egress_only(vpc)
    make_one = AwsCommand("ec2", "CreateEgressOnlyInternetGateway", {"VpcId": vpc.id})
    target = {"EgressOnlyInternetGatewayId": gateway or "<egress-only-gateway-id>"}
    return Fix(
        f"route the subnet's IPv6 traffic through {gateway or 'an egress-only internet gateway'}",
        "your-call" if gateway else "fill-in",
        place.account,
        place.region,
        (*(() if gateway else (make_one,)), route_command("CreateRoute", table, "::/0", **target)),
        table.managed_by,
        f"every subnet that uses {table.id} reaches the internet over IPv6, and is not reached from it",
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
