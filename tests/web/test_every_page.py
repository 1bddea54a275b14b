"""Does every page there is stand: open to all, in both themes and languages, at the width of a phone?

The pages are those of the app's own resolver: a new one without an example here fails.
"""

import re
from collections.abc import Generator

import pytest
from browsing import Site, Visitor, serious, settled
from playwright.sync_api import Page

from processes import Machine
from routes import routes_of, script

pytestmark = pytest.mark.browser

PAGES: dict[str, str] = {
    "dashboards": "/dashboards/",
    "add_to_dashboard": "/dashboards/add/?name=funnel",
    "edit_dashboard": "/dashboards/{key}/edit/",
    "dashboard_members": "/dashboards/owner/tiles/won/members/",
    "reports": "/reports/",
    "members": "/reports/rfm/members/?cell.segment=champions",
    "reconcile": "/reconcile/",
    "build": "/build/?m=revenue&r=month&period=all",
    "build_members": "/build/members/?m=deals_created&r=manager&period=all",
    "my": "/my/",
    "saved": "/my/{report}/",
    "saved_members": "/my/{report}/members/",
    "segments": "/segments/",
    "new_segment": "/segments/new/",
    "segment": "/segments/{segment}/",
    "edit_segment": "/segments/{segment}/edit/",
    "models": "/models/",
    "model": "/models/churn/",
    "upload": "/data/",
    "loads": "/data/loads/",
    "load": "/data/loads/{job}/",
    "sources": "/data/sources/",
    "new_source": "/data/sources/new/bitrix24/",
    "source": "/data/sources/{connection}/",
    "writing": "/data/writing/",
    "new_writing": "/data/writing/new/",
    "writing_run": "/data/writing/{writing}/",
    "quarantine": "/data/quarantine/",
    "channels": "/data/channels/",
    "identities": "/data/identities/",
    "notices": "/notices/",
    "new_schedule": "/notices/reports/new/?analysis=funnel",
    "schedule": "/notices/reports/{subscription}/",
    "new_alert": "/notices/alerts/new/",
    "alert": "/notices/alerts/{alert}/",
    "sending": "/settings/sending/",
    "account": "/account/",
    "set_second_factor": "/account/second-factor/",
    "people": "/settings/",
    "person": "/settings/people/{user}/",
    "roles": "/settings/roles/",
    "company": "/settings/company/",
    "site": "/settings/site/",
    "privacy": "/settings/privacy/",
    "audit": "/settings/audit/",
    "password_change": "/password",
    "help": "/help/",
    "start": "/help/start/",
    "news": "/help/news/",
    "help_metrics": "/help/metrics/",
    "help_tables": "/help/tables/",
    "help_analysis": "/help/funnel/",
    "card": "/customers/{customer}/",
}
ELSEWHERE = {
    "home": "test_dashboard_pages",
    "dashboard": "test_dashboard_pages",
    "television": "test_dashboard_pages",
    "report": "test_pages",
    "login": "test_pages",
    "login_code": "api/test_entrance",
    "join": "api/test_entrance",
    "mapping": "test_journeys",
    "correction": "test_journeys",
}
"""Pages that other tests look at."""
NAMED_PLACES = """
import json
from rakurs.state.opening import open_state
open_state()
from rakurs.web.palette import PLACES
print(json.dumps([place.route for place in PLACES]))
"""
FOR_ONE_THING = (
    "add_to_dashboard",
    "dashboard_members",
    "members",
    "model",
    "build_members",
    "help_analysis",
    "new_source",
)
"""Pages that make sense only for the thing they were opened from."""
FURNITURE = "#main :is(.head p, .crumbs > span, thead th, button, legend, .field > label, .field > span, .field > small, .hint, .notice)"
"""What Rakurs itself says on a page, and no data does."""
NO_PAGES = frozenset(
    [
        "create_dashboard",
        "save_dashboard",
        "share_dashboard",
        "delete_dashboard",
        "make_home",
        "dashboard_presets",
        "dashboard_preview",
        "dashboard_tile",
        "download_dashboard_members",
        "download",
        "download_members",
        "build_download",
        "build_download_members",
        "save_report",
        "change_report",
        "saved_download",
        "saved_download_members",
        "fit_model",
        "settle_model",
        "segment_condition",
        "segment_count",
        "save_segment",
        "change_segment",
        "download_segment",
        "act_on_source",
        "allow_source",
        "source_allowed",
        "settle_writing",
        "act_on_writing",
        "cancel_load",
        "retry_load",
        "quarantine_file",
        "decide_identity",
        "settle_channels",
        "template",
        "change_notice",
        "live",
        "change_profile",
        "create_token",
        "revoke_token",
        "end_session",
        "change_second_factor",
        "invite",
        "withdraw_invitation",
        "person_deed",
        "audit_file",
        "site_script",
        "collect",
        "logout",
        "set_language",
        "palette",
    ]
)
"""Deeds, files, parts of pages, and the stream of news."""
MADE = """
import json
from datetime import timedelta
from rakurs.state.opening import open_state
open_state()
from django.utils import timezone
from rakurs.app import connections
from rakurs.app.home import default_home
from rakurs.state.models import (
    Alert, Dashboard, LoadJob, Report, ReportVersion, Subscription, SyncRun, User, WriteDeed, WritePermit, WriteRun,
)

source = connections.source_named("bitrix24")
settings = connections.checked(source, {"webhook": "http://127.0.0.1:9/rest/1/code/"})
connection = connections.made(default_home(), source, settings, title="Portal")
connections.paused(connection, is_paused=True)
SyncRun.objects.create(
    connection=connection, wanted={"kind": "full", "compares": True, "from_day": None, "to_day": None}, status="failed",
    error_ru="Не отвечает", error_en="No answer", fetched=7, closed=["catalog.catalog.list"],
    started_at=timezone.now(), finished_at=timezone.now(),
    report={"load_id": "l", "started_at": "2026-01-01T00:00:00", "seconds": 1, "files": [], "data_version": 1, "tables": [{"table": "deals", "read": 5, "inserted": 5, "updated": 0, "unchanged": 0, "quarantined": 0, "repeated": 0}]},
)
user = User.objects.get(role="owner")
WritePermit.objects.create(connection=connection, kinds=["field", "task"])
writing = WriteRun.objects.create(
    connection=connection, prefix=connection.prefix, subject="s", title="Came again", by=user, status="ready",
    asked={"values": ["segment"], "comment": "", "task": "Call {name}", "due_on": "2031-01-01", "campaign": "", "clears": True, "language": "en"},
    lacking=[{"place": "contact", "ru": "контакты", "en": "contacts", "code": "RK_SEGMENT", "title": "Segment (Rakurs)"}],
)
about = {"run": writing, "customer_id": "c1", "customer": "Anna", "record": "C_1"}
WriteDeed.objects.create(key="1", mark="rakurs-1", kind="field", field="RK_SEGMENT", value="Came again", **about)
WriteDeed.objects.create(key="2", mark="rakurs-2", kind="task", text="Call Anna", to="1", due_at=timezone.now(), **about)
WriteDeed.objects.create(key="3", mark="rakurs-3", kind="field", field="RK_RISK", status="skipped", reason="no_value", **about)
asked = {"kind": "pivot", "metrics": ["revenue"], "rows": ["manager"], "params": {"period": "all"}}
tile = {"id": "managers", "place": {"x": 0, "y": 0, "w": 6, "h": 5},
        "content": {"kind": "question", "asked": asked, "view": "table"}}
report = Report.objects.create(owner=user, title="By manager", asked=asked)
ReportVersion.objects.create(report=report, number=1, title=report.title, asked=asked, by=user)
board = Dashboard.objects.create(owner=user, title="Morning", tiles=[tile])
subscription = Subscription.objects.create(
    owner=user, title="Every Monday", subject={"report": report.pk}, at="09:00",
    next_at=timezone.now() + timedelta(days=900),
)
subscription.people.set([user])
alert = Alert.objects.create(owner=user, title="Little money", subject={"asked": asked}, condition="unusual", is_active=False)
print(json.dumps({
    "connection": connection.pk, "writing": writing.pk, "user": user.pk, "report": report.pk, "key": board.pk, "subscription": subscription.pk, "alert": alert.pk,
    "job": LoadJob.objects.first().pk if LoadJob.objects.exists()
    else LoadJob.objects.create(owner=user, paths=["/x/клиенты.csv"], status="done").pk,
}))
"""
UNMADE = """
import json
from rakurs.state.opening import open_state
open_state()
from rakurs.state.models import Alert, Connection, Dashboard, Report, Subscription, WriteRun
for model in (WriteRun, Alert, Connection, Dashboard, Report, Subscription):
    model.objects.all().delete()
print(json.dumps(None))
"""


@pytest.fixture(scope="module")
def ids(demo: Site) -> Generator[dict[str, str]]:
    """One of everything that has a page of its own."""
    machine = Machine(demo.home)
    script(machine, UNMADE)
    made = script(machine, MADE)
    rows = machine.json("run", "customer_rating", "--limit", "1")["rows"]
    login, _ = demo.served.first_login
    key = re.search(r"rk_\S+", machine.run("token", "create", login))
    assert key
    rule = {"kind": "filter", "where": [{"field": "purchases", "operator": "between", "low": "2"}]}
    with demo.served.client(Authorization=f"Bearer {key[0]}") as owner:
        segment = owner.post("/api/v1/segments", json={"title": "Came again", "definition": rule}).json()["id"]
        yield {**made, "customer": rows[0]["customer_id"], "segment": segment}
        owner.delete(f"/api/v1/segments/{segment}")
    script(machine, UNMADE)


def test_every_page_has_an_example(demo: Site) -> None:
    web = {route.name for route in routes_of(Machine(demo.home)) if not route.is_api} - {"health"}
    assert {*PAGES, *ELSEWHERE} | NO_PAGES == web
    assert not {*PAGES, *ELSEWHERE} & NO_PAGES


def test_every_page_of_its_own_is_found_by_typing(demo: Site) -> None:
    lone = {name for name, path in PAGES.items() if "{" not in path and name not in FOR_ONE_THING}
    assert lone == {*script(Machine(demo.home), NAMED_PLACES)} - {"home"}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_open_to_all(visitor: Visitor, ids: dict[str, str], name: str) -> None:
    page = visitor.page()
    opened(page, PAGES[name].format(**ids))
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "wider than a phone"
    page.set_viewport_size({"width": 1440, "height": 900})
    cookies = [("django_language", "en"), ("theme", "dark")]
    page.context.add_cookies([{"name": key, "value": value, "url": visitor.site.url} for key, value in cookies])
    opened(page, PAGES[name].format(**ids))
    assert serious(page, "color-contrast") == []
    texts = {text.strip() for text in page.locator(FURNITURE).all_inner_texts()} - {"Русский"}
    assert not [text for text in texts if re.search("[а-яё]", text.casefold())], "Russian words on an English page"


def opened(page: Page, path: str) -> None:
    page.goto(path)
    settled(page)
