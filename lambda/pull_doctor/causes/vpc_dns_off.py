"""The VPC's DNS support is off, or its DNS hostnames are off where the pull relies on an endpoint's private DNS.

Without DNS support the VPC's own resolver answers for no name at all. Private DNS of an interface endpoint needs DNS
support and DNS hostnames both, as a private hosted zone does; a new VPC has the second one off unless it is the default
VPC. The names of ECR then lead to public addresses, which a subnet without internet access does not reach. A VPC that
leaves by a NAT gateway works with DNS hostnames off, and one whose DHCP options name other resolvers with DNS support
off.

What mends it: the attribute turned on.
https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
"""

from __future__ import annotations

from collections.abc import Iterable

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    failing_hop,
    hop_evidence,
    silence,
    spoken_of,
    still_there,
    undecided,
)
from pull_doctor.causes.shared.network.vpc_endpoints import ECR, STORES, dns_attributes, endpoint_resource, listed
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import HostedZone, Service, VpcEndpoint
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import of_service, serves
from pull_doctor.network.lookups import zone_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "vpc-dns-off"
STEPS: tuple[Step, ...] = ("name", "route", "internet")
OFF = Known(value=False)


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    broken = broken_by(CAUSE, traces)
    if not broken:
        return _not_broken(vpc, traces)
    if symptom.kind == "dns-failure" and vpc.dns_support != OFF:
        why = f"{vpc.id} has DNS support on, and DNS hostnames that are off make no lookup fail"
        return Undetermined((Unknown("why the lookup failed", "not-visible", resource=vpc.id, detail=why),))
    culprit = make(task.place, "AWS::EC2::VPC", vpc.id)
    told = spoken_of(broken, symptom)
    hop = failing_hop(CAUSE, told)
    unresolved = hop is not None and hop.step == "name"
    relied = tuple(
        one
        for one in of_service(vpc, *ECR, *STORES, "s3")
        if any(serves(one, trace.host, task.place) for trace in broken)
    )
    zones = _zones(vpc, [trace for trace in broken if not any(serves(one, trace.host, task.place) for one in relied)])
    return Problem(
        title="DNS support is off in the VPC" if vpc.dns_support == OFF else "DNS hostnames are off in the VPC",
        explanation=(
            f"{_why(vpc, told, relied, zones, unresolved=unresolved)} {'' if unresolved else silence(symptom)}".rstrip()
        ),
        culprit=culprit,
        evidence=(
            *(
                Evidence(f"{vpc.id} has {name}=false", "fact", (culprit,))
                for name, fact in (("enableDnsSupport", vpc.dns_support), ("enableDnsHostnames", vpc.dns_hostnames))
                if fact == OFF
            ),
            *(
                Evidence(
                    f"{listed((one,))} has private DNS on, which needs both attributes",
                    "fact",
                    (endpoint_resource(task.place, one),),
                )
                for one in relied
            ),
            *(
                Evidence(
                    f"hosted zone {one.id} ({one.name}) of {vpc.id} answers only with both attributes on",
                    "fact",
                    (make(task.place, "AWS::Route53::HostedZone", one.id),),
                )
                for one in zones
            ),
            *hop_evidence((told,)),
        ),
        fixes=(_fix(task, vpc, relied, zones),),
        still=still_there(task, puller, service),
        inferred=_inferred(vpc, told, unresolved=unresolved),
        traces=broken,
    )


def _zones(vpc: Vpc, broken: Iterable[Trace]) -> tuple[HostedZone, ...]:
    """The private hosted zones that would answer for the hosts of these paths."""
    known = vpc.hosted_zones.value if isinstance(vpc.hosted_zones, Known) else ()
    found = (zone_of(trace.host, known) for trace in broken)
    return tuple(dict.fromkeys(zone for zone in found if zone))


def _not_broken(vpc: Vpc, traces: tuple[Trace, ...]) -> Outcome:
    if vpc.dns_support == vpc.dns_hostnames == Known(value=True):
        return Ok(f"{vpc.id} has DNS support and DNS hostnames on")
    open_steps = undecided(STEPS, traces)
    if open_steps:
        return open_steps
    if vpc.dns_support == Known(value=True):
        return Ok(f"{vpc.id} has DNS support on, and no path of this pull fails for want of DNS hostnames")
    return Ok(f"no path of this pull fails for the DNS attributes of {vpc.id}")


def _why(
    vpc: Vpc, told: Trace, relied: tuple[VpcEndpoint, ...], zones: tuple[HostedZone, ...], *, unresolved: bool
) -> str:
    if unresolved:
        return f"{vpc.id} has DNS support off, so that its resolver answers for no name, {told.host} among them."
    off = "support is" if vpc.dns_support == OFF else "hostnames are"
    zone = zone_of(told.host, zones)
    private = (
        f"Hosted zone {zone.id} ({zone.name}) would answer for {told.host}"
        if zone
        else f"{listed(relied)} would serve {told.host} by private DNS"
    )
    return (
        f"{private}, which does not work while the DNS {off} off in {vpc.id}. The name resolves to public addresses, "
        "which the subnet has no way to."
    )


def _inferred(vpc: Vpc, told: Trace, *, unresolved: bool) -> tuple[str, ...]:
    if told.address and vpc.dns_support == OFF:
        return (f"{told.host} resolved when the pull failed: DNS support of {vpc.id} may have been turned off since",)
    if unresolved or told.address or vpc.custom_resolvers == Known(()):
        return ()
    return (f"ECS's text shows no address, and other resolvers of {vpc.id} could lead to the endpoint all the same",)


def _fix(task: Task, vpc: Vpc, relied: tuple[VpcEndpoint, ...], zones: tuple[HostedZone, ...]) -> Fix:
    commands: tuple[AwsCommand, ...] = dns_attributes(vpc)
    if not (relied or zones):
        # Only private DNS and zones need the hostnames.
        commands = tuple(one for one in commands if "EnableDnsSupport" in one.parameters)
    names = [name for one in commands for name in one.parameters if name != "VpcId"]
    turned = " and ".join({"EnableDnsSupport": "support", "EnableDnsHostnames": "hostnames"}[name] for name in names)
    leads = f", AWS's to {' and '.join(one.id for one in relied)}" if relied else ""
    return Fix(
        f"turn on DNS {turned} in {vpc.id}",
        "exact",
        task.place.account,
        task.place.region,
        commands,
        None,
        f"names resolve anew everywhere in {vpc.id}{leads}",
        "none",
    )
