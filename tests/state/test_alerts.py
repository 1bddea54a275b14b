"""Is a number told of when it leaves its forecast, with the forecast, and is a short past admitted?"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from processes import write_table
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadParameter

LAST = date(2026, 3, 31)
"""A Tuesday: five times as much is sold on it as on any other day. The day before is like the others."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("alerts")
    before = {name: os.environ.get(name) for name in ("RAKURS_HOME", "DJANGO_SETTINGS_MODULE")}
    os.environ.update({"RAKURS_HOME": str(folder / "home"), "DJANGO_SETTINGS_MODULE": "rakurs.config.settings"})
    Home(folder / "home").ensured()
    from rakurs.state.opening import open_state

    open_state()
    days = [LAST - timedelta(days=back) for back in range(48)]
    amounts = [5000 if day == LAST else 1000 + 37 * (day.day % 5) for day in days]
    rows = [
        {"order_id": f"o{number}", "ordered_at": f"{day} 12:00", "customer_id": "c", "amount": amount}
        for number, (day, amount) in enumerate(zip(days, amounts, strict=True))
    ]
    write_table(folder / "files", "orders", rows)
    with Workspace.open(Home(folder / "home")) as opened:
        opened.load([folder / "files"], timezone="Europe/Moscow", currency="RUB")
        yield opened
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def owner(workspace: Workspace) -> Any:
    from rakurs.app.accounts import new_user, user_named

    new_user("watcher", role="owner", scope=EVERYTHING)
    made = user_named("watcher")
    made.email = "watcher@firm.test"
    made.save()
    return made


def watched(owner: Any, **more: Any) -> Any:
    from rakurs.app.alerts import keep_alert

    usual = {"metric": "revenue", "params": {}, "title": "", "condition": "forecast", "threshold": None}
    return keep_alert(owner, **{**usual, "is_told_each_time": False, "people": [owner], "chats": [], **more})


def test_a_day_outside_the_forecast_is_told_once_with_what_was_expected(workspace: Workspace, owner: Any) -> None:
    from rakurs.app.alerts import look_words, looked, noted_look

    alert = watched(owner)
    calm, strange = looked(workspace, alert, today=LAST), looked(workspace, alert, today=LAST + timedelta(days=1))
    assert (calm.is_so, calm.day, calm.against) == (False, LAST - timedelta(days=1), "forecast")
    assert (strange.is_so, strange.day, float(strange.value)) == (True, LAST, 5000)
    assert 900 < strange.low <= strange.expected <= strange.high < 1300
    words = look_words(alert, strange, workspace.format("ru")).replace("\xa0", " ")
    assert "5 000 ₽ за 31.03.2026" in words
    assert "прогноз по прошлому 1" in words
    assert "в 95 % случаев" in words
    now = datetime(2026, 4, 1, tzinfo=UTC)
    assert [noted_look(alert, finding, now=now) for finding in (calm, strange, strange)] == [False, True, False]


def test_a_day_the_data_have_not_reached_is_not_judged(workspace: Workspace, owner: Any) -> None:
    from rakurs.app.alerts import looked

    found = looked(workspace, watched(owner), today=LAST + timedelta(days=9))
    assert found.day == LAST, "the days without data are no fall"


@pytest.mark.parametrize(
    ("grain", "against", "first"), [("week", "usual", date(2026, 3, 23)), ("month", "nothing", date(2026, 3, 1))]
)
def test_a_short_past_is_admitted(workspace: Workspace, owner: Any, grain: str, against: str, first: date) -> None:
    from rakurs.app.alerts import look_words, looked

    alert = watched(owner, grain=grain)
    found = looked(workspace, alert, today=LAST + timedelta(days=1))
    assert (found.against, found.day) == (against, first)
    if against == "usual":
        assert "the past is too short for a forecast" in look_words(alert, found, workspace.format("en"))
    else:
        assert not found.is_so


@pytest.mark.parametrize(
    "wrong", [{"metric": "average_check"}, {"grain": "year"}, {"level": 50}, {"condition": "above"}]
)
def test_what_cannot_be_forecast_is_refused(workspace: Workspace, owner: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadParameter):
        watched(owner, **wrong)
