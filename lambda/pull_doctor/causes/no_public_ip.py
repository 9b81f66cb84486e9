"""The route leads to an internet gateway, and the interface that pulls has no public address.

An internet gateway carries only traffic of interfaces that have a public IP address. A Fargate task gets one only if
its network configuration says assignPublicIp=ENABLED; the default is DISABLED, and the subnet's own setting
(MapPublicIpOnLaunch) does not count. On EC2 the instance pulls, by its primary interface: it needs the address,
whatever the task has. Without the address the packets leave and no answer comes back: ECS reports a timeout.

What mends it: assignPublicIp=ENABLED for the service or the run-task call, or subnets whose default route is a
NAT gateway; an Elastic IP address for an instance.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Still
from pull_doctor.causes.shared.network.neighbours import Needed, Neighbours, leave_subnet, neighbours
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    hop_evidence,
    hosts,
    primary,
    silence,
    starts_with,
    still_there,
    table_in_use,
    undecided,
    update_network,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Deployment, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make

CAUSE = "no-public-ip"
STEPS: tuple[Step, ...] = ("route", "public-address")


def check(
    *,
    task: Task,
    needed: Needed,
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
    culprit, setting, inferred = _setting(task, puller, deployment)
    others = neighbours(CAUSE, task, needed, symptom, puller, vpc, service)
    evidence = [*hop_evidence(broken), table_in_use(task, puller, vpc)[1]]
    route = next(hop for hop in broken[0].hops if hop.step == "route")
    evidence.append(Evidence(route.why, "fact", (route.resource,) if route.resource else ()))
    sends, where = route.why.partition(",")[0], puller.subnet.id
    who = {
        "task": f"The task's interface in {where}",
        "instance": f"Instance {puller.instance} in {where}, which pulls for the task,",
    }[puller.kind]
    return Problem(
        title=f"{puller.kind} has no public IP address behind an internet gateway",
        explanation=(
            f"{sends}, an internet gateway, which carries only traffic of interfaces with a public IP address. "
            f"{who} has none, so that it does not reach {hosts(broken)}. {silence(symptom)}{others.sentence}"
        ),
        culprit=culprit,
        evidence=(*evidence, *setting, *others.evidence(task)),
        fixes=_fixes(task, puller, service, others),
        still=_still(task, puller, service),
        inferred=inferred,
        traces=broken,
    )


def _setting(
    task: Task, puller: Puller, deployment: Fact[Deployment | None]
) -> tuple[Resource, tuple[Evidence, ...], tuple[str, ...]]:
    """What is to blame for the missing address, the evidence for that, and what is inferred."""
    if puller.kind == "instance":
        return make(task.place, "AWS::EC2::Instance", puller.instance or ""), (), ()
    configured = deployment.value if isinstance(deployment, Known) else None
    if configured and configured.assign_public_ip is False:
        service = make(task.place, "AWS::ECS::Service", f"{task.cluster}/{task.service}")
        text = f"deployment {configured.id} of service {task.service} has assignPublicIp=DISABLED"
        return service, (Evidence(text, "fact", (service,)),), ()
    kind, name = ("NetworkInterface", puller.interface) if puller.interface else ("Subnet", puller.subnet.id)
    inferred = f"{puller.interface} was read after the task had failed, and no deployment tells its setting"
    return make(task.place, f"AWS::EC2::{kind}", name), (), (inferred,)


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    if any(hop.step == "public-address" for trace in traces for hop in trace.hops):
        return f"{puller.named} in {puller.subnet.id} has a public IP address"
    return f"no path from {puller.subnet.id} needs a public IP address of its own"


def _still(task: Task, puller: Puller, service: Fact[Service | None]) -> Still:
    newest = starts_with(task, service)
    if puller.kind == "task" and newest and newest.assign_public_ip:
        return "no"
    return still_there(task, puller, service)


def _fixes(task: Task, puller: Puller, service: Fact[Service | None], others: Neighbours) -> tuple[Fix, ...]:
    """An address for every task, also where a NAT gateway makes up for it; else the subnets that need none."""
    if puller.kind == "instance":
        return (_other_subnets(task) if task.launch_type == "MANAGED_INSTANCES" else _elastic_ip(task, puller),)
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
        *((leave,) if (leave := leave_subnet(task, puller, service, others, "public")) else ()),
    )


def _other_subnets(task: Task) -> Fix:
    """What ECS launches itself is changed by its capacity provider alone, for instances to come.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_InstanceLaunchTemplate.html
    """
    provider = f"capacity provider {task.capacity_provider}" if task.capacity_provider else "the capacity provider"
    return Fix(
        f"let {provider} launch its instances in subnets with a NAT route, or that assign public IPv4 addresses",
        "your-call",
        task.place.account,
        task.place.region,
    )


def _elastic_ip(task: Task, puller: Puller) -> Fix:
    """An address for the instance that stands; its launch template decides about later ones.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/working-with-eips.html
    """
    address = {"AllocationId": "<new-allocation-id>", "NetworkInterfaceId": puller.interface}
    return Fix(
        f"give {puller.named} an Elastic IP address, and new ones an address by their launch template",
        "fill-in",
        task.place.account,
        task.place.region,
        (AwsCommand("ec2", "AllocateAddress", {"Domain": "vpc"}), AwsCommand("ec2", "AssociateAddress", address)),
        None,
        "the instance can be reached from the internet as far as its security groups allow it",
        "public IPv4 addresses, by the hour",
    )
