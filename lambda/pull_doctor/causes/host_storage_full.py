"""The disk of the host that pulls is full.

On EC2, on Managed Instances, and with ECS Anywhere the host keeps the images of all its tasks. The ECS agent removes
images that no container uses, by default a few each half hour and none younger than an hour; large images, log files of
containers, and stopped containers fill the disk in between. A disk that has room can be out of inodes, which says the
same. No API of AWS shows the disk of a host: only ECS's text tells.

What mends it: what is not used removed from the host, a larger volume, or an agent that cleans up sooner.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/automated_image_cleanup.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Outcome, Problem
from pull_doctor.causes.shared.host.machines import MANAGED, ON_PREMISES, called, machine_of, standing, typed_on
from pull_doctor.causes.shared.image.images import untold
from pull_doctor.facts.fact import Fact
from pull_doctor.facts.values import ContainerInstance, Instance
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Resource

_CLEANUP = "ECS_IMAGE_CLEANUP_INTERVAL=10m, ECS_IMAGE_MINIMUM_CLEANUP_AGE=15m, ECS_NUM_IMAGES_DELETE_PER_CYCLE=10"
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html"""


def check(
    *,
    task: Task,
    symptom: Symptom,
    written_image: str | None,
    container_instance: Fact[ContainerInstance],
    instance: Fact[Instance],
) -> Outcome:
    if task.on_fargate:
        return NotApplicable("the task ran on AWS Fargate, on no host of the account's")
    machine = machine_of(task, container_instance)
    if symptom.kind != "disk-full":
        return untold(symptom, "a full disk", f"how full the disk of {called(machine)} is")
    image = written_image or "an image that AWS put into the task"
    return Problem(
        title="disk of the container instance is full",
        explanation=(
            f"The disk of {called(machine)} had no room left for {image}. It holds the images, containers, and logs of "
            "every task that ran there, and no API of AWS shows what fills it."
        ),
        culprit=machine,
        evidence=(
            Evidence(f"ECS's text says that no space was left for {image} on {called(machine)}", "text", (machine,)),
        ),
        fixes=_fixes(task, machine, container_instance),
        still=standing(instance),
        text_proves=True,
    )


def _fixes(task: Task, machine: Resource, container_instance: Fact[ContainerInstance]) -> tuple[Fix, ...]:
    place = (task.place.account, task.place.region)
    if task.launch_type == MANAGED:
        provider = (
            f"capacity provider {task.capacity_provider}" if task.capacity_provider else "their capacity provider"
        )
        text = f"give the instances more storage: storageSizeGiB in the storageConfiguration of {provider}"
        return (Fix(text, "your-call", *place, effect="instances that start from then on have it"),)
    lines = (
        "sudo df -h /var/lib/docker",
        "sudo df -i /var/lib/docker",
        "sudo docker system df",
        "sudo docker system prune --all",
    )
    unused = Fix(
        f"see on {called(machine)} whether room or inodes are used up, and remove what no container uses",
        "your-call",
        *place,
        typed_on(task, machine, container_instance, *lines),
        effect="stopped containers, and images that no container uses, are deleted; other tasks pull theirs anew",
    )
    volume = "the machine a larger disk" if task.launch_type == ON_PREMISES else "the launch template a larger volume"
    more = Fix(
        f"give {volume}, or let the agent clean up sooner ({_CLEANUP} in its configuration)",
        "your-call",
        *place,
    )
    return (unused, more)
