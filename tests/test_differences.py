"""Which facts differ between two readings: told with ids, and nothing where nothing differs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.differences import MOST, differences
from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.intake.event import read_event
from pull_doctor.pipeline import conclude, read
from tests.causes.factory import INSTANCE
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import DEFECTS, reading
from tests.ranked_worlds import MIXED
from tests.report.wording import BANNED
from tests.worlds import build
from tests.worlds.defects import DEFECTS as PLANTED

HERE = ("111122223333", "eu-west-1")
VPC = (*HERE, "vpc-1")
ROLE = "arn:aws:iam::111122223333:role/pull"
KEY = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd"
SERVICE = q.OneService(*HERE, "prod", "web")
DEPLOYMENT = v.Deployment("ecs-svc/1", "PRIMARY", ("subnet-1",), ("sg-1",), assign_public_ip=False)
IMAGE = q.EcrImageOf(*HERE, "444455556666", "team/web", "1.42.0", None)
HUB = q.RegistryImage(*HERE, "registry-1.docker.io", "library/nginx", "1.27")
MANIFEST = q.EcrManifestOf(*HERE, "444455556666", "team/web", "1.42.0", None)
HUB_MANIFEST = q.RegistryManifest(*HERE, "registry-1.docker.io", "library/nginx", "1.27")
LIFECYCLE = q.LifecycleRulesOf(*HERE, "444455556666", "team/web")
MACHINE = q.OneContainerInstance(*HERE, "prod", "arn")
COPIES = q.ReplicationOf(*HERE, HERE[0], "team/web", "1.42.0", None)
CACHE_RULE = q.CacheRuleWorks(*HERE, "444455556666", "hub")
SIMULATION = q.Simulation(*HERE, ROLE, ("ecr:BatchGetImage",), "*")
SECRET = q.OneSecret(*HERE, "db")
RULE = v.GroupRule("tcp", (443, 443), ("0.0.0.0/0",))
ENDPOINT = v.VpcEndpoint("vpce-1", "Interface", "com.amazonaws.eu-west-1.s3", "available", policy="{}")
DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)


def task_definition(revision: int) -> str:
    return f"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:{revision}"


def service(**members: Any) -> v.Service:
    return v.Service((replace(DEPLOYMENT, **members),))


def found(digest: str = "sha256:a", status: str | None = "ACTIVE") -> v.EcrLookup:
    return v.EcrLookup(None, v.EcrImage(digest, ("1.42.0",), None, status))


def table(*routes: v.Route, **members: Any) -> tuple[v.RouteTable, ...]:
    whole: dict[str, Any] = {"main": False, "subnets": (), "routes": routes}
    return (v.RouteTable("rtb-1", **(whole | members)),)


def group(*egress: v.GroupRule, ingress: tuple[v.GroupRule, ...] = ()) -> tuple[v.SecurityGroup, ...]:
    return (v.SecurityGroup("sg-1", ingress, egress),)


def texts(question: Question[Any], was: Any, now: Any) -> list[str]:
    return [note.text for note in differences(Answers({question: Known(was)}), Answers({question: Known(now)}))]


TO_NAT, TO_IGW = v.Route("0.0.0.0/0", "nat-1", "active"), v.Route("0.0.0.0/0", "igw-1", "active")
ACCESS, ZONES, RULES = q.BlockPublicAccessOf(*HERE), q.HostedZones(*VPC, ("ghcr.io",)), q.ResolverRules(*VPC)
ZONE = v.HostedZone("Z1", "ghcr.io", "111122223333", ())
BLOCKS = v.FirewallRule("group-1", 10, "BLOCK", "list-1", domains=("*.ghcr.io", "ghcr.io"))
TOLD: Sequence[tuple[Question[Any], Any, Any, list[str]]] = (
    (
        ACCESS,
        v.BlockPublicAccess("off"),
        v.BlockPublicAccess("block-ingress", (v.AccessExclusion("vpc-1", "allow-egress"),)),
        [
            f"{ACCESS.fact} has mode block-ingress now, not off",
            f"{ACCESS.fact} has vpc-1 (allow-egress) among its exclusions now",
        ],
    ),
    (ZONES, (), (ZONE,), ["Z1 (ghcr.io) is new in vpc-1"]),
    (
        ZONES,
        (ZONE,),
        (replace(ZONE, records=(v.ZoneRecord("ghcr.io", "A", ("10.0.0.9",)),)),),
        ["Z1 has the record ghcr.io A 10.0.0.9 now"],
    ),
    (RULES, (v.ResolverRule("rslvr-1", "ghcr.io", "FORWARD"),), (), ["rslvr-1 (ghcr.io) is gone from vpc-1"]),
    (
        q.DnsFirewallOf(*VPC),
        v.DnsFirewall((BLOCKS,)),
        v.DnsFirewall((replace(BLOCKS, domains=None),)),
        [
            "vpc-1 has DNS Firewall rule 10 of group-1 (BLOCK list-1) now",
            "vpc-1 no longer has DNS Firewall rule 10 of group-1 (BLOCK *.ghcr.io, ghcr.io)",
        ],
    ),
    (q.PrefixListEntries(*HERE, "pl-1"), v.PrefixList("pl-1", "own", ()), None, ["prefix list pl-1 is gone"]),
    (
        q.OneInstance(*HERE, "i-1"),
        INSTANCE,
        replace(INSTANCE, public_ip="203.0.113.9"),
        ["instance i-1 has public address 203.0.113.9 now"],
    ),
    (
        q.EgressOnlyGateways(*VPC),
        (v.EgressOnlyGateway("eigw-1", ("vpc-1",)), v.EgressOnlyGateway("eigw-2", ())),
        (v.EgressOnlyGateway("eigw-1", ()), v.EgressOnlyGateway("eigw-2", ("vpc-2",))),
        ["eigw-1 is not attached to vpc-1 any more"],
    ),
    (SERVICE, service(), None, ["service web is gone"]),
    (SERVICE, None, service(), ["service web exists now"]),
    (
        SERVICE,
        service(task_definition=task_definition(87)),
        service(task_definition=task_definition(88)),
        ["service web has web:88 as its primary deployment now, not web:87"],
    ),
    (
        SERVICE,
        service(),
        service(subnets=("subnet-3", "subnet-2"), groups=()),
        [
            "service web has subnet-2, subnet-3 as the subnets of its primary deployment now",
            "service web has none as the security groups of its primary deployment now",
        ],
    ),
    (
        SERVICE,
        service(),
        service(assign_public_ip=True),
        ["service web gives tasks a public address now, in subnet-1"],
    ),
    (IMAGE, v.EcrLookup("image"), found(), ["image team/web:1.42.0 in registry 444455556666 (eu-west-1) exists now"]),
    (
        IMAGE,
        found(),
        v.EcrLookup("image"),
        ["image team/web:1.42.0 in registry 444455556666 (eu-west-1) is missing now, and its repository is there"],
    ),
    (
        IMAGE,
        found(),
        found("sha256:b", "ARCHIVED"),
        [
            "image team/web:1.42.0 in registry 444455556666 (eu-west-1) has digest sha256:b now, not sha256:a",
            "image team/web:1.42.0 in registry 444455556666 (eu-west-1) has status ARCHIVED now, not ACTIVE",
        ],
    ),
    (
        HUB,
        v.RegistryLookup("missing", 404),
        v.RegistryLookup("found", 200, "sha256:a"),
        ["image library/nginx:1.27 in registry-1.docker.io is found now"],
    ),
    (
        HUB,
        v.RegistryLookup("found", 200, "sha256:a"),
        v.RegistryLookup("found", 200, "sha256:b"),
        ["image library/nginx:1.27 in registry-1.docker.io has digest sha256:b now, not sha256:a"],
    ),
    (
        MANIFEST,
        v.Manifest("index", is_index=True, platforms=(v.Platform("linux", "amd64"),)),
        v.Manifest("index", is_index=True, platforms=(v.Platform("linux", "amd64"), v.Platform("linux", "arm64"))),
        [f"{MANIFEST.fact} has linux/arm64 among its platforms now"],
    ),
    (
        HUB_MANIFEST,
        v.Manifest("index", is_index=True, platforms=(v.Platform("windows", "amd64", None, "10.0.17763.1"),)),
        v.Manifest("index", is_index=True, platforms=(v.Platform("linux", "arm64", "v8"),)),
        [
            f"{HUB_MANIFEST.fact} has linux/arm64/v8 among its platforms now",
            f"{HUB_MANIFEST.fact} no longer has windows/amd64 10.0.17763.1 among its platforms",
        ],
    ),
    (
        MANIFEST,
        v.Manifest("manifest", is_index=False, config_type="chart"),
        v.Manifest("older", is_index=False, config_type="image", size=7),
        [
            f"{MANIFEST.fact} has media type older now, not manifest",
            f"{MANIFEST.fact} has configuration type image now, not chart",
        ],
    ),
    (
        MACHINE,
        v.ContainerInstance("arn", "i-1", "1.15.2", agent_connected=True, docker_version="DockerVersion: 17.12.1-ce"),
        v.ContainerInstance("arn", "i-1", "1.90.0", agent_connected=True, docker_version="DockerVersion: 25.0.8"),
        [
            "container instance i-1 has agent version 1.90.0 now, not 1.15.2",
            "container instance i-1 has Docker version 25.0.8 now, not 17.12.1-ce",
        ],
    ),
    (
        LIFECYCLE,
        (v.LifecycleRule(1, "expire", "untagged", "sinceImagePushed", 1, "days"),),
        (v.LifecycleRule(1, "expire", "untagged", "sinceImagePushed", 30, "days"),),
        ["the lifecycle policy of team/web in registry 444455556666 (eu-west-1) has changed"],
    ),
    (
        LIFECYCLE,
        (),
        (v.LifecycleRule(1, "expire", "untagged", "sinceImagePushed", 1, "days"),),
        ["the lifecycle policy of team/web in registry 444455556666 (eu-west-1) exists now"],
    ),
    (
        COPIES,
        (v.Replication("us-east-1", "1", "FAILED", "DENIED"), v.Replication("us-west-2", "1", "COMPLETE")),
        (v.Replication("us-west-2", "1", "COMPLETE"), v.Replication("us-east-1", "1", "IN_PROGRESS")),
        [f"{COPIES.fact} to registry 1 (us-east-1) has status IN_PROGRESS now, not FAILED"],
    ),
    (
        CACHE_RULE,
        v.CacheRuleState(valid=False, failure="no token"),
        v.CacheRuleState(valid=True),
        ["pull-through cache rule hub of registry 444455556666 (eu-west-1) works now"],
    ),
    (
        CACHE_RULE,
        v.CacheRuleState(valid=True),
        v.CacheRuleState(valid=False, failure="no token"),
        ["pull-through cache rule hub of registry 444455556666 (eu-west-1) does not work any more"],
    ),
    (
        q.EcrRepositories(*HERE, "444455556666"),
        v.RepositoryNames(("a", "b"), complete=True),
        v.RepositoryNames(("b", "c"), complete=True),
        [
            "repository c of registry 444455556666 (eu-west-1) is new",
            "repository a of registry 444455556666 (eu-west-1) is gone",
        ],
    ),
    (
        SIMULATION,
        (v.Simulated("ecr:BatchGetImage", "implicitDeny"),),
        (v.Simulated("ecr:BatchGetImage", "allowed", ("AmazonECSTaskExecutionRolePolicy",)),),
        [f"role {ROLE}: ecr:BatchGetImage on * is allowed now; it was not allowed"],
    ),
    (
        q.OneRole(*HERE, ROLE),
        v.Role(ROLE, "{}", "arn:boundary"),
        v.Role(ROLE, "[]"),
        [f"role {ROLE} has another trust policy", f"role {ROLE} no longer has permissions boundary arn:boundary"],
    ),
    (q.OneRole(*HERE, ROLE), None, v.Role(ROLE, "{}"), [f"role {ROLE} exists now"]),
    (
        q.OneRole(*HERE, ROLE),
        v.Role(ROLE, "{}", id="AROA1"),
        v.Role(ROLE, "{}", id="AROA2"),
        [f"role {ROLE} has unique id AROA2 now, not AROA1"],
    ),
    (
        q.OneKey(*HERE, KEY),
        v.Key(KEY, "Enabled", "CUSTOMER"),
        v.Key(KEY, "Disabled", "CUSTOMER"),
        [f"KMS key {KEY} has state Disabled now, not Enabled"],
    ),
    (q.KeyPolicy(*HERE, KEY), "{}", "[]", [f"the policy of KMS key {KEY} has changed"]),
    (
        q.RepositoryDetails(*HERE, "444455556666", "web"),
        v.Repository("arn", "AES256"),
        v.Repository("arn", "KMS", KEY),
        [
            "repository web in registry 444455556666 (eu-west-1) has encryption KMS now, not AES256",
            f"repository web in registry 444455556666 (eu-west-1) has KMS key {KEY} now",
        ],
    ),
    (
        SECRET,
        v.Secret("db"),
        v.Secret("db", DAY, "key"),
        ["secret db has date of deletion 2026-11-20 12:00:00 UTC now", "secret db has KMS key key now"],
    ),
    (q.SecretPolicy(*HERE, "db"), "{}", None, ["the resource policy of secret db is gone"]),
    (q.SecretPolicy(*HERE, "db"), "{}", "[]", ["the resource policy of secret db has changed"]),
    (q.Organization(*HERE), None, "o-1", ["account 111122223333 is in organization o-1 now"]),
    (q.DnsHostnames(*VPC), False, True, ["DNS hostnames of vpc-1: on now, not off"]),
    (
        q.OneVpc(*VPC),
        v.VpcDetails(("10.0.0.0/16",), "dopt-1"),
        v.VpcDetails(("10.0.0.0/16",), "dopt-2"),
        ["vpc-1 has DHCP option set dopt-2 now, not dopt-1"],
    ),
    (q.RouteTables(*VPC), table(), table(TO_NAT), ["rtb-1 has the route 0.0.0.0/0 -> nat-1 now"]),
    (
        q.RouteTables(*VPC),
        table(TO_NAT),
        table(TO_IGW, main=True, subnets=("subnet-1",)),
        [
            "rtb-1 is the main route table now",
            "rtb-1 has subnet-1 among its subnets now",
            "rtb-1 has the route 0.0.0.0/0 -> igw-1 now",
            "rtb-1 no longer has the route 0.0.0.0/0 -> nat-1",
        ],
    ),
    (
        q.RouteTables(*VPC),
        table(replace(TO_NAT, state="blackhole")),
        table(TO_NAT),
        ["rtb-1 has the route 0.0.0.0/0 -> nat-1 in state active now, not blackhole"],
    ),
    (
        q.SecurityGroups(*VPC),
        group(replace(RULE, cidrs=("10.0.0.0/8", "0.0.0.0/0"))),
        group(replace(RULE, cidrs=("10.0.0.0/8",), groups=("sg-2",)), ingress=(v.GroupRule("-1", None, ("::/0",)),)),
        [
            "sg-1 has a rule that allows everything in from ::/0 now",
            "sg-1 has a rule that allows tcp 443 out to sg-2 now",
            "sg-1 no longer has a rule that allows tcp 443 out to 0.0.0.0/0",
        ],
    ),
    (
        q.NetworkAcls(*VPC),
        (
            v.NetworkAcl(
                "acl-1",
                (),
                (v.AclEntry(1, egress=True, allow=False, protocol="6", cidr="0.0.0.0/0", ports=(443, 443)),),
            ),
        ),
        (
            v.NetworkAcl(
                "acl-1", (), (v.AclEntry(2, egress=False, allow=True, protocol="50", cidr="0.0.0.0/0", ports=(1, 2)),)
            ),
        ),
        [
            "acl-1 has rule 2 (allows protocol 50 1-2 in from 0.0.0.0/0) now",
            "acl-1 no longer has rule 1 (denies tcp 443 out to 0.0.0.0/0)",
        ],
    ),
    (q.VpcEndpoints(*VPC), (), (ENDPOINT,), ["vpce-1 (com.amazonaws.eu-west-1.s3) is new in vpc-1"]),
    (q.VpcEndpoints(*VPC), (ENDPOINT,), (), ["vpce-1 (com.amazonaws.eu-west-1.s3) is gone from vpc-1"]),
    (
        q.VpcEndpoints(*VPC),
        (ENDPOINT,),
        (replace(ENDPOINT, state="failed", policy="[]", private_dns=True, dns_names=("s3",), interfaces=("eni-1",)),),
        ["vpce-1 has state failed now, not available", "vpce-1 has private DNS on now", "vpce-1 has another policy"],
    ),
    (q.VpcEndpoints(*VPC), (replace(ENDPOINT, policy=None),), (ENDPOINT,), ["vpce-1 has a policy now"]),
    (
        q.NatGateways(*VPC),
        (v.NatGateway("nat-1", "available", private=True),),
        (v.NatGateway("nat-1", "available", private=False, subnet="subnet-1"),),
        ["nat-1 is public now", "nat-1 has subnet subnet-1 now"],
    ),
    (
        q.InternetGateways(*VPC),
        (v.InternetGateway("igw-1", ("vpc-1",)), v.InternetGateway("igw-2", ()), v.InternetGateway("igw-3", ())),
        (
            v.InternetGateway("igw-1", ()),
            v.InternetGateway("igw-2", ("vpc-1",)),
            v.InternetGateway("igw-4", ("vpc-2",)),
        ),
        ["igw-2 is attached to vpc-1 now", "igw-1 is not attached to vpc-1 any more"],
    ),
)


@pytest.mark.parametrize(("question", "was", "now", "told"), TOLD)
def test_what_differs_is_told_with_its_id(question: Question[Any], was: Any, now: Any, told: list[str]) -> None:
    assert texts(question, was, now) == told
    assert texts(question, was, was) == []
    assert not BANNED.search(" ".join(told))


@pytest.mark.parametrize(("question", "was", "now", "told"), TOLD)
def test_what_was_not_read_both_times_says_nothing(
    question: Question[Any], was: Any, now: Any, told: list[str]
) -> None:
    unknown = Answers({question: Unknown(question.fact, "denied")})
    then, later = Answers({question: Known(was)}), Answers({question: Known(now)})
    for before, after in ((then, unknown), (unknown, later), (then, Answers()), (Answers(), later)):
        assert differences(before, after) == (), told


SILENT: Sequence[tuple[Question[Any], Any, Any]] = (
    (SERVICE, service(), service(id="ecs-svc/2", running=1, desired=2, rollout_state="FAILED")),
    (SERVICE, service(), v.Service(())),
    (SERVICE, service(), replace(service(), desired=3, running=3, pending=1, status="DRAINING", tags=(("a", "b"),))),
    (q.RunningTasks(*HERE, "prod", "web", None), (), ("arn",)),
    (q.OneInterface(*HERE, "eni-1"), v.NetworkInterface("eni-1", "subnet-1", (), None, None), None),
    (q.S3PrefixList(*HERE), v.PrefixList("pl-1", "s3", ("1.0.0.0/8",)), v.PrefixList("pl-1", "s3", ())),
    (IMAGE, found(), v.EcrLookup(None, v.EcrImage("sha256:a", ("latest", "1.42.0"), DAY, "ACTIVE"))),
    (HUB, v.RegistryLookup("hidden", 401), v.RegistryLookup("hidden", 403)),
    (MANIFEST, None, v.Manifest("index", is_index=True)),
    (MANIFEST, v.Manifest("index", is_index=True), v.Manifest("index", is_index=True, attestations=2)),
    (
        MACHINE,
        v.ContainerInstance("arn", "i-1", "1.90.0", agent_connected=True),
        v.ContainerInstance("arn", "i-1", "1.90.0", agent_connected=False, docker_version="DockerVersion: 25.0.8"),
    ),
    (MACHINE, v.ContainerInstance("arn", "i-1", "1.90.0", agent_connected=True), None),
    (COPIES, (), (v.Replication("us-east-1", "1", "IN_PROGRESS"),)),
    (CACHE_RULE, v.CacheRuleState(valid=False, failure="a"), v.CacheRuleState(valid=False, failure="b")),
    (CACHE_RULE, v.CacheRuleState(valid=False), None),
    (q.EcrRepositories(*HERE, "4"), v.RepositoryNames(("a",), complete=False), v.RepositoryNames((), complete=True)),
    (SIMULATION, (v.Simulated("a", "allowed"),), (v.Simulated("a", "allowed", ("other",), ("aws:SourceVpc",)),)),
    (SIMULATION, None, (v.Simulated("a", "allowed"),)),
    (q.RouteTables(*VPC), table(TO_NAT), table(TO_NAT, managed_by="Terraform")),
    (q.SecurityGroups(*VPC), group(RULE), group(RULE, RULE)),
    (q.OneRole(*HERE, ROLE), v.Role(ROLE, "{}"), v.Role(ROLE, "{}", id="AROA1", tags=())),  # saved by the first version
)


@pytest.mark.parametrize(("question", "was", "now"), SILENT)
def test_what_every_run_changes_is_not_told(question: Question[Any], was: Any, now: Any) -> None:
    assert was != now
    assert texts(question, was, now) == []


def test_a_repository_is_named_in_its_registry_s_account() -> None:
    (note,) = differences(Answers({IMAGE: Known(v.EcrLookup("image"))}), Answers({IMAGE: Known(found())}))
    assert [one.arn for one in note.resources] == ["arn:aws:ecr:eu-west-1:444455556666:repository/team/web"]


def test_a_key_is_named_in_its_own_account() -> None:
    was, now = (Known(v.Key(KEY, state, "CUSTOMER")) for state in ("Enabled", "Disabled"))
    (note,) = differences(Answers({q.OneKey(*HERE, KEY): was}), Answers({q.OneKey(*HERE, KEY): now}))
    assert [(one.type, one.arn) for one in note.resources] == [("AWS::KMS::Key", KEY)]


def test_a_resource_of_another_partition_has_its_arn() -> None:
    question = q.RouteTables(HERE[0], "cn-north-1", "vpc-1")
    (note,) = differences(Answers({question: Known(table())}), Answers({question: Known(table(TO_NAT))}))
    assert note.resources[0].arn == "arn:aws-cn:ec2:cn-north-1:111122223333:route-table/rtb-1"


def test_there_are_a_dozen_notes_at_most_and_what_is_wanted_comes_first() -> None:
    question = q.Subnets(*VPC)
    subnets = tuple(v.Subnet(f"subnet-{n:02}", "vpc-1", "eu-west-1a", None) for n in range(30))
    before = Answers({question: Known(())})
    for count in (MOST - 1, MOST):
        told = differences(before, Answers({question: Known(subnets[:count])}))
        assert [note.resources[0].id for note in told] == [one.id for one in subnets[:count]]
    told = differences(before, Answers({question: Known(subnets)}), {"subnet-29"})
    assert len(told) == MOST
    assert [note.resources[0].id for note in told[:2]] == ["subnet-29", "subnet-00"]
    assert told[-1].text == "and 19 more"


def test_the_workload_comes_before_the_network_however_it_was_read() -> None:
    facts: dict[Question[Any], tuple[Any, Any]] = {
        q.RouteTables(*VPC): (table(), table(TO_NAT)),
        q.OneRole(*HERE, ROLE): (None, v.Role(ROLE, "{}")),
        SERVICE: (None, service()),
    }
    for order in (list(facts), list(facts)[::-1]):
        before = Answers({question: Known(facts[question][0]) for question in order})
        after = Answers({question: Known(facts[question][1]) for question in facts})
        kinds = [note.resources[0].type for note in differences(before, after)]
        assert kinds == ["AWS::ECS::Service", "AWS::IAM::Role", "AWS::EC2::RouteTable"]


@given(name=st.sampled_from(sorted(MIXED)), random=st.randoms())
def test_the_same_facts_in_any_order_differ_in_nothing(name: str, random: Any) -> None:
    answers = MIXED[name].answers()

    def shuffled(value: Any) -> Any:
        if not isinstance(value, tuple):
            return value
        return tuple(random.sample(value, len(value)))

    other = {
        question: Known(shuffled(fact.value)) if isinstance(fact, Known) else fact
        for question, fact in random.sample(list(answers), len(answers))
    }
    assert differences(answers, Answers(other)) == ()


WORLDS = (*DEFECTS, *(pytest.param(name, marks=pytest.mark.slow) for name in PLANTED))
NEW_BESIDE_THE_CULPRIT = {
    "fips-name": "ecr-fips.dkr",
    "prefix-list-without-the-registry": "prefix list",
    "ecr-api-endpoint-deleted": "has state available now, not deleting",
    "image-of-another-region": "is new in",
    "layers-of-another-region": "is new in",
    "cache-without-library": "docker-hub/library/nginx",
    "cache-secret-gone": "another pull-through cache rule for docker-hub",
    "cache-secret-to-be-deleted": "docker-hub/library/nginx",
    "cache-without-internet": "docker-hub/library/nginx",
    "cache-layers-of-the-upstream": "docker-hub/library/nginx",
    "role-reads-tagged-repositories": "has other tags now",
}
"""Where what mends the defect is another thing than the one that is blamed: what the note says of it."""
UNSEEN = {name for name, defect in PLANTED.items() if defect.still == "unknown"} | {"images-above-the-storage-on-1.3.0"}
"""Where what mends the defect is not read: it is outside AWS, or the platform version of later tasks."""


@pytest.mark.parametrize("name", WORLDS)
def test_a_mended_world_differs_in_what_was_to_blame(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    intake = read_event(world.event)
    before, same = (read(intake, reading(aws, world.account), deadline=time.monotonic() + 20) for _ in range(2))
    assert differences(before.answers, same.answers) == ()
    world.mend()
    after = read(intake, reading(aws, world.account), deadline=time.monotonic() + 20)
    blamed = conclude(intake, before.answers, before.read_at).causes[0].culprit.id
    notes = differences(before.answers, after.answers)
    own = blamed.rpartition("/" if ":instance-profile/" in blamed else ":parameter")[2]
    if name in UNSEEN:
        assert notes == ()
        return
    names = {*world.culprits, own, NEW_BESIDE_THE_CULPRIT.get(name, blamed)}
    assert any(each in note.text for each in names for note in notes), [note.text for note in notes]
