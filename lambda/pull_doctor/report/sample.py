"""The marked sample: a report that tells nothing but that reports arrive."""

from __future__ import annotations

from pull_doctor import __version__
from pull_doctor.report.model import Report, TaskPart


def sample_report(account: str, region: str, function_name: str | None = None) -> Report:
    """Return the sample that a deployed function sends to every sink; no task failed, and no cluster is named."""
    sender = f"Lambda function {function_name}" if function_name else "pull-doctor"
    return Report(
        verdict="not-a-pull-failure",
        verdict_reason="no task failed, and nothing needs to be done: "
        f"{sender} of account {account} ({region}) sent this because pull-doctor test was run",
        title="test: reports of pull-doctor arrive here",
        task=TaskPart(cluster="", account=account, region=region),
        tool_version=__version__,
        sample=True,
    )
