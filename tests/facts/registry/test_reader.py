from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask, gather
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.permissions import actions_of
from pull_doctor.facts.registry.hosts import Registry
from pull_doctor.facts.values import RegistryLookup
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, World
from tests.facts.registry.internet import HUB, MISSING, OWN, Answers, Internet, answer

Start = Callable[[Answers], Internet]

HERE = (OWN_ACCOUNT, REGION)
NGINX = q.RegistryImage(*HERE, HUB, "library/nginx", "1")
OWN_WEB = q.RegistryImage(*HERE, OWN, "team/web", "1")
TASK = Task("arn", "id", Place("aws", OWN_ACCOUNT, REGION), "prod")


def aws(registry: Registry) -> Aws:
    return Aws(World({}).session(), registry=registry)


def test_a_well_known_registry_is_asked(internet: Start) -> None:
    hub = internet(lambda _: MISSING)
    assert ask(aws(Registry(network=hub.network)), NGINX) == Known(RegistryLookup("missing", 404))


def test_another_one_if_it_is_listed(internet: Start) -> None:
    web = internet(lambda _: MISSING)
    registry = Registry(hosts=frozenset({OWN}), network=web.network)
    assert ask(aws(registry), OWN_WEB) == Known(RegistryLookup("missing", 404))


@pytest.mark.parametrize(
    ("off", "hosts", "question"),
    [(True, {OWN}, NGINX), (True, {OWN}, OWN_WEB), (False, set(), OWN_WEB), (False, {f"x.{OWN}"}, OWN_WEB)],
)
def test_any_other_is_not_even_resolved(
    internet: Start, *, off: bool, hosts: set[str], question: q.RegistryImage
) -> None:
    web = internet(lambda _: MISSING)
    fact = ask(aws(Registry(off, frozenset(hosts), web.network)), question)
    assert isinstance(fact, Unknown)
    assert (fact.why, fact.action, fact.resource) == ("switched-off", None, question.host)
    assert "registry-probe" in (fact.detail or "")
    assert question.host in (fact.detail or "")
    assert (web.resolved, web.connections) == ([], 0)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (answer("429 Too Many Requests", "Retry-After: 60"), "throttled"),
        (answer("503 Service Unavailable"), "crashed"),
        (answer("307 Temporary Redirect", "Location: https://169.254.169.254/"), "not-visible"),
        (b"", "timed-out"),
    ],
)
def test_no_answer_is_unknown_and_no_crash_of_ours_to_log(
    internet: Start, given: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    fact = ask(aws(Registry(network=internet(lambda _: given).network)), NGINX)
    assert isinstance(fact, Unknown)
    assert (fact.fact, fact.why) == (NGINX.fact, why)
    assert HUB in (fact.detail or "")
    assert caplog.records == []


def test_what_the_server_says_cannot_break_the_detail(internet: Start) -> None:
    realm = 'WWW-Authenticate: Bearer realm="https://' + "x" * 4000 + '.example.com/\x1b[31m"'
    fact = ask(aws(Registry(network=internet(lambda _: answer("401 No", realm)).network)), NGINX)
    assert isinstance(fact, Unknown)
    assert fact.detail
    assert len(fact.detail) < 300
    assert "\x1b" not in fact.detail


def test_the_token_is_logged_nowhere(internet: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    challenge = f'WWW-Authenticate: Bearer realm="https://{HUB}/token"'
    web = internet(
        lambda request: (
            answer("200 OK", body=b'{"token": "hunter2"}')
            if request.method == "GET"
            else answer("500 Oh" if "authorization" in request.headers else "401 No", challenge)
        )
    )
    fact = ask(aws(Registry(network=web.network)), NGINX)
    assert web.requests[-1].headers["authorization"] == "Bearer hunter2"
    assert "hunter2" not in repr(fact)
    assert "hunter2" not in caplog.text


def test_it_needs_no_permission_and_makes_no_call_to_aws(internet: Start) -> None:
    assert actions_of(q.RegistryImage) == ()
    client = aws(Registry(network=internet(lambda _: MISSING).network))
    ask(client, NGINX)
    assert client.calls == 0


def test_a_deadline_that_is_over_is_said_without_a_permission() -> None:
    answers = gather(TASK, (), aws(Registry()), plan=lambda *_: [NGINX], deadline=time.monotonic() - 1, workers=1)
    fact = answers.get(NGINX)
    assert isinstance(fact, Unknown)
    assert (fact.why, fact.action) == ("timed-out", None)


def test_the_client_is_imported_only_when_a_registry_is_asked() -> None:
    code = (
        "import sys; import pull_doctor.facts.readers, pull_doctor.environment; "
        "sys.exit('pull_doctor.facts.registry.connection' in sys.modules)"
    )
    root = Path(__file__).parents[3] / "lambda"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=False)  # noqa: S603 - this test's own code
    assert done.returncode == 0
