"""An amoCRM account on loopback: a real HTTP server with a made-up company that speaks API v4.

It answers as the documentation tells, refuses a client's mistakes, and can be told to misbehave.
Nothing of the product is imported here.
"""

import base64
import json
import random
import re
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

Record = dict[str, Any]
Params = dict[str, Any]
Happened = tuple[int, str, int, list[Record], list[Record]]  # when, event, whose, before, after

ROOT = "/api/v4/"
WON, LOST = 142, 143
CLOSED = (WON, LOST)
MAX_LIMIT, MAX_EVENTS, DEFAULT_LIMIT, MAX_IDS = 250, 100, 50, 250
OFFENCES_TO_BAN = 20
DAY = 86_400
PLURALS = {"lead": "leads", "contact": "contacts", "company": "companies"}
SINGULARS = {plural: kind for kind, plural in PLURALS.items()}

# id, name, working statuses
PIPELINES = (
    (5204152, "Воронка", ("Первичный контакт", "Переговоры", "Принимают решение", "Согласование договора")),
    (5204300, 'Опт "Север"', ("Заявка", "Коммерческое предложение", "Отгрузка")),
    (5204411, "Сервис и ремонт", ("Приём", "Диагностика", "Ремонт", "Выдача")),
)
LOSS_REASONS = ("Дорого", "Пропала потребность", "Не устроили условия", "Выбрали других")
USERS = ("Анна Ковалёва", "Игорь Петров", "Мария Сёмина", "Олег Жуков", "Дарья Лис", "Пётр Гром (уволен)")
NAMES = ("Александр", "Ольга", "Сергей", "Наталья", "Артём", "Юлия", "Рустам", "Зоя", "Фёдор", "Алёна")
SURNAMES = ("Иваненко", "Черных", "Живаго", "Дурново", "Мельник", "Гончар", "Лысенко", "Франко", "Седых", "Шевчук")
TRADES = ("Ромашка", "ТехноСнаб", "Вектор", "Лесной двор", "Альфа-Строй", "Кофе и К°", "Ёлка", "Мегаполис")
FORMS = ("ООО", "АО", "ИП")
TITLES = ("Заявка с сайта", "Сделка 🚀", 'Поставка "под ключ"', "Ремонт «Люкс»", "O'Brien & Co", "Звонок")
SOURCES = ("Сайт", "Звонок", "Рекомендация", "Выставка", "Avito")
REFUSALS = ("не дозвонились", "нашли дешевле", "перенесли на следующий год 😕")
UTM_SOURCES = ("yandex", "vk", "google")
WITH = {
    "leads": {"contacts", "loss_reason", "catalog_elements", "source_id", "is_price_modified_by_robot", "only_deleted"},
    "contacts": {"leads", "customers", "catalog_elements"},
    "companies": {"leads", "contacts", "customers", "catalog_elements"},
    "users": {"role", "group"},
    "events": {f"{kind}_name" for kind in ("contact", "lead", "company", "catalog_element", "customer", "catalog")}
    | {"note"},
}

# id, name, code, type, enums
Definition = tuple[int, str, str | None, str, tuple[str, ...]]
FIELDS: dict[str, tuple[Definition, ...]] = {
    "leads": (
        (921871, "Источник заявки", None, "select", SOURCES),
        (921872, "Причина отказа (своими словами)", None, "text", ()),
        (921873, "Количество мест", None, "numeric", ()),
        (921874, "Дата отгрузки", None, "date", ()),
        (316921, "utm_source", "UTM_SOURCE", "tracking_data", ()),
        (316922, "utm_campaign", "UTM_CAMPAIGN", "tracking_data", ()),
    ),
    "contacts": (
        (316901, "Телефон", "PHONE", "multitext", ("WORK", "MOB", "HOME")),
        (316902, "Email", "EMAIL", "multitext", ("WORK", "PRIV")),
        (316903, "Должность", "POSITION", "text", ()),
    ),
    "companies": (
        (316911, "Телефон", "PHONE", "multitext", ("WORK", "MOB")),
        (316912, "Email", "EMAIL", "multitext", ("WORK",)),
        (316913, "Адрес", "ADDRESS", "textarea", ()),
        (316914, "ИНН", None, "text", ()),
    ),
}


def custom(plural: str, name: str, *values: tuple[Any, str | None] | Any) -> Record:
    """One entry of custom_fields_values: the field by its name, values plain or with an enum's name."""
    number, title, code, kind, enums = next(one for one in FIELDS[plural] if name in (one[1], one[2]))
    filled = []
    for given in values:
        value, enum = given if isinstance(given, tuple) else (given, given if kind == "select" else None)
        entry = {"value": value}
        if enum is not None:
            entry |= {"enum_id": number * 10 + enums.index(enum), "enum_code": enum if kind == "multitext" else None}
        filled.append(entry)
    return {"field_id": number, "field_name": title, "field_code": code, "field_type": kind, "values": filled}


def php_params(query: str) -> Params:
    """A query string as PHP reads it: brackets nest, empty brackets append."""
    found: Params = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        keys = [name.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", name)]
        place = found
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place[keys[-1] or str(len(place))] = value
    return found


def php_form(name: str, value: Any) -> Iterable[tuple[str, str]]:
    """The pairs of a form PHP would send for a nested value; nothing for an empty one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from php_form(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        yield from php_form(name, dict(enumerate(value)))
    else:
        yield name, "" if value is None else str(int(value) if isinstance(value, bool) else value)


class Problem(Exception):
    """A refusal in the words of the protocol."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass
class Faults:
    """What goes wrong on the way, changed at any time."""

    rate: float | None = None  # requests per second; the one over it gets 429
    bans: bool = False  # repeated offences end in 403 to everything until `banned` is cleared
    banned: bool = False
    every: int | None = None  # each n-th request meets the next of `kinds`
    kinds: list[str] = field(default_factory=lambda: ["500"])  # 500 502 504 drop half garbage slow
    slow_seconds: float = 1.0
    on_request: Callable[[str, Params], None] | None = None  # before the answer is made, with no lock held
    revoked: bool = False
    forbidden: set[str] = field(default_factory=set)  # "events" or "/api/v4/events"


class Account:
    """An amoCRM account on loopback."""

    def __init__(
        self,
        *,
        seed: int = 1,
        leads: int = 200,
        contacts: int = 120,
        companies: int = 40,
        calls: int = 80,
        tasks: int = 60,
        now: datetime | None = None,
        clock_skew: timedelta = timedelta(0),
    ) -> None:
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._base = (now or datetime.now(UTC)) + clock_skew
        self._since = time.monotonic()
        self.account_id = 29_978_305 + seed
        self.subdomain = f"example{seed}"
        self.token = f"long-lived-{seed}-{self._random.getrandbits(64):016x}"
        self.url = ""
        self.faults = Faults()
        self.events_newest_first = False
        self.bare_deleted = True  # with=only_deleted tells no more of a lead than its id, change and deletion
        self.requests: list[tuple[str, int]] = []
        kinds = ("lead", "contact", "company", "note", "task", "event", "user", "pipeline", "loss_reason")
        self.records: dict[str, dict[int | str, Record]] = {kind: {} for kind in kinds}
        self.webhooks: list[Record] = []
        self._note_owner: dict[int, str] = {}  # a note's id to the kind it hangs on
        self._next_id = 9_000_000 + self._random.randrange(100_000)
        self._events_made = 0
        self._asked: deque[float] = deque()
        self._offences = 0
        self._seen = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._fill(leads, contacts, companies, calls, tasks)

    # --- the clock and the server ---

    def now(self) -> datetime:
        """The account's own time; it runs on by itself."""
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    def advance(self, delta: timedelta) -> None:
        self._base += delta

    def _second(self) -> int:
        return int(self.now().timestamp())

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.account = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._thread.join()
            self._server = self._thread = None

    # --- the made-up company ---

    def _fill(self, leads: int, contacts: int, companies: int, calls: int, tasks: int) -> None:
        pick, chance, now = self._random, self._random.random, self._second()
        start = now - 400 * DAY
        self._fill_dictionaries(start)
        history = self._fill_people(start, contacts, companies)
        people, firms = list(self.records["contact"]), list(self.records["company"])
        for _ in range(leads):
            self._make_lead(history, now, people, firms)
        if leads >= 400:  # somebody edited a great many leads at once
            moment = now - DAY // 2
            older = [one for one in self.records["lead"].values() if one["updated_at"] <= moment]
            for lead in pick.sample(older, min(300, len(older))):
                lead["updated_at"] = moment
        for when, event, number, before, after in sorted(history, key=lambda one: one[0]):
            self._event(event, number, before, after, when=when)
        owners = [("lead", number) for number in self.records["lead"]] + [("contact", number) for number in people]
        for _ in range(calls if owners else 0):
            kind, number = pick.choice(owners)
            born = self.records[kind][number]["created_at"]
            self._put_call(kind, number, born + pick.randrange(max(now - born, 1)))
        targets = list(self.records["lead"])
        for _ in range(tasks if targets else 0):
            number = pick.choice(targets)
            born = self.records["lead"][number]["created_at"]
            done = chance() < 0.5
            self._put_task(number, born + pick.randrange(max(now - born, 1)), is_completed=done)

    def _fill_dictionaries(self, start: int) -> None:
        for at, name in enumerate(USERS):
            rights = {"is_admin": at == 0, "is_free": False, "is_active": at != len(USERS) - 1, "group_id": at % 2}
            user = {"id": 7_902_115 + at * 7, "name": name, "email": f"user{at}@example.org", "lang": "ru"}
            self.records["user"][user["id"]] = user | {"rights": rights}
        for at, reason in enumerate(LOSS_REASONS):
            stamps = {"created_at": start, "updated_at": start}
            self.records["loss_reason"][4001 + at] = {"id": 4001 + at, "name": reason, "sort": at * 10} | stamps
        for at, (number, name, steps) in enumerate(PIPELINES):
            self.records["pipeline"][number] = self._pipeline(at, number, name, steps)
        stamps = {"created_at": start, "updated_at": start}
        hook = {"id": 839_656, "destination": "https://example.org/hook", "disabled": False, "sort": 1}
        self.webhooks.append(hook | stamps | {"settings": ["add_lead", "status_lead"]})

    def _fill_people(self, start: int, contacts: int, companies: int) -> list[Happened]:
        pick, chance = self._random, self._random.random
        history: list[Happened] = []
        for at in range(companies):
            born = start + pick.randrange(300 * DAY)
            name = f"{pick.choice(FORMS)} «{pick.choice(TRADES)}-{at}»"
            phones = [self._phone()] if chance() < 0.6 else []
            made = self._put("company", born, name=name, phones=phones, inn=f"{7_700_000_000 + at}")
            history.append((born, "company_added", made["id"], [], []))
        firms = list(self.records["company"])
        for at in range(contacts):
            born = start + pick.randrange(390 * DAY)
            first, last = pick.choice(NAMES), pick.choice(SURNAMES)
            phones = [self._phone() for _ in range(pick.choice((0, 1, 1, 1, 2)))]
            emails = [f"client{at}@example.org"] if chance() < 0.5 else []
            firm = pick.choice(firms) if firms and chance() < 0.3 else None
            words = {"name": f"{first} {last}", "first_name": first, "last_name": last}
            made = self._put("contact", born, **words, phones=phones, emails=emails, company=firm)
            history.append((born, "contact_added", made["id"], [], []))
        return history

    def _pipeline(self, at: int, number: int, name: str, steps: Iterable[str]) -> Record:
        own = [(number * 10, "Неразобранное", 10, 1)]
        own += [(number * 10 + step, title, 10 + step * 10, 0) for step, title in enumerate(steps, 1)]
        own += [(WON, "Успешно реализовано", 10_000, 0), (LOST, "Закрыто и не реализовано", 11_000, 0)]
        base = {"pipeline_id": number, "color": "#fffeb2", "account_id": self.account_id}
        statuses = [
            {"id": one, "name": title, "sort": sort, "is_editable": not type_ and one not in CLOSED, "type": type_}
            | base
            for one, title, sort, type_ in own
        ]
        flags = {"is_main": at == 0, "is_unsorted_on": True, "is_archive": False, "account_id": self.account_id}
        return {"id": number, "name": name, "sort": at + 1} | flags | {"_embedded": {"statuses": statuses}}

    def _make_lead(self, history: list[Happened], now: int, people: list[Any], firms: list[Any]) -> None:
        """One lead and its way through the statuses, in the order of time."""
        pick, chance = self._random, self._random.random
        pipeline = pick.choices(list(self.records["pipeline"]), (6, 2, 2))[0]
        ladder = self._open_statuses(pipeline)
        born = now - pick.randrange(DAY, 400 * DAY)
        way = [(pipeline, one) for one in ladder[0 if chance() < 0.1 else 1 : pick.randrange(2, len(ladder) + 1)]]
        if chance() < 0.05:  # handed over to another pipeline
            pipeline = pick.choice(list(self.records["pipeline"]))
            way += [(pipeline, self._open_statuses(pipeline)[1])] if pipeline != way[-1][0] else []
        if chance() < 0.65:
            way.append((pipeline, WON if chance() < 0.45 else LOST))
            if chance() < 0.06:  # reopened, sometimes closed again
                way += [(pipeline, self._open_statuses(pipeline)[1])] + ([(pipeline, WON)] if chance() < 0.5 else [])
        times = [born, *sorted(pick.randrange(born, min(born + 60 * DAY, now)) for _ in way[1:])]
        last, status = times[-1], way[-1][1]
        price = 0 if chance() < 0.15 else pick.randrange(1, 4000) * 100
        links: Params = {"contacts": [], "company": None}
        if people and chance() < 0.85:
            links["contacts"] = pick.sample(people, min(len(people), pick.choice((1, 1, 1, 2))))
        if firms and chance() < 0.3:
            links["company"] = pick.choice(firms)
        lost = status == LOST
        lead = self._put(
            "lead",
            born,
            name=f"{pick.choice(TITLES)} №{pick.randrange(10_000)}",
            price=price,
            pipeline_id=pipeline,
            status_id=status,
            loss_reason_id=pick.choice(list(self.records["loss_reason"])) if lost and chance() < 0.7 else None,
            closed_at=last if status in CLOSED else None,
            updated_at=min(last + pick.choice((0, 0, 60, 3 * DAY)), now),
            custom_fields_values=self._lead_fields(born, lost=lost) or pick.choice((None, [])),
            **links,
        )
        history.append((born, "lead_added", lead["id"], [], []))
        for at in range(1, len(way)):
            before, after = ([self._status_value(*way[one])] for one in (at - 1, at))
            history.append((times[at], "lead_status_changed", lead["id"], before, after))

    def _lead_fields(self, born: int, *, lost: bool) -> list[Record]:
        pick, chance = self._random, self._random.random
        values = []
        if chance() < 0.6:
            values.append(custom("leads", "Источник заявки", pick.choice(SOURCES)))
        if chance() < 0.3:
            values.append(custom("leads", "UTM_SOURCE", pick.choice(UTM_SOURCES)))
            values.append(custom("leads", "UTM_CAMPAIGN", f"campaign_{pick.randrange(5)}"))
        if chance() < 0.2:
            values.append(custom("leads", "Количество мест", str(pick.randrange(1, 90))))
            values.append(custom("leads", "Дата отгрузки", born + pick.randrange(30) * DAY))
        if lost and chance() < 0.5:
            values.append(custom("leads", "Причина отказа (своими словами)", pick.choice(REFUSALS)))
        return values

    @staticmethod
    def _status_value(pipeline: int, status: int) -> Record:
        return {"lead_status": {"id": status, "pipeline_id": pipeline}}

    def _open_statuses(self, pipeline: int) -> list[int]:
        statuses = self.records["pipeline"][pipeline]["_embedded"]["statuses"]
        return [one["id"] for one in statuses if one["id"] not in CLOSED]

    def _phone(self) -> str:
        digits = f"{self._random.randrange(10**7):07d}"
        shapes = ("+7916{}", "8 (495) {}", "7926{}", "+7 903 {}")
        return self._random.choice(shapes).format(digits)

    def _id(self) -> int:
        self._next_id += self._random.choice((1, 1, 2, 2, 6, 40))
        return self._next_id

    # --- writing: every change an account's user could make ---

    def _put(self, kind: str, born: int, **given: Any) -> Record:
        """A new record; phones, emails, inn, contacts and company are short ways to say fields and links."""
        user = self._random.choice(list(self.records["user"]))
        phones, emails, inn = given.pop("phones", ()), given.pop("emails", ()), given.pop("inn", None)
        links = {key: given.pop(key) for key in ("contacts", "company") if key in given}
        record: Record = {"id": self._id(), "name": "", "responsible_user_id": user, "group_id": 0}
        record |= {"created_by": user, "updated_by": user, "created_at": born, "updated_at": born}
        record |= {"closest_task_at": None, "is_deleted": False, "custom_fields_values": None}
        if kind == "lead":
            main = next(iter(self.records["pipeline"]))
            record |= {"price": 0, "pipeline_id": main, "status_id": None, "loss_reason_id": None}
            record |= {"closed_at": None, "score": None, "labor_cost": None}
        elif kind == "contact":
            record |= {"first_name": "", "last_name": "", "is_unsorted": False}
        self._known(kind, record, given)
        record |= given | {"account_id": self.account_id}
        record["_embedded"] = {"tags": [], "companies": []} | ({"contacts": []} if kind == "lead" else {})
        self._link(kind, record, links)
        values = list(record["custom_fields_values"] or [])
        plural = PLURALS[kind]
        codes = ("WORK", "MOB")
        if phones:
            values.append(custom(plural, "PHONE", *((one, codes[at % 2]) for at, one in enumerate(phones))))
        if emails:
            values.append(custom(plural, "EMAIL", *((one, "WORK") for one in emails)))
        if inn:
            values.append(custom(plural, "ИНН", inn))
        record["custom_fields_values"] = values or record["custom_fields_values"]
        self.records[kind][record["id"]] = record
        return record

    @staticmethod
    def _known(kind: str, record: Record, given: Params) -> None:
        if wrong := given.keys() - record.keys():
            raise ValueError(f"a {kind} has no {sorted(wrong)}")

    def _link(self, kind: str, record: Record, links: Params) -> None:
        if "contacts" in links:
            if kind != "lead" or any(one not in self.records["contact"] for one in links["contacts"]):
                raise ValueError("no such contact, or not a lead")
            people = [{"id": one, "is_main": at == 0} for at, one in enumerate(links["contacts"])]
            record["_embedded"]["contacts"] = people
        if "company" in links:
            firm = links["company"]
            if firm is not None and firm not in self.records["company"]:
                raise ValueError(f"no such company: {firm}")
            record["_embedded"]["companies"] = [] if firm is None else [{"id": firm}]

    def _event(
        self, event: str, number: int, before: list[Record], after: list[Record], *, when: int | None = None
    ) -> None:
        kind = event.partition("_")[0]
        when = self._second() if when is None else when
        self._events_made += 1
        code = ((when * 1000) << 80 | self._events_made << 30 | self._random.getrandbits(30)).to_bytes(16, "big")
        key = base64.b32hexencode(code).decode().rstrip("=").lower()
        made = {"id": key, "type": event, "entity_id": number, "entity_type": kind, "created_at": when}
        user = (self.records[kind].get(number) or {}).get("updated_by", 0)
        made |= {"created_by": user, "value_after": after, "value_before": before, "account_id": self.account_id}
        self.records["event"][key] = made

    def add_lead(self, **fields: Any) -> int:
        """A new lead; also contacts=[ids], company=id."""
        with self._lock:
            pipeline = fields.get("pipeline_id") or next(iter(self.records["pipeline"]))
            status = fields.get("status_id") or self._open_statuses(pipeline)[1]
            self._check_status(pipeline, status)
            now = self._second()
            closed = {"closed_at": now} if status in CLOSED else {}
            defaults = {"name": "Новая сделка"} | closed
            lead = self._put("lead", now, **(defaults | fields | {"pipeline_id": pipeline, "status_id": status}))
            self._event("lead_added", lead["id"], [], [])
            return lead["id"]

    def _check_status(self, pipeline: int, status: int) -> None:
        if status not in (*self._open_statuses(pipeline), *CLOSED):
            raise ValueError(f"pipeline {pipeline} has no status {status}")

    def change_lead(self, lead_id: int, **fields: Any) -> None:
        """Changes a lead as its card would; a new status or pipeline leaves its event."""
        with self._lock:
            lead = self.records["lead"][lead_id]
            if lead["is_deleted"]:
                raise ValueError(f"lead {lead_id} is deleted")
            was = (lead["pipeline_id"], lead["status_id"])
            if fields.get("pipeline_id", was[0]) != was[0]:
                fields.setdefault("status_id", self._open_statuses(fields["pipeline_id"])[1])
            is_ = (fields.get("pipeline_id", was[0]), fields.get("status_id", was[1]))
            self._check_status(*is_)
            if is_[1] != was[1]:
                fields.setdefault("closed_at", self._second() if is_[1] in CLOSED else None)
                if was[1] == LOST:
                    fields.setdefault("loss_reason_id", None)
            self._change("lead", lead, fields)
            if is_ != was:
                before, after = [self._status_value(*was)], [self._status_value(*is_)]
                self._event("lead_status_changed", lead_id, before, after)

    def _change(self, kind: str, record: Record, fields: Params) -> None:
        links = {key: fields.pop(key) for key in ("contacts", "company") if key in fields and "_embedded" in record}
        self._known(kind, record, fields)
        self._link(kind, record, links)
        record |= {"updated_at": self._second()} | fields

    def add_contact(self, **fields: Any) -> int:
        """A new contact; also phones=[...], emails=[...], company=id."""
        return self._add("contact", fields)

    def add_company(self, **fields: Any) -> int:
        """A new company; also phones=[...], emails=[...], inn=..."""
        return self._add("company", fields)

    def _add(self, kind: str, fields: Params) -> int:
        with self._lock:
            number = self._put(kind, self._second(), **fields)["id"]
            self._event(f"{kind}_added", number, [], [])
            return number

    def change(self, kind: str, record_id: int, **fields: Any) -> None:
        """Changes any record; a lead goes the way of change_lead."""
        if kind == "lead":
            self.change_lead(record_id, **fields)
            return
        with self._lock:
            self._change(kind, self.records[kind][record_id], fields)

    def add_call(self, owner: int, *, note_type: str = "call_in", **params: Any) -> int:
        """A call in the card of a lead, a contact or a company; params go into the note's params."""
        with self._lock:
            kind = next((one for one in PLURALS if owner in self.records[one]), None)
            if kind is None or note_type not in ("call_in", "call_out"):
                raise ValueError(f"no such card or kind of call: {owner}, {note_type}")
            return self._put_call(kind, owner, self._second(), note_type, params)

    def _put_call(
        self, kind: str, owner: int, when: int, note_type: str | None = None, params: Params | None = None
    ) -> int:
        pick = self._random
        number, user = self._id(), pick.choice(list(self.records["user"]))
        status = pick.choice((4, 4, 4, 2, 6, 1, 7, 8))
        talk: Params = {"uniq": f"{pick.getrandbits(64):016x}", "source": "onlinePBX", "phone": self._phone()}
        talk |= {"duration": 0 if status in (6, 7) or pick.random() < 0.1 else pick.randrange(5, 900)}
        talk |= {"link": "https://example.org/call.mp3", "call_status": status, "call_responsible": user}
        note = {"id": number, "entity_id": owner, "note_type": note_type or pick.choice(("call_in", "call_out"))}
        note |= {"created_by": user, "updated_by": user, "created_at": when, "updated_at": when, "group_id": 0}
        note |= {"responsible_user_id": user, "params": talk | (params or {}), "account_id": self.account_id}
        self.records["note"][number] = note
        self._note_owner[number] = kind
        return number

    def add_task(self, entity_id: int, **fields: Any) -> int:
        """A task on a lead, a contact or a company."""
        with self._lock:
            return self._put_task(entity_id, self._second(), **fields)

    def _put_task(self, owner: int, when: int, **fields: Any) -> int:
        kind = next((one for one in PLURALS if owner in self.records[one]), None)
        if kind is None:
            raise ValueError(f"no such card: {owner}")
        number, user = self._id(), self._random.choice(list(self.records["user"]))
        task: Record = {"id": number, "text": "Перезвонить", "entity_id": owner, "entity_type": PLURALS[kind]}
        task |= {"created_by": user, "updated_by": user, "created_at": when, "updated_at": when, "duration": 0}
        task |= {"responsible_user_id": user, "group_id": 0, "task_type_id": 1, "is_completed": False}
        task |= {"complete_till": when + 2 * DAY, "result": [], "account_id": self.account_id}
        self._known("task", task, fields)
        self.records["task"][number] = task | fields
        return number

    def delete(self, kind: str, record_id: int) -> None:
        """A lead goes to the bin; a contact or a company is gone, and so are the links to it."""
        with self._lock:
            record = self.records[kind][record_id]
            if kind == "lead":
                if record["is_deleted"]:
                    raise ValueError(f"lead {record_id} is deleted already")
                record |= {"is_deleted": True, "updated_at": self._second()}
            else:
                del self.records[kind][record_id]
            if kind in ("contact", "company"):
                for other in (*self.records["lead"].values(), *self.records["contact"].values()):
                    linked = other["_embedded"]
                    if any(one["id"] == record_id for one in linked.get(PLURALS[kind], ())):
                        linked[PLURALS[kind]] = [one for one in linked[PLURALS[kind]] if one["id"] != record_id]
            if kind in PLURALS:
                self._event(f"{kind}_deleted", record_id, [], [])

    def restore(self, lead_id: int) -> None:
        """A lead comes back from the bin."""
        with self._lock:
            if not self.records["lead"][lead_id]["is_deleted"]:
                raise ValueError(f"lead {lead_id} is not deleted")
            self.records["lead"][lead_id] |= {"is_deleted": False, "updated_at": self._second()}
            self._event("lead_restored", lead_id, [], [])

    def hook(self, entity: str, deed: str, record_id: int) -> bytes:
        """The body of a webhook; companies come among contacts, told by their type."""
        kind = SINGULARS.get(entity, entity)
        deeds = ("add", "update", "delete", *(("status", "restore") if kind == "lead" else ()))
        if kind not in PLURALS or deed not in deeds:
            raise ValueError(f"no such webhook: {entity}[{deed}]")
        with self._lock:
            record = self.records[kind].get(record_id)
            body: Record = {"id": record_id}
            if kind == "lead" and record and deed == "delete":
                body |= {"status_id": record["status_id"], "pipeline_id": record["pipeline_id"]}
            elif record and deed != "delete":
                body |= self._hook_body(kind, deed, record)
        if kind != "lead":
            body["type"] = kind
        form = [*php_form(f"{'leads' if kind == 'lead' else 'contacts'}[{deed}][0]", body)]
        form += [("account[id]", str(self.account_id)), ("account[subdomain]", self.subdomain)]
        return urlencode(form).encode()

    def _hook_body(self, kind: str, deed: str, record: Record) -> Record:
        body = {key: record[key] for key in ("name", "responsible_user_id", "account_id")}
        body |= {"created_user_id": record["created_by"], "modified_user_id": record["updated_by"]}
        body |= {"date_create": record["created_at"], "last_modified": record["updated_at"]}
        if kind == "lead":
            body |= {key: record[key] for key in ("price", "status_id", "pipeline_id")}
        if deed == "status":
            moves = reversed(self.records["event"].values())
            key = ("lead_status_changed", record["id"])
            last = next((one for one in moves if (one["type"], one["entity_id"]) == key), None)
            if last:
                old = last["value_before"][0]["lead_status"]
                body["old_status_id"] = old["id"]
                if old["pipeline_id"] != record["pipeline_id"]:
                    body["old_pipeline_id"] = old["pipeline_id"]
        fields = []
        for one in record["custom_fields_values"] or ():
            values = [
                {"value": value["value"]} | ({"enum": value["enum_id"]} if "enum_id" in value else {})
                for value in one["values"]
            ]
            code = {"code": one["field_code"]} if one["field_code"] else {}
            fields.append({"id": one["field_id"], "name": one["field_name"]} | code | {"values": values})
        return body | {"custom_fields": fields}

    def truth(self) -> dict[str, Any]:
        """The numbers a reader of this account has to arrive at."""
        with self._lock:
            alive = {number: one for number, one in self.records["lead"].items() if not one["is_deleted"]}
            won: dict[int, int] = dict.fromkeys(self.records["pipeline"], 0)
            won_price = dict(won)
            for lead in alive.values():
                if lead["status_id"] == WON:
                    won[lead["pipeline_id"]] += 1
                    won_price[lead["pipeline_id"]] += lead["price"]
            lost = sum(lead["status_id"] == LOST for lead in alive.values())
            moves = (one for one in self.records["event"].values() if one["type"] == "lead_status_changed")
            calls = [one for one in self.records["note"].values() if self._note_shown(one)]
            people = self.records["contact"].values()
            return {
                "lead": len(alive),
                "deleted": len(self.records["lead"]) - len(alive),
                **{kind: len(self.records[kind]) for kind in ("contact", "company", "task", "user")},
                "won": won,
                "won_price": won_price,
                "lost": lost,
                "open": len(alive) - lost - sum(won.values()),
                "status_changes": sum(one["entity_id"] in alive for one in moves),
                "calls": len(calls),
                "calls_ever": len(self.records["note"]),
                "missed": sum(_missed(one) for one in calls),
                "with_phone": sum(_has_phone(one) for one in people),
            }

    def _note_shown(self, note: Record) -> bool:
        owner = self.records[self._note_owner[note["id"]]].get(note["entity_id"])
        return owner is not None and not owner["is_deleted"]

    # --- reading: the protocol ---

    def gate(self, path: str, authorization: str | None) -> None:
        """Refuses what is over the limit, unauthorised or forbidden."""
        with self._lock:
            now, faults = time.monotonic(), self.faults
            while self._asked and self._asked[0] <= now - 1:
                self._asked.popleft()
            if faults.rate is not None and len(self._asked) >= faults.rate:
                self._offences += 1
                faults.banned = faults.banned or (faults.bans and self._offences >= OFFENCES_TO_BAN)
                if not faults.banned:
                    raise Problem(429, "Too many requests")
            if faults.banned:
                raise Problem(403, "The address is blocked for too many requests")
            self._asked.append(now)
            if faults.revoked or authorization != f"Bearer {self.token}":
                raise Problem(401, "Invalid or missing access token")
            if {path, path.removeprefix(ROOT)} & faults.forbidden:
                raise Problem(403, "Not enough rights")

    def next_fault(self) -> str | None:
        with self._lock:
            self._seen += 1
            every, kinds = self.faults.every, self.faults.kinds
            if not every or not kinds or self._seen % every:
                return None
            return kinds[(self._seen // every - 1) % len(kinds)]

    def answer(self, path: str, params: Params) -> Record | None:
        """The document at an address; None is an empty answer."""
        place = path.removeprefix(ROOT)
        plural, _, rest = place.partition("/")
        with self._lock:
            if path != ROOT + place:
                raise Problem(404, "No such address")
            if place in ("account", "leads/pipelines", "webhooks"):
                return self._whole(place, params)
            if plural in SINGULARS and rest.isdecimal():
                _only(params, {"with"})
                asked = _with(plural, params)
                one = self.records[SINGULARS[plural]].get(int(rest))
                if one is None or one["is_deleted"] != ("only_deleted" in asked):
                    return None
                return self._seen_as(plural, [one], asked)[0]
            tables: dict[str, Iterable[Record]] = {
                "leads/loss_reasons": self.records["loss_reason"].values(),
                **{f"{kind}s": self.records[kind].values() for kind in ("user", "task", "event")},
            }
            if plural in SINGULARS:
                deleted = "only_deleted" in str(params.get("with", "")).split(",")
                cards = self.records[SINGULARS[plural]].values()
                notes = (
                    one for one in self.records["note"].values() if self._note_owner[one["id"]] == SINGULARS[plural]
                )
                tables |= {
                    plural: (one for one in cards if one["is_deleted"] == deleted),
                    f"{plural}/notes": filter(self._note_shown, notes),
                    f"{plural}/custom_fields": self._definitions(plural),
                }
            if place not in tables:
                raise Problem(404, "No such address")
            return self._list(path, params, rest or plural, tables[place])

    def _list(self, path: str, params: Params, plural: str, records: Iterable[Record]) -> Record | None:
        """One page of a list as it is at this moment."""
        most = MAX_EVENTS if plural == "events" else MAX_LIMIT
        filtered = plural in FILTERS
        extra = {"filter"} | ({"query"} if plural in SINGULARS else set()) if filtered else set()
        ordered = {"order"} if plural in ORDERS else set()
        _only(params, {"page", "limit"} | extra | ordered | ({"with"} if plural in WITH else set()))
        page = _number(params.get("page", "1"), "page", 1)
        limit = _number(params.get("limit", str(DEFAULT_LIMIT)), "limit", 1, most)
        asked = _with(plural, params)
        for test in _tests(plural, params.get("filter", {})):
            records = filter(test, records)
        if words := str(params.get("query", "")).lower():
            records = (one for one in records if words in json.dumps(one, ensure_ascii=False).lower())
        found = _sorted(plural, params.get("order"), records)
        if plural == "events" and self.events_newest_first:
            found.reverse()
        shown = found[(page - 1) * limit : page * limit]
        if not shown:
            return None
        links = {"self": {"href": self._address(path, params, page, limit)}}
        if len(found) > page * limit:
            links["next"] = {"href": self._address(path, params, page + 1, limit)}
        body: Record = {
            "_page": page,
            "_links": links,
            "_embedded": {plural: self._seen_as(plural, shown, asked, path)},
        }
        if plural in ("users", "custom_fields", "loss_reasons"):
            body |= {"_total_items": len(found), "_page_count": -(-len(found) // limit)}
        return body

    def _whole(self, place: str, params: Params) -> Record | None:
        """The documents that have no pages."""
        if place == "account":
            _only(params, {"with"})
            own = {"id": self.account_id, "name": "Пример", "subdomain": self.subdomain, "currency": "RUB"}
            return self._hal(own | {"current_user_id": next(iter(self.records["user"]))}, place)
        _only(params, {"page", "limit"} if place == "webhooks" else set())
        found = [self._pipeline_seen(one) for one in self.records["pipeline"].values()]
        found = self.webhooks if place == "webhooks" else found
        body = {"_total_items": len(found), "_embedded": {place.rpartition("/")[2]: found}}
        return self._hal(body, place) if found else None

    def _address(self, path: str, params: Params, page: int, limit: int) -> str:
        asked = params | {"page": page, "limit": limit}
        return f"{self.url}{path}?{urlencode([pair for key in asked for pair in php_form(key, asked[key])])}"

    def _hal(self, record: Record, path: str) -> Record:
        return record | {"_links": {"self": {"href": f"{self.url}{ROOT}{path}"}}}

    def _pipeline_seen(self, pipeline: Record) -> Record:
        path = f"leads/pipelines/{pipeline['id']}"
        own = pipeline["_embedded"]["statuses"]
        statuses = [self._hal(one, f"{path}/statuses/{one['id']}") for one in own]
        return self._hal(pipeline, path) | {"_embedded": {"statuses": statuses}}

    def _definitions(self, plural: str) -> Iterable[Record]:
        for at, (number, name, code, kind, enums) in enumerate(FIELDS[plural]):
            own = [
                {"id": number * 10 + sort, "value": value, "sort": sort} | ({"code": value} if code else {})
                for sort, value in enumerate(enums)
            ]
            base = {"id": number, "name": name, "code": code, "type": kind, "sort": 500 + at, "entity_type": plural}
            yield base | {"account_id": self.account_id, "enums": own or None, "is_api_only": False}

    def _seen_as(self, plural: str, shown: list[Record], asked: set[str], path: str = "") -> list[Record]:
        """Records as the wire shows them: with their links and only the embedded parts asked for."""
        base = path.removeprefix(ROOT) or plural
        if plural not in SINGULARS:
            seen = [self._hal(one, f"{base}/{one['id']}") for one in shown]
            for one in seen:
                if plural == "events":
                    kinds = PLURALS[one["entity_type"]]
                    one["_embedded"] = {"entity": self._hal({"id": one["entity_id"]}, f"{kinds}/{one['entity_id']}")}
                elif plural == "users" and "group" in asked:
                    group = one["rights"]["group_id"]
                    one["_embedded"] = {"groups": [{"id": group, "name": f"Отдел {group}"}]}
            return seen
        if "only_deleted" in asked and self.bare_deleted:
            keys = ("id", "updated_by", "updated_at", "is_deleted", "account_id")
            return [self._hal({key: one[key] for key in keys}, f"{base}/{one['id']}") for one in shown]
        return self._cards_seen(plural, shown, asked, base)

    def _cards_seen(self, plural: str, shown: list[Record], asked: set[str], base: str) -> list[Record]:
        backward = self._backward(plural, asked)
        forward = {"leads": ("companies", *(("contacts",) if "contacts" in asked else ())), "contacts": ("companies",)}
        seen = []
        for one in shown:
            embedded: Record = {"tags": one["_embedded"]["tags"]}
            for other in forward.get(plural, ()):
                embedded[other] = [self._hal(link, f"{other}/{link['id']}") for link in one["_embedded"][other]]
            for other, links in backward.items():
                embedded[other] = [self._hal({"id": link}, f"{other}/{link}") for link in links.get(one["id"], ())]
            if plural == "leads" and "loss_reason" in asked:
                reason = self.records["loss_reason"].get(one["loss_reason_id"])
                embedded["loss_reason"] = [self._hal(reason, f"leads/loss_reasons/{reason['id']}")] if reason else []
            seen.append(self._hal(one, f"{base}/{one['id']}") | {"_embedded": embedded})
        return seen

    def _backward(self, plural: str, asked: set[str]) -> dict[str, dict[int, list[int]]]:
        """Who points at these records: leads at contacts and companies, contacts at companies."""
        found: dict[str, dict[int, list[int]]] = {}
        for other in ("leads", "contacts"):
            if plural in ("contacts", "companies") and other in asked and plural != other:
                links = found[other] = defaultdict(list)
                for record in self.records[SINGULARS[other]].values():
                    if not record["is_deleted"]:
                        for link in record["_embedded"].get(plural, ()):
                            links[link["id"]].append(record["id"])
        return found


def _missed(note: Record) -> bool:
    params = note["params"]
    return params["call_status"] == 6 or (note["note_type"] == "call_in" and params["duration"] == 0)


def _has_phone(contact: Record) -> bool:
    return any(one["field_code"] == "PHONE" and one["values"] for one in contact["custom_fields_values"] or ())


# --- what a client may ask, and how strictly ---

_CARD = {"name": "words"} | dict.fromkeys(("id", "created_by", "updated_by", "responsible_user_id"), "many")
_CARD |= dict.fromkeys(("created_at", "updated_at", "closest_task_at"), "range")
_WORK = {"id": "many", "entity_id": "many", "updated_at": "range"}
_EVENT = {"entity_id": "many", "created_by": "many", "created_at": "range"}
FILTERS: dict[str, dict[str, str]] = {
    "leads": _CARD | {"pipeline_id": "many", "price": "range", "closed_at": "range", "statuses": "statuses"},
    "contacts": _CARD,
    "companies": _CARD,
    "notes": _WORK | {"note_type": "words"},
    "tasks": _WORK | {"responsible_user_id": "many", "is_completed": "many", "entity_type": "words"},
    "events": _EVENT | {"id": "words", "type": "words", "entity": "words"},
}
ORDERS = {
    **{plural: {"created_at", "updated_at", "id"} for plural in SINGULARS},
    "notes": {"updated_at", "id"},
    "tasks": {"created_at", "updated_at", "complete_till", "id"},
}


def _only(params: Params, known: set[str]) -> None:
    if wrong := params.keys() - known:
        raise Problem(400, f"Unknown parameters: {', '.join(sorted(wrong))}")


def _number(given: Any, name: str, least: int, most: int | None = None) -> int:
    if not isinstance(given, str) or not re.fullmatch(r"-?[0-9]{1,15}", given):
        raise Problem(400, f"{name} is not a whole number")
    if int(given) < least or (most is not None and int(given) > most):
        raise Problem(400, f"{name} is out of bounds: {given}")
    return int(given)


def _with(plural: str, params: Params) -> set[str]:
    if not isinstance(params.get("with", ""), str):
        raise Problem(400, "with is a list of words through commas")
    asked = {one for one in params.get("with", "").split(",") if one}
    if wrong := asked - WITH.get(plural, set()):
        raise Problem(400, f"Unknown with: {', '.join(sorted(wrong))}")
    return asked


def _sorted(plural: str, order: Any, records: Iterable[Record]) -> list[Record]:
    if order is None:
        return sorted(records, key=lambda one: one["id"])
    if not isinstance(order, dict) or len(order) != 1:
        raise Problem(400, "order takes one field")
    ((name, way),) = order.items()
    if name not in ORDERS[plural] or way not in ("asc", "desc"):
        raise Problem(400, f"Cannot order by {name} {way}")
    return sorted(records, key=lambda one: (one[name], one["id"]), reverse=way == "desc")


def _tests(plural: str, asked: Any) -> Iterable[Callable[[Record], bool]]:
    """The conditions of a filter, each a test of one record."""
    if not isinstance(asked, dict):
        raise Problem(400, "filter is an object")
    _only(asked, set(FILTERS.get(plural, ())))
    if "entity_id" in asked and plural == "events":
        entity = asked.get("entity")
        if len(entity) != 1 if isinstance(entity, dict) else not entity or "," in entity:
            raise Problem(400, "filter[entity_id] needs one filter[entity]")
    for name, given in asked.items():
        column = "entity_type" if name == "entity" else name
        match FILTERS[plural][name]:
            case "range":
                yield _range_test(column, given)
            case "statuses":
                yield _statuses_test(given)
            case kind:
                yield _set_test(plural, column, given, numbers=kind == "many")


def _range_test(column: str, given: Any) -> Callable[[Record], bool]:
    bounds = given if isinstance(given, dict) else {"from": given}
    _only(bounds, {"from", "to"})
    least = _number(bounds.get("from", "0"), f"{column} from", 0)
    most = _number(bounds["to"], f"{column} to", 0) if "to" in bounds else 1 << 62
    return lambda one: one[column] is not None and least <= one[column] <= most


def _set_test(plural: str, column: str, given: Any, *, numbers: bool) -> Callable[[Record], bool]:
    values = list(given.values()) if isinstance(given, dict) else [given]
    if plural == "events" or numbers:
        values = [part for value in values for part in str(value).split(",")]
    if len(values) > MAX_IDS:
        raise Problem(400, f"Too many values for {column}")
    wanted = {_number(value, column, 0) for value in values} if numbers else set(values)
    return lambda one: one[column] in wanted


def _statuses_test(given: Any) -> Callable[[Record], bool]:
    pairs = list(given.values()) if isinstance(given, dict) else [given]
    wanted = set()
    for pair in pairs:
        if not isinstance(pair, dict) or pair.keys() != {"pipeline_id", "status_id"}:
            raise Problem(400, "filter[statuses] takes pairs of pipeline_id and status_id")
        wanted.add((_number(pair["pipeline_id"], "pipeline_id", 0), _number(pair["status_id"], "status_id", 0)))
    return lambda one: (one["pipeline_id"], one["status_id"]) in wanted


class _Server(ThreadingHTTPServer):
    """Threads that end with the test, connections that can be hung up."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    account: Account

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.visitors: set[socket.socket] = set()

    def hang_up(self) -> None:
        for visitor in list(self.visitors):
            with suppress(OSError):
                visitor.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.visitors.add(self.connection)

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.visitors.discard(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps silent: `requests` of the account tells what was asked."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.account.now().timestamp() if timestamp is None else timestamp)

    def do_GET(self) -> None:
        account = self.server.account
        address = urlsplit(self.path)
        params = php_params(address.query)
        if account.faults.on_request:
            account.faults.on_request(address.path, params)
        try:
            account.gate(address.path, self.headers.get("Authorization"))
            fault = account.next_fault()
            if fault == "slow":
                time.sleep(account.faults.slow_seconds)
            elif fault and fault.isdecimal():
                self._send(int(fault), b"<html><body><h1>nginx</h1></body></html>", "text/html")
                return
            elif fault == "garbage":
                self._send(200, b'{"_page": 1, "_embedded": {"leads": [<br>Fatal error', "text/html")
                return
            elif fault == "drop":
                account.requests.append((self.path, 0))
                self.close_connection = True
                return
            body = account.answer(address.path, params)
        except Problem as problem:
            self._refuse(problem)
            return
        text = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        self._send(204 if body is None else 200, text, "application/hal+json", half=fault == "half")

    def do_POST(self) -> None:
        self.close_connection = True
        self._refuse(Problem(405, "Only reading is spoken here"))

    def _refuse(self, problem: Problem) -> None:
        title = HTTPStatus(problem.status).phrase
        told = {"title": title, "type": "https://httpstatuses.com/" + str(problem.status), "status": problem.status}
        text = json.dumps(told | {"detail": problem.detail}).encode()
        self._send(problem.status, text, "application/problem+json")

    def _send(self, status: int, text: bytes, kind: str, *, half: bool = False) -> None:
        self.server.account.requests.append((self.path, status))
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        half = half and bool(text)
        self.wfile.write(text[: len(text) // 2] if half else text)
        self.wfile.flush()
        self.close_connection = self.close_connection or half
