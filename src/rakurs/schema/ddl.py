"""How is a declared table written down as `create table`?

Plain SQL that DuckDB and Spark both read. There are no primary keys: an index on ten million keys costs more
memory than the whole load may take, and the loader keeps keys unique itself.
"""

from rakurs.core.table import Column, Table
from rakurs.schema.derived import stored


def quoted(name: str) -> str:
    """A column or table name, safe to stand in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """A text constant, safe to stand in SQL."""
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def column_ddl(column: Column) -> str:
    """One column of `create table`: its name and stored type."""
    return f"{quoted(column.name)} {column.unit.sql}"


def table_ddl(table: Table) -> str:
    """`create table if not exists` for exactly the columns of `table`."""
    columns = ", ".join(column_ddl(column) for column in table.columns)
    return f"create table if not exists {quoted(table.name)} ({columns})"


def canonical_ddl(table: Table) -> str:
    """`create table` for a canonical table as it is stored, derived columns included."""
    return table_ddl(stored(table))
