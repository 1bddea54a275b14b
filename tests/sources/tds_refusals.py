"""What does T-SQL refuse that other dialects take, and with which of SQL Server's numbers? Source: the list of Database Engine errors."""

import re
from itertools import pairwise

from sqlglot import exp
from sqlglot.tokens import Token, TokenType


class Refusal(Exception):
    """An ERROR token: SQL Server's number, severity and words."""

    def __init__(self, number: int, message: str, *, severity: int = 15) -> None:
        super().__init__(f"{number}: {message}")
        self.number, self.message, self.severity = number, message, severity


_FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        """
        abs avg cast ceiling charindex coalesce concat convert count count_big datalength dateadd datediff
        datefromparts datename datepart day db_name dense_rank floor fn_listextendedproperty format getdate getutcdate
        iif isnull lag lead left len lower ltrim max min month newid nullif object_id power rank replace reverse right
        round row_number rtrim schema_name serverproperty sign stuff substring sum suser_sname switchoffset
        sysdatetime sysdatetimeoffset sysutcdatetime todatetimeoffset trim try_cast try_convert upper year
        """,
    )
)
_WORDS = {
    TokenType.LIMIT: (102, "Incorrect syntax near 'limit'."),
    TokenType.DCOLON: (102, "Incorrect syntax near '::'."),
    TokenType.DPIPE: (102, "Incorrect syntax near '|'."),
    TokenType.ILIKE: (102, "Incorrect syntax near 'ilike'."),
    TokenType.INTERVAL: (102, "Incorrect syntax near 'interval'."),
}
_CONDITIONS = (exp.Where, exp.Having, exp.Not, exp.And, exp.Or)
_IS_CONDITION = (exp.Predicate, exp.Connector, exp.Not)
_QUERIES = (exp.Select, exp.SetOperation)


def refuse(tokens: list[Token], tree: exp.Expression) -> None:
    """Raises the first Refusal."""
    for token in tokens:
        if token.token_type in _WORDS:
            raise Refusal(*_WORDS[token.token_type])
    if isinstance(tree, exp.Select | exp.SetOperation):
        _refuse_functions(tokens, tree)
    for node in tree.walk():
        if isinstance(node, exp.Boolean):
            raise Refusal(207, f"Invalid column name '{str(node.this).lower()}'.", severity=16)
        if isinstance(node, exp.With) and node.parent is not tree:
            raise Refusal(156, "Incorrect syntax near the keyword 'with'.")
        if isinstance(node, _QUERIES) and node is not tree:
            _refuse_order(node)
        _refuse_values_as_conditions(node)
        if isinstance(node, exp.Select):
            _refuse_conditions_as_values(node)
    for relation in tree.find_all(exp.Subquery, exp.CTE):
        _refuse_unnamed(relation)


def refuse_doubled(tree: exp.Expression) -> None:
    """After the stars were told apart: the columns of a derived table have names of their own."""
    for relation in tree.find_all(exp.Subquery, exp.CTE):
        query = relation.this
        if not isinstance(query, _QUERIES) or not (isinstance(relation, exp.CTE) or _is_table(relation)):
            continue
        seen: set[str] = set()
        for name in query.named_selects:
            if name.lower() in seen:
                message = f"The column '{name}' was specified multiple times for '{relation.alias}'."
                raise Refusal(8156, message, severity=16)
            seen.add(name.lower())


def _refuse_functions(tokens: list[Token], tree: exp.Expression) -> None:
    named = {one.alias_or_name.lower() for one in tree.find_all(exp.CTE, exp.Subquery)} | {
        one.name.lower() for one in tree.find_all(exp.TableAlias)
    }
    for token, following in pairwise(tokens):
        is_called = following.token_type is TokenType.L_PAREN and token.token_type is TokenType.VAR
        if is_called and token.text.lower() not in _FUNCTIONS | named:
            raise Refusal(195, f"'{token.text}' is not a recognized built-in function name.")


def _refuse_order(query: exp.Expression) -> None:
    args = query.args
    is_of_insert = isinstance(query.parent, exp.Insert)
    if args.get("order") and not (args.get("limit") or args.get("offset") or is_of_insert):
        raise Refusal(
            1033,
            "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table expressions, "
            "unless TOP, OFFSET or FOR XML is also specified.",
        )


def _refuse_values_as_conditions(node: exp.Expression) -> None:
    wanted = list(node.iter_expressions()) if isinstance(node, _CONDITIONS) else []
    if isinstance(node, exp.Join) and node.args.get("on"):
        wanted = [node.args["on"]]
    if isinstance(node, exp.If) and not (isinstance(node.parent, exp.Case) and node.parent.this):
        wanted = [node.this]
    for condition in wanted:
        if not isinstance(condition.unnest(), _IS_CONDITION):
            message = "An expression of non-boolean type specified in a context where a condition is expected"
            raise Refusal(4145, f"{message}, near '{condition.sql('tsql')[-20:]}'.")


def _refuse_conditions_as_values(query: exp.Select) -> None:
    for projection in query.expressions:
        if isinstance(projection.unalias().unnest(), _IS_CONDITION):
            raise Refusal(102, f"Incorrect syntax near '{projection.unalias().key}'.")


def _is_table(relation: exp.Expression) -> bool:
    return isinstance(relation.parent, exp.From | exp.Join)


def _refuse_unnamed(relation: exp.Expression) -> None:
    query = relation.this
    if isinstance(relation, exp.Subquery):
        if not _is_table(relation):
            return
        if not relation.alias:
            raise Refusal(102, "Incorrect syntax near ')'.")
    alias = relation.args.get("alias")
    if not isinstance(query, exp.Select) or (alias and alias.args.get("columns")):
        return
    for place, projection in enumerate(query.expressions, start=1):
        if not isinstance(projection, exp.Column | exp.Star | exp.Alias):
            message = f"No column name was specified for column {place} of '{relation.alias}'."
            raise Refusal(8155, message, severity=16)
