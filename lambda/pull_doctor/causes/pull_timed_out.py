"""The ECS agent gave up on the pull at a limit of its own, and the way to the registry is open.

On a host the agent waits two hours for an image, one minute for its manifest, and one minute (three on Windows) while
nothing comes. Where the way is closed, that is the cause. Where every part of it is seen to be open, the pull was too
slow: a large image, a small or busy instance, a slow disk, or a proxy or NAT gateway under load. Neither the agent's
settings nor the speed of a pull is in any API of AWS. Fargate has no such limit that AWS publishes.

What mends it: a smaller image, a host or way that is faster, or another limit in the agent's configuration.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
"""

from __future__ import annotations

import re

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.host.machines import MANAGED, called, machine_of, standing, typed_on
from pull_doctor.causes.shared.image.images import untold
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerInstance, EcrLookup, Instance
from pull_doctor.intake.symptom import PHASES, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Trace
from pull_doctor.resource import Resource

_WAITED = re.compile(r"timed out after waiting (?P<time>[\dhms.]{2,20})")
_NOT_BEGUN = re.compile(r"transition to \[?pullbegin", re.IGNORECASE)
"""The container runtime had told nothing of the pull."""


def check(
    *,
    task: Task,
    symptom: Symptom,
    message: str,
    written_image: str | None,
    traces: Fact[tuple[Trace, ...]],
    ecr_image: Fact[EcrLookup],
    container_instance: Fact[ContainerInstance],
    instance: Fact[Instance],
) -> Outcome:
    if task.on_fargate:
        return NotApplicable("the task ran on AWS Fargate, for whose pulls AWS publishes no limit")
    machine = machine_of(task, container_instance)
    if symptom.kind != "image-too-large-or-pull-timeout":
        return untold(symptom, "a limit of the ECS agent's", f"whether the ECS agent of {called(machine)} gave up")
    if isinstance(traces, Unknown):
        return Undetermined((traces,))
    needed = [one for one in traces.value if _comes_before(one, symptom)]
    if closed := [one for one in needed if one.disposition not in ("reached", "undetermined")]:
        return Ok(f"the way to {closed[0].host} is closed ({closed[0].disposition}), so that the limit is not at fault")
    if unseen := [hop.missing for one in needed for hop in one.hops if hop.missing and one.disposition != "reached"]:
        return Undetermined(tuple(dict.fromkeys(unseen)))
    by_nat = any(hop.step == "nat-gateway" for one in needed for hop in one.hops)
    waited = _WAITED.search(message)
    limit = f"after {waited['time'].rstrip('.')}" if waited else "as nothing came any more"
    begun = not _NOT_BEGUN.search(message)
    hosts = ", ".join(dict.fromkeys(one.host for one in needed))
    evidence = [
        Evidence(f"ECS's text says that the agent of {called(machine)} gave up {limit}", "text", (machine,)),
        Evidence(f"the way from {called(machine)} is open to {hosts}", "fact", (machine,)),
    ]
    if size := _size(ecr_image):
        evidence.append(Evidence(f"{written_image} is {size} compressed", "fact", (machine,)))
    return Problem(
        title="ECS agent gave up waiting for the pull",
        explanation=(
            f"The ECS agent of {called(machine)} gave up {limit}. The way was read hop by hop, and is open to {hosts}. "
            "What remains is that "
            + (
                f"the {_what(symptom)} came too slowly, or that "
                if begun
                else "the registry answered too slowly, or that "
            )
            + "the container runtime hung."
        ),
        culprit=machine,
        evidence=tuple(evidence),
        fixes=(
            _fixes(task, symptom, message, machine, container_instance, by_nat=by_nat)
            if begun
            else (_looked_at(task, machine, container_instance),)
        ),
        still=standing(instance),
        inferred=(
            f"that the pull on {called(machine)} was slow"
            + (" is concluded: no API of AWS shows its speed" if begun else ", or hung, is concluded: no API shows it"),
        ),
    )


def _comes_before(trace: Trace, symptom: Symptom) -> bool:
    """Whether the connection is made by the end of the phase in which the agent gave up."""
    return symptom.phase not in PHASES or PHASES.index(trace.phase) <= PHASES.index(symptom.phase)


def _what(symptom: Symptom) -> str:
    """What the agent waited for; no size of the image holds its manifest up."""
    return "manifest" if symptom.phase == "resolve" else "image"


def _size(ecr_image: Fact[EcrLookup]) -> str | None:
    image = ecr_image.value.image if isinstance(ecr_image, Known) else None
    return f"{image.size / 2**30:.1f} GiB" if image and image.size and image.size > 2**30 // 10 else None


def _fixes(
    task: Task,
    symptom: Symptom,
    message: str,
    machine: Resource,
    container_instance: Fact[ContainerInstance],
    *,
    by_nat: bool,
) -> tuple[Fix, ...]:
    place = (task.place.account, task.place.region)
    endpoints = ", endpoints for ECR and S3 in the place of the NAT gateway" if by_nat else ""
    host = "a smaller image, an instance with more network and disk throughput"
    if _what(symptom) == "manifest":
        host = "an instance with more network throughput"
    text = f"make the pull faster: {host}{endpoints}"
    faster = Fix(text, "your-call", *place)
    if task.launch_type == MANAGED:
        return (faster,)
    setting = _setting(message.lower())
    lines = (f"sudo sh -c 'echo {setting} >> /etc/ecs/ecs.config'", "sudo systemctl restart ecs")
    wait = Fix(
        f"let the agent of {called(machine)} wait longer: {setting} in its configuration",
        "your-call",
        *place,
        typed_on(task, machine, container_instance, *lines),
        effect="the agent restarts, running tasks go on; instances that start later need it in their user data",
    )
    return (faster, wait)


def _looked_at(task: Task, machine: Resource, container_instance: Fact[ContainerInstance]) -> Fix:
    """What to do about a pull that did not even begin: no setting and no smaller image helps."""
    place = (task.place.account, task.place.region)
    if task.launch_type == MANAGED:
        return Fix(f"run the task on another instance than {called(machine)}, which AWS runs", "your-call", *place)
    lines = ("sudo systemctl status docker ecs", "sudo journalctl --unit docker --since -1h")
    return Fix(
        f"see on {called(machine)} whether Docker hangs, and restart it if it does",
        "your-call",
        *place,
        typed_on(task, machine, container_instance, *lines),
        effect="restarting Docker stops the containers of the host",
    )


def _setting(text: str) -> str:
    """The agent's setting that the text speaks of, well above its default."""
    if "inactivity time" in text:
        return "ECS_IMAGE_PULL_INACTIVITY_TIMEOUT=5m"
    return "ECS_MANIFEST_PULL_TIMEOUT=2m" if "manifest_pulled" in text else "ECS_IMAGE_PULL_TIMEOUT=4h"
