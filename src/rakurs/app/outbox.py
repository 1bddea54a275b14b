"""Through which mail server and into which chats may this company send? Kept in the home, readable by its owner only.

The file holds passwords and keys, so it never goes into a log, an answer or a page; a page sees `told` only.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from rakurs.app.home import Home
from rakurs.channels import CHANNELS
from rakurs.channels.chat import ChatSettings
from rakurs.channels.mail import MailSettings
from rakurs.core.channel import Message
from rakurs.core.errors import BadParameter, CannotSend, UnknownName
from rakurs.core.text import Text

CHAT = Text(ru="Чата", en="chat")
_NO_MAIL = Text(
    ru="Почтовый сервер не настроен. Администратор задаёт его в «Настройки → Отправка».",
    en="No mail server is set. An administrator sets it in Settings → Sending.",
)


class Outbox(BaseModel):
    """The ways out that are set up: one mail server, chats by the name people chose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mail: MailSettings | None = None
    chats: dict[str, ChatSettings] = Field(default_factory=dict[str, ChatSettings])

    def post(self, address: str, message: Message) -> None:
        """A letter to `address`. Raises CannotSend."""
        if self.mail is None:
            raise CannotSend(_NO_MAIL)
        CHANNELS["mail"].send(self.mail, address, message)

    def say(self, chat: str, message: Message) -> None:
        """A message in the chat of that name. Raises CannotSend."""
        if chat not in self.chats:
            raise CannotSend(UnknownName(CHAT, chat, self.chats).message)
        CHANNELS["chat"].send(self.chats[chat], chat, message)


def outbox_of(home: Home) -> Outbox:
    """The ways out of `home`; none in a new one."""
    if not home.outbox_file.exists():
        return Outbox()
    return Outbox.model_validate_json(home.outbox_file.read_text(encoding="utf-8"))


def keep_outbox(home: Home, outbox: Outbox) -> None:
    """Keep `outbox` in `home`; a crash leaves the old or the new settings, never a half."""
    draft = home.outbox_file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(_open_secrets(outbox.model_dump()), file, ensure_ascii=False, indent=2)
    Path(draft).replace(home.outbox_file)


def checked_mail(raw: Mapping[str, Any], *, known: MailSettings | None) -> MailSettings:
    """Mail settings from a form; an empty password leaves the known one. BadParameter names the field."""
    given = {name: value for name, value in raw.items() if value != ""}
    if "password" not in given and known is not None:
        given["password"] = known.password
    return _checked(MailSettings, given)


def checked_chat(url: str) -> ChatSettings:
    """The settings of a chat from its address. BadParameter says what an address looks like."""
    return _checked(ChatSettings, {"url": url})


def _checked(model: Any, given: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        # The value is not repeated: it may be a secret.
        raise BadParameter(str(first["loc"][0]), "…", Text(ru=message, en=message)) from None


def _open_secrets(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: _open_secrets(item) for name, item in value.items()}
    return value
