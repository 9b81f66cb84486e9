"""AWS as the readers see it: whose credentials these are, and a client for each account, service, and Region."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pull_doctor.facts.errors import classify, detail
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.registry.hosts import Registry

if TYPE_CHECKING:  # boto3 and botocore are slow to import: only a run that reads AWS pays for them
    import boto3
    from botocore.config import Config
    from botocore.model import OperationModel

_SESSION_NAME = "pull-doctor"


@dataclass(frozen=True, slots=True)
class ReaderRole:
    """The role that is assumed to read another account."""

    arn: str
    external_id: str | None = None


@dataclass(eq=False)
class Aws:
    """The credentials of this process, and what they may be used for.

    ``session`` is a ready boto3 session (a profile's, say); without one boto3's own defaults hold, environment
    variables such as ``AWS_ENDPOINT_URL`` among them. ``reader_roles`` has the role of every other account that may
    be read. ``switched_off`` are IAM actions, ``*`` allowed, that the settings forbid. ``registry`` is the client of
    registries other than ECR, which gets no credentials. ``tag_keys`` are the tags of services and task definitions
    that are read; no other tag is kept. Safe to use from many threads.
    """

    session: boto3.Session | None = None
    reader_roles: Mapping[str, ReaderRole] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()
    registry: Registry = field(default_factory=Registry)
    tag_keys: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._calls = 0
        self._last = threading.local()
        self._own_account: str | None = None
        self._sessions: dict[str, boto3.Session] = {}
        self._clients: dict[tuple[str | None, str, str], Any] = {}

    @property
    def calls(self) -> int:
        """How many AWS API calls were made so far; each page is one, a retry is none."""
        return self._calls

    @property
    def called(self) -> str | None:
        """The operation that this thread called last; a timeout, as all errors of botocore's own, does not name it."""
        return getattr(self._last, "operation", None)

    @called.setter
    def called(self, operation: str | None) -> None:
        self._last.operation = operation

    def account(self, region: str) -> Fact[str]:
        """The account of these credentials; read once, and again only if that failed.

        sts:GetCallerIdentity needs no permission and cannot be denied by a policy:
        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        """
        if self._own_account is None:
            try:
                self._own_account = self.client("sts", region).get_caller_identity()["Account"]
            except Exception as error:  # noqa: BLE001 - whatever failed, the report says so and goes out
                return Unknown(
                    fact="the account of these credentials",
                    why=classify(error),
                    action="sts:GetCallerIdentity",
                    region=region,
                    detail=detail(error),
                )
        return Known(self._own_account)

    def stranger(self, account: str, region: str) -> Unknown | None:
        """Why nothing of this account may be read; ``None`` if it may.

        Facts of another account would answer for things that merely have the same name.
        """
        own = self.account(region)
        if isinstance(own, Unknown):
            return own
        if own.value == account or account in self.reader_roles:
            return None
        return Unknown(
            fact=f"account {account}",
            why="prerequisite",
            action="sts:AssumeRole",
            account=account,
            region=region,
            detail=f"these are credentials of account {own.value}; the task ran in {account}",
        )

    def forbidden(self, actions: Iterable[str]) -> str | None:
        """The first of these actions that the settings switched off."""
        return next((action for action in actions if any(fnmatchcase(action, off) for off in self.switched_off)), None)

    def client(self, service: str, region: str, account: str | None = None) -> Any:
        """The client of a service; ``account`` is whose thing is read, ``None`` for the credentials' own."""
        if account not in self.reader_roles or account == self._own_account:
            account = None
        key = (account, service, region)
        with self._lock:  # boto3 can share clients between threads, but not the making of one
            if key not in self._clients:
                session = self._assumed(account, region) if account else self._own_session
                client: Any = session.client(service, region_name=region, config=self._config)  # type: ignore[call-overload] # the stubs want the service as a literal
                client.meta.events.register_first("provide-client-params", self._call)
                client.meta.events.register_first("before-call", self._count)
                self._clients[key] = client
            return self._clients[key]

    def _call(self, model: OperationModel, **_: Any) -> None:
        self.called = model.name

    def _count(self, **_: Any) -> None:
        with self._lock:
            self._calls += 1

    @cached_property
    def _own_session(self) -> boto3.Session:
        import boto3  # noqa: PLC0415 - slow to import

        return self.session or boto3.Session()

    @cached_property
    def _config(self) -> Config:
        from botocore.config import Config  # noqa: PLC0415 - slow to import

        return Config(
            connect_timeout=2,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=32,
        )

    def _assumed(self, account: str, region: str) -> boto3.Session:
        """A session with the reader role of that account; botocore assumes it at the first call and renews it."""
        if account in self._sessions:
            return self._sessions[account]
        import boto3  # noqa: PLC0415 - slow to import
        import botocore.session  # noqa: PLC0415 - slow to import
        from botocore.credentials import (  # noqa: PLC0415 - slow to import
            AssumeRoleCredentialFetcher,
            DeferredRefreshableCredentials,
        )

        role = self.reader_roles[account]
        own = self._own_session
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(own._session.create_client, region_name=region, config=self._config),  # noqa: SLF001 - boto3 has no public way to its botocore session
            source_credentials=own.get_credentials(),
            role_arn=role.arn,
            extra_args={"RoleSessionName": _SESSION_NAME}
            | ({"ExternalId": role.external_id} if role.external_id else {}),
        )

        def assume() -> Any:
            """Assume the role; that happens inside the first call, and inside a later one that renews it."""
            inside, self.called = self.called, "AssumeRole"
            assumed = fetcher.fetch_credentials()
            self.called = inside
            return assumed

        # A role that refuses is told in the report; botocore would log it with its stack for every fact.
        logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
        # The same profile: its endpoint, certificates, and proxy hold for the other account, too.
        session = botocore.session.Session(profile=own._session.profile)  # noqa: SLF001 - as above
        credentials = DeferredRefreshableCredentials(refresh_using=assume, method="assume-role")
        session._credentials = credentials  # type: ignore[attr-defined] # noqa: SLF001 - botocore's own way, not in the stubs
        self._sessions[account] = boto3.Session(botocore_session=session)
        return self._sessions[account]
