from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import GroupRule, NetworkInterface, SecurityGroup
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import (
    DEPLOYMENT,
    DOWNLOAD_TIMEOUT,
    EC2_TASK,
    HUB_IMAGE,
    SERVICE,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ENDPOINT_VPC as ENDPOINTS
from tests.network.factory import EVERYTHING, LAYERS, NAT_VPC, REGISTRY, add, change, drop, having, https_from

CAUSE = "security-group-egress-blocks"
TO_ENDPOINTS = GroupRule("tcp", (443, 443), (), ("sg-endpoint",))
TO_S3 = GroupRule("tcp", (443, 443), (), (), ("pl-s3",))


def letting_out(*rules: GroupRule, base: World = World(vpc=ENDPOINTS)) -> World:  # noqa: B008 - a frozen value
    return replace(base, vpc=change(base.vpc, "security_groups", "sg-task", egress=rules, managed_by="stack net"))


def test_a_rule_for_the_endpoints_does_not_cover_s3() -> None:
    world = letting_out(TO_ENDPOINTS, base=World(vpc=ENDPOINTS, failures=(failure(DOWNLOAD_TIMEOUT),)))
    found = problem(outcome(CAUSE, world))
    assert found.culprit.id == "sg-task"
    assert [trace.host for trace in found.traces] == [LAYERS]
    assert "Amazon S3" in found.title
    assert any(one.text == "sg-task allows tcp 443 to sg-endpoint" for one in found.evidence)
    (fix,) = found.fixes
    assert (fix.applicability, fix.managed_by) == ("exact", "stack net")
    assert parameters(found) == {
        "GroupId": "sg-task",
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": "pl-s3"}]}
        ],
    }


def test_a_rule_for_s3_does_not_cover_the_endpoints() -> None:
    found = problem(outcome(CAUSE, letting_out(TO_S3)))
    assert [trace.phase for trace in found.traces] == ["sign-in", "resolve"]
    assert "registry" in found.title
    (rule,) = parameters(found)["IpPermissions"]
    assert rule["UserIdGroupPairs"] == [{"GroupId": "sg-endpoint"}]
    assert "PrefixListIds" not in rule


def test_one_rule_names_all_that_is_missing() -> None:
    vpc = add(ENDPOINTS, "security_groups", SecurityGroup("sg-api", (https_from("10.0.0.0/16"),), ()))
    vpc = change(vpc, "endpoints", "vpce-api", groups=("sg-api",))
    found = problem(outcome(CAUSE, letting_out(base=World(vpc=vpc))))
    (rule,) = parameters(found)["IpPermissions"]
    assert rule["UserIdGroupPairs"] == [{"GroupId": "sg-api"}, {"GroupId": "sg-endpoint"}]
    assert rule["PrefixListIds"] == [{"PrefixListId": "pl-s3"}]


@pytest.mark.parametrize("image", [f"{REGISTRY}/team/app:v1.4.2", HUB_IMAGE])
def test_by_the_internet_no_narrower_rule_than_any_address_will_do(image: str) -> None:
    world = letting_out(https_from("10.0.0.0/8"), base=World(vpc=NAT_VPC, failures=(failure(image=image),)))
    (rule,) = parameters(problem(outcome(CAUSE, world)))["IpPermissions"]
    assert rule["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    assert len(rule) == 4


def test_layers_from_another_region_are_not_in_the_prefix_list() -> None:
    image = f"{REGISTRY.replace('eu-west-1', 'us-east-1')}/team/app:v1"
    world = letting_out(TO_S3, base=World(vpc=NAT_VPC, failures=(failure(image=image),)))
    found = problem(outcome(CAUSE, world))
    assert "download" in [trace.phase for trace in found.traces]
    assert "PrefixListIds" not in parameters(found)["IpPermissions"][0]


@pytest.mark.parametrize("rules", [(EVERYTHING,), (TO_ENDPOINTS, TO_S3), (https_from("0.0.0.0/0"),)])
def test_a_group_that_lets_out(rules: tuple[GroupRule, ...]) -> None:
    assert "sg-task allows tcp 443 to" in ok(outcome(CAUSE, letting_out(*rules)))


@pytest.mark.parametrize("members", [{"private_dns": False}, {"dns_names": ("other.example.com",)}])
def test_a_group_made_for_the_endpoints_is_not_to_blame_where_the_name_leads_past_them(members: dict[str, Any]) -> None:
    vpc = change(ENDPOINTS, "endpoints", "vpce-dkr", **members)
    assert "to sg-endpoint" in ok(outcome(CAUSE, letting_out(TO_ENDPOINTS, TO_S3, base=World(vpc=vpc))))
    missing_one = drop(ENDPOINTS, "endpoints", "vpce-api")
    ok(outcome(CAUSE, letting_out(TO_ENDPOINTS, TO_S3, base=World(vpc=missing_one))))


def test_several_groups_let_out_together() -> None:
    two = replace(
        letting_out(TO_ENDPOINTS), interface=NetworkInterface("eni-task", "subnet-task", ("sg-task", "sg-more"), "", "")
    )
    both = replace(two, vpc=add(two.vpc, "security_groups", SecurityGroup("sg-more", (), (TO_S3,))))
    assert "sg-more allows tcp 443 to pl-s3" in ok(outcome(CAUSE, both))
    neither = replace(two, vpc=add(two.vpc, "security_groups", SecurityGroup("sg-more", (), ())))
    found = problem(outcome(CAUSE, neither))
    assert found.culprit.id == "sg-task"
    assert "sg-task, sg-more has no outbound rule" in found.evidence[0].text


@pytest.mark.parametrize("fact", ["security_groups", "endpoints"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, World(vpc=having(letting_out().vpc, **{fact: unread}))))


def test_groups_of_an_interface_that_is_gone_are_not_guessed() -> None:
    gone = replace(letting_out(), interface=None, service=replace(SERVICE, deployments=()))
    assert missing(outcome(CAUSE, gone)) == ("the security groups of the pulling interface",)


def test_a_prefix_list_that_is_not_read_leaves_it_open() -> None:
    world = letting_out(replace(TO_S3, prefix_lists=("pl-own",)))
    assert "sg-task" in missing(outcome(CAUSE, world))[0]
    some = replace(letting_out(https_from("52.0.0.0/8"), base=World()), failures=(failure(),))
    assert missing(outcome(CAUSE, some))
    dialled = Symptom("sign-in", "network-timeout", host="api.ecr.eu-west-1.amazonaws.com", address="34.255.83.146")
    found = problem(outcome(CAUSE, replace(some, failures=(failure(dialled),))))
    assert "34.255.83.146" in found.explanation
    assert "ECS reports" in found.explanation


def test_mended_by_another_deployment() -> None:
    moved = replace(DEPLOYMENT, id="ecs-svc/2", groups=("sg-other",))
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, replace(letting_out(), service=service))).still == "unknown"
    assert problem(outcome(CAUSE, letting_out())).still == "yes"
    assert isinstance(letting_out().view().puller, Known)


def test_the_endpoint_is_let_out_to_also_behind_a_name_that_leads_past_it() -> None:
    past = having(change(ENDPOINTS, "security_groups", "sg-task", egress=()), dns_hostnames=Known(value=False))
    (rule,) = parameters(problem(outcome(CAUSE, World(vpc=past))))["IpPermissions"]
    assert rule["UserIdGroupPairs"] == [{"GroupId": "sg-endpoint"}]


def test_on_ec2_the_groups_of_the_instance_count_whatever_the_service_has() -> None:
    other = replace(SERVICE, deployments=(replace(DEPLOYMENT, subnets=("subnet-other",), groups=("sg-of-the-task",)),))
    found = problem(outcome(CAUSE, replace(letting_out(TO_ENDPOINTS), task=EC2_TASK, service=other)))
    assert (found.culprit.id, found.still) == ("sg-task", "yes")
    assert "sg-of-the-task" not in str(found)
