"""The wording that all forms of a report share: names, times, counts, and what is said of an incident.

State facts as facts; only ``proven`` says "stops". The voice is neutral, the words are plain, times are UTC,
ages are in words.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from textwrap import TextWrapper

from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, parse_reference
from pull_doctor.report.model import UNSET, Incident, Report
from pull_doctor.resource import Resource

WIDTH = 90
"""The columns of a text report, except for commands."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_LAUNCH_TYPES = {"FARGATE": "Fargate", "EXTERNAL": "ECS Anywhere", "MANAGED_INSTANCES": "ECS Managed Instances"}
_MOST_NAMES = 10
_SECONDS_SAID = 120
_MINUTES_SAID = 120
_KINDS = {
    "AWS::EC2::Instance": "instance",
    "AWS::EC2::InternetGateway": "internet gateway",
    "AWS::EC2::NatGateway": "NAT gateway",
    "AWS::EC2::NetworkAcl": "network ACL",
    "AWS::EC2::RouteTable": "route table",
    "AWS::EC2::SecurityGroup": "security group",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::TransitGateway": "transit gateway",
    "AWS::EC2::VPC": "VPC",
    "AWS::EC2::VPCEndpoint": "VPC endpoint",
    "AWS::ECR::PullThroughCacheRule": "cache rule",
    "AWS::ECR::Repository": "repository",
    "AWS::ECS::Cluster": "cluster",
    "AWS::ECS::ContainerInstance": "container instance",
    "AWS::ECS::TaskDefinition": "task definition",
    "AWS::IAM::Role": "role",
    "AWS::KMS::Key": "key",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::SSM::Parameter": "parameter",
    "Registry": "registry",
}


def plain(text: str) -> str:
    """Return outside text on one line, without control characters, ANSI sequences, and direction overrides."""
    shown = (char if char.isprintable() else " " if char.isspace() else "" for char in _ANSI.sub("", text))
    return " ".join("".join(shown).split())


def fill(text: str, first: str = "", hang: str = "") -> str:
    """Wrap one paragraph: ``first`` before its first line, ``hang`` before the others."""
    # A hyphen is part of an id, never a place to break.
    return TextWrapper(WIDTH, initial_indent=first, subsequent_indent=hang, break_on_hyphens=False).fill(text)


def workload(report: Report) -> str:
    """Return the name by which people know what failed: the service, else the task definition's family."""
    task = report.task
    if isinstance(task.service, str) and task.service:
        return plain(task.service)
    if isinstance(task.task_definition, str):
        return plain(task.task_definition.rpartition("/")[2].partition(":")[0])
    if isinstance(task.group, str):
        return plain(task.group.partition(":")[2] or task.group)
    return f"task {task_id(report)}"


def headline(report: Report) -> str:
    """Return the line that stands alone in a phone notification."""
    if report.sample is True:
        return f"test: {plain(report.title).removeprefix('test: ')}"
    if ended := closing_headline(report):
        return ended
    joint = " cannot start: " if report.verdict == "cause-found" else ": "
    return f"{workload(report)}{joint}{plain(report.title)}"


def task_id(report: Report) -> str:
    """Return the task's id, the last part of its ARN; empty where ECS could not even start one."""
    return "" if report.task.arn is UNSET else plain(report.task.arn.rpartition("/")[2])


def cluster(report: Report) -> str:
    """Return the cluster's name."""
    return plain(report.task.cluster.rpartition("/")[2])


def moment(time: datetime) -> str:
    """Return a time with its date, to the second, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def age(seconds: float) -> str:
    """Return a span in words: ``34 s``, ``20 min``, ``3 h``."""
    if seconds < _SECONDS_SAID:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < _MINUTES_SAID else f"{minutes / 60:.0f} h"


def many(count: int, one: str, more: str) -> str:
    """Return a count with its noun or verb."""
    return f"{count} {one if count == 1 else more}"


def sentence(text: str) -> str:
    """Return outside text as one sentence with a capital and a full stop."""
    text = plain(text)
    if text[:1].islower() and text[1:2].islower() and text.partition(" ")[0].isalpha():
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def phrase(text: str) -> str:
    """Return outside text as a phrase within a line: no capital word at its start, no full stop."""
    text = plain(text).removesuffix(".")
    return text[0].lower() + text[1:] if text[:1].isupper() and text[1:2].islower() else text


def applicability(code: str) -> str:
    """Return how far a fix can be trusted: ``exact``, ``your call``, or ``fill-in``."""
    return "your call" if code == "your-call" else code


def since(report: Report) -> str:
    """Return how many tasks stopped, and when the first did; empty without an incident."""
    if report.incident is None:
        return ""
    first, last = report.incident.first_seen.astimezone(UTC), report.incident.last_seen.astimezone(UTC)
    start = f"{first:%H:%M}" if first.date() == last.date() else f"{first:%Y-%m-%d %H:%M}"
    count = report.incident.occurrences
    return f"1 task stopped at {start} UTC" if count == 1 else f"{count} tasks stopped since {start} UTC"


def ends(report: Report) -> Incident | None:
    """Return the incident whose end the report tells; ``None`` for every other report."""
    incident = report.incident
    return incident if incident and incident.status != "open" else None


def kind_and_name(report: Report) -> str:
    """Return what failed with its kind: ``service web``, ``task family nightly``."""
    kind, name = "service" if isinstance(report.task.service, str) else "task family", workload(report)
    return name if name.startswith("task ") else f"{kind} {name}"


def closing_headline(report: Report) -> str:
    """Return how the incident ended, what failed, how long and how often; empty while it is open.

    How it ended comes first: a subject that is cut still says so.
    """
    incident = ends(report)
    if not incident:
        return ""
    whose = f"{incident.status.replace('-', ' ')}: {kind_and_name(report)} ({cluster(report)})"
    tasks = many(incident.occurrences, "failed task", "failed tasks")
    if incident.ended is UNSET:
        return f"{whose}, {tasks}"
    if incident.status == "quiet":
        return f"{whose}, for {age((incident.ended - incident.last_seen).total_seconds())} after {tasks}"
    return f"{whose}, after {age((incident.ended - incident.first_seen).total_seconds())} and {tasks}"


def span(incident: Incident) -> str:
    """Return how many tasks failed, when the first and when the last: a closing report's ``since``."""
    first, last = _minute(incident.first_seen).removesuffix(" UTC"), _minute(incident.last_seen)
    tasks = f"{many(incident.occurrences, 'task', 'tasks')} failed"
    if incident.occurrences == 1:
        return f"{tasks} at {last}"
    day = first.partition(" ")[0]
    return f"{tasks} from {first} to {last.removeprefix(f'{day} ')}"


def seen(report: Report) -> str:
    """Return how often an open incident was seen, and why it is told again; empty without an incident."""
    incident = report.incident
    if not incident:
        return ""
    if incident.occasion == "reminder":
        return occasion(report)
    return "; ".join(part for part in (since(report), occasion(report)) if part)


def occasion(report: Report) -> str:
    """Return why an open incident is told again; empty for its first report and its end."""
    incident = report.incident
    if not incident or incident.status != "open" or incident.occasion in ("first", "end"):
        return ""
    if incident.occasion == "reminder":
        return f"still failing: {many(incident.occurrences, 'task', 'tasks')} since {_minute(incident.first_seen)}"
    if report.verdict == "cause-found":
        return "another answer than the last report of this incident gave"
    return "a symptom that this incident did not show before"


def group(report: Report) -> str:
    """Return how many workloads fail by the same resource: ``5 services in 2 clusters, same NAT gateway nat-0abc``.

    Empty where this one is alone. At this one's end it speaks of the others, which are still open.
    """
    names = _members(report)
    if not names:
        return ""
    clusters = {name.rpartition("/")[0] for name in names}
    kinds = ("service", "services") if isinstance(report.task.service, str) else ("task family", "task families")
    said = many(len(names), *kinds) + (f" in {len(clusters)} clusters" if len(clusters) > 1 else "")
    blamed = f", same {named(report.causes[0].culprit)}" if report.causes else ""
    return f"{'still open: ' if ends(report) else ''}{said}{blamed}"


def group_names(report: Report) -> str:
    """Return the names of the workloads that ``group`` counts, the first of many."""
    names = _members(report)
    more = f", and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(plain, names[:_MOST_NAMES])) + more


def _members(report: Report) -> tuple[str, ...]:
    workloads = report.incident.workloads if report.incident else ()
    if len(workloads) == 1:
        return ()
    return workloads[1:] if ends(report) else workloads


def named(resource: Resource) -> str:
    """Return a resource by its kind and name: ``NAT gateway nat-0abc``."""
    name = resource.id
    if name.startswith("arn:"):
        name = re.split("[/:]", name.split(":", 5)[-1], maxsplit=1)[-1]
    return f"{_KINDS.get(resource.type, 'resource')} {plain(name)}"


def retries(report: Report) -> str:
    """Return what the incident's failed tasks ask of the registry, and whether that counts against a limit of pulls.

    Empty where no registry was asked: the task fails before its pull, or only once. Docker Hub counts the reading of
    a manifest: https://docs.docker.com/docker-hub/usage/pulls/
    """
    incident = report.incident
    parsed = [parse_reference(part.image) for part in report.failures if isinstance(part.image, str)]
    hosts = dict.fromkeys(plain(image.host) for image in parsed if image)
    if not incident or incident.occurrences < 2 or not hosts or _phases(report) == {"prepare"}:  # noqa: PLR2004 - no retry
        return ""
    hours = (incident.last_seen - incident.first_seen).total_seconds() / 3600
    rate = f", about {incident.occurrences / hours:.0f} an hour" if hours >= 1 and incident.occurrences > hours else ""
    said = (
        f"{incident.occurrences} failed tasks since {_minute(incident.first_seen)}{rate}: each starts the pull from "
        f"{' and '.join(hosts)} anew."
    )
    if DOCKER_HUB_HOST not in hosts:
        return said
    reached = "; the task of this report got that far" if _phases(report) & {"download", "unpack"} else ""
    return (
        f"{said} An attempt that gets as far as reading the manifest counts against Docker Hub's limit of pulls, by "
        f"login, or by public address where there is none{reached}. One that does not reach Docker Hub does not count."
    )


def _phases(report: Report) -> set[str]:
    return {part.symptom.phase for part in report.failures}


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def place(report: Report) -> str:
    """Return where the pull ran: ``Fargate 1.4.0, subnet-1 (eu-west-1a), no public IP``."""
    task, puller = report.task, report.puller
    launch = task.launch_type
    provider = task.capacity_provider if isinstance(task.capacity_provider, str) else ""
    if launch is UNSET and (isinstance(task.platform_version, str) or provider.startswith("FARGATE")):
        launch = "FARGATE"
    parts = []
    if launch is not UNSET:
        version = f" {task.platform_version}" if isinstance(task.platform_version, str) else ""
        parts.append(f"{_LAUNCH_TYPES.get(launch, launch)}{version}")
    if puller is not UNSET and isinstance(puller.subnet, str):
        parts.append(f"{puller.subnet} ({puller.zone if isinstance(puller.zone, str) else task.region})")
    else:
        parts.append(task.region)
    if puller is not UNSET and puller.public_ip is not UNSET:
        parts.append(f"public IP {puller.public_ip}" if puller.public_ip else "no public IP")
    return plain(", ".join(parts))


def containers(report: Report, failures: tuple[str, ...]) -> str:
    """Return the containers of these failures, or of all where none is named: ``container web``."""
    names = [plain(part.container) for part in report.failures if part.id in failures or not failures]
    return f"{'container' if len(names) == 1 else 'containers'} {', '.join(names)}" if names else ""


def facts_read(report: Report) -> str:
    """Return when the facts were read, and how long after the stop."""
    read, stopped = report.facts_read_at, report.task.stopped_at
    if read is UNSET:
        return ""
    read = read.astimezone(UTC)
    if stopped is UNSET:
        return f"Facts read {moment(read)}."
    shown = f"{read:%H:%M:%S} UTC" if read.date() == stopped.astimezone(UTC).date() else moment(read)
    seconds = (read - stopped).total_seconds()
    return f"Facts read {shown}, {age(seconds)} after the stop." if seconds >= 0 else f"Facts read {shown}."
