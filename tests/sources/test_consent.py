"""A system that lets us in by consent: tokens are taken once, renewed when they ended, and by one for all; withdrawn, it is said."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from rakurs.app.secret_files import checked_settings
from rakurs.core.errors import BadParameter, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.sources import LIVE_SOURCES, calling
from rakurs.sources.amocrm import consent as of_amocrm
from rakurs.sources.bitrix24 import consent as of_bitrix24
from rakurs.sources.consent import Pair, Tokens, renewal
from rakurs.sources.live import Change, Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.writing import CommentDeed
from sources.consenting import APPS, BACK

RENEW = {"bitrix24": of_bitrix24.pair, "amocrm": of_amocrm.pair}
OTHER = Pair(access="old", refresh="r", back=BACK)


@pytest.fixture(params=sorted(APPS))
def app(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    with APPS[request.param](tmp_path / "tokens.sqlite") as found:
        if request.param == "bitrix24":
            monkeypatch.setattr(of_bitrix24, "TOKEN_ADDRESS", f"{found.server.origin}/oauth/token/")
        yield found


def test_the_whole_way_of_an_application(app: Any, tmp_path: Path) -> None:
    """Agreed, followed, told of a change, written to, while its tokens end in the middle of it all."""
    with pytest.raises(SourceRefused, match="not allowed yet"):
        app.source.check(app.settings)
    app.allow()
    assert app.source.check(app.settings).who
    assert (app.tokens.stat().st_mode & 0o777, app.server.renewals) == (0o600, 0)
    first = Tokens(app.tokens).pair

    asked = 0

    def ends(*_: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            app.server.expire()

    app.server.faults.on_request = ends
    spool = Spool(tmp_path / "run")
    cursor = app.source.fetch(app.settings, Wanted(kind="full"), spool, silent)
    assert app.server.renewals == 1
    stream = "deals" if app.source.name == "bitrix24" else "leads"
    assert spool.rows(stream) == 12
    second = Tokens(app.tokens).pair
    assert (second.access, second.refresh, second.back) == (app.server.access, app.server.refresh_token, BACK)
    assert not {first.access, first.refresh} & {second.access, second.refresh}

    record = app.people()[0].partition("_")[2]
    app.server.expire()
    told = Spool(tmp_path / "told")
    told.note(**spool.notes)
    changes = (Change(stream="contacts", record_id=record),)
    app.source.fetch(app.settings, Wanted(kind="records", cursor=cursor, changes=changes), told, silent)
    assert told.rows("contacts") == 1

    app.server.expire()
    deed = CommentDeed(mark="rakurs-000000000001", record=app.people()[0], text="Ценный клиент")
    with app.source.writer.open(app.settings, lambda: None) as pen:
        assert {outcome.came for _, outcome in pen.write([deed])} == {"done"}
    assert len(app.comments()) == 1
    assert app.server.renewals == 3


def test_one_renews_for_all(app: Any) -> None:
    app.allow()
    app.server.expire()
    with ThreadPoolExecutor(6) as pool:
        for reached in pool.map(lambda _: app.source.check(app.settings), range(6)):
            assert reached.who
    assert app.server.renewals == 1


def test_what_was_withdrawn_says_what_to_do_and_keeps_its_secrets(app: Any) -> None:
    app.allow()
    app.server.expire()
    app.server.faults.revoked = True
    with pytest.raises(SourceRefused) as refused:
        app.source.check(app.settings)
    assert "press “Allow” again" in refused.value.message.en
    assert "«Разрешить»" in refused.value.message.ru
    pair = Tokens(app.tokens).pair
    shown = f"{refused.value.message}{refused.value!r}{app.settings!r}{pair!r}"
    for secret in (pair.access, pair.refresh, app.server.client_secret):
        assert secret not in shown
    # Let in again by somebody who agrees, it goes on.
    app.server.faults.revoked = False
    app.allow()
    assert app.source.check(app.settings).who


def test_killed_between_the_new_pair_and_its_keeping_it_is_told(app: Any) -> None:
    """The system has given up the old pair, and the new one is lost: nobody can know it, so somebody has to agree again."""
    app.allow()
    app.server.expire()
    tokens, settings = Tokens(app.tokens), app.settings
    stale = tokens.pair

    def dies(old: Pair) -> Pair:
        RENEW[app.source.name](settings, renewal(old))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokens.renewed(stale.access, dies)
    assert tokens.pair == stale
    with pytest.raises(SourceRefused, match="press “Allow” again"):
        app.source.check(settings)


def test_an_answer_of_another_or_of_nobody_is_not_taken(app: Any) -> None:
    consent, settings = app.source.consent, app.settings
    brought = app.server.agreed(consent.page(settings, BACK, "word"))
    who = "domain" if app.source.name == "bitrix24" else "referer"
    with pytest.raises(SourceRefused, match=r"evil\.example\.com"):
        consent.granted(settings, {**brought, who: "evil.example.com"}, back=BACK)
    with pytest.raises(SourceRefused, match="access_denied"):
        consent.granted(settings, {"error": "access_denied", "state": "word"}, back=BACK)
    with pytest.raises(SourceRefused) as refused:
        consent.granted(settings, {"error": "<b>call 8-800…</b>"}, back=BACK)
    assert "8-800" not in refused.value.message.en
    assert consent.granted(settings, brought, back=BACK).access
    with pytest.raises(SourceRefused, match="press “Allow” again"):
        consent.granted(settings, brought, back=BACK)


def test_a_killed_renewal_leaves_the_old_pair_and_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "tokens.sqlite"
    Tokens(file).keep(OTHER)
    program = (
        "import sys, time, pathlib\n"
        "from rakurs.sources.consent import Tokens\n"
        "Tokens(pathlib.Path(sys.argv[1])).renewed('old', lambda pair: print('in', flush=True) or time.sleep(60))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        # While it renews the old pair can be read, and who wants a new one waits.
        assert Tokens(file).pair == OTHER
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rakurs.sources.consent.WAIT_SECONDS", 0.05)
            with pytest.raises(SourceUnreachable, match="Another process"):
                Tokens(file).renewed("old", lambda pair: pair)
        os.kill(other.pid, signal.SIGKILL)
    began = monotonic()
    fresh = Pair(access="new", refresh="s", back=BACK)
    assert Tokens(file).renewed("old", lambda _: fresh) == "new"
    assert monotonic() - began < 2
    # Who held the old one finds the new one, and renews nothing.
    assert Tokens(file).renewed("old", lambda _: OTHER) == "new"
    assert Tokens(file).pair == fresh


@pytest.mark.parametrize(
    ("name", "given", "wrong"),
    [
        ("bitrix24", {}, "webhook"),
        ("bitrix24", {"client_id": "local.1"}, "client_secret"),
        ("bitrix24", {"client_id": "local.1", "client_secret": "s"}, "portal"),
        ("bitrix24", {"client_id": "local.1", "client_secret": "s", "portal": "no address"}, "portal"),
        ("amocrm", {"address": "a.amocrm.ru"}, "token"),
        ("amocrm", {"address": "a.amocrm.ru", "client_id": "1"}, "client_secret"),
    ],
)
def test_settings_of_half_a_way_are_refused(name: str, given: dict[str, str], wrong: str) -> None:
    with pytest.raises(BadParameter) as refused:
        checked_settings(LIVE_SOURCES[name].settings, given)
    assert refused.value.parameter == wrong
