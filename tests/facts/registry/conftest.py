from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.facts.registry.internet import Answers, Certificates, Internet, make_certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def internet(certificates: Certificates) -> Iterator[Callable[[Answers], Internet]]:
    """Starts a server that answers so."""
    with ExitStack() as stack:
        yield lambda answers: stack.enter_context(Internet(certificates, answers))
