"""What is compared of two readings, each kind of question with how its differences are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pull_doctor.causes.shared.image.platforms import written
from pull_doctor.differences.members import members, said
from pull_doctor.facts import questions as ask
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import (
    CacheRule,
    CacheRuleState,
    ContainerInstance,
    Deployment,
    EcrLookup,
    EgressOnlyGateway,
    InternetGateway,
    Manifest,
    RegistryLookup,
    RegistryRules,
    Replication,
    RepositoryNames,
    RolePolicies,
    Service,
    Simulated,
)

_TELLING = ("service", "name", "domain")
"""Members that say what a thing is for, where its id alone does not."""

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
            yield name, f"has {said(getattr(new, member))} as the {words} of its primary deployment now"
    if old.assign_public_ip != new.assign_public_ip:
        gives = "gives tasks a public address" if new.assign_public_ip else "gives tasks no public address"
        yield name, f"{gives} now, in {said(new.subnets)}"


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


def _manifest(question: ask.EcrManifestOf | ask.RegistryManifest, was: Manifest | None, now: Manifest | None) -> Said:
    """Whether there is one is told of the image."""
    if was is None or now is None:
        return
    old, new = ({written(one) for one in each.platforms or ()} for each in (was, now))
    yield from ((question.fact, f"has {one} among its platforms now") for one in sorted(new - old))
    yield from ((question.fact, f"no longer has {one} among its platforms") for one in sorted(old - new))
    for member, words in (("media_type", "media type"), ("config_type", "configuration type")):
        then, today = getattr(was, member), getattr(now, member)
        if then and today and then != today:
            yield question.fact, f"has {words} {today} now, not {then}"


def _copies(
    question: ask.ReplicationOf, was: tuple[Replication, ...] | None, now: tuple[Replication, ...] | None
) -> Said:
    old = {(one.account, one.region): one.status for one in was or ()}
    for one in now or ():
        before = old.get((one.account, one.region), one.status)
        if before != one.status:
            copy = f"{question.fact} to registry {one.account} ({one.region})"
            yield copy, f"has status {one.status} now, not {before}"


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


def _policies(question: ask.PoliciesOfRole, was: RolePolicies | None, now: RolePolicies | None) -> Said:
    """The role's own policies, each by its name; its boundary is told of the role."""
    old, new = ({one.name: one.document for one in each.identity} if each else {} for each in (was, now))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            how = "has changed" if name in old and name in new else "is new" if name in new else "is gone"
            yield f"role {question.role}:", f"its policy {name} {how}"
    if was and now and was.boundary and now.boundary and was.boundary.document != now.boundary.document:
        yield f"role {question.role}:", f"its permissions boundary {now.boundary.name} has changed"


def _registry(question: ask.RegistryPolicyOf, was: RegistryRules, now: RegistryRules) -> Said:
    yield from ((f"registry {question.registry} ({question.region})", told) for told in members(was, now))


def _tags(question: ask.RepositoryTags, was: tuple[Any, ...] | None, now: tuple[Any, ...] | None) -> Said:
    """Whether there is a repository is told of the image."""
    if was is not None and now is not None:
        yield f"repository {question.repository}", "has other tags now"


def _cache_rules(question: ask.CacheRulesOf, was: tuple[CacheRule, ...], now: tuple[CacheRule, ...]) -> Said:
    registry = f"registry {question.registry} ({question.region})"
    for prefix in sorted({one.prefix for one in set(was) ^ set(now)}):
        old, new = (any(one.prefix == prefix for one in each) for each in (was, now))
        how = "another" if old and new else "a" if new else "no"
        yield registry, f"has {how} pull-through cache rule for {prefix} now"


def _cache_works(question: ask.CacheRuleWorks, was: CacheRuleState | None, now: CacheRuleState | None) -> Said:
    """Whether there is such a rule is told of the rules."""
    if was and now and was.valid != now.valid:
        rule = f"pull-through cache rule {question.prefix} of registry {question.registry} ({question.region})"
        yield rule, "works now" if now.valid else "does not work any more"


def _one(question: Question[Any], was: Any, now: Any) -> Said:
    """One thing that may not exist."""
    if was is None or now is None:
        yield question.fact, "is gone" if was else "exists now"
    else:
        yield from ((question.fact, told) for told in members(was, now))


def _agent(_: ask.OneContainerInstance, was: ContainerInstance | None, now: ContainerInstance | None) -> Said:
    """The versions alone: that an instance is gone, and whether its agent is connected, changes by itself."""
    if was is None or now is None:
        return
    for member, words in (("agent_version", "agent version"), ("docker_version", "Docker version")):
        then, today = (str(getattr(one, member) or "").removeprefix("DockerVersion: ") for one in (was, now))
        if then and today and then != today:
            yield f"container instance {now.instance or now.arn}", f"has {words} {today} now, not {then}"


def _of_vpc(question: ask.OneVpc | ask.DnsFirewallOf, was: Any, now: Any) -> Said:
    yield from ((question.vpc, told) for _, told in _one(question, was, now))


def _prefix_list(question: ask.PrefixListEntries, was: Any, now: Any) -> Said:
    yield from ((f"prefix list {question.prefix_list}", told) for _, told in _one(question, was, now))


def _things(question: ask.OfAVpc[Any], was: tuple[Any, ...], now: tuple[Any, ...]) -> Said:
    """Things of one kind, each with an id."""
    old, new = ({one.id: one for one in each} for each in (was, now))
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new:
            yield from ((name, told) for told in members(old[name], new[name]))
        else:
            thing = new.get(name) or old[name]
            what = next((value for one in _TELLING if (value := getattr(thing, one, None))), None)
            there = f"is new in {question.vpc}" if name in new else f"is gone from {question.vpc}"
            yield name, f"({what}) {there}" if what else there


class _Kind(NamedTuple):
    """How the differences of one kind of question are told.

    ``resource`` is CloudFormation's type of what they are about, and ``named`` takes its name from the question where
    that is not what the note begins with.
    """

    say: Callable[[Any, Any, Any], Said]
    resource: str | None = None
    named: Callable[[Any], str] | None = None


KINDS: dict[type[Question[Any]], _Kind] = {
    ask.OneService: _Kind(_service, "AWS::ECS::Service", lambda asked: f"{asked.cluster}/{asked.service}"),
    ask.OneTaskDefinition: _Kind(_one, "AWS::ECS::TaskDefinition", lambda asked: asked.arn),
    ask.EcrImageOf: _Kind(_ecr_image, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.EcrManifestOf: _Kind(_manifest, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.LifecycleRulesOf: _Kind(_whole, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.ReplicationOf: _Kind(_copies, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.RegistryImage: _Kind(_registry_image),
    ask.RegistryManifest: _Kind(_manifest),
    ask.RepositoryPolicy: _Kind(_whole, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.OneRole: _Kind(_one, "AWS::IAM::Role", lambda asked: asked.role),
    ask.RegistryPolicyOf: _Kind(_registry),
    ask.CacheRulesOf: _Kind(_cache_rules),
    ask.CacheRuleWorks: _Kind(_cache_works),
    ask.RepositoryTags: _Kind(_tags, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.PoliciesOfRole: _Kind(_policies, "AWS::IAM::Role", lambda asked: asked.role),
    ask.RepositoryDetails: _Kind(_one, "AWS::ECR::Repository", lambda asked: asked.repository),
    ask.OneKey: _Kind(_one, "AWS::KMS::Key", lambda asked: asked.key),
    ask.KeyPolicy: _Kind(_whole, "AWS::KMS::Key", lambda asked: asked.key),
    ask.Simulation: _Kind(_simulated, "AWS::IAM::Role", lambda asked: asked.role),
    ask.OneSecret: _Kind(_one, "AWS::SecretsManager::Secret", lambda asked: asked.secret),
    ask.SecretPolicy: _Kind(_whole, "AWS::SecretsManager::Secret", lambda asked: asked.secret),
    ask.OneParameter: _Kind(_one, "AWS::SSM::Parameter", lambda asked: asked.parameter),
    ask.Organization: _Kind(_member_of),
    ask.OneContainerInstance: _Kind(_agent),
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
