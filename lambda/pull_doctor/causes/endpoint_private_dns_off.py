"""An endpoint for ECR is there, its private DNS is off, and nothing else leads ECR's names to it.

An interface endpoint has names of its own, and takes over the service's public name only with private DNS on. The name
of an image cannot carry an endpoint's own name, so that without private DNS the pull goes to ECR's public addresses. In
a subnet without internet access nothing answers there. A private hosted zone of the VPC can stand in for private DNS:
where one leads the name to an endpoint, private DNS is not at fault.

What mends it: private DNS on. The VPC's DNS support and DNS hostnames must be on for it.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    hop_evidence,
    hosts,
    silence,
    still_there,
    table_in_use,
    undecided,
)
from pull_doctor.causes.shared.network.vpc_endpoints import dns_attributes, endpoint_resource, listed, of_traces
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import covers, of_service
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc

CAUSE = "endpoint-private-dns-off"
STEPS: tuple[Step, ...] = ("name", "route", "internet")


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    if isinstance(vpc.endpoints, Unknown):
        return Undetermined((vpc.endpoints,))
    broken = broken_by(CAUSE, traces)
    off = tuple(one for one in of_service(vpc, *of_traces(traces)) if not one.private_dns)
    if not off:
        return Ok(f"{vpc.id} has no endpoint for ECR with private DNS off")
    if not broken:
        to_ecr = tuple(trace for trace in traces if trace.phase != "download")
        ids = ", ".join(one.id for one in off)
        return undecided(STEPS, to_ecr) or Ok(f"no path of this pull fails for the private DNS of {ids}, which is off")
    needed = tuple(one for one in off if any(covers(one, trace.host, task.place) for trace in broken))
    endpoint = needed[0]
    culprit = endpoint_resource(task.place, endpoint)
    table, uses = table_in_use(task, puller, vpc)
    return Problem(
        title="private DNS of the ECR endpoint is off",
        explanation=(
            f"{listed(needed)} would serve {hosts(broken)}, but private DNS is off there, and no hosted zone "
            f"stands in for it, so that the name resolves to public addresses. {puller.subnet.id} uses {table.id}, "
            f"which has no route to them. {silence(symptom)}"
        ),
        culprit=culprit,
        evidence=(
            *(
                Evidence(f"{one.id} has PrivateDnsEnabled=false", "fact", (endpoint_resource(task.place, one),))
                for one in needed
            ),
            uses,
            *hop_evidence(broken),
        ),
        fixes=(
            Fix(
                f"turn on private DNS of {' and '.join(one.id for one in needed)}",
                "exact",
                task.place.account,
                task.place.region,
                (
                    *dns_attributes(vpc),
                    *(
                        AwsCommand("ec2", "ModifyVpcEndpoint", {"VpcEndpointId": one.id, "PrivateDnsEnabled": True})
                        for one in needed
                    ),
                ),
                endpoint.managed_by,
                f"ECR's names lead to {' and '.join(one.id for one in needed)} everywhere in {vpc.id}",
            ),
        ),
        still=still_there(task, puller, service),
        traces=broken,
    )
