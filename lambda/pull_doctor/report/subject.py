"""The subject line of a report in mail: ASCII, fewer than 100 characters, no line break, never empty.

https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import unicodedata

from pull_doctor.report.model import Report
from pull_doctor.report.words import headline

_LONGEST = 99


def subject(report: Report) -> str:
    """Return what failed and why, in one line that SNS accepts as a subject."""
    letters = unicodedata.normalize("NFKD", headline(report)).encode("ascii", "ignore").decode()
    line = " ".join(letters.split())
    if len(line) > _LONGEST:
        line = line[: _LONGEST - 3].rstrip() + "..."
    return line or "pull-doctor report"
