"""Chats and messengers: Telegram, VK, Slack, Mattermost, a webhook and whatever else Apprise reaches."""

import logging
import tempfile
from pathlib import Path

import apprise
from pydantic import SecretStr, field_validator

from rakurs.core.channel import Channel, ChannelSettings, Message
from rakurs.core.errors import CannotSend
from rakurs.core.text import Text

_FAILED = Text(
    ru="Чат «{chat}» не принял сообщение. Проверьте адрес чата и доступ к нему с этого компьютера.",
    en="The chat “{chat}” did not take the message. Check its address and that this machine reaches it.",
)
_UNKNOWN = "this is not an address Apprise knows, such as tgram://BOT_TOKEN/CHAT_ID"

# Apprise logs addresses, and an address of a chat holds its key.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class ChatSettings(ChannelSettings):
    """The address of one chat as Apprise writes it; it holds the key, so it is a secret as a whole."""

    url: SecretStr

    @field_validator("url")
    @classmethod
    def _is_known(cls, value: SecretStr) -> SecretStr:
        if apprise.Apprise.instantiate(value.get_secret_value(), suppress_exceptions=True) is None:
            raise ValueError(_UNKNOWN)
        return value


def send_to_chat(settings: ChatSettings, address: str, message: Message) -> None:
    """Say it in the chat called `address`, files attached where the messenger takes them."""
    chat = apprise.Apprise()
    chat.add(settings.url.get_secret_value())
    with tempfile.TemporaryDirectory(prefix="rakurs-message-") as folder:
        files: list[str] = []
        for file in message.attachments:
            path = Path(folder) / Path(file.name).name
            path.write_bytes(file.content)
            files.append(str(path))
        if not chat.notify(title=message.subject, body=message.text, attach=files or None):
            raise CannotSend(_FAILED.filled(chat=address))


CHAT = Channel(name="chat", title=Text(ru="Чат", en="Chat"), settings=ChatSettings, send=send_to_chat)
