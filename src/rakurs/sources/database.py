"""A database of one's own (PostgreSQL, MySQL, MariaDB, MS SQL, SQLite), followed by queries that name canonical columns.

Each query feeds one table and says itself what its columns mean: `select id as order_id, total as amount ... from sales`. A column
called `changed` makes it incremental: a run asks for what is not older than the newest change that was seen. Once a day, and in every
full load, the keys that are left are read too, and rows that are missing among them are marked as deleted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr, field_validator
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.loading import Progress, silent
from rakurs.core.source import Delivery, TableMapping, Value
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import TABLES, table_named
from rakurs.sources.live import Change, Cursor, Landing, LiveSource, Reached, SettingField, SourceSettings, Wanted
from rakurs.sources.rows import LEFT, brought
from rakurs.sources.spool import Spool

NAME = "database"
CHANGED = "changed"
"""The column by which a query is incremental."""
OVERLAP = timedelta(minutes=5)
_ROWS_A_TIME = 5_000
_CONNECT_SECONDS = 10
_LINE = re.compile(r"^\s*(\w+)\s*[:=]\s*((?:select|with)\b.*?);?\s*$", re.IGNORECASE | re.DOTALL)
_NEW_QUERY = re.compile(r"^(?=\s*\w+\s*[:=]\s*(?:select|with)\b)", re.IGNORECASE | re.MULTILINE)
_DRIVERS = {
    "postgresql": "psycopg",
    "postgres": "psycopg",
    "mysql": "pymysql",
    "mariadb": "pymysql",
    "mssql": "pymssql",
}
"""What an address that names no driver means; the first four come with Rakurs, the last with its extra `mssql`."""
_PATIENCE = {
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "pymysql": "connect_timeout",
    "mysqldb": "connect_timeout",
    "pymssql": "login_timeout",
    "pyodbc": "timeout",
}
"""What each driver calls the seconds a connection may take."""
_SILENCE_SECONDS = 600
"""How long MS SQL may be silent in the middle of an answer."""
_READING_ONLY = {"mysql": "set session transaction read only", "mariadb": "set session transaction read only"}
_WITH_COMES_FIRST = {"mssql"}
"""Where `with` may not stand in brackets."""
_BRACKETS = re.compile(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|[()]|\bselect\b", re.IGNORECASE | re.DOTALL)
"""Brackets and `select`, but for those in texts, names and comments."""
_OF_OTHERS = {("mssql", 1205), ("mssql", 1222)}
"""Errors that pass by themselves: chosen as the victim of a deadlock, waited too long for a lock."""
_BELOW = re.compile(r"DB-Lib error message \d+, severity \d+:\n(?!General SQL Server error|DBPROCESS is dead)([^\n]*)")
"""What the library below a driver says by itself."""
_SERVER_SAID = "Check messages from the SQL Server"
_NOT_LET_IN = "Login failed: the user, the password or the name of the database is wrong"
_NO_DAY = re.compile(r"0000-00-00(?: 00:00:00(?:\.0+)?)?")
"""How MySQL writes that there is no day."""
_KNOWN = frozenset(table.name for table in TABLES)

_AWAY = Text(
    ru="База {where} не отвечает: {why}. Проверьте адрес, порт и доступ с этой машины.",
    en="The database {where} does not answer: {why}. Check its address, port and the way from this machine.",
)
_WRONG = Text(
    ru="Запрос для «{table}» не выполнился: {why}. Исправьте его в настройках источника.",
    en="The query for “{table}” failed: {why}. Mend it in the source's settings.",
)
_BROKEN_OFF = Text(
    ru="База прервала запрос для «{table}»: {why}. Данные целы, следующий запуск спросит снова.",
    en="The database broke the query for “{table}” off: {why}. Nothing is lost, the next run asks again.",
)
_NO_DRIVER = Text(
    ru="Для такой базы нет драйвера: {why}. PostgreSQL: postgresql://…, MySQL и MariaDB: mysql://…; для MS SQL поставьте "
    "rakurs[mssql], для других драйвер рядом с Ракурсом.",
    en="There is no driver for such a database: {why}. PostgreSQL: postgresql://…, MySQL and MariaDB: mysql://…; for MS SQL "
    "install rakurs[mssql], for others a driver beside Rakurs.",
)
_NO_KEY = Text(
    ru="Запрос для «{table}» не даёт столбцов {columns}: по ним узнаётся строка.",
    en="The query for “{table}” lacks the columns {columns}: a row is known by them.",
)


@dataclass(frozen=True, slots=True)
class Query:
    """What feeds one canonical table."""

    table: str
    sql: str

    def within(self, asked: str, dialect: str) -> str:
        """The query in the place of `{}` in `asked`, for `sa.text`: a colon in it is a colon, not the name of a value."""
        opening, rest = _parted(self.sql) if dialect in _WITH_COMES_FIRST else ("", self.sql)
        return opening.replace(":", r"\:") + asked.format(rest.replace(":", r"\:"))


def _parted(sql: str) -> tuple[str, str]:
    """What `with` names, and the query itself: the first `select` that no brackets enclose."""
    depth = 0
    for match in _BRACKETS.finditer(sql):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0 and match[0].lower() == "select":
            return sql[: match.start()], sql[match.start() :]
    return "", sql


class DatabaseSettings(SourceSettings):
    """Where the database is, and what is asked of it."""

    url: SecretStr
    queries: str

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: SecretStr) -> SecretStr:
        try:
            sa.make_url(value.get_secret_value().strip())
        except SQLAlchemyError:
            raise ValueError("an address such as postgresql://user:password@host/base is needed") from None
        return SecretStr(value.get_secret_value().strip())

    @field_validator("queries")
    @classmethod
    def _are_queries(cls, value: str) -> str:
        for query in queries_of(value):
            if query.table not in _KNOWN:
                raise ValueError(f"no canonical table is called {query.table}")
        return value


def queries_of(text: str) -> tuple[Query, ...]:
    """`orders: select ...` each from a line of its own; a query may take several lines. ValueError says what is none."""
    found: list[Query] = []
    for part in filter(str.strip, _NEW_QUERY.split(text)):
        match = _LINE.match(part)
        if match is None:
            raise ValueError(f"this is no query of the form “table: select …”: {part.strip()[:60]}")
        found.append(Query(match[1].lower(), match[2]))
    if not found:
        raise ValueError("at least one query of the form “table: select …” is needed")
    return tuple(found)


FIELDS = (
    SettingField(
        name="url",
        title=Text(ru="Адрес базы", en="Address of the database"),
        hint=Text(
            ru="postgresql://пользователь:пароль@сервер/база, mysql://…, mssql://…; хватит пользователя, который может только читать.",
            en="postgresql://user:password@host/base, mysql://…, mssql://…; a user who may only read is enough.",
        ),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="queries",
        title=Text(ru="Запросы", en="Queries"),
        hint=Text(
            ru="По одному на таблицу: orders: select id as order_id, … from sales. Столбец changed делает запрос добавочным: приходит "
            "только изменившееся.",
            en="One for each table: orders: select id as order_id, … from sales. A column called changed makes it incremental: "
            "only what changed comes.",
        ),
        kind="lines",
        is_required=True,
    ),
)


def check(settings: DatabaseSettings) -> Reached:
    """How many rows each query gives, and whether it names the columns its rows are known by."""
    with _opened(settings) as connection:
        counts = tuple(
            (
                table_named(query.table).title,
                int(_one(connection, query, "select count(*) from ({}) counted")),
            )
            for query in queries_of(settings.queries)
        )
        for query in queries_of(settings.queries):
            _columns(connection, query)
        return Reached(who=_where(settings), counts=counts)


def fetch(settings: DatabaseSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted of every query into the spool; the newest change of each is the cursor."""
    queries = queries_of(settings.queries)
    cursor = dict(wanted.cursor)
    with _opened(settings) as connection:
        run = _Run(connection=connection, spool=spool, progress=progress)
        for number, query in enumerate(queries):
            stream, place = f"q{number}", _place(queries, number)
            if not spool.is_done(stream):
                columns = _columns(connection, query)
                asked, given = _asked(columns, wanted, since=cursor.get(place, ""))
                run.read(query, asked, given, stream=stream)
                spool.append(stream, (), is_done=True)
            if wanted.kind != "period" and (newest := spool.place(stream)):
                cursor[place] = newest
        for table in dict.fromkeys(query.table for query in queries) if wanted.compares else ():
            left = f"{LEFT}{table}"
            if _is_known_by_ids(table_named(table)) and not spool.is_done(left):
                keys = ", ".join(table_named(table).key)
                for query in (one for one in queries if one.table == table):
                    run.read(query, f"select {keys} from ({{}}) known", {}, stream=left)
                spool.append(left, (), is_done=True)
        if wanted.compares:
            spool.note(compared=True)
    # A cursor is never empty, or the next run would be a full one.
    return {"read": "yes", **cursor}


def _place(queries: Sequence[Query], number: int) -> str:
    """What the cursor of a query is called: the first, second ... of its table."""
    table = queries[number].table
    return f"{table} {sum(one.table == table for one in queries[: number + 1])}"


def deliveries(settings: DatabaseSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """The rows of each query under its canonical table; other columns are custom fields."""
    for number, query in enumerate(queries_of(settings.queries)):
        table = table_named(query.table)
        columns = spool.columns(f"q{number}")
        values = {name: Value(columns=(name,)) for name in columns if name in table.names}
        kept = {*columns} - {CHANGED}
        mapping = TableMapping(table=query.table, values=values)
        yield from brought(spool, f"q{number}", (mapping,), name=NAME, source=landing.source, kept=kept)
    for table in dict.fromkeys(table_named(query.table) for query in queries_of(settings.queries)):
        yield from brought(spool, f"{LEFT}{table.name}", (_marks(table),), name=NAME, source=landing.source)


def _marks(table: Table) -> TableMapping:
    """Rows whose keys are not among those that are left."""
    values = {name: Value(columns=(name,)) for name in table.key}
    return TableMapping(table=table.name, values=values, deletes="unlisted")


def told(_settings: DatabaseSettings, _form: Mapping[str, str]) -> tuple[Change, ...]:
    """A database tells nothing by itself."""
    return ()


@contextmanager
def _opened(settings: DatabaseSettings) -> Iterator[sa.Connection]:
    """A connection that reads only, closed at the end. Raises SourceRefused and SourceUnreachable."""
    url = _with_driver(sa.make_url(settings.url.get_secret_value()))
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_connect_args(url))
        connection = engine.connect()
    except (NoSuchModuleError, ModuleNotFoundError) as missing:
        raise SourceRefused(_NO_DRIVER.filled(why=_reason(missing))) from None
    except OperationalError as away:
        raise SourceUnreachable(_AWAY.filled(where=_where(settings), why=_reason(away))) from None
    try:
        if url.get_backend_name() in _READING_ONLY:
            connection.exec_driver_sql(_READING_ONLY[url.get_backend_name()])
            connection.rollback()
        if url.get_backend_name() == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        yield connection.execution_options(stream_results=True, yield_per=_ROWS_A_TIME)
    except DBAPIError as lost:
        raise SourceUnreachable(_AWAY.filled(where=_where(settings), why=_reason(lost))) from None
    finally:
        connection.close()
        engine.dispose()


def _with_driver(url: sa.URL) -> sa.URL:
    backend, _, driver = url.drivername.partition("+")
    known = _DRIVERS.get(backend)
    if driver or known is None:
        return url
    return url.set(drivername=f"{'postgresql' if backend == 'postgres' else backend}+{known}")


def _connect_args(url: sa.URL) -> dict[str, Any]:
    name = _PATIENCE.get(url.drivername.partition("+")[2])
    given: dict[str, Any] = {name: _CONNECT_SECONDS} if name else {}
    if url.drivername == "mssql+pymssql":
        given["timeout"] = _SILENCE_SECONDS
        # Unless told which it is, the driver tries one version after another, each as long as a connection may take.
        given["tds_version"] = url.query.get("tds_version", "7.4")
    if name and url.get_backend_name() in {"mysql", "mariadb"} and url.password is not None:
        # The driver would write it in Latin-1.
        given["password"] = str(url.password).encode()
    return given


def _asked(columns: Sequence[str], wanted: Wanted, *, since: str) -> tuple[str, dict[str, Any]]:
    """What is asked of a query: it is narrowed to what is wanted, in the order of changes."""
    if CHANGED not in columns:
        return "{}", {}
    bounds: list[str] = []
    given: dict[str, Any] = {}
    if wanted.kind == "changes" and since:
        # What was never changed since it was made may have no time of change: it comes each time.
        bounds, given = [f"({CHANGED} >= :since or {CHANGED} is null)"], {"since": _before(_moment(since))}
    elif wanted.kind == "period" and wanted.from_day and wanted.to_day:
        bounds = [f"{CHANGED} >= :since", f"{CHANGED} < :until"]
        given = {
            "since": datetime.combine(wanted.from_day, time()),
            "until": datetime.combine(wanted.to_day + timedelta(days=1), time()),
        }
    narrowed = f" where {' and '.join(bounds)}" if bounds else ""
    return f"select * from ({{}}) followed{narrowed} order by {CHANGED}", given


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    connection: sa.Connection
    spool: Spool
    progress: Progress

    def read(self, query: Query, asked: str, given: Mapping[str, Any], *, stream: str) -> None:
        """Keep the rows of a query; a run that was stopped within it begins it again, and rows are known by their keys."""
        step = table_named(query.table).title
        rows = 0
        try:
            with closing(_executed(self.connection, query, asked, given)) as result:
                names = [_called(query, name) for name in result.keys()]  # noqa: SIM118 - a result is no mapping
                for part in result.partitions(_ROWS_A_TIME):
                    records = [dict(zip(names, map(_written, row), strict=True)) for row in part]
                    newest = next((told for record in reversed(records) if (told := record.get(CHANGED))), "")
                    self.spool.append(stream, records, place=str(newest))
                    rows += len(records)
                    self.progress(step, done=rows, total=0)
        except DBAPIError as wrong:
            raise _refused(self.connection, query, wrong) from None


def _columns(connection: sa.Connection, query: Query) -> tuple[str, ...]:
    """What a query's columns are called. Raises SourceRefused where it fails or lacks the table's key."""
    try:
        result = _executed(connection, query, "select * from ({}) tried where 1 = 0")
        columns = tuple(name.lower() for name in result.keys())  # noqa: SIM118 - a result is no mapping
        result.close()
    except DBAPIError as wrong:
        raise _refused(connection, query, wrong) from None
    lacking = [name for name in table_named(query.table).key if name not in columns and name != "line_no"]
    if lacking:
        raise SourceRefused(_NO_KEY.filled(table=query.table, columns=", ".join(lacking)))
    return columns


def _executed(connection: sa.Connection, query: Query, asked: str, given: Mapping[str, Any] | None = None) -> Any:
    dialect = connection.dialect.name
    values = {name: _told(value, dialect) for name, value in (given or {}).items()}
    return connection.execute(sa.text(query.within(asked, dialect)), values)


def _told(value: Any, dialect: str) -> Any:
    """A moment as MS SQL reads it in every session: where days come before months, 2026-03-01 is the third of January to it."""
    if dialect == "mssql" and isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return value


def _one(connection: sa.Connection, query: Query, asked: str) -> Any:
    try:
        return _executed(connection, query, asked).scalar_one()
    except DBAPIError as wrong:
        raise _refused(connection, query, wrong) from None


def _refused(connection: sa.Connection, query: Query, wrong: DBAPIError) -> Exception:
    """What a query failed of: itself, a connection that was cut, or others who wrote at the same time."""
    if wrong.connection_invalidated:
        return wrong
    if wrong.orig and wrong.orig.args[:1] and (connection.dialect.name, wrong.orig.args[0]) in _OF_OTHERS:
        return SourceUnreachable(_BROKEN_OFF.filled(table=query.table, why=_reason(wrong)))
    return SourceRefused(_WRONG.filled(table=query.table, why=_reason(wrong)))


def _called(query: Query, name: str) -> str:
    """Our columns in small letters, whatever the database makes of them; others as they are."""
    return name.lower() if name.lower() in {*table_named(query.table).names, CHANGED} else name


def _is_known_by_ids(table: Table) -> bool:
    return {table.column(name).unit for name in table.key} == {Unit.ID}


def _written(value: Any) -> Any:
    """A value as text: moments and days as ISO 8601, decimals with their digits, a bit as 0 or 1."""
    if isinstance(value, str):
        return None if _NO_DAY.fullmatch(value) else value
    if value is None or isinstance(value, int | bool):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, bytes):
        return value[0] if len(value) == 1 else value.hex()
    return str(value)


def _span(value: timedelta) -> str:
    """A span of time as people write it: 26:03:04."""
    minutes, seconds = divmod(abs(int(value.total_seconds())), 60)
    return f"{'-' if value < timedelta() else ''}{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _before(place: Any) -> Any:
    """A little earlier: a transaction writes its time first and is seen when it ends."""
    return place - OVERLAP if isinstance(place, datetime) else place


def _moment(text: str) -> Any:
    """A cursor as the database compares it: a number, a moment where it reads as one, else a text."""
    if text.isdecimal():  # 20260301 reads as a day, too
        return int(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _where(settings: DatabaseSettings) -> str:
    """The database without the password."""
    return sa.make_url(settings.url.get_secret_value()).render_as_string(hide_password=True)


def _reason(error: Exception) -> str:
    """The first line of what a driver says; a statement's values stay out of it."""
    told = getattr(error, "orig", None) or error
    args = told.args[0] if len(told.args) == 1 and isinstance(told.args[0], tuple) else told.args
    if len(args) == 2 and isinstance(args[1], bytes):
        return _words_of_the_server(args[1].decode(errors="replace"))
    return str(told).strip().splitlines()[0][:300] if str(told).strip() else type(told).__name__


def _words_of_the_server(text: str) -> str:
    """What the server said of a query, else what the library below the driver says of the connection.

    The driver keeps the words of one refused login for a whole process: of later ones only that the server said something.
    """
    below = _BELOW.search(text)
    server = text.partition("DB-Lib error message")[0].strip().removesuffix(".")
    if server and not (below and server.startswith("Changed database context")):
        return server.splitlines()[0][:300]
    if below and _SERVER_SAID in text and "timed out" not in below[1]:
        return _NOT_LET_IN
    return (below[1] if below else text.strip().splitlines()[-1])[:300]


SOURCE = LiveSource(
    name=NAME,
    area="data",
    title=Text(ru="База данных", en="Database"),
    about=Text(
        ru="PostgreSQL, MySQL, MariaDB, MS SQL: запросы, которые называют столбцы таблиц Ракурса; изменения и удаления.",
        en="PostgreSQL, MySQL, MariaDB, MS SQL: queries that name the columns of Rakurs' tables; changes and deletions.",
    ),
    unverified=Text(
        ru="Проверено на PostgreSQL, MariaDB и SQLite. MySQL не проверялся, его протокол тот же. MS SQL проверен на тестовом сервере, "
        "который говорит по его протоколу, но не на самой программе; драйвер: rakurs[mssql].",
        en="Tried on PostgreSQL, MariaDB and SQLite. MySQL was not tried, its protocol is the same. MS SQL was tried against a loopback "
        "server that speaks its protocol, not against the product; its driver: rakurs[mssql].",
    ),
    hooks=None,
    settings=DatabaseSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=_where,
    reaches_inside=True,
)
