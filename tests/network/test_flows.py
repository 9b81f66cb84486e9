from dataclasses import replace

import pytest

from pull_doctor.facts.values import ContainerDefinition, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference, parse_reference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import Flow, pull_plan, store_plan
from tests.causes.factory import DOWNLOAD_TIMEOUT, TASK, TIMEOUT
from tests.network.factory import ACCOUNT, LAYERS, REGION, REGISTRY

IMAGE = f"{REGISTRY}/team/app:1"
ON_EC2 = replace(TASK, launch_type="EC2", platform_version=None, attachment=None)
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/database-AbCdEf"


def plan(image: str = IMAGE, symptom: Symptom = TIMEOUT, task: Task = TASK, *, ipv6_only: bool = False) -> list[Flow]:
    return list(pull_plan(task, read(image), symptom, ipv6_only=ipv6_only))


def read(image: str) -> ImageReference:
    reference = parse_reference(image)
    assert reference is not None
    return reference


def steps(flows: list[Flow]) -> list[tuple[str, str]]:
    return [(flow.phase, flow.host) for flow in flows]


ALL = [("sign-in", f"api.ecr.{REGION}.amazonaws.com"), ("resolve", REGISTRY), ("download", LAYERS)]


@pytest.mark.parametrize(
    "task",
    [
        TASK,
        replace(TASK, platform_version="LATEST"),
        replace(TASK, platform_version=None),
        replace(TASK, platform_version="1.0.0", platform_family="WINDOWS_SERVER_2022_CORE"),
        ON_EC2,
        replace(ON_EC2, launch_type="MANAGED_INSTANCES"),
        replace(ON_EC2, launch_type="EXTERNAL"),
    ],
)
def test_a_pull_from_ecr_signs_in_asks_for_the_manifest_and_downloads(task: Task) -> None:
    flows = plan(task=task)
    assert steps(flows) == ALL
    assert [flow.service for flow in flows] == ["ecr.api", "ecr.dkr", "s3"]
    assert {flow.region for flow in flows} == {REGION}
    assert {flow.families for flow in flows} == {(4,)}
    assert all(flow.is_public and not flow.may for flow in flows)


@pytest.mark.parametrize("version", ["1.3.0", "1.2.0", "1.1.0"])
def test_older_platform_versions_sign_in_outside_the_vpc(version: str) -> None:
    assert steps(plan(task=replace(TASK, platform_version=version))) == ALL[1:]


def test_an_image_of_another_region_needs_that_regions_hosts() -> None:
    flows = plan(f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app:1")
    assert {flow.region for flow in flows} == {"us-east-1"}
    assert all(".us-east-1." in flow.host for flow in flows)
    assert flows[1].resource == f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/app"


def test_a_dual_stack_image_still_signs_in_at_the_classic_name_unless_there_is_no_ipv4() -> None:
    image = f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws/team/app:1"
    flows = plan(image)
    assert [flow.families for flow in flows] == [(4,), (4, 6), ()]
    assert [flow.host for flow in flows[::2]] == [f"api.ecr.{REGION}.amazonaws.com", LAYERS]
    alone = plan(image, ipv6_only=True)
    assert [flow.families for flow in alone] == [(4, 6)] * 3
    assert [flow.host for flow in alone[::2]] == [f"ecr.{REGION}.api.aws", LAYERS.replace(".s3.", ".s3.dualstack.")]
    assert [flow.families for flow in plan(ipv6_only=True)] == [(4, 6), (4,), (4,)]


def test_the_host_that_the_text_shows_replaces_the_usual_one() -> None:
    told = Symptom("sign-in", "network-timeout", host=f"api.ecr-fips.{REGION}.amazonaws.com", address="10.0.2.9")
    assert plan(symptom=told)[0].host == told.host
    assert plan(symptom=told)[0].address == "10.0.2.9"
    elsewhere = replace(told, host="api.ecr.ap-south-1.amazonaws.com")
    assert plan(symptom=elsewhere)[0].host == ALL[0][1]
    dual = LAYERS.replace(".s3.", ".s3.dualstack.")
    layers = plan(symptom=replace(DOWNLOAD_TIMEOUT, host=dual))
    assert (layers[2].host, layers[2].families) == (dual, (4, 6))


def test_the_address_goes_to_the_flow_of_its_host_or_else_of_its_phase() -> None:
    by_phase = plan(symptom=replace(DOWNLOAD_TIMEOUT, address="52.218.1.1"))
    assert [flow.address for flow in by_phase] == [None, None, "52.218.1.1"]
    assert by_phase[2].after_manifest
    by_host = plan(symptom=replace(DOWNLOAD_TIMEOUT, address="10.0.2.12", host=REGISTRY))
    assert [flow.address for flow in by_host] == [None, "10.0.2.12", None]
    of_another = plan(symptom=replace(TIMEOUT, address="10.0.2.12", host="mirror.example.com"))
    assert not any(flow.address for flow in of_another)
    assert not any(flow.address for flow in plan(symptom=replace(TIMEOUT, address="no address")))


def test_docker_hub_needs_one_of_its_layer_hosts() -> None:
    flows = plan("nginx:1.27")
    assert steps(flows)[:2] == [("sign-in", "auth.docker.io"), ("resolve", "registry-1.docker.io")]
    assert {flow.phase for flow in flows[2:]} == {"download"}
    assert len(flows) > 3
    assert [flow.may for flow in flows] == [False, False, *[True] * (len(flows) - 2)]
    assert all(flow.is_public for flow in flows)
    assert "registry-1.docker.io" not in [flow.host for flow in flows[2:]]


def test_the_layer_host_that_the_text_shows_is_the_one() -> None:
    told = replace(DOWNLOAD_TIMEOUT, host="production.cloudfront.docker.com", address="18.1.1.1")
    (download,) = [flow for flow in plan("nginx:1.27", told) if flow.phase == "download"]
    assert (download.host, download.may, download.address) == (told.host, False, "18.1.1.1")


@pytest.mark.parametrize("image", ["ghcr.io/team/app:1", "quay.io/team/app:1", "eu.gcr.io/team/app:1"])
def test_layer_hosts_that_are_only_as_seen_leave_the_registrys_own_host_beside_them(image: str) -> None:
    flows = plan(image)
    own = read(image).host
    assert steps(flows)[0] == ("resolve", own)
    assert all(flow.may and flow.is_public for flow in flows[1:])
    assert own in [flow.host for flow in flows[1:]]
    address = plan(image, replace(DOWNLOAD_TIMEOUT, address="185.199.1.1"))
    assert [flow.address for flow in address] == [None, *["185.199.1.1"] * (len(flows) - 1)]
    by_host = plan(image, replace(DOWNLOAD_TIMEOUT, host=own, address="185.199.1.1"))
    assert [(flow.phase, flow.address) for flow in by_host] == [("resolve", None), ("download", "185.199.1.1")]


def test_another_registry_is_its_own_host_alone() -> None:
    image = "registry.example.com/team/app:1"
    assert steps(plan(image)) == [("resolve", "registry.example.com")]
    assert not plan(image)[0].is_public
    assert steps(plan(image, DOWNLOAD_TIMEOUT))[1:] == [("download", "registry.example.com")]


def definition(*secrets: str, credentials: str | None = None, image: str = IMAGE) -> TaskDefinition:
    container = ContainerDefinition("app", True, image, secrets, credentials)  # noqa: FBT003 - essential
    sidecar = ContainerDefinition("sidecar", False, IMAGE, secrets)  # noqa: FBT003 - essential
    return TaskDefinition("web", 87, None, (container, sidecar))


def stores(one: TaskDefinition, task: Task = TASK, symptom: Symptom = TIMEOUT) -> list[Flow]:
    return list(store_plan(task, one, symptom))


def test_each_store_that_the_start_needs_is_one_flow() -> None:
    flows = stores(definition(SECRET, f"{SECRET}:user::", "/prod/database"))
    assert steps(flows) == [
        ("prepare", f"secretsmanager.{REGION}.amazonaws.com"),
        ("prepare", f"ssm.{REGION}.amazonaws.com"),
    ]
    assert [flow.service for flow in flows] == ["secretsmanager", "ssm"]
    assert not stores(definition())


def test_a_secret_of_another_region_is_read_there() -> None:
    (flow,) = stores(definition(SECRET.replace(REGION, "us-east-1")))
    assert (flow.host, flow.region) == ("secretsmanager.us-east-1.amazonaws.com", "us-east-1")


def test_registry_credentials_are_a_secret_unless_the_image_is_in_ecr() -> None:
    for credentials in (SECRET, "prod/registry"):
        (flow,) = stores(definition(credentials=credentials, image="registry.example.com/team/app:1"))
        assert flow.host == f"secretsmanager.{REGION}.amazonaws.com"
        assert not stores(definition(credentials=credentials))


def test_older_platform_versions_read_secrets_outside_the_vpc() -> None:
    assert not stores(definition(SECRET), replace(TASK, platform_version="1.3.0"))
    assert stores(definition(SECRET), ON_EC2)


def test_without_ipv4_the_dual_stack_name_is_asked() -> None:
    (flow,) = store_plan(TASK, definition(SECRET), TIMEOUT, ipv6_only=True)
    assert (flow.host, flow.families) == (f"secretsmanager.{REGION}.api.aws", (4, 6))


def test_an_address_without_a_host_goes_to_the_only_store() -> None:
    told = Symptom("prepare", "network-timeout", address="10.0.2.9")
    assert [flow.address for flow in stores(definition(SECRET), symptom=told)] == ["10.0.2.9"]
    assert not any(flow.address for flow in stores(definition(SECRET, "database"), symptom=told))


def test_the_store_that_the_text_shows_replaces_the_usual_one() -> None:
    host = f"secretsmanager-fips.{REGION}.amazonaws.com"
    told = Symptom("prepare", "network-timeout", host=host, address="10.0.2.9")
    flows = stores(definition(SECRET, "database"), symptom=told)
    assert [(flow.host, flow.address) for flow in flows] == [(host, "10.0.2.9"), (f"ssm.{REGION}.amazonaws.com", None)]
