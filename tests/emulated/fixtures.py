"""The fixtures that share one emulated AWS among all tests of a session; it starts when the first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # moto is slow to import: only a run that needs it pays for it
    from tests.emulated.aws import EmulatedAws
    from tests.emulated.deployment import Deployed

SLACK_SECRET = "pull-doctor/slack"
MUTE_TAG = "pull-doctor"
"""The key; its value is ``muted``."""
OWNER_TAG = "team"


@pytest.fixture(scope="session")
def aws() -> Iterator[EmulatedAws]:
    """The one emulated AWS of the test run."""
    from tests.emulated.aws import emulated_aws  # noqa: PLC0415 - slow to import

    with emulated_aws() as running:
        yield running


@pytest.fixture(scope="session")
def deployed(aws: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The stack, deployed once, with every sink; the Slack secret itself is the test's to make."""
    from tests.emulated.deployment import deploy, synthesise  # noqa: PLC0415 - slow to import

    settings = {
        "slack-secret-name": SLACK_SECRET,
        "amazon-q-topic": True,
        "event-bus": "default",
        "mute-tag": f"{MUTE_TAG}=muted",
        "owner-tag": OWNER_TAG,
    }
    return deploy(aws, synthesise(tmp_path_factory.mktemp("cloud") / "assembly", settings))
