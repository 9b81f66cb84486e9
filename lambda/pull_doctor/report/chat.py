"""The report as a custom notification of Amazon Q Developer in chat applications.

Anything but this schema is dropped without a word, so nothing else is ever added to it:
https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html

One notification must read in Slack and in Microsoft Teams, whose Markdown differ. So it is made of paragraphs, list
items, code spans, and fences alone, which both show alike. A word of outside text that either could take for a mark, a
link, or a mention stands in a code span.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from pull_doctor.report import cause_words, closing, words
from pull_doctor.report.commands import wrap
from pull_doctor.report.model import UNSET, FixPart, Incident, RankedCause, Report
from pull_doctor.report.words import plain

_TITLE = 250
_DESCRIPTION = 8_000
_STEP = 350
_KEYWORD = 75
_PARAGRAPH = 1_200
_ITEM = 400
_MOST_ITEMS = 6
_COMMAND_WIDTH = 80
_CUT = "The message is cut here, as chat takes no longer one. The text report says the rest."

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_WORD = re.compile(r"""([("']*)(.*?)([)"'.,;:?!]*)""")
_SAFE = re.compile(r"(?:[^\W_](?:[^\W_]|['%+-])*|\d\d(?::\d\d)+)?")
_ID = re.compile(r"[a-z]+-[0-9a-f]{8,}")
_MENTION = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_CONSOLE = re.compile(
    r"https://(?:[a-z0-9-]+\.)?console\.(?:aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)/[\w#$%&*+,./:;=?~-]*"
)


def notification(report: Report, thread: str | None) -> dict[str, Any]:
    """Return the notification, within the lengths that it may have.

    ``thread`` is the thread that it belongs to. Its summary becomes the line of the thread's first message: what fails
    and how often, or how it ended, and how many others fail by the same resource.
    """
    content: dict[str, Any] = {
        "textType": "client-markdown",
        "title": _inline(words.headline(report), _TITLE),
        "description": _description(report),
    }
    if steps := _next_steps(report):
        content["nextSteps"] = steps
    content["keywords"] = _keywords(report)
    made: dict[str, Any] = {"version": "1.0", "source": "custom", "content": content}
    if thread:
        made["metadata"] = {"threadId": thread, "summary": _summary(report)}
    return made


def _description(report: Report) -> str:
    """Join the sections in reading order as far as they fit, and say if they do not."""
    sections = [section for section in _sections(report) if section]
    whole = "\n\n".join(sections)
    if len(whole) <= _DESCRIPTION:
        return whole
    shown, size = [], len(_CUT)
    for section in sections:
        size += len(section) + 2
        if size > _DESCRIPTION:
            break
        shown.append(section)
    return "\n\n".join([*shown, _CUT])


def _sections(report: Report) -> list[str]:
    if incident := words.ends(report):
        return [_facts(report), *_closing(report, incident)]
    first = _named(report)
    body = _found(report, first) if first else _not_found(report)
    notes = _items("Also:", [note.text for note in report.notes])
    return [_facts(report), *body, notes, _foot(report)]


def _named(report: Report) -> RankedCause | None:
    return report.causes[0] if report.verdict == "cause-found" and report.causes else None


def _found(report: Report, cause: RankedCause) -> list[str]:
    also = [other for other in report.causes[1:] if other.certainty != "possible"]
    later = [other for other in report.causes[1:] if other.next]
    return [
        *(_prose(text) for text in (cause.explanation, *cause_words.asides(cause))),
        *_fixes(report, cause),
        _items("Other causes:", [f"{_titled(other)}, {words.containers(report, other.failures)}" for other in also]),
        _items("Next on this pull, once that is mended:", [_titled(other) for other in later]),
        _items("Evidence:", [words.phrase(one.text) for one in cause_words.new_evidence(report, cause)]),
    ]


def _not_found(report: Report) -> list[str]:
    gaps = [
        f"{gap.missing.fact}: {cause_words.reason(gap.missing, report.task.account)}"
        for gap in cause_words.gaps(report)
    ]
    calls = cause_words.permission_calls(report)
    return [
        _prose(words.sentence(report.verdict_reason)),
        _items("Could not check:", [*cause_words.strangers(report), *gaps]),
        "To see which permissions are missing, and to ask again:\n" + _fence(calls) if calls else "",
        _items("Found, but this symptom does not show it:", [_titled(cause) for cause in report.causes]),
    ]


def _closing(report: Report, incident: Incident) -> list[str]:
    told = closing.differences(incident)
    return [
        *map(_prose, closing.paragraphs(report, incident)),
        *(fix for cause in closing.standing(report) for fix in _fixes(report, cause)),
        _items(_prose(told.above), list(told.items)) or _prose(told.above),
        _prose(told.below),
    ]


def _facts(report: Report) -> str:
    parts: list[str] = []
    if not words.ends(report):
        first = _named(report)
        parts = [first.cause, first.certainty] if first else [report.verdict]
        reminder = report.incident and report.incident.occasion == "reminder"
        parts += [words.occasion(report), "" if reminder else words.since(report)]
    parts += [f"{words.group(report)}: {words.group_names(report)}" if words.group(report) else ""]
    parts += [f"cluster {words.cluster(report)}" if words.cluster(report) else ""]
    parts += [report.task.region, f"account {report.task.account}"]
    parts += dict.fromkeys(part.image for part in report.failures[:_MOST_ITEMS] if part.image is not UNSET)
    return " · ".join(_inline(part, _ITEM) for part in parts if plain(part))


def _fixes(report: Report, cause: RankedCause) -> list[str]:
    if cause.still == "no":
        return []
    return [_fix(report, fix, "Or" if at else "Fix") for at, fix in enumerate(cause.fixes[:2])]


def _fix(report: Report, fix: FixPart, label: str) -> str:
    parts = [words.phrase(fix.text)]
    parts += [f"managed by {fix.managed_by}: change it there"] if fix.managed_by is not UNSET else []
    parts += [f"in account {fix.account}"] if fix.account != report.task.account else []
    parts += [f"effect: {words.phrase(fix.effect)}"] if fix.effect is not UNSET else []
    parts += [f"cost: {words.phrase(fix.cost)}"] if fix.cost is not UNSET else []
    text = f"{label} ({words.applicability(fix.applicability)}): {' · '.join(_inline(part, _ITEM) for part in parts)}"
    if not fix.commands:
        return text
    return f"{text}\n{_fence([wrap(plain(command.cli), _COMMAND_WIDTH, indent='') for command in fix.commands])}"


def _titled(cause: RankedCause) -> str:
    return f"{words.phrase(cause.title)} ({cause.cause}, {cause.certainty})"


def _foot(report: Report) -> str:
    checked = cause_words.checked(report)
    counts = (
        f"Checked {words.many(checked, 'cause', 'causes')}: {', '.join(cause_words.tally(report))}." if checked else ""
    )
    return " ".join(part for part in (counts, _inline(words.facts_read(report), _ITEM)) if part)


def _next_steps(report: Report) -> list[str]:
    steps = []
    if report.incident:
        call = shlex.join(["pull-doctor", "show", plain(report.incident.key)])
        steps.append(f"Read the whole report: `{_code(call)}`")
    cause = _named(report)
    page = cause.culprit.console_url if cause else None
    if cause and cause.still != "no" and page and _CONSOLE.fullmatch(page):
        steps.append(f"Look at {_inline(cause.culprit.id, _KEYWORD)}: {page.replace('&', '&amp;')}")
    # What is cut would be another call, and lead to another page.
    return [step for step in steps if len(step) <= _STEP]


def _keywords(report: Report) -> list[str]:
    task, incident = report.task, report.incident
    first = _named(report)
    parts = [first.cause if first else report.verdict, incident.status if incident else ""]
    parts += [words.workload(report) if report.sample is not True else "test", words.cluster(report)]
    parts += [task.account, task.region, task.owner if task.owner is not UNSET else ""]
    return [_inline(part, _KEYWORD) for part in dict.fromkeys(parts) if plain(part)]


def _summary(report: Report) -> str:
    seen = "" if words.ends(report) else words.since(report)
    parts = (words.headline(report), seen, words.group(report))
    return _inline("; ".join(part for part in parts if part), _TITLE)


def _items(title: str, texts: list[str]) -> str:
    texts = list(filter(plain, texts))  # an empty item would make a heading of its title
    if not texts:
        return ""
    more = [f"- and {len(texts) - _MOST_ITEMS} more"] if len(texts) > _MOST_ITEMS else []
    return "\n".join([title, *(f"- {_inline(text, _ITEM)}" for text in texts[:_MOST_ITEMS]), *more])


def _prose(text: str) -> str:
    return _inline(text, _PARAGRAPH)


def _inline(text: str, limit: int) -> str:
    """Return outside text for one line, at most ``limit`` long, with every mark in it inert."""
    text = plain(text)
    shown, room = text[: limit + 1], limit
    while len(marked := " ".join(map(_marked, shown.split())).replace("` `", " ")) > limit:
        room -= max(4, (min(len(marked), 5 * limit) - limit) // 6)
        shown = f"{text[:room].rstrip()} ..."
    return marked


def _marked(word: str) -> str:
    parts = _WORD.fullmatch(word)
    before, core, after = parts.groups() if parts else ("", word, "")
    if _SAFE.fullmatch(core) and not _ID.fullmatch(core):
        return word
    return f"{before}`{_code(core)}`{after}"


def _code(text: str) -> str:
    # A zero-width space keeps a bare @here from notifying anyone, should a chat look for it in code.
    return _MENTION.sub("@\u200b", _escaped(text.replace("`", "'")))


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in text)


def _fence(lines: list[str]) -> str:
    """A command that is changed would run as another one: it is shown as it is or not at all."""
    code = _escaped("\n".join(lines))
    if len(code) > _DESCRIPTION // 2 or "`" in code:
        return "Chat cannot show the command: the text report has it."
    return f"```\n{code}\n```"
