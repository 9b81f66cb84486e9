"""The proxy that the host uses does not let the pull through.

A host can be told to reach registries through an HTTP proxy. Docker has that setting for the pull, and the ECS agent
one of its own, with which it signs in to ECR. Where the proxy refuses, does not answer, has a name that does not
resolve, or wants a login, no registry is called. The setting is on the host, and no API of AWS shows it: only ECS's
text tells. AWS Fargate pulls without a proxy.

What mends it: the proxy, or its address in the configuration of Docker and of the agent. NO_PROXY must hold
169.254.169.254, 169.254.170.2, and /var/run/docker.sock, which are the host's own.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/http_proxy_config.html
"""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.host.machines import MANAGED, called, machine_of, standing, typed_on
from pull_doctor.causes.shared.image.images import untold
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import ContainerInstance, Instance
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Resource

_DOCKER = "sudo systemctl show docker --property=Environment"
_AGENT = "sudo grep -i proxy /etc/ecs/ecs.config"
_OWN = "169.254.169.254,169.254.170.2,/var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class _Fault:
    """What the text says of the proxy: the words that tell, the title, the sentence's end, and what mends it."""

    words: tuple[str, ...]
    title: str
    does: str
    mend: str


_FAULTS = (
    _Fault(
        ("proxy authentication required",),
        "proxy of the host wants a login",
        "wants a login, and takes none that the host gives",
        "give the proxy's login with its address, or let the proxy admit the host without one",
    ),
    _Fault(
        ("lookup ", "no such host", "could not resolve"),
        "name of the host's proxy does not resolve",
        "has a name that does not resolve there",
        "name the proxy by a name that resolves on the host, or by its address",
    ),
    _Fault(
        ("refused",),
        "proxy of the host refuses connections",
        "refuses the connection",
        "start the proxy, which does not listen on that port, or correct its address",
    ),
    _Fault(
        ("timeout", "timed out", "deadline", "canceled", "no route to host", "unreachable", "did not properly respond"),
        "proxy of the host does not answer",
        "does not answer",
        "let the security groups, network ACLs, and routes between the host and the proxy pass its port",
    ),
    _Fault(
        ("x509", "certificate", "tls: ", "http response to https"),
        "proxy of the host speaks another kind of TLS",
        "does not speak TLS as the host expects it",
        "write the proxy's address with the scheme that it speaks, mostly http://, or let the host trust it",
    ),
)
"""In this order, as a name server that does not answer is no proxy that does not."""
_OTHERWISE = _Fault(
    (),
    "proxy of the host does not let the pull through",
    "ended the connection before a registry was called",
    "look into the proxy's log for this host",
)


def check(
    *,
    task: Task,
    symptom: Symptom,
    message: str,
    container_instance: Fact[ContainerInstance],
    instance: Fact[Instance],
) -> Outcome:
    if task.on_fargate:
        if symptom.kind != "proxy-failure":
            return NotApplicable("the task ran on AWS Fargate, which pulls without a proxy")
        detail = "ECS's text names a proxy, and no setting gives AWS Fargate one for its pulls"
        return Undetermined((Unknown("which proxy the pull met", "not-visible", detail=detail),))
    machine = machine_of(task, container_instance)
    if symptom.kind != "proxy-failure":
        return untold(symptom, "a proxy", f"which proxy {called(machine)} uses")
    # A name may hold any word; what is said of the connection stands behind it.
    said = message.lower()
    said = said[said.rfind("proxyconnect") :] if "proxyconnect" in said else said
    fault = next((one for one in _FAULTS if any(word in said for word in one.words)), _OTHERWISE)
    proxy = _address(symptom, message)
    named = f"proxy {proxy}" if proxy else "a proxy"
    return Problem(
        title=fault.title,
        explanation=(
            f"{_whose(symptom)} {called(machine)} goes through {named}, which {fault.does}. The request went no "
            "further. No API of AWS shows the setting."
        ),
        culprit=machine,
        evidence=(Evidence(f"ECS's text says that {named} of {called(machine)} {fault.does}", "text", (machine,)),),
        fixes=_fixes(task, symptom, fault, machine, container_instance),
        still=standing(instance),
        text_proves=True,
    )


def _address(symptom: Symptom, message: str) -> str | None:
    """The proxy as far as the text shows it; without "proxyconnect" the host in it is the registry's."""
    if "proxyconnect" not in message.lower():
        return None
    if symptom.address:
        host = f"[{symptom.address}]" if ":" in symptom.address else symptom.address
        return f"{host}:{symptom.port}" if symptom.port else host
    return symptom.host


def _whose(symptom: Symptom) -> str:
    """Who was told to use the proxy: the agent signs in and reads secrets, and Docker pulls."""
    return "The ECS agent on" if symptom.phase in ("prepare", "sign-in") else "Docker on"


def _fixes(
    task: Task, symptom: Symptom, fault: _Fault, machine: Resource, container_instance: Fact[ContainerInstance]
) -> tuple[Fix, ...]:
    place = (task.place.account, task.place.region)
    mend = Fix(fault.mend, "your-call", *place)
    if task.launch_type == MANAGED:
        return (mend,)
    agents = symptom.phase in ("prepare", "sign-in")
    file = "/etc/ecs/ecs.config" if agents else "/etc/systemd/system/docker.service.d/http-proxy.conf"
    restart = "restarting Docker stops the containers of the host"
    setting = Fix(
        f"see on {called(machine)} which proxy is set; it is set in {file}, with NO_PROXY={_OWN}",
        "your-call",
        *place,
        typed_on(task, machine, container_instance, *((_AGENT, _DOCKER) if agents else (_DOCKER, _AGENT))),
        effect=f"a new setting counts once {'the agent' if agents else 'Docker'} is restarted"
        + ("" if agents else f"; {restart}"),
    )
    return (mend, setting)
