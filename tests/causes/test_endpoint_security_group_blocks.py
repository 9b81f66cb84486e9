from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import GroupRule, SecurityGroup
from tests.causes.factory import DEPLOYMENT, EC2_TASK, SERVICE, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ENDPOINT_VPC, NAT_VPC, REGION, REGISTRY, TO_NAT, add, change, drop, having, routes

CAUSE = "endpoint-security-group-blocks"
OWN_MEMBERS = (GroupRule("-1", None, (), ("sg-endpoint",)),)
BLOCKED = World(vpc=change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=OWN_MEMBERS, managed_by="stack net"))


def test_a_group_that_admits_only_its_own_members() -> None:
    found = problem(outcome(CAUSE, BLOCKED))
    assert found.culprit.id == "sg-endpoint"
    assert found.still == "yes"
    assert any("vpce-dkr" in one.text or "vpce-api" in one.text for one in found.evidence)
    (fix,) = found.fixes
    assert (fix.applicability, fix.managed_by) == ("exact", "stack net")
    assert parameters(found) == {
        "GroupId": "sg-endpoint",
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-task"}]}
        ],
    }


def test_two_endpoints_with_two_groups_are_both_mended() -> None:
    vpc = add(BLOCKED.vpc, "security_groups", SecurityGroup("sg-api", (), ()))
    vpc = change(vpc, "endpoints", "vpce-api", groups=("sg-api",))
    found = problem(outcome(CAUSE, replace(BLOCKED, vpc=vpc)))
    assert {"sg-api", "sg-endpoint"} == {
        command.parameters["GroupId"] for fix in found.fixes for command in fix.commands if not isinstance(command, str)
    }


def test_a_working_nat_gateway_does_not_help() -> None:
    vpc = replace(routes(BLOCKED.vpc, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)
    problem(outcome(CAUSE, replace(BLOCKED, vpc=vpc)))


def test_a_group_that_lets_in() -> None:
    assert "sg-endpoint" in ok(outcome(CAUSE, World(vpc=ENDPOINT_VPC)))
    assert "no path" in ok(outcome(CAUSE, World(vpc=NAT_VPC)))


def test_an_endpoint_that_is_pending_is_not_said_to_be_off_the_path() -> None:
    pending = ENDPOINT_VPC
    for endpoint in ("vpce-api", "vpce-dkr"):
        pending = change(pending, "endpoints", endpoint, state="pending")
    assert "comes to the security group" in ok(outcome(CAUSE, World(vpc=pending)))


@pytest.mark.parametrize("fact", ["endpoints", "security_groups", "dns_support", "dns_hostnames"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, World(vpc=having(BLOCKED.vpc, **{fact: unread}))))


def test_a_prefix_list_in_the_rule_leaves_it_open() -> None:
    rule = GroupRule("tcp", (443, 443), (), (), ("pl-own",))
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=(rule,))
    assert "sg-endpoint" in missing(outcome(CAUSE, World(vpc=vpc)))[0]


def test_the_puller_is_let_in_by_its_range_where_its_groups_are_not_known() -> None:
    gone = replace(BLOCKED, interface=None, service=replace(SERVICE, deployments=()))
    assert missing(outcome(CAUSE, gone))
    by_cidr = drop(gone.vpc, "security_groups", "sg-endpoint")
    by_cidr = add(by_cidr, "security_groups", SecurityGroup("sg-endpoint", (), ()))
    found = problem(outcome(CAUSE, replace(gone, vpc=by_cidr)))
    assert parameters(found)["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.1.0/24"}]


def test_mended_by_other_subnets() -> None:
    moved = replace(DEPLOYMENT, id="ecs-svc/2", subnets=("subnet-good",))
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, replace(BLOCKED, service=service))).still == "no"
    assert isinstance(BLOCKED.view().vpc, Known)


def test_on_ec2_the_instance_is_let_in_and_not_the_task() -> None:
    other = replace(SERVICE, deployments=(replace(DEPLOYMENT, subnets=("subnet-other",), groups=("sg-of-the-task",)),))
    found = problem(outcome(CAUSE, replace(BLOCKED, task=EC2_TASK, service=other)))
    assert found.title == "endpoint security group does not let the instance in"
    assert found.still == "yes"
    (rule,) = parameters(found)["IpPermissions"]
    assert rule["UserIdGroupPairs"] == [{"GroupId": "sg-task"}]


def test_the_explanation_is_of_the_host_that_the_text_speaks_of() -> None:
    for symptom, host in ((TIMEOUT, REGISTRY), (replace(TIMEOUT, phase="sign-in"), f"api.ecr.{REGION}.amazonaws.com")):
        found = problem(outcome(CAUSE, replace(BLOCKED, failures=(failure(symptom),))))
        assert found.explanation.startswith(f"{host} leads to")
