"""Through which mail server and into which chats may this company send? Kept in the home, readable by its owner only.

The file holds passwords and keys, so it never goes into a log, an answer or a page; a page sees `told` only.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rakurs.app.home import Home
from rakurs.app.secret_files import checked_settings, keep_secretly
from rakurs.channels import CHANNELS
from rakurs.channels.chat import ChatSettings
from rakurs.channels.mail import MailSettings
from rakurs.core.channel import Message
from rakurs.core.errors import CannotSend, UnknownName
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
    keep_secretly(home.outbox_file, outbox.model_dump())


def checked_mail(raw: Mapping[str, Any], *, known: MailSettings | None) -> MailSettings:
    """Mail settings from a form; an empty password leaves the known one. BadParameter names the field."""
    given = {name: value for name, value in raw.items() if value != ""}
    if "password" not in given and known is not None:
        given["password"] = known.password
    return checked_settings(MailSettings, given)


def checked_chat(url: str) -> ChatSettings:
    """The settings of a chat from its address. BadParameter says what an address looks like."""
    return checked_settings(ChatSettings, {"url": url})
