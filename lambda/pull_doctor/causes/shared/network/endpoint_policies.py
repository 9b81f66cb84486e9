"""What both causes of endpoint policies share: which requests are refused, and the smallest change of the policy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pull_doctor.causes.outcome import AwsCommand, Fix, NotApplicable
from pull_doctor.causes.shared.network.paths import failing_hop
from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.flows import Flow
from pull_doctor.network.policy_hops import Judged, judge, known_role
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.policy.document import name_of, statements_of

SOURCE = "source-condition-mismatch"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A trace that ends at an endpoint's policy: the hop, and the actions that do not pass."""

    trace: Trace
    hop: Hop
    flow: Flow
    endpoint: VpcEndpoint
    refused: tuple[Judged, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """The refused actions."""
        return tuple(one.action for one in self.refused)

    @property
    def explicit(self) -> bool:
        """Whether a statement denies one, rather than none allowing it."""
        return any(one.decision.effect == "deny" for one in self.refused)

    @property
    def in_words(self) -> str:
        """One sentence on what the policy does not let pass, without the full stop."""
        actions, denies = " and ".join(self.actions), [one.decision.statement for one in self.refused]
        by = " and ".join(dict.fromkeys(one for one in denies if one))
        if by:
            return f"Its {by} refuses {actions}, and a deny wins over every allow"
        return f"None of its statements allows {actions} for this request"


def refusals(
    cause: str, traces: Sequence[Trace], flows: Sequence[Flow], puller: Puller, vpc: Vpc
) -> tuple[Refusal, ...]:
    """What endpoint policies refuse of this pull, in the order of its phases."""
    found = []
    for trace in traces:
        hop = failing_hop(cause, trace)
        if hop is None:
            continue
        # A judged policy proves that the endpoints were read, and the flow is the one that was walked.
        assert hop.resource is not None
        assert isinstance(vpc.endpoints, Known)
        flow = next(one for one in flows if (one.phase, one.host) == (trace.phase, trace.host))
        endpoint = next(one for one in vpc.endpoints.value if one.id == hop.resource.id)
        refused = tuple(one for one in judge(flow, endpoint, puller, vpc) if one.refused)
        found.append(Refusal(trace, hop, flow, endpoint, refused))
    return tuple(found)


def hangs_on_source(traces: Sequence[Trace]) -> NotApplicable | None:
    """The outcome where a policy refuses only for the endpoint or VPC that it names, which has a cause of its own."""
    hop = next((hop for trace in traces if (hop := failing_hop(SOURCE, trace))), None)
    if hop is None or hop.resource is None:
        return None
    return NotApplicable(f"what the policy of {hop.resource.id} refuses is told as {SOURCE}")


def mend(found: Sequence[Refusal], puller: Puller, vpc: Vpc) -> Fix:
    """The one fix for every endpoint whose policy refuses a request of the pull."""
    commands, texts, exact = [], [], True
    for one in found:
        document, taken_out = _amended(one, puller, vpc)
        after = judge(one.flow, replace(one.endpoint, policy=document), puller, vpc)
        exact = exact and not taken_out and all(each.decision.effect == "allow" for each in after)
        texts.append(
            f"take {' and '.join(taken_out)} out of the policy of {one.endpoint.id}, or let it spare this pull"
            if taken_out
            else f"allow {' and '.join(one.actions)} in the policy of {one.endpoint.id}"
        )
        change = {"VpcEndpointId": one.endpoint.id, "PolicyDocument": document}
        commands.append(AwsCommand("ec2", "ModifyVpcEndpoint", change))
    return Fix(
        ", and ".join(texts),
        "exact" if exact else "your-call",
        puller.place.account,
        puller.place.region,
        tuple(commands),
        next((one.endpoint.managed_by for one in found if one.endpoint.managed_by), None),
        "whatever uses the endpoint meets the changed policy; a change can take some minutes to take effect",
    )


def _amended(found: Refusal, puller: Puller, vpc: Vpc) -> tuple[str, tuple[str, ...]]:
    """The policy without the statements that deny the request, which are named, and with one that allows it."""
    assert found.endpoint.policy is not None
    policy = json.loads(found.endpoint.policy)
    statements = list(statements_of(found.endpoint.policy))
    names = [name_of(statements, number + 1) for number in range(len(statements))]
    taken_out: list[str] = []
    while True:
        document = _written(policy | {"Statement": statements})
        judged = judge(found.flow, replace(found.endpoint, policy=document), puller, vpc)
        denial = next((one.decision for one in judged if one.decision.effect == "deny"), None)
        if denial is None:
            break
        del statements[denial.number - 1]
        taken_out.append(names.pop(denial.number - 1))
    if refused := [one.action for one in judged if one.refused]:
        document = _written(policy | {"Statement": [*statements, _allow(refused, found.flow, puller)]})
    return document, tuple(taken_out)


def _written(policy: dict[str, Any]) -> str:
    return json.dumps(policy, separators=(",", ":"))


def _allow(actions: list[str], flow: Flow, puller: Puller) -> dict[str, Any]:
    role = known_role(puller)
    return {
        "Effect": "Allow",
        "Principal": {"AWS": role} if role and flow.service != "s3" else "*",
        "Action": actions if len(actions) > 1 else actions[0],
        "Resource": flow.resource,
    }
