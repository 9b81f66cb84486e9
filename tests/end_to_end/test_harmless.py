"""What looks broken and is not accuses nobody, not even as possible."""

from __future__ import annotations

import pytest

from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import report_on
from tests.worlds.harmless import HARMLESS, build_harmless


@pytest.mark.parametrize("name", HARMLESS)
def test_nobody_is_accused(aws: EmulatedAws, name: str) -> None:
    report = report_on(aws, build_harmless(aws, name).event)
    assert report.causes == ()
    assert (report.verdict, report.not_checked) == ("no-defect-found", ())
