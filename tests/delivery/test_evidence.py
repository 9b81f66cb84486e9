from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pull_doctor.delivery.evidence import EvidenceBucket, EvidenceError
from pull_doctor.facts import store
from pull_doctor.facts.answers import Answers
from tests.delivery.samples import BUCKET, START, World, make_intake

KEY = "111122223333/eu-west-1/production/service:web"


def facts() -> str:
    return store.dump(make_intake(), Answers(), datetime.fromtimestamp(START, UTC))


def test_event_facts_and_report_stand_in_one_folder_under_the_one_prefix(world: World) -> None:
    event = {"id": "e1", "detail": {"overrides": {"containerOverrides": [{"environment": ["PLANTED"]}]}}}
    folder = world.evidence.keep(KEY, START, event, facts(), '{"schema": "x"}')
    names = {one["Key"]: one["ContentType"] for one in _objects(world)}
    assert folder == f"incidents/{KEY}/2026-09-21T14-13-20Z/"
    assert names.keys() == {f"{folder}{name}.json" for name in ("event", "facts", "report")}
    assert set(names.values()) == {"application/json; charset=utf-8"}
    assert json.loads(world.evidence.text(folder + "event.json")) == {"detail": {"overrides": {}}, "id": "e1"}
    assert world.evidence.facts(folder).intake == make_intake()


def _objects(world: World) -> list[dict[str, str]]:
    listed = world.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    return [one | world.s3.head_object(Bucket=BUCKET, Key=one["Key"]) for one in listed]


def test_what_there_is_not_is_not_kept(world: World) -> None:
    folder = world.evidence.keep(KEY, START, None, None, "{}")
    assert [one["Key"] for one in _objects(world)] == [folder + "report.json"]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{}", b"[1]", b'{"schema": "pull-doctor/facts/9"}'])
def test_facts_that_are_none_are_refused_in_one_line(world: World, body: bytes) -> None:
    world.s3.put_object(Bucket=BUCKET, Key="incidents/x/facts.json", Body=body)
    with pytest.raises(EvidenceError, match=r"^s3://evidence/incidents/x/facts\.json.*$"):
        world.evidence.facts("incidents/x/")


def test_a_missing_object_and_a_missing_bucket_are_said_by_their_code(world: World) -> None:
    with pytest.raises(EvidenceError, match=r"^s3://evidence/incidents/x/facts\.json: NoSuchKey$"):
        world.evidence.facts("incidents/x/")
    with pytest.raises(EvidenceError, match=r"^s3://elsewhere/.*event\.json: NoSuchBucket$"):
        EvidenceBucket(world.s3, "elsewhere").keep(KEY, START, {}, None, "{}")
