"""A stopped Fargate task of a service with everything that can be read about it: a healthy world to break.

Each part is a value of its own; ``dataclasses.replace`` makes the broken one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pull_doctor.causes.outcome import Outcome
from pull_doctor.causes.runner import checks
from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import (
    CacheRule,
    CacheRuleState,
    ContainerDefinition,
    ContainerInstance,
    Deployment,
    DhcpOptions,
    DnsFirewall,
    EcrImage,
    EcrLookup,
    EcrTags,
    Instance,
    InstanceProfile,
    Key,
    LifecycleRule,
    Manifest,
    NamedPolicy,
    NetworkInterface,
    Parameter,
    Platform,
    RegistryLookup,
    RegistryRules,
    Replication,
    ReplicationRule,
    Repository,
    RepositoryNames,
    Role,
    RolePolicies,
    Secret,
    Service,
    Sibling,
    Simulated,
    Subnet,
    TaskDefinition,
    VpcDetails,
)
from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Attachment, Failure, Intake, Task
from pull_doctor.network.vpc import Vpc
from pull_doctor.plan import plan
from pull_doctor.view import View
from pull_doctor.view.cache import CACHE_ACTIONS
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.network.factory import ACCOUNT, NAT_VPC, PLACE, PULLER_ROLE, REGION, REGISTRY, SUBNET

T = TypeVar("T")

FAILED_AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
READ_AT = FAILED_AT + timedelta(seconds=40)
ROLE = PULLER_ROLE
IMAGE = f"{REGISTRY}/team/app:v1.4.2"
HUB_IMAGE = "nginx:1.27"
TASK_DEFINITION = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:87"
DIGEST = "sha256:" + "a" * 64


INDEX = "application/vnd.oci.image.index.v1+json"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def task_arn(name: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/{name}"


TASK = Task(
    arn=task_arn("failed"),
    id="failed",
    place=PLACE,
    cluster="prod",
    group="service:web",
    service="web",
    started_by="ecs-svc/1",
    task_definition=TASK_DEFINITION,
    family="web",
    launch_type="FARGATE",
    platform_version="1.4.0",
    stop_code="TaskFailedToStart",
    failed_at=FAILED_AT,
    attachment=Attachment("subnet-task", "eni-task", "10.0.1.10"),
)

SILENT = Symptom("unknown", "other-pull-failure")
TIMEOUT = Symptom("resolve", "network-timeout")
DOWNLOAD_TIMEOUT = Symptom("download", "network-timeout")
SIGN_IN_DENIED = Symptom(
    "sign-in",
    "auth-denied-ecr-permission",
    action="ecr:GetAuthorizationToken",
    principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/failed",
    denied_by="identity-policy",
)
NOT_FOUND = Symptom("resolve", "image-not-found")


def failure(symptom: Symptom = SILENT, image: str | None = IMAGE, container: str = "app") -> Failure:
    reference = parse_reference(image) if image else None
    return Failure(container, container, image, reference, "CannotPullContainerError", symptom)


DEPLOYMENT = Deployment("ecs-svc/1", "PRIMARY", ("subnet-task",), ("sg-task",), assign_public_ip=False)
SERVICE = Service((DEPLOYMENT,))
THERE = EcrImage(DIGEST, ("v1.4.2",), FAILED_AT - timedelta(days=1), "ACTIVE", size=31_357_624)


def allowed(actions: tuple[str, ...]) -> tuple[Simulated, ...]:
    return tuple(Simulated(action, "allowed") for action in actions)


def refused(actions: tuple[str, ...], **more: Any) -> tuple[Simulated, ...]:
    return tuple(Simulated(action, more.get("decision", "implicitDeny"), more.get("by", ())) for action in actions)


MAY_CACHE = allowed(CACHE_ACTIONS)
MAY_READ = allowed(("secretsmanager:GetSecretValue", "ssm:GetParameters"))
MAY_DECRYPT = allowed(("kms:Decrypt",))
MAY_SIGN_IN, MAY_PULL = allowed(SIGN_IN_ACTIONS), allowed(PULL_ACTIONS)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allowing(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"} | more


MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
POLICIES = RolePolicies((NamedPolicy(MANAGED, document(allowing(*SIGN_IN_ACTIONS, *PULL_ACTIONS))),))
SIGN_IN_ONLY = RolePolicies((NamedPolicy("own", document(allowing(*SIGN_IN_ACTIONS))),))
BOTH_PLATFORMS = Manifest(
    INDEX, is_index=True, platforms=(Platform("linux", "amd64"), Platform("linux", "arm64", "v8"))
)
IN_REGISTRY = RegistryLookup("found", 200, DIGEST)
EXECUTION_ROLE = Role(ROLE, TRUST)
INTERFACE = NetworkInterface("eni-task", "subnet-task", ("sg-task",), "10.0.1.10", None)
FOUND = EcrLookup(None, THERE)

CONTAINER_INSTANCE = ContainerInstance(
    f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/prod/0c1", "i-1", "1.90.0", agent_connected=True
)
PROFILE = InstanceProfile(f"arn:aws:iam::{ACCOUNT}:instance-profile/host", f"arn:aws:iam::{ACCOUNT}:role/host")
INSTANCE = Instance(
    "i-1", "running", "vpc-1", "subnet-task", "eni-host", ("sg-task",), "10.0.1.20", None, profile=PROFILE.arn
)
EC2_TASK = replace(
    TASK,
    launch_type="EC2",
    platform_version=None,
    attachment=Attachment("subnet-other", "eni-other", "10.0.9.9"),
    container_instance=CONTAINER_INSTANCE.arn,
)
"""A task of network mode awsvpc: its own interface is in another subnet than the instance, which pulls."""
REPOSITORY = Repository(f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app", "AES256")
NO_REGISTRY_POLICY = RegistryRules(None)
CACHE_WORKS = CacheRuleState(valid=True)
NO_TAGS = EcrTags((), complete=True)


@dataclass(frozen=True)
class World:
    """What AWS would answer, and the failed task."""

    vpc: Vpc = NAT_VPC
    task: Task = TASK
    subnet: Subnet = SUBNET
    failures: tuple[Failure, ...] = (failure(),)
    service: Service | None = SERVICE
    execution_role: str | None = ROLE
    interface: NetworkInterface | None = INTERFACE
    siblings: tuple[Sibling, ...] = ()
    lookup: EcrLookup = FOUND
    tags: EcrTags = NO_TAGS
    sign_in: tuple[Simulated, ...] | Unknown | None = MAY_SIGN_IN
    pull: tuple[Simulated, ...] | Unknown | None = MAY_PULL
    policies: RolePolicies | Unknown | None = POLICIES
    policy: str | Unknown | None = None
    registry_rules: RegistryRules | Unknown = NO_REGISTRY_POLICY
    repository_tags: tuple[tuple[str, str], ...] | Unknown | None = ()
    cache: tuple[Simulated, ...] | Unknown | None = MAY_CACHE
    cache_rules: tuple[CacheRule, ...] | Unknown = ()
    repository: Repository | Unknown | None = REPOSITORY
    keys: tuple[Key, ...] | Unknown = ()
    owner: str = ACCOUNT
    definition: TaskDefinition | None = None
    roles: tuple[Role, ...] | Unknown = (EXECUTION_ROLE,)
    organization: str | Unknown | None = None
    repositories: tuple[str, ...] = ("team/app", "team/web")
    manifest: Manifest | None = BOTH_PLATFORMS
    registry: RegistryLookup = IN_REGISTRY
    secrets: tuple[Secret | Parameter, ...] = ()
    secret_policy: str | Unknown | None = None
    key_policy: str | Unknown | None = None
    reading: tuple[Simulated, ...] | Unknown | None = MAY_READ
    decrypting: tuple[Simulated, ...] | Unknown | None = MAY_DECRYPT
    container_instance: ContainerInstance | None = CONTAINER_INSTANCE
    instance: Instance | None = INSTANCE
    profile: InstanceProfile | None = PROFILE
    revision: Deployment | None = None
    lifecycle: tuple[LifecycleRule, ...] | Unknown = ()
    replication: tuple[ReplicationRule, ...] | Unknown = ()
    copies: tuple[Replication, ...] | Unknown | None = None
    cache_state: CacheRuleState | Unknown | None = CACHE_WORKS

    @property
    def intake(self) -> Intake:
        return Intake(self.task, self.failures)

    def answer(self, question: Question[Any]) -> Fact[Any]:
        """The answer to one question; a question that this world was not built for is an error."""
        vpc = self.vpc
        whole: dict[type[Question[Any]], Callable[[], Fact[Any]]] = {
            ask.OneSubnet: lambda: Known(replace(self.subnet, owner=self.owner)),
            ask.OneInterface: lambda: Known(self.interface),
            ask.Subnets: lambda: vpc.subnets,
            ask.RouteTables: lambda: vpc.route_tables,
            ask.NetworkAcls: lambda: vpc.network_acls,
            ask.SecurityGroups: lambda: vpc.security_groups,
            ask.VpcEndpoints: lambda: vpc.endpoints,
            ask.EndpointInterfaces: lambda: vpc.endpoint_interfaces,
            ask.NatGateways: lambda: vpc.nat_gateways,
            ask.InternetGateways: lambda: vpc.internet_gateways,
            ask.EgressOnlyGateways: lambda: vpc.egress_only_gateways,
            ask.BlockPublicAccessOf: lambda: vpc.block_public_access,
            ask.HostedZones: lambda: vpc.hosted_zones,
            ask.ResolverRules: lambda: vpc.resolver_rules or Known(()),
            ask.DnsFirewallOf: lambda: vpc.dns_firewall or Known(DnsFirewall()),
            ask.PrefixListEntries: lambda: vpc.prefix_lists.get(
                getattr(question, "prefix_list", ""),
                Unknown(question.fact, "denied", "ec2:GetManagedPrefixListEntries"),
            ),
            ask.OneVpc: lambda: Known(VpcDetails(("10.0.0.0/16",), "dopt-1")),
            ask.DhcpOptionSets: lambda: (
                Known((DhcpOptions("dopt-1", vpc.custom_resolvers.value or ("AmazonProvidedDNS",)),))
                if isinstance(vpc.custom_resolvers, Known)
                else vpc.custom_resolvers
            ),
            ask.DnsSupport: lambda: vpc.dns_support,
            ask.DnsHostnames: lambda: vpc.dns_hostnames,
            ask.S3PrefixList: lambda: vpc.s3_prefix_list,
            ask.OneService: lambda: Known(self.service),
            ask.StartedWith: lambda: Known(self.revision),
            ask.OneContainerInstance: lambda: Known(self.container_instance),
            ask.OneInstance: lambda: Known(self.instance),
            ask.OneInstanceProfile: lambda: Known(self.profile),
            ask.OneTaskDefinition: lambda: Known(self.task_definition),
            ask.RunningTasks: lambda: Known(tuple(one.arn for one in self.siblings)),
            ask.Siblings: lambda: Known(self.siblings),
            ask.EcrImageOf: lambda: Known(self.lookup),
            ask.EcrTagsOf: lambda: Known(self.tags),
            ask.RepositoryPolicy: lambda: _fact(self.policy),
            ask.RegistryPolicyOf: lambda: _fact(self.registry_rules),
            ask.RepositoryTags: lambda: _fact(self.repository_tags),
            ask.CacheRulesOf: lambda: _fact(self.cache_rules),
            ask.RepositoryDetails: lambda: _fact(self.repository),
            ask.OneKey: lambda: self.keys if isinstance(self.keys, Unknown) else Known(self._named(question)),
            ask.PoliciesOfRole: lambda: _fact(self.policies),
            ask.EcrRepositories: lambda: Known(RepositoryNames(self.repositories, complete=True)),
            ask.EcrManifestOf: lambda: Known(self.manifest),
            ask.RegistryManifest: lambda: Known(self.manifest),
            ask.LifecycleRulesOf: lambda: _fact(self.lifecycle),
            ask.ReplicationRulesOf: lambda: _fact(self.replication),
            ask.ReplicationOf: lambda: _fact(self.copies),
            ask.CacheRuleWorks: lambda: _fact(self.cache_state),
            ask.RegistryImage: lambda: Known(self.registry),
            ask.OneRole: lambda: self.roles if isinstance(self.roles, Unknown) else Known(self._named(question)),
            ask.Organization: lambda: _fact(self.organization),
            ask.OneSecret: lambda: Known(self._named(question)),
            ask.SecretPolicy: lambda: _fact(self.secret_policy),
            ask.KeyPolicy: lambda: _fact(self.key_policy),
            ask.OneParameter: lambda: Known(self._named(question)),
            ask.Simulation: lambda: _fact(self._simulated(question)),
        }
        return whole[type(question)]()

    def _simulated(self, question: Question[Any]) -> tuple[Simulated, ...] | Unknown | None:
        """What IAM's simulation says of signing in, of a secret, of a cache's rights, or else of the pull."""
        assert isinstance(question, ask.Simulation)
        if question.resource == "*":
            return self.sign_in
        if question.actions == ("kms:Decrypt",):
            return self.decrypting
        if not question.actions[0].startswith("ecr:"):
            return self.reading
        return self.cache if question.actions == CACHE_ACTIONS else self.pull

    def _named(self, question: Question[Any]) -> Role | Secret | Parameter | Key | None:
        """The role, secret, parameter, or key that the question names by its ARN or name."""
        roles = () if isinstance(self.roles, Unknown) else self.roles
        keys = () if isinstance(self.keys, Unknown) else self.keys
        things = {getattr(one, "arn", None) or getattr(one, "name", ""): one for one in (*roles, *self.secrets, *keys)}
        wanted = (getattr(question, name, None) for name in ("role", "secret", "parameter", "key"))
        return things.get(next(filter(None, wanted), ""))

    @property
    def task_definition(self) -> TaskDefinition:
        if self.definition:
            return self.definition
        containers = tuple(ContainerDefinition(one.container, essential=True, image=one.image) for one in self.failures)
        return TaskDefinition("web", 87, self.execution_role, containers)

    def waves(self) -> list[tuple[Question[Any], ...]]:
        """The questions of each wave, until nothing is left to ask."""
        answers, waves = Answers(), []
        while asked := plan(self.task, self.failures, answers):
            waves.append(asked)
            answers = answers.with_more({question: self.answer(question) for question in asked})
        return waves

    def answers(self) -> Answers:
        return Answers({question: self.answer(question) for wave in self.waves() for question in wave})

    def view(self, index: int = 0) -> View:
        return View(self.task, self.failures[index], self.answers())

    def views(self) -> list[View]:
        answers = self.answers()
        return [View(self.task, one, answers) for one in self.failures]


def _fact(value: T | Unknown) -> Fact[T]:
    return value if isinstance(value, Unknown) else Known(value)


def sibling(name: str = "sibling", **more: Any) -> Sibling:
    """A running task that started a minute after the failure, in the same subnet, by the same deployment."""
    members: dict[str, Any] = {
        "task_definition": TASK_DEFINITION,
        "started_at": FAILED_AT + timedelta(minutes=1),
        "started_by": "ecs-svc/1",
        "subnet": "subnet-task",
    }
    return Sibling(task_arn(name), **(members | more))


def outcome(cause: str, world: World, **facts: Any) -> Outcome:
    """What the check of ``cause`` says of the world's first failure; ``facts`` replace what it would be given."""
    check = next(one for one in checks() if one.row.cause == cause)
    view = world.view()
    values: dict[str, Any] = {}
    for name in check.required:
        fact = getattr(view, name)
        assert not isinstance(fact, Unknown) or name in facts, f"{name} is not known in this world"
        values[name] = fact.value if isinstance(fact, Known) else fact
    values |= {name: getattr(view, name) for name in check.optional}
    assert set(facts) <= set(values)
    return check.function(**(values | facts))
