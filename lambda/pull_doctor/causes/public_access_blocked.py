"""VPC Block Public Access stops the way to the internet.

VPC Block Public Access is a setting of the account in a Region, or of the organization, and wins over routes, security
groups, and ACLs. Bidirectional blocking stops what passes internet gateways and egress-only internet gateways, and so
NAT gateways too. Ingress blocking lets NAT gateways and egress-only gateways out, but not a task by its own public IP
address. VPC endpoints are not affected. Nothing answers the connection then, and ECS reports a timeout.

What mends it: an exclusion for the subnets on the way or for the VPC, VPC endpoints in place of the internet, or, where
NAT gateways alone are to lead out, ingress blocking.
https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.neighbours import Needed, leave_subnet, neighbours
from pull_doctor.causes.shared.network.paths import (
    at_steps,
    broken_by,
    failing_hop,
    hop_evidence,
    hosts,
    route_taken,
    silence,
    still_there,
    table_in_use,
    undecided,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import NatGateway, Route, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.public_access import mode_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc

CAUSE = "public-access-blocked"
STEPS: tuple[Step, ...] = ("route", "public-access")


def check(
    *,
    task: Task,
    needed: Needed,
    symptom: Symptom,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    service: Fact[Service | None],
) -> Outcome:
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(STEPS, traces) or Ok(_why_ok(puller, traces))
    hop = failing_hop(CAUSE, broken[0])
    assert hop is not None
    assert hop.resource is not None
    table, uses = table_in_use(task, puller, vpc)
    route = route_taken(broken[0], table)
    others = neighbours(CAUSE, task, needed, symptom, puller, vpc, service)
    by_policy = _managed(vpc) == "declarative-policy"
    managed = " A declarative policy of the organization sets it." if by_policy else ""
    return Problem(
        title="VPC Block Public Access stops the way to the internet",
        explanation=(
            f"{hop.why}, whatever routes and rules say. So nothing reaches {hosts(broken)}.{managed} {silence(symptom)}"
            f"{others.sentence}"
        ),
        culprit=hop.resource,
        evidence=(uses, *hop_evidence(broken), *_passed(broken), *others.evidence(task)),
        fixes=_fixes(task, puller, vpc, route, leave_subnet(task, puller, service, others, "blocked")),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    passed = hop_evidence(at_steps(("public-access",), traces), ("ok",))
    return "; ".join(one.text for one in passed) or (
        f"VPC Block Public Access stops nothing on the paths from {puller.subnet.id}"
    )


def _managed(vpc: Vpc) -> str | None:
    return vpc.block_public_access.value.managed_by if isinstance(vpc.block_public_access, Known) else None


def _passed(broken: tuple[Trace, ...]) -> tuple[Evidence, ...]:
    """The gateways that the way passes, which work."""
    return hop_evidence(at_steps(("route", "nat-gateway", "internet-gateway"), broken), ("ok",))


def _fixes(task: Task, puller: Puller, vpc: Vpc, route: Route, leave: Fix | None) -> tuple[Fix, ...]:
    """An exclusion for the way that the task takes; a narrower mode for all, where that lets it out too.

    Subnets of the service from which the path works come before what changes the whole account.
    """
    place = task.place
    nat = _nat_of(route, vpc)
    outwards = route.target.startswith(("nat-", "eigw-"))
    member, names = ("VpcId", [vpc.id]) if nat and nat.subnet is None else ("SubnetId", _blocked(puller, vpc, nat))
    mode = "allow-egress" if outwards else "allow-bidirectional"
    what = " and ".join(names)
    reached = "" if outwards else ", and is reached from it as far as its security groups allow"
    needed = "; the policy must allow exclusions" if _managed(vpc) == "declarative-policy" else ""
    exclude = Fix(
        f"exclude {what} from VPC Block Public Access{', outwards alone' if outwards else ''}",
        "your-call",
        place.account,
        place.region,
        tuple(
            AwsCommand(
                "ec2", "CreateVpcBlockPublicAccessExclusion", {member: name, "InternetGatewayExclusionMode": mode}
            )
            for name in names
        ),
        None,
        f"everything in {what} reaches the internet{reached}{needed}",
    )
    if leave:
        return exclude, leave
    if not outwards or _managed(vpc) != "account":
        return (exclude,)
    narrower = AwsCommand("ec2", "ModifyVpcBlockPublicAccessOptions", {"InternetGatewayBlockMode": "block-ingress"})
    every = f"every NAT gateway of account {place.account} in {place.region} reaches the internet"
    text = "block what comes in alone, for the whole account"
    return exclude, Fix(text, "your-call", place.account, place.region, (narrower,), None, every)


def _blocked(puller: Puller, vpc: Vpc, nat: NatGateway | None) -> list[str]:
    """The subnets on the way that are blocked outwards: the puller's, and that of the NAT gateway."""
    known = {one.id: one for one in vpc.subnets.value} if isinstance(vpc.subnets, Known) else {}
    far = known.get(nat.subnet) if nat and nat.subnet else None
    open_to_nat = (Known("off"), Known("allow-egress"))
    on_the_way = dict.fromkeys((puller.subnet, *([far] if far else [])))
    return [one.id for one in on_the_way if mode_of(one, puller, vpc) not in open_to_nat]


def _nat_of(route: Route, vpc: Vpc) -> NatGateway | None:
    known = vpc.nat_gateways.value if isinstance(vpc.nat_gateways, Known) else ()
    return next((one for one in known if one.id == route.target), None)
