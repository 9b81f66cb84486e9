from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable, Problem
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import (
    BlockPublicAccess,
    ContainerDefinition,
    HostedZone,
    NetworkAcl,
    NetworkInterface,
    Route,
    RouteTable,
    Secret,
    SecurityGroup,
    Subnet,
    TaskDefinition,
    VpcEndpoint,
)
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Failure
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Vpc
from pull_doctor.ranking import Finding, rank
from tests.causes.factory import DEPLOYMENT, READ_AT, ROLE, SERVICE, TASK, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ACCOUNT,
    ENDPOINT_VPC,
    LOCAL,
    NAT_VPC,
    OPEN_ACL,
    PUBLIC_VPC,
    REGION,
    TO_GATEWAY,
    TO_IGW,
    TO_NAT,
    add,
    change,
    having,
    https_from,
    routes,
)

CAUSE = "secret-store-unreachable"
HOST = f"secretsmanager.{REGION}.amazonaws.com"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/database-AbCdEf"
FROM_ASM = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
TIMEOUT = f"{FROM_ASM}RequestCanceled: request context canceled caused by: context deadline exceeded"
DIALLED = f'{FROM_ASM}request send failed, Post "https://{HOST}/": dial tcp 10.0.2.13:443: i/o timeout'
NO_NAME = f'{FROM_ASM}Post "https://{HOST}/": dial tcp: lookup {HOST} on 10.0.0.2:53: no such host'
STORE = VpcEndpoint(
    "vpce-secrets",
    "Interface",
    f"com.amazonaws.{REGION}.secretsmanager",
    "available",
    REGION,
    subnets=("subnet-endpoint",),
    groups=("sg-endpoint",),
    interfaces=("eni-secrets",),
    private_dns=True,
    dns_names=(f"vpce-secrets-1.secretsmanager.{REGION}.vpce.amazonaws.com", HOST),
)
INTERFACE = NetworkInterface("eni-secrets", "subnet-endpoint", ("sg-endpoint",), "10.0.2.13", None)


def told(text: str = TIMEOUT) -> Failure:
    return replace(failure(read_symptom(text)), message=text)


def world(vpc: Vpc, text: str = TIMEOUT, secrets: tuple[str, ...] = (SECRET,), **more: Any) -> World:
    container = ContainerDefinition("app", True, failure().image, secrets)  # noqa: FBT003 - essential
    members: dict[str, Any] = {"definition": TaskDefinition("web", 87, ROLE, (container,)), "failures": (told(text),)}
    return World(vpc=vpc, **(members | more))


def with_store(endpoint: VpcEndpoint = STORE) -> Vpc:
    return add(add(ENDPOINT_VPC, "endpoints", endpoint), "endpoint_interfaces", INTERFACE)


def found(of: World) -> Problem:
    one = problem(outcome(CAUSE, of))
    assert HOST in one.explanation
    assert "web:87" in one.evidence[0].text
    return one


def ranked(of: World) -> dict[str, Finding]:
    return {one.row.cause: one for one in rank(of.views(), READ_AT).findings}


def test_endpoints_for_ecr_alone() -> None:
    of = world(ENDPOINT_VPC)
    one = found(of)
    assert one.title == "no way to Secrets Manager, which the task needs to start"
    assert one.culprit.id == "vpc-1"
    assert "rtb-private" in one.explanation
    (fix,) = one.fixes
    assert fix.applicability == "exact"
    made = parameters(one)
    assert made["ServiceName"] == f"com.amazonaws.{REGION}.secretsmanager"
    assert made["SecurityGroupIds"] == ["sg-endpoint"]
    assert made["SubnetIds"] == ["subnet-endpoint"]
    assert list(ranked(of)) == [CAUSE]
    assert ranked(of)[CAUSE].certainty == "proven"


def test_parameters_need_the_endpoint_of_systems_manager() -> None:
    one = problem(outcome(CAUSE, world(ENDPOINT_VPC, secrets=("/prod/database",))))
    assert "Systems Manager" in one.title
    assert parameters(one)["ServiceName"] == f"com.amazonaws.{REGION}.ssm"
    both = found(world(ENDPOINT_VPC, secrets=(SECRET, "/prod/database")))
    assert len(both.fixes[0].commands) == 2
    assert [trace.host for trace in both.traces] == [HOST, f"ssm.{REGION}.amazonaws.com"]


def test_no_way_out_at_all_names_the_store_first_and_the_pull_next() -> None:
    of = world(routes(NAT_VPC))
    one = found(of)
    assert one.culprit.id == "rtb-private"
    assert [fix.applicability for fix in one.fixes] == ["your-call", "fill-in"]
    assert parameters(one)["NatGatewayId"] == "nat-1"
    findings = ranked(of)
    assert list(findings)[:2] == [CAUSE, "no-route-to-registry"]
    assert findings[CAUSE].certainty == "proven"
    assert findings["no-route-to-registry"].next


BROKEN = [
    (change(NAT_VPC, "nat_gateways", "nat-1", state="failed"), "nat-1", "ReplaceRoute"),
    (
        having(routes(NAT_VPC, replace(TO_NAT, state="blackhole")), nat_gateways=Known(())),
        "rtb-private",
        "ReplaceRoute",
    ),
    (PUBLIC_VPC, "prod/web", "UpdateService"),
    (change(NAT_VPC, "security_groups", "sg-task", egress=()), "sg-task", "AuthorizeSecurityGroupEgress"),
    (change(NAT_VPC, "network_acls", "acl-task", entries=()), "acl-task", None),
    (with_store(replace(STORE, state="failed")), "vpce-secrets", None),
    (with_store(replace(STORE, private_dns=False)), "vpce-secrets", "ModifyVpcEndpoint"),
    (having(with_store(), dns_hostnames=Known(value=False)), "vpc-1", "ModifyVpcAttribute"),
]


@pytest.mark.parametrize(("vpc", "culprit", "operation"), BROKEN, ids=[str(index) for index in range(len(BROKEN))])
def test_any_break_of_the_path_is_told_in_the_words_and_with_the_fix_of_its_cause(
    vpc: Vpc, culprit: str, operation: str | None
) -> None:
    of = world(vpc)
    one = found(of)
    assert culprit in one.culprit.id
    assert one.fixes
    operations = [command.operation for command in one.fixes[0].commands if isinstance(command, AwsCommand)]
    assert operation is None or operation in operations
    assert next(iter(ranked(of))) == CAUSE


def test_the_endpoints_own_group() -> None:
    vpc = add(with_store(replace(STORE, groups=("sg-store",))), "security_groups", SecurityGroup("sg-store", (), ()))
    one = found(world(vpc, DIALLED))
    assert one.culprit.id == "sg-store"
    assert parameters(one)["GroupId"] == "sg-store"
    twin = change(vpc, "security_groups", "sg-store", ingress=(https_from("10.0.0.0/16"),))
    assert HOST in ok(outcome(CAUSE, world(twin, DIALLED)))


def test_a_cause_without_words_for_it_still_names_the_hop() -> None:
    of = world(change(NAT_VPC, "nat_gateways", "nat-1", state="failed"))
    image = Unknown("the image", "not-visible")
    assert problem(outcome(CAUSE, of, image=image)).fixes
    past = having(with_store(), custom_resolvers=Known(("10.9.0.2",)))
    one = problem(outcome(CAUSE, world(past, DIALLED.replace("10.0.2.13", "52.1.1.1")), image=image))
    assert one.inferred
    assert "has no route that matches 52.1.1.1" in one.explanation
    assert not one.fixes


def in_two_subnets(vpc: Vpc, *own: Route, text: str = TIMEOUT) -> World:
    """The service has another subnet, with these routes."""
    vpc = add(vpc, "subnets", Subnet("subnet-b", "vpc-1", "eu-west-1c", "10.0.20.0/24"))
    vpc = add(vpc, "route_tables", RouteTable("rtb-b", False, ("subnet-b",), (LOCAL, *own)))  # noqa: FBT003 - `main`
    vpc = add(vpc, "network_acls", NetworkAcl("acl-b", ("subnet-b",), OPEN_ACL))
    both = replace(DEPLOYMENT, subnets=("subnet-task", "subnet-b"))
    return world(vpc, text, service=replace(SERVICE, deployments=(both,)))


def test_a_working_neighbours_route_is_the_model() -> None:
    one = found(in_two_subnets(routes(NAT_VPC), TO_NAT))
    assert one.explanation.endswith("Of the service's other subnets, the path works from subnet-b.")
    assert "as in subnet-b" in one.fixes[0].text
    assert parameters(one) == {
        "RouteTableId": "rtb-private",
        "DestinationCidrBlock": "0.0.0.0/0",
        "NatGatewayId": "nat-1",
    }


def test_the_neighbours_are_asked_for_the_way_to_the_store_and_not_for_the_pull() -> None:
    """Endpoints of ECR serve the whole VPC: from the other subnet the image comes, and the secret does not."""
    vpc = having(routes(ENDPOINT_VPC, TO_GATEWAY, TO_IGW), nat_gateways=NAT_VPC.nat_gateways)
    vpc = change(vpc, "endpoints", "vpce-s3", route_tables=("rtb-private", "rtb-b"))
    of = in_two_subnets(vpc, TO_GATEWAY)
    one = found(of)
    assert "only traffic of interfaces with a public IP address" in one.explanation
    assert "works from subnet-b" not in one.explanation
    assert [fix.text for fix in one.fixes] == ["give the service's tasks a public IP address"]
    works = found(in_two_subnets(vpc, TO_GATEWAY, TO_NAT))
    assert "works from subnet-b" in works.explanation
    assert [fix.text for fix in works.fixes][1:] == ["keep the subnet public, and take it out of the service"]


@pytest.mark.parametrize("vpc", [NAT_VPC, with_store(), routes(ENDPOINT_VPC, TO_NAT)])
def test_the_twin_has_a_way(vpc: Vpc) -> None:
    vpc = having(vpc, nat_gateways=NAT_VPC.nat_gateways)
    assert HOST in ok(outcome(CAUSE, world(vpc)))
    assert CAUSE not in ranked(world(vpc))


def test_a_start_that_needs_no_store_cannot_fail_so() -> None:
    assert isinstance(outcome(CAUSE, world(ENDPOINT_VPC, secrets=())), NotApplicable)
    older = world(ENDPOINT_VPC, task=replace(TASK, platform_version="1.3.0"))
    assert isinstance(outcome(CAUSE, older), NotApplicable)


def test_what_could_not_be_read_accuses_nobody() -> None:
    unread = Unknown("the VPC endpoints of vpc-1", "denied")
    assert missing(outcome(CAUSE, world(having(ENDPOINT_VPC, endpoints=unread)))) == (unread.fact,)
    assert missing(outcome(CAUSE, world(routes(ENDPOINT_VPC, replace(TO_NAT, target="tgw-1")))))


def test_a_store_in_another_region_gets_no_endpoint_here() -> None:
    of = world(ENDPOINT_VPC, secrets=(SECRET.replace(REGION, "us-east-1"),))
    (fix,) = problem(outcome(CAUSE, of)).fixes
    assert fix.applicability == "your-call"
    assert not fix.commands


def test_a_failed_pull_shows_the_store_as_possible_alone() -> None:
    for text in (
        "CannotPullContainerError: failed to copy: httpReadSeeker: failed open: dial tcp 52.218.1.1:443: i/o timeout",
        "CannotPullContainerError: context deadline exceeded",
    ):
        findings = ranked(world(ENDPOINT_VPC, text))
        assert findings[CAUSE].certainty == "possible"


def test_a_text_without_a_step_speaks_of_the_store_only_if_the_pull_has_a_way() -> None:
    text = "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed"
    assert ranked(world(ENDPOINT_VPC, text))[CAUSE].certainty == "proven"
    findings = ranked(world(routes(NAT_VPC), text))
    assert findings["no-route-to-registry"].certainty == "proven"
    assert findings[CAUSE].certainty == "possible"


def test_a_store_that_answered_was_reached() -> None:
    gone = f"{FROM_ASM}service call has been retried 1 time(s): ResourceNotFoundException: Secrets Manager can't find"
    assert "was reached" in ok(outcome(CAUSE, world(ENDPOINT_VPC, gone)))
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/prod/database"
    both = problem(outcome(CAUSE, world(ENDPOINT_VPC, gone, (SECRET, parameter))))
    assert both.title == "no way to Systems Manager, which the task needs to start"


def test_a_name_that_does_not_resolve_is_no_missing_route() -> None:
    assert ranked(world(ENDPOINT_VPC, NO_NAME))[CAUSE].certainty == "possible"
    off = having(NAT_VPC, dns_support=Known(value=False))
    assert ranked(world(off, NO_NAME))[CAUSE].certainty == "proven"


def test_another_host_in_the_text_is_another_defect() -> None:
    text = FROM_ASM + 'Post "https://api.ecr.eu-west-1.amazonaws.com/": dial tcp 52.1.1.1:443: i/o timeout'
    assert ranked(world(ENDPOINT_VPC, text))[CAUSE].certainty == "possible"


def test_the_shown_traces_end_in_this_cause() -> None:
    traces: tuple[Trace, ...] = found(world(BROKEN[0][0])).traces
    assert [trace.disposition for trace in traces] == [CAUSE]
    assert [hop.cause for hop in traces[0].hops if hop.cause] == [CAUSE]


def test_what_its_cause_can_only_make_likely_stays_likely() -> None:
    vpc = having(with_store(), custom_resolvers=Known(("10.9.0.2",)))
    of = world(vpc, DIALLED.replace("10.0.2.13", "52.1.1.1"))
    assert found(of).inferred
    assert ranked(of)[CAUSE].certainty == "likely"
    assert missing(outcome(CAUSE, world(vpc)))


def test_other_resolvers_that_do_not_know_the_name() -> None:
    vpc = having(NAT_VPC, custom_resolvers=Known(("10.9.0.2",)))
    of = world(vpc, NO_NAME.replace("10.0.0.2", "10.9.0.2"))
    one = found(of)
    assert "10.9.0.2" in one.explanation
    assert ranked(of)[CAUSE].certainty == "likely"
    assert next(iter(ranked(of))) == CAUSE
    assert HOST in ok(outcome(CAUSE, world(NAT_VPC, NO_NAME)))


def test_a_hosted_zone_that_does_not_have_the_name() -> None:
    zone = HostedZone("Z1", HOST, ACCOUNT, ())
    of = world(having(NAT_VPC, hosted_zones=Known((zone,))), NO_NAME)
    assert found(of).culprit.id == "Z1"
    assert ranked(of)[CAUSE].certainty == "proven"
    another = replace(zone, name=f"ssm.{REGION}.amazonaws.com")
    assert HOST in ok(outcome(CAUSE, world(having(NAT_VPC, hosted_zones=Known((another,))), NO_NAME)))


def test_public_access_that_is_blocked() -> None:
    blocked = having(NAT_VPC, block_public_access=Known(BlockPublicAccess("block-bidirectional")))
    assert "Block Public Access" in found(world(blocked)).explanation


KILLED = "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed"
FETCH = f"{FROM_ASM}service call has been retried 1 time(s): failed to fetch secret {SECRET} from secrets manager: "
NOT_THERE = f"{FETCH}ResourceNotFoundException: Secrets Manager can't find the specified secret."
DENIED = (
    f"{FETCH}AccessDeniedException: User: arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/1 is not authorized to perform: "
    f"secretsmanager:GetSecretValue on resource: {SECRET} because no identity-based policy allows the action"
)


@pytest.mark.parametrize("text", [TIMEOUT, NO_NAME, KILLED, NOT_THERE, DENIED])
@pytest.mark.parametrize(
    "vpc", [ENDPOINT_VPC, with_store(), NAT_VPC, routes(NAT_VPC)], ids=["no", "own", "nat", "none"]
)
def test_the_store_and_the_secret_are_not_accused_together(vpc: Vpc, text: str) -> None:
    """An answer of the store shows that there was a way; where it did not answer, nothing is known of the secret."""
    both = {CAUSE, "task-secret-unavailable"}
    for secrets in ((), (Secret(SECRET),), (Secret(SECRET, deleted_at=READ_AT),)):
        of = replace(world(vpc, text), secrets=secrets)
        accused = {name for name, one in ranked(of).items() if one.certainty != "possible"} & both
        answered = text in (NOT_THERE, DENIED)
        assert accused <= ({"task-secret-unavailable"} if answered else {CAUSE})
        if answered and not secrets:
            assert accused == {"task-secret-unavailable"}
        if text == TIMEOUT and vpc == ENDPOINT_VPC:
            assert accused == {CAUSE}
