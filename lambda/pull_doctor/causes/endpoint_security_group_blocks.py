"""The security group of a VPC endpoint does not let tcp 443 in from the interface that pulls.

With private DNS on, ECR's host names lead to the interface endpoints of the VPC. Their security groups decide who gets
in. A group that was left at the VPC's default admits only its own members, and a working NAT gateway does not help: the
name leads to the endpoint all the same. Nothing answers the connection, and ECS reports a timeout to a private
address.

What mends it: an inbound rule for tcp 443 from the task's security group, on the endpoint's group.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    failing_hop,
    hop_evidence,
    silence,
    spoken_of,
    starts_with,
    still_there,
    undecided,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc

CAUSE = "endpoint-security-group-blocks"
STEPS: tuple[Step, ...] = ("endpoint-security-group",)


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(STEPS, traces) or Ok(_why_ok(traces))
    told = spoken_of(broken, symptom)
    hop = failing_hop(CAUSE, told)
    assert hop is not None
    assert hop.resource is not None
    newest = starts_with(task, service) if puller.kind == "task" else None
    groups = puller.groups.value if isinstance(puller.groups, Known) else ()
    who = f"{puller.private_ip or puller.subnet.cidr}{' or ' + ', '.join(groups) if groups else ''}"
    return Problem(
        title=f"endpoint security group does not let the {puller.kind} in",
        explanation=(
            f"{told.host} leads to {_endpoint_id(told)} by private DNS. {hop.resource.id}, the endpoint's security "
            f"group, has no inbound rule for tcp 443 from {who}. {silence(symptom)}"
        ),
        culprit=hop.resource,
        evidence=(*hop_evidence(broken), *_dns_evidence(broken)),
        fixes=(_fix(task, puller, vpc, _blocking_groups(broken), (newest.groups if newest else ()) or groups),),
        still=still_there(task, puller, service, by_groups=True),
        traces=broken,
    )


def _blocking_groups(broken: tuple[Trace, ...]) -> list[str]:
    """The first security group of each blocking endpoint: a rule in one group of an endpoint is enough."""
    hops = [failing_hop(CAUSE, trace) for trace in broken]
    return list(dict.fromkeys(hop.resource.id for hop in hops if hop and hop.resource))


def _dns_evidence(broken: tuple[Trace, ...]) -> tuple[Evidence, ...]:
    named = [replace(one, hops=one.hops[:1]) for one in broken]
    return hop_evidence(named, ("ok",))


def _why_ok(traces: tuple[Trace, ...]) -> str:
    allowed = [hop.why for trace in traces for hop in trace.hops if hop.step == "endpoint-security-group"]
    return allowed[0] if allowed else "no path of this pull comes to the security group of an endpoint"


def _endpoint_id(trace: Trace) -> str:
    return next(hop.resource.id for hop in trace.hops if hop.resource and hop.resource.type == "AWS::EC2::VPCEndpoint")


def _fix(task: Task, puller: Puller, vpc: Vpc, blocking: list[str], groups: tuple[str, ...]) -> Fix:
    by_range = (
        {"IpRanges": [{"CidrIp": puller.subnet.cidr}]}
        if puller.subnet.cidr
        else {"Ipv6Ranges": [{"CidrIpv6": puller.subnet.ipv6_cidr}]}
    )
    source = {"UserIdGroupPairs": [{"GroupId": groups[0]}]} if groups else by_range
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **source}
    known = vpc.security_groups.value if isinstance(vpc.security_groups, Known) else ()
    admitted = groups[0] if groups else puller.subnet.cidr or puller.subnet.ipv6_cidr
    return Fix(
        f"let {admitted} in on tcp 443",
        "exact",
        task.place.account,
        task.place.region,
        tuple(
            AwsCommand("ec2", "AuthorizeSecurityGroupIngress", {"GroupId": group, "IpPermissions": [rule]})
            for group in blocking
        ),
        next((one.managed_by for one in known if one.id == blocking[0]), None),
        f"everything in {admitted} reaches the interfaces with {' or '.join(blocking)}",
    )
