"""Twenty kills (-9) at random moments of a full load: does every source end with its system's own numbers, nothing lost or doubled?"""

import os
import random
import sqlite3
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest

from effort import tries
from sources import (
    test_amocrm,
    test_calltouch,
    test_database,
    test_ga4,
    test_mailbox,
    test_mango,
    test_sftp,
    test_uis,
    test_vk_ads,
    test_watched_files,
    test_yandex_direct,
    test_yandex_metrica,
)
from sources.amocrm_account import Account
from sources.calltouch_server import Diary
from sources.following import Following
from sources.ga4_server import Property
from sources.imap_server import MailServer
from sources.killed import PAUSE_SECONDS, Errand, Processes, contents, cursor_of
from sources.mango_server import Exchange
from sources.sftp_server import Shelf
from sources.t_sql import in_t_sql
from sources.tds_server import TdsServer
from sources.uis_server import Office
from sources.vk_ads_server import Cabinet
from sources.yandex_direct_server import Advertiser
from sources.yandex_metrica_server import Site
from state.postgresql import running_cluster

KILLS = tries(3, 20)
SEED = 20261201


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A system that is up: what a process is sent for, who reads the result, and what the system says itself."""

    errand: Errand
    reading: Callable[[Path], Following]
    numbers: Callable[[Any], Any]
    truth: Any


Opened = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[Followed]]


def opened(follower: Following, numbers: Callable[[Any], Any], truth: Any, **patches: Any) -> Followed:
    """A system as its own tests follow it; the patches hold in the processes that are sent."""
    settings = {name: _open(value) for name, value in follower.settings.model_dump().items()}
    kind = type(follower)
    errand = Errand(
        module=follower.source.fetch.__module__.removesuffix(".fetching"),
        settings=settings,
        prefix=follower.prefix,
        timezone=follower.timezone,
        marts=[mart.table.name for mart in follower.marts],
        patches={
            "rakurs.sources.calling.FIRST_PAUSE_SECONDS": 0.01,
            **{name.replace("__", "."): value for name, value in patches.items()},
        },
    )

    def reading(folder: Path) -> Following:
        read = kind.__new__(kind)
        Following.__init__(read, folder, follower.source, follower.settings, prefix=follower.prefix)
        return read

    return Followed(errand=errand, reading=reading, numbers=numbers, truth=truth)


def _open(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def hurried(module: str, **others: Any) -> dict[str, Any]:
    """Limits of calls that no server of a test has."""
    return {f"{module}._RATE": 1000.0, f"{module}._BURST": 1000, **others}


@contextmanager
def amocrm(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Account(leads=260, contacts=260, companies=20, calls=40, tasks=30) as account:
        follower = test_amocrm.Follower(folder, account)
        follower.marts = [mart for mart in follower.marts if mart.table.name in {"deal_moves", "deal_outcomes"}]
        numbers = test_amocrm.Follower.numbers
        yield opened(follower, numbers, test_amocrm.truth_of(account), **hurried("rakurs.sources.amocrm.account"))


@contextmanager
def uis(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Office(calls=330) as office:
        others = {
            "rakurs.sources.uis.fetching.HISTORY": timedelta(days=370),
            "rakurs.sources.uis.fetching.PAGE": 20,
            "rakurs.sources.uis.account._RESET_MARGIN_SECONDS": 0.05,
        }
        yield opened(
            test_uis.Follower(folder, office),
            test_uis.Follower.numbers,
            test_uis.truth_of(office),
            **hurried("rakurs.sources.uis.account", **others),
        )


@contextmanager
def calltouch(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Diary() as diary:
        others = {
            "rakurs.sources.calltouch.site.ADDRESS": diary.url,
            "rakurs.sources.calltouch.fetching.HISTORY": timedelta(days=370),
            "rakurs.sources.calltouch.fetching.PAGE": 20,
        }
        yield opened(
            test_calltouch.Follower(folder, diary),
            test_calltouch.Follower.numbers,
            test_calltouch.truth_of(diary),
            **hurried("rakurs.sources.calltouch.site", **others),
        )


@contextmanager
def mango(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Exchange() as exchange:
        others = {
            "rakurs.sources.mango.exchange.ADDRESS": exchange.url,
            "rakurs.sources.mango.fetching.HISTORY": timedelta(days=370),
            "rakurs.sources.mango.exchange._POLL_SECONDS": 0.01,
            "rakurs.sources.mango.exchange._BLOCK_SECONDS": 0.02,
        }
        yield opened(
            test_mango.Follower(folder, exchange),
            test_mango.Follower.numbers,
            exchange.truth,
            **hurried("rakurs.sources.mango.exchange", **others),
        )


@contextmanager
def yandex_direct(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Advertiser() as advertiser:
        others = {"rakurs.sources.yandex_direct.advertiser._RETRY_SECONDS": 0.01}
        yield opened(
            test_yandex_direct.Follower(folder, advertiser),
            test_yandex_direct.Follower.numbers,
            advertiser.truth(date.min, date.max),
            **hurried("rakurs.sources.yandex_direct.advertiser", **others),
        )


@contextmanager
def yandex_metrica(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Site() as site:
        others = {"rakurs.sources.yandex_metrica.fetching.PAGE": 20}
        yield opened(
            test_yandex_metrica.Follower(folder, site),
            test_yandex_metrica.Follower.numbers,
            site.truth(date.min, date.max),
            **hurried("rakurs.sources.yandex_metrica.counter", **others),
        )


@contextmanager
def vk_ads(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Cabinet() as cabinet:
        others = {"rakurs.sources.vk_ads.account.ADDRESS": f"{cabinet.url}/api/v2"}
        yield opened(
            test_vk_ads.Follower(folder, cabinet),
            test_vk_ads.Follower.numbers,
            cabinet.truth(),
            **hurried("rakurs.sources.vk_ads.account", **others),
        )


@contextmanager
def ga4(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with Property() as google:
        others = {"rakurs.sources.ga4.property.ADDRESS": f"{google.url}/v1beta", "rakurs.sources.ga4.property.PAGE": 50}
        yield opened(
            test_ga4.Follower(folder, google),
            test_ga4.Follower.numbers,
            test_ga4.truth_of(google),
            **hurried("rakurs.sources.ga4.property", **others),
        )


# -- a company's own database --------------------------------------------------------------------------

BUYERS, SALES = 1_500, 800


class Buyers(Following):
    """Follows a shop's database."""

    def __init__(self, folder: Path, url: str) -> None:
        queries = in_t_sql(test_database.QUERIES) if "mssql" in url else test_database.QUERIES
        settings = test_database.SOURCE.settings(url=url, queries=queries)
        super().__init__(folder, test_database.SOURCE, settings, prefix="shop")

    def numbers(self) -> dict[str, Any]:
        orders = self.rows("orders")
        return {
            "buyers": len(self.rows("customers")),
            "orders": len(orders),
            "sum": sum((row["amount"] for row in orders), Decimal(0)),
            "lines": len(self.rows("order_lines")),
        }


def sold(run: Callable[[str], Any]) -> dict[str, Any]:
    """Fill the shop; what it has sold by its own reckoning."""
    buyers = ", ".join(f"({n}, 'Покупатель {n}', null, null, '2026-04-01 00:00:00')" for n in range(10, BUYERS + 10))
    run(f"insert into buyers values {buyers}")
    orders = ", ".join(
        f"('B-{n}', '2026-04-01', {n}, {n}.{n % 100:02}, false, '2026-04-01 00:00:00')" for n in range(10, SALES + 10)
    )
    run(f"insert into sales values {orders}")
    total = sum((Decimal(f"{n}.{n % 100:02}") for n in range(10, SALES + 10)), Decimal("100.10"))
    return {"buyers": BUYERS + 2, "orders": SALES + 2, "sum": total, "lines": 2}


SLOW = {"rakurs.sources.database._ROWS_A_TIME": 50}


@contextmanager
def sqlite(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    path = folder / "shop.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(test_database.SCHEMA)
        truth = sold(connection.execute)
        connection.commit()
        yield opened(Buyers(folder, f"sqlite:///{path}"), Buyers.numbers, truth, **SLOW)


@contextmanager
def postgresql(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with running_cluster() as cluster:
        url = cluster.new_database("shop")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(test_database.SCHEMA)
            truth = sold(connection.execute)
        ours = url.replace("postgresql://", "postgresql+psycopg://")
        yield opened(Buyers(folder, ours), Buyers.numbers, truth, **SLOW)


@contextmanager
def mssql(folder: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with TdsServer() as server:
        url = server.new_database("shop")
        with closing(server.connected("shop")) as connection, connection.cursor() as cursor:
            cursor.execute(in_t_sql(test_database.SCHEMA))
            truth = sold(lambda sql: cursor.execute(in_t_sql(sql)))
        server.pause_seconds = PAUSE_SECONDS
        yield opened(Buyers(folder, url), Buyers.numbers, truth, **SLOW)


# -- files ---------------------------------------------------------------------------------------------

FILES, ROWS_A_FILE = 3, 300


def exported() -> dict[str, str]:
    """Files of a company, by name: rows with numbers of their own, and rows without any, in files of one name."""
    people = {
        f"{number}/customers.csv": "customer_id;name\n"
        + "".join(f"{number * ROWS_A_FILE + row};Покупатель {number} {row}\n" for row in range(ROWS_A_FILE))
        for number in range(FILES)
    }
    sales = {f"{month}/sales.csv": f"Клиент;Дата;Сумма\nООО «Луч»;01.0{month}.2026;{month}0\n" for month in (1, 2)}
    return people | sales


class Files(Following):
    """Follows files, wherever they lie."""

    def numbers(self) -> dict[str, Any]:
        """The numbers of customers, how many their names are, and what was sold."""
        people = [row for row in self.rows("customers") if row["customer_id"].isdecimal()]
        return {
            "customers": sorted(int(row["customer_id"]) for row in people),
            "names": len({row["name"] for row in people}),
            "sold": sorted(row["amount"] for row in self.rows("orders")),
        }


FILE_TRUTH = {
    "customers": list(range(FILES * ROWS_A_FILE)),
    "names": FILES * ROWS_A_FILE,
    "sold": [Decimal(10), Decimal(20)],
}


def written(folder: Path) -> None:
    for name, text in exported().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="cp1251")
        os.utime(path, (time.time() - 60, time.time() - 60))


def of_files(follower: Following, **patches: Any) -> Followed:
    read = Files(follower.folder, follower.source, follower.settings, prefix=follower.prefix)
    return opened(read, Files.numbers, FILE_TRUTH, **patches)


@contextmanager
def folder(place: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    written(place / "exports")
    settings = test_watched_files.SOURCE.settings(place=str(place / "exports"))
    following = Following(place, test_watched_files.SOURCE, settings, prefix="folder")
    yield of_files(following, **{"rakurs.sources.files.watched._CHUNK": 4096})


@contextmanager
def sftp(place: Path, _patch: pytest.MonkeyPatch) -> Generator[Followed]:
    written(place / "server" / "exports")
    with Shelf(place / "server") as shelf:
        shelf.slow_seconds = PAUSE_SECONDS
        patches = {
            "rakurs.sources.files.sftp.SETTLING_SECONDS": 0.02,
            "rakurs.sources.files.sftp_host.CHUNK_BYTES": 2048,
        }
        yield of_files(test_sftp.Follower(place, shelf), **patches)


@contextmanager
def mailbox(place: Path, patch: pytest.MonkeyPatch) -> Generator[Followed]:
    with MailServer(place / "server") as server:
        patch.setenv("SSL_CERT_FILE", str(server.certificate))
        for number, (name, text) in enumerate(exported().items()):
            server.deliver(test_mailbox.letter((Path(name).name, text), number=number))
        server.slow_seconds = PAUSE_SECONDS
        patches = {
            "$SSL_CERT_FILE": str(server.certificate),
            "rakurs.sources.files.mailbox.LETTERS_A_TIME": 2,
            "rakurs.sources.files.mail_host.CHUNK_BYTES": 4096,
        }
        yield of_files(test_mailbox.Follower(place, server, adds_up=True), **patches)


SOURCES: Sequence[Opened] = (
    amocrm,
    uis,
    calltouch,
    mango,
    yandex_direct,
    yandex_metrica,
    vk_ads,
    ga4,
    sqlite,
    postgresql,
    mssql,
    folder,
    sftp,
    mailbox,
)


@pytest.fixture(scope="module")
def processes() -> Generator[Processes]:
    with Processes() as found:
        yield found


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every server that speaks HTTP thinks a moment before it answers: kills fall between answers, and into them."""
    heard = BaseHTTPRequestHandler.parse_request

    def parse_request(self: BaseHTTPRequestHandler) -> bool:
        time.sleep(PAUSE_SECONDS)
        return heard(self)

    monkeypatch.setattr(BaseHTTPRequestHandler, "parse_request", parse_request)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_full_load_killed_at_random_moments_loses_and_doubles_nothing(
    source: Opened, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    print(f"seed {SEED}")  # noqa: T201 - shown when the test fails
    chance = random.Random(SEED)
    (tmp_path / "system").mkdir()
    with source(tmp_path / "system", monkeypatch) as followed:
        assert processes.sent(followed.errand, tmp_path / "whole")
        expected = loaded(followed, tmp_path / "whole", checks_numbers=True)
        bare = replace(followed.errand, marts=())
        span = longest = processes.seconds_of(bare, tmp_path / "again")
        assert loaded(followed, tmp_path / "again") == expected
        kills, loads = 0, 0
        while kills < KILLS:
            house = tmp_path / f"house-{loads}"
            if processes.sent(bare, house, killed_after=chance.uniform(0, span)):
                assert loaded(followed, house) == expected
                loads, span = (
                    loads + 1,
                    max(0.8 * span, longest / 4),
                )  # the moments fell too late: a try that goes on is shorter
            else:
                kills += 1
        house = tmp_path / f"house-{loads}"
        assert processes.sent(bare, house)
        assert loaded(followed, house) == expected
        print(f"{KILLS} kills in {loads + 1} loads")  # noqa: T201


def loaded(followed: Followed, folder: Path, *, checks_numbers: bool = False) -> Mapping[str, Any]:
    """Every row that was loaded, and where the next run begins."""
    reading = followed.reading(folder)
    try:
        if checks_numbers:
            assert followed.numbers(reading) == followed.truth
        return {**contents(reading), "cursor": cursor_of(folder)}
    finally:
        reading.close()
