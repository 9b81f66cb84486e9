"""``pull-doctor incidents`` and ``show``: what the table says, as it says it, and nothing that harms a terminal."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from pull_doctor.delivery.evidence import EvidenceBucket
from pull_doctor.facts import store
from pull_doctor.facts.answers import Answers
from pull_doctor.report.document import to_json
from pull_doctor.report.text import render_text
from tests.command_line import Run
from tests.delivery.samples import make_intake, make_report
from tests.operations.conftest import Account

WEB = "111122223333/eu-west-1/production/service:web"
API = "111122223333/eu-west-1/production/service:api"
STAGING = "111122223333/eu-west-1/staging/service:web"
NIGHTLY = "111122223333/eu-west-1/production/family:nightly"
DAY = 24 * 60 * 60


@pytest.fixture
def now() -> float:
    return float(int(time.time()))


def test_open_incidents_come_first_and_failed_tasks_are_counted_now(run: Run, account: Account, now: float) -> None:
    account.incident(API, make_report(), (now - 9000, now - 8000), status="recovered", ended=now - 500)
    account.incident(WEB, make_report(), (now - 7200, now - 60, now - 30))
    account.table.first_seen(WEB, "one-more", now)
    ran = run("incidents")
    heading, first, second = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert heading.split()[:3] == ["STATUS", "FAILED", "TASKS"]
    assert first.split()[:2] == ["open", "4"]
    assert time.strftime("%Y-%m-%d %H:%M", time.gmtime(now - 7200)) in first
    assert first.endswith(f"s3-endpoint-missing  {WEB}")
    assert second.split()[:2] == ["recovered", "2"]
    assert second.endswith(API)


def test_an_incident_that_ended_long_ago_is_listed_on_request(run: Run, account: Account, now: float) -> None:
    account.incident(API, make_report(), (now - 9 * DAY,), status="quiet", ended=now - 8 * DAY)
    ran = run("incidents")
    assert (ran.code, ran.out, ran.err.count("\n")) == (0, "", 1)
    assert API in run("incidents", "--all").out


def test_a_task_of_an_earlier_incident_is_not_counted(run: Run, account: Account, now: float) -> None:
    account.table.first_seen(WEB, "last-week", now - 6 * DAY)
    account.incident(WEB, make_report(), (now - 60,))
    (row,) = json.loads(run("incidents", "--format", "json").out)
    assert row["occurrences"] == 1


def test_the_list_as_json_has_the_names_of_the_report(run: Run, account: Account) -> None:
    account.incident(WEB, make_report(), (1.79e9, 1.79e9 + 60), pending=frozenset({"slack", "sns"}))
    ran = run("incidents", "--format", "json")
    assert json.loads(ran.out) == [
        {
            "key": WEB,
            "status": "open",
            "cause": "s3-endpoint-missing",
            "title": "subnet-1 has no way to S3",
            "occurrences": 2,
            "first-seen": "2026-09-21T14:13:20Z",
            "last-seen": "2026-09-21T14:14:20Z",
            "opened": "2026-09-21T14:13:20Z",
            "reported": "2026-09-21T14:13:24Z",
            "pending": ["slack", "sns"],
        }
    ]


def test_a_sink_that_still_waits_and_a_muted_workload_are_said(run: Run, account: Account, now: float) -> None:
    account.incident(WEB, make_report(), (now - 60,), pending=frozenset({"slack"}))
    account.incident(API, make_report(), (now - 90,), told=None)
    _, web, api = run("incidents").out.splitlines()
    assert "not yet: slack" in web
    assert " muted " in api
    assert "reported" not in json.loads(run("incidents", "--format", "json").out)[1]


@pytest.mark.parametrize("key", [WEB, "production/service:web"])
def test_the_report_told_last_is_printed_and_where_it_is_kept(run: Run, account: Account, key: str) -> None:
    report = make_report()
    account.incident(WEB, report, (1.79e9,), evidence=f"incidents/{WEB}/2026-09-21T14-13-24Z/")
    account.incident(STAGING, make_report("image-not-found"), (1.79e9,))
    ran = run("show", key)
    assert (ran.code, ran.out) == (1, render_text(report))
    assert ran.err.count("\n") == 1
    assert f"s3://evidence/incidents/{WEB}/2026-09-21T14-13-24Z/" in ran.err


@pytest.mark.parametrize(
    ("verdict", "code"), [("undetermined", 3), ("no-defect-found", 0), ("not-a-pull-failure", 0), ("cause-found", 1)]
)
def test_it_exits_as_diagnose_does(run: Run, account: Account, verdict: Any, code: int) -> None:
    causes = make_report().causes if verdict == "cause-found" else ()
    account.incident(WEB, make_report(verdict=verdict, causes=causes), (1.79e9,))
    assert run("show", "web").code == code


@pytest.mark.parametrize("form", ["json", "markdown", "slack"])
def test_every_form_is_printed(run: Run, account: Account, form: str) -> None:
    report = make_report()
    account.incident(WEB, report, (1.79e9,))
    ran = run("show", "web", "--format", form)
    assert "s3-endpoint-missing" in ran.out
    if form == "json":
        assert ran.out == to_json(report) + "\n"


def test_the_facts_kept_of_a_report_are_diagnosed_again(run: Run, account: Account) -> None:
    facts = store.dump(make_intake(), Answers({}), datetime(2026, 9, 21, 14, 13, 24, tzinfo=UTC))
    bucket = EvidenceBucket(account.client("s3"), account.outputs["EvidenceBucketName"])
    folder = bucket.keep(WEB, 1.79e9, None, facts, "{}")
    account.incident(WEB, make_report(), (1.79e9,), evidence=folder)
    url = run("show", "web").err.split()[-1]
    ran = run("diagnose", "--facts", f"{url}facts.json", "--format", "json")
    assert (ran.code, ran.err) == (3, "")
    assert json.loads(ran.out)["task"]["service"] == "web"
    assert run("diagnose", "--facts", f"{url}report.json").code == 2


@pytest.mark.parametrize(
    "url", ["s3://evidence/none.json", "s3://nobody-has-this/x", "s3://evidence", "s3://", "s3:///x"]
)
@pytest.mark.usefixtures("account")
def test_facts_that_no_bucket_holds_are_one_line_and_exit_with_2(run: Run, url: str) -> None:
    ran = run("diagnose", "--facts", url)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err


def test_a_key_that_fits_none_or_two_is_one_line_and_exits_with_2(run: Run, account: Account) -> None:
    account.incident(WEB, make_report(), (1.79e9,))
    account.incident(STAGING, make_report(), (1.79e9,))
    for key in ("service:web", "web", "eb", "nobody", ""):
        ran = run("show", key)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert (WEB in ran.err and STAGING in ran.err) == (key in {"service:web", "web"})


def test_an_incident_without_a_report_yet_exits_with_2(run: Run, account: Account) -> None:
    account.incident(NIGHTLY, None, (1.79e9,))
    ran = run("show", "nightly")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_a_report_of_another_version_exits_with_2(run: Run, account: Account) -> None:
    account.incident(WEB, make_report(schema="pull-doctor/report/9"), (1.79e9,))
    ran = run("show", "web")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "pull-doctor/report/9" in ran.err


def test_what_the_table_says_reaches_a_terminal_without_control_characters(
    run: Run, account: Account, now: float
) -> None:
    key = "111122223333/eu-west-1/\x1b[31m[/x]\u202e/service:we\nb"
    account.incident(key, make_report(), (now,), cause="\x1b]0;title\x07", pending=frozenset({"\x9b31mslack"}))
    ran = run("incidents")
    assert len(ran.out.splitlines()) == 2
    assert "[/x]/service:we b" in ran.out
    hostile = run("show", "nobody\x1b[31m\u202e")
    assert not set("\x1b\x07\x9b\u202e") & set(ran.out + hostile.err)
