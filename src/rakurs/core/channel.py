"""The contract of a channel: how something leaves the house, and what a message is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from rakurs.core.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes along."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is said: a subject, the words, and files. `html` says the same as `text`, for channels that show it."""

    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


class ChannelSettings(BaseModel):
    """What a channel must know before it can send. Secrets are `SecretStr`, so that no log ever holds one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way out. `send(settings, address, message)` returns when the other side took it, else raises CannotSend."""

    name: str
    title: Text
    settings: type[ChannelSettings]
    send: Callable[[Any, str, Message], None]
