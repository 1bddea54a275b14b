"""The records of an account: what it holds, and what changes when its users work."""

import base64
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.amocrm_dictionaries import CLOSED, LOST, PLURALS, WON, Record, custom, status_value
from sources.amocrm_php import Params

DAY = 86_400


class Crm:
    """What an account holds, by kind and id, and what its users do to it. Has a clock of its own that can be put forward."""

    def __init__(self, *, seed: int, chance: random.Random, now: datetime | None, clock_skew: timedelta) -> None:
        self.random = chance
        self.lock = threading.RLock()
        self._base = (now or datetime.now(UTC)) + clock_skew
        self._since = time.monotonic()
        self.account_id = 29_978_305 + seed
        self.subdomain = f"example{seed}"
        kinds = ("lead", "contact", "company", "note", "task", "event", "user", "pipeline", "loss_reason")
        self.records: dict[str, dict[int | str, Record]] = {kind: {} for kind in kinds}
        self.webhooks: list[Record] = []
        self.note_owner: dict[int, str] = {}  # a note's id to the kind it hangs on
        self._next_id = 9_000_000 + self.random.randrange(100_000)
        self._events_made = 0

    def now(self) -> datetime:
        """The account's own time; it runs on by itself."""
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    def advance(self, delta: timedelta) -> None:
        self._base += delta

    def second(self) -> int:
        return int(self.now().timestamp())

    # --- small things its records are made of ---

    def open_statuses(self, pipeline: int) -> list[int]:
        statuses = self.records["pipeline"][pipeline]["_embedded"]["statuses"]
        return [one["id"] for one in statuses if one["id"] not in CLOSED]

    def phone(self) -> str:
        digits = f"{self.random.randrange(10**7):07d}"
        shapes = ("+7916{}", "8 (495) {}", "7926{}", "+7 903 {}")
        return self.random.choice(shapes).format(digits)

    def next_id(self) -> int:
        self._next_id += self.random.choice((1, 1, 2, 2, 6, 40))
        return self._next_id

    # --- writing: every change an account's user could make ---

    def put(self, kind: str, born: int, **given: Any) -> Record:
        """A new record; phones, emails, inn, contacts and company are short ways to say fields and links."""
        user = self.random.choice(list(self.records["user"]))
        phones, emails, inn = given.pop("phones", ()), given.pop("emails", ()), given.pop("inn", None)
        links = {key: given.pop(key) for key in ("contacts", "company") if key in given}
        record: Record = {"id": self.next_id(), "name": "", "responsible_user_id": user, "group_id": 0}
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

    def put_event(
        self, event: str, number: int, before: list[Record], after: list[Record], *, when: int | None = None
    ) -> None:
        kind = event.partition("_")[0]
        when = self.second() if when is None else when
        self._events_made += 1
        code = ((when * 1000) << 80 | self._events_made << 30 | self.random.getrandbits(30)).to_bytes(16, "big")
        key = base64.b32hexencode(code).decode().rstrip("=").lower()
        made = {"id": key, "type": event, "entity_id": number, "entity_type": kind, "created_at": when}
        user = (self.records[kind].get(number) or {}).get("updated_by", 0)
        made |= {"created_by": user, "value_after": after, "value_before": before, "account_id": self.account_id}
        self.records["event"][key] = made

    def add_lead(self, **fields: Any) -> int:
        """A new lead; also contacts=[ids], company=id."""
        with self.lock:
            pipeline = fields.get("pipeline_id") or next(iter(self.records["pipeline"]))
            status = fields.get("status_id") or self.open_statuses(pipeline)[1]
            self._check_status(pipeline, status)
            now = self.second()
            closed = {"closed_at": now} if status in CLOSED else {}
            defaults = {"name": "Новая сделка"} | closed
            lead = self.put("lead", now, **(defaults | fields | {"pipeline_id": pipeline, "status_id": status}))
            self.put_event("lead_added", lead["id"], [], [])
            return lead["id"]

    def _check_status(self, pipeline: int, status: int) -> None:
        if status not in (*self.open_statuses(pipeline), *CLOSED):
            raise ValueError(f"pipeline {pipeline} has no status {status}")

    def change_lead(self, lead_id: int, **fields: Any) -> None:
        """Changes a lead as its card would; a new status or pipeline leaves its event."""
        with self.lock:
            lead = self.records["lead"][lead_id]
            if lead["is_deleted"]:
                raise ValueError(f"lead {lead_id} is deleted")
            was = (lead["pipeline_id"], lead["status_id"])
            if fields.get("pipeline_id", was[0]) != was[0]:
                fields.setdefault("status_id", self.open_statuses(fields["pipeline_id"])[1])
            is_ = (fields.get("pipeline_id", was[0]), fields.get("status_id", was[1]))
            self._check_status(*is_)
            if is_[1] != was[1]:
                fields.setdefault("closed_at", self.second() if is_[1] in CLOSED else None)
                if was[1] == LOST:
                    fields.setdefault("loss_reason_id", None)
            self._change("lead", lead, fields)
            if is_ != was:
                before, after = [status_value(*was)], [status_value(*is_)]
                self.put_event("lead_status_changed", lead_id, before, after)

    def _change(self, kind: str, record: Record, fields: Params) -> None:
        links = {key: fields.pop(key) for key in ("contacts", "company") if key in fields and "_embedded" in record}
        self._known(kind, record, fields)
        self._link(kind, record, links)
        record |= {"updated_at": self.second()} | fields

    def add_contact(self, **fields: Any) -> int:
        """A new contact; also phones=[...], emails=[...], company=id."""
        return self._add("contact", fields)

    def add_company(self, **fields: Any) -> int:
        """A new company; also phones=[...], emails=[...], inn=..."""
        return self._add("company", fields)

    def _add(self, kind: str, fields: Params) -> int:
        with self.lock:
            number = self.put(kind, self.second(), **fields)["id"]
            self.put_event(f"{kind}_added", number, [], [])
            return number

    def change(self, kind: str, record_id: int, **fields: Any) -> None:
        """Changes any record; a lead goes the way of change_lead."""
        if kind == "lead":
            self.change_lead(record_id, **fields)
            return
        with self.lock:
            self._change(kind, self.records[kind][record_id], fields)

    def add_call(self, owner: int, *, note_type: str = "call_in", **params: Any) -> int:
        """A call in the card of a lead, a contact or a company; params go into the note's params."""
        with self.lock:
            kind = next((one for one in PLURALS if owner in self.records[one]), None)
            if kind is None or note_type not in ("call_in", "call_out"):
                raise ValueError(f"no such card or kind of call: {owner}, {note_type}")
            return self.put_call(kind, owner, self.second(), note_type, params)

    def put_call(
        self, kind: str, owner: int, when: int, note_type: str | None = None, params: Params | None = None
    ) -> int:
        pick = self.random
        number, user = self.next_id(), pick.choice(list(self.records["user"]))
        status = pick.choice((4, 4, 4, 2, 6, 1, 7, 8))
        talk: Params = {"uniq": f"{pick.getrandbits(64):016x}", "source": "onlinePBX", "phone": self.phone()}
        talk |= {"duration": 0 if status in (6, 7) or pick.random() < 0.1 else pick.randrange(5, 900)}
        talk |= {"link": "https://example.org/call.mp3", "call_status": status, "call_responsible": user}
        note = {"id": number, "entity_id": owner, "note_type": note_type or pick.choice(("call_in", "call_out"))}
        note |= {"created_by": user, "updated_by": user, "created_at": when, "updated_at": when, "group_id": 0}
        note |= {"responsible_user_id": user, "params": talk | (params or {}), "account_id": self.account_id}
        self.records["note"][number] = note
        self.note_owner[number] = kind
        return number

    def add_task(self, entity_id: int, **fields: Any) -> int:
        """A task on a lead, a contact or a company."""
        with self.lock:
            return self.put_task(entity_id, self.second(), **fields)

    def put_task(self, owner: int, when: int, **fields: Any) -> int:
        kind = next((one for one in PLURALS if owner in self.records[one]), None)
        if kind is None:
            raise ValueError(f"no such card: {owner}")
        number, user = self.next_id(), self.random.choice(list(self.records["user"]))
        task: Record = {"id": number, "text": "Перезвонить", "entity_id": owner, "entity_type": PLURALS[kind]}
        task |= {"created_by": user, "updated_by": user, "created_at": when, "updated_at": when, "duration": 0}
        task |= {"responsible_user_id": user, "group_id": 0, "task_type_id": 1, "is_completed": False}
        task |= {"complete_till": when + 2 * DAY, "result": [], "account_id": self.account_id}
        self._known("task", task, fields)
        self.records["task"][number] = task | fields
        return number

    def delete(self, kind: str, record_id: int) -> None:
        """A lead goes to the bin; a contact or a company is gone, and so are the links to it."""
        with self.lock:
            record = self.records[kind][record_id]
            if kind == "lead":
                if record["is_deleted"]:
                    raise ValueError(f"lead {record_id} is deleted already")
                record |= {"is_deleted": True, "updated_at": self.second()}
            else:
                del self.records[kind][record_id]
            if kind in ("contact", "company"):
                for other in (*self.records["lead"].values(), *self.records["contact"].values()):
                    linked = other["_embedded"]
                    if any(one["id"] == record_id for one in linked.get(PLURALS[kind], ())):
                        linked[PLURALS[kind]] = [one for one in linked[PLURALS[kind]] if one["id"] != record_id]
            if kind in PLURALS:
                self.put_event(f"{kind}_deleted", record_id, [], [])

    def restore(self, lead_id: int) -> None:
        """A lead comes back from the bin."""
        with self.lock:
            if not self.records["lead"][lead_id]["is_deleted"]:
                raise ValueError(f"lead {lead_id} is not deleted")
            self.records["lead"][lead_id] |= {"is_deleted": False, "updated_at": self.second()}
            self.put_event("lead_restored", lead_id, [], [])

    # --- what tests compare with ---

    def truth(self) -> dict[str, Any]:
        """The numbers a reader of this account has to arrive at."""
        with self.lock:
            alive = {number: one for number, one in self.records["lead"].items() if not one["is_deleted"]}
            won: dict[int, int] = dict.fromkeys(self.records["pipeline"], 0)
            won_price = dict(won)
            for lead in alive.values():
                if lead["status_id"] == WON:
                    won[lead["pipeline_id"]] += 1
                    won_price[lead["pipeline_id"]] += lead["price"]
            lost = sum(lead["status_id"] == LOST for lead in alive.values())
            moves = (one for one in self.records["event"].values() if one["type"] == "lead_status_changed")
            calls = [one for one in self.records["note"].values() if self.note_shown(one)]
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

    def note_shown(self, note: Record) -> bool:
        owner = self.records[self.note_owner[note["id"]]].get(note["entity_id"])
        return owner is not None and not owner["is_deleted"]


def _missed(note: Record) -> bool:
    params = note["params"]
    return params["call_status"] == 6 or (note["note_type"] == "call_in" and params["duration"] == 0)


def _has_phone(contact: Record) -> bool:
    return any(one["field_code"] == "PHONE" and one["values"] for one in contact["custom_fields_values"] or ())
