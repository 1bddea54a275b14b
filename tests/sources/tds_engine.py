"""What stands behind the loopback server: T-SQL is checked as SQL Server would, translated, and answered by a real engine."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, TokenError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify_columns import qualify_columns, validate_qualify_columns
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.schema import MappingSchema
from sqlglot.tokens import Token, TokenType

from sources.tds_moments import ORDERS, literal, told
from sources.tds_refusals import Refusal, refuse, refuse_doubled
from sources.tds_values import CODE_PAGE, Kind, Named

VERSION = "Microsoft SQL Server 2022 (RTM) - 16.0.1000.6 (X64) a loopback server of the tests"
_DIALECT = sqlglot.Dialect.get_or_raise("tsql")
_MOMENTS = {"date", "datetime", "datetime2", "smalldatetime", "datetimeoffset", "time"}
_EXACT = {"decimal", "numeric", "money", "smallmoney"}
_UNLIKE = 59_999
"""The number of what this server does not know and SQL Server may: a test that meets it has to be looked at."""
_PHYSICAL = {
    "bit": "BOOLEAN",
    "tinyint": "UTINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "decimal": "DECIMAL({precision},{scale})",
    "numeric": "DECIMAL({precision},{scale})",
    "money": "DECIMAL(19,4)",
    "smallmoney": "DECIMAL(10,4)",
    "float": "DOUBLE",
    "real": "FLOAT",
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",
    "datetime2": "TIMESTAMP",
    "smalldatetime": "TIMESTAMP",
    "datetimeoffset": "VARCHAR",
    "uniqueidentifier": "UUID",
    "char": "VARCHAR",
    "varchar": "VARCHAR",
    "nchar": "VARCHAR",
    "nvarchar": "VARCHAR",
    "binary": "BLOB",
    "varbinary": "BLOB",
}
_BY_ENGINE = {
    "BOOLEAN": Kind("bit"),
    "UTINYINT": Kind("tinyint"),
    "SMALLINT": Kind("smallint"),
    "INTEGER": Kind("int"),
    "BIGINT": Kind("bigint"),
    "HUGEINT": Kind("decimal", precision=38),
    "FLOAT": Kind("real"),
    "DOUBLE": Kind("float"),
    "DATE": Kind("date"),
    "TIME": Kind("time", scale=7),
    "TIMESTAMP": Kind("datetime2", scale=7),
    "UUID": Kind("uniqueidentifier"),
    "VARCHAR": Kind("nvarchar", length=4000),
    "BLOB": Kind("varbinary", length=8000),
}
_NAMES = {
    "TIMESTAMPTZ": "datetimeoffset",
    "TIMESTAMP": "datetime2",
    "UUID": "uniqueidentifier",
    "BOOLEAN": "bit",
    "UTINYINT": "tinyint",
    "DOUBLE": "float",
    "TEXT": "nvarchar",
}


def kind_of(told_type: exp.DataType | None) -> Kind | None:
    """The type a T-SQL declaration or the checker names; None where it names none of ours."""
    if told_type is None:
        return None
    name = told_type.this.value if isinstance(told_type.this, exp.DataType.Type) else str(told_type.this)
    name = _NAMES.get(name, name.lower())
    given = [one.name for one in told_type.expressions]
    if name not in _PHYSICAL:
        return None
    if name in {"decimal", "numeric"}:
        return Kind(name, precision=int(given[0]) if given else 18, scale=int(given[1]) if given[1:] else 0)
    if name in {"datetime2", "datetimeoffset", "time"}:
        return Kind(name, scale=int(given[0]) if given else 7)
    if name in {"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"}:
        most = 4000 if name.startswith("n") else 8000
        return Kind(name, length=None if given and given[0].lower() == "max" else int(given[0]) if given else most)
    return Kind(name)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one statement gives: rows under columns, or how many rows it touched; a change of the transaction."""

    columns: Sequence[Named] = ()
    rows: Iterator[tuple[Any, ...]] = field(default_factory=lambda: iter(()))
    touched: int | None = None
    transaction: str = ""


class Database:
    """One database: its tables as T-SQL declares them, its rows in the engine."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connection = duckdb.connect(":memory:")
        self.tables: dict[str, dict[str, exp.DataType]] = {}
        self.lock = threading.Lock()
        self._make_system_views()

    def _make_system_views(self) -> None:
        self.connection.execute("create table sys_system_views as select 'dm_exec_sessions' as name")
        self.connection.execute(
            "create table sys_dm_exec_sessions as select i as session_id, 2 as transaction_isolation_level from range(51, 500) t(i)"
        )
        self.tables["sys_system_views"] = {"name": exp.DataType.build("nvarchar(128)", dialect="tsql")}
        number = exp.DataType.build("smallint", dialect="tsql")
        self.tables["sys_dm_exec_sessions"] = {"session_id": number, "transaction_isolation_level": number}

    def truth(self, sql: str) -> list[tuple[Any, ...]]:
        """What the engine itself says, past the protocol and the translation."""
        with self.connection.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def close(self) -> None:
        self.connection.close()


class Session:
    """One connection to a database: its transaction and how its language orders days."""

    def __init__(self, database: Database, *, number: int, language: str = "us_english") -> None:
        self.database, self.number = database, number
        self.order = ORDERS[language]
        self.depth = 0
        self._writes = False
        self._cursor = database.connection.cursor()

    def close(self) -> None:
        self.rolled_back()
        self._cursor.close()

    def answers(self, batch: str, given: Mapping[str, Any] | None = None) -> Iterator[Answer]:
        """What each statement of a batch gives. Raises Refusal."""
        for statement, tokens in _statements(batch):
            if (answer := self._of_session(statement)) is not None:
                yield answer
                continue
            tree = self._filled(_parsed(statement, tokens), given or {})
            refuse(tokens, tree)
            yield from self._done(tree)

    # -- the session itself ----------------------------------------------------------------------------

    def _of_session(self, statement: str) -> Answer | None:
        for pattern, act in _COMMANDS:
            if match := pattern.fullmatch(statement):
                return act(self, match)
        return None

    def began(self, _match: object = None) -> Answer:
        self.depth += 1
        return Answer(transaction="began" if self.depth == 1 else "")

    def committed(self, _match: object = None) -> Answer:
        if not self.depth:
            raise Refusal(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.", severity=16)
        self.depth -= 1
        if self.depth:
            return Answer()
        if self._writes:
            self._cursor.commit()
        self._writes = False
        return Answer(transaction="committed")

    def rolled_back(self, match: re.Match[str] | None = None) -> Answer:
        if not self.depth:
            if match and not match.groupdict().get("asked"):
                raise Refusal(
                    3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.", severity=16
                )
            return Answer()
        if self._writes:
            self._cursor.rollback()
        self.depth, self._writes = 0, False
        return Answer(transaction="rolled back")

    def ordered(self, match: re.Match[str]) -> Answer:
        self.order = match["order"].lower()
        return Answer()

    def used(self, match: re.Match[str]) -> Answer:
        if match["name"].lower() != self.database.name.lower():
            message = f"Database '{match['name']}' does not exist. Make sure that the name is entered correctly."
            raise Refusal(911, message, severity=16)
        return Answer()

    def kept_on(self, _match: object) -> Answer:
        return Answer()

    # -- statements ------------------------------------------------------------------------------------

    def _filled(self, tree: exp.Expression, given: Mapping[str, Any]) -> exp.Expression:
        """Parameters and variables replaced by what they hold."""
        variables = {"version": VERSION, "spid": self.number, "trancount": self.depth}

        def filled(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Parameter):
                is_variable = isinstance(node.this, exp.Parameter)
                values = variables if is_variable else {name.lstrip("@").lower(): one for name, one in given.items()}
                name = (node.this.this if is_variable else node.this).name.lower()
                if name not in values:
                    raise Refusal(137, f'Must declare the scalar variable "@{name}".')
                return _literal(values[name])
            if isinstance(node, exp.Table) and node.name.lower() == "fn_listextendedproperty":
                return sqlglot.parse_one("(select 1 as name where 1 = 0) as properties", into=exp.Table)
            if isinstance(node, exp.CurrentSchema):
                return exp.Literal.string("dbo")
            return node

        return tree.transform(filled, copy=False)

    def _done(self, tree: exp.Expression) -> Iterator[Answer]:
        try:
            if isinstance(tree, exp.Select | exp.SetOperation):
                yield self._selected(tree)
            elif isinstance(tree, exp.Create):
                yield self._created(tree)
            elif isinstance(tree, exp.Drop):
                yield self._dropped(tree)
            elif isinstance(tree, exp.Insert | exp.Update | exp.Delete):
                yield self._changed(tree)
            else:
                raise Refusal(_UNLIKE, f"the loopback server does not know this statement: {tree.sql('tsql')[:200]}")
        except duckdb.Error as wrong:
            raise _as_sql_server(wrong) from None

    def _selected(self, tree: exp.Expression) -> Answer:
        tree = self._checked(tree)
        self._cursor.execute(tree.sql("duckdb", identify=True, comments=False))
        described = [str(column[1]) for column in self._cursor.description]
        columns = [
            Named("" if re.fullmatch(r"_col_\d+", name) else name, _told_kind(projection, physical))
            for name, projection, physical in zip(tree.named_selects, tree.selects, described, strict=True)
        ]
        places = [place for place, column in enumerate(columns) if column.kind.name == "datetimeoffset"]
        return Answer(columns=columns, rows=_rows(self._cursor, places))

    def _checked(self, tree: exp.Expression) -> exp.Expression:
        """The query with every column known by table and type, and written for the engine."""
        tree = self._spelled(tree)
        tables = self.database.tables
        ours = {one.alias.lower() for one in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            if table.db.lower() not in {"", "dbo"} or (table.name not in tables and table.name.lower() not in ours):
                raise Refusal(208, f"Invalid object name '{table.sql('tsql')}'.", severity=16)
            table.set("db", None)
            table.set("hints", None)
        schema = MappingSchema(
            {name: dict(columns) for name, columns in tables.items()}, dialect="tsql", normalize=False
        )
        try:
            tree = qualify_columns(qualify_tables(tree, dialect="tsql"), schema=schema)
            refuse_doubled(tree)
            validate_qualify_columns(tree)
        except OptimizeError as wrong:
            raise Refusal(207, f"Invalid column name: {wrong}", severity=16) from None
        return _settled(annotate_types(tree, schema=schema, dialect="tsql"), self.order)

    def _spelled(self, tree: exp.Expression) -> exp.Expression:
        """Names in one spelling, that of their declaration: to SQL Server they are the same in capitals."""
        for table in tree.find_all(exp.Table):
            if table.db.lower() == "sys":
                table.set("this", exp.to_identifier(f"sys_{table.name}"))
                table.set("db", None)
        spelling: dict[str, str] = {}
        for name, columns in self.database.tables.items():
            for one in (name, *columns):
                spelling.setdefault(one.lower(), one)
        for identifier in tree.find_all(exp.Identifier):
            identifier.set("this", spelling.setdefault(identifier.name.lower(), identifier.name))
        return tree

    def _created(self, tree: exp.Create) -> Answer:
        if tree.kind != "TABLE" or not isinstance(tree.this, exp.Schema):
            raise Refusal(_UNLIKE, "the loopback server makes tables only")
        name, columns, parts = tree.this.this.name, {}, []
        if name in self.database.tables:
            raise Refusal(2714, f"There is already an object named '{name}' in the database.", severity=16)
        for column in tree.this.expressions:
            if not isinstance(column, exp.ColumnDef):
                parts.append(column.sql("duckdb", identify=True))
                continue
            kind = kind_of(column.args["kind"])
            if kind is None:
                raise Refusal(_UNLIKE, f"the loopback server has no such type: {column.sql('tsql')}")
            columns[column.name] = column.args["kind"]
            physical = _PHYSICAL[kind.name].format(precision=kind.precision, scale=kind.scale)
            rules = {type(one.kind) for one in column.args.get("constraints") or ()}
            key = " primary key" if exp.PrimaryKeyColumnConstraint in rules else ""
            parts.append(f'"{column.name}" {physical}{key}')
        with self.database.lock:
            self._cursor.execute(f'create table "{name}" ({", ".join(parts)})')
            self.database.tables[name] = columns
        return Answer()

    def _dropped(self, tree: exp.Drop) -> Answer:
        for table in self._spelled(tree).find_all(exp.Table):
            with self.database.lock:
                if self.database.tables.pop(table.name, None) is not None:
                    self._cursor.execute(f'drop table "{table.name}"')
                elif not tree.args.get("exists"):
                    message = f"Cannot drop the table '{table.name}', because it does not exist or you do not have permission."
                    raise Refusal(3701, message, severity=11)
        return Answer()

    def _changed(self, tree: exp.Expression) -> Answer:
        tree = self._spelled(tree)
        target = tree.find(exp.Table)
        columns = self.database.tables.get(target.name if target else "")
        if target is None or columns is None:
            raise Refusal(208, f"Invalid object name '{target.name if target else ''}'.", severity=16)
        target.set("db", None)
        if isinstance(tree, exp.Insert):
            self._insertion(tree, columns)
            tree = _bare(tree)
        else:
            for column in tree.find_all(exp.Column):
                if column.name not in columns:
                    raise Refusal(207, f"Invalid column name '{column.name}'.", severity=16)
                column.type = columns[column.name]
            for given in tree.expressions:
                _settle(given.expression, kind_of(given.this.type), self.order)
            tree = _settled(tree, self.order)
        if self.depth and not self._writes:
            self._cursor.begin()
            self._writes = True
        with self.database.lock:
            touched = self._cursor.execute(tree.sql("duckdb", identify=True)).fetchone()
        return Answer(touched=touched[0] if touched else 0)

    def _insertion(self, tree: exp.Insert, columns: Mapping[str, exp.DataType]) -> None:
        named = [one.name for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else list(columns)
        if isinstance(tree.expression, exp.Values):
            for given in tree.expression.expressions:
                if len(given.expressions) != len(named):
                    message = "Column name or number of supplied values does not match table definition."
                    raise Refusal(213, message, severity=16)
                for value, name in zip(given.expressions, named, strict=True):
                    _settle(value, kind_of(columns[name]), self.order)
        else:
            raise Refusal(_UNLIKE, "the loopback server inserts values only")


_COMMANDS: Sequence[tuple[re.Pattern[str], Callable[[Session, re.Match[str]], Answer]]] = (
    (re.compile(r"begin tran(?:saction)?", re.IGNORECASE), Session.began),
    (re.compile(r"commit(?: tran(?:saction)?| work)?", re.IGNORECASE), Session.committed),
    (
        re.compile(r"(?P<asked>if @@trancount\s*>\s*0\s+)?rollback(?: tran(?:saction)?| work)?", re.IGNORECASE),
        Session.rolled_back,
    ),
    (re.compile(r"use \[?(?P<name>\w+)\]?", re.IGNORECASE), Session.used),
    (re.compile(r"set dateformat (?P<order>mdy|dmy|ymd)", re.IGNORECASE), Session.ordered),
    (
        re.compile(
            r"set (?:arithabort|concat_null_yields_null|ansi_nulls|ansi_null_dflt_on|ansi_padding|ansi_warnings|"
            r"cursor_close_on_commit|quoted_identifier|nocount|xact_abort|implicit_transactions) (?:on|off)",
            re.IGNORECASE,
        ),
        Session.kept_on,
    ),
    (re.compile(r"set (?:textsize|lock_timeout) -?\d+", re.IGNORECASE), Session.kept_on),
    (re.compile(r"set transaction isolation level read (?:un)?committed", re.IGNORECASE), Session.kept_on),
)


def _statements(batch: str) -> Iterator[tuple[str, list[Token]]]:
    """The statements between semicolons: their text and their tokens."""
    begin, tokens = 0, []
    for token in _tokens(batch):
        if token.token_type is not TokenType.SEMICOLON:
            tokens.append(token)
            continue
        if tokens:
            yield batch[begin : token.start].strip(), tokens
        begin, tokens = token.end + 1, []
    if tokens:
        yield batch[begin:].strip(), tokens


def _tokens(text: str) -> list[Token]:
    try:
        return _DIALECT.tokenize(text)
    except TokenError as wrong:
        raise Refusal(105, f"Unclosed quotation mark: {str(wrong)[:100]}") from None


def _parsed(statement: str, tokens: list[Token]) -> exp.Expression:
    try:
        (tree,) = _DIALECT.parser().parse(tokens, statement)
    except ParseError as wrong:
        near = wrong.errors[0].get("highlight") if wrong.errors else ""
        raise Refusal(102, f"Incorrect syntax near '{near}'.") from None
    if not isinstance(tree, exp.Expression) or isinstance(tree, exp.Command):
        raise Refusal(_UNLIKE, f"the loopback server does not know this statement: {statement[:200]}")
    return tree


def _literal(value: Any) -> exp.Expression:
    if isinstance(value, bytes):
        return exp.HexString(this=value.hex())
    if value is None or isinstance(value, int | float):
        return exp.convert(value)
    return exp.National(this=value.isoformat() if hasattr(value, "isoformat") else str(value))


def _settled(tree: exp.Expression, order: str) -> exp.Expression:
    """Texts that are held against moments become moments; texts without an N lose what the code page lacks."""
    for node in list(tree.find_all(exp.Binary, exp.Between, exp.In, exp.Cast)):
        if isinstance(node.parent, exp.Update) and node.arg_key == "expressions":
            continue  # nothing is compared there: the value was settled by its column
        sides = [*node.iter_expressions()]
        kinds = [kind_of(side.type) for side in sides if not _is_text(side)]
        of_moments = [kind for kind in kinds if kind and kind.name in _MOMENTS]
        if isinstance(node, exp.Cast):
            of_moments = [kind for kind in (kind_of(node.to),) if kind and kind.name in _MOMENTS]
        for side in sides if of_moments else ():
            _settle(side, of_moments[0], order)
        if of_moments and of_moments[0].name == "datetimeoffset":
            _refuse_mixed(node, sides)
    for node in list(tree.find_all(exp.Add)):
        if any(
            _is_text(side) or (side.type and side.type.is_type(*exp.DataType.TEXT_TYPES)) for side in sides_of(node)
        ):
            node.replace(exp.DPipe(this=node.this, expression=node.expression))
    return _bare(tree)


def sides_of(node: exp.Expression) -> list[exp.Expression]:
    return [node.this, node.expression]


def _refuse_mixed(node: exp.Expression, sides: Sequence[exp.Expression]) -> None:
    """A moment with a zone is kept as a text: only its like and literals may stand beside it."""
    for side in sides:
        kind = kind_of(side.type)
        stands_alone = _is_text(side) or isinstance(side, exp.Null | exp.DataType)
        if not stands_alone and not (kind and kind.name == "datetimeoffset"):
            raise Refusal(_UNLIKE, f"the loopback server cannot compare these: {node.sql('tsql')[:100]}")
    if isinstance(node, exp.Cast):
        node.set("to", exp.DataType.build("varchar"))
        node.type = exp.DataType.build("datetimeoffset", dialect="tsql")


def _is_text(node: exp.Expression) -> bool:
    return isinstance(node, exp.National) or (isinstance(node, exp.Literal) and node.is_string)


def _settle(node: exp.Expression, kind: Kind | None, order: str) -> None:
    """A text as the value of its column: moments in the engine's spelling, bytes as they are."""
    if kind is not None and kind.name in _MOMENTS and _is_text(node):
        node.replace(exp.Literal.string(literal(node.name, kind.name, order)))
    elif kind is not None and kind.name in _EXACT and isinstance(node, exp.Literal | exp.Neg):
        # All the digits: the engine would take a long number for a float.
        node.replace(exp.Literal.string(node.sql()))


def _bare(tree: exp.Expression) -> exp.Expression:
    def bared(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.National):
            return exp.Literal.string(node.name)
        if isinstance(node, exp.Literal) and node.is_string:
            return exp.Literal.string(node.name.encode(CODE_PAGE, errors="replace").decode(CODE_PAGE))
        return node

    # What an N stands before is kept from the second rule: the walk goes from the root and does not enter what it put there.
    return tree.transform(bared, copy=False)


def _told_kind(projection: exp.Expression, physical: str) -> Kind:
    """The type of a column of an answer: the checker's where the engine agrees with it, else the engine's."""
    if isinstance(projection.unalias(), exp.Count):
        return Kind("int")
    kind = kind_of(projection.type) or kind_of(projection.unalias().type)
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", physical)
    if kind is not None and kind.name in {"money", "smallmoney"} and decimal:
        return kind
    if decimal:
        name = kind.name if kind and kind.name == "numeric" else "decimal"
        return Kind(name, precision=int(decimal[1]), scale=int(decimal[2]))
    if kind is not None and _PHYSICAL[kind.name] == physical:
        return kind
    if physical not in _BY_ENGINE:
        raise Refusal(_UNLIKE, f"the loopback server has no type for {physical}")
    return _BY_ENGINE[physical]


def _rows(cursor: duckdb.DuckDBPyConnection, zoned: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    while part := cursor.fetchmany(500):
        for one in part:
            if not zoned:
                yield one
                continue
            values = list(one)
            for place in zoned:
                values[place] = None if values[place] is None else told(values[place])
            yield tuple(values)


def _as_sql_server(wrong: duckdb.Error) -> Refusal:
    text = str(wrong).splitlines()[0]
    if isinstance(wrong, duckdb.ConstraintException):
        return Refusal(2627, f"Violation of PRIMARY KEY constraint: {text}", severity=14)
    if isinstance(wrong, duckdb.ConversionException):
        return Refusal(245, f"Conversion failed: {text}", severity=16)
    return Refusal(_UNLIKE, f"the loopback server cannot say what SQL Server would: {text}", severity=16)
