"""Platforms: which one a task wants, which of an index fit it, and how sentences write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import ContainerInstance, Platform, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_RUNTIME = {"amd64": "X86_64", "arm64": "ARM64"}
"""The values of cpuArchitecture. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html"""
_WINDOWS = {"2019": "10.0.17763", "2022": "10.0.20348", "2025": "10.0.26100"}
"""The builds of the editions of Windows Server that ECS knows.
https://learn.microsoft.com/en-us/virtualization/windowscontainers/deploy-containers/version-compatibility"""
_EDITION = re.compile(r"WINDOWS_SERVER_(?P<year>\d{4})_(?P<kind>\w+)", re.IGNORECASE)
_WRITTEN = re.compile(
    r"(?P<os>[^/ (]+)(?:\((?P<a>[\d.]+)\))?/(?P<cpu>[^/ ]+)(?:[/ ](?:(?P<b>\d[\d.]*)|(?P<variant>\S+)))?"
)


def read_platform(text: str) -> Platform | None:
    """Read ``os/architecture`` with a variant or a build of Windows behind it; ``None`` if the text is no such thing.

    Fargate writes ``linux/arm64 v8``, Docker ``linux/arm64/v8`` and ``windows/amd64 10.0.18362``.
    """
    found = _WRITTEN.fullmatch(text.strip())
    return plain(Platform(found["os"], found["cpu"], found["variant"], found["a"] or found["b"])) if found else None


def plain(platform: Platform) -> Platform:
    """The platform in one spelling: arm64 is v8 and amd64 is v1 where none is named, and ECS writes x86_64 for amd64.

    https://github.com/containerd/platforms/blob/main/database.go
    """
    architecture = platform.architecture.lower()
    architecture = _ARCHITECTURES.get(architecture, architecture)
    variant = (platform.variant or "").lower()
    kept = None if (architecture, variant) in (("arm64", "v8"), ("amd64", "v1")) else variant or None
    return Platform(platform.os.lower(), architecture, kept, platform.os_version)


def written(platform: Platform) -> str:
    """The platform as sentences and Docker write it; a build of Windows stands behind it."""
    named = "/".join(filter(None, (platform.os, platform.architecture, platform.variant)))
    return f"{named} {platform.os_version}" if platform.os_version else named


def listed(platforms: Sequence[Platform]) -> str:
    """The platforms in a sentence."""
    names = [written(one) for one in platforms]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def fits(wanted: Platform, offered: Platform) -> bool | None:
    """Whether a build runs where ``wanted`` is; ``None`` where the builds of Windows are not both known.

    Of Windows the first three parts of the build must be the host's.
    https://learn.microsoft.com/en-us/virtualization/windowscontainers/deploy-containers/version-compatibility
    """
    if (wanted.os, wanted.architecture, wanted.variant) != (offered.os, offered.architecture, offered.variant):
        return False
    if wanted.os != "windows":
        return True
    builds = [one.os_version.split(".")[:3] for one in (wanted, offered) if one.os_version]
    return builds[0] == builds[1] if len(builds) == 2 else None  # noqa: PLR2004 - the host's, and the image's


def wanted_by(
    symptom: Symptom, task: Task, definition: Fact[TaskDefinition], host: Fact[ContainerInstance]
) -> Platform | None:
    """The platform for which the pull looked: by the text, else by what runs the task; ``None`` where neither tells."""
    told = read_platform(symptom.platform) if symptom.platform else None
    needed = of_fargate(task, definition) if task.on_fargate else of_host(host)
    if told and needed and not told.os_version and fits(told, replace(needed, os_version=None)) is not False:
        return replace(told, os_version=needed.os_version)
    return told or needed


def of_fargate(task: Task, definition: Fact[TaskDefinition]) -> Platform | None:
    """What Fargate runs the task on, by the event, else by the task definition; linux/amd64 where that names nothing.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html
    """
    family, cpu = task.platform_family, task.cpu_architecture
    if isinstance(definition, Known):
        family = family or definition.value.os_family or "LINUX"
        cpu = cpu or definition.value.cpu_architecture or "X86_64"
    return _platform(family or "", cpu or "")


def of_host(host: Fact[ContainerInstance]) -> Platform | None:
    """What the container instance runs on, by the attributes that its agent gives.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html
    """
    if not isinstance(host, Known):
        return None
    told = dict(host.value.attributes)
    family = told.get("ecs.os-family") or ""
    return _platform(
        family if _EDITION.match(family) else told.get("ecs.os-type") or family, told.get("ecs.cpu-architecture") or ""
    )


def _platform(family: str, cpu: str) -> Platform | None:
    system = "windows" if family.upper().startswith("WINDOWS") else family
    if system.lower() not in ("linux", "windows") or not cpu:
        return None
    edition = _EDITION.match(family)
    return plain(Platform(system, cpu, os_version=_WINDOWS.get(edition["year"]) if edition else None))


def runtime_platform(offered: Platform, family: str | None) -> str | None:
    """The member of a task definition with which Fargate runs this platform; ``None`` where Fargate has no such one.

    ``family`` is the task's own operating system family, which tells what kind of Windows it wants.
    """
    cpu = _RUNTIME.get(offered.architecture)
    system = "LINUX" if (offered.os, offered.variant) == ("linux", None) else _edition_of(offered, family or "")
    if not (cpu and system):
        return None
    return f'"runtimePlatform": {{"cpuArchitecture": "{cpu}", "operatingSystemFamily": "{system}"}}'


def _edition_of(offered: Platform, family: str) -> str | None:
    build = ".".join((offered.os_version or "").split(".")[:3])
    year = next((year for year, known in _WINDOWS.items() if (offered.os, known) == ("windows", build)), None)
    edition = _EDITION.match(family)
    return f"WINDOWS_SERVER_{year}_{edition['kind'].upper() if edition else 'CORE'}" if year else None
