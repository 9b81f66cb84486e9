"""Names that look like those of a pull-through cache, and are under no rule."""

from __future__ import annotations

import pytest

from pull_doctor.causes.shared.cache.names import no_rule_fits
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import CacheRule
from pull_doctor.intake.image_reference import parse_reference
from tests.network.factory import ACCOUNT, REGISTRY

HUB = CacheRule("dockerhub", "registry-1.docker.io")
QUAY = CacheRule("quay", "quay.io")


def said(repository: str, *rules: CacheRule) -> tuple[str, str | None] | None:
    image = parse_reference(f"{REGISTRY}/{repository}:1")
    assert image is not None
    found = no_rule_fits(image, Known(rules))
    return (found[0].text, found[1]) if found else None


@pytest.mark.parametrize(
    ("repository", "rule", "meant"),
    [
        ("docker-hub/library/nginx", HUB, "dockerhub/library/nginx"),
        ("dockerhub/library/nginx", CacheRule("docker-hub", HUB.upstream), "docker-hub/library/nginx"),
        ("docker-hub/library/nginx", CacheRule("mirror/hub", HUB.upstream), "mirror/hub/library/nginx"),
        ("quay.io/acme/app", QUAY, "quay/acme/app"),
        ("azure/app", CacheRule("acr", "acme.azurecr.io"), "acr/app"),
        ("my-cache/app", CacheRule("mycache", "quay.io"), "mycache/app"),
    ],
)
def test_the_nearest_rule_is_named(repository: str, rule: CacheRule, meant: str) -> None:
    found = said(repository, CacheRule("other", "registry.k8s.io"), rule)
    assert found is not None
    text, name = found
    assert name == meant
    assert f"rule {rule.prefix}, which fetches from {rule.upstream}, would fit {meant}" in text


def test_a_usual_prefix_without_a_near_rule() -> None:
    found = said("docker-hub/library/nginx", QUAY)
    assert found is not None
    assert found[1] is None
    assert ACCOUNT in found[0]
    assert "docker-hub is a usual prefix of one" in found[0]


@pytest.mark.parametrize(
    ("repository", "rule"),
    [
        ("team/app", QUAY),
        ("quay", QUAY),
        ("quay/acme/app", QUAY),
        ("docker-hub/library/nginx", CacheRule("ROOT", "quay.io")),
    ],
)
def test_nothing_is_said_of_other_names_and_where_a_rule_fits(repository: str, rule: CacheRule) -> None:
    assert said(repository, rule) is None


def test_rules_that_were_not_read_say_nothing() -> None:
    image = parse_reference(f"{REGISTRY}/docker-hub/library/nginx:1")
    assert image is not None
    assert no_rule_fits(image, Unknown("the rules", "denied")) is None
