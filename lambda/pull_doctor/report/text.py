"""The report as plain text, the reference form: it reads without colour, in 90 columns except for commands.

The order carries the meaning: cause, place, ECS's words, the failing step, why, fix, what could not be
checked, what else matters. ECS's words are quoted whole. A fix says how far it can be trusted: ``exact`` is right as
printed, ``your call`` only if the stated intent is yours, ``fill-in`` has placeholders.
"""

from __future__ import annotations

from pull_doctor.report import cause_words, closing, words
from pull_doctor.report.commands import wrap
from pull_doctor.report.model import UNSET, FailurePart, FixPart, Incident, Note, RankedCause, Report
from pull_doctor.report.trace_table import how_far, paths
from pull_doctor.report.underlined import underlined
from pull_doctor.report.words import WIDTH, fill, plain

_LEVELS = {
    "cause-found": "error",
    "undetermined": "unknown",
    "no-defect-found": "ok",
    "not-a-pull-failure": "note",
}
_MOST_FIXES = 2
_LONGEST_REASON = 200


def render_text(report: Report) -> str:
    """Return the whole report as plain text, lines at most 90 wide except for commands."""
    if report.sample is True:
        return _sample(report)
    if incident := words.ends(report):
        return _closing(report, incident)
    blocks = [_head(report), *_said(report)]
    first, others = _split(report)
    if first:
        blocks += _cause(report, first)
    else:
        blocks.append(fill(words.sentence(report.verdict_reason)))
    for cause in others:
        if cause.certainty == "possible":
            blocks += _possible(report, cause)
        else:
            covers = f" ({words.containers(report, cause.failures)})" if len(report.failures) > 1 else ""
            blocks.append(fill(f"error[{cause.cause}]: {words.phrase(cause.title)}{covers}", hang="  "))
            blocks += _cause(report, cause)
    blocks += _unchecked(report)
    blocks += [*_notes(report), _ruled_out(report), _foot(report)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _split(report: Report) -> tuple[RankedCause | None, tuple[RankedCause, ...]]:
    """Return the cause that the report is about, and the others; without a proven or likely one all are others."""
    if report.verdict == "cause-found" and report.causes:
        return report.causes[0], report.causes[1:]
    return None, report.causes


def _head(report: Report) -> str:
    first, _ = _split(report)
    lines = []
    code = first.cause if first else report.verdict
    lines.append(fill(f"{_LEVELS[report.verdict]}[{code}]: {words.phrase(report.title)}", hang="  "))
    task = report.task
    where = [f"service {plain(task.service)}" if isinstance(task.service, str) else words.workload(report)]
    where.append(f"cluster {words.cluster(report)}")
    if words.task_id(report):
        where.append(words.containers(report, first.failures if first else ()))
    lines.append(fill(", ".join(part for part in where if part), "  --> ", "      "))
    at = words.moment(task.stopped_at) if task.stopped_at is not UNSET else ""
    known = ", stopped ".join(filter(None, (words.task_id(report), at)))
    shown = known if words.task_id(report) else " at ".join(filter(None, ("none: ECS could not start one", at)))
    lines.append(fill(shown, "      task   ", " " * 13))
    for failure in report.failures:
        lines += _image(report, failure, first)
    lines.append(fill(words.place(report), "      place  ", " " * 13))
    if report.incident and report.incident.occurrences > 1:
        lines.append(fill(words.seen(report), "      seen   ", " " * 13))
    return "\n".join([*lines, *_group(report)])


def _group(report: Report) -> list[str]:
    group = words.group(report)
    return [fill(f"{group}: {words.group_names(report)}", "      group  ", " " * 13)] if group else []


def _closing(report: Report, incident: Incident) -> str:
    """How the incident ended, what was told of it, whether that still stands, and what differs."""
    standing = closing.standing(report)
    level = "ok" if incident.status == "recovered" and not standing else "note"
    lines = [
        fill(f"{level}[{incident.status}]: {words.closing_headline(report).partition(': ')[2]}", hang="  "),
        fill(f"{words.kind_and_name(report)}, cluster {words.cluster(report)}", "  --> ", "      "),
        *(line for failure in report.failures for line in _image(report, failure, None)),
        f"      seen   {words.span(incident)}",
        f"      ended  by {words.moment(incident.ended)}" if incident.ended is not UNSET else "",
        *_group(report),
    ]
    blocks = ["\n".join(filter(None, lines)), *map(fill, closing.paragraphs(report, incident))]
    for cause in standing:
        blocks += _fixes(report, cause)
    differs = closing.differences(incident)
    items = [fill(item, "  - ", "    ") for item in differs.items]
    blocks.append("\n".join(filter(None, [fill(differs.above), *items, fill(differs.below)])))
    return "\n\n".join([*blocks, *_notes(report)]) + "\n"


def _sample(report: Report) -> str:
    head = f"note[sample]: {words.headline(report)}"
    where = f"account {plain(report.task.account)}, {plain(report.task.region)}"
    blocks = [
        fill(head, hang="  ") + "\n" + fill(where, "  --> ", "      "),
        fill(words.sentence(report.verdict_reason)),
    ]
    return "\n\n".join([*blocks, *_notes(report)]) + "\n"


def _notes(report: Report) -> list[str]:
    return ["\n".join([fill(f"note: {plain(note.text)}", hang="      "), *_runs(note)]) for note in report.notes]


def _runs(note: Note) -> list[str]:
    return [] if note.commands is UNSET else [wrap(plain(command.cli), WIDTH) for command in note.commands]


def _image(report: Report, failure: FailurePart, first: RankedCause | None) -> list[str]:
    if failure.image is UNSET:
        told = f"not stated: AWS injected container {plain(failure.container)}"
        return [fill(told, "      image  ", " " * 13)] if failure.injected else []
    first_line, *others = underlined(failure, first, WIDTH - 13)
    lines = [f"      image  {first_line}".rstrip(), *(f"{' ' * 13}{line}".rstrip() for line in others)]
    if len(report.failures) > 1:
        lines.append(fill(f"(container {plain(failure.container)})", " " * 13, " " * 13))
    return lines


def _said(report: Report) -> list[str]:
    texts: dict[str, list[str]] = {}
    for failure in report.failures:
        texts.setdefault(failure.message, []).append(plain(failure.container))
    blocks = []
    for message, names in texts.items():
        of = f" of container {', '.join(names)}" if len(texts) > 1 else ""
        lines = [fill(plain(line), "  ", "  ") for line in message.splitlines() if plain(line)]
        blocks.append("\n".join([fill(f"ECS said{of}:", hang="  "), *lines]))
    return blocks


def _cause(report: Report, cause: RankedCause) -> list[str]:
    """Where it shows, why, what else shows it, and the fixes of a proven or likely cause."""
    blocks = [*how_far(report, cause), *paths(report, cause), fill(plain(cause.explanation))]
    if left := cause_words.new_evidence(report, cause):
        items = [fill(words.phrase(evidence.text), "  - ", "    ") for evidence in left]
        blocks.append("\n".join(["Evidence:", *items]))
    blocks += map(fill, cause_words.asides(cause))
    return blocks + _fixes(report, cause)


def _possible(report: Report, cause: RankedCause) -> list[str]:
    if cause.next:
        text = f"note: {cause.cause} comes next on this pull. {words.sentence(cause.title)} {plain(cause.explanation)}"
        return [fill(text, hang="      "), *_fixes(report, cause)[:1]]
    text = f"note: {cause.cause} may matter later. {words.sentence(cause.title)} {plain(cause.explanation)}"
    return [fill(f"{text} This symptom does not show it.", hang="      ")]


def _fixes(report: Report, cause: RankedCause) -> list[str]:
    if cause.still == "no":
        return []
    return [_fix(report, fix, alternative=bool(at)) for at, fix in enumerate(cause.fixes[:_MOST_FIXES])]


def _fix(report: Report, fix: FixPart, *, alternative: bool) -> str:
    # A no-break space keeps the applicability on one line.
    sure = words.applicability(fix.applicability).replace(" ", "\xa0")
    text = f"help: {'or ' if alternative else ''}{words.phrase(fix.text)}  [{sure}]"
    lines = [fill(text, hang="      ").replace("\xa0", " ")]
    if fix.managed_by is not UNSET:
        drifts = "; the command here drifts from it" if fix.commands else ""
        lines.append(fill(f"managed by {plain(fix.managed_by)}: change it there{drifts}", "  ", "    "))
    if fix.account != report.task.account:
        lines.append(fill(f"run it in account {plain(fix.account)}", "  ", "    "))
    lines += [wrap(plain(command.cli), WIDTH) for command in fix.commands]
    if fix.effect is not UNSET:
        lines.append(fill(words.phrase(fix.effect), "  effect: ", " " * 10))
    if fix.cost is not UNSET:
        lines.append(fill(words.phrase(fix.cost), "  cost:   ", " " * 10))
    return "\n".join(lines)


def _unchecked(report: Report) -> list[str]:
    gaps, strangers = cause_words.gaps(report), cause_words.strangers(report)
    if not gaps and not strangers:
        return []
    lines = ["Could not check:", *(fill(told, "  ?  ", "     ") for told in strangers)]
    for gap in gaps:
        left = f" (leaves {len(gap.causes)} causes open)" if len(gap.causes) > 1 else ""
        told = cause_words.reason(gap.missing, report.task.account)
        text = f"{plain(gap.missing.fact)}: {told}{left}{cause_words.aside(report, gap)}."
        lines.append(fill(text, "  ?  ", "     "))
    if report.not_checked and report.causes and report.causes[0].certainty == "proven":
        lines.append("  The cause above is proven without them.")
    blocks = ["\n".join(lines)]
    if calls := cause_words.permission_calls(report):
        help_line = "help: see which permissions are missing, give them to pull-doctor, then ask again  [exact]"
        effect = "  effect: none on AWS; ECS forgets a stopped task after about an hour"
        blocks.append("\n".join([help_line, *(f"    {call}" for call in calls), effect]))
    return blocks


def _ruled_out(report: Report) -> str:
    """Count what was ruled out; each with its reason is the answer itself only where no cause was found."""
    if report.verdict == "cause-found":
        counts = cause_words.ruled_out(report)
        return fill(f"Ruled out: {', '.join(counts)}.", hang="  ") if counts else ""
    by_reason: dict[str, dict[str, None]] = {}
    for excluded in report.ruled_out:
        by_reason.setdefault(words.phrase(excluded.why), {})[excluded.cause] = None
    items = [fill(f"{', '.join(causes)}: {_short(why)}", "  - ", "    ") for why, causes in by_reason.items()]
    return "\n".join(["Ruled out:", *items]) if items else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON].rpartition(' ')[0]} ..."


def _foot(report: Report) -> str:
    lines = []
    if checked := cause_words.checked(report):
        lines.append(fill(f"Checked {words.many(checked, 'cause', 'causes')}: {', '.join(cause_words.tally(report))}."))
    more = f"More: pull-doctor explain {report.causes[0].cause}" if report.causes else ""
    lines += _with_call(words.facts_read(report), more)
    return "\n".join(line for line in lines if line)


def _with_call(text: str, call: str) -> list[str]:
    """Return a paragraph that ends in a call of pull-doctor, which stays whole on its line."""
    lines = fill(text).splitlines()
    if lines and call and len(lines[-1]) + 1 + len(call) <= WIDTH:
        return [*lines[:-1], f"{lines[-1]} {call}"]
    return [*lines, call] if call else lines
