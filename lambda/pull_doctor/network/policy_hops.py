"""The hop of an endpoint's policy: what passes through the endpoint, whatever the role may do.

An endpoint without a policy of its own has the default one, which allows everything.
https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
"""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.flows import Flow
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.policy.evaluate import Decision, evaluate
from pull_doctor.policy.request import OF_A_PULL, Caller, Outside, Request, Values, account_of
from pull_doctor.policy.rulings import hangs_on
from pull_doctor.resource import make

SIGNED_BY_ECR = "ECR is taken to sign the request for a layer with an identity of its own, not with the task's role"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the endpoint's policy decides on one action; ``inferred`` where that rests on ``SIGNED_BY_ECR``.

    ``by_source`` are the keys of the request's way on which a refusal hangs, ``request`` is what was judged.
    """

    action: str
    decision: Decision
    inferred: bool = False
    by_source: tuple[str, ...] = ()
    request: Request | None = None

    @property
    def refused(self) -> bool:
        """Whether the policy lets the action not pass."""
        return self.decision.effect in ("deny", "no")


def policy_hops(flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """Judge the endpoint's policy on what the flow asks for; no hop where it asks for nothing that a policy names."""
    judged = judge(flow, endpoint, puller, vpc)
    if not judged:
        return ()
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    if endpoint.policy is None:
        return (Hop("endpoint-policy", item, "ok", f"EC2 shows no policy of {endpoint.id} that limits it"),)
    refused = [one for one in judged if one.refused]
    if refused:
        cause = "s3-endpoint-policy-denies" if flow.service == "s3" else "endpoint-policy-denies"
        if all(one.by_source for one in refused):
            cause = "source-condition-mismatch"
        why, left_out = _refusal(refused, flow, endpoint, puller), [one.decision.why for one in refused]
        details = tuple(dict.fromkeys(one for one in left_out if one))
        return (Hop("endpoint-policy", item, "fail", why, cause=cause, details=details),)
    left_open = [one for one in judged if one.decision.effect == "unknown"]
    if left_open:
        named = _listed(left_open)
        why = f"whether the policy of {endpoint.id} lets {named} pass is open: {left_open[0].decision.why}"
        missing = Unknown(
            f"whether the policy of {endpoint.id} allows {named}",
            "not-modelled",
            resource=endpoint.id,
            detail=left_open[0].decision.why,
        )
        if flow.service != "s3" and isinstance(puller.role, Unknown):
            missing = puller.role
        return (Hop("endpoint-policy", item, "unknown", why, missing=missing),)
    by = ", ".join(dict.fromkeys(one.decision.statement for one in judged if one.decision.statement))
    return (Hop("endpoint-policy", item, "ok", f"the policy of {endpoint.id} allows {_listed(judged)} ({by})"),)


def _refusal(refused: list[Judged], flow: Flow, endpoint: VpcEndpoint, puller: Puller) -> str:
    """Say which statement denies which actions, or that none allows them."""
    role = known_role(puller)
    to = f" to {role}" if role and flow.service != "s3" else ""
    parts = []
    for statement in dict.fromkeys(one.decision.statement for one in refused):
        named = _listed([one for one in refused if one.decision.statement == statement])
        says = f"{statement} of the policy of {endpoint.id} denies" if statement else None
        parts.append(f"{says or f'no statement of the policy of {endpoint.id} allows'} {named} on {flow.resource}{to}")
    return ", and ".join(parts)


def judge(flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> tuple[Judged, ...]:
    """What the endpoint's policy decides on each action of the flow; nothing for an endpoint without one."""
    return tuple(_judge(action, flow, endpoint, puller, vpc) for action in flow.actions)


def _judge(action: str, flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> Judged:
    """Judge one action; whatever passes here comes from this VPC, through this endpoint.

    The bucket with the layers is AWS's own: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    assert flow.resource is not None
    if endpoint.policy is None:
        return Judged(action, Decision("allow"))
    aws_own = Outside(puller.place.account)
    context: dict[str, Values] = {
        "aws:sourcevpc": (vpc.id,),
        "aws:sourcevpce": (endpoint.id,),
        "aws:securetransport": ("true",),
    }
    if flow.region:
        context["aws:requestedregion"] = (flow.region,)
    role = known_role(puller)
    who: list[Caller | Outside | None] = [Caller(role) if role else None]
    if flow.service == "s3":
        context |= dict.fromkeys(("aws:resourceaccount", "s3:resourceaccount", "aws:resourceorgid"), aws_own)
        who = [None, aws_own]
    else:
        context |= {**OF_A_PULL, **_of_the_accounts(flow.resource, puller, vpc)}
    decision = Decision("unknown")
    for inferred, principal in enumerate(who):
        request = Request(action, flow.resource, principal, context)
        decision = evaluate(endpoint.policy, request)
        if decision.effect != "unknown":
            by_source = hangs_on(endpoint.policy, request, decision)
            return Judged(action, decision, bool(inferred), by_source, request)
    return Judged(action, decision)


def _of_the_accounts(resource: str, puller: Puller, vpc: Vpc) -> dict[str, Values]:
    """The keys of the accounts of caller and resource; a sign-in is about the caller's own account."""
    own = puller.place.account
    owner = account_of(resource) or own
    context: dict[str, Values] = {"aws:resourceaccount": (owner,)}
    if isinstance(vpc.organization, Known):
        organization = (vpc.organization.value,) if vpc.organization.value else ()
        context["aws:principalorgid"] = organization
        if owner == own:
            context["aws:resourceorgid"] = organization
    return context


def known_role(puller: Puller) -> str | None:
    """The pulling role, where its ARN is known."""
    role = puller.role.value if isinstance(puller.role, Known) else None
    return role if role and ":role/" in role else None


def _listed(judged: tuple[Judged, ...] | list[Judged]) -> str:
    return " and ".join(one.action for one in judged)
