"""The two tables that point at the failing step: how far the pull got, and the path to one host."""

from __future__ import annotations

from pull_doctor.intake.symptom import PHASES, Phase
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.report.cause_words import failing_path
from pull_doctor.report.model import UNSET, FailurePart, RankedCause, Report
from pull_doctor.report.words import fill, plain

_VERDICTS = {"fail": "FAIL", "unknown": "?"}
_STEPS = {
    "name": "name",
    "security-group": "security group",
    "network-acl": "network ACL",
    "route": "route table",
    "endpoint": "endpoint",
    "endpoint-security-group": "endpoint's group",
    "endpoint-network-acl": "endpoint's ACL",
    "endpoint-policy": "endpoint's policy",
    "nat-gateway": "NAT gateway",
    "nat-network-acl": "NAT gateway's ACL",
    "internet-gateway": "internet gateway",
    "public-address": "public address",
    "public-access": "public access",
    "internet": "internet",
}
_PHASES = {
    "sign-in": "sign in to ECR",
    "resolve": "read the manifest",
    "download": "download layers",
    "unpack": "unpack",
}


def how_far(report: Report, cause: RankedCause) -> list[str]:
    """Return the table of the pull's phases, where layers were reached: only then did others work before."""
    failure = next((part for part in report.failures if part.id in cause.failures), None)
    if failure is None or failure.symptom.phase not in ("download", "unpack"):
        return []
    failing = PHASES.index(failure.symptom.phase)
    lines = ["How far the pull got:"]
    for at, phase in enumerate(PHASES):
        if phase == "prepare" or (phase == "sign-in" and not _from_ecr(failure)):
            continue
        verdict = "ok" if at < failing else "FAIL" if at == failing else "-"
        lines.append(_row(verdict, _PHASES[phase], 17, _phase_detail(failure, cause, phase, at - failing)))
    return ["\n".join(lines)]


def paths(report: Report, cause: RankedCause) -> list[str]:
    """Return the table of the path that ECS names; other paths that end in the same way are named after it."""
    shown = failing_path(report, cause)
    if shown is None:
        return []
    kind = "puller" if report.puller is UNSET or report.puller.kind not in ("task", "instance") else report.puller.kind
    others = [trace for trace in cause.traces if trace.disposition != "reached" and _follows(trace, shown)]
    return [_path(f"the {kind}", shown, others)]


def _follows(trace: Trace, shown: Trace) -> bool:
    """Whether the trace is of a later host; what came before the one that ECS names may have been passed."""
    return trace.host != shown.host and PHASES.index(trace.phase) >= PHASES.index(shown.phase)


def _path(puller: str, trace: Trace, others: list[Trace]) -> str:
    address = f"{plain(trace.address)}, " if trace.address else ""
    title = f"Path from {puller} to {_host(trace)} ({address}tcp {trace.port}):"
    lines = [fill(title, hang="  ")]
    hops = _told(trace)
    width = max((len(_STEPS[hop.step]) for hop in hops), default=0)
    for hop in hops:
        why = plain(hop.why)
        if hop.resource and plain(hop.resource.id) not in why:
            why = f"{plain(hop.resource.id)}: {why}"
        lines.append(_row(_VERDICTS.get(hop.verdict, hop.verdict), _STEPS[hop.step], width, why))
        lines += [fill(plain(detail), " " * (12 + width), " " * (14 + width)) for detail in hop.details]
    alike = list(dict.fromkeys(_host(other) for other in others if other.disposition == trace.disposition))
    if alike:
        ends = "The path ends" if len(alike) == 1 else "The paths end"
        lines.append(fill(f"{ends} in the same way to {' and '.join(alike)}.", "  ", "  "))
    return "\n".join(lines)


def _told(trace: Trace) -> list[Hop]:
    """The hops up to the first that fails, and behind it those that would fail too or are not known."""
    failing = next((at for at, hop in enumerate(trace.hops) if hop.verdict == "fail"), len(trace.hops))
    return [hop for at, hop in enumerate(trace.hops) if at <= failing or hop.verdict != "ok"]


def _host(trace: Trace) -> str:
    return "Amazon S3" if "-starport-layer-bucket.s3." in trace.host else plain(trace.host)


def _row(verdict: str, label: str, width: int, text: str) -> str:
    head = f"  {verdict:<4}  {label:<{width}}  "
    return fill(text, head, " " * len(head)) if text else head.rstrip()


def _from_ecr(failure: FailurePart) -> bool:
    host = failure.image.partition("/")[0] if isinstance(failure.image, str) else ""
    return ".dkr.ecr" in host or ".dkr-ecr" in host


def _phase_detail(failure: FailurePart, cause: RankedCause, phase: Phase, distance: int) -> str:
    """Name the host of a phase, and the endpoint that it was reached through, where they are known."""
    if distance > 0:
        return "not reached"
    trace = next((one for one in cause.traces if one.phase == phase), None)
    if distance == 0:
        return plain(failure.symptom.host or (trace.host if trace else ""))
    if trace is None or trace.disposition != "reached":
        return ""
    through = next((hop.resource.id for hop in trace.hops if hop.step == "endpoint" and hop.resource), None)
    return plain(f"{trace.host}, through {through}" if through else trace.host)
