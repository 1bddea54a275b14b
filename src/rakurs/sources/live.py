"""The contract of a live source: a system that is followed over its API, from its settings to rows of the warehouse.

A run of a source goes in two steps. `fetch` asks the system and keeps what it answers in a `Spool`, so that a killed run
goes on where it was. `deliveries` says what the spool means; the warehouse takes all of it in one transaction. Only then
the cursor that `fetch` returned counts: a run that was not loaded did not happen.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from rakurs.core.errors import SourceRefused
from rakurs.core.loading import Progress
from rakurs.core.source import Delivery
from rakurs.core.text import Text
from rakurs.sources.consent import Consent
from rakurs.sources.spool import Spool
from rakurs.sources.writing import Writer

_CLOSED = Text(
    ru="Источник закрыл нам доступ: {what}. Добавьте ключу права или исправьте адрес.",
    en="The source is closed to us: {what}. Give the key the permission, or mend the address.",
)
FieldKind = Literal["text", "lines", "secret", "numbers", "flag"]
Way = Literal["any", "key", "consent"]
WantedKind = Literal["full", "changes", "period", "records"]
Area = Literal["crm", "telephony", "advertising", "data"]
Cursor = Mapping[str, str]


class Closed(SourceRefused):
    """A part of a system that we may not read: said where the rest can be read, an error where nothing can."""

    def __init__(self, what: str) -> None:
        super().__init__(_CLOSED.filled(what=what))


class SourceSettings(BaseModel):
    """What a source must know before it can ask. Secrets are `SecretStr`, so that no log ever holds one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ConsentSettings(SourceSettings):
    """Of a system that lets us in by consent too, to a company's own application: wherever its `client_id` is given, that way is taken.
    Where the tokens lie (`tokens`) is said by the application, not by a person.
    """

    client_id: str = ""
    client_secret: SecretStr = Field(default=SecretStr(""), validate_default=True)
    tokens: Path | None = Field(default=None, exclude=True)

    @field_validator("client_id")
    @classmethod
    def _is_trimmed(cls, value: str) -> str:
        return value.strip()

    @field_validator("client_secret")
    @classmethod
    def _is_with_its_id(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("client_id") and not value.get_secret_value().strip():
            raise ValueError("the secret of the application is needed")
        return SecretStr(value.get_secret_value().strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One field of the settings form. `numbers` are written with commas between them. `way` is the way of connecting it is asked for."""

    name: str
    title: Text
    hint: Text
    kind: FieldKind = "text"
    is_required: bool = False
    way: Way = "any"


CONSENT_FIELDS = (
    SettingField(
        name="client_id",
        title=Text(ru="Код приложения (client_id)", en="Id of the application (client_id)"),
        hint=Text(
            ru="Заполнен: вход через приложение, ключ не нужен.",
            en="Given: connected through the application, without a key.",
        ),
        is_required=True,
        way="consent",
    ),
    SettingField(
        name="client_secret",
        title=Text(ru="Ключ приложения (client_secret)", en="Secret of the application (client_secret)"),
        hint=Text(ru="Система показывает его рядом с кодом.", en="The system shows it beside the id."),
        kind="secret",
        is_required=True,
        way="consent",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a system tells of itself: one record of one stream is new, other, or gone."""

    stream: str
    record_id: str
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a run is to bring: everything, what changed since `cursor`, what a period holds, or single records.

    `compares` asks to find what was deleted: the ids that are left are listed too. Days are inclusive.
    """

    kind: WantedKind
    cursor: Cursor = field(default_factory=dict[str, str])
    from_day: date | None = None
    to_day: date | None = None
    changes: tuple[Change, ...] = ()
    compares: bool = False


@dataclass(slots=True)
class Teller:
    """Progress of a run in records, told also while it waits, so that it can be stopped at any moment. `total` is 0 where a
    system does not say how many there are.
    """

    progress: Progress
    step: Text
    done: int = 0
    total: int = 0

    def breathe(self) -> None:
        """Tell how far it is; what that raises (Cancelled) ends the run."""
        self.progress(self.step, done=self.done, total=max(self.total, self.done) if self.total else 0)

    def came(self, rows: int) -> None:
        """So many records more."""
        self.done += rows
        self.breathe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a connection test found: who answered, how many records there are, and what is closed to us."""

    who: str
    counts: tuple[tuple[Text, int], ...] = ()
    closed: tuple[Text, ...] = ()
    advice: Text | None = None
    """What is to be done at the other side, where nobody answers us but sends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Where what was fetched becomes rows: their source's name, and the folder of profiles that say what files mean."""

    source: str
    profiles: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How a system that sends its documents by itself is listened to.

    `inspect` sees that a document is whole: UnreadableFile where it is not. `nothing` is what it is given when it asks for ours, at a
    moment. `clean` takes a person out of what is kept in its folder of received things: the records of the ids that it gives its
    customers, and of others what the function it is given takes out.
    """

    inspect: Callable[[Path, str], None]
    nothing: Callable[[datetime], bytes]
    clean: Callable[[Path, Collection[str], Callable[[Any], Any]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """A connector to a system. Grain: one per vendor, one line in `LIVE_SOURCES`.

    `check` asks who is there, `fetch` brings records into the spool and returns the cursor of the next run, `deliveries`
    yields what the spool holds as rows of the landing's source. `told` reads an outgoing webhook:
    nothing where it is of no interest, NotAllowed where its secret is wrong. All of them raise SourceRefused and
    SourceUnreachable in words for people.
    """

    name: str
    area: Area
    """Beside which others it is offered."""
    title: Text
    about: Text
    unverified: Text
    """What was not tried against the live service."""
    hooks: Text | None
    """How the system is told to send its changes here at once; None where it cannot."""
    settings: type[SourceSettings]
    fields: tuple[SettingField, ...]
    check: Callable[[Any], Reached]
    fetch: Callable[[Any, Wanted, Spool, Progress], Cursor]
    deliveries: Callable[[Any, Spool, Landing], Iterator[Delivery]]
    told: Callable[[Any, Mapping[str, str]], tuple[Change, ...]]
    identity: Callable[[Any], str]
    """Which system the settings name, without any secret: by it one that was connected before is known again."""
    exchange: Exchange | None = None
    """How it sends by itself; None where we ask it. Its settings are `ReceivingSettings` then."""
    reaches_inside: bool = False
    """Whether its settings name places of this machine or its network, which only those who administer may open."""
    writer: Writer | None = None
    """How it is written to; None where it is only read."""
    consent: Consent | None = None
    """How its people are asked whether we may come in; None where only a key opens it. Its settings are `ConsentSettings` then."""

    def is_by_consent(self, settings: SourceSettings) -> bool:
        """Whether these settings are opened by consent."""
        return self.consent is not None and isinstance(settings, ConsentSettings) and bool(settings.client_id)
