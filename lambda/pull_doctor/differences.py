"""Which facts differ between two readings, in words.

Only what was read both times is compared: a fact that is unknown in one of them says nothing. Left out is what differs
from task to task (running tasks, the failed task's interface, ids and counts of deployments) and what AWS changes by
itself. No note says why something differs, or that it mattered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

from pull_doctor.causes.shared.images import moment
from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import (
    AccessExclusion,
    AclEntry,
    Deployment,
    EcrLookup,
    EcrManifest,
    EgressOnlyGateway,
    FirewallRule,
    GroupRule,
    InternetGateway,
    RegistryLookup,
    RepositoryNames,
    Route,
    Service,
    Simulated,
    ZoneRecord,
)
from pull_doctor.intake.image_reference import ecr_host, parse_ecr_host
from pull_doctor.report.model import Note
from pull_doctor.resource import Place, make

MOST = 12
"""How many notes there are at most; where more facts differ, the last one says how many."""


def differences(before: Answers, after: Answers, first: Collection[str] = ()) -> tuple[Note, ...]:
    """Say which facts differ; the same facts, in whatever order AWS gave them, say nothing.

    Notes about the things whose ids or ARNs are ``first`` come first, then the workload, its image and role, the VPC.
    """
    order = {kind: number for number, kind in enumerate(_KINDS)}
    found: dict[Note, None] = {}
    compared = [(question, fact, after.get(question)) for question, fact in before if type(question) in order]
    for question, was, now in sorted(compared, key=lambda one: (order[type(one[0])], repr(one[0]))):
        if isinstance(was, Known) and isinstance(now, Known) and was.value != now.value:
            found |= dict.fromkeys(_notes(question, was.value, now.value))
    notes = sorted(found, key=lambda note: not any({one.id, one.arn} & set(first) for one in note.resources))
    if len(notes) <= MOST:
        return tuple(notes)
    return (*notes[: MOST - 1], Note(f"and {len(notes) - MOST + 1} more"))


def _notes(question: Question[Any], was: Any, now: Any) -> Iterator[Note]:
    kind = _KINDS[type(question)]
    place = _place(question)
    for name, said in kind.say(question, was, now):
        found = name if kind.named is None else kind.named(question)
        yield Note(f"{name} {said}", (make(place, kind.resource, found),) if kind.resource else ())


def _place(question: Question[Any]) -> Place:
    """Where the thing is; a repository's account is its registry's."""
    account, region = getattr(question, "registry", question.account), question.region
    registry = parse_ecr_host(ecr_host(account, region))  # it knows the partition of a Region
    return Place(registry.partition if registry else "aws", account, region)


Said = Iterator[tuple[str, str]]
"""What a note is about, and what it says of that."""


def _service(question: ask.OneService, was: Service | None, now: Service | None) -> Said:
    name = f"service {question.service}"
    if was is None or now is None:
        yield name, "is gone" if was else "exists now"
        return
    old, new = _primary(was), _primary(now)
    if old is None or new is None:
        return
    if old.task_definition != new.task_definition:
        runs, ran = (str(one.task_definition).rpartition("/")[2] for one in (new, old))
        yield name, f"has {runs} as its primary deployment now, not {ran}"
    for member, words in (("subnets", "subnets"), ("groups", "security groups")):
        if set(getattr(old, member)) != set(getattr(new, member)):
            yield name, f"has {_said(getattr(new, member))} as the {words} of its primary deployment now"
    if old.assign_public_ip != new.assign_public_ip:
        gives = "gives tasks a public address" if new.assign_public_ip else "gives tasks no public address"
        yield name, f"{gives} now, in {_said(new.subnets)}"


def _primary(service: Service) -> Deployment | None:
    return next((one for one in service.deployments if one.status == "PRIMARY"), None)


def _ecr_image(question: ask.EcrImageOf, was: EcrLookup, now: EcrLookup) -> Said:
    if was.missing != now.missing:
        repository = f"its repository is {'missing, too' if now.missing == 'repository' else 'there'}"
        yield question.fact, f"is missing now, and {repository}" if now.missing else "exists now"
    elif was.image and now.image:
        yield from _pointed(question, was.image.digest, now.image.digest)
        if was.image.status != now.image.status:
            yield question.fact, f"has status {now.image.status} now, not {was.image.status}"


def _manifest(question: ask.EcrManifestOf, was: EcrManifest | None, now: EcrManifest | None) -> Said:
    """Whether there is one is told of the image."""
    if was and now:
        yield from _one(question, was, now)


def _registry_image(question: ask.RegistryImage, was: RegistryLookup, now: RegistryLookup) -> Said:
    if was.answer != now.answer:
        answers = {"found": "is found now", "missing": "is missing now", "hidden": "is not shown to everybody now"}
        yield question.fact, answers[now.answer]
    else:
        yield from _pointed(question, was.digest, now.digest)


def _pointed(question: Question[Any], was: str | None, now: str | None) -> Said:
    if was and now and was != now:
        yield question.fact, f"has digest {now} now, not {was}"


def _repositories(question: ask.EcrRepositories, was: RepositoryNames, now: RepositoryNames) -> Said:
    if was.complete and now.complete:
        registry = f"of registry {question.registry} ({question.region})"
        yield from ((f"repository {name} {registry}", "is new") for name in sorted(set(now.names) - set(was.names)))
        yield from ((f"repository {name} {registry}", "is gone") for name in sorted(set(was.names) - set(now.names)))


def _simulated(question: ask.Simulation, was: tuple[Simulated, ...] | None, now: tuple[Simulated, ...] | None) -> Said:
    decisions = {"allowed": "is allowed", "explicitDeny": "is denied", "implicitDeny": "is not allowed"}
    old = {one.action: one.decision for one in was or ()}
    for one in now or ():
        if one.action in old and old[one.action] != one.decision:
            told = f"{one.action} on {question.resource} {decisions[one.decision]} now"
            yield f"role {question.role}:", f"{told}; it {decisions[old[one.action]].replace('is', 'was', 1)}"


def _attached(
    question: ask.InternetGateways | ask.EgressOnlyGateways,
    was: tuple[InternetGateway | EgressOnlyGateway, ...],
    now: tuple[InternetGateway | EgressOnlyGateway, ...],
) -> Said:
    """The gateways of this VPC alone: the answer has all of the Region."""
    old, new = ({one.id for one in each if question.vpc in one.vpcs} for each in (was, now))
    yield from ((name, f"is attached to {question.vpc} now") for name in sorted(new - old))
    yield from ((name, f"is not attached to {question.vpc} any more") for name in sorted(old - new))


def _switched(question: Question[Any], _: bool, now: bool) -> Said:  # noqa: FBT001 - the values of an answer
    yield f"{question.fact}:", "on now, not off" if now else "off now, not on"


def _whole(question: Question[Any], was: str | None, now: str | None) -> Said:
    """A text that is not told, such as a policy."""
    yield question.fact, "has changed" if was and now else "exists now" if now else "is gone"


def _member_of(question: ask.Organization, _: str | None, now: str | None) -> Said:
    yield f"account {question.account}", f"is in organization {now} now" if now else "is in no organization now"


def _one(question: Question[Any], was: Any, now: Any) -> Said:
    """One thing that may not exist."""
    if was is None or now is None:
        yield question.fact, "is gone" if was else "exists now"
    else:
        yield from ((question.fact, said) for said in _members(was, now))


def _of_vpc(question: ask.OneVpc | ask.DnsFirewallOf, was: Any, now: Any) -> Said:
    yield from ((question.vpc, said) for _, said in _one(question, was, now))


def _prefix_list(question: ask.PrefixListEntries, was: Any, now: Any) -> Said:
    yield from ((f"prefix list {question.prefix_list}", said) for _, said in _one(question, was, now))


def _things(question: ask.OfAVpc[Any], was: tuple[Any, ...], now: tuple[Any, ...]) -> Said:
    """Things of one kind, each with an id."""
    old, new = ({one.id: one for one in each} for each in (was, now))
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new:
            yield from ((name, said) for said in _members(old[name], new[name]))
        else:
            thing = new.get(name) or old[name]
            what = next((value for one in _TELLING if (value := getattr(thing, one, None))), None)
            there = f"is new in {question.vpc}" if name in new else f"is gone from {question.vpc}"
            yield name, f"({what}) {there}" if what else there


def _members(was: Any, now: Any) -> Iterator[str]:
    """What differs between two values of one thing, member by member."""
    for field in fields(was):
        member, old, new = field.name, getattr(was, field.name), getattr(now, field.name)
        words = _WORDS.get(member, member.replace("_", " "))
        if member in _UNTOLD or old == new or (member == "dns_names" and was.private_dns != now.private_dns):
            continue
        if member in _SWITCHES:
            yield _SWITCHES[member][0 if new else 1]
        elif member in _TEXTS:
            yield f"has another {words}" if old and new else f"has {'a' if new else 'no'} {words} now"
        elif isinstance(old, tuple) and isinstance(new, tuple):
            if member == "routes":
                yield from _states(old, new)
            held, holds = _phrases(member, words, old), _phrases(member, words, new)
            yield from (f"has {phrase} now" for phrase in sorted(holds - held))
            yield from (f"no longer has {phrase}" for phrase in sorted(held - holds))
        elif old is None:
            yield f"has {words} {_said(new)} now"
        elif new is None:
            yield f"no longer has {words} {_said(old)}"
        else:
            yield f"has {words} {_said(new)} now, not {_said(old)}"


def _states(was: tuple[Route, ...], now: tuple[Route, ...]) -> Iterator[str]:
    old, new = ({(one.destination, one.target): one.state for one in each} for each in (was, now))
    for destination, target in sorted(old.keys() & new.keys()):
        state, before = new[destination, target], old[destination, target]
        if state != before:
            yield f"has the route {destination} -> {target} in state {state} now, not {before}"


_WORDS = {
    "boundary": "permissions boundary",
    "cidrs": "addresses",
    "deleted_at": "date of deletion",
    "dhcp_options": "DHCP option set",
    "dns_names": "DNS names",
    "groups": "security groups",
    "ipv6": "IPv6 addresses",
    "ipv6_cidrs": "IPv6 addresses",
    "key": "KMS key",
    "private_ip": "private address",
    "public_ip": "public address",
    "trust": "trust policy",
}
_TEXTS = ("policy", "trust")
_SWITCHES = {
    "main": ("is the main route table now", "is not the main route table any more"),
    "private_dns": ("has private DNS on now", "has private DNS off now"),
    "inbound_resolver_only": (
        "has private DNS for inbound resolvers only now",
        "has private DNS for all of the VPC now",
    ),
    "private": ("is private now", "is public now"),
    "regional": ("is regional now", "is zonal now"),
}
_UNTOLD = ("interfaces", "managed_by", "tags", "gateway_block")
"""Members that follow from another one that is told, or that no pull depends on."""


_TELLING = ("service", "name", "domain")
"""Members that say what a thing is for, where its id alone does not."""


def _phrases(member: str, words: str, elements: tuple[Any, ...]) -> set[str]:
    """Each element as a noun phrase."""
    phrases = set()
    for one in elements:
        if isinstance(one, Route):
            phrases.add(f"the route {one.destination} -> {one.target}")
        elif isinstance(one, AclEntry):
            does, way = "allows" if one.allow else "denies", "out to" if one.egress else "in from"
            phrases.add(f"rule {one.number} ({does} {_traffic(one.protocol, one.ports)} {way} {one.cidr})")
        elif isinstance(one, GroupRule):
            traffic = f"{_traffic(one.protocol, one.ports)} {'out to' if member == 'egress' else 'in from'}"
            peers = (*one.cidrs, *one.groups, *one.prefix_lists)
            phrases |= {f"a rule that allows {traffic} {peer}" for peer in peers}
        elif isinstance(one, ZoneRecord):
            phrases.add(f"the record {one.name} {one.type} {_said(one.values)}")
        elif isinstance(one, AccessExclusion):
            phrases.add(f"{one.resource} ({one.mode}) among its {words}")
        elif isinstance(one, FirewallRule):
            on = one.domain_list if one.domains is None else _said(one.domains)
            phrases.add(f"DNS Firewall rule {one.priority} of {one.group} ({one.action} {on})")
        else:
            phrases.add(f"{one} among its {words}")
    return phrases


def _traffic(protocol: str, ports: tuple[int, int] | None) -> str:
    if protocol == "-1":
        return "everything"
    name = {"1": "icmp", "6": "tcp", "17": "udp", "tcp": "tcp", "udp": "udp", "icmp": "icmp"}.get(
        protocol, f"protocol {protocol}"
    )
    if ports is None:
        return name
    return f"{name} {'-'.join(map(str, dict.fromkeys(ports)))}"


def _said(value: Any) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, tuple):
        return ", ".join(sorted(map(str, value))) or "none"
    return str(value)


class _Kind(NamedTuple):
    """How the differences of one kind of question are told.

    ``resource`` is CloudFormation's type of what they are about, and ``named`` takes its name from the question where
    that is not what the note begins with.
    """

    say: Callable[[Any, Any, Any], Said]
    resource: str | None = None
    named: Callable[[Any], str] | None = None


_KINDS: dict[type[Question[Any]], _Kind] = {
    ask.OneService: _Kind(_service, "AWS::ECS::Service", lambda asked: f"{asked.cluster}/{asked.service}"),
    ask.OneTaskDefinition: _Kind(_one, "AWS::ECS::TaskDefinition", lambda asked: asked.arn),
    ask.EcrImageOf: _Kind(_ecr_image, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.EcrManifestOf: _Kind(_manifest, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.RegistryImage: _Kind(_registry_image),
    ask.RepositoryPolicy: _Kind(_whole, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.OneRole: _Kind(_one, "AWS::IAM::Role", lambda asked: asked.role),
    ask.Simulation: _Kind(_simulated, "AWS::IAM::Role", lambda asked: asked.role),
    ask.OneSecret: _Kind(_one, "AWS::SecretsManager::Secret", lambda asked: asked.secret),
    ask.SecretPolicy: _Kind(_whole, "AWS::SecretsManager::Secret", lambda asked: asked.secret),
    ask.OneParameter: _Kind(_one, "AWS::SSM::Parameter", lambda asked: asked.parameter),
    ask.Organization: _Kind(_member_of),
    ask.OneInstance: _Kind(_one, "AWS::EC2::Instance", lambda asked: asked.instance),
    ask.OneInstanceProfile: _Kind(_one, "AWS::IAM::InstanceProfile", lambda asked: asked.arn),
    ask.OneVpc: _Kind(_of_vpc, "AWS::EC2::VPC"),
    ask.DnsSupport: _Kind(_switched, "AWS::EC2::VPC", lambda asked: asked.vpc),
    ask.DnsHostnames: _Kind(_switched, "AWS::EC2::VPC", lambda asked: asked.vpc),
    ask.RouteTables: _Kind(_things, "AWS::EC2::RouteTable"),
    ask.VpcEndpoints: _Kind(_things, "AWS::EC2::VPCEndpoint"),
    ask.SecurityGroups: _Kind(_things, "AWS::EC2::SecurityGroup"),
    ask.NetworkAcls: _Kind(_things, "AWS::EC2::NetworkAcl"),
    ask.NatGateways: _Kind(_things, "AWS::EC2::NatGateway"),
    ask.InternetGateways: _Kind(_attached, "AWS::EC2::InternetGateway"),
    ask.EgressOnlyGateways: _Kind(_attached, "AWS::EC2::EgressOnlyInternetGateway"),
    ask.BlockPublicAccessOf: _Kind(_one),
    ask.PrefixListEntries: _Kind(_prefix_list, "AWS::EC2::PrefixList", lambda asked: asked.prefix_list),
    ask.HostedZones: _Kind(_things, "AWS::Route53::HostedZone"),
    ask.ResolverRules: _Kind(_things, "AWS::Route53Resolver::ResolverRule"),
    ask.DnsFirewallOf: _Kind(_of_vpc, "AWS::EC2::VPC"),
    ask.Subnets: _Kind(_things, "AWS::EC2::Subnet"),
    ask.EcrRepositories: _Kind(_repositories),
}
"""What is compared, in the order in which it is told."""
