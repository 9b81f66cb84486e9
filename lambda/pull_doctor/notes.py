"""What a report says besides its causes: whose containers failed, by whom something is known, and whom to ask."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pull_doctor.causes.catalogue import SILENT
from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.causes.shared.host.machines import MANAGED, called, machine_of, on_windows
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.causes.shared.rights.amended import granting, with_statement
from pull_doctor.causes.shared.rights.refusals import PUSHING
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.failures import WHOLE_TASK
from pull_doctor.intake.image_reference import ecr_host, parse_ecr_host
from pull_doctor.intake.symptom import REFUSALS
from pull_doctor.policy.rulings import Verdict
from pull_doctor.report.commands import command_of
from pull_doctor.report.model import Note
from pull_doctor.resource import make
from pull_doctor.view import View
from pull_doctor.view.rights import SIGN_IN_ACTIONS

_ALMOST = re.compile(r"^\d+\.(?:dkr|ecr)\b|\.dkr[.-]ecr\b")
"""How a host begins that is meant to be a private ECR registry."""


def notes_on(views: Sequence[View]) -> tuple[Note, ...]:
    """The notes on the failures of one task."""
    kinds = (
        _sidecars,
        _latest,
        _almost_ecr,
        _on_premises,
        _by_an_earlier_task,
        _without_login,
        _pushing,
        _to_the_owner,
    )
    return tuple(note for notes in kinds for note in notes(views))


def _sidecars(views: Sequence[View]) -> tuple[Note, ...]:
    notes = []
    for view in views:
        failure, container = view.failure, view.container
        known = container.value if isinstance(container, Known) and failure.id != WHOLE_TASK else None
        if failure.injected:
            notes.append(Note(f"AWS put container {failure.container} into the task; it is not part of the workload"))
        elif known and known.essential is False:
            notes.append(Note(f"container {failure.container} is not essential"))
    return tuple(notes)


def _latest(views: Sequence[View]) -> tuple[Note, ...]:
    """That an image is named by a tag whose meaning changes: worth knowing, and never by itself why a pull fails.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """
    images = (view.failure.reference for view in views)
    named = dict.fromkeys(image for image in images if image and image.tag == "latest" and not image.digest)
    return tuple(
        Note(
            f"{image.text} names {'the' if image.text.endswith(':latest') else 'no tag and so means the'} tag latest, "
            "which moves to another image with each push; that by itself stops no pull"
        )
        for image in named
    )


def _almost_ecr(views: Sequence[View]) -> tuple[Note, ...]:
    """That a host is written almost as a private ECR registry: nothing answers there, and no fact of ECR is read.

    https://docs.aws.amazon.com/general/latest/gr/ecr.html
    """
    hosts = dict.fromkeys(view.failure.reference.host for view in views if view.failure.reference)
    return tuple(
        Note(
            f"{host} looks like the name of a private ECR registry, and is none: that is "
            f"{ecr_host('<account>', '<region>')} in most Regions, with an account id of 12 digits"
        )
        for host in hosts
        if _ALMOST.search(host) and parse_ecr_host(host) is None
    )


def _on_premises(views: Sequence[View]) -> tuple[Note, ...]:
    """What to look at on a machine outside AWS, whose network no API shows.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html
    """
    task = views[0].task
    if task.launch_type != "EXTERNAL":
        return ()
    machine = make(task.place, "AWS::ECS::ContainerInstance", task.container_instance or "")
    hosts = dict.fromkeys(host for view in views for host in view.hosts)
    return (
        Note(
            "the machine that pulls is outside AWS (ECS Anywhere), and nothing in AWS shows its network. Check there "
            f"that these names resolve, and that tcp 443 is open to them: {', '.join(hosts)}. If it needs a proxy, the "
            "ECS agent and the container runtime both have to be given it (HTTPS_PROXY, NO_PROXY)",
            (machine,) if task.container_instance else (),
        ),
    )


def _by_an_earlier_task(views: Sequence[View]) -> tuple[Note, ...]:
    """By whom the network configuration is known, where neither ECS nor EC2 tells it any more."""
    view, earlier = views[0], views[0].told_by_earlier
    if earlier is None:
        return ()
    groups = f"security groups {', '.join(earlier.groups)}" if earlier.groups else ""
    public = {None: "", True: "a public IP address", False: "no public IP address"}[earlier.public_ip]
    task = make(view.place, "AWS::ECS::Task", earlier.task)
    return (
        Note(
            f"what deployment {earlier.started_by} gives its tasks could not be read now. It was seen with an earlier "
            f"one of them, task {earlier.task.rpartition('/')[2]}: {' and '.join(filter(None, (groups, public)))}",
            (task,),
        ),
    )


def _without_login(views: Sequence[View]) -> tuple[Note, ...]:
    """Where it stands why Docker had no login to ECR, though the role may sign in: in no API of AWS.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/logs.html
    """
    task, host = views[0].task, views[0].fact("container_instance")
    if task.on_fargate or task.launch_type == MANAGED:
        return ()
    machine = machine_of(task, host)
    log = r"C:\ProgramData\Amazon\ECS\log\ecs-agent.log" if on_windows(host) else "/var/log/ecs/ecs-agent.log"
    roles = dict.fromkeys(role for view in views if (role := _may_sign_in(view)))
    return tuple(
        Note(
            f"Docker was given no login to ECR, though {role} may sign in. The ECS agent gets that login for Docker; "
            f"why it had none stands in its log on {called(machine)}: {log}",
            (machine,),
        )
        for role in roles
    )


def _may_sign_in(view: View) -> str | None:
    """The role that may sign in to ECR, as far as its policies tell, where the text shows that the login is missing."""
    rulings = view.fact("rulings")
    if view.symptom.kind != "auth-missing-credentials" or isinstance(rulings, Unknown):
        return None
    signing = [one for one in rulings.value if one.need.action in SIGN_IN_ACTIONS]
    allowed = all({verdict.effect for verdict in one.verdicts} == {"allow"} for one in signing)
    return signing[0].role if signing and allowed else None


def _pushing(views: Sequence[View]) -> tuple[Note, ...]:
    """What to think of a refused right that a pull does not need.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchCheckLayerAvailability.html
    """
    if not any(view.symptom.action == PUSHING for view in views):
        return ()
    return (
        Note(
            f"ECS's text names {PUSHING}, which ECR asks of those who push an image: a pull does not need it, and its "
            "refusal by itself stops none"
        ),
    )


def _to_the_owner(views: Sequence[View]) -> tuple[Note, ...]:
    """What to ask of another account, whose policy on the image could not be read, and the policy that it needs.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
    """
    notes: dict[str, Note] = {}
    for view in views:
        image, rulings = view.failure.reference, view.fact("rulings")
        if view.symptom.kind not in (*REFUSALS, *SILENT) or view.told.rights_held or isinstance(rulings, Unknown):
            continue
        unread = [one for one in rulings.value if one.foreign and _not_read(one.verdict("resource-policy"))]
        if not unread or image is None or image.ecr is None:
            continue
        role, owner, region = unread[0].role, image.ecr.account, image.ecr.region
        where = {"registryId": owner, "repositoryName": image.repository}
        policy = with_statement(None, granting(role, [one.need.action for one in unread]))
        commands = (
            AwsCommand("ecr", "GetRepositoryPolicy", where),
            AwsCommand("ecr", "SetRepositoryPolicy", where | {"policyText": policy}),
        )
        text = (
            f"account {owner} owns repository {image.repository}, and its policy could not be read from here. Across "
            f"accounts it must grant the pull to {role}. In account {owner}, the first command shows whether it does. "
            "The second one is for a repository without a policy; one that has a policy needs this statement in it"
        )
        runs = tuple(command_of(one, region) for one in commands)
        notes.setdefault(text, Note(text, (repository_of(image),), runs))
    return tuple(notes.values())


def _not_read(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.document is None
