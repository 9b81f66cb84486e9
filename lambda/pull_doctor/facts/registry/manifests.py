"""Asks a registry for one manifest: HEAD, and where a token is wanted, an anonymous one and HEAD again.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry.
Docker Hub counts no HEAD as a pull: https://docs.docker.com/docker-hub/usage/pulls/.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from urllib.parse import quote, urlencode

from pull_doctor import __version__
from pull_doctor.facts.registry.challenge import Challenge, parse_challenge
from pull_doctor.facts.registry.connection import Answer, Network, Session
from pull_doctor.facts.registry.hosts import gives_tokens
from pull_doctor.facts.registry.refusal import NoAnswerError
from pull_doctor.facts.values import RegistryLookup

_HEADERS = {"User-Agent": f"pull-doctor/{__version__}", "Connection": "close"}
# A registry may answer 404 for an image that it has in a form that was not asked for.
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_MANIFEST_TYPE = re.compile(r"application/vnd\.[a-z0-9.+-]{1,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TOKEN = re.compile(r"[!-~]{1,8192}")
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def look_up(host: str, repository: str, reference: str, network: Network | None = None) -> RegistryLookup:
    """Ask whether the registry shows this image to everybody; ``reference`` is a tag or a digest.

    Raises:
        NoAnswerError: the registry gave no answer to that question.
    """
    session = Session(network or Network())
    target = f"/v2/{quote(repository)}/manifests/{quote(reference, safe=':')}"
    headers = {**_HEADERS, "Accept": _MANIFESTS}
    answer = session.request("HEAD", host, target, headers)
    challenge = parse_challenge(answer.headers.get_all("WWW-Authenticate", []))
    if answer.status == HTTPStatus.UNAUTHORIZED and challenge:
        granted = _ask_for_token(session, host, repository, challenge)
        if granted.status in _REFUSED:
            return RegistryLookup("hidden", granted.status)
        token = _token(granted, f"the token service of {host}")
        answer = session.request("HEAD", host, target, {**headers, "Authorization": f"Bearer {token}"})
    return _lookup(answer, host)


def _ask_for_token(session: Session, registry: str, repository: str, challenge: Challenge) -> Answer:
    """Ask the token service that the registry names, if that is one which the registry may name."""
    if challenge.host is None or challenge.target is None or not gives_tokens(challenge.host, registry):
        raise NoAnswerError(
            "not-visible", f"{registry} sends to {challenge.host or 'no proper address'} for a token; it was not asked"
        )
    wanted = {"scope": challenge.scope or f"repository:{repository}:pull"}
    if challenge.service:
        wanted["service"] = challenge.service
    joint = "&" if "?" in challenge.target else "?"
    target = f"{challenge.target}{joint}{urlencode(wanted)}"
    return session.request("GET", challenge.host, target, {**_HEADERS, "Accept": "application/json"})


def _token(granted: Answer, service: str) -> str:
    if granted.status != HTTPStatus.OK:
        raise _no_answer(granted, service)
    try:
        given = json.loads(granted.body)
        token = given.get("token") or given.get("access_token")
    except (ValueError, RecursionError, AttributeError):
        token = None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise NoAnswerError("crashed", f"{service} gave none")
    return token


def _lookup(answer: Answer, host: str) -> RegistryLookup:
    if answer.status == HTTPStatus.NOT_FOUND:
        return RegistryLookup("missing", answer.status)
    if answer.status in _REFUSED:
        return RegistryLookup("hidden", answer.status)
    if answer.status != HTTPStatus.OK:
        raise _no_answer(answer, host)
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not _MANIFEST_TYPE.fullmatch(media_type):  # a web page, say: whoever answered is no registry
        raise NoAnswerError("crashed", f"{host} answered with something that is no manifest")
    digest = answer.headers.get("Docker-Content-Digest", "")
    return RegistryLookup("found", answer.status, digest if _DIGEST.fullmatch(digest) else None, media_type)


def _no_answer(answer: Answer, who: str) -> NoAnswerError:
    """Say what stands in the way where a status is none of those that answer the question."""
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NoAnswerError("throttled", f"{who} limits requests (status {status})")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return NoAnswerError("not-visible", f"{who} sends elsewhere (status {status}); that was not followed")
    return NoAnswerError("crashed", f"{who} answered with status {status}")
