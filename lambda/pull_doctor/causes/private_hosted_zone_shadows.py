"""A private hosted zone of the VPC has the registry's name, and answers it wrongly or not at all.

A private hosted zone answers for its name and for everything below it, in every VPC that it is associated with. A name
for which it has no record does not exist there, whatever the internet says: the lookup fails with "no such host". A
record that still has the addresses of an endpoint that is gone leads the pull to where nothing answers. Of several
zones, and of the private DNS of endpoints, the most specific one answers.

What mends it: a record for the name that leads to the VPC's endpoint, or the zone taken off the VPC.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    failing_hop,
    hop_evidence,
    hosts,
    spoken_of,
    still_there,
    undecided,
)
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import HostedZone, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import answers, covers
from pull_doctor.network.lookups import answers_of, zone_of
from pull_doctor.network.placing import endpoint_at
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "private-hosted-zone-shadows"


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    if isinstance(vpc.hosted_zones, Unknown):
        return Undetermined((vpc.hosted_zones,))
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(("name",), traces) or Ok(_why_ok(vpc, vpc.hosted_zones.value, traces))
    told = spoken_of(broken, symptom)
    hop = failing_hop(CAUSE, told)
    zone = zone_of(told.host, vpc.hosted_zones.value)
    assert hop is not None
    assert zone is not None
    culprit = make(task.place, "AWS::Route53::HostedZone", zone.id)
    found = ", ".join(answers_of(told.host, zone))
    hidden = tuple(trace for trace in broken if zone_of(trace.host, vpc.hosted_zones.value) == zone)
    result = (
        f"leads it to {found}, which does not serve it"
        if found
        else "has no address of it, so that the lookup ends there: no other name server is asked"
    )
    return Problem(
        title="private hosted zone leads the registry's name astray"
        if found
        else "private hosted zone hides the registry's name",
        explanation=f"Hosted zone {zone.id} ({zone.name}) answers for {hosts(hidden)} in {vpc.id}. It {result}.",
        culprit=culprit,
        evidence=(
            Evidence(f"hosted zone {zone.id} ({zone.name}) is associated with {vpc.id}", "fact", (culprit,)),
            *hop_evidence(broken),
        ),
        fixes=_fixes(task, vpc, zone, told),
        still=still_there(task, puller, service),
        inferred=_inferred(told, found, symptom, vpc),
        traces=broken,
    )


def _inferred(told: Trace, found: str, symptom: Symptom, vpc: Vpc) -> tuple[str, ...]:
    if told.address and endpoint_at(told.address, vpc) is None:
        return (f"that nothing else has {told.address} is concluded: of interfaces, those of endpoints are read",)
    if not found and symptom.kind not in ("dns-failure", *SILENT):
        return (f"a name that is hidden shows as a failed lookup, and ECS's text tells of {symptom.kind}",)
    return ()


def _why_ok(vpc: Vpc, zones: tuple[HostedZone, ...], traces: tuple[Trace, ...]) -> str:
    over = {trace.host: zone for trace in traces if (zone := zone_of(trace.host, zones))}
    if not over:
        return f"no private hosted zone of {vpc.id} has a name of this pull"
    led = next(((host, zone) for host, zone in over.items() if answers_of(host, zone)), None)
    if led is None:
        return f"no lookup of this pull ends at a hosted zone of {vpc.id}"
    host, zone = led
    return f"hosted zone {zone.id} ({zone.name}) of {vpc.id} leads {host} to {', '.join(answers_of(host, zone))}"


def _fixes(task: Task, vpc: Vpc, zone: HostedZone, told: Trace) -> tuple[Fix, ...]:
    place = task.place
    fixes = []
    endpoints = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    endpoint = next((one for one in endpoints if answers(one) and covers(one, told.host, place)), None)
    interfaces = vpc.endpoint_interfaces.value if isinstance(vpc.endpoint_interfaces, Known) else ()
    own = [one.private_ip for one in interfaces if endpoint and one.id in endpoint.interfaces and one.private_ip]
    if endpoint and own:
        record = {
            "Name": told.host,
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": address} for address in own],
        }
        change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        fixes.append(
            Fix(
                f"let the zone lead the name to {endpoint.id}",
                "your-call",
                place.account,
                place.region,
                (AwsCommand("route53", "ChangeResourceRecordSets", {"HostedZoneId": zone.id, "ChangeBatch": change}),),
                effect=f"{told.host} leads to {endpoint.id} in every VPC that {zone.id} is associated with",
            )
        )
    vpc_of_zone = {"VPCRegion": place.region, "VPCId": vpc.id}
    taken_off = AwsCommand("route53", "DisassociateVPCFromHostedZone", {"HostedZoneId": zone.id, "VPC": vpc_of_zone})
    return (
        *fixes,
        Fix(
            "take the zone off the VPC, if nothing else needs it there (off its only VPC it can only be deleted)",
            "your-call",
            place.account,
            place.region,
            (taken_off,),
            effect=f"no name below {zone.name} is answered by {zone.id} in {vpc.id} any more",
        ),
    )
