"""Walk every connection of a pull; of the hosts that a phase may use, the one that gets furthest speaks for all."""

from __future__ import annotations

from pull_doctor.network.flows import Flow
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.network.walk import trace


def follow(flows: tuple[Flow, ...], puller: Puller, vpc: Vpc) -> tuple[Trace, ...]:
    """The path of each flow, in their order; a host that only may be used never breaks a path by itself."""
    walked = [(flow, trace(flow, puller, vpc)) for flow in flows]
    alternatives = [pair for pair in walked if pair[0].may]
    best = [
        min((pair for pair in alternatives if pair[0].phase == phase), key=lambda pair: _left_open(pair[1]))
        for phase in dict.fromkeys(flow.phase for flow, _ in alternatives)
    ]
    return tuple(pair[1] for pair in walked if not pair[0].may or pair in best)


def _left_open(one: Trace) -> int:
    """How much stands in the way: nothing, something unread, or a proven break."""
    return {"reached": 0, "undetermined": 1}.get(one.disposition, 2)
