"""IPv6, Block Public Access, prefix lists, and instances: the answers of EC2 and IAM that are unlike the usual one."""

from __future__ import annotations

from typing import Any

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.facts.answers_of_ec2 import CASES, INSTANCE, SUBNET
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, AwsError, World
from tests.facts.case import HERE, PROFILE, ROLE, put

OPTIONS = "DescribeVpcBlockPublicAccessOptions"
EXCLUSIONS = "DescribeVpcBlockPublicAccessExclusions"


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (["associated"], "2001:db8:0:0::/64"),
        (["failed", "associating", "associated"], "2001:db8:0:2::/64"),
        (["associating", "disassociating", "disassociated", "failing", "failed"], None),
        (["{'State': 'associated'}"], "2001:db8:0:0::/64"),  # as moto says it
        ([], None),
    ],
)
def test_a_subnet_has_an_ipv6_range_once_it_is_associated(states: list[str], found: str | None) -> None:
    ranges = [
        {"Ipv6CidrBlock": f"2001:db8:0:{number}::/64", "Ipv6CidrBlockState": {"State": state}}
        for number, state in enumerate(states)
    ]
    subnet = {**SUBNET, "Ipv6CidrBlockAssociationSet": ranges}
    fact = put(q.OneSubnet(*HERE, "subnet-1"), DescribeSubnets=[{"Subnets": [subnet]}])
    assert isinstance(fact, Known)
    assert fact.value is not None
    assert fact.value.ipv6_cidr == found


def test_a_subnet_of_which_ec2_says_nothing_of_public_access() -> None:
    subnet = {name: value for name, value in SUBNET.items() if name != "BlockPublicAccessStates"}
    fact = put(q.OneSubnet(*HERE, "subnet-1"), DescribeSubnets=[{"Subnets": [subnet]}])
    assert isinstance(fact, Known)
    assert fact.value is not None
    assert fact.value.gateway_block is None


def test_a_terminated_instance_has_no_interface() -> None:
    gone = {"InstanceId": "i-1", "State": {"Code": 48, "Name": "terminated"}, "NetworkInterfaces": []}
    answer = {"Reservations": [{"ReservationId": "r-1", "Instances": [gone]}]}
    wanted = v.Instance("i-1", "terminated", None, None, None, (), None, None)
    assert put(q.OneInstance(*HERE, "i-1"), DescribeInstances=[answer]) == Known(wanted)


def test_an_instance_s_second_interface_is_not_its_primary_one() -> None:
    second = INSTANCE | {"NetworkInterfaces": INSTANCE["NetworkInterfaces"][:2]}  # type: ignore[index] # a list
    answer = {"Reservations": [{"ReservationId": "r-1", "Instances": [second]}]}
    fact = put(q.OneInstance(*HERE, "i-1"), DescribeInstances=[answer])
    assert isinstance(fact, Known)
    assert fact.value is not None
    assert (fact.value.interface, fact.value.subnet, fact.value.public_ip) == (None, None, None)


def test_an_answer_about_no_instance_is_unknown() -> None:
    assert isinstance(put(q.OneInstance(*HERE, "i-1"), DescribeInstances=[{"Reservations": []}]), Unknown)


@pytest.mark.parametrize("kind", [q.OneInterface, q.OneInstance, q.EndpointInterfaces])
def test_what_aws_s_services_manage_is_asked_for_even_if_the_account_hides_it(kind: Any) -> None:
    case = next(case for case in CASES if isinstance(case.question, kind))
    world = World({case.operation: case.pages[-1:]})
    ask(Aws(world.session()), case.question)
    assert world.calls[-1][2]["IncludeManagedResources"] is True


def options(mode: str, state: str = "update-complete", managed_by: str = "account") -> dict[str, Any]:
    return {
        "VpcBlockPublicAccessOptions": {"State": state, "InternetGatewayBlockMode": mode, "ManagedBy": managed_by},
    }


def exclusions(*states: str) -> dict[str, Any]:
    resource = f"arn:aws:ec2:{REGION}:{OWN_ACCOUNT}:subnet/subnet-1"
    found = [
        {"ResourceArn": resource, "InternetGatewayExclusionMode": "allow-egress", "State": each} for each in states
    ]
    return {"VpcBlockPublicAccessExclusions": [{"ExclusionId": "vpcbpa-exclude-1"} | each for each in found]}


def test_where_nothing_is_blocked_no_exclusion_is_asked_for() -> None:
    world = World({OPTIONS: [options("off", "default-state")]})
    fact = ask(Aws(world.session()), q.BlockPublicAccessOf(*HERE))
    assert fact == Known(v.BlockPublicAccess("off", (), "account"))
    assert EXCLUSIONS not in world.operations()


def test_an_organization_may_manage_block_public_access() -> None:
    answers: dict[str, Any] = {OPTIONS: [options("block-ingress", managed_by="declarative-policy")]}
    fact = put(q.BlockPublicAccessOf(*HERE), **answers, **{EXCLUSIONS: [exclusions("disable-complete")]})
    assert fact == Known(v.BlockPublicAccess("block-ingress", (), "declarative-policy"))


def test_a_mode_that_is_being_changed_is_unknown() -> None:
    fact = put(q.BlockPublicAccessOf(*HERE), **{OPTIONS: [options("off", "update-in-progress")]})
    assert isinstance(fact, Unknown)
    assert fact.detail == "VPC Block Public Access is being changed"


@pytest.mark.parametrize(
    ("state", "in_force"),
    [
        ("create-in-progress", None),
        ("create-complete", True),
        ("create-failed", False),
        ("update-in-progress", None),
        ("update-complete", True),
        ("update-failed", None),
        ("delete-in-progress", None),
        ("delete-complete", False),
        ("disable-in-progress", None),
        ("disable-complete", False),
        ("something-new", None),
    ],
)
def test_an_exclusion_is_in_force_or_not_or_leaves_the_answer_unknown(state: str, *, in_force: bool | None) -> None:
    answers: dict[str, Any] = {OPTIONS: [options("block-bidirectional")], EXCLUSIONS: [exclusions(state)]}
    fact = put(q.BlockPublicAccessOf(*HERE), **answers)
    if in_force is None:
        assert isinstance(fact, Unknown)
        assert fact.detail == f"exclusion vpcbpa-exclude-1 is in state {state}"
    else:
        wanted = (v.AccessExclusion("subnet-1", "allow-egress"),) if in_force else ()
        assert fact == Known(v.BlockPublicAccess("block-bidirectional", wanted, "account"))


def test_exclusions_that_could_not_be_read_leave_the_answer_unknown() -> None:
    blocking = [options("block-bidirectional")]
    denied = AwsError("UnauthorizedOperation", status=403)
    second: list[Any] = [exclusions("create-complete") | {"NextToken": "2"}, denied]
    for refused in ([denied], second):
        fact = put(q.BlockPublicAccessOf(*HERE), **{OPTIONS: blocking, EXCLUSIONS: refused})
        assert isinstance(fact, Unknown)
        assert (fact.why, fact.action) == ("denied", f"ec2:{EXCLUSIONS}")


def test_the_next_page_of_exclusions_is_asked_for_by_its_token() -> None:
    pages = [exclusions("create-complete") | {"NextToken": "page-2"}, exclusions()]
    world = World({OPTIONS: [options("block-ingress")], EXCLUSIONS: pages})
    ask(Aws(world.session()), q.BlockPublicAccessOf(*HERE))
    assert [parameters.get("NextToken") for _, name, parameters in world.calls if name == EXCLUSIONS] == [
        None,
        "page-2",
    ]


def test_a_prefix_list_is_asked_for_by_its_id_and_may_be_empty() -> None:
    world = World({"GetManagedPrefixListEntries": [{"Entries": []}]})
    assert ask(Aws(world.session()), q.PrefixListEntries(*HERE, "pl-2")) == Known(v.PrefixList("pl-2", "pl-2", ()))
    assert world.calls[-1][2] == {"PrefixListId": "pl-2", "MaxResults": 100}


def profile_of(arn: str, *roles: str) -> Known[Any] | Unknown:
    made = {"Path": "/", "CreateDate": "2026-01-01T00:00:00Z"}
    found = [made | {"RoleName": "pull", "RoleId": "AROAEXAMPLE123456", "Arn": role} for role in roles]
    named = {"InstanceProfileName": "hosts", "InstanceProfileId": "AIPAEXAMPLE123456", "Arn": arn, "Roles": found}
    return put(q.OneInstanceProfile(*HERE, PROFILE), GetInstanceProfile=[{"InstanceProfile": made | named}])


def test_an_instance_profile_may_have_no_role() -> None:
    assert profile_of(PROFILE) == Known(v.InstanceProfile(PROFILE, None))
    assert profile_of(PROFILE, ROLE) == Known(v.InstanceProfile(PROFILE, ROLE))


def test_a_profile_of_the_same_name_under_another_path_is_another_profile() -> None:
    assert profile_of(PROFILE.replace("/team/", "/")) == Known(None)


def test_a_profile_is_asked_for_by_its_name_without_its_path() -> None:
    world = World({"GetInstanceProfile": [AwsError("NoSuchEntity", status=404)]})
    ask(Aws(world.session()), q.OneInstanceProfile(*HERE, PROFILE))
    assert world.calls[-1][2] == {"InstanceProfileName": "hosts"}


@pytest.mark.parametrize(
    ("question", "operation", "resource"),
    [
        (q.OneInstance(*HERE, "i-1"), "DescribeInstances", "i-1"),
        (q.PrefixListEntries(*HERE, "pl-2"), "GetManagedPrefixListEntries", "pl-2"),
        (q.OneInstanceProfile(*HERE, PROFILE), "GetInstanceProfile", PROFILE),
    ],
)
def test_what_could_not_be_read_is_named_by_its_own_id(
    question: q.Question[Any], operation: str, resource: str
) -> None:
    fact = put(question, **{operation: [AwsError("AccessDenied", status=403)]})
    assert isinstance(fact, Unknown)
    assert fact.resource == resource
