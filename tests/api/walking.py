"""Every route the server answers, and a company of two branches whose other branch is told by its words."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from processes import Machine, Served, write_table
from rakurs.analyses import AREAS
from rakurs.metrics import DIMENSIONS
from rakurs.web.links import CARD_NAMES
from routes import Route, routes_of, script

FOREIGN = "Zzchuzhoy"
"""Stands in every text of the other branch that is not an id: no limited user may ever be shown it."""
PRIVATE = "+7999555"
"""Begins every phone number: whoever may not see personal data is never shown it."""

PEOPLE: dict[str, dict[str, str]] = {
    "boss": {"role": "owner", "scope_kind": "all"},
    "head": {"role": "head", "scope_kind": "branch", "branch": "Москва"},
    "manager": {"role": "manager", "scope_kind": "own", "employee_id": "m1"},
    "marketer": {"role": "marketer", "scope_kind": "branch", "branch": "Москва"},
    "analyst": {"role": "analyst", "scope_kind": "department", "department": "Север"},
    "auditor": {"role": "own-1", "scope_kind": "all"},
}
LIMITED = ("head", "manager", "marketer", "analyst")
SEES_NO_PERSONAL_DATA = "auditor"

PIVOT: dict[str, Any] = {
    "kind": "pivot",
    "metrics": ["deals_created"],
    "rows": ["manager"],
    "params": {"period": "all", "compare": "none"},
}
"""A question whose answer names managers."""

_PEOPLE_AND_WORK = """
import hashlib, json, sys
from datetime import timedelta
from rakurs.state.opening import open_state
open_state()
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone
from rakurs.app import connections, people
from rakurs.app.home import default_home
from rakurs.app.accounts import new_token
from rakurs.app.rights import EVERYTHING
from rakurs.state.models import (
    Alert, Dashboard, Delivery, LoadJob, Note, OwnRole, Report, ReportVersion, Segment, Subscription, User, WriteRun,
)
from rakurs.state.sessions import SessionStore

OwnRole.objects.create(id=1, name="auditor", deeds=["read", "export", "share", "load", "administer"])
who, word, pivot = json.loads(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
found = {"sessions": {}, "tokens": {}, "ids": {}}
for login, rights in who.items():
    user = User.objects.create_user(login, "a-password-of-a-test", **rights)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    found["sessions"][login] = session.session_key
    token, found["tokens"][login] = new_token(user, name=login, scopes=["read", "keep", "export", "load", "administer"])
    if login == "boss":
        secret = {"owner": user, "title": word}
        shared = {"owner": user, "title": "Общее", "audience": "everyone"}
        far = timezone.now() + timedelta(days=900)
        tile = {"id": "managers", "place": {"x": 0, "y": 0, "w": 6, "h": 5},
                "content": {"kind": "question", "asked": pivot, "view": "table"}}
        reports = [Report.objects.create(asked=pivot, **made) for made in (secret, shared)]
        for report in reports:
            ReportVersion.objects.create(report=report, number=1, title=report.title, asked=pivot, by=user)
        report = reports[0]
        boards = [Dashboard.objects.create(tiles=[tile], **made) for made in (secret, shared)]
        subscription = Subscription.objects.create(subject={"report": report.pk}, at="09:00", next_at=far, **secret)
        subscription.people.set([user])
        alert = Alert.objects.create(subject={"asked": pivot}, condition="unusual", is_active=False, **secret)
        due = {"due_at": timezone.now(), "recipient": f"person:{user.pk}", "status": Delivery.Status.values[0]}
        Delivery.objects.create(notice_id=subscription.pk, title=word, **due)
        Note.objects.create(author=user, card="customers", subject="c5", text=word)
        invitation, _text = people.invite(user, word, people.Rights(role="manager", scope=EVERYTHING))
        source = connections.source_named("bitrix24")
        settings = connections.checked(source, {"webhook": "http://127.0.0.1:9/rest/1/code/"})
        connection = connections.made(default_home(), source, settings, title=word)
        connections.paused(connection, is_paused=True)
        asked = {"values": [], "comment": word, "task": "", "due_on": None, "campaign": "", "clears": True, "language": "ru"}
        writing = WriteRun.objects.create(
            connection=connection, prefix=connection.prefix, subject="s", title=word, asked=asked, by=user, status="dropped"
        )
        job = LoadJob.objects.create(owner=user, paths=[f"/x/{word}.csv"], status="done")
        found["ids"] = {
            "user_id": [user.pk],
            "token_id": [token.pk],
            "role_id": [1],
            "job_id": [job.pk],
            "connection_id": [connection.pk],
            "run_id": [writing.pk],
            "rest": ["events/summary"],
            "report_id": [report.pk for report in reports],
            "key": [*(board.pk for board in boards), "owner"],
            "subscription_id": [subscription.pk],
            "alert_id": [alert.pk],
            "notice_id": [subscription.pk],
            "invitation_id": [invitation.pk],
            "session_id": [hashlib.sha256(session.session_key.encode()).hexdigest()[:16]],
        }
print(json.dumps(found))
"""

_SHARED_SEGMENT = """
import sys
from rakurs.state.opening import open_state
open_state()
from rakurs.state.models import Segment
print(Segment.objects.filter(pk=sys.argv[1]).update(audience="everyone"))
"""


@dataclass(frozen=True)
class House:
    """A served company of two branches, its people, and the ids that belong to others."""

    served: Served
    routes: list[Route]
    sessions: dict[str, str]
    tokens: dict[str, str]
    ids: dict[str, Any] = field(default_factory=dict)

    def browser(self, who: str | None) -> httpx.Client:
        client = self.served.client()
        if who is not None:
            client.cookies.set("sessionid", self.sessions[who])
        return client

    def program(self, who: str) -> httpx.Client:
        return self.served.client(Authorization=f"Bearer {self.tokens[who]}")


def house_of(machine: Machine, served: Served) -> House:
    made = script(machine, _PEOPLE_AND_WORK, json.dumps(PEOPLE), FOREIGN, json.dumps(PIVOT))
    routes = routes_of(machine)
    ids = {**FOREIGN_IDS, **{name: [str(value) for value in values] for name, values in made["ids"].items()}}
    house = House(served, routes, made["sessions"], made["tokens"], ids)
    with house.program("boss") as boss:
        body = {"title": FOREIGN, "ids": "c1\nc5\nc6"}
        segments = [boss.post("/api/v1/segments", json=body | {"title": title}) for title in (FOREIGN, "Общее")]
    assert [answer.status_code for answer in segments] == [201, 201], segments[0].text
    ids["segment_id"] = [answer.json()["id"] for answer in segments]
    script(machine, _SHARED_SEGMENT, ids["segment_id"][1])
    return house


FOREIGN_IDS: dict[str, list[str]] = {
    "name": [analysis.name for area in AREAS for analysis in area.analyses],
    "kind": ["csv"],
    "verb": ["answer"],
    "card_name": sorted(CARD_NAMES),
    "channel_id": ["phone"],
    "subject_id": ["c5", "d5", "m2"],
    "table": ["deals"],
    "deal_id": ["d5"],
    "customer_id": ["c5"],
    "employee_id": ["m2"],
    "order_id": ["o5"],
    "token": ["no-such-invitation"],
    "deed": ["end-sessions"],
    "number": ["1"],
    "tile_id": ["managers", "customers"],
}
"""What fills the holes of routes: everything of the catalogues, and ids of the other branch or of another user."""

EVERYTHING_THERE_IS, OF_ANOTHER = "?period=all", "?period=all&basis=orders&manager=m2"
OF_ANOTHERS_CELL = "?cell.manager_id=m2"
QUERIES: dict[str, str] = {
    "build": "?m=deals_created&r=manager&period=all",
    "build_download": "?m=deals_created&r=manager&period=all",
    "build_members": "?m=deals_created&r=manager&period=all&cell.manager_id=m2",
    "build_download_members": "?m=deals_created&r=manager&period=all&cell.manager_id=m2",
    "palette": "?q=клиент",
    "pivot": "?metric=deals_created&by=manager&period=all",
    "saved_members": OF_ANOTHERS_CELL,
    "saved_download_members": OF_ANOTHERS_CELL,
    "dashboard_members": OF_ANOTHERS_CELL,
    "download_dashboard_members": OF_ANOTHERS_CELL,
}
"""What a route is asked besides its bare address, by its name."""


def addresses(route: Route, ids: dict[str, Any]) -> Iterator[str]:
    """Every address of a route. A hole nobody said how to fill fails with what to do."""
    filled = ["/" + route.route]
    if route.name == "dimension_values":
        ids = {**ids, "name": [dimension.name for dimension in DIMENSIONS]}
    if "connections/<" in route.route or "permits/<" in route.route:
        ids = {**ids, "name": ids["connection_id"]}
    for hole in route.holes:
        assert hole in ids, (
            f"the walk cannot fill <{hole}> of {route.route}: "
            f"add an id of another branch or user to tests/api/walking.py ({FOREIGN_IDS.keys()})"
        )
        pattern = re.compile(rf"<(?:\w+:)?{hole}>")
        filled = [pattern.sub(value, address) for address in filled for value in ids[hole]]
    yield from filled


def cell(name: str, *, is_api: bool) -> str:
    """The query of a cell of the other branch, for the members of the analysis called `name`."""
    analysis = next(found for area in AREAS for found in area.analyses if found.name == name)
    theirs = {"manager_id": "m2", "customer_id": "c5", "pipeline_id": "p", "stage_id": "won"}
    by = [column for column in analysis.members.by if column in theirs]
    return "?" + "&".join(f"cell{'=' if is_api else '.'}{column}={theirs[column]}" for column in by)


def two_branches(folder: Path) -> Path:
    """Employee m1 in Moscow, m2 in Tula. Whatever m2 has says FOREIGN in every text; both have phones."""
    write_table(
        folder,
        "employees",
        [
            {"employee_id": "m1", "name": "Анна", "department": "Север", "branch": "Москва"},
            {"employee_id": "m2", "name": f"{FOREIGN} Борис", "department": f"{FOREIGN} отдел", "branch": "Тула"},
        ],
    )
    write_table(folder, "pipelines", [{"pipeline_id": "p", "name": "Продажи"}])
    outcomes = {"new": "open", "won": "won", "lost": "lost"}
    write_table(
        folder,
        "stages",
        [
            {"pipeline_id": "p", "stage_id": stage, "name": stage, "position": position, "outcome": outcome}
            for position, (stage, outcome) in enumerate(outcomes.items(), start=1)
        ],
    )
    word = {number: FOREIGN if number > 4 else "Свой" for number in range(1, 9)}
    manager = {number: "m2" if number > 4 else "m1" for number in word}
    write_table(
        folder,
        "customers",
        [
            {
                "customer_id": f"c{number}",
                "name": f"{word[number]} клиент {number}",
                "phone": f"{PRIVATE}{number:04}",
                "email": f"{word[number]}{number}@example.com",
                "city": word[number],
                "region": word[number],
                "manager_id": manager[number],
            }
            for number in word
        ],
    )
    write_table(
        folder,
        "deals",
        [
            {
                "deal_id": f"d{number}",
                "pipeline_id": "p",
                "created_at": f"2026-01-0{number}T10:00:00",
                "closed_at": f"2026-01-1{number}T10:00:00" if number % 2 else "",
                "stage_id": "won" if number % 2 else "new",
                "customer_id": f"c{number}",
                "manager_id": manager[number],
                "amount": number * 100,
                "title": f"{word[number]} сделка",
                "своё поле": word[number],
            }
            for number in word
        ],
    )
    write_table(
        folder,
        "orders",
        [
            {
                "order_id": f"o{number}",
                "ordered_at": f"2026-01-1{number}T12:00:00",
                "paid_at": f"2026-01-1{number}T12:00:00",
                "customer_id": f"c{number}",
                "manager_id": manager[number],
                "amount": number * 10,
                "status": "paid",
                "promo_code": word[number],
            }
            for number in word
        ],
    )
    write_table(
        folder,
        "calls",
        [
            {
                "call_id": f"k{number}",
                "started_at": f"2026-01-1{number}T12:00:00",
                "direction": "in",
                "phone": f"{PRIVATE}{number:04}",
                "customer_id": f"c{number}",
                "employee_id": manager[number],
            }
            for number in word
        ],
    )
    return folder
