from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.intake.event import read_event
from pull_doctor.intake.kept import kept_event
from pull_doctor.intake.task import Intake
from tests.test_handler import event

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_the_kept_event_reads_as_the_event_itself() -> None:
    whole = event()
    assert read_event(kept_event(whole)) == read_event(whole)


def test_the_task_s_storage_is_kept() -> None:
    whole = event(ephemeralStorage={"sizeInGiB": 60, "planted": "PLANTED"})
    kept = kept_event(whole)
    assert kept["detail"]["ephemeralStorage"] == {"sizeInGiB": 60}
    found = read_event(kept)
    assert isinstance(found, Intake)
    assert found.task.storage == 60


def test_an_image_with_a_character_that_nobody_sees_reads_as_it_did() -> None:
    image = "registry.example.com/web:1\u200b"
    whole = event(containers=[{"name": "app", "image": image, "reason": "CannotPullContainerError: invalid reference"}])
    (failure,) = read_event(whole).failures
    assert failure.reference is None
    assert read_event(kept_event(whole)) == read_event(whole)


def test_what_people_typed_into_the_task_is_not_kept() -> None:
    typed = {"name": "app", "environment": [{"name": "KEY", "value": "PLANTED"}], "command": ["PLANTED"]}
    whole = event(
        overrides={"containerOverrides": [typed], "executionRoleArn": "arn:aws:iam::111122223333:role/pull"},
        containers=[{"name": "app", "image": "https://user:PLANTED@x.example/web:1", "environment": "PLANTED"}],
        stoppedReason="CannotPull https://x.example/layer?X-Amz-Signature=PLANTED",
    )
    kept = kept_event(whole)
    assert "PLANTED" not in json.dumps(kept)
    assert kept["detail"]["overrides"] == {"executionRoleArn": "arn:aws:iam::111122223333:role/pull"}
    assert kept["detail"]["containers"][0]["name"] == "app"


@given(st.dictionaries(st.sampled_from(["detail", "id", "resources", "unknown"]), _JSON))
def test_whatever_comes_in_place_of_an_event_something_is_kept_and_keeping_it_again_changes_nothing(
    raw: dict[str, Any],
) -> None:
    kept = kept_event(raw)
    assert kept_event(kept) == kept
    assert "unknown" not in kept
