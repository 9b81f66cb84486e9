from __future__ import annotations

import pytest

from pull_doctor.facts.registry.hosts import Registry, gives_tokens
from pull_doctor.intake.image_reference import parse_reference


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "docker.io/library/nginx:1",
        "public.ecr.aws/nginx/nginx:1",
        "ghcr.io/org/web",
        "quay.io/org/web",
        "gcr.io/project/web",
        "eu.gcr.io/project/web",
        "europe-west1-docker.pkg.dev/project/repo/web",
        "mcr.microsoft.com/dotnet/sdk",
        "registry.gitlab.com/group/web",
        "registry.k8s.io/pause",
    ],
)
def test_the_well_known_registries_may_be_asked(image: str) -> None:
    reference = parse_reference(image)
    assert reference
    assert Registry().allows(reference.host)
    assert not Registry(off=True, hosts=frozenset({reference.host})).allows(reference.host)


@pytest.mark.parametrize(
    "host", ["registry.example.com", "evilghcr.io", "x.ghcr.io", "pkg.dev", "pkg.dev.example.com", "localhost", "[::1]"]
)
def test_any_other_only_if_it_is_listed(host: str) -> None:
    assert not Registry().allows(host)
    assert not Registry(hosts=frozenset({"other.example.com"})).allows(host)
    assert Registry(hosts=frozenset({host})).allows(host)


@pytest.mark.parametrize(
    ("host", "registry", "may"),
    [
        ("auth.docker.io", "registry-1.docker.io", True),
        ("gitlab.com", "registry.gitlab.com", True),
        ("ghcr.io", "ghcr.io", True),
        ("auth.registry.example.com", "registry.example.com", True),
        ("docker.io", "registry-1.docker.io", False),
        ("auth.docker.io", "ghcr.io", False),
        ("example.com", "registry.example.com", False),
        ("evilregistry.example.com", "registry.example.com", False),
        ("b.co.uk", "a.co.uk", False),
    ],
)
def test_who_may_give_a_token(host: str, registry: str, *, may: bool) -> None:
    assert gives_tokens(host, registry) is may
