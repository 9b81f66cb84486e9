"""Asks a registry for one manifest, or whether it has it; where a token is wanted, with an anonymous one.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry.
Docker Hub counts no HEAD as a pull: https://docs.docker.com/docker-hub/usage/pulls/.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from urllib.parse import quote, urlencode

from pull_doctor import __version__
from pull_doctor.facts.manifest import ACCEPTED, read_manifest
from pull_doctor.facts.registry.challenge import Challenge, parse_challenge
from pull_doctor.facts.registry.connection import Answer, Network, Session
from pull_doctor.facts.registry.hosts import gives_tokens
from pull_doctor.facts.registry.refusal import NoAnswerError
from pull_doctor.facts.values import Manifest, RateLimit, RegistryLookup

_HEADERS = {"User-Agent": f"pull-doctor/{__version__}", "Connection": "close"}
_ACCEPT = ", ".join(ACCEPTED)
_MANIFEST_TYPE = re.compile(r"application/vnd\.[a-z0-9.+-]{1,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TOKEN = re.compile(r"[!-~]{1,8192}")
_LIMIT = re.compile(r"(?P<count>[0-9]{1,9})(?:;w=(?P<seconds>[0-9]{1,9}))?")
_SOURCE = re.compile(r"[0-9a-f.:-]{1,64}", re.IGNORECASE)
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def look_up(host: str, repository: str, reference: str, network: Network | None = None) -> RegistryLookup:
    """Ask whether the registry shows this image to everybody; ``reference`` is a tag or a digest.

    Raises:
        NoAnswerError: the registry gave no answer to that question.
    """
    return _lookup(_ask("HEAD", host, repository, reference, network), host)


def fetch(host: str, repository: str, reference: str, network: Network | None = None) -> Manifest | None:
    """Fetch the manifest that the registry shows to everybody; ``None`` if it shows none.

    Raises:
        NoAnswerError: the registry gave no answer to that question, or something that is no manifest.
    """
    answer = _ask("GET", host, repository, reference, network)
    found = _lookup(answer, host)
    if found.answer != "found":
        return None
    try:
        return read_manifest(answer.body.decode(), found.media_type)
    except ValueError as error:  # no manifest, or not UTF-8
        raise NoAnswerError("crashed", f"what {host} gave could not be read as a manifest") from error


def _ask(method: str, host: str, repository: str, reference: str, network: Network | None) -> Answer:
    """The registry's answer, or its refusal of a token."""
    session = Session(network or Network())
    target = f"/v2/{quote(repository)}/manifests/{quote(reference, safe=':')}"
    headers = {**_HEADERS, "Accept": _ACCEPT}
    answer = session.request(method, host, target, headers)
    challenge = parse_challenge(answer.headers.get_all("WWW-Authenticate", []))
    if answer.status == HTTPStatus.UNAUTHORIZED and challenge:
        granted = _ask_for_token(session, host, repository, challenge)
        if granted.status in _REFUSED:
            return granted
        token = _token(granted, f"the token service of {host}")
        answer = session.request(method, host, target, {**headers, "Authorization": f"Bearer {token}"})
    return answer


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
    limit = _rate_limit(answer)
    if answer.status == HTTPStatus.NOT_FOUND or answer.status in _REFUSED:
        if not _is_of_a_registry(answer):
            raise NoAnswerError("crashed", f"{host} answered with status {answer.status}, and not as a registry does")
        missing = answer.status == HTTPStatus.NOT_FOUND
        return RegistryLookup("missing" if missing else "hidden", answer.status, rate_limit=limit)
    if answer.status != HTTPStatus.OK:
        raise _no_answer(answer, host)
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not _MANIFEST_TYPE.fullmatch(media_type):  # a web page, say: whoever answered is no registry
        raise NoAnswerError("crashed", f"{host} answered with something that is no manifest")
    digest = answer.headers.get("Docker-Content-Digest", "")
    return RegistryLookup("found", answer.status, digest if _DIGEST.fullmatch(digest) else None, media_type, limit)


def _is_of_a_registry(answer: Answer) -> bool:
    """Whether a registry or its token service says no, and not a web server or a firewall that stands before it.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
    """
    named = "WWW-Authenticate" in answer.headers or "Docker-Distribution-Api-Version" in answer.headers
    return named or answer.headers.get_content_subtype().endswith("json")


def _rate_limit(answer: Answer) -> RateLimit | None:
    """What the answer says of the limit; ``None`` where it says nothing, or something else than Docker Hub does.

    https://docs.docker.com/docker-hub/usage/pulls/
    """
    limit = _LIMIT.fullmatch(answer.headers.get("ratelimit-limit", ""))
    remaining = _LIMIT.fullmatch(answer.headers.get("ratelimit-remaining", ""))
    if limit is None or remaining is None or limit["seconds"] is None:
        return None
    source = answer.headers.get("docker-ratelimit-source", "")
    named = source if _SOURCE.fullmatch(source) else None
    return RateLimit(int(limit["count"]), int(remaining["count"]), int(limit["seconds"]), named)


def _no_answer(answer: Answer, who: str) -> NoAnswerError:
    """Say what stands in the way where a status is none of those that answer the question."""
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NoAnswerError("throttled", f"{who} limits requests (status {status})")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return NoAnswerError("not-visible", f"{who} sends elsewhere (status {status}); that was not followed")
    return NoAnswerError("crashed", f"{who} answered with status {status}")
