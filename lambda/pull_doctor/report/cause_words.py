"""What all forms of a report say of its causes: how they count, what shows them, and what could not be read.

What is unknown is named, with the action that was refused.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.causes.outcome import Evidence
from pull_doctor.causes.row import Realm
from pull_doctor.facts.fact import Unknown
from pull_doctor.network.trace import Trace
from pull_doctor.report.model import RankedCause, Report
from pull_doctor.report.words import cluster, many, plain, sentence, task_id

_FILLERS = frozenset(
    {"a", "an", "and", "exists", "has", "have", "in", "is", "it", "of", "that", "the", "which", "with"}
)
_AREAS: dict[Realm, str] = {
    "image": "the image and its registry",
    "identity": "roles, rights, and secrets",
    "network": "the way to the registry",
    "host": "the host that pulls",
}
_NO_ANSWER = ("denied", "throttled", "timed-out")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_IDENTITY = "sts:GetCallerIdentity"


def _endings(report: Report) -> dict[str, str]:
    """Return each cause with the firmest that was said of it for any failure."""
    said = dict.fromkeys((one.cause for one in report.not_applicable), "not applicable")
    said |= dict.fromkeys((one.cause for one in report.ruled_out), "ruled out")
    said |= dict.fromkeys((one.cause for one in report.not_checked), "not checked")
    said |= {one.cause: "included" for cause in report.causes for one in cause.includes}
    return said | {cause.cause: cause.certainty for cause in reversed(report.causes)}


def tally(report: Report) -> list[str]:
    """Return how many causes ended in which way; a cause counts once, under the firmest that was said of it."""
    counts = Counter(_endings(report).values())
    phrases = {
        "proven": f"{counts['proven']} proven",
        "likely": f"{counts['likely']} likely",
        "possible": f"{counts['possible']} possible",
        "included": many(counts["included"], "follows from it", "follow from it"),
        "ruled out": f"{counts['ruled out']} ruled out",
        "not applicable": many(counts["not applicable"], "does not apply", "do not apply"),
        "not checked": f"{counts['not checked']} not checked",
    }
    # A report without a cause says outright that none is proven.
    shown = "proven" if report.verdict == "undetermined" else ""
    return [phrase for group, phrase in phrases.items() if counts[group] or group == shown]


def ruled_out(report: Report) -> list[str]:
    """Return how many causes of which area were ruled out for every failure that they were checked on."""
    realms = {row.cause: row.realm for row in CATALOGUE}
    endings = _endings(report)
    counts = Counter(realms[cause] for cause, ending in endings.items() if ending == "ruled out" and cause in realms)
    shown = [realm for realm in _AREAS if counts[realm]]
    return [
        f"{many(counts[realm], 'cause', 'causes') if realm == shown[0] else counts[realm]} of {_AREAS[realm]}"
        for realm in shown
    ]


def checked(report: Report) -> int:
    """Return how many causes the report speaks of."""
    return len(_endings(report))


@dataclass(frozen=True, slots=True)
class Gap:
    """A fact that could not be had, and the causes that it leaves open, if any."""

    missing: Unknown
    causes: tuple[str, ...]


def gaps(report: Report) -> list[Gap]:
    """Return each fact that could not be had once, in the order of the causes that asked for it, then the others."""
    found: dict[Unknown, dict[str, None]] = {}
    for unchecked in report.not_checked:
        for missing in unchecked.missing:
            found.setdefault(missing, {})[unchecked.cause] = None
    named = {missing.fact for missing in found}
    found |= {missing: {} for missing in report.unread if missing.fact not in named}
    return [Gap(missing, tuple(causes)) for missing, causes in found.items() if missing.action != _IDENTITY]


def strangers(report: Report) -> list[str]:
    """Return a sentence for each account of which nothing was read, as AWS did not tell whose the credentials are."""
    reads = [*(missing for one in report.not_checked for missing in one.missing), *report.unread]
    failed = {one.account or report.task.account: one for one in reads if one.action == _IDENTITY}
    said = {"denied": "not permitted", "throttled": "throttled", "timed-out": "no answer in time"}
    return [
        f"Nothing of account {plain(account)} was read: {_IDENTITY} failed "
        f"({said.get(one.why) or plain(one.detail or one.why).rstrip('.')}). Check the credentials."
        for account, one in failed.items()
    ]


def aside(report: Report, gap: Gap) -> str:
    """Return that the answer stands without a fact, where no cause waits for it and none is in doubt for it."""
    if gap.causes or report.verdict != "cause-found":
        return ""
    doubts = [step for cause in report.causes for step in cause.inferred]
    if any(gap.missing.fact in doubt for doubt in doubts) or any(cause.still == "unknown" for cause in report.causes):
        return ""
    return "; the answer does not rest on it"


def reason(missing: Unknown, home: str) -> str:
    """Return why a fact could not be had: the action, the resource, and the account unless it is ``home``."""
    if missing.detail and _HOST.fullmatch(missing.resource or ""):  # a registry: AWS has no part in that
        return plain(missing.detail).rstrip(".")
    action = plain(missing.action) if missing.action else ""
    said = {
        "denied": f"{action or 'reading it'} is not permitted",
        "throttled": f"AWS throttled {action or 'the call'}",
        "timed-out": f"{action or 'the call'} did not answer in time",
        "prerequisite": "it needs another fact that could not be read",
        "not-visible": "AWS does not show it",
        "not-modelled": "no check of this version covers it",
        "switched-off": f"{action or 'reading it'} is switched off",
        "crashed": "its check crashed",
    }[missing.why]
    if missing.resource and missing.why in _NO_ANSWER and missing.resource.rpartition("/")[2] not in missing.fact:
        said += f" on {plain(missing.resource)}"
    if missing.account and missing.account != home:
        said += f" in account {plain(missing.account)}"
    # There AWS and botocore say again what stands here already; the JSON form keeps their words.
    told = missing.detail if missing.why not in _NO_ANSWER else None
    return said + (f" ({plain(told).rstrip('.')})" if told else "")


def permission_calls(report: Report) -> list[str]:
    """Return the lines that print the policy for the refused reads and ask again; none where none was refused."""
    # `permissions` knows no action of STS: whose credentials these are, and a role's trust, are mended elsewhere.
    if not any(one.why == "denied" and not (one.action or "").startswith("sts:") for one in report.unread):
        return []
    service = plain(report.task.service) if isinstance(report.task.service, str) else ""
    what = ("--task", task_id(report)) if task_id(report) else ("--service", service)
    where = [plain(report.task.region), "--cluster", cluster(report), *what]
    ask = f"pull-doctor diagnose --region {shlex.join(where)}"
    return [f"{ask} --format json > report.json", "pull-doctor permissions --missing report.json", ask]


def failing_path(report: Report, cause: RankedCause) -> Trace | None:
    """Return the path that shows the cause: of the phase that ECS names, else the first that does not get through."""
    broken = [trace for trace in cause.traces if trace.disposition != "reached"]
    phases = {part.symptom.phase for part in report.failures if part.id in cause.failures}
    return next((trace for trace in broken if trace.phase in phases), broken[0] if broken else None)


def new_evidence(report: Report, cause: RankedCause) -> list[Evidence]:
    """Return the evidence that says more than the explanation, or one hop of the path that is shown, says already.

    A hop of another path at a resource of the shown one says nothing new either.
    """
    path = failing_path(report, cause)
    shown = {hop.resource for hop in path.hops if hop.resource} if path else set()
    hops = [hop for trace in cause.traces for hop in trace.hops if trace is path or hop.resource in shown]
    host = path.host if path else ""  # stands above the path's hops
    above = [_telling(cause.explanation), *(_telling(" ".join((host, hop.why, *hop.details))) for hop in hops)]
    # "holds 2 routes: ..." counts what the route table's hop lists.
    listed = ["; ".join(hop.details) for hop in hops if any(hop.details)]
    return [
        one
        for one in cause.evidence
        if not any(_telling(one.text) <= told for told in above) and not one.text.endswith(tuple(listed))
    ]


def _telling(text: str) -> set[str]:
    """Return the words of a text that tell something, however they are joined."""
    return {word.strip(".,;:()").lower() for word in plain(text).split()} - _FILLERS


def doubt(cause: RankedCause) -> str:
    """Return what keeps a cause from being proven, in one paragraph; empty where nothing does."""
    if cause.certainty != "likely":
        return ""
    steps = " ".join(sentence(step) for step in cause.inferred)
    return f"This is likely, not proven. {steps}".rstrip()


def standing(cause: RankedCause) -> str:
    """Return whether the cause still stands, where that is not plain."""
    if cause.still == "no":
        return "Mended since: tasks that start now do not meet this defect. No fix is needed."
    if cause.still == "unknown":
        return "Whether it still stands could not be read."
    return ""


def included(cause: RankedCause) -> str:
    """Return what only follows from the cause, in one paragraph; empty where nothing does."""
    return " ".join(f"{one.cause} only follows from it: {plain(one.why)}." for one in cause.includes)


def asides(cause: RankedCause) -> list[str]:
    """Return the paragraphs that a cause's explanation is read with: doubt, standing, and what follows from it."""
    return [text for text in (doubt(cause), standing(cause), included(cause)) if text]
