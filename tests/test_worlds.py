"""Each world has the defect that it declares, and nothing else; mending it leaves a healthy account."""

import json
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from infra.event_pattern import failure_pattern
from tests.emulated.aws import EmulatedAws
from tests.worlds import WORLDS, World, build
from tests.worlds.defects import DEFECTS, ONE_OF_EACH
from tests.worlds.recording import Recording, paged
from tests.worlds.texts import S3_ADDRESS


def _of_vpc(world: World, operation: str, member: str) -> list[dict[str, Any]]:
    filters = [{"Name": "vpc-id", "Values": [world.vpc]}]
    found: list[dict[str, Any]] = getattr(world.builder.client("ec2"), operation)(Filters=filters)[member]
    return found


def _routes(world: World) -> dict[str, str]:
    """The routes of the table that serves the task's subnet: destination to target."""
    tables = _of_vpc(world, "describe_route_tables", "RouteTables")
    own = [table for table in tables if any(a.get("SubnetId") == world.subnet for a in table["Associations"])]
    main = [table for table in tables if any(a["Main"] for a in table["Associations"])]
    return {
        route.get("DestinationCidrBlock") or route["DestinationPrefixListId"]: route.get("GatewayId")
        or route["NatGatewayId"]
        for route in (own or main)[0]["Routes"]
    }


def _endpoints(world: World) -> dict[str, dict[str, Any]]:
    found = _of_vpc(world, "describe_vpc_endpoints", "VpcEndpoints")
    return {endpoint["ServiceName"].removeprefix(f"com.amazonaws.{world.region}."): endpoint for endpoint in found}


def _interface(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.builder.client("ec2").describe_network_interfaces(
        NetworkInterfaceIds=[world.launched.interface]
    )["NetworkInterfaces"][0]
    return found


def _may_pull(world: World) -> dict[str, str]:
    needed = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    answer = world.builder.client("iam").simulate_principal_policy(PolicySourceArn=world.role, ActionNames=needed)
    return {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}


ONE_FAST = {name for name in WORLDS if name not in DEFECTS or (DEFECTS[name].host and name in ONE_OF_EACH)}
ONE_FAST |= set(ONE_OF_EACH[::3])
"""The worlds of the fast set: the first ones, of every third cause one, and some on instances."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ONE_FAST else pytest.mark.slow) for name in WORLDS]
)
def test_the_events_of_a_world_are_those_of_its_task(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)

    before, after = (event["detail"] for event in world.events)
    assert (before["lastStatus"], after["lastStatus"]) == ("DEPROVISIONING", "STOPPED")
    assert before["version"] < after["version"]
    assert "stoppedAt" not in before
    assert before["stoppedReason"] == after["stoppedReason"] == world.text
    assert world.event["id"] != world.events[0]["id"]
    host = world.builder.host
    assert after.get("containerInstanceArn") == (host.container_instance if host else None)
    assert bool(after["attachments"]) == (host is None or host.network_mode == "awsvpc")
    for attachment in after["attachments"]:
        details = {item["name"]: item["value"] for item in attachment["details"]}
        interface = _interface(world)
        assert details["subnetId"] == interface["SubnetId"]
        assert (details["subnetId"] == world.subnet) == (host is None)
        assert details.get("privateIPv4Address") == interface.get("PrivateIpAddress")
    ecs = world.builder.client("ecs")
    task = ecs.describe_tasks(cluster=world.cluster, tasks=[after["taskArn"]])["tasks"][0]
    for member in ("stopCode", "stoppedReason", "group", "startedBy", "launchType", "version"):
        assert task[member] == after[member]
    assert (task["platformVersion"] or None) == after.get("platformVersion")
    assert "startedAt" not in task
    service = ecs.describe_services(cluster=world.cluster, services=[world.workload])["services"][0]
    assert (service["desiredCount"], service["runningCount"]) == (1, 0)
    assert service["deployments"][0]["id"] == after["startedBy"]
    assert after["startedBy"].removeprefix("ecs-svc/").isdecimal()
    pattern = json.dumps(failure_pattern())
    matches = [
        aws.client("events").test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]
        for event in world.events
    ]
    assert matches == [True, True]


def test_private_subnet_without_route(aws: EmulatedAws) -> None:
    world = build(aws, "private-subnet-without-route")
    assert _routes(world) == {"10.0.0.0/16": "local"}

    world.mend()
    assert _routes(world)["0.0.0.0/0"].startswith("nat-")


def test_a_subnet_may_use_the_main_route_table(aws: EmulatedAws) -> None:
    world = build(aws, "private-subnet-without-route", main_table=True)
    tables = _of_vpc(world, "describe_route_tables", "RouteTables")
    assert not [table for table in tables if any(a.get("SubnetId") == world.subnet for a in table["Associations"])]
    assert _routes(world) == {"10.0.0.0/16": "local"}

    world.mend()
    assert _routes(world)["0.0.0.0/0"].startswith("nat-")


def test_s3_endpoint_missing(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing")
    endpoints = _endpoints(world)
    assert set(endpoints) == {"ecr.api", "ecr.dkr"}
    names = {entry["DnsName"] for endpoint in endpoints.values() for entry in endpoint["DnsEntries"]}
    assert {"api.ecr.eu-west-1.amazonaws.com", "*.dkr.ecr.eu-west-1.amazonaws.com"} < names
    assert _routes(world) == {"10.0.0.0/16": "local"}
    assert S3_ADDRESS in world.text

    world.mend()
    lists = world.builder.client("ec2").describe_prefix_lists()["PrefixLists"]
    s3 = next(item for item in lists if item["PrefixListName"] == "com.amazonaws.eu-west-1.s3")
    assert "52.216.0.0/15" in s3["Cidrs"]
    assert _routes(world)[s3["PrefixListId"]] == _endpoints(world)["s3"]["VpcEndpointId"]


def test_endpoint_security_group(aws: EmulatedAws) -> None:
    world = build(aws, "endpoint-security-group")
    endpoint = _endpoints(world)["ecr.api"]
    interfaces = world.builder.client("ec2").describe_network_interfaces(
        NetworkInterfaceIds=endpoint["NetworkInterfaceIds"]
    )["NetworkInterfaces"]
    assert f"dial tcp {interfaces[0]['PrivateIpAddress']}:443" in world.text
    assert [group["GroupId"] for group in interfaces[0]["Groups"]] == list(world.culprits)
    assert "s3" in _endpoints(world)

    def admitted() -> list[str]:
        groups = _of_vpc(world, "describe_security_groups", "SecurityGroups")
        rules = next(group["IpPermissions"] for group in groups if group["GroupId"] == world.culprits[0])
        return [pair["GroupId"] for rule in rules for pair in rule["UserIdGroupPairs"]]

    assert admitted() == []
    world.mend()
    assert admitted() == [world.builder.task_group]


def test_role_without_permission(aws: EmulatedAws) -> None:
    world = build(aws, "role-without-permission")
    decisions = {
        "ecr:GetAuthorizationToken": "allowed",
        "ecr:BatchGetImage": "implicitDeny",
        "ecr:GetDownloadUrlForLayer": "allowed",
    }
    assert _may_pull(world) == decisions
    assert f"repository/team/{world.workload} because no identity-based policy allows" in world.denial

    world.mend()
    assert set(_may_pull(world).values()) == {"allowed"}


def test_image_tag_missing(aws: EmulatedAws) -> None:
    world = build(aws, "image-tag-missing")
    ecr, repository = world.builder.client("ecr"), f"team/{world.workload}"
    assert world.image.endswith(f"/{repository}:v1.42.0")
    with pytest.raises(ClientError, match="ImageNotFoundException"):
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1.42.0"}])
    pushed = [image["imagePushedAt"] for image in ecr.describe_images(repositoryName=repository)["imageDetails"]]
    assert max(pushed) <= datetime.fromisoformat(world.event["detail"]["stoppingAt"])

    world.mend()
    asked = [{"imageTag": "v1.42.0"}, {"imageTag": "1.42.0"}]
    mended = ecr.describe_images(repositoryName=repository, imageIds=asked)["imageDetails"]
    assert len({image["imageDigest"] for image in mended}) == 1


def test_public_subnet_without_public_ip(aws: EmulatedAws) -> None:
    world = build(aws, "public-subnet-without-public-ip")
    first = world.launched
    assert _routes(world)["0.0.0.0/0"].startswith("igw-")
    assert "Association" not in _interface(world)

    world.mend()
    world.relaunch()
    assert world.launched.started_by != first.started_by
    assert world.launched.interface != first.interface
    assert "PublicIp" in _interface(world)["Association"]
    assert world.text == world.event["detail"]["stoppedReason"]


def test_healthy(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")

    assert _routes(world)["0.0.0.0/0"].startswith("nat-")
    assert set(_may_pull(world).values()) == {"allowed"}
    assert world.cause is None


def test_a_role_that_is_not_there_is_not_just_without_permissions(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        world.builder.client("iam").simulate_principal_policy(
            PolicySourceArn=world.role + "-gone", ActionNames=["ecr:BatchGetImage"]
        )


def test_a_sibling_runs_in_the_same_subnet_and_started_after_the_failure(aws: EmulatedAws) -> None:
    world = build(aws, "private-subnet-without-route")
    sibling = world.add_sibling()

    ecs = world.builder.client("ecs")
    assert ecs.list_tasks(cluster=world.cluster, serviceName=world.workload)["taskArns"] == [sibling]
    task = ecs.describe_tasks(cluster=world.cluster, tasks=[sibling])["tasks"][0]
    assert task["startedAt"] > world.launched.stopped_at
    assert task["startedBy"] == world.launched.started_by
    assert task["attachments"][0]["details"][0] == {"name": "subnetId", "value": world.subnet}
    assert task["lastStatus"] == "RUNNING"


def test_an_acl_may_forget_the_replies(aws: EmulatedAws) -> None:
    world = build(aws, "healthy", acl_without_replies=True)
    acls = _of_vpc(world, "describe_network_acls", "NetworkAcls")
    own = next(acl for acl in acls if world.subnet in {a["SubnetId"] for a in acl["Associations"]})

    incoming = [(entry["RuleNumber"], entry["RuleAction"]) for entry in own["Entries"] if not entry["Egress"]]
    assert incoming == [(32767, "deny"), (100, "allow")]
    assert {entry["PortRange"]["To"] for entry in own["Entries"] if "PortRange" in entry} == {443}


def test_the_image_may_be_pinned_or_another_account_s(aws: EmulatedAws) -> None:
    pinned = build(aws, "s3-endpoint-missing", by_digest=True)
    assert f"/team/{pinned.workload}@sha256:" in pinned.image
    assert pinned.event["detail"]["containers"][0]["image"] == pinned.image

    foreign = build(aws, "healthy", image_account="222222222222", image_region="us-east-1")
    assert foreign.image.startswith("222222222222.dkr.ecr.us-east-1.amazonaws.com/team/")
    owner = aws.client("ecr", account="222222222222", region="us-east-1")
    assert owner.describe_images(repositoryName=f"team/{foreign.workload}")["imageDetails"]


def test_a_world_may_stand_in_another_account(aws: EmulatedAws) -> None:
    world = build(aws, "private-subnet-without-route", account="333333333333")

    assert world.event["account"] == "333333333333"
    with pytest.raises(ClientError, match=r"InvalidSubnetID\.NotFound"):
        aws.client("ec2").describe_subnets(SubnetIds=[world.subnet])


def test_the_interface_goes_when_it_is_released(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    world.release_interface()
    with pytest.raises(ClientError, match=r"InvalidNetworkInterfaceID\.NotFound"):
        _interface(world)


def test_an_unknown_world_names_the_known_ones(aws: EmulatedAws) -> None:
    with pytest.raises(KeyError, match="s3-endpoint-missing"):
        build(aws, "atlantis")


def test_a_recording_asks_aws_once_and_fails_to_order(aws: EmulatedAws) -> None:
    recording = Recording(aws)
    ec2 = recording.session.client("ec2")
    first = ec2.describe_vpcs()["Vpcs"]
    asked = len(aws.calls)

    assert ec2.describe_vpcs()["Vpcs"] == first
    recording.faults["ec2:DescribeVpcs"] = "denied"
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.describe_vpcs()
    recording.faults["ec2:DescribeVpcs"] = "timed-out"
    with pytest.raises(ReadTimeoutError):
        ec2.describe_vpcs()
    recording.faults["ec2:DescribeVpcs"] = "second-page-missing"
    assert ec2.describe_vpcs()["Vpcs"] == first
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.get_paginator("describe_vpcs").paginate().build_full_result()
    recording.faults.clear()
    assert ec2.describe_vpcs()["Vpcs"] == first

    assert len(aws.calls) == asked
    assert recording.actions == {"ec2:DescribeVpcs"}
    assert paged("ec2:DescribeVpcs")
    assert not paged("ec2:DescribeVpcAttribute")


def _service(world: World) -> dict[str, Any]:
    ecs = world.builder.client("ecs")
    found: dict[str, Any] = ecs.describe_services(cluster=world.cluster, services=[world.workload])["services"][0]
    return found


def _running(world: World) -> list[str]:
    found: list[str] = world.builder.client("ecs").list_tasks(cluster=world.cluster, serviceName=world.workload)[
        "taskArns"
    ]
    return found


def _revisions(world: World) -> list[tuple[str, str, int]]:
    return [
        (one["taskDefinition"].rpartition(":")[2], one["rolloutState"], one["runningCount"])
        for one in _service(world)["deployments"]
    ]


def test_a_service_recovers_with_a_task_that_started_after_the_failure(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    assert _revisions(world) == [("1", "IN_PROGRESS", 0)]
    task = world.recover()

    assert _revisions(world) == [("1", "COMPLETED", 1)]
    assert _running(world) == [task]
    found = world.builder.client("ecs").describe_tasks(cluster=world.cluster, tasks=[task])["tasks"][0]
    assert found["startedAt"] > world.launched.stopped_at
    assert found["startedBy"] == _service(world)["deployments"][0]["id"]


def test_a_new_revision_recovers_and_the_old_tasks_go(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    old = world.add_old_task()
    revision = world.deploy("docker.io/library/nginx:1.28")
    assert _revisions(world) == [("2", "IN_PROGRESS", 0), ("1", "IN_PROGRESS", 1)]
    with pytest.raises(RuntimeError, match="complete"):
        world.builder.settle()

    world.recover()
    assert _revisions(world) == [("2", "COMPLETED", 1)]
    assert old not in _running(world)
    found = world.builder.client("ecs").describe_task_definition(taskDefinition=revision)["taskDefinition"]
    assert found["containerDefinitions"][0]["image"] == "docker.io/library/nginx:1.28"
    assert found["executionRoleArn"] == world.role


def test_a_rollback_leaves_the_old_tasks_running(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    old = world.add_old_task()
    before = _service(world)["deployments"][0]["id"]
    world.deploy()
    world.relaunch()
    assert world.event["detail"]["taskDefinitionArn"].endswith(":2")

    world.roll_back()
    assert _revisions(world) == [("1", "COMPLETED", 1)]
    assert _service(world)["deployments"][0]["id"] == before
    assert _service(world)["taskDefinition"].endswith(":1")
    assert _running(world) == [old]
    assert world.deployment_completed["detail"]["deploymentId"] == before


def test_a_service_may_want_nothing_or_be_gone(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    world.add_old_task()
    world.scale_to_zero()
    assert (_service(world)["status"], _service(world)["desiredCount"], _running(world)) == ("ACTIVE", 0, [])

    other = build(aws, "healthy")
    other.add_old_task()
    other.delete_service()
    assert (_service(other)["status"], _running(other)) == ("INACTIVE", [])


def test_ecs_knows_the_tasks_of_a_storm(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    events = world.fail_again(120)
    assert len({event["id"] for event in events}) == len(events) == 240
    arns = [event["detail"]["taskArn"] for event in events[::2]]
    assert len({*arns, world.launched.task}) == 121
    ecs = world.builder.client("ecs")
    task = ecs.describe_tasks(cluster=world.cluster, tasks=[arns[0]])["tasks"][0]
    details = {item["name"]: item["value"] for item in task["attachments"][0]["details"]}
    assert events[0]["resources"] == [task["taskArn"]] == [arns[0]]
    assert (task["lastStatus"], task["stoppedReason"]) == ("STOPPED", world.text)
    assert task["stoppedAt"] >= world.launched.stopped_at.replace(microsecond=0)
    assert details["networkInterfaceId"] != world.launched.interface
    assert details["networkInterfaceId"] in json.dumps(events[0])
    pages = ecs.get_paginator("list_tasks").paginate(
        cluster=world.cluster, serviceName=world.workload, desiredStatus="STOPPED"
    )
    assert {arn for page in pages for arn in page["taskArns"]} == {*arns, world.launched.task}
    assert _running(world) == []


def test_a_storm_on_a_host_whose_tasks_have_no_interface(aws: EmulatedAws) -> None:
    world = build(aws, "host-disk-full")
    assert world.launched.interface == ""
    events = world.fail_again(2)
    assert len({event["detail"]["taskArn"] for event in events}) == 2
    assert events[1]["detail"]["containerInstanceArn"] == world.event["detail"]["containerInstanceArn"]


def test_a_neighbour_shares_everything_but_its_name_and_cluster(aws: EmulatedAws) -> None:
    world = build(aws, "private-subnet-without-route")
    other = world.neighbour("batch")
    assert other.workload != world.workload
    assert other.event["detail"]["clusterArn"].endswith(":cluster/batch")
    assert (other.subnet, other.role, other.image) == (world.subnet, world.role, world.image)
    assert _service(other)["deployments"][0]["id"] == other.event["detail"]["startedBy"]
    other.mend()
    assert _routes(world)["0.0.0.0/0"].startswith("nat-")


def test_the_events_of_a_service_have_their_shape(aws: EmulatedAws) -> None:
    world = build(aws, "healthy")
    steady, done = world.steady_state, world.deployment_completed
    arn = _service(world)["serviceArn"]
    assert steady["resources"] == done["resources"] == [arn]
    assert steady["id"] != world.steady_state["id"]
    assert (steady["detail-type"], steady["detail"]["eventName"]) == ("ECS Service Action", "SERVICE_STEADY_STATE")
    assert steady["detail"]["clusterArn"] == world.event["detail"]["clusterArn"]
    assert (done["detail-type"], "version" in done["detail"]) == ("ECS Deployment State Change", False)
    assert done["detail"]["deploymentId"] == _service(world)["deployments"][0]["id"]
