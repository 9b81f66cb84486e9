"""The route leads to an internet gateway, and the interface that pulls has no public address.

An internet gateway carries only traffic of interfaces that have a public IP address. A Fargate task gets one only if
its network configuration says assignPublicIp=ENABLED; the default is DISABLED, and the subnet's own setting
(MapPublicIpOnLaunch) does not count. Without the address the packets leave and no answer comes back: ECS
reports a timeout.

What mends it: assignPublicIp=ENABLED for the service or the run-task call, or subnets whose default route is a
NAT gateway.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Still
from pull_doctor.causes.shared.paths import (
    broken_by,
    hop_evidence,
    hosts,
    primary,
    silence,
    still_there,
    table_in_use,
    undecided,
    update_network,
)
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Deployment, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "no-public-ip"
STEPS: tuple[Step, ...] = ("route", "public-address")


def check(
    *,
    task: Task,
    symptom: Symptom,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    deployment: Fact[Deployment | None],
    service: Fact[Service | None],
) -> Outcome:
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(STEPS, traces) or Ok(_why_ok(puller, traces))
    interface = make(task.place, "AWS::EC2::NetworkInterface", puller.interface) if puller.interface else None
    culprit = interface or make(task.place, "AWS::EC2::Subnet", puller.subnet.id)
    configured = deployment.value if isinstance(deployment, Known) else None
    evidence = [*hop_evidence(broken), table_in_use(task, puller, vpc)[1]]
    route = next(hop for hop in broken[0].hops if hop.step == "route")
    evidence.append(Evidence(route.why, "fact", (route.resource,) if route.resource else ()))
    sends = route.why.partition(",")[0]
    inferred: tuple[str, ...] = ()
    if configured and configured.assign_public_ip is False:
        culprit = make(task.place, "AWS::ECS::Service", f"{task.cluster}/{task.service}")
        text = f"deployment {configured.id} of service {task.service} has assignPublicIp=DISABLED"
        evidence.append(Evidence(text, "fact", (culprit,)))
    else:
        inferred = (f"{puller.interface} was read after the task had failed, and no deployment tells its setting",)
    return Problem(
        title="task has no public IP address behind an internet gateway",
        explanation=(
            f"{sends}, an internet gateway, which carries only traffic of interfaces with a public IP address. "
            f"The task's interface in {puller.subnet.id} has none, so that it does not reach {hosts(broken)}. "
            f"{silence(symptom)}"
        ),
        culprit=culprit,
        evidence=tuple(evidence),
        fixes=_fixes(task, service),
        still=_still(task, puller, service),
        inferred=inferred,
        traces=broken,
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    if any(hop.step == "public-address" for trace in traces for hop in trace.hops):
        return f"the interface in {puller.subnet.id} has a public IP address"
    return f"no path from {puller.subnet.id} needs a public IP address of its own"


def _still(task: Task, puller: Puller, service: Fact[Service | None]) -> Still:
    if task.service is None:
        return "yes"
    if isinstance(service, Unknown):
        return "unknown"
    newest = primary(service)
    if newest and newest.assign_public_ip:
        return "no"
    return still_there(task, puller, service)


def _fixes(task: Task, service: Fact[Service | None]) -> tuple[Fix, ...]:
    newest = primary(service)
    if newest is None or not newest.subnets:
        return (
            Fix(
                "start the task with assignPublicIp=ENABLED, or in a subnet with a NAT route",
                "your-call",
                task.place.account,
                task.place.region,
            ),
        )
    return (
        Fix(
            "give the service's tasks a public IP address",
            "exact",
            task.place.account,
            task.place.region,
            (update_network(task, newest, newest.subnets, public=True),),
            None,
            "new tasks can be reached from the internet as far as their security groups allow it",
            "public IPv4 addresses, by the hour",
        ),
    )
