"""Cases as data: each file in `cases` has requests, policies, and what AWS decides by the rule that the case names.

A file's `request` and `statement` are what its cases leave out. A case has one of: `statement` (a member that is null
is left out), `statements`, `policy` (text: the document as it stands), or `layers` (the names of their `documents`; a
null layer has none). In a context a list is a key's values, an empty one a key that is not in the request; a key that
is left out is not known. `by` is the number of the statement that decides, `layer` the layer.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pull_doctor.policy.combine import combine
from pull_doctor.policy.evaluate import Decision, evaluate, merge
from pull_doctor.policy.request import Caller, Outside, Request, Values

HERE = Path(__file__).parent
SOURCES = json.loads((HERE / "sources.json").read_text(encoding="utf-8"))
Case = dict[str, Any]


def read_cases(folder: Path) -> list[Case]:
    found: list[Case] = []
    for path in sorted(folder.rglob("*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        shared = {name: value for name, value in file.items() if name not in ("about", "cases")}
        found += [{**shared, **one, "file": shared} for one in file["cases"]]
    return found


CASES = read_cases(HERE / "cases")


@pytest.mark.parametrize("case", CASES, ids=[one["id"] for one in CASES])
def test_aws_decides(case: Case) -> None:
    if "layers" in case:
        decided = {layer: _of_layer(case, names) for layer, names in case["layers"].items()}
        same_account = case.get("account") != "other"
        combined = combine(decided, same_account=same_account, key_policy=case.get("key", False))
        assert combined.effect == case["expect"]
        assert "layer" not in case or combined.layer == case["layer"]
        return
    decision = evaluate(_document(case), _request(case))
    assert decision.effect == case["expect"], decision
    if decision.effect in ("allow", "deny"):
        assert decision.number == case["by"]
    assert "keys" not in case or decision.keys == tuple(one.lower() for one in case["keys"])
    assert "granted-to" not in case or decision.granted_to == case["granted-to"]
    assert "sid" not in case or decision.statement == f"statement {case['by']} ({case['sid']})"


@pytest.mark.parametrize(
    "case",
    [one for one in CASES if "statements" in one and len(one["statements"]) > 1],
    ids=lambda one: one["id"],
)
def test_order_of_statements_decides_nothing(case: Case) -> None:
    turned = {**case, "statements": case["statements"][::-1]}
    expected = evaluate(_document(case), _request(case))
    found = evaluate(_document(turned), _request(turned))
    assert (found.effect, found.granted_to, set(found.keys)) == (
        expected.effect,
        expected.granted_to,
        set(expected.keys),
    )


def test_no_case_stands_twice() -> None:
    assert len({(one["rule"], one["shape"]) for one in CASES}) >= 300
    for counted in (Counter(one["id"] for one in CASES), Counter((one["rule"], one["shape"]) for one in CASES)):
        assert [name for name, times in counted.items() if times > 1] == []


def test_every_case_names_a_source() -> None:
    assert {one["source"] for one in CASES} == set(SOURCES)
    assert all(url.startswith("https://docs.aws.amazon.com/") for url in SOURCES.values())


def _request(case: Case) -> Request:
    given = {**case["file"]["request"], **case.get("request", {})}
    context: dict[str, Values] = {
        key.lower(): tuple(value) if isinstance(value, list) else (value,) for key, value in given["context"].items()
    }
    who = given["caller"]
    caller = None if who is None else Outside(who["outside"]) if "outside" in who else Caller(**who)
    return Request(given["action"], given["resource"], caller, context)


def _document(case: Case) -> str:
    if isinstance(case.get("policy"), str):
        return str(case["policy"])
    if "policy" in case:
        return json.dumps(case["policy"])
    shared = case["file"].get("statement", {})
    given = case["statements"] if "statements" in case else [case["statement"]]
    statements = [{name: value for name, value in {**shared, **one}.items() if value is not None} for one in given]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _of_layer(case: Case, names: str | list[str] | None) -> Decision | None:
    if names is None:
        return None
    documents = [case["documents"][name] for name in ([names] if isinstance(names, str) else names)]
    return merge([evaluate(json.dumps(one), _request(case)) for one in documents])
