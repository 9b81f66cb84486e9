import shlex
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, Problem
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import ContainerInstance
from pull_doctor.intake.symptom import Symptom
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.resource import Resource
from tests.causes.factory import EC2_TASK, HUB_IMAGE, IMAGE, SILENT, TASK, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import REGISTRY

CAUSE = "registry-certificate-untrusted"
TLS = Symptom("resolve", "tls-failure")
PRIVATE = "harbor.example.com/team/app:1"
UNKNOWN_AUTHORITY = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
HUB = "registry-1.docker.io"
OTHER_NAMES = f"x509: certificate is valid for *.proxy.example, proxy.example, not {HUB}"
EXPIRED = (
    "x509: certificate has expired or is not yet valid: current time 2026-11-03T09:29:30Z is after 2026-11-01T00:00:00Z"
)
EARLY = EXPIRED.replace("is after 2026-11-01", "is before 2026-12-01")
UNREAD = Unknown("the image in its registry", "switched-off")
MANAGED = replace(EC2_TASK, launch_type="MANAGED_INSTANCES")


def world(image: str = HUB_IMAGE, message: str = UNKNOWN_AUTHORITY, symptom: Symptom = TLS, **more: Any) -> World:
    return World(failures=(replace(failure(symptom, image), message=message),), **more)


def found(made: World, **facts: Any) -> Problem:
    untrusted = problem(outcome(CAUSE, made, **({"registry_image": UNREAD} | facts)))
    assert (untrusted.still, untrusted.text_proves) == ("unknown", True)
    assert len(untrusted.fixes) in (1, 2)
    return untrusted


def test_a_public_registry_that_somebody_stands_in_for() -> None:
    untrusted = found(world())
    assert untrusted.title == "certificate presented for the registry has an unknown authority"
    assert untrusted.culprit.id == HUB
    assert "another server answered for registry-1.docker.io" in untrusted.inferred[0]
    assert "inspects TLS" in untrusted.explanation
    spare, cache = untrusted.fixes
    for host in (HUB, "auth.docker.io", "production.cloudflare.docker.com"):
        assert host in spare.text
    assert f"{REGISTRY}/docker-hub/library/nginx:1.27" in cache.text


def test_the_secret_store_is_no_registry() -> None:
    host = "secretsmanager.eu-west-1.amazonaws.com"
    untrusted = found(world(symptom=replace(TLS, phase="prepare", host=host)))
    assert untrusted.title == "certificate presented for the secret store has an unknown authority"
    assert untrusted.culprit.id == host
    assert [one.commands for one in untrusted.fixes] == [(), ()], "an image in ECR does not lead past what inspects"
    assert "VPC endpoints" in untrusted.fixes[1].text


def test_pull_doctor_could_verify_it_over_another_way() -> None:
    made = world()
    untrusted = problem(outcome(CAUSE, made))
    assert untrusted.inferred == ()
    assert "a certificate for registry-1.docker.io that it could verify" in str(untrusted.evidence)
    sign_in = problem(outcome(CAUSE, world(symptom=replace(TLS, phase="sign-in", host="auth.docker.io"))))
    assert sign_in.inferred, "it was the registry that pull-doctor asked, and not its token service"


def test_ecr_is_reached_past_what_inspects() -> None:
    untrusted = found(world(IMAGE))
    assert (untrusted.culprit.id, len(untrusted.inferred)) == (REGISTRY, 1)
    assert "api.ecr.eu-west-1.amazonaws.com, prod-eu-west-1-starport-layer-bucket.s3" in untrusted.fixes[0].text
    assert "VPC endpoints" in untrusted.fixes[1].text


def test_the_store_of_secrets_has_a_certificate_too() -> None:
    store = "secretsmanager.eu-west-1.amazonaws.com"
    untrusted = found(world("registry.example.com/app:1", symptom=Symptom("prepare", "tls-failure", host=store)))
    assert (untrusted.culprit.id, untrusted.phases) == (store, ("prepare",))
    assert "itself is trusted everywhere" in untrusted.explanation


@pytest.mark.parametrize("task", [TASK, MANAGED])
def test_a_private_authority_where_none_can_be_added(task: Any) -> None:
    untrusted = found(world(PRIVATE, task=task))
    assert untrusted.inferred == ()
    assert "private authority" in untrusted.explanation
    operator, copy = untrusted.fixes
    assert operator.text == "give harbor.example.com a certificate that is trusted everywhere"
    assert f"{REGISTRY}/team/app:1" in copy.text
    assert "certs.d" not in str(untrusted.fixes)


@pytest.mark.parametrize(
    ("task", "instance"),
    [(EC2_TASK, "i-1"), (replace(EC2_TASK, launch_type="EXTERNAL"), "mi-0123456789abcdef0")],
)
def test_a_private_authority_that_docker_can_be_given(task: Any, instance: str) -> None:
    machine = ContainerInstance(
        "arn:aws:ecs:eu-west-1:1:container-instance/prod/0c1", instance, "1.90.0", agent_connected=True
    )
    untrusted = found(world("harbor.example.com:8443/app:1", task=task), container_instance=Known(machine))
    sent = parameters(untrusted)
    assert sent["InstanceIds"] == [instance]
    (line,) = sent["Parameters"]["commands"]
    assert shlex.split(line)[-1] == "/etc/docker/certs.d/harbor.example.com:8443/ca.crt"


def test_an_instance_that_is_not_known_is_filled_in() -> None:
    untrusted = found(world(PRIVATE, task=EC2_TASK), container_instance=Unknown("the container instance", "denied"))
    assert parameters(untrusted)["InstanceIds"] == ["<id of the instance>"]


def test_on_a_host_a_public_registrys_stand_in_can_be_trusted() -> None:
    spare, trust = found(world(task=EC2_TASK)).fixes
    assert "registry-1.docker.io" in spare.text
    assert "container instances trust the authority of what inspects" in trust.text
    assert "out of date" in found(world(task=EC2_TASK)).explanation


NO_NAME = "x509: cannot validate certificate for 10.0.0.5 because it doesn't contain any IP SANs"
OLD_NAME = "x509: certificate relies on legacy Common Name field, use SANs instead"
OTHER_USE = "tls: failed to verify certificate: x509: certificate specifies an incompatible key usage"


@pytest.mark.parametrize(
    ("message", "title", "said"),
    [
        (EXPIRED, "has expired", "valid until 2026-11-01T00:00:00Z"),
        (EARLY, "is not valid yet", "valid only from 2026-12-01T00:00:00Z"),
        (EXPIRED.partition(": current")[0], "is not valid at this time", "has expired or is not valid yet"),
        (OTHER_NAMES, "is for other names", "it is for *.proxy.example, proxy.example"),
        (NO_NAME, "is for other names", "does not have that name"),
        (OLD_NAME, "is for other names", "does not have that name"),
        (OTHER_USE, "cannot be verified", "cannot be verified"),
    ],
)
def test_what_is_said_of_the_certificate(message: str, title: str, said: str) -> None:
    untrusted = found(world(PRIVATE, message))
    assert untrusted.title.endswith(title)
    assert said in untrusted.evidence[0].text
    assert "certs.d" not in str(untrusted.fixes)


def test_an_expired_certificate_is_renewed_by_its_operator() -> None:
    assert found(world(PRIVATE, EXPIRED)).fixes[0].text == "renew the certificate of harbor.example.com"
    public = found(world(HUB_IMAGE, EXPIRED))
    assert public.inferred == ()
    assert "renew" not in str(public.fixes)


def test_the_clock_of_a_host_that_is_off() -> None:
    message = EXPIRED.replace("2026-11-03T", "2027-11-03T")
    off = found(world(PRIVATE, message, task=EC2_TASK))
    assert off.title.startswith("clock of the host is off")
    assert "the task failed at 2026-11-03 09:30:00 UTC" in off.explanation
    assert [fix.text for fix in off.fixes if "clock" in fix.text] == [off.fixes[0].text]
    for task in (TASK, MANAGED):
        assert found(world(PRIVATE, message, task=task)).title.endswith("has expired"), "their clocks are AWS's"
    assert found(world(PRIVATE, EXPIRED, task=EC2_TASK)).title.endswith("has expired")


@pytest.mark.parametrize("cause", ["private-hosted-zone-shadows", "resolver-rule-misroutes"])
def test_a_name_that_leads_elsewhere_is_a_named_step(cause: str) -> None:
    led = Trace("resolve", "harbor.example.com", cause, (Hop("name", None, "fail", "Z1 answers it", cause=cause),))
    assert cause in found(world(PRIVATE), traces=Known((led,))).inferred[0]
    elsewhere = replace(led, host="cdn.example.com")
    assert found(world(PRIVATE), traces=Known((elsewhere,))).inferred == ()


def test_where_the_way_leads_out_of_sight() -> None:
    why = "what lies behind vpce-0fw is not visible from this VPC"
    hop = Hop("internet", Resource("AWS::EC2::VPCEndpoint", "vpce-0fw"), "unknown", why)
    trace = Trace("resolve", HUB, "undetermined", (Hop("route", None, "ok", "rtb-1 sends 0.0.0.0/0 to vpce-0fw"), hop))
    untrusted = found(world(), traces=Known((trace,)))
    assert why in [one.text for one in untrusted.evidence]
    assert len(found(world(), traces=Unknown("the path", "denied")).evidence) == 1


@pytest.mark.parametrize(
    ("message", "task", "detail"),
    [
        ("http: server gave HTTP response to HTTPS client", TASK, "nobody can pull from on AWS Fargate"),
        ("http: server gave HTTP response to HTTPS client", EC2_TASK, "insecure-registries"),
        ("remote error: tls: handshake failure", TASK, "no certificate"),
        ("remote error: tls: bad certificate", TASK, "no certificate"),
        ("tls: server selected unsupported protocol version 301", TASK, "no certificate"),
        ("tls: first record does not look like a TLS handshake", TASK, "no certificate"),
    ],
)
def test_a_handshake_that_failed_for_no_certificate(message: str, task: Any, detail: str) -> None:
    made = world(PRIVATE, message, task=task)
    assert missing(outcome(CAUSE, made)) == ("why TLS with harbor.example.com failed",)
    assert detail in str(outcome(CAUSE, made))


def test_a_strangers_host_cannot_break_the_command() -> None:
    hostile = outcome(CAUSE, world("[::1]:5000/app:1", task=EC2_TASK))
    assert isinstance(hostile, Problem)
    command = hostile.fixes[0].commands[0]
    assert isinstance(command, AwsCommand)
    assert "'/etc/docker/certs.d/[::1]:5000/ca.crt'" in command.parameters["Parameters"]["commands"][0]


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, world(symptom=TIMEOUT)))
    assert missing(outcome(CAUSE, world(symptom=SILENT)))


def test_a_name_is_no_certificate() -> None:
    text = (
        'failed to do request: Head "https://registry-1.docker.io/v2/acme/certificate-api/manifests/1": tls: first '
        "record does not look like a TLS handshake"
    )
    assert missing(outcome(CAUSE, world("acme/certificate-api:1", text))) == (f"why TLS with {HUB} failed",)
    expired = found(
        world("harbor.example.com/self-signed:1", f"failed to resolve harbor.example.com/self-signed:1: {EXPIRED}")
    )
    assert expired.title.endswith("has expired")
