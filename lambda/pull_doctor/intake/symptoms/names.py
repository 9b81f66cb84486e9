"""Hiding of names: what people called an image, a host, or a file must not decide what a text means.

``timeout``, ``x509``, ``proxyconnect`` and ``429`` are legal names of images and tags. The rules read a text in
which such names are a star: ``failed to resolve ref *: not found``.

Names: https://github.com/distribution/reference
"""

from __future__ import annotations

import re

NAME = "*"

_URL = re.compile(r"""(?P<scheme>https?://)(?P<host>[^\s/"'<>?]*)(?P<path>[^\s"'<>]*)""")
# Hosts that tell which service was called; also where the text was cut behind the service's name.
_TELLING_HOST = re.compile(r"(?:amazonaws\.com(?:\.cn)?|\.api\.aws|\.on\.aws|docker\.(?:io|com))[.:\d]*$|\.\.\.")
_KIND_OF_PATH = re.compile(
    r"/(?:.*/)?(?P<kind>manifests|blobs)/|/(?:[^?]*/)?(?P<token>token)(?:[/?:]|$)|/(?P<version>v[12])(?:/|$)"
)
_SPACED = r"""\s"'<>()\[\]{},=|"""
# A word with a slash, an at sign, or a colon inside. Not the action that a denial names.
_COMPOUND = re.compile(rf"""(?<![^{_SPACED}])(?<!perform: )(?<!perform )[^{_SPACED}/@:\\]*[/@:\\][^{_SPACED}]+""")
_NO_NAME = re.compile(
    r"i/o|input/output|archive/tar|application/vnd\..*|text/html|hcsshim::\w+|\S*/getimageblob\d*"
    r"|unix:\S*\.sock|(?:\w+:)?(?:cannotpull\w*|resourceinitialization|dockertimeout)error.*"
)
# Names of one word: in quotes, but not as JSON has them, or where the sentence says so.
_ONE_WORD = re.compile(
    r"""(?<=[^:,{\[] )(?P<quote>["'])(?!https?:)[^\s"']{1,300}(?P=quote)"""
    r"""|(?<=\blookup )[^\s:]+(?=:| on )|(?<=valid for )[^\s,]+"""
    r"""|(?<=access denied for )[^\s,]+|(?<=no such image: )[^\s,]+"""
    r"""|(?:(?<=repository )|(?<=image )|(?<=tag )|(?<=artifact )|(?<=manifest for ))[^\s*]+(?= not found)"""
)
_PUNCTUATION = ".:;"


def hide_names(line: str) -> str:
    """Return the one-line text in lower case, with names of images, hosts, files, and resources as ``*``.

    Of a URL the scheme, a telling host, and the kind of path stay (``https://*/v2/*/manifests/*``). Takes time in
    proportion to the text.
    """
    return _ONE_WORD.sub(NAME, _COMPOUND.sub(_compound, _URL.sub(_url, line.lower())))


def _url(url: re.Match[str]) -> str:
    host, path = url["host"], url["path"]
    host = host if _TELLING_HOST.search(host) else NAME + _end(host)
    kind = _KIND_OF_PATH.match(path)
    if kind and kind["kind"]:
        path = f"/v2/{NAME}/{kind['kind']}/{NAME}{_end(path)}"
    elif kind:
        path = f"/{kind['token'] or kind['version']}/{_end(path)}"
    elif path:
        path = f"/{_end(path)}"
    return url["scheme"] + host + path


def _compound(word: re.Match[str]) -> str:
    text = word[0].rstrip(_PUNCTUATION)
    if text.startswith(("http://", "https://")) or not re.search(r"[/@:\\]", text) or _NO_NAME.fullmatch(text):
        return word[0]
    return NAME + _end(word[0])


def _end(text: str) -> str:
    return text[len(text.rstrip(_PUNCTUATION)) :]
