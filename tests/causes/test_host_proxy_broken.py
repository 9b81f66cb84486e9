from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Failure
from tests.causes.factory import CONTAINER_INSTANCE, EC2_TASK, SILENT, TASK, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.ranked_worlds import ranked

CAUSE = "host-proxy-broken"
DAEMON = 'CannotPullContainerError: Error response from daemon: Get "https://registry-1.docker.io/v2/": '
AGENT = (
    "CannotPullECRContainerError: RequestError: send request failed caused by: "
    'Post "https://api.ecr.eu-west-1.amazonaws.com/": '
)
REFUSED = "proxyconnect tcp: dial tcp 10.20.0.8:3128: connect: connection refused"


def saying(text: str) -> World:
    return World(task=EC2_TASK, failures=(replace(failure(read_symptom(text)), message=text),))


@pytest.mark.parametrize(
    ("said", "title", "named"),
    [
        (REFUSED, "proxy of the host refuses connections", "proxy 10.20.0.8:3128 "),
        (
            "proxyconnect tcp: dial tcp: lookup proxy.corp.example on 10.0.0.2:53: no such host",
            "name of the host's proxy does not resolve",
            "proxy proxy.corp.example ",
        ),
        (
            "proxyconnect tcp: dial tcp: lookup proxy.corp.example on 10.0.0.2:53: read udp 10.0.1.2:4011: i/o timeout",
            "name of the host's proxy does not resolve",
            "proxy proxy.corp.example ",
        ),
        ("proxyconnect tcp: dial tcp 10.20.0.8:3128: i/o timeout", "proxy of the host does not answer", "8:3128 "),
        (
            "proxyconnect tcp: dial tcp 192.0.2.6:1080: getsockopt: no route to host",
            "proxy of the host does not answer",
            "proxy 192.0.2.6:1080 ",
        ),
        (
            "proxyconnect tcp: dial tcp [fd00:0:0:1::8]:3128: connect: connection refused",
            "proxy of the host refuses connections",
            "proxy [fd00:0:0:1::8]:3128 ",
        ),
        (
            "proxyconnect tcp: tls: first record does not look like a TLS handshake",
            "proxy of the host speaks another kind of TLS",
            "a proxy ",
        ),
        ("Proxy Authentication Required", "proxy of the host wants a login", "a proxy "),
        ("proxyconnect tcp: EOF", "proxy of the host does not let the pull through", "a proxy "),
    ],
)
def test_the_text_says_what_the_proxy_does(said: str, title: str, named: str) -> None:
    found = problem(outcome(CAUSE, saying(DAEMON + said)))
    assert found.title == title
    assert named in found.evidence[0].text
    assert "registry-1.docker.io" not in found.explanation
    assert (found.culprit.id, found.text_proves, found.still) == ("i-1", True, "unknown")


def test_a_port_that_looks_like_a_status_decides_nothing() -> None:
    said = REFUSED.replace("3128", "4070")
    assert problem(outcome(CAUSE, saying(DAEMON + said))).title == "proxy of the host refuses connections"


def test_a_repository_that_is_named_after_an_error_decides_nothing() -> None:
    text = 'CannotPullContainerError: Get "https://quay.io/v2/x509/timeout/manifests/refused": proxyconnect tcp: EOF'
    assert problem(outcome(CAUSE, saying(text))).title == "proxy of the host does not let the pull through"


def test_docker_pulls_and_the_agent_signs_in() -> None:
    docker = problem(outcome(CAUSE, saying(DAEMON + REFUSED)))
    agent = problem(outcome(CAUSE, saying(AGENT + REFUSED)))
    assert docker.explanation.startswith("Docker on i-1 goes through proxy 10.20.0.8:3128")
    assert agent.explanation.startswith("The ECS agent on i-1 goes through")
    assert "docker.service.d" in docker.fixes[1].text
    assert "set in /etc/ecs/ecs.config" in agent.fixes[1].text
    for one in (docker, agent):
        assert "169.254.169.254,169.254.170.2,/var/run/docker.sock" in one.fixes[1].text
        assert one.fixes[1].commands[0] == "aws ssm start-session --region eu-west-1 --target i-1"
    assert "stops the containers" in str(docker.fixes[1].effect)
    assert "stops the containers" not in str(agent.fixes[1].effect)


@pytest.mark.parametrize("text", [DAEMON + REFUSED, AGENT + REFUSED])
def test_it_is_proven_and_alone(text: str) -> None:
    (finding,) = ranked(saying(text)).findings
    assert (finding.row.cause, finding.certainty) == (CAUSE, "proven")


def test_on_managed_instances_nobody_sets_it() -> None:
    world = replace(saying(DAEMON + REFUSED), task=replace(EC2_TASK, launch_type="MANAGED_INSTANCES"))
    (fix,) = problem(outcome(CAUSE, world)).fixes
    assert fix.commands == ()


def test_an_unread_host_takes_nothing_from_the_text() -> None:
    unread = Unknown("the container instance", "denied", "ecs:DescribeContainerInstances")
    found = problem(outcome(CAUSE, saying(DAEMON + REFUSED), container_instance=unread, instance=unread))
    assert (found.culprit.id, found.text_proves) == (CONTAINER_INSTANCE.arn, True)


def test_on_fargate_a_proxy_is_none_that_a_setting_gives() -> None:
    assert missing(outcome(CAUSE, replace(saying(DAEMON + REFUSED), task=TASK))) == ("which proxy the pull met",)
    assert isinstance(outcome(CAUSE, World(task=TASK, failures=(failure(SILENT),))), NotApplicable)


def test_only_the_text_tells() -> None:
    def of(one: Failure) -> World:
        return World(task=EC2_TASK, failures=(one,))

    assert "network-timeout" in ok(outcome(CAUSE, of(failure(TIMEOUT))))
    assert "i-1" in missing(outcome(CAUSE, of(failure(SILENT))))[0]
