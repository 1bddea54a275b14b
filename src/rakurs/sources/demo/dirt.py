"""Dirt: which rows are broken, how, and how many of each kind?

Broken rows are added, never taken from the good ones: each is a copy of a good row under an own id with one value
spoilt, so what is left when they are set aside is a company without a hole.
"""

from dataclasses import dataclass

DIRTY_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One way to spoil a row: `column` becomes `value` (SQL over the row's text columns).

    `is_forbidden` says whether a rule of the schema forbids it (an empty required value, a day that is none, a word
    outside the choices, closed before created); otherwise only sense does, and the row may be loaded.
    """

    kind: str
    column: str
    value: str
    is_forbidden: bool = True


def missing(column: str) -> Defect:
    """A required value left empty."""
    return Defect(kind=f"missing_{column}", column=column, value="null")


def bad_date(column: str) -> Defect:
    """A day no calendar has."""
    return Defect(kind=f"bad_date_{column}", column=column, value="'31.02.2025'")


def bad_number(column: str, text: str) -> Defect:
    """Words where a number belongs."""
    return Defect(kind=f"text_in_{column}", column=column, value=f"'{text}'")


DEFECTS: dict[str, tuple[Defect, ...]] = {
    "products": (missing("product_id"), bad_number("list_price", "по запросу"), bad_number("unit_cost", "нет")),
    "customers": (
        missing("customer_id"),
        bad_date("created_at"),
        Defect(kind="unknown_kind", column="kind", value="'юрлицо??'"),
        bad_number("latitude", "55,75 с.ш."),
    ),
    "leads": (missing("lead_id"), bad_date("created_at"), missing("created_at")),
    "deals": (
        missing("deal_id"),
        missing("created_at"),
        bad_date("created_at"),
        bad_number("amount", "уточняется"),
        Defect(
            kind="closed_before_created",
            column="closed_at",
            value="(created_at::timestamp - interval 40 days)::varchar",
        ),
    ),
    "deal_stage_events": (missing("stage_id"), bad_date("entered_at"), missing("deal_id")),
    "orders": (
        missing("order_id"),
        bad_date("ordered_at"),
        bad_number("amount", "12 тыс. примерно"),
        missing("ordered_at"),
    ),
    "order_lines": (
        missing("product_id"),
        bad_number("quantity", "две шт"),
        Defect(kind="negative_price", column="price", value="'-' || price"),
        Defect(kind="negative_quantity", column="quantity", value="'-' || ltrim(quantity, '-')", is_forbidden=False),
    ),
    "payments": (missing("payment_id"), bad_number("amount", "оплачено"), bad_date("paid_at")),
    "calls": (
        missing("call_id"),
        bad_date("started_at"),
        Defect(kind="unknown_direction", column="direction", value="'внутренний'"),
        Defect(kind="negative_talk_seconds", column="talk_seconds", value="'-5'"),
    ),
    "activities": (
        missing("activity_id"),
        bad_date("at"),
        Defect(kind="unknown_kind", column="kind", value="'телепатия'"),
    ),
    "ad_costs": (bad_number("amount", "по договору"), bad_date("spent_at")),
    "experiment_assignments": (missing("customer_id"), bad_date("assigned_at")),
    "subscriptions": (missing("subscription_id"), bad_date("started_at")),
    "service_costs": (bad_number("amount", "по счёту"), bad_date("spent_at")),
    "stock": (bad_number("quantity", "есть"), bad_date("counted_at")),
    "plans": (bad_number("target", "как в прошлом году"), missing("metric")),
}

LOADABLE = {
    table: tuple(defect.kind for defect in defects if not defect.is_forbidden)
    for table, defects in DEFECTS.items()
    if not all(defect.is_forbidden for defect in defects)
}
"""The kinds no rule forbids, by table."""

IDENTIFIERS = {
    "products": "product_id",
    "customers": "customer_id",
    "leads": "lead_id",
    "deals": "deal_id",
    "deal_stage_events": "deal_id",
    "orders": "order_id",
    "order_lines": "order_id",
    "payments": "payment_id",
    "calls": "call_id",
    "activities": "activity_id",
    "ad_costs": "campaign_id",
    "experiment_assignments": "experiment_id",
    "subscriptions": "subscription_id",
    "service_costs": "cost_id",
    "stock": "product_id",
    "plans": "employee_id",
}
"""The column a broken copy gets its own value in."""


ONLY_WHERE = {"order_lines": "is_return = 'false'"}
"""Which good rows are copied, where not every one may be: a return's quantity is negative by right."""


def spoilt_rows(table: str) -> str:
    """SQL for the broken copies of rows of `written_{table}`, with the kind of each as `defect`."""
    defects = DEFECTS[table]
    identifier = IDENTIFIERS[table]
    expressions = {identifier: f"coalesce({identifier}, '') || '-X'"}
    for place, defect in enumerate(defects):
        now = expressions.get(defect.column, f'"{defect.column}"')
        expressions[defect.column] = f"if(which = {place}, {defect.value}, {now})"
    replaced = ", ".join(f'{expression} as "{column}"' for column, expression in expressions.items())
    kinds = ", ".join(f"'{defect.kind}'" for defect in defects)
    return f"""
        select * exclude (which) replace ({replaced}), [{kinds}][1 + which] as defect
        from (
            select *, pick(row_no, 'defect', {len(defects)}) as which
            from written_{table} where u(row_no, 'dirty-{table}') < {DIRTY_SHARE} and {ONLY_WHERE.get(table, "true")}
        )
    """
