"""Posts a report to Slack, through an incoming webhook or as a bot, whichever the one secret holds.

The secret is a webhook's URL, or ``{"webhook-url": "https://..."}``, or
``{"bot-token": "xoxb-...", "channel": "C..."}``.
Neither URL nor token ever stands in a log line or in an exception's text.
"""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters import GetParameterError, SecretsProvider
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.handler import RetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.webhook import WebhookClient

from pull_doctor.delivery.sink import SinkFailed
from pull_doctor.report.model import Report
from pull_doctor.report.slack import SlackMessage, slack_message

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CACHE_SECONDS = 300
_TIMEOUT_SECONDS = 5
_SECRET_MAY_BE_OLD = frozenset({401, 403, 404})
_TOKEN_MAY_BE_OLD = frozenset(
    {"account_inactive", "channel_not_found", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
_ERROR_CODE = re.compile(r"[a-z_]{1,60}")

# slack-sdk writes the webhook's URL, and botocore the secret's value, into their DEBUG lines.
_SILENT = logging.getLogger(f"{__name__}.client")
_SILENT.setLevel(logging.CRITICAL + 1)
logging.getLogger("botocore").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class _Webhook:
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Bot:
    token: str = field(repr=False)
    channel: str


class _Refused(Exception):  # noqa: N818 - the name says what happened
    """Slack did not take the message; ``old_secret`` is whether a newer secret could help."""

    def __init__(self, reason: str, *, old_secret: bool = False) -> None:
        super().__init__(reason)
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

    def __init__(
        self, secrets: SecretsManagerClient, secret_name: str, *, base_url: str = "https://slack.com/api/"
    ) -> None:
        self._secrets = SecretsProvider(boto3_client=secrets)
        self._secret_name = secret_name
        self._base_url = base_url

    def deliver(self, report: Report, report_json: str, *, deadline: float) -> None:
        """Post the report; where Slack does not know us any more, read the secret again and post once more.

        Raises:
            SinkFailed: Slack did not confirm, or the secret is of no use.
        """
        del report_json
        message = slack_message(report)
        target = self._target(fresh=False)
        try:
            try:
                _send(target, message, self._base_url, deadline)
            except _Refused as refused:
                newer = self._target(fresh=True) if refused.old_secret else target
                if newer == target:
                    raise
                _send(newer, message, self._base_url, deadline)
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
            return _Bot(token.strip(), channel.strip())
    raise SinkFailed("the Slack secret holds neither a webhook's URL, nor webhook-url, nor bot-token and channel")


def _send(target: _Webhook | _Bot, message: SlackMessage, base_url: str, deadline: float) -> None:
    timeout = min(_TIMEOUT_SECONDS, int(deadline - time.monotonic()))
    if timeout < 1:
        raise _Refused("no time was left to ask Slack")
    retry: list[RetryHandler] = [_WaitWithinDeadline(deadline)]
    try:
        if isinstance(target, _Webhook):
            webhook = WebhookClient(target.url, timeout=timeout, logger=_SILENT, retry_handlers=retry)
            answer = webhook.send(text=message.text, blocks=message.blocks)
            status, said = answer.status_code, answer.body.strip()
        else:
            bot = WebClient(target.token, base_url, timeout, logger=_SILENT, retry_handlers=retry)
            bot.chat_postMessage(channel=target.channel, text=message.text, blocks=message.blocks, unfurl_links=False)
            return
    except SlackApiError as error:
        data = error.response.data
        status, said = error.response.status_code, str(data.get("error")) if isinstance(data, dict) else ""
    except Exception as error:  # noqa: BLE001 - slack-sdk passes on urllib's errors, whose texts may hold the URL
        raise _Refused(f"Slack could not be asked: {type(error).__name__}") from None
    if (status, said) != (200, "ok"):
        raise _refused(status, said)


def _refused(status: int, code: str) -> _Refused:
    """Name the refusal by its status, and by Slack's own code where the answer is one."""
    said = f" {code}" if _ERROR_CODE.fullmatch(code) else ""
    return _Refused(
        f"Slack answered {status}{said}", old_secret=status in _SECRET_MAY_BE_OLD or code in _TOKEN_MAY_BE_OLD
    )
