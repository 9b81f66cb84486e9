"""Which registries may be asked, and which host may give the token for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # sockets: only a run that asks a registry needs them
    from pull_doctor.facts.registry.connection import Network

SETTING = "registry-probe"
OFF = "off"

_WELL_KNOWN = frozenset(
    {
        "registry-1.docker.io",
        "public.ecr.aws",
        "ecr-public.aws.com",
        "ghcr.io",
        "quay.io",
        "gcr.io",
        "mcr.microsoft.com",
        "registry.gitlab.com",
        "registry.k8s.io",
    }
)
_WELL_KNOWN_DOMAINS = (".gcr.io", ".pkg.dev")  # all of it is Google's: a name for each continent or Region
_TOKEN_HOSTS = {"registry-1.docker.io": "auth.docker.io", "registry.gitlab.com": "gitlab.com"}


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry client as the settings allow it.

    ``hosts`` may be asked besides the well-known public registries; ``off``: none is asked at all. ``network`` is
    how they are reached, ``None`` for the internet.
    """

    off: bool = False
    hosts: frozenset[str] = frozenset()
    network: Network | None = None

    def allows(self, host: str) -> bool:
        """Whether this registry may be asked."""
        known = host in _WELL_KNOWN or host.endswith(_WELL_KNOWN_DOMAINS)
        return not self.off and (known or host in self.hosts)


def gives_tokens(host: str, registry: str) -> bool:
    """Whether ``host`` may be asked for the token of a registry: itself, below it, or known to serve it.

    A shared suffix alone says nothing: without a list of public suffixes nobody knows which names one owner has.
    """
    return host == registry or host.endswith(f".{registry}") or host == _TOKEN_HOSTS.get(registry)
