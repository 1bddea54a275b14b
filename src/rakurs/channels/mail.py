"""E-mail through the company's own mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid
from typing import Literal

from pydantic import Field, SecretStr

from rakurs.core.channel import Channel, ChannelSettings, Message
from rakurs.core.errors import CannotSend
from rakurs.core.text import Text

SECONDS = 30

_FAILED = Text(
    ru="Почтовый сервер {host}:{port} не принял письмо: {answer}. Проверьте адрес сервера, логин и пароль.",
    en="The mail server {host}:{port} did not take the letter: {answer}. Check its address, the login and the password.",
)


class MailSettings(ChannelSettings):
    """Where letters are handed in, and who they are from."""

    host: str = Field(min_length=1)
    port: int = Field(default=465, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    login: str = ""
    password: SecretStr = SecretStr("")
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    sender_name: str = "Rakurs"


def send_mail(settings: MailSettings, address: str, message: Message) -> None:
    """Hand one letter in. Raises CannotSend with the server's own words."""
    letter = _letter(settings, address, message)
    try:
        with _connection(settings) as server:
            if settings.login:
                server.login(settings.login, settings.password.get_secret_value())
            server.send_message(letter)
    except (OSError, smtplib.SMTPException, UnicodeEncodeError) as error:
        raise CannotSend(_FAILED.filled(host=settings.host, port=settings.port, answer=_words(error))) from error


def _connection(settings: MailSettings) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
    if settings.security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def _letter(settings: MailSettings, address: str, message: Message) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = message.subject
    letter["From"] = formataddr((settings.sender_name, settings.sender))
    letter["To"] = address
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    if message.html:
        letter.add_alternative(message.html, subtype="html")
    for file in message.attachments:
        kind, _, subtype = file.content_type.partition(";")[0].partition("/")
        letter.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
    return letter


def _words(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "login and password may hold Latin letters, digits and signs only"
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {said.decode('utf-8', 'replace')}" for code, said in error.recipients.values())
    return str(error) or type(error).__name__


MAIL = Channel(name="mail", title=Text(ru="Почта", en="E-mail"), settings=MailSettings, send=send_mail)
