"""Files that come by mail: attachments of the letters of one folder of a mailbox, each once, as if a person had uploaded them.

A letter is known by its number as long as the mailbox keeps its numbers, and by its own words beyond that. The mailbox is only looked at:
nothing is marked as read, moved or deleted.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from email import message_from_bytes
from email.message import Message
from pathlib import PurePosixPath

from pydantic import Field, SecretStr, field_validator

from rakurs.core.errors import SourceRefused
from rakurs.core.loading import Progress, silent
from rakurs.core.source import Delivery
from rakurs.core.text import Text
from rakurs.sources.files.gathering import (
    PATTERN,
    Gathered,
    gathered_deliveries,
    is_meant,
    tells_nothing,
    told_name,
)
from rakurs.sources.files.mail_host import LETTERS_A_TIME, Head, MailHost
from rakurs.sources.files.reaching import Breathe, tried
from rakurs.sources.live import Cursor, Landing, LiveSource, Reached, SettingField, SourceSettings, Teller, Wanted
from rakurs.sources.spool import Spool

LARGEST_BYTES = 64 << 20
"""A larger letter is no letter: mail services take 25 to 50 MB."""
_LETTERS = "letters"
_LOOKING = Text(ru="Просматриваю письма", en="Looking through letters")
_IN_FOLDER = Text(ru="Письма в папке", en="Letters in the folder")
_TOO_LARGE = Text(
    ru="Письмо «{subject}» от {day} с файлами весит {size} МБ, больше {most} МБ. Уберите его из папки «{folder}» и загрузите файл вручную, "
    "или сузьте отбор писем.",
    en="The letter “{subject}” of {day} with files is {size} MB, more than {most} MB. Take it out of the folder “{folder}” and upload "
    "its file by hand, or choose fewer letters.",
)


class MailboxSettings(SourceSettings):
    """A mailbox, and which of its letters count."""

    host: str
    port: int = Field(default=993, ge=1, le=65535)
    starttls: bool = False
    login: str
    password: SecretStr
    folder: str = "INBOX"
    senders: str = ""
    subject: str = ""
    pattern: str = ""
    adds_up: bool = False

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        host = value.strip().removeprefix("imap://").removeprefix("imaps://").rstrip("/")
        if not host or re.search(r"[\s/@:]", host):
            raise ValueError("the name of a mail server such as imap.yandex.ru is needed")
        return host

    @field_validator("folder")
    @classmethod
    def _is_folder(cls, value: str) -> str:
        if re.search(r"[\x00-\x1f\x7f]", value):
            raise ValueError("the name of a folder in one line is needed")
        return value.strip() or "INBOX"

    def means(self, head: Head) -> bool:
        """Whether the letter is of those that count."""
        senders = [one.strip().lower().removeprefix("@") for one in self.senders.split(",") if one.strip()]
        is_from = not senders or any(head.sender == one or head.sender.endswith(f"@{one}") for one in senders)
        return head.has_files and is_from and self.subject.strip().casefold() in head.subject.casefold()


FIELDS = (
    SettingField(
        name="host",
        title=Text(ru="Сервер IMAP", en="IMAP server"),
        hint=Text(
            ru="Например imap.yandex.ru, imap.mail.ru, imap.gmail.com.", en="Such as imap.yandex.ru or imap.gmail.com."
        ),
        is_required=True,
    ),
    SettingField(
        name="port", title=Text(ru="Порт", en="Port"), hint=Text(ru="Обычно 993.", en="Usually 993."), kind="text"
    ),
    SettingField(
        name="starttls",
        title=Text(ru="Шифрование начинается командой STARTTLS", en="Encryption begins by STARTTLS"),
        hint=Text(
            ru="Для порта 143. Без шифрования пароль не отправляется.", en="For port 143. No password goes unencrypted."
        ),
        kind="flag",
    ),
    SettingField(
        name="login",
        title=Text(ru="Логин", en="Login"),
        hint=Text(ru="Обычно полный адрес ящика.", en="Usually the whole address of the mailbox."),
        is_required=True,
    ),
    SettingField(
        name="password",
        title=Text(ru="Пароль", en="Password"),
        hint=Text(
            ru="Яндекс, Mail.ru и Gmail: пароль приложения, не тот, с которым входят в почту.",
            en="Yandex, Mail.ru and Gmail: a password for applications, not the one people sign in with.",
        ),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="folder",
        title=Text(ru="Папка", en="Folder"),
        hint=Text(ru="Пусто: входящие (INBOX).", en="Empty: the inbox (INBOX)."),
    ),
    SettingField(
        name="senders",
        title=Text(ru="От кого", en="From whom"),
        hint=Text(
            ru="Адреса или домены через запятую: robot@shop.ru, supplier.ru. Пусто: от всех.",
            en="Addresses or domains with commas: robot@shop.com, supplier.com. Empty: from anybody.",
        ),
    ),
    SettingField(
        name="subject",
        title=Text(ru="Слова в теме", en="Words of the subject"),
        hint=Text(ru="Например выгрузка продаж. Пусто: любая тема.", en="Such as sales export. Empty: any subject."),
    ),
    PATTERN,
    SettingField(
        name="adds_up",
        title=Text(ru="Каждое письмо приносит новые строки", en="Every letter brings rows of its own"),
        hint=Text(
            ru="Отметьте, если файлы называются одинаково, а в каждом только свой день. Иначе файл с тем же именем заменяет прежний. Важно "
            "лишь для строк без своих номеров.",
            en="Tick it where files are called the same and each holds a day of its own. Otherwise a file of the same name replaces the "
            "former one. It matters only for rows without numbers of their own.",
        ),
        kind="flag",
    ),
)


def check(settings: MailboxSettings) -> Reached:
    """How many letters the folder holds."""

    def attempt() -> Reached:
        with _visit(settings, lambda: None, is_trial=True) as box:
            return Reached(who=f"{settings.login} ({settings.host})", counts=((_IN_FOLDER, box.letters),))

    return tried(attempt, host=settings.host, breathe=lambda: None, is_trial=True)


def fetch(settings: MailboxSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring the files of letters that are new into the spool; the cursor says which were looked at."""
    teller = Teller(progress=progress, step=_LOOKING)
    gathered = Gathered(spool)
    run = _Run(settings=settings, wanted=wanted, spool=spool, gathered=gathered, teller=teller)

    def attempt() -> Cursor:
        with _visit(settings, teller.breathe) as box:
            return run.cursor(box)

    return tried(attempt, host=settings.host, breathe=teller.breathe, moved=lambda: (teller.done, gathered.size))


def deliveries(settings: MailboxSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What the files hold, letter after letter. Raises MappingNeeded where every shape of them is new."""
    return gathered_deliveries(spool, landing, by_folder=settings.adds_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one run is after. It may be tried several times: letters that were looked through are not again."""

    settings: MailboxSettings
    wanted: Wanted
    spool: Spool
    gathered: Gathered
    teller: Teller

    def cursor(self, box: MailHost) -> Cursor:
        """Look through what is wanted, the oldest first."""
        is_change = self.wanted.kind == "changes"
        before = self.wanted.cursor if is_change else {}
        if self.spool.noted("validity", box.validity) != box.validity:
            # The mailbox numbered its letters anew between two tries: what they said does not hold any more.
            self.spool.forget(_LETTERS)
        self.spool.note(validity=box.validity)
        last = int(before["uid"]) if before.get("validity") == box.validity else 0
        uids = box.uids(last + 1, self._days())
        taken = self._still_there({*uids})
        known = dict.fromkeys([*before.get("letters", "").split(), *taken])
        self._look(box, uids, known)
        if self.wanted.kind == "period":
            return self.wanted.cursor
        return {"validity": box.validity, "uid": str(max(uids, default=last)), "letters": " ".join(known)}

    def _days(self) -> tuple[date, date] | None:
        first, last = self.wanted.from_day, self.wanted.to_day
        return (first, last) if self.wanted.kind == "period" and first and last else None

    def _still_there(self, uids: set[int]) -> list[str]:
        """The letters that earlier tries took and that still lie there; the files of others are taken back."""
        kept = [record for record in self.spool.records(_LETTERS) if record["uid"] in uids]
        self.gathered.keep_only([name for record in kept for name in record["files"]])
        return [record["letter"] for record in kept]

    def _look(self, box: MailHost, uids: list[int], known: dict[str, None]) -> None:
        done = int(self.spool.place(_LETTERS) or 0)
        left = [uid for uid in uids if uid > done]
        self.teller.total, self.teller.done = len(uids), len(uids) - len(left)
        for begin in range(0, len(left), LETTERS_A_TIME):
            part = left[begin : begin + LETTERS_A_TIME]
            for head in box.heads(part):
                if self._is_wanted(head) and head.letter not in known:
                    known[head.letter] = None
                    record = {"uid": head.uid, "letter": head.letter, "files": self._taken(box, head)}
                    self.spool.append(_LETTERS, [record], place=str(head.uid))
            self.spool.append(_LETTERS, (), place=str(part[-1]))
            self.teller.came(len(part))

    def _is_wanted(self, head: Head) -> bool:
        days = self._days()
        return self.settings.means(head) and (days is None or days[0] <= head.arrived.date() <= days[1])

    def _taken(self, box: MailHost, head: Head) -> list[str]:
        """The names under which the files of a letter are kept. Raises SourceRefused where it is too large."""
        if head.size > LARGEST_BYTES:
            size, most = (round(one / (1 << 20)) for one in (head.size, LARGEST_BYTES))
            day, folder = head.arrived.date().isoformat(), self.settings.folder
            raise SourceRefused(_TOO_LARGE.filled(subject=head.subject, day=day, size=size, most=most, folder=folder))
        place = f"{head.sent:%Y-%m-%d %H.%M.%S} {head.letter}" if self.settings.adds_up else f"{head.uid:010}"
        names: list[str] = []
        letter = self.gathered.draft(head.letter, box.validity)
        box.read(head.uid, letter)
        for told, content in _files(message_from_bytes(letter.read_bytes())):
            if is_meant(told, self.settings.pattern):
                name = _apart(f"{place}/{told}", names)
                draft = self.gathered.draft(name, head.letter)
                draft.write_bytes(content)
                self.gathered.put(draft, name, head.letter)
                names.append(name)
        letter.unlink()
        return names


def _files(message: Message) -> Iterator[tuple[str, bytes]]:
    """The names and contents of what is attached, in letters that are attached too."""
    for part in message.walk():
        name = "" if part.is_multipart() else told_name(part)
        content = part.get_payload(decode=True) if name else None
        if isinstance(content, bytes):
            yield name, content


def _apart(name: str, others: list[str]) -> str:
    """The name, numbered where the letter has another file of it."""
    path, number = PurePosixPath(name), 1
    while name in others:
        number += 1
        name = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    return name


def _visit(settings: MailboxSettings, breathe: Breathe, *, is_trial: bool = False) -> AbstractContextManager[MailHost]:
    return MailHost(
        address=(settings.host, settings.port),
        login=settings.login,
        password=settings.password.get_secret_value(),
        folder=settings.folder,
        is_plain_at_first=settings.starttls,
        breathe=breathe,
        is_trial=is_trial,
    )


SOURCE = LiveSource(
    name="mailbox",
    area="data",
    title=Text(ru="Файлы из почты", en="Files from mail"),
    about=Text(
        ru="Вложения писем загружаются сами, каждое один раз. Письма не становятся прочитанными и не удаляются.",
        en="Attachments of letters are loaded by themselves, each once. Letters do not become read, nor are they deleted.",
    ),
    unverified=Text(
        ru="Проверено на сервере Dovecot и на локальном сервере; Яндекс, Mail.ru, Gmail и Exchange не проверялись.",
        en="Tried with a server of Dovecot and one on the same machine; Yandex, Mail.ru, Gmail and Exchange were not tried.",
    ),
    hooks=None,
    settings=MailboxSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=tells_nothing,
    identity=lambda settings: f"imap://{settings.login}@{settings.host}:{settings.port}/{settings.folder}",
    reaches_inside=True,
)
