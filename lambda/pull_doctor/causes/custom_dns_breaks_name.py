"""The VPC's DHCP options name other resolvers than Amazon's, and these do not resolve the name, or not to the endpoint.

The private DNS of a VPC's endpoints is known to Amazon's own resolver in that VPC, and to nobody else. Another resolver
must forward the names of AWS to it. One that asks the internet instead answers with public addresses, past the
endpoint; one that is down, or not reached, answers nothing. What these resolvers answer cannot be read, so that the
finding is `likely` at most: it rests on ECS's text, which shows a failed lookup or a public address.

What mends it: forward AWS's names to the VPC's resolver, or let the DHCP options name AmazonProvidedDNS. Tasks that are
started afterwards follow the new options.
https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
"""

from __future__ import annotations

from ipaddress import ip_address

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.paths import broken_by, hop_evidence, hosts, silence, still_there, undecided
from pull_doctor.causes.shared.network.vpc_endpoints import ECR, STORES, endpoint_resource, listed
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Service, VpcEndpoint
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import of_service, serves
from pull_doctor.network.flows import Flow
from pull_doctor.network.lookups import zone_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make

CAUSE = "custom-dns-breaks-name"
STEPS: tuple[Step, ...] = ("name", "route")


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    service: Fact[Service | None],
) -> Outcome:
    if isinstance(vpc.custom_resolvers, Unknown):
        return Undetermined((vpc.custom_resolvers,))
    resolvers = vpc.custom_resolvers.value
    servers = ", ".join(resolvers)
    culprit = make(task.place, "AWS::EC2::VPC", vpc.id)
    if not resolvers:
        return Ok(f"the DHCP options of {vpc.id} name no resolver but Amazon's")
    broken = broken_by(CAUSE, traces)
    named = Evidence(f"the DHCP options of {vpc.id} name {servers} as resolvers", "fact", (culprit,))
    if symptom.kind == "dns-failure":
        # A resolver on the host itself asks those of the DHCP options in its turn.
        if symptom.resolver and symptom.resolver not in resolvers and not ip_address(symptom.resolver).is_loopback:
            return Ok(f"the lookup asked {symptom.resolver}, which is none of the resolvers of {vpc.id}: {servers}")
        host = symptom.host or image.host
        if not (image.ecr or Flow("resolve", image.host).is_public):
            why = f"{host} may be a name that nobody has, whichever of the resolvers of {vpc.id} is asked"
            return Undetermined((Unknown(f"whether {host} exists", "not-visible", resource=vpc.id, detail=why),))
        return Problem(
            title="custom DNS resolver does not resolve the registry's name",
            explanation=(
                f"{vpc.id} sends lookups to {servers} instead of Amazon's resolver. The lookup of {host} failed, which "
                "is what ECS reports."
            ),
            culprit=culprit,
            evidence=(named, _failed_lookup(host, symptom, vpc, culprit)),
            fixes=_fixes(task, vpc, servers, "have the resolvers answer for the registry's name"),
            still=still_there(task, puller, service),
            inferred=(f"what the resolvers ({servers}) answer cannot be read, and the lookup is taken to fail there",),
            phases=() if symptom.phase == "unknown" else (symptom.phase,),
        )
    if not broken:
        return undecided(STEPS, traces) or Ok(
            f"no path of this pull fails for an answer of {servers}, the resolvers of {vpc.id}"
        )
    passed = tuple(
        one
        for one in of_service(vpc, *ECR, *STORES, "s3")
        if any(serves(one, trace.host, task.place) for trace in broken)
    )
    return Problem(
        title="custom DNS resolver leads past the private endpoint",
        explanation=(
            f"{vpc.id} sends lookups to {servers} instead of Amazon's resolver, which alone knows "
            f"{_private_way(passed, broken, vpc)}. {hosts(broken)} resolved to a public address, which the subnet "
            f"has no way to. {silence(symptom)}"
        ),
        culprit=culprit,
        evidence=(named, *(_serving(one, task) for one in passed), *hop_evidence(broken)),
        fixes=_fixes(task, vpc, servers, "have the resolvers forward AWS's names to Amazon's resolver"),
        still=still_there(task, puller, service),
        inferred=(f"what the resolvers ({servers}) answer cannot be read, and the address is taken to be theirs",),
        traces=broken,
    )


def _private_way(passed: tuple[VpcEndpoint, ...], broken: tuple[Trace, ...], vpc: Vpc) -> str:
    """What the resolver of the VPC would have answered by: private DNS of an endpoint, else a hosted zone."""
    zones = vpc.hosted_zones.value if isinstance(vpc.hosted_zones, Known) else ()
    found = next((zone for trace in broken if (zone := zone_of(trace.host, zones))), None)
    return f"hosted zone {found.id} ({found.name})" if found and not passed else f"the private DNS of {passed[0].id}"


def _serving(endpoint: VpcEndpoint, task: Task) -> Evidence:
    text = f"{listed((endpoint,))} has private DNS on, for those who ask Amazon's resolver"
    return Evidence(text, "fact", (endpoint_resource(task.place, endpoint),))


def _failed_lookup(host: str, symptom: Symptom, vpc: Vpc, item: Resource) -> Evidence:
    asked = f" on {symptom.resolver}" if symptom.resolver else ""
    return Evidence(f"ECS's text shows that the lookup of {host}{asked} failed in {vpc.id}", "text", (item,))


def _fixes(task: Task, vpc: Vpc, servers: str, at_the_resolvers: str) -> tuple[Fix, ...]:
    place = task.place
    amazon = {"DhcpConfigurations": [{"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]}]}
    return (
        Fix(
            at_the_resolvers,
            "your-call",
            place.account,
            place.region,
            effect=f"whatever asks {servers} gets their new answers",
        ),
        Fix(
            f"let {vpc.id} ask Amazon's resolver",
            "fill-in",
            place.account,
            place.region,
            (
                AwsCommand("ec2", "CreateDhcpOptions", amazon),
                AwsCommand("ec2", "AssociateDhcpOptions", {"DhcpOptionsId": "<dhcp-options-id>", "VpcId": vpc.id}),
            ),
            None,
            f"tasks that start in {vpc.id} no longer resolve what only {servers} know, nor get its other DHCP options",
            "none",
        ),
    )
