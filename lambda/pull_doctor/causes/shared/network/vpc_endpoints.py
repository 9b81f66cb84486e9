"""What the causes about VPC endpoints share: sentences that name an endpoint, and the calls that make or open one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Vpc
from pull_doctor.resource import Place, Resource, make

ECR = ("ecr.api", "ecr.dkr")
"""The services of ECR's two interface endpoints."""

STORES = ("secretsmanager", "ssm")
"""The services from which a task's start reads secrets and parameters."""


def of_traces(traces: Iterable[Trace]) -> tuple[str, ...]:
    """The services whose endpoints these paths may come to by private DNS: the stores' before a pull, else ECR's."""
    return STORES if any(trace.phase == "prepare" for trace in traces) else ECR


def endpoint_resource(place: Place, endpoint: VpcEndpoint) -> Resource:
    """The endpoint as a report names it."""
    return make(place, "AWS::EC2::VPCEndpoint", endpoint.id)


def listed(endpoints: Iterable[VpcEndpoint]) -> str:
    """The endpoints by id and service."""
    return " and ".join(f"{one.id} ({one.service})" for one in endpoints)


def endpoint_on(trace: Trace, vpc: Vpc) -> VpcEndpoint | None:
    """The endpoint that the path comes to, also behind what keeps its name from leading there."""
    ids = [hop.resource.id for hop in trace.hops if hop.step == "endpoint" and hop.resource]
    known = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    return next((one for one in known if one.id in ids), None)


def dns_attributes(vpc: Vpc) -> tuple[AwsCommand, ...]:
    """The calls that turn on what private DNS needs and is off; EC2 takes one attribute a call, and refuses it else.

    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    attributes = (("EnableDnsSupport", vpc.dns_support), ("EnableDnsHostnames", vpc.dns_hostnames))
    return tuple(
        AwsCommand("ec2", "ModifyVpcAttribute", {"VpcId": vpc.id, name: {"Value": True}})
        for name, fact in attributes
        if fact == Known(value=False)
    )


def create_interface(vpc: Vpc, service: str, subnets: Sequence[str], groups: Sequence[str]) -> AwsCommand:
    """The call that makes an interface endpoint with private DNS; ``service`` is its full name."""
    return AwsCommand(
        "ec2",
        "CreateVpcEndpoint",
        {
            "VpcId": vpc.id,
            "VpcEndpointType": "Interface",
            "ServiceName": service,
            "SubnetIds": list(subnets),
            "SecurityGroupIds": list(groups),
            "PrivateDnsEnabled": True,
        },
    )


def admits(endpoint: VpcEndpoint, traces: Iterable[Trace]) -> bool:
    """Whether a path of this pull shows that the endpoint's security groups let the puller in."""
    return any(
        {endpoint.id} == {hop.resource.id for hop in trace.hops if hop.step == "endpoint" and hop.resource}
        and any(hop.step == "endpoint-security-group" and hop.verdict == "ok" for hop in trace.hops)
        for trace in traces
    )
