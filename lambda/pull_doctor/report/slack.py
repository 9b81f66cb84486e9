"""The report as a Slack message: one screen, the cause first, then the fix, then what shows it.

The message aims at 1,500 characters and ends before 10,000; ECS's words may be left out. The end of an incident is a
message of its own, and stands at the top of the incident's first message as well. Limits:
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from pull_doctor.report import cause_words, closing, words
from pull_doctor.report.commands import wrap
from pull_doctor.report.model import UNSET, FixPart, Incident, Note, RankedCause, Report
from pull_doctor.report.mrkdwn import SECTION, cut, escaped, link, prose, with_commands
from pull_doctor.report.underlined import misspelt
from pull_doctor.report.words import plain
from pull_doctor.resource import Place, make

_AIM = 1_500
_MOST = 10_000
_MOST_BLOCKS = 50
_HEADER = 150
_URL = 600
_COMMAND_WIDTH = 80
_MOST_ITEMS = 4
_CUT = "The message is cut here: Slack takes no longer one. `pull-doctor diagnose` prints the whole report."
_AGAIN = {"new-cause": "now: ", "reminder": "still: "}

_Sections = list[tuple[bool, str]]
"""Sections in reading order; those that are not needed give way where the message grows long."""


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """What a webhook or ``chat.postMessage`` takes: ``text`` for notifications, ``blocks`` to show."""

    text: str
    blocks: list[dict[str, Any]]


def slack_message(report: Report) -> SlackMessage:
    """Return the report as a message within Slack's limits; the end of an incident in few words."""
    incident = words.ends(report)
    return _message(report, _closing(report, incident) if incident else _sections(report))


def slack_update(report: Report) -> SlackMessage:
    """Return what the incident's first message says once the incident is over: the end, then what was reported."""
    incident = words.ends(report)
    if not incident:
        return slack_message(report)
    (needed, first), *others = _sections(report)
    sections = [*_ending(report, incident), (needed, f"*As it was reported* · {first}"), *others]
    # Which others of the group go on changes after this.
    alone = replace(report, incident=replace(incident, workloads=incident.workloads[:1]))
    return _message(alone, sections)


def render_slack(report: Report) -> str:
    """Return the message's JSON, as a webhook takes it."""
    message = slack_message(report)
    return json.dumps({"text": message.text, "blocks": message.blocks}, ensure_ascii=False, indent=2) + "\n"


def _message(report: Report, sections: _Sections) -> SlackMessage:
    facts = _facts(report)
    again = _AGAIN.get(report.incident.occasion, "") if report.incident else ""
    header = cut(escaped(again + words.headline(report)), _HEADER)
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}}, _context(facts)]
    counts = "" if words.ends(report) else _counts(report)
    ending = "\n".join(part for part in (counts, _links(report)) if part)
    last = [_context(ending)] if ending else []
    size = sum(map(_size, [*blocks, *last]))
    for needed, text in sections:
        if not text:
            continue
        block = {"type": "section", "text": _mrkdwn(text)}
        full = len(blocks) + len(last) + 1 == _MOST_BLOCKS
        if full or size + _size(block) > (_MOST - len(_CUT) if needed else _AIM):
            if needed:
                blocks.append({"type": "section", "text": _mrkdwn(_CUT)})
                break
            continue
        blocks.append(block)
        size += _size(block)
    return SlackMessage(text=f"{header}\n{facts}", blocks=[*blocks, *last])


def _sections(report: Report) -> _Sections:
    reminder = report.incident is not None and report.incident.occasion == "reminder"
    notes = [(reminder or note.commands is not UNSET, _note(note)) for note in report.notes[:_MOST_ITEMS]]
    if report.verdict != "cause-found" or not report.causes:
        told = [*map(prose, cause_words.strangers(report)), *(_gap(gap, report) for gap in cause_words.gaps(report))]
        gaps = _bullets("Could not check", told)
        if calls := cause_words.permission_calls(report):
            gaps.append((True, with_commands("To see which permissions are missing, and to ask again:", calls)))
        return [(True, prose(words.sentence(report.verdict_reason))), *gaps, *notes]
    cause = report.causes[0]
    why = " ".join((cause.explanation, *cause_words.asides(cause)))
    others = [other for other in report.causes[1:] if other.certainty != "possible"]
    marked = misspelt(report, _COMMAND_WIDTH)
    sections = [(True, with_commands(prose(why), marked) if marked else prose(why)), *_fixes(report, cause)]
    sections += [(True, _also(report, other)) for other in others[:_MOST_ITEMS]]
    sections += [(False, f"*Next* · {prose(words.phrase(other.title))}") for other in report.causes[1:] if other.next]
    sections += _bullets("Evidence", [prose(words.phrase(one.text)) for one in cause_words.new_evidence(report, cause)])
    return [*sections, *notes]


def _closing(report: Report, incident: Incident) -> _Sections:
    """How it ended, what was reported, whether the defect still stands, and what differs."""
    sections = _ending(report, incident)
    for cause in closing.standing(report)[:1]:
        sections += _fixes(report, cause)[:1]
    told = closing.differences(incident)
    above = f"*{told.above.rstrip(':')}*" if told.items else told.above
    sections.append((True, "\n".join([above, *_items([prose(item) for item in told.items])])))
    return [*sections, (True, told.below)]


def _ending(report: Report, incident: Incident) -> _Sections:
    return [(True, "\n".join(prose(text) for text in closing.paragraphs(report, incident)))]


def _facts(report: Report) -> str:
    """The line below the header: what was found, where, and since when; then the group, if there is one."""
    task, over = report.task, words.ends(report)
    if report.sample is True:
        parts = ["no task failed"]
    else:
        found = report.verdict == "cause-found" and report.causes
        said = [report.causes[0].cause, report.causes[0].certainty] if found else [report.verdict]
        parts = [*([] if over else said), f"cluster {words.cluster(report)}"]
    if len(report.failures) > 1:
        parts.append(words.containers(report, ()))
    parts += [task.region, f"account {task.account}", "" if over else words.seen(report)]
    images = dict.fromkeys(f"`{escaped(part.image)}`" for part in report.failures if part.image is not UNSET)
    lines = [" · ".join([*(escaped(part) for part in parts if part), *images])]
    if group := words.group(report):
        lines.append(escaped(f"{group}: {words.group_names(report)}"))
    return "\n".join(cut(line, SECTION // 2) for line in lines)


def _also(report: Report, cause: RankedCause) -> str:
    of = f"{words.containers(report, cause.failures)}: " if len(report.failures) > 1 else ""
    return f"*Also* · {prose(f'{of}{words.phrase(cause.title)} ({cause.cause}, {cause.certainty})')}"


def _note(note: Note) -> str:
    text = f"*Also* · {prose(note.text)}"
    if note.commands is UNSET:
        return text
    return with_commands(text, [wrap(plain(command.cli), _COMMAND_WIDTH, indent="") for command in note.commands])


def _fixes(report: Report, cause: RankedCause) -> _Sections:
    if cause.still == "no":
        return []
    return [(not at, _fix(report, fix, "Or" if at else "Fix")) for at, fix in enumerate(cause.fixes[:2])]


def _fix(report: Report, fix: FixPart, label: str) -> str:
    parts = [words.applicability(fix.applicability), words.phrase(fix.text)]
    if fix.managed_by is not UNSET:
        parts.append(f"managed by {fix.managed_by}: change it there")
    if fix.account != report.task.account:
        parts.append(f"in account {fix.account}")
    parts += [f"effect: {words.phrase(fix.effect)}"] if fix.effect is not UNSET else []
    parts += [f"cost: {words.phrase(fix.cost)}"] if fix.cost is not UNSET else []
    text = cut(f"*{label}* · {' · '.join(prose(part) for part in parts)}", SECTION // 2)
    lines = [wrap(plain(command.cli), _COMMAND_WIDTH, indent="") for command in fix.commands]
    return with_commands(text, lines) if lines else text


def _gap(gap: cause_words.Gap, report: Report) -> str:
    return prose(f"{gap.missing.fact}: {cause_words.reason(gap.missing, report.task.account)}")


def _bullets(title: str, items: list[str]) -> _Sections:
    return [(title != "Evidence", "\n".join([f"*{title}*", *_items(items)]))] if items else []


def _items(items: list[str]) -> list[str]:
    shown = [f"• {cut(item, SECTION // 8)}" for item in items[:_MOST_ITEMS]]
    return [*shown, f"• and {len(items) - _MOST_ITEMS} more"] if len(items) > _MOST_ITEMS else shown


def _counts(report: Report) -> str:
    if not cause_words.checked(report):
        return ""
    found = report.verdict == "cause-found"
    findings = len(report.causes) - found
    reads = len(report.unread)
    actions = list(dict.fromkeys(plain(one.action) for one in report.unread if one.action))
    if len(actions) > _MOST_ITEMS:
        actions[_MOST_ITEMS - 1 :] = [f"and {len(actions) - _MOST_ITEMS + 1} more"]
    named = f" ({prose(', '.join(actions))})" if actions else ""
    gaps = cause_words.gaps(report)
    why = f" ({_gap(gaps[0], report)})" if len(gaps) == 1 and not reads and found else ""
    ruled_out = len({excluded.cause for excluded in report.ruled_out})
    unchecked = len({unchecked.cause for unchecked in report.not_checked})
    more = "more " if found else ""
    parts = [words.many(findings, f"{more}finding", f"{more}findings")] if findings else []
    parts += [words.many(ruled_out, "cause ruled out", "causes ruled out")] if ruled_out else []
    parts.append(f"{unchecked} not checked{why}" if unchecked else "every check could be made")
    parts += [f"{words.many(reads, 'read', 'reads')} refused or failed{named}"] if reads else []
    return cut(" · ".join(parts), SECTION // 6)


def _links(report: Report) -> str:
    task = report.task
    links: list[tuple[str, str | None]] = []
    if task.arn is not UNSET:
        place = Place(task.arn.split(":")[1] if task.arn.startswith("arn:") else "", task.account, task.region)
        page = make(place, "AWS::ECS::Task", f"{words.cluster(report)}/{words.task_id(report)}")
        links.append(("Task", page.console_url))
        if words.ends(report):
            # ECS forgets a stopped task after an hour.
            service = task.service if isinstance(task.service, str) else ""
            page = make(place, "AWS::ECS::Service", f"{words.cluster(report)}/{service}")
            links = [("Service", page.console_url if service else None)]
    for cause in report.causes[:1]:
        links += [(cause.culprit.id, cause.culprit.console_url), *((page.title, page.url) for page in cause.docs[:1])]
    return "  ".join(link(label, url) for label, url in links if url and url.startswith("https://") and len(url) < _URL)


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": cut(text, SECTION), "verbatim": True}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _size(block: dict[str, Any]) -> int:
    return sum(len(element["text"]) for element in block.get("elements", [block.get("text")]))
