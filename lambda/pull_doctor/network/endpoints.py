"""Which VPC endpoint serves a host name, and which endpoint would have to."""

from __future__ import annotations

from collections.abc import Iterable

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.flows import DNS_SUFFIXES, Flow
from pull_doctor.network.vpc import Vpc
from pull_doctor.resource import Place


def serves(endpoint: VpcEndpoint, host: str, place: Place) -> bool:
    """Whether the endpoint's private DNS covers ``host``: exactly the names in its DnsEntries, ``*`` one label.

    https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
    """
    return endpoint.private_dns and any(_matches(name, host) for name in _private_names(endpoint, place))


def _private_names(endpoint: VpcEndpoint, place: Place) -> tuple[str, ...]:
    names = tuple(name for name in endpoint.dns_names if not name.removeprefix("*.").startswith("vpce-"))
    if names:
        return names
    # EC2 shows the private name last in DnsEntries; where it shows none, the service's classic names stand.
    region = endpoint.service_region or place.region
    suffix = DNS_SUFFIXES.get(place.partition, "amazonaws.com")
    for service, name in (
        (".ecr.api", "api.ecr"),
        (".ecr.dkr", "dkr.ecr"),
        (".ecr-fips.api", "api.ecr-fips"),
        (".ecr-fips.dkr", "dkr.ecr-fips"),
        (".s3", "s3"),
    ):
        if endpoint.service.endswith(service):
            return f"{name}.{region}.{suffix}", f"*.{name}.{region}.{suffix}"
    return ()


def _matches(name: str, host: str) -> bool:
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:]
    return host == name


def resolving_endpoint(flow: Flow, vpc: Vpc, place: Place) -> VpcEndpoint | Unknown | None:
    """The interface endpoint to which the VPC's DNS resolves the host; ``None``: it resolves publicly.

    Private DNS needs both DNS attributes of the VPC.
    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    if flow.service is None:
        return None
    if isinstance(vpc.endpoints, Unknown):
        return vpc.endpoints
    serving = [one for one in vpc.endpoints.value if one.type == "Interface" and serves(one, flow.host, place)]
    # EC2 still lists an endpoint for a while after it was deleted, beside the one that replaces it.
    serving.sort(key=lambda one: one.state != "available")
    endpoint = serving[0] if serving else None
    if endpoint is None or endpoint.inbound_resolver_only:
        return None
    for attribute in (vpc.dns_support, vpc.dns_hostnames):
        if isinstance(attribute, Unknown):
            return attribute
        if not attribute.value:
            return None
    return endpoint


def s3_gateways(endpoints: Iterable[VpcEndpoint], region: str | None, place: Place) -> tuple[VpcEndpoint, ...]:
    """The VPC's S3 gateway endpoints, which serve only their own Region; each route table can have another one."""
    return tuple(
        endpoint
        for endpoint in endpoints
        if endpoint.type == "Gateway" and endpoint.service.endswith(".s3") and region == place.region
    )


def missing_way(flow: Flow, vpc: Vpc, place: Place) -> str | Unknown:
    """Name the cause of a host without any way: which endpoint is missing, or that no route exists."""
    if flow.service is None:
        return "no-route-to-registry"
    if isinstance(vpc.endpoints, Unknown):
        return vpc.endpoints
    interface = tuple(one for one in vpc.endpoints.value if one.type == "Interface")
    if flow.service == "s3":
        dns_off = Known(value=False) in (vpc.dns_support, vpc.dns_hostnames)
        by_endpoint = _reaches_registry(flow, place, interface) and not dns_off
        return "s3-endpoint-missing" if by_endpoint else "no-route-to-registry"
    same = [one for one in interface if _is(one, flow.service)]
    if same:
        return _why_unused(flow, vpc, place, same)
    if any(_is(one, "ecr.api") or _is(one, "ecr.dkr") for one in interface):
        return f"{flow.service.replace('.', '-')}-endpoint-missing"
    return "no-route-to-registry"


def _reaches_registry(flow: Flow, place: Place, endpoints: Iterable[VpcEndpoint]) -> bool:
    """Whether an endpoint serves the registry whose layers the flow downloads, in the image's own Region."""
    suffix = DNS_SUFFIXES.get(place.partition, "amazonaws.com")
    names = [f"registry.dkr.{family}.{flow.region}.{suffix}" for family in ("ecr", "ecr-fips")]
    return any(serves(endpoint, name, place) for endpoint in endpoints for name in names)


def _is(endpoint: VpcEndpoint, service: str) -> bool:
    family, _, member = service.partition(".")
    return endpoint.service.endswith((f".{service}", f".{family}-fips.{member}"))


def _why_unused(flow: Flow, vpc: Vpc, place: Place, same: list[VpcEndpoint]) -> str | Unknown:
    if not any(endpoint.private_dns for endpoint in same):
        return "endpoint-private-dns-off"
    if any(serves(endpoint, flow.host, place) for endpoint in same):
        attributes = (vpc.dns_support, vpc.dns_hostnames)
        if Known(value=False) in attributes:
            return "vpc-dns-off"
        for attribute in attributes:
            if isinstance(attribute, Unknown):
                return attribute
    return "endpoint-lacks-name"
