"""A forwarding rule of Route 53 Resolver sends lookups of the registry's name to servers that do not answer it.

A rule that is associated with the VPC takes every lookup of its domain, and of what lies below it, to other name
servers, most often those of a company's own network. The most specific domain decides: a private hosted zone, the
private DNS of an endpoint, or a `SYSTEM` rule for a longer name keeps its lookups in the VPC. A rule for
`amazonaws.com`, or for everything, takes ECR's names with it. What those servers answer cannot be read, so that the
finding is `likely` at most: it rests on ECS's text, which shows a failed lookup, or a private address that serves
nothing.

What mends it: a `SYSTEM` rule for AWS's names, or servers that answer them.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-overview-forward-vpc-to-network-domain-name-matches.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.lookups import no_lookup
from pull_doctor.causes.shared.network.paths import broken_by, hop_evidence, spoken_of, still_there, undecided
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import ResolverRule, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import Flow
from pull_doctor.network.lookups import lies_in
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make

CAUSE = "resolver-rule-misroutes"
RULE = "AWS::Route53Resolver::ResolverRule"


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    if vpc.resolver_rules is None:
        return no_lookup(symptom)
    if isinstance(vpc.resolver_rules, Unknown):
        return Undetermined((vpc.resolver_rules,))
    rules = {rule.id: rule for rule in vpc.resolver_rules.value if rule.kind == "FORWARD"}
    broken, forwarded = broken_by(CAUSE, traces), _forwarded(rules, traces)
    if not (broken or forwarded):
        return undecided(("name",), traces) or Ok(
            f"no lookup of this pull is seen to be forwarded by a rule of {vpc.id}"
        )
    told = spoken_of(broken or forwarded, symptom)
    rule = rules[next(hop.resource.id for hop in told.hops if hop.resource and hop.resource.id in rules)]
    culprit = make(task.place, RULE, rule.id)
    if not broken:
        left_open = _left_open(told, forwarded, symptom, rule)
        if left_open:
            return left_open
    servers = ", ".join(rule.targets)
    result = f"led to {told.address}, where nothing serves it" if told.address else "failed, which is what ECS reports"
    return Problem(
        title="forwarding rule leads lookups of the registry's name elsewhere",
        explanation=(
            f"{rule.id} is associated with {vpc.id} and forwards {_domain(rule)} to {servers}, {told.host} among it. "
            f"The lookup of {told.host} {result}."
        ),
        culprit=culprit,
        evidence=(
            Evidence(f"{rule.id} of {vpc.id} forwards {_domain(rule)} to {servers}", "fact", (culprit,)),
            *((_failed_lookup(told, symptom, vpc, culprit),) if not broken else hop_evidence(broken)),
        ),
        fixes=_fixes(task, vpc, rule, told),
        still=still_there(task, puller, service),
        inferred=(f"what {servers} answer cannot be read, and the answer is taken to be theirs",),
        traces=broken,
        phases=() if broken or symptom.phase == "unknown" else (symptom.phase,),
    )


def _forwarded(rules: dict[str, ResolverRule], traces: tuple[Trace, ...]) -> tuple[Trace, ...]:
    """The traces at whose name sight ends for one of these rules."""
    return tuple(trace for trace in traces if any(hop.resource and hop.resource.id in rules for hop in trace.hops[:1]))


def _left_open(told: Trace, forwarded: tuple[Trace, ...], symptom: Symptom, rule: ResolverRule) -> Outcome | None:
    """Why a rule that forwards the name is not to blame, or may not be: forwarding alone is no defect."""
    if symptom.kind != "dns-failure":
        why = f"{rule.id} forwards {told.host} to {', '.join(rule.targets)}, and what these answer is not visible"
        return Undetermined((Unknown(f"the address of {told.host}", "not-visible", resource=rule.id, detail=why),))
    if symptom.host and all(symptom.host != trace.host for trace in forwarded):
        return Ok(f"{rule.id} does not forward {symptom.host}, whose lookup failed")
    if not Flow(told.phase, told.host).is_public and not told.host.endswith((".amazonaws.com", ".on.aws")):
        why = f"{told.host} may be a name that nobody has, whichever servers {rule.id} leads to"
        return Undetermined((Unknown(f"whether {told.host} exists", "not-visible", resource=rule.id, detail=why),))
    return None


def _failed_lookup(told: Trace, symptom: Symptom, vpc: Vpc, item: Resource) -> Evidence:
    asked = f" on {symptom.resolver}" if symptom.resolver else ""
    return Evidence(f"ECS's text shows that the lookup of {told.host}{asked} failed in {vpc.id}", "text", (item,))


def _domain(rule: ResolverRule) -> str:
    return f"{rule.domain} and what lies below it" if rule.domain else "every name"


def _fixes(task: Task, vpc: Vpc, rule: ResolverRule, told: Trace) -> tuple[Fix, ...]:
    place = task.place
    # AWS's names of a Region have one domain, below which the pull's other hosts lie too.
    labels = told.host.split(".")
    after_region = ".".join(labels[labels.index(place.region) :]) if place.region in labels else told.host
    domain = after_region if lies_in(after_region, rule.domain) and after_region != rule.domain else told.host
    kept = {"CreatorRequestId": f"pull-doctor-{domain}"[:255], "RuleType": "SYSTEM", "DomainName": domain}
    return (
        Fix(
            f"keep lookups of {domain} in the VPC by a rule of its own",
            "fill-in",
            place.account,
            place.region,
            (
                AwsCommand("route53resolver", "CreateResolverRule", kept),
                AwsCommand(
                    "route53resolver", "AssociateResolverRule", {"ResolverRuleId": "<new-rule-id>", "VPCId": vpc.id}
                ),
            ),
            effect=f"{vpc.id} resolves {domain} and what lies below it itself",
        ),
        Fix(
            f"take {rule.id} off the VPC",
            "your-call",
            place.account,
            place.region,
            (AwsCommand("route53resolver", "DisassociateResolverRule", {"VPCId": vpc.id, "ResolverRuleId": rule.id}),),
            effect=f"nothing in {vpc.id} resolves {_domain(rule)} at {', '.join(rule.targets)} any more",
        ),
    )
