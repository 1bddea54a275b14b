"""Everything that can go wrong in words a person can act on.

    RakursError
    ├── BadInput              what was given cannot be used as it is        (HTTP 422, exit 1)
    │   ├── UnknownName       no such analysis, column, metric, table      (HTTP 404, exit 2)
    │   ├── BadParameter      a parameter's value is outside its bounds     (HTTP 422, exit 2)
    │   ├── UnreadableFile    a file is not of any format we read
    │   └── MappingNeeded     a file's shape is new: a person must confirm a mapping
    ├── NotAllowed            the user's rights do not reach this           (HTTP 403)
    ├── StateUnreachable      the database of users does not answer         (exit 1)
    ├── WarehouseBusy         another process owns the data                 (HTTP 503)
    ├── CannotSend            a mail server or chat did not take a message (HTTP 502)
    └── Cancelled             stopped by the user; the old state stands

A message says what happened, where, and the next step.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from rakurs.core.text import Text


class RakursError(Exception):
    """The root. `message` is for people, in both languages."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


class BadInput(RakursError):
    """What was given cannot be used as it is."""


class UnknownName(BadInput):
    """No `kind` is called `name`; says which known name is nearest."""

    def __init__(self, kind: Text, name: str, known: Iterable[str]) -> None:
        near = get_close_matches(name, list(known), n=1)
        hint_ru = f" Возможно, «{near[0]}»?" if near else ""
        hint_en = f" Did you mean “{near[0]}”?" if near else ""
        super().__init__(
            Text(ru=f"{kind.ru} «{name}» не существует.{hint_ru}", en=f"There is no {kind.en} “{name}”.{hint_en}")
        )
        self.name = name
        self.did_you_mean = near[0] if near else None


class BadParameter(BadInput):
    """A parameter is outside its bounds or of the wrong type."""

    def __init__(self, parameter: str, value: object, reason: Text) -> None:
        super().__init__(
            Text(
                ru=f"Параметр «{parameter}»: значение {value!r} не подходит. {reason.ru}",
                en=f"Parameter “{parameter}”: {value!r} does not fit. {reason.en}",
            )
        )
        self.parameter = parameter
        self.reason = reason


class UnreadableFile(BadInput):
    """A file is not of any format that can be read; names the file and, where known, the row."""

    def __init__(self, file: str, reason: Text) -> None:
        super().__init__(Text(ru=f"{file}: {reason.ru}", en=f"{file}: {reason.en}"))
        self.file = file


class MappingNeeded(BadInput):
    """The shape of `file` is new; `proposal` is the mapping to confirm, ready to be saved as a profile."""

    def __init__(self, file: str, proposal: object) -> None:
        super().__init__(
            Text(
                ru=f"{file}: такой файл ещё не встречался. Подтвердите, что значат его столбцы.",
                en=f"{file}: this shape of file is new. Confirm what its columns mean.",
            )
        )
        self.file = file
        self.proposal = proposal


class NotAllowed(RakursError):
    """The user's rights do not reach what was asked."""


class StateUnreachable(RakursError):
    """The database of users and loads does not answer."""


class WarehouseBusy(RakursError):
    """Another process owns the analytical database."""


class Cancelled(RakursError):
    """Stopped by the user; nothing of the work remains."""


class CannotSend(RakursError):
    """A channel did not take a message; says what the other side answered and what to check."""


class SourceUnreachable(RakursError):
    """A system that is followed does not answer, or not in its own language; worth another try later."""


class SourceRefused(RakursError):
    """A system that is followed does not let us in; nothing changes until a person changes it."""
