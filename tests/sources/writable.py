"""Two systems that can be written to, told in one way: what stands in them, how their answers get lost, who is whose."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rakurs.sources.amocrm import SOURCE as AMOCRM
from rakurs.sources.bitrix24 import SOURCE as BITRIX24
from rakurs.sources.live import LiveSource, SourceSettings
from sources.amocrm_writable import WritableAccount
from sources.bitrix24_writable import WritablePortal

Written = tuple[str, str]
"""(record, text)"""


class System(Protocol):
    """What a test asks of a system that is written to."""

    server: Any
    source: LiveSource

    @property
    def settings(self) -> SourceSettings: ...
    @property
    def given(self) -> Mapping[str, str]: ...
    def people(self) -> list[str]: ...
    def companies(self) -> list[str]: ...
    def responsible(self, record: str) -> str: ...
    def comments(self) -> list[Written]: ...
    def tasks(self) -> list[Written]: ...
    def delete(self, record: str) -> None: ...
    def shut(self, kind: str) -> None: ...
    def not_an_administrator(self) -> None: ...


class OfBitrix24:
    """A portal."""

    source = BITRIX24

    def __init__(self, portal: WritablePortal) -> None:
        self.server = portal

    @property
    def given(self) -> Mapping[str, str]:
        return {"webhook": self.server.url}

    @property
    def settings(self) -> SourceSettings:
        return BITRIX24.settings(**self.given)

    def people(self) -> list[str]:
        return [f"C_{number}" for number in self.server.records["contact"]]

    def companies(self) -> list[str]:
        return [f"CO_{number}" for number, row in self.server.records["company"].items() if row["IS_MY_COMPANY"] != "Y"]

    def responsible(self, record: str) -> str:
        code, _, number = record.partition("_")
        return self.server.records["contact" if code == "C" else "company"][int(number)]["ASSIGNED_BY_ID"]

    def comments(self) -> list[Written]:
        codes = {"contact": "C", "company": "CO", "lead": "L"}
        return [
            (f"{codes[row['ENTITY_TYPE']]}_{row['ENTITY_ID']}", row["COMMENT"]) for row in self.server.comments.values()
        ]

    def tasks(self) -> list[Written]:
        return [(row["ufCrmTask"][0], f"{row['title']}\n{row['description']}") for row in self.server.tasks.values()]

    def delete(self, record: str) -> None:
        code, _, number = record.partition("_")
        self.server.delete("contact" if code == "C" else "company", int(number))

    def shut(self, kind: str) -> None:
        self.server.faults.missing_scopes = {"task" if kind == "task" else "crm"}

    def not_an_administrator(self) -> None:
        self.server.is_administrator = False


class OfAmo:
    """An account."""

    source = AMOCRM

    def __init__(self, account: WritableAccount) -> None:
        self.server = account

    @property
    def given(self) -> Mapping[str, str]:
        return {"address": self.server.url, "token": self.server.token}

    @property
    def settings(self) -> SourceSettings:
        return AMOCRM.settings(**self.given)

    def people(self) -> list[str]:
        return [f"C_{number}" for number in self.server.records["contact"]]

    def companies(self) -> list[str]:
        return [f"CO_{number}" for number in self.server.records["company"]]

    def responsible(self, record: str) -> str:
        code, _, number = record.partition("_")
        return str(self.server.records["contact" if code == "C" else "company"][int(number)]["responsible_user_id"])

    def comments(self) -> list[Written]:
        owners = self.server.note_owner
        codes = {"contact": "C", "company": "CO"}
        return [
            (f"{codes[owners[row['id']]]}_{row['entity_id']}", row["params"]["text"]) for row in self.server.notes()
        ]

    def tasks(self) -> list[Written]:
        codes = {"contacts": "C", "companies": "CO", "leads": "L"}
        rows = self.server.records["task"].values()
        return [
            (f"{codes[row['entity_type']]}_{row['entity_id']}", row["text"]) for row in rows if "rakurs-" in row["text"]
        ]

    def delete(self, record: str) -> None:
        code, _, number = record.partition("_")
        self.server.delete("contact" if code == "C" else "company", int(number))

    def shut(self, kind: str) -> None:
        edits = {"tasks": {"edit": "D"}} if kind == "task" else {"contacts": {"edit": "D"}}
        self.server.rights = {"is_admin": False, **edits}

    def not_an_administrator(self) -> None:
        self.server.rights = {"is_admin": False}


@contextmanager
def bitrix24(**options: Any) -> Generator[System]:
    few = {"deals": 20, "contacts": 60, "companies": 12, "leads": 6, "activities": 10, "calls": 5, "products": 5}
    with WritablePortal(**{**few, **options}) as portal:
        yield OfBitrix24(portal)


@contextmanager
def amocrm(**options: Any) -> Generator[System]:
    few = {"leads": 20, "contacts": 60, "companies": 12, "calls": 5, "tasks": 10}
    with WritableAccount(**{**few, **options}) as account:
        yield OfAmo(account)


SYSTEMS = {"bitrix24": bitrix24, "amocrm": amocrm}
