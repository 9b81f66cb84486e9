"""Defects of the machine that pulls: storage, limits, proxies, and agents, of which AWS shows the last one alone.

What AWS does not show cannot be mended through its API: the next task then fails for another reason, and says so.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.worlds import texts
from tests.worlds.healthy import Broken, Defect, Healthy
from tests.worlds.rights import allow, put_role_policy
from tests.worlds.scheduler import HostType, NetworkMode

_GIB = 2**30
_OLD_LINUX = ("1.3.0", "Linux")
_WINDOWS = ("1.0.0", "WINDOWS_SERVER_2022_CORE")
_ERROR = "CannotPullContainerError:"
_NO_SPACE = f"{_ERROR} failed to register layer: write /usr/lib/libfrom.so: no space left on device"
_NO_SPACE_ON_FARGATE = (
    f"{_ERROR} ref pull has been retried 1 time(s): failed to extract layer sha256:{'5e' * 32}: write /var/lib/"
    "containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs/usr/lib/libfrom.so: no space left on device"
)
_THIN_POOL = (
    f"{_ERROR} Error response from daemon: devmapper: Thin Pool has 1024 free data blocks which is less than minimum "
    "required 163840 free data blocks. Create more free space in thin pool or use dm.min_free_space option"
)
_TOO_LONG = "DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s"
_MANIFEST_TOO_LONG = "DockerTimeoutError: Could not transition to MANIFEST_PULLED; timed out after waiting 1m0s"
_NOTHING_CAME = f"{_ERROR} inactivity time exceeded timeout while pulling image"
_REFUSED = "proxyconnect tcp: dial tcp 10.0.1.80:3128: connect: connection refused"
_NO_NAME = "proxyconnect tcp: dial tcp: lookup proxy.corp.example on 10.0.0.2:53: no such host"
_NO_ANSWER = "proxyconnect tcp: dial tcp 10.0.1.80:3128: i/o timeout"


# The task's own storage, on Fargate


def _large(parts: Healthy, gib: float) -> None:
    """Push a build of this size, compressed, under the image's tag."""
    builder, (repository, _, tag) = parts.builder, parts.image.partition("/")[2].rpartition(":")
    kind = "application/vnd.oci.image.manifest.v1+json"
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": int(gib * _GIB), "digest": _sha("1a")}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 7023, "digest": _sha("c0")}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]})
    builder.client("ecr").put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest)


def _too_large(gib: float, storage: int | None = None) -> Callable[[Healthy], Broken]:
    def breaks(parts: Healthy) -> Broken:
        builder = parts.builder
        _large(parts, gib)
        if storage:
            parts.definition["ephemeralStorage"] = {"sizeInGiB": storage}

        def mend() -> None:
            ecs = builder.client("ecs")
            found = ecs.describe_task_definition(taskDefinition=builder.workload)["taskDefinition"]
            known = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
            definition = {name: value for name, value in found.items() if name in known}
            ecs.register_task_definition(**definition | {"ephemeralStorage": {"sizeInGiB": 100}})
            ecs.update_service(cluster=builder.cluster, service=builder.workload, taskDefinition=builder.workload)

        return _told(parts, _NO_SPACE_ON_FARGATE, f"{builder.workload}:1", mend)

    return breaks


def _too_large_for_the_old_platform(parts: Healthy) -> Broken:
    builder = parts.builder
    _large(parts, 4)

    def mend() -> None:
        builder.platform_version = "1.4.0"
        builder.client("ecs").update_service(
            cluster=builder.cluster, service=builder.workload, platformVersion=builder.platform_version
        )

    return _told(parts, _NO_SPACE, f"{builder.workload}:1", mend)


# The host


def _on_the_host(text: str) -> Callable[[Healthy], Broken]:
    """What this text tells of the host, and no API of AWS does."""

    def breaks(parts: Healthy) -> Broken:
        host = parts.builder.host
        assert host
        return _told(parts, text, host.instance, lambda: None)

    return breaks


def _proxy(said: str, *, agents: bool = False) -> Callable[[Healthy], Broken]:
    """The proxy of Docker, or of the agent, which signs in to ECR."""

    def breaks(parts: Healthy) -> Broken:
        api = f"https://api.ecr.{parts.builder.region}.amazonaws.com/"
        host = parts.image.partition("/")[0]
        host = "registry-1.docker.io" if host == "docker.io" else host
        docker = f'{_ERROR} Error response from daemon: Get "https://{host}/v2/": {said}'
        agent = f'CannotPullECRContainerError: RequestError: send request failed caused by: Post "{api}": {said}'
        return _on_the_host(agent if agents else docker)(parts)

    return breaks


def _old_agent(parts: Healthy) -> Broken:
    builder = parts.builder
    assert builder.host
    builder.agent_tells("1.15.2", "17.12.1-ce")

    def mend() -> None:
        builder.agent_tells("1.90.0", "25.0.8")

    return Broken((builder.host.instance,), texts.no_login(parts.image), mend)


def _agent_without_logins(parts: Healthy) -> Broken:
    """The agent of 2018 that knows no credentials of other registries; the role may read them."""
    builder = parts.builder
    assert builder.host
    secret = builder.client("secretsmanager").create_secret(Name=f"{builder.workload}-hub", SecretString="{}")["ARN"]
    put_role_policy(parts, "login", allow("secretsmanager:GetSecretValue", secret))
    parts.container["repositoryCredentials"] = {"credentialsParameter": secret}
    builder.agent_tells("1.18.0", "17.12.1-ce")

    def mend() -> None:
        builder.agent_tells("1.19.0", "18.06.1-ce")

    return Broken((builder.host.instance, secret), texts.no_access("acme/web:1"), mend)


def _told(parts: Healthy, text: str, culprit: str, mend: Callable[[], None]) -> Broken:
    return Broken((culprit,), text, mend, next_text=lambda: texts.manifest_timeout(parts.image))


def _sha(byte: str) -> str:
    return f"sha256:{byte * 32}"


def _of(
    cause: str,
    breaks: Callable[[Healthy], Broken],
    host: NetworkMode,
    launch_type: HostType = "EC2",
    **more: Any,
) -> Defect:
    """A defect of a host that AWS does not show."""
    return Defect(cause, breaks, relaunch=True, still="unknown", host=host, launch_type=launch_type, **more)


_STORAGE, _DISK, _LIMIT, _PROXY = "storage-too-small", "host-storage-full", "pull-timed-out", "host-proxy-broken"
_AGENT = "container-agent-outdated"
_BY_VERSION = frozenset({"ecs:DescribeContainerInstances", "ecs:DescribeTaskDefinition"})
_OPEN_WAY = frozenset(
    {
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "ecs:DescribeContainerInstances",
        "route53:ListHostedZonesByVPC",
    }
)

DEFECTS: dict[str, Defect] = {
    "images-above-the-storage": Defect(_STORAGE, _too_large(8), relaunch=True),
    "images-above-the-storage-that-is-set": Defect(_STORAGE, _too_large(9.5, 25), "nat", relaunch=True),
    "images-above-the-storage-on-windows": Defect(_STORAGE, _too_large(7), "nat", relaunch=True, platform=_WINDOWS),
    "images-above-the-storage-on-1.3.0": Defect(
        _STORAGE, _too_large_for_the_old_platform, relaunch=True, platform=_OLD_LINUX, still="unknown"
    ),
    "host-disk-full": _of(_DISK, _on_the_host(_NO_SPACE), "bridge"),
    "host-thin-pool-full": _of(_DISK, _on_the_host(_THIN_POOL), "awsvpc"),
    "host-disk-full-on-managed-instances": _of(_DISK, _on_the_host(_NO_SPACE), "awsvpc", "MANAGED_INSTANCES"),
    "host-disk-full-on-premises": _of(_DISK, _on_the_host(_NO_SPACE), "bridge", "EXTERNAL"),
    "pull-above-two-hours": _of(_LIMIT, _on_the_host(_TOO_LONG), "bridge", certainty="likely", rests_on=_OPEN_WAY),
    "manifest-above-a-minute": _of(_LIMIT, _on_the_host(_MANIFEST_TOO_LONG), "awsvpc", certainty="likely"),
    "pull-without-a-byte": _of(_LIMIT, _on_the_host(_NOTHING_CAME), "host", certainty="likely", base="nat"),
    "pull-above-two-hours-on-managed-instances": _of(
        _LIMIT, _on_the_host(_TOO_LONG), "awsvpc", "MANAGED_INSTANCES", certainty="likely", base="nat"
    ),
    "proxy-refuses": _of(_PROXY, _proxy(_REFUSED), "bridge"),
    "proxy-without-a-name": _of(_PROXY, _proxy(_NO_NAME), "awsvpc", image="docker-hub", base="nat"),
    "proxy-of-the-agent": _of(_PROXY, _proxy(_NO_ANSWER, agents=True), "bridge"),
    "proxy-wants-a-login": _of(_PROXY, _proxy("Proxy Authentication Required"), "host", base="nat"),
    "proxy-refuses-on-premises": _of(_PROXY, _proxy(_REFUSED), "bridge", "EXTERNAL"),
    "agent-without-execution-roles": Defect(_AGENT, _old_agent, host="bridge", rests_on=_BY_VERSION),
    "agent-without-registry-logins": Defect(
        _AGENT, _agent_without_logins, "nat", "docker-hub", host="awsvpc", rests_on=_BY_VERSION
    ),
    "agent-without-execution-roles-on-premises": Defect(
        _AGENT, _old_agent, host="bridge", launch_type="EXTERNAL", rests_on=_BY_VERSION
    ),
}
