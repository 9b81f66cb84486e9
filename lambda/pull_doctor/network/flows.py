"""The pull plan: which connections this pull needs, by launch type, platform version, registry, and Region.

On Fargate 1.4.0 and later, and on Windows, everything leaves by the task's own interface. Up to 1.3.0 the sign-in and
the reading of secrets leave by an interface of Fargate's, outside the VPC, so that they need no path here. On EC2, ECS
Managed Instances, and premises the host opens every connection, in whatever network mode the task runs.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace

from pull_doctor.facts.injected import parse_credentials, parse_value_from
from pull_doctor.facts.values import TaskDefinition
from pull_doctor.intake.image_reference import EcrRegistry, ImageReference, parse_reference
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.addresses import IPV6
from pull_doctor.network.hosts import (
    families,
    is_public,
    layer_bucket,
    layers_host,
    other_registry,
    service_host,
)


@dataclass(frozen=True, slots=True)
class Flow:
    """One connection to ``host``, port 443, that the pull needs in ``phase``.

    ``service`` is the AWS service behind the host (``ecr.api``, ``ecr.dkr``, ``s3``, ``secretsmanager``, ``ssm``),
    ``None`` for a registry elsewhere; ``region`` that service's Region. ``address`` is what the text shows to have been
    dialled. ``families`` are the IP versions in which the host is known to have addresses; empty where that is not
    known. ``actions`` on ``resource`` is what it asks of the service, as an endpoint policy judges it.
    ``after_manifest``: the text shows that the registry had answered before. ``may``: the phase uses this host or
    another one that is marked so, and nothing tells which.
    """

    phase: Phase
    host: str
    service: str | None = None
    region: str | None = None
    address: str | None = None
    actions: tuple[str, ...] = ()
    resource: str | None = None
    after_manifest: bool = False
    families: tuple[int, ...] = ()
    may: bool = False

    @property
    def is_public(self) -> bool:
        """Whether the host is AWS's or a well-known registry: one that resolves publicly, or to an endpoint."""
        return self.service is not None or is_public(self.host)


def pull_plan(task: Task, reference: ImageReference, symptom: Symptom, *, ipv6_only: bool = False) -> tuple[Flow, ...]:
    """List the connections of this pull, in order; on premises they are what must be open there.

    ``ipv6_only``: the puller has no IPv4 address, so that it signs in at ECR's dual-stack name.
    """
    if reference.ecr is None:
        return _dialled(_elsewhere(reference, symptom), symptom)
    flows = _ecr_flows(reference.ecr, reference.repository, symptom, ipv6_only=ipv6_only)
    if starts_outside_vpc(task):
        flows = flows[1:]
    return _dialled(flows, symptom)


def store_plan(
    task: Task, definition: TaskDefinition, symptom: Symptom, *, ipv6_only: bool = False
) -> tuple[Flow, ...]:
    """List the connections to Secrets Manager and Systems Manager that the start needs before any pull.

    They are those of every container: a task starts only with all that it injects. ECS ignores the credentials of a
    registry where the image is in ECR.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
    """
    if starts_outside_vpc(task):
        return ()
    sources = [parse_value_from(one, task.place) for container in definition.containers for one in container.secrets]
    for container in definition.containers:
        reference = parse_reference(container.image or "")
        if container.registry_credentials and not (reference and reference.ecr):
            sources.append(parse_credentials(container.registry_credentials, task.place))
    services = {"secret": "secretsmanager", "parameter": "ssm"}
    stores = dict.fromkeys((services[one.kind], one.place.region) for one in sources if one)
    flows = []
    for service, region in stores:
        usual = service_host(service, region, task.place.partition, dual_stack=ipv6_only)
        flows.append(
            _flow(
                "prepare",
                _told(symptom, "prepare", region, (f"{service}.", f"{service}-fips.")) or usual,
                service,
                region,
            )
        )
    return _dialled(tuple(flows), symptom)


def starts_outside_vpc(task: Task) -> bool:
    """Whether Fargate signs in and reads secrets by an interface of its own: Linux platform versions before 1.4.0."""
    version = (task.platform_version or "").split(".")
    if (task.platform_family or "").upper().startswith("WINDOWS") or not all(part.isdigit() for part in version):
        return False
    # 1.0.0 is Windows' one; Linux's of that number is long gone.
    return (1, 0) < tuple(int(part) for part in version[:2]) < (1, 4)


def _ecr_flows(registry: EcrRegistry, repository: str, symptom: Symptom, *, ipv6_only: bool) -> tuple[Flow, ...]:
    """The connections of a pull from ECR, all in the Region of the image's registry, and what each asks for."""
    region, partition = registry.region, registry.partition
    usual = service_host("ecr.api", region, partition, dual_stack=ipv6_only)
    api = _told(symptom, "sign-in", region, ("api.ecr", "ecr.", "ecr-fips.")) or usual
    dual_stack = IPV6 in families(registry.host)
    told_layers = _told(symptom, "download", region, (f"{layer_bucket(region)}.",))
    layers = told_layers or layers_host(registry, dual_stack=dual_stack and ipv6_only)
    owned = f"arn:{partition}:ecr:{region}:{registry.account}:repository/{repository}"
    objects = f"arn:{partition}:s3:::{layer_bucket(region)}/*"
    sign_in = _flow("sign-in", api, "ecr.api", region)
    resolve = _flow("resolve", registry.host, "ecr.dkr", region)
    download = _flow("download", layers, "s3", region)
    if dual_stack and not (told_layers or ipv6_only):
        # Nothing tells to which form of S3's name a dual-stack registry redirects.
        download = replace(download, families=())
    return (
        replace(sign_in, actions=("ecr:GetAuthorizationToken",), resource="*"),
        replace(resolve, actions=("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), resource=owned),
        replace(download, actions=("s3:GetObject",), resource=objects, after_manifest=symptom.phase == "download"),
    )


def _elsewhere(reference: ImageReference, symptom: Symptom) -> tuple[Flow, ...]:
    """The connections of a pull from another registry; where nothing tells of its layers, its own host gives them."""
    known = other_registry(reference.host)
    sign_in = (_flow("sign-in", known.sign_in),) if known.sign_in else ()
    return (*sign_in, _flow("resolve", reference.host), *_layers_elsewhere(reference, symptom))


def _layers_elsewhere(reference: ImageReference, symptom: Symptom) -> tuple[Flow, ...]:
    known = other_registry(reference.host)
    downloading = symptom.phase == "download"
    if downloading and symptom.host and not (known.documented and symptom.host == reference.host):
        return (_flow("download", symptom.host),)
    if known.layers:
        own = () if known.documented else (reference.host,)
        return tuple(replace(_flow("download", host), may=True) for host in (*known.layers, *own))
    return (_flow("download", reference.host),) if downloading else ()


def _told(symptom: Symptom, phase: Phase, region: str, starts: tuple[str, ...]) -> str | None:
    """The host that the text shows to have been dialled in this phase, where it is another form of the usual one."""
    host = symptom.host or ""
    return host if symptom.phase == phase and host.startswith(starts) and f".{region}." in host else None


def _flow(phase: Phase, host: str, service: str | None = None, region: str | None = None) -> Flow:
    return Flow(phase, host, service, region, families=families(host))


def _dialled(flows: tuple[Flow, ...], symptom: Symptom) -> tuple[Flow, ...]:
    """The flows, with the dialled address where the text ties it to one by its host or, without one, by its phase."""
    address = _address(symptom)
    fits = [flow for flow in flows if symptom.host in (None, flow.host)]
    fits = [flow for flow in fits if flow.phase == symptom.phase] or (fits if symptom.host else [])
    if address is None or sum(not flow.may for flow in fits) > 1:
        return flows
    return tuple(replace(flow, address=address) if flow in fits else flow for flow in flows)


def _address(symptom: Symptom) -> str | None:
    try:
        return str(ipaddress.ip_address(symptom.address)) if symptom.address else None
    except ValueError:
        return None
