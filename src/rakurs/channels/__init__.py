"""The only place that sends: every way out of the house, by name."""

from collections.abc import Mapping

from rakurs.channels.chat import CHAT
from rakurs.channels.mail import MAIL
from rakurs.core.channel import Channel

CHANNELS: Mapping[str, Channel] = {channel.name: channel for channel in (MAIL, CHAT)}

__all__ = ["CHANNELS"]
