"""Which VPC endpoint serves a host name, and which endpoint would have to."""

from __future__ import annotations

from collections.abc import Iterable

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.flows import Flow
from pull_doctor.network.hosts import DNS_SUFFIXES
from pull_doctor.network.lookups import answers_of, zone_of
from pull_doctor.network.vpc import Vpc
from pull_doctor.resource import Place


def answers(endpoint: VpcEndpoint) -> bool:
    """Whether anything of the endpoint answers: of a partial one some interfaces do, without a subnet it has none.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html
    """
    return endpoint.state in ("available", "partial") and bool(endpoint.subnets)


def serves(endpoint: VpcEndpoint, host: str, place: Place) -> bool:
    """Whether the endpoint's private DNS is on and covers ``host``, for whoever asks the VPC's resolver."""
    return endpoint.private_dns and not endpoint.inbound_resolver_only and covers(endpoint, host, place)


def covers(endpoint: VpcEndpoint, host: str, place: Place) -> bool:
    """Whether private DNS would cover ``host``: the names in the endpoint's DnsEntries, and one label below them.

    EC2 shows the registry's name with and without ``*.`` before it.
    https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
    """
    return domain_of(endpoint, host, place) is not None


def domain_of(endpoint: VpcEndpoint, host: str, place: Place) -> str | None:
    """The domain that private DNS of the endpoint takes over and that has ``host``, if it does."""
    names = {name.removeprefix("*.") for name in private_names(endpoint, place)}
    return next((name for name in (host, host.partition(".")[2]) if name in names), None)


def of_service(vpc: Vpc, *services: str) -> tuple[VpcEndpoint, ...]:
    """The VPC's interface endpoints of these services (``ecr.dkr``), their FIPS forms too, of whatever Region."""
    known = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    interfaces = (one for one in known if one.type == "Interface")
    return tuple(one for one in interfaces if any(is_of_service(one, service) for service in services))


def private_names(endpoint: VpcEndpoint, place: Place) -> tuple[str, ...]:
    """The names that the endpoint takes over with private DNS on."""
    written = (name.lower() for name in endpoint.dns_names)
    names = tuple(name for name in written if not name.removeprefix("*.").startswith("vpce-"))
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
        (".secretsmanager", "secretsmanager"),
        (".ssm", "ssm"),
    ):
        if endpoint.service.endswith(service):
            return f"{name}.{region}.{suffix}", f"*.{name}.{region}.{suffix}"
    return ()


def resolving_endpoint(flow: Flow, vpc: Vpc, place: Place) -> VpcEndpoint | Unknown | None:
    """The interface endpoint to which the VPC's own resolver leads the host; ``None``: it resolves publicly.

    Private DNS needs both DNS attributes of the VPC. An endpoint that does not answer is returned where no other serves
    the name.
    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    if flow.service is None:
        return None
    if isinstance(vpc.endpoints, Unknown):
        return vpc.endpoints
    serving = [one for one in vpc.endpoints.value if one.type == "Interface" and serves(one, flow.host, place)]
    if not serving:
        return None
    attributes = (vpc.dns_support, vpc.dns_hostnames)
    if Known(value=False) in attributes:
        return None
    unread = next((attribute for attribute in attributes if isinstance(attribute, Unknown)), None)
    if unread:
        return unread
    # EC2 still lists an endpoint for a while after it was deleted, beside the one that replaces it.
    return min(serving, key=lambda one: (not answers(one), one.state != "available"))


def s3_gateways(endpoints: Iterable[VpcEndpoint], region: str | None, place: Place) -> tuple[VpcEndpoint, ...]:
    """The VPC's S3 gateway endpoints, which serve only their own Region; each route table can have another one."""
    return tuple(
        endpoint
        for endpoint in endpoints
        if endpoint.type == "Gateway" and endpoint.service.endswith(".s3") and region == place.region
    )


def missing_way(flow: Flow, vpc: Vpc, place: Place) -> str | Unknown:
    """Name the cause of a host without a public way: what keeps an endpoint from serving it, or that there is none."""
    if flow.service is None:
        return "no-route-to-registry"
    if isinstance(vpc.endpoints, Unknown):
        return vpc.endpoints
    if past := _past_zone(flow.host, vpc):
        return past
    same = of_service(vpc, flow.service)
    covering = [one for one in same if covers(one, flow.host, place)]
    if flow.service == "s3":
        # An endpoint for other machines' use is no way of the VPC's; the gateway endpoint is what it lacks.
        covering = [one for one in covering if serves(one, flow.host, place)]
    if covering:
        return _why_unused(covering, vpc)
    if flow.service == "s3":
        return _missing_way_to_layers(_registry_by_endpoint(flow, vpc, place))
    if flow.phase == "prepare":
        return "no-route-to-registry"
    if same:
        return "endpoint-lacks-name"
    if of_service(vpc, "ecr.api", "ecr.dkr"):
        return f"{flow.service.replace('.', '-')}-endpoint-missing"
    return "no-route-to-registry"


def _past_zone(host: str, vpc: Vpc) -> str | Unknown | None:
    """Why the name led past a private hosted zone that has it: zones need both DNS attributes, and Amazon's resolver.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html
    """
    zone = zone_of(host, vpc.hosted_zones.value) if isinstance(vpc.hosted_zones, Known) else None
    off = Known(value=False) in (vpc.dns_support, vpc.dns_hostnames)
    if zone and zone.records is None and off:
        why = f"{zone.id} ({zone.name}) may have the name, and does not answer while a DNS attribute of {vpc.id} is off"
        return Unknown(f"the records of hosted zone {zone.id}", "not-visible", resource=zone.id, detail=why)
    if zone is None or not answers_of(host, zone):
        return None
    if off:
        return "vpc-dns-off"
    if vpc.custom_resolvers == Known(()):
        return None
    return vpc.custom_resolvers if isinstance(vpc.custom_resolvers, Unknown) else "custom-dns-breaks-name"


def _why_unused(covering: list[VpcEndpoint], vpc: Vpc) -> str | Unknown:
    """Why none of the endpoints that could serve the name does, for a name that led past them."""
    if not any(endpoint.private_dns for endpoint in covering):
        return "endpoint-private-dns-off"
    attributes = (vpc.dns_support, vpc.dns_hostnames)
    if Known(value=False) in attributes:
        return "vpc-dns-off"
    unread = next((attribute for attribute in attributes if isinstance(attribute, Unknown)), None)
    if unread:
        return unread
    if not any(endpoint.private_dns and answers(endpoint) for endpoint in covering):
        return "endpoint-not-available"
    # Only other resolvers lead past an endpoint that serves the name.
    return "custom-dns-breaks-name"


def _missing_way_to_layers(registry_by_endpoint: bool | Unknown) -> str | Unknown:  # noqa: FBT001 - a fact, not a switch
    if isinstance(registry_by_endpoint, Unknown):
        return registry_by_endpoint
    return "s3-endpoint-missing" if registry_by_endpoint else "no-route-to-registry"


def _registry_by_endpoint(flow: Flow, vpc: Vpc, place: Place) -> bool | Unknown:
    """Whether an endpoint serves the registry whose layers the flow downloads, in the image's own Region.

    A hosted zone does what private DNS does. Where the text shows that the manifest came, and there is no public way,
    it came by the endpoint in whatever manner.
    """
    suffix = DNS_SUFFIXES.get(place.partition, "amazonaws.com")
    names = [f"registry.dkr.{family}.{flow.region}.{suffix}" for family in ("ecr", "ecr-fips")]
    there = [one for one in of_service(vpc, "ecr.dkr") if any(covers(one, name, place) for name in names)]
    if flow.after_manifest or not there:
        return bool(there)
    # Private DNS and hosted zones alike need both attributes.
    if Known(value=False) in (vpc.dns_support, vpc.dns_hostnames):
        return False
    zones = () if any(one.private_dns for one in there) else (vpc.hosted_zones,)
    unread = next((one for one in (vpc.dns_support, vpc.dns_hostnames, *zones) if isinstance(one, Unknown)), None)
    return unread or not zones or any(_by_zone(name, vpc) for name in names)


def _by_zone(host: str, vpc: Vpc) -> bool:
    """Whether a private hosted zone of the VPC answers with an address for the host."""
    zone = zone_of(host, vpc.hosted_zones.value) if isinstance(vpc.hosted_zones, Known) else None
    return zone is not None and bool(answers_of(host, zone))


def is_of_service(endpoint: VpcEndpoint, service: str) -> bool:
    """Whether the endpoint is one of this service (``ecr.dkr``), or of its FIPS form."""
    family, _, member = service.partition(".")
    return endpoint.service.endswith((f".{service}", f".{family}-fips.{member}"))
