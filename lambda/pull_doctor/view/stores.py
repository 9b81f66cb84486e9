"""The facts of the way to Secrets Manager and Systems Manager, where the task's start reads from them."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.network.flows import store_plan
from pull_doctor.network.trace import Trace
from pull_doctor.view.network import Network


class Stores(Network):
    """What EC2 says of the way from the puller to the stores of secrets and parameters."""

    @cached_property
    def store_traces(self) -> Fact[tuple[Trace, ...]]:
        """The path to every store that the start needs; none where it needs no store, or Fargate reads outside."""
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        ipv6_only = isinstance(self.subnet, Known) and self.subnet.value.cidr is None
        flows = store_plan(self.task, definition.value, self.symptom, ipv6_only=ipv6_only)
        return self.ways(flows) if flows else Known(())
