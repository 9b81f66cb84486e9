"""The report as Markdown, the long form: everything that the text form shortens is whole here.

Outside text is escaped or stands in a fence that it cannot close. Specification: https://spec.commonmark.org/0.31.2/
"""

from __future__ import annotations

import re

from pull_doctor.report import cause_words, closing, words
from pull_doctor.report.commands import wrap
from pull_doctor.report.model import UNSET, FixPart, Incident, RankedCause, Report
from pull_doctor.report.trace_table import how_far, paths
from pull_doctor.report.underlined import misspelt
from pull_doctor.report.words import plain

_SPECIAL = re.compile(r"[\\`*_\[\]#|~$!]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}


def render_markdown(report: Report) -> str:
    """Return the whole report as Markdown."""
    if report.sample is True:
        blocks = [f"# {_escaped(words.headline(report))}", _escaped(words.sentence(report.verdict_reason))]
        return "\n\n".join([*blocks, *_notes(report)]) + "\n"
    if incident := words.ends(report):
        return "\n\n".join([*_closing(report, incident), *_notes(report)]) + "\n"
    found = report.verdict == "cause-found"
    blocks = [f"# {_escaped(words.headline(report))}", _about(report)]
    if not found:
        blocks.append(_escaped(words.sentence(report.verdict_reason)))
    if marked := misspelt(report, words.WIDTH):
        blocks.append(_fence("\n".join(marked)))
    for failure in report.failures:
        lines = "\n".join(line for line in map(plain, failure.message.splitlines()) if line)
        blocks += [f"ECS said of container {_code(failure.container)}:", _fence(lines)]
    for cause in report.causes:
        blocks += _cause(report, cause)
    blocks += _unchecked(report)
    blocks += _notes(report)
    for title, group in (("Ruled out", report.ruled_out), ("Does not apply", report.not_applicable)):
        if group:
            rows = dict.fromkeys(f"- {_code(one.cause)}: {_escaped(words.phrase(one.why))}" for one in group)
            blocks += [f"## {title}", "\n".join(rows)]
    blocks.append(_foot(report))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _about(report: Report) -> str:
    first = report.causes[0] if report.verdict == "cause-found" and report.causes else None
    task = report.task
    stopped = f", stopped {words.moment(task.stopped_at)}" if task.stopped_at is not UNSET else ""
    lines = [
        f"- verdict: {f'{_code(first.cause)}, {first.certainty}' if first else report.verdict}",
        f"- cluster: {_code(words.cluster(report))}, account {_escaped(task.account)}, {_escaped(task.region)}",
        f"- task: {_code(words.task_id(report) or 'none')}{stopped}",
    ]
    lines += [f"- image: {_code(part.image)}" for part in report.failures if part.image is not UNSET]
    lines.append(f"- place: {_escaped(words.place(report))}")
    if report.incident:
        lines.append(f"- incident: {report.incident.status}, {words.seen(report)}")
    return "\n".join([*lines, *_group(report)])


def _group(report: Report) -> list[str]:
    group = words.group(report)
    return [f"- group: {_escaped(group)}: {_escaped(words.group_names(report))}"] if group else []


def _closing(report: Report, incident: Incident) -> list[str]:
    """How the incident ended, what was told of it, what differs, and the causes that still stand, whole."""
    task = report.task
    lines = [
        f"- incident: {incident.status}, {words.span(incident)}",
        *([f"- ended: by {words.moment(incident.ended)}"] if incident.ended is not UNSET else []),
        f"- cluster: {_code(words.cluster(report))}, account {_escaped(task.account)}, {_escaped(task.region)}",
        *(f"- image: {_code(part.image)}" for part in report.failures if part.image is not UNSET),
        *_group(report),
    ]
    blocks = [f"# {_escaped(words.headline(report))}", "\n".join(lines)]
    blocks += map(_escaped, closing.paragraphs(report, incident))
    differs = closing.differences(incident)
    blocks += [_escaped(differs.above), "\n".join(map(_item, differs.items)), _escaped(differs.below)]
    for cause in closing.standing(report):
        blocks += _cause(report, cause)
    return [block for block in blocks if block]


def _notes(report: Report) -> list[str]:
    blocks = ["## Notes"] if report.notes else []
    for note in report.notes:
        blocks.append(_item(note.text))
        if note.commands is not UNSET:
            lines = [wrap(plain(command.cli), words.WIDTH, indent="") for command in note.commands]
            blocks.append(_fence("\n".join(lines), "sh"))
    return blocks


def _cause(report: Report, cause: RankedCause) -> list[str]:
    kind = f"{cause.certainty}, next" if cause.next else cause.certainty
    blocks = [f"## {_escaped(words.phrase(cause.title))} ({_code(cause.cause)}, {kind})"]
    if len(report.failures) > 1:
        blocks.append(_escaped(words.sentence(words.containers(report, cause.failures))))
    blocks += map(_escaped, (cause.explanation, *cause_words.asides(cause)))
    blocks += [_fence(table) for table in (*how_far(report, cause), *paths(report, cause))]
    if cause.evidence:
        blocks.append("\n".join(["Evidence:", "", *(_item(evidence.text) for evidence in cause.evidence)]))
    for fix in () if cause.still == "no" else cause.fixes:
        blocks += _fix(report, fix)
    if cause.docs:
        # A link's title and address come from the catalogue; they are escaped all the same.
        blocks.append("\n".join(f"- {_escaped(link.title)}: {_code(link.url)}" for link in cause.docs))
    return blocks


def _fix(report: Report, fix: FixPart) -> list[str]:
    blocks = [f"### Fix ({words.applicability(fix.applicability)}): {_escaped(words.phrase(fix.text))}"]
    if fix.managed_by is not UNSET:
        drifts = "; the command here drifts from it" if fix.commands else ""
        blocks.append(f"Managed by {_escaped(fix.managed_by)}: change it there{drifts}.")
    if fix.account != report.task.account:
        blocks.append(f"Run it in account {_escaped(fix.account)}.")
    if fix.commands:
        lines = [wrap(plain(command.cli), words.WIDTH, indent="") for command in fix.commands]
        blocks.append(_fence("\n".join(lines), "sh"))
    members = (("effect", fix.effect), ("cost", fix.cost))
    rows = [f"- {name}: {_escaped(words.phrase(text))}" for name, text in members if text is not UNSET]
    return [*blocks, "\n".join(rows)]


def _unchecked(report: Report) -> list[str]:
    items = [_item(told) for told in cause_words.strangers(report)]
    for gap in cause_words.gaps(report):
        left = f" (leaves open: {', '.join(map(_code, gap.causes))})" if gap.causes else ""
        told = f"{gap.missing.fact}: {cause_words.reason(gap.missing, report.task.account)}"
        items.append(f"{_item(told)}{left}{cause_words.aside(report, gap)}")
    if not items:
        return []
    blocks = ["## Could not check", "\n".join(items)]
    if calls := cause_words.permission_calls(report):
        blocks += ["To see which permissions are missing, and to ask again:", _fence("\n".join(calls), "sh")]
    return blocks


def _foot(report: Report) -> str:
    checked = cause_words.checked(report)
    counts = (
        f"Checked {words.many(checked, 'cause', 'causes')}: {', '.join(cause_words.tally(report))}." if checked else ""
    )
    return " ".join(part for part in (counts, words.facts_read(report)) if part)


def _item(text: str) -> str:
    return f"- {_escaped(text)}"


def _escaped(text: str) -> str:
    """Return outside text so that it renders as itself: no emphasis, link, HTML, mention, list, or heading."""
    text = "".join(_ENTITIES.get(char, char) for char in _SPECIAL.sub(r"\\\g<0>", plain(text)))
    text = text.replace("://", "&#58;//").replace("www.", "www&#46;")
    return re.sub(r"^(?:([-+=])|(\d+)([.)]))", r"\2\\\1\3", text)


def _code(text: str) -> str:
    text = plain(text)
    ticks = "`" * (1 + _longest_run(text))
    # A space on both sides keeps a backquote at the text's edge apart from the delimiter.
    return f"{ticks} {text} {ticks}" if len(ticks) > 1 else f"{ticks}{text}{ticks}"


def _fence(text: str, language: str = "text") -> str:
    ticks = "`" * max(3, 1 + _longest_run(text))
    return f"{ticks}{language}\n{text}\n{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
