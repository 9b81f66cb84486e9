"""What a manifest says of itself, and what a stranger may have written into it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.manifest import ACCEPTED, LONGEST, SCHEMA_1, UnreadableManifestError, read_manifest
from pull_doctor.facts.values import Manifest, Platform

OCI, OCI_INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"
LINUX = {"os": "linux", "architecture": "amd64"}


def read(manifest: Any, media_type: str | None = None) -> Manifest:
    return read_manifest(json.dumps(manifest), media_type)


def index(*entries: dict[str, Any], **more: Any) -> Manifest:
    return read({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries), **more})


def image(**members: Any) -> dict[str, Any]:
    layers = [{"mediaType": LAYER, "size": size} for size in (100, 20, 3)]
    return {"schemaVersion": 2, "mediaType": OCI, "config": {"mediaType": CONFIG}, "layers": layers} | members


def test_one_image() -> None:
    assert read(image()) == Manifest(OCI, is_index=False, config_type=CONFIG, layer_types=(LAYER,), size=123)


def test_an_index_in_either_form() -> None:
    builds = [{"platform": LINUX}, {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}]
    for form in (OCI_INDEX, DOCKER_LIST):
        assert read({"manifests": builds}, form) == Manifest(
            form, is_index=True, platforms=(Platform("linux", "amd64"), Platform("linux", "arm64", "v8"))
        )


def test_builds_of_windows_differ_by_their_number() -> None:
    windows = {"os": "windows", "architecture": "amd64"}
    found = index(*({"platform": windows | {"os.version": build}} for build in ("10.0.17763.1", "10.0.20348.1")))
    assert [platform.os_version for platform in found.platforms or ()] == ["10.0.17763.1", "10.0.20348.1"]


def test_the_same_platform_twice_is_one() -> None:
    assert index({"platform": LINUX}, {"platform": LINUX}).platforms == (Platform("linux", "amd64"),)


@pytest.mark.parametrize(
    "attestation",
    [
        {"platform": {"os": "unknown", "architecture": "unknown"}},
        {"platform": {"os": "unknown", "architecture": "amd64"}},
        {"platform": {"os": "linux", "architecture": "unknown"}},
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        {"platform": LINUX, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    ],
)
def test_an_attestation_is_counted_and_is_no_platform(attestation: dict[str, Any]) -> None:
    found = index({"platform": LINUX}, attestation)
    assert (found.platforms, found.attestations) == ((Platform("linux", "amd64"),), 1)
    alone = index(attestation)
    assert (alone.platforms, alone.attestations) == ((), 1)


@pytest.mark.parametrize("entry", [{}, {"platform": None}, {"platform": {"os": "linux"}}, {"annotations": {"a": "b"}}])
def test_an_entry_that_names_no_platform_leaves_open_what_is_offered(entry: dict[str, Any]) -> None:
    found = index({"platform": LINUX}, entry)
    assert (found.is_index, found.platforms, found.attestations) == (True, None, 0)


def test_an_index_may_be_empty() -> None:
    assert index() == Manifest(OCI_INDEX, is_index=True, platforms=())


def test_an_index_without_its_list_is_none() -> None:
    for members in ({"manifests": None}, {}):
        with pytest.raises(UnreadableManifestError):
            read(members, OCI_INDEX)


def test_what_calls_itself_an_artifact() -> None:
    chart = "application/vnd.cncf.helm.config.v1+json"
    found = read(image(config={"mediaType": chart}, layers=[{"mediaType": "application/x-chart", "size": 9}]))
    assert (found.config_type, found.layer_types, found.artifact_type) == (chart, ("application/x-chart",), None)
    assert read(image(artifactType="application/x-signature")).artifact_type == "application/x-signature"
    assert index(artifactType="application/x-signature").artifact_type == "application/x-signature"


@pytest.mark.parametrize("media_type", SCHEMA_1)
def test_the_oldest_form(media_type: str) -> None:
    old = {"schemaVersion": 1, "name": "web", "fsLayers": [{"blobSum": "sha256:a"}], "history": []}
    assert read(old, media_type) == Manifest(media_type, is_index=False, schema=1)
    assert read(old).schema == 1
    assert read(image()).schema == 2


def test_the_registry_s_word_stands_above_the_pusher_s() -> None:
    assert read(image(mediaType="text/plain"), DOCKER).media_type == DOCKER
    assert read({"mediaType": OCI, "manifests": [{"platform": LINUX}]}, DOCKER_LIST).is_index
    assert read({"manifests": [{"platform": LINUX}]}).is_index
    assert read({}).media_type == ""


@pytest.mark.parametrize("size", [None, -1, 1.5, "100", True, [], {}])
def test_a_size_that_is_none_leaves_the_whole_open(size: Any) -> None:
    layers = [{"mediaType": LAYER, "size": 100}, {"mediaType": LAYER, "size": size}]
    assert read(image(layers=layers)).size is None


def test_an_image_without_layers_has_no_size() -> None:
    nothing: list[Any] = [[], None, {}]
    for layers in nothing:
        found = read(image(layers=layers))
        assert (found.size, found.layer_types) == (None, ())


@pytest.mark.parametrize("name", [7, ["linux"], "", "lin\nux", "l\x1b[31m", "\ud800", "linux\u202e", "l" * 256])
def test_a_name_that_is_none_is_left_out(name: Any) -> None:
    assert index({"platform": {"os": name, "architecture": "amd64"}}).platforms is None
    assert index({"platform": LINUX | {"variant": name}}).platforms == (Platform("linux", "amd64"),)
    found = read(image(mediaType=name, config={"mediaType": name}, layers=[{"mediaType": name}], artifactType=name))
    assert found == Manifest("", is_index=False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the manifest is not JSON"),
        ("<html>", "the manifest is not JSON"),
        ("[" * 100_000, "the manifest is not JSON"),
        ('{"a":' * 100_000, "the manifest is not JSON"),
        ("1" * 5000, "the manifest is not JSON"),
        ("null", "the manifest is not a JSON object"),
        ("[]", "the manifest is not a JSON object"),
        ('"manifests"', "the manifest is not a JSON object"),
        (" " * (LONGEST + 1), f"the manifest is {LONGEST + 1} characters long"),
    ],
)
def test_what_is_no_manifest(text: str, why: str) -> None:
    with pytest.raises(UnreadableManifestError, match=f"^{why}$"):
        read_manifest(text, OCI_INDEX)


@pytest.mark.parametrize(
    "members",
    [
        {"manifests": "text"},
        {"manifests": 7},
        {"manifests": {"a": 1}},
        {"manifests": [None]},
        {"manifests": [["a"]]},
        {"manifests": [{"platform": "linux/amd64"}]},
        {"manifests": [{"platform": ["linux"]}]},
        {"manifests": [{"annotations": "text"}]},
        {"layers": "text"},
        {"layers": 7},
        {"layers": [None]},
        {"layers": [["a"]]},
        {"config": "text"},
        {"config": 7},
    ],
    ids=str,
)
def test_members_of_another_form(members: dict[str, Any]) -> None:
    with pytest.raises(UnreadableManifestError, match=r"^the manifest is not of the form of one$"):
        read(members)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(ACCEPTED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_NAMES = ("schemaVersion", "mediaType", "manifests", "config", "layers", "artifactType")
_ENTRIES = st.lists(st.dictionaries(st.sampled_from(["platform", "annotations", "size", "mediaType"]), _JSON))


@given(st.dictionaries(st.sampled_from(_NAMES), _JSON | _ENTRIES), st.none() | st.sampled_from(ACCEPTED))
def test_whatever_is_written_is_read_or_refused(manifest: dict[str, Any], media_type: str | None) -> None:
    try:
        found = read(manifest, media_type)
    except UnreadableManifestError:
        return
    assert found.size is None or found.size >= 0
    assert found.is_index or found.platforms is None


def test_a_large_one_is_read_in_time() -> None:
    entry = {"platform": LINUX | {"variant": "v1"}}
    text = json.dumps({"manifests": [entry] * 13_000})
    assert LONGEST * 0.9 < len(text) <= LONGEST
    start = time.perf_counter()
    assert read_manifest(text, OCI_INDEX).platforms == (Platform("linux", "amd64", "v1"),)
    assert time.perf_counter() - start < 2
