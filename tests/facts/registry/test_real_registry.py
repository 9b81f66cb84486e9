"""The client against a registry that somebody else wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from pull_doctor.facts.registry.connection import Network
from pull_doctor.facts.registry.manifests import fetch, look_up
from pull_doctor.facts.registry.refusal import NoAnswerError
from pull_doctor.facts.values import Manifest, Platform, RegistryLookup
from tests.facts.registry.internet import OWN, Certificates, Internet, make_certificates
from tests.facts.registry.real_registry import (
    LOGIN,
    TOKENS,
    RealRegistry,
    basic,
    bearer,
    needs_docker_registry,
    token_service,
)

pytestmark = needs_docker_registry

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
PRIVATE = "team/private"
ARM = Platform("linux", "arm64")
SHOWING = ["none", "bearer"]


@dataclass(frozen=True)
class Registries:
    """One for each way of signing in, all with the same images; ``pushed`` holds descriptors by tag."""

    none: RealRegistry
    basic: RealRegistry
    networks: dict[str, Network]
    tokens: Internet
    pushed: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def registries(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registries]:
    directory = tmp_path_factory.mktemp("registry")
    with ExitStack() as stack:
        none, wants_login, wants_token = (
            stack.enter_context(RealRegistry(directory, certificates, auth))
            for auth in ({}, basic(directory), bearer(directory, certificates))
        )
        tokens = stack.enter_context(Internet(certificates, token_service(certificates, PRIVATE)))
        pushed = {
            "both": none.push_index("team/web", "both", "amd64", "arm64"),
            "arm": none.push_index("team/web", "arm", "arm64"),
            "attestations": none.push_index("team/web", "attestations"),
            "single": none.push_image("team/web", "amd64", "single"),
        }
        none.push_image(PRIVATE, "amd64", "1")
        networks = {
            "none": none.network(),
            "basic": wants_login.network(),
            "bearer": wants_token.network(tokens),
        }
        yield Registries(none, wants_login, networks, tokens, pushed)


@pytest.mark.parametrize("auth", SHOWING)
@pytest.mark.parametrize("tag", ["both", "arm", "attestations", "single"])
def test_an_image_that_is_there(registries: Registries, auth: str, tag: str) -> None:
    pushed = registries.pushed[tag]
    found = RegistryLookup("found", 200, pushed["digest"], pushed["mediaType"])
    assert look_up(OWN, "team/web", tag, registries.networks[auth]) == found
    assert look_up(OWN, "team/web", pushed["digest"], registries.networks[auth]) == found


@pytest.mark.parametrize("auth", SHOWING)
@pytest.mark.parametrize(
    ("tag", "platforms", "attestations"),
    [("both", (Platform("linux", "amd64"), ARM), 2), ("arm", (ARM,), 1), ("attestations", (), 1)],
)
def test_the_platforms_of_an_index(
    registries: Registries, auth: str, tag: str, platforms: tuple[Platform, ...], attestations: int
) -> None:
    manifest = fetch(OWN, "team/web", tag, registries.networks[auth])
    assert manifest == Manifest(INDEX, is_index=True, platforms=platforms, attestations=attestations)


@pytest.mark.parametrize("auth", SHOWING)
def test_the_manifest_of_one_build(registries: Registries, auth: str) -> None:
    manifest = fetch(OWN, "team/web", "single", registries.networks[auth])
    assert manifest
    assert (manifest.media_type, manifest.is_index, manifest.platforms) == (IMAGE, False, None)
    assert manifest.config_type == "application/vnd.oci.image.config.v1+json"
    assert manifest.size == len(b"layer")


@pytest.mark.parametrize("auth", SHOWING)
@pytest.mark.parametrize(
    ("repository", "reference"),
    [("team/web", "9.99"), ("team/web", "sha256:" + "ab" * 32), ("team/no-such-repository", "both")],
)
def test_what_is_missing(registries: Registries, auth: str, repository: str, reference: str) -> None:
    network = registries.networks[auth]
    assert look_up(OWN, repository, reference, network) == RegistryLookup("missing", 404)
    assert fetch(OWN, repository, reference, network) is None


@pytest.mark.parametrize("reference", ["both", "9.99"])
def test_a_registry_that_wants_a_login_hides_what_it_has(registries: Registries, reference: str) -> None:
    network = registries.networks["basic"]
    assert look_up(OWN, "team/web", reference, network) == RegistryLookup("hidden", 401)
    assert fetch(OWN, "team/web", reference, network) is None
    shown = registries.basic.request(
        "HEAD", f"/v2/team/web/manifests/{reference}", headers={"Authorization": LOGIN, "Accept": INDEX}
    )
    assert shown.status == (200 if reference == "both" else 404), "with the login it hides nothing"


@pytest.mark.parametrize("reference", ["1", "2"])
def test_a_token_for_everybody_does_not_show_what_is_private(registries: Registries, reference: str) -> None:
    network = registries.networks["bearer"]
    assert look_up(OWN, PRIVATE, reference, network) == RegistryLookup("hidden", 401)
    assert fetch(OWN, PRIVATE, reference, network) is None
    has = registries.none.request("HEAD", f"/v2/{PRIVATE}/manifests/{reference}", headers={"Accept": IMAGE})
    assert has.status == (200 if reference == "1" else 404)


def test_the_token_is_asked_for_as_the_registry_says(registries: Registries) -> None:
    registries.tokens.requests.clear()
    look_up(OWN, "team/web", "both", registries.networks["bearer"])
    (asked,) = registries.tokens.requests
    assert (asked.host, asked.target) == (
        TOKENS,
        "/token?scope=repository%3Ateam%2Fweb%3Apull&service=registry.example.com",
    )
    assert "authorization" not in asked.headers


def test_a_token_that_somebody_else_signed_shows_nothing(
    registries: Registries, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = make_certificates(tmp_path_factory.mktemp("stranger"))
    answers = registries.tokens.answers
    registries.tokens.answers = token_service(stranger, PRIVATE)
    try:
        found = look_up(OWN, "team/web", "both", registries.networks["bearer"])
    finally:
        registries.tokens.answers = answers
    assert found == RegistryLookup("hidden", 401)


def test_a_registry_whose_certificate_is_a_strangers_is_not_asked(
    registries: Registries, tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = registries.networks["none"]
    stranger = make_certificates(tmp_path_factory.mktemp("stranger"))
    with pytest.raises(NoAnswerError, match="certificate"):
        look_up(OWN, "team/web", "both", Network(network.resolve, network.dial, stranger.trust))
