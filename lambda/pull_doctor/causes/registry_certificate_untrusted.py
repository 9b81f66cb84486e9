"""The certificate that was presented for the registry cannot be verified.

Whoever pulls ends the connection where no authority that it knows has signed the certificate, where the certificate is
not valid at this time, or where it is for other names. A public registry's certificate is trusted everywhere: if one is
not, something on the way presented its own, such as a firewall or proxy that inspects TLS, or the name leads to another
server. A private registry may have a certificate of a private authority. On EC2 the time may be that of a host whose
clock is off.

What mends it: no inspection of the registry's hosts, a way around it through VPC endpoints or ECR, or a certificate
that is trusted everywhere. AWS Fargate cannot be given an authority; Docker on a container instance can.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from shlex import quote
from typing import Literal

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Outcome, Problem, Undetermined
from pull_doctor.causes.row import host_class
from pull_doctor.causes.shared.cache.instead import from_ecr
from pull_doctor.causes.shared.host.answering import answering
from pull_doctor.causes.shared.image.images import moment, untold
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerInstance, RegistryLookup
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptoms.names import hide_names
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import pull_plan
from pull_doctor.network.hosts import is_public
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.resource import make

_Fault = Literal["authority", "expired", "early", "dated", "clock", "names", "other"]

_NO_CERTIFICATE = re.compile(r"remote error: tls|http response to https client", re.IGNORECASE)
"""What the other side says of the handshake, or in the place of one."""
_PLAIN_HTTP = re.compile(r"http response to https client", re.IGNORECASE)
_CERTIFICATE = re.compile(r"x509:|certificate", re.IGNORECASE)
_AUTHORITY = re.compile(r"unknown authority|self[- ]signed|unable to get (?:local )?issuer", re.IGNORECASE)
_DATES = re.compile(r"has expired|not yet valid", re.IGNORECASE)
_TIMES = re.compile(
    r"current time (?P<now>[0-9T:+Z-]{20,25}) is (?P<side>after|before) (?P<limit>[0-9T:+Z-]{20,25})", re.IGNORECASE
)
_NAMES = re.compile(r"certificate is (?:not )?valid for|any ip sans|legacy common name", re.IGNORECASE)
_VALID_FOR = re.compile(r"is valid for (?P<names>[\w.*-]{1,100}(?:, (?!not )[\w.*-]{1,100}){0,4})", re.IGNORECASE)
_OFF = timedelta(hours=1)
"""The retries of a pull take minutes: a clock that is so far off is not the retries' doing."""
_LED_ELSEWHERE = ("private-hosted-zone-shadows", "resolver-rule-misroutes")
"""Causes on whose path the name leads to another server than the registry."""
_TITLES: dict[_Fault, str] = {
    "authority": "certificate presented for the registry has an unknown authority",
    "expired": "certificate presented for the registry has expired",
    "early": "certificate presented for the registry is not valid yet",
    "dated": "certificate presented for the registry is not valid at this time",
    "clock": "clock of the host is off, and a certificate not valid by it",
    "names": "certificate presented for the registry is for other names",
    "other": "certificate presented for the registry cannot be verified",
}


def check(
    *,
    task: Task,
    symptom: Symptom,
    message: str,
    image: ImageReference,
    role: Fact[str | None],
    container_instance: Fact[ContainerInstance],
    registry_image: Fact[RegistryLookup],
    traces: Fact[tuple[Trace, ...]],
) -> Outcome:
    host = answering(symptom, image)
    if symptom.kind != "tls-failure":
        return untold(symptom, "a certificate", f"whether the certificate of {host} was trusted")
    fault = _fault(task, message)
    if fault is None:
        return _no_certificate(task, message, host)
    registry = make(task.place, "Registry", host)
    verified = isinstance(registry_image, Known) and host == image.host
    trusted = verified or image.ecr is not None or host_class(host) != "other" or is_public(host)
    told = f"ECS's text says of the certificate for {host} that {_said(fault, message)}"
    seen = f"pull-doctor, which came another way, was shown a certificate for {host} that it could verify"
    behind = [] if fault == "clock" else _opaque(host, traces)
    return Problem(
        title=_TITLES[fault].replace("registry", "secret store" if symptom.phase == "prepare" else "registry"),
        explanation=_explanation(task, fault, host, trusted=trusted),
        culprit=registry,
        evidence=(
            Evidence(told, "text", (registry,)),
            *([Evidence(seen, "fact", (registry,))] if verified else []),
            *(Evidence(hop.why, "fact", (hop.resource or registry,)) for hop in behind),
        ),
        fixes=_fixes(task, symptom, image, role, container_instance, fault, trusted=trusted),
        still="unknown",
        text_proves=True,
        inferred=_inferred(fault, host, traces, public=trusted and not verified),
        phases=() if symptom.phase == "unknown" else (symptom.phase,),
    )


def _fault(task: Task, message: str) -> _Fault | None:
    """What is said of the certificate; ``None`` where nothing is."""
    words = hide_names(message)
    if _NO_CERTIFICATE.search(words) or not _CERTIFICATE.search(words):
        return None
    if _AUTHORITY.search(words):
        return "authority"
    if _DATES.search(words):
        return _dated(task, message)
    return "names" if _NAMES.search(words) else "other"


def _dated(task: Task, message: str) -> _Fault:
    """Whether the certificate's dates or the clock of a host of one's own do not fit, as far as the text has both."""
    times = _TIMES.search(message)
    if times is None:
        return "dated"
    now = _time(times["now"])
    if now and task.failed_at and _on_own_host(task) and abs(now - task.failed_at) > _OFF:
        return "clock"
    return "expired" if times["side"].lower() == "after" else "early"


def _time(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else None


def _said(fault: _Fault, message: str) -> str:
    times, names = _TIMES.search(message), _VALID_FOR.search(message)
    if fault == "authority":
        return "the authority that signed it is unknown"
    if fault == "names":
        return f"it is for {names['names']}" if names else "it does not have that name"
    if times is None:
        return "it has expired or is not valid yet" if fault == "dated" else "it cannot be verified"
    if fault == "clock":
        return f"the host checked it at {times['now']} by its own clock"
    return f"it is valid {'until' if fault == 'expired' else 'only from'} {times['limit']}"


def _explanation(task: Task, fault: _Fault, host: str, *, trusted: bool) -> str:
    if fault == "clock":
        failed_at = f", and the task failed at {moment(task.failed_at)}" if task.failed_at else ""
        return f"The host's clock is off{failed_at}. By such a clock a certificate for {host} is not valid that is."
    what = {
        "authority": "is signed by an authority that it does not know",
        "expired": "has expired",
        "early": "is not valid yet",
        "dated": "has expired or is not valid yet",
        "names": "is for other names",
        "other": "could not be verified",
    }[fault]
    if trusted and fault in ("authority", "names"):
        why = (
            f"The certificate of {host} itself is trusted everywhere. So it is that of a firewall or proxy which "
            "inspects TLS, or of another server to which the name was led."
        )
        if fault == "authority" and _on_own_host(task):
            why += " Or the host's own list of authorities is out of date."
    elif trusted:
        why = "It is the registry's own, or that of a firewall or proxy on the way that inspects TLS."
    elif fault == "authority":
        why = "It comes from a private authority, or from a firewall or proxy on the way that inspects TLS."
        if task.on_fargate:
            why += " AWS Fargate knows the public authorities alone."
    else:
        why = "It is the registry's own, or that of another server to which the name leads."
    return f"The puller ended the connection to {host}: the certificate that it was shown {what}. {why}"


def _inferred(fault: _Fault, host: str, traces: Fact[tuple[Trace, ...]], *, public: bool) -> tuple[str, ...]:
    """What is concluded of the server that answered: not the registry, or one to which a name was led."""
    doubts = []
    if public and fault in ("authority", "names"):
        doubts.append(f"that another server answered for {host} is concluded: its own certificate is a public one")
    ways = traces.value if isinstance(traces, Known) else ()
    if led := next((one.disposition for one in ways if one.host == host and one.disposition in _LED_ELSEWHERE), None):
        doubts.append(f"the name {host} leads to another server ({led}), whose certificate it may be")
    return tuple(doubts)


def _opaque(host: str, traces: Fact[tuple[Trace, ...]]) -> list[Hop]:
    """Where the way to the host leads out of sight: what inspects TLS stands there, if anything does."""
    ways = [one for one in traces.value if one.host == host] if isinstance(traces, Known) else []
    return [hop for one in ways for hop in one.hops if hop.step == "internet" and hop.verdict == "unknown"][:1]


def _fixes(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    role: Fact[str | None],
    container_instance: Fact[ContainerInstance],
    fault: _Fault,
    *,
    trusted: bool,
) -> tuple[Fix, ...]:
    """A certificate that the puller trusts, by the registry's operator or on the host; or the image in ECR."""
    place, host = task.place, answering(symptom, image)
    if fault == "clock":
        text = "set the host's clock right: it has to follow a time server, such as AWS's at 169.254.169.123"
        return (Fix(text, "your-call", place.account, place.region),)
    if trusted:
        return _around(task, symptom, image, role)
    text = {
        "authority": f"give {host} a certificate that is trusted everywhere",
        "names": f"give {host} a certificate that has its name",
        "other": f"give {host} a certificate that is trusted everywhere",
    }.get(fault, f"renew the certificate of {host}")
    by_operator = Fix(text, "your-call", place.account, place.region)
    if fault == "authority" and _on_own_host(task):
        return _authority(task, image, container_instance), by_operator
    return by_operator, from_ecr(task, image, role)


def _around(task: Task, symptom: Symptom, image: ImageReference, role: Fact[str | None]) -> tuple[Fix, ...]:
    """No inspection of the hosts of this pull, or a way on which there is none."""
    place = task.place
    hosts = dict.fromkeys((answering(symptom, image), *(flow.host for flow in pull_plan(task, image, symptom))))
    text = f"take the hosts of this pull out of TLS inspection on the way: {', '.join(hosts)}"
    spare = Fix(text, "your-call", place.account, place.region)
    if image.ecr or symptom.phase == "prepare":
        text = "reach AWS's hosts through VPC endpoints, past what inspects"
        return spare, Fix(text, "your-call", place.account, place.region)
    if _on_own_host(task):
        text = "let the container instances trust the authority of what inspects, and start Docker there again"
        return spare, Fix(text, "your-call", place.account, place.region, effect="that stops what runs on the instance")
    return spare, from_ecr(task, image, role)


def _authority(task: Task, image: ImageReference, container_instance: Fact[ContainerInstance]) -> Fix:
    """The authority's certificate where Docker looks for it.

    https://docs.docker.com/engine/security/certificates/
    """
    place = task.place
    known = container_instance.value.instance if isinstance(container_instance, Known) else None
    path = f"/etc/docker/certs.d/{image.host}{f':{image.port}' if image.port else ''}/ca.crt"
    decoded = "echo '<certificate of the authority, in base64 on one line>' | base64 -d"
    values = {
        "InstanceIds": [known or "<id of the instance>"],
        "DocumentName": "AWS-RunShellScript",
        "Parameters": {"commands": [f"{decoded} | install -D -m 644 /dev/stdin {quote(path)}"]},
    }
    return Fix(
        "let Docker trust the registry's authority, on each Linux instance that may run the task",
        "fill-in",
        place.account,
        place.region,
        (AwsCommand("ssm", "SendCommand", values),),
    )


def _on_own_host(task: Task) -> bool:
    """Whether the pull is that of a host whose settings are the user's."""
    return not task.on_fargate and task.launch_type != "MANAGED_INSTANCES"


def _no_certificate(task: Task, message: str, host: str) -> Undetermined:
    """A failure of TLS that no certificate is to blame for, and what it means."""
    detail = "ECS's text tells of a handshake that failed, and of no certificate that could not be verified"
    if _PLAIN_HTTP.search(message):
        detail = f"{host} answers in plain HTTP there, which nobody can pull from on AWS Fargate"
        if _on_own_host(task):
            detail = f"{host} answers in plain HTTP there, which Docker takes from its insecure-registries alone"
    return Undetermined((Unknown(f"why TLS with {host} failed", "not-modelled", resource=host, detail=detail),))
