"""The policy of the endpoint for Amazon S3 does not let ECR's layers pass.

ECR keeps image layers in a bucket of AWS's own, prod-REGION-starport-layer-bucket, and hands out signed addresses in
it. Where the subnet reaches S3 through a VPC endpoint, the endpoint's policy decides about these requests too. A policy
that lists the reader's own buckets, or that asks for a bucket or a caller of the reader's own account, leaves them out:
bucket and signature are AWS's. Sign-in and manifest work, and every layer is answered with 403.

What mends it: a statement that allows s3:GetObject on that bucket to everybody.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.causes.outcome import Ok, Outcome, Problem
from pull_doctor.causes.shared.network.endpoint_policies import Refusal, hangs_on_source, mend, refusals
from pull_doctor.causes.shared.network.paths import hop_evidence, still_there, undecided
from pull_doctor.facts.fact import Fact
from pull_doctor.facts.values import Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import pull_plan
from pull_doctor.network.policy_hops import SIGNED_BY_ECR
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc

CAUSE = "s3-endpoint-policy-denies"
STEPS: tuple[Step, ...] = ("endpoint-policy", "route", "internet")
"""The policy's own hop, and those behind which an endpoint may stand."""


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
    to_s3 = tuple(trace for trace in traces if trace.phase == "download")
    flows = pull_plan(task, image, symptom, ipv6_only=puller.subnet.cidr is None)
    found = refusals(CAUSE, to_s3, flows, puller, vpc)
    if not found:
        return hangs_on_source(to_s3) or undecided(STEPS, to_s3) or Ok(_why_ok(puller, vpc, to_s3))
    first = found[0]
    assert first.hop.resource is not None
    return Problem(
        title=f"S3 endpoint policy {'denies' if first.explicit else 'does not allow'} ECR's layer bucket",
        explanation=(
            f"ECR keeps the layers of {image.repository} in a bucket of AWS's own, and {puller.subnet.id} reaches "
            f"Amazon S3 through {first.endpoint.id}, whose policy decides on every layer. {first.in_words}. "
            "Sign-in and manifest do not pass there, so that they work while the layers are refused."
        ),
        culprit=first.hop.resource,
        evidence=(*hop_evidence(_only("endpoint-policy", found)), *hop_evidence(_only("route", found), ("ok",))),
        fixes=(mend(found, puller, vpc),),
        still=still_there(task, puller, service),
        inferred=(SIGNED_BY_ECR,) if any(one.inferred for one in first.refused) else (),
        traces=tuple(one.trace for one in found),
    )


def _only(step: Step, found: tuple[Refusal, ...]) -> list[Trace]:
    """The traces with the hops of one step alone."""
    return [replace(one.trace, hops=tuple(hop for hop in one.trace.hops if hop.step == step)) for one in found]


def _why_ok(puller: Puller, vpc: Vpc, traces: tuple[Trace, ...]) -> str:
    allowed = [
        hop.why for trace in traces for hop in trace.hops if (hop.step, hop.verdict) == ("endpoint-policy", "ok")
    ]
    return allowed[0] if allowed else f"no path from {puller.subnet.id} to S3 leads through an endpoint of {vpc.id}"
