"""Posts a report to Slack, through an incoming webhook or as a bot, whichever the one secret holds.

The secret is a webhook's URL, or ``{"webhook-url": "https://..."}``, or
``{"bot-token": "xoxb-...", "channel": "C..."}``. A bot's may name ``"api-url"`` too, where Slack's API is not at
slack.com (GovSlack); who writes the secret chooses where reports go anyway. Neither URL nor token ever stands in a
log line or in an exception's text.

A webhook can only post, so everything is a new message there, and an aside is not posted. A bot, which needs the
scope ``chat:write``, answers in threads: what is told later of an incident stands below its first message, the first
message of a grouped incident below that of its group, and the end also in the first message itself. All but asides
are shown in the channel too. An aside without a thread is not posted. https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools.utilities.parameters import GetParameterError, SecretsProvider
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.handler import RetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.report import words
from pull_doctor.report.model import Report
from pull_doctor.report.slack import SlackMessage, slack_message, slack_update

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CACHE_SECONDS = 300
_TIMEOUT_SECONDS = 5
_SECRET_MAY_BE_OLD = frozenset({401, 403, 404})
_TOKEN_MAY_BE_OLD = frozenset(
    {
        "account_inactive",
        "channel_not_found",
        "invalid_auth",
        "is_archived",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
# What Slack says where a message cannot be edited, or a thread not be answered in, by us and for good.
_GONE = frozenset(
    {
        "cannot_reply_to_message",
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "is_inactive",
        "message_not_found",
        "restricted_action_thread_locked",
        "thread_not_found",
    }
)
_ERROR_CODE = re.compile(r"[a-z_]{1,60}")

# slack-sdk writes the webhook's URL, and botocore the secret's value, into their DEBUG lines.
_SILENT = logging.getLogger(f"{__name__}.client")
_SILENT.setLevel(logging.CRITICAL + 1)
logging.getLogger("botocore").setLevel(logging.INFO)

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Webhook:
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Bot:
    token: str = field(repr=False)
    channel: str
    api_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Posted:
    """A message that a bot posted; its JSON is the receipt.

    ``into`` is the channel as the secret names it, ``channel`` Slack's own id of it; ``thread_ts`` is that of the
    message it answers, if any.
    """

    into: str
    channel: str
    ts: str
    thread_ts: str | None = None

    @property
    def root(self) -> str:
        """Where the thread that it stands in begins."""
        return self.thread_ts or self.ts


class _Refused(Exception):  # noqa: N818 - the name says what happened
    """Slack did not take the message; ``code`` is its word for why, ``old_secret`` whether a newer one could help."""

    def __init__(self, reason: str, code: str = "", *, old_secret: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.old_secret = old_secret


class _WaitWithinDeadline(RateLimitErrorRetryHandler):
    """Waits as long as Slack's ``Retry-After`` says, if the answer can still come before the deadline."""

    def __init__(self, deadline: float) -> None:
        super().__init__(max_retry_count=3)
        self.deadline = deadline

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or not super()._can_retry(state=state, request=request, response=response, error=error):
            return False
        said = {name.lower(): values[0] for name, values in response.headers.items()}.get("retry-after", "1")
        # The handler waits up to a second longer than Slack asks.
        return said.isdecimal() and time.monotonic() + int(said) + 1 + _TIMEOUT_SECONDS < self.deadline


class Slack:
    """One Slack channel."""

    name = "slack"

    def __init__(self, secrets: SecretsManagerClient, secret_name: str) -> None:
        self._secrets = SecretsProvider(boto3_client=secrets)
        self._secret_name = secret_name

    def deliver(self, report: Report, report_json: str, *, thread: Thread, deadline: float) -> str | None:
        """Post the report; where Slack does not know us any more, read the secret again and post once more.

        The receipt names the message that later ones of the incident belong to: the first one, as long as Slack has
        it. A webhook gives none.

        Raises:
            SinkFailed: Slack did not confirm, or the secret is of no use.
        """
        del report_json
        target = self._target(fresh=False)
        try:
            try:
                return _tell(target, report, thread, deadline)
            except _Refused as refused:
                newer = self._target(fresh=True) if refused.old_secret else target
                if newer == target:
                    raise
                return _tell(newer, report, thread, deadline)
        except _Refused as refused:
            raise SinkFailed(str(refused)) from None

    def _target(self, *, fresh: bool) -> _Webhook | _Bot:
        try:
            value = self._secrets.get(self._secret_name, max_age=_CACHE_SECONDS, force_fetch=fresh)
        except GetParameterError as error:
            raise SinkFailed(f"the Slack secret could not be read: {error}") from None
        return _parsed(value if isinstance(value, str) else "")


def _parsed(secret: str) -> _Webhook | _Bot:
    if secret.strip().startswith("http"):
        return _Webhook(secret.strip())
    try:
        members = json.loads(secret)
    except ValueError:
        members = None
    match members:
        case {"webhook-url": str(url)}:
            return _Webhook(url.strip())
        case {"bot-token": str(token), "channel": str(channel)}:
            return _Bot(token.strip(), channel.strip(), str(members.get("api-url", WebClient.BASE_URL)).strip())
    raise SinkFailed("the Slack secret holds neither a webhook's URL, nor webhook-url, nor bot-token and channel")


def _tell(target: _Webhook | _Bot, report: Report, thread: Thread, deadline: float) -> str | None:
    aside = report.incident is not None and report.incident.aside
    if isinstance(target, _Bot):
        posted = _as_bot(target, report, thread, deadline, aside=aside)
        return json.dumps(asdict(posted)) if posted else None
    if not aside:
        _to_webhook(target, slack_message(report), deadline)
    return None


def _to_webhook(target: _Webhook, message: SlackMessage, deadline: float) -> None:
    answer = _ask(
        deadline,
        lambda options: WebhookClient(target.url, **options).send(text=message.text, blocks=message.blocks),
    )
    if (answer.status_code, answer.body.strip()) != (200, "ok"):
        raise _refused(answer.status_code, answer.body.strip())


def _as_bot(bot: _Bot, report: Report, thread: Thread, deadline: float, *, aside: bool) -> _Posted | None:
    """Post into the incident's thread, else into the group's, else into the channel; return what later ones go by."""
    message = slack_message(report)
    own, group = _posted(thread.own, bot), _posted(thread.group, bot)
    roots = {(posted.channel, posted.root): None for posted in (own, group) if posted}
    # The update comes before the reply: to repeat it after a failure changes nothing.
    if own and words.ends(report) and not _updated(bot, own, slack_update(report), deadline):
        roots.pop((own.channel, own.ts), None)
    for channel, root in roots:
        try:
            posted = _post(bot, message, deadline, channel, thread_ts=root, reply_broadcast=not aside)
        except _Refused as refused:
            if refused.code not in _GONE:
                raise
        else:
            return own if own and posted.root == own.root else posted
    return None if aside else _post(bot, message, deadline, bot.channel)


def _updated(bot: _Bot, posted: _Posted, message: SlackMessage, deadline: float) -> bool:
    """Replace a message's words; ``False`` if it is there no more. One that cannot be edited stays as it is."""
    try:
        _ask(
            deadline,
            lambda options: WebClient(bot.token, bot.api_url, **options).chat_update(
                channel=posted.channel, ts=posted.ts, text=message.text, blocks=message.blocks
            ),
        )
    except _Refused as refused:
        if refused.code not in _GONE:
            raise
        return refused.code != "message_not_found"
    return True


def _post(bot: _Bot, message: SlackMessage, deadline: float, channel: str, **place: Any) -> _Posted:
    """Post a message; Slack puts an answer to a message that was deleted into the channel, and then says no thread."""
    answer: SlackResponse = _ask(
        deadline,
        lambda options: WebClient(bot.token, bot.api_url, **options).chat_postMessage(
            channel=channel, text=message.text, blocks=message.blocks, unfurl_links=False, **place
        ),
    )
    shown: Any = answer.get("message", place)
    thread_ts = shown.get("thread_ts") if isinstance(shown, dict) else None
    return _Posted(bot.channel, str(answer.get("channel", channel)), str(answer.get("ts", "")), thread_ts)


def _posted(receipt: str | None, bot: _Bot) -> _Posted | None:
    """Read a receipt; one of another channel, or of another form, names nothing here."""
    try:
        posted = _Posted(**json.loads(receipt or "{}"))
    except (TypeError, ValueError):
        return None
    return posted if posted.into == bot.channel and posted.ts else None


def _ask(deadline: float, ask: Callable[[dict[str, Any]], _Answer]) -> _Answer:
    """Ask Slack with a client's options that keep the deadline."""
    timeout = min(_TIMEOUT_SECONDS, int(deadline - time.monotonic()))
    if timeout < 1:
        raise _Refused("no time was left to ask Slack")
    retry: list[RetryHandler] = [_WaitWithinDeadline(deadline)]
    try:
        return ask({"timeout": timeout, "logger": _SILENT, "retry_handlers": retry})
    except SlackApiError as error:
        data = error.response.data
        code = str(data.get("error")) if isinstance(data, dict) else ""
        raise _refused(error.response.status_code, code) from None
    except Exception as error:  # noqa: BLE001 - slack-sdk passes on urllib's errors, whose texts may hold the URL
        raise _Refused(f"Slack could not be asked: {type(error).__name__}") from None


def _refused(status: int, said: str) -> _Refused:
    """Name the refusal by its status, and by Slack's own code where the answer is one."""
    code = said if _ERROR_CODE.fullmatch(said) else ""
    old = status in _SECRET_MAY_BE_OLD or code in _TOKEN_MAY_BE_OLD
    return _Refused(f"Slack answered {status} {code}".rstrip(), code, old_secret=old)
