"""The policy of the ecr.api or ecr.dkr endpoint does not let the pulling role's request pass.

A VPC endpoint can have a policy. It grants nothing, and limits who may do what through the endpoint, whatever the
role's own policies and the repository's allow. The default policy limits nothing. A pull needs
ecr:GetAuthorizationToken on * through ecr.api, and ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository
through ecr.dkr, each for the role that pulls. The connection stands, and ECR answers with a refusal.

What mends it: a statement in the endpoint's policy that allows these actions.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.causes.shared.network.endpoint_policies import Refusal, hangs_on_source, mend, refusals
from pull_doctor.causes.shared.network.paths import hop_evidence, still_there, undecided
from pull_doctor.causes.shared.rights.refusals import asked_by_a_pull
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import Flow, pull_plan
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource

CAUSE = "endpoint-policy-denies"
STEPS: tuple[Step, ...] = ("endpoint-policy", "route", "internet")
"""The policy's own hop, and those behind which an endpoint of another VPC may stand."""
SIGN_IN = "ecr:GetAuthorizationToken"
MANIFEST = "ecr:BatchGetImage"


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    puller: Fact[Puller],
    vpc: Fact[Vpc],
    traces: Fact[tuple[Trace, ...]],
    service: Fact[Service | None],
) -> Outcome:
    told = symptom.denied_by == "endpoint-policy" and asked_by_a_pull(symptom)
    if isinstance(puller, Unknown) or isinstance(vpc, Unknown) or isinstance(traces, Unknown):
        unread = tuple(dict.fromkeys(one for one in (puller, vpc, traces) if isinstance(one, Unknown)))
        return _by_text(task, symptom, image, None, "unknown") if told else Undetermined(unread)
    flows = pull_plan(task, image, symptom, ipv6_only=puller.value.subnet.cidr is None)
    to_ecr = tuple(trace for trace in traces.value if trace.phase != "download")
    spoken_of = next((trace for trace in to_ecr if trace.phase == _way_of(symptom)), None)
    found = refusals(CAUSE, to_ecr, flows, puller.value, vpc.value)
    by_source = hangs_on_source(to_ecr)
    if by_source and not found and (not told or (spoken_of and hangs_on_source((spoken_of,)))):
        return by_source
    if told and all(one.trace is not spoken_of for one in found):
        return _by_text(task, symptom, image, spoken_of, _still(symptom, spoken_of, flows))
    if not found:
        return undecided(STEPS, to_ecr) or Ok(_why_ok(puller.value, vpc.value, to_ecr))
    # What ECS's text speaks of is shown first.
    found = tuple(sorted(found, key=lambda one: not (told and one.trace is spoken_of)))
    first = found[0]
    more = f" and {len(first.actions) - 1} more" if len(first.actions) > 1 else ""
    assert first.hop.resource is not None
    said = (_text_evidence(task, symptom, first.hop.resource),) if told else ()
    shown = tuple(replace(one.trace, phase=_stops(one)) for one in found)
    return Problem(
        title=(
            f"endpoint policy of {_short(first.endpoint.service)} "
            f"{'denies' if first.explicit else 'does not allow'} {first.actions[0]}{more}"
        ),
        explanation=(
            f"The pull calls ECR through {first.endpoint.id}, and an endpoint's policy limits what passes through it, "
            f"whatever the role itself may do. {first.in_words}, so that ECR answers with a refusal."
        ),
        culprit=first.hop.resource,
        evidence=(*said, *hop_evidence(replace(one.trace, hops=(one.hop,)) for one in found)),
        fixes=(mend(found, puller.value, vpc.value),),
        still=still_there(task, puller.value, service),
        text_proves=told and symptom.action in (None, *first.actions),
        inferred=_contradicted(symptom),
        traces=shown,
        phases=(symptom.phase,) if told else tuple(one.phase for one in shown if one.disposition == CAUSE),
    )


def _way_of(symptom: Symptom) -> Phase:
    """The phase whose path the refused request took: all but the sign-in goes to the registry's host."""
    return "sign-in" if symptom.action == SIGN_IN or symptom.phase == "sign-in" else "resolve"


def _stops(one: Refusal) -> Phase:
    """The phase that the refused actions stop: layers are asked for after the manifest, at the same host."""
    late = one.trace.phase == "resolve" and MANIFEST not in one.actions
    return "download" if late else one.trace.phase


def _still(symptom: Symptom, trace: Trace | None, flows: tuple[Flow, ...]) -> Still:
    """Whether the refusal in ECS's text would come again, where no policy was seen to refuse it now."""
    if trace is None:
        return "unknown"
    flow = next(one for one in flows if (one.phase, one.host) == (trace.phase, trace.host))
    policy = [hop for hop in trace.hops if hop.step == "endpoint-policy"]
    if policy and symptom.action in (None, *flow.actions):
        return "no" if policy[0].verdict == "ok" else "unknown"
    return "no" if trace.disposition == "reached" and not policy else "unknown"


def _by_text(task: Task, symptom: Symptom, image: ImageReference, trace: Trace | None, still: Still) -> Problem:
    """The refusal as ECS's text proves it, where what was read does not show it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    region = image.ecr.region if image.ecr else task.place.region
    service = "ecr.api" if _way_of(symptom) == "sign-in" else "ecr.dkr"
    hops = [hop for hop in trace.hops if hop.step == "endpoint-policy"] if trace else []
    # Which endpoint it was is not known: its service names it.
    unnamed = Resource("AWS::EC2::VPCEndpoint", f"com.amazonaws.{region}.{service}")
    culprit = hops[0].resource if hops and hops[0].resource else unnamed
    now = hop_evidence((replace(trace, hops=tuple(hops)),), ("ok", "unknown")) if trace else ()
    action = symptom.action or "a request of the pull"
    allow = Fix(f"allow {action} in the policy of {culprit.id}", "your-call", task.place.account, task.place.region)
    return Problem(
        title=f"endpoint policy of {service} refused {symptom.action or 'the pull'}",
        explanation=(
            f"The pull called ECR through a VPC endpoint for {service}. An endpoint's policy limits what passes "
            f"through it, whatever the role itself may do. ECS's text names that policy as what refused {action}."
        ),
        culprit=culprit,
        evidence=(_text_evidence(task, symptom, culprit), *now),
        fixes=() if still == "no" else (allow,),
        still=still,
        text_proves=True,
        phases=(symptom.phase,),
    )


def _text_evidence(task: Task, symptom: Symptom, endpoint: Resource) -> Evidence:
    who, what = symptom.principal or f"task {task.arn}", symptom.action or "a request"
    why = "a VPC endpoint policy denies it" if symptom.explicit_deny else "no VPC endpoint policy allows it"
    return Evidence(f"ECS's text says that {who} was refused {what}, because {why}", "text", (endpoint,))


def _contradicted(symptom: Symptom) -> tuple[str, ...]:
    if symptom.denied_by in (None, "endpoint-policy"):
        return ()
    layer = symptom.denied_by.replace("-", " ")
    return (f"ECS's text names the {layer} as what refused {symptom.action or 'the request'}",)


def _why_ok(puller: Puller, vpc: Vpc, traces: tuple[Trace, ...]) -> str:
    allowed = [
        hop.why for trace in traces for hop in trace.hops if (hop.step, hop.verdict) == ("endpoint-policy", "ok")
    ]
    return ", and ".join(allowed) or f"no path from {puller.subnet.id} to ECR leads through an endpoint of {vpc.id}"


def _short(service: str) -> str:
    """The end of an endpoint's service name, as AWS's pages name it: ``ecr.dkr``."""
    return ".".join(service.split(".")[-2:])
