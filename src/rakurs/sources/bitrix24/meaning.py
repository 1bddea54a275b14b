"""What do the records of a portal mean in canonical tables?"""

from collections.abc import Iterator, Mapping, Sequence

from rakurs.core.source import Deletes, Delivery, FileMapping, TableMapping, Value
from rakurs.sources.bitrix24.settings import Bitrix24Settings
from rakurs.sources.spool import Spool

NAME = "bitrix24"
_DEAL_EXTRAS = (
    "TYPE_ID",
    "SOURCE_DESCRIPTION",
    "UTM_SOURCE",
    "UTM_MEDIUM",
    "UTM_CONTENT",
    "UTM_TERM",
    "IS_RETURN_CUSTOMER",
)
_PERSON_EXTRAS = (
    "Другие телефоны",
    "Другие e-mail",
    "TYPE_ID",
    "COMPANY_TYPE",
    "INDUSTRY",
    "POST",
    "SOURCE_DESCRIPTION",
)
_ACTIVITY_EXTRAS = ("SUBJECT", "DEADLINE", "PROVIDER_ID")


def _of(*columns: str, default: str | None = None) -> Value:
    return Value(columns=columns, default=default)


def _listed(table: str, key: str, *columns: str, **others: Value) -> TableMapping:
    """One row per distinct value of a column; the value is its own name unless told otherwise."""
    values = {key: _of(*columns), "name": _of(*columns), **others}
    return TableMapping(table=table, values=values, distinct=True)


_PEOPLE = {
    "customer_id": _of("_self"),
    "name": _of("_name"),
    "phone": _of("_phone"),
    "email": _of("_email"),
    "city": _of("ADDRESS_CITY"),
    "region": _of("ADDRESS_PROVINCE", "ADDRESS_REGION"),
    "country": _of("ADDRESS_COUNTRY"),
    "birth_date": _of("_born_on"),
    "created_at": _of("DATE_CREATE"),
    "channel_id": _of("SOURCE_ID"),
    "manager_id": _of("ASSIGNED_BY_ID"),
}


def _people(kind: str, *columns: str) -> TableMapping:
    """Customers of one kind: rows of a stream that are customers by themselves."""
    values = {name: value for name, value in _PEOPLE.items() if set(value.columns) & {*columns}}
    return TableMapping(table="customers", values={**values, "kind": Value(constant=kind)}, distinct=False)


def _deals(loss_reason: str | None) -> tuple[TableMapping, ...]:
    values = {
        "deal_id": _of("ID"),
        "pipeline_id": _of("CATEGORY_ID", default="0"),
        "created_at": _of("DATE_CREATE"),
        "closed_at": _of("_closed_at"),
        "expected_close_on": _of("_expected_on"),
        "stage_id": _of("STAGE_ID"),
        "customer_id": _of("_customer"),
        "manager_id": _of("ASSIGNED_BY_ID"),
        "channel_id": _of("SOURCE_ID"),
        "campaign_id": _of("UTM_CAMPAIGN"),
        "amount": _of("OPPORTUNITY"),
        "currency": _of("CURRENCY_ID"),
        "title": _of("TITLE"),
    }
    campaigns = _listed("campaigns", "campaign_id", "UTM_CAMPAIGN")
    if loss_reason is None:
        return (campaigns, TableMapping(table="deals", values=values))
    values["loss_reason_id"] = _of(loss_reason)
    return (
        _listed("loss_reasons", "loss_reason_id", loss_reason),
        campaigns,
        TableMapping(table="deals", values=values),
    )


_MEANT: Mapping[str, tuple[str, tuple[TableMapping, ...]]] = {
    "users": ("employees", (TableMapping(table="employees", values={
        "employee_id": _of("ID"), "name": _of("name"), "department": _of("department"), "branch": _of("branch"),
        "role": _of("role"), "hired_on": _of("hired_on"),
    }),)),
    "channels": ("channels", (TableMapping(table="channels", values={"channel_id": _of("STATUS_ID"), "name": _of("NAME")}),)),
    "pipelines": ("pipelines", (TableMapping(table="pipelines", values={"pipeline_id": _of("id"), "name": _of("name")}),)),
    "stages": ("stages", (TableMapping(table="stages", values={
        "pipeline_id": _of("pipeline"), "stage_id": _of("STATUS_ID"), "name": _of("NAME"), "position": _of("position"),
        "outcome": _of("outcome"),
    }),)),
    "products": ("products", (TableMapping(table="products", values={
        "product_id": _of("product"), "name": _of("name"), "category": _of("section"), "unit_cost": _of("unit_cost"),
        "list_price": _of("list_price"),
    }),)),
    "companies": ("customers", (_people("company", "_self", "_name", "_phone", "_email", "ADDRESS_CITY", "ADDRESS_PROVINCE",
                                        "ADDRESS_COUNTRY", "DATE_CREATE", "ASSIGNED_BY_ID"),)),
    "contacts": ("customers", (_people("person", "_self", "_name", "_phone", "_email", "ADDRESS_CITY", "ADDRESS_PROVINCE",
                                       "ADDRESS_COUNTRY", "DATE_CREATE", "ASSIGNED_BY_ID", "_born_on", "SOURCE_ID"),)),
    "requisites": ("customers", (TableMapping(table="customers", values={
        "customer_id": _of("_customer"), "tax_id": _of("RQ_INN"),
    }, distinct=True),)),
    "leads": ("leads", (
        TableMapping(table="customers", distinct=True, values={
            **{name: _PEOPLE[name] for name in ("customer_id", "name", "phone", "email", "created_at", "channel_id", "manager_id")},
            "kind": Value(constant="person"),
        }),
        _listed("campaigns", "campaign_id", "UTM_CAMPAIGN"),
        TableMapping(table="leads", values={
            "lead_id": _of("ID"), "created_at": _of("DATE_CREATE"), "customer_id": _of("_customer"), "channel_id": _of("SOURCE_ID"),
            "campaign_id": _of("UTM_CAMPAIGN"), "manager_id": _of("ASSIGNED_BY_ID"), "status": _of("_status"),
        }),
    )),
    "converted": ("leads", (TableMapping(table="leads", values={
        "lead_id": _of("ID"), "created_at": _of("DATE_CREATE"), "converted_deal_id": _of("deal"),
    }),)),
    "orders": ("orders", (TableMapping(table="orders", values={
        "order_id": _of("order"), "ordered_at": _of("_closed_at"), "paid_at": _of("_closed_at"), "customer_id": _of("_customer"),
        "amount": _of("OPPORTUNITY"), "currency": _of("CURRENCY_ID"), "deal_id": _of("ID"), "manager_id": _of("ASSIGNED_BY_ID"),
        "channel_id": _of("SOURCE_ID"), "campaign_id": _of("UTM_CAMPAIGN"),
    }),)),
    "lines": ("order_lines", (
        TableMapping(table="order_lines", values={
            "order_id": _of("order"), "line_no": _of("number"), "product_id": _of("product"), "quantity": _of("quantity"),
            "price": _of("price"), "amount": _of("amount"), "discount": _of("discount"),
        }),
        TableMapping(table="order_lines", values={"order_id": _of("order"), "line_no": _of("number")}, deletes="siblings"),
    )),
    "unknown_products": ("products", (_listed("products", "product_id", "product", name=_of("name")),)),
    "unsold": ("orders", (
        TableMapping(table="orders", values={"order_id": _of("order")}, deletes="listed"),
        TableMapping(table="order_lines", values={"order_id": _of("order")}, deletes="listed"),
    )),
    "activities": ("activities", (TableMapping(table="activities", values={
        "activity_id": _of("ID"), "at": _of("_at"), "kind": _of("_kind"), "direction": _of("_way"), "employee_id": _of("RESPONSIBLE_ID"),
        "customer_id": _of("_customer"), "deal_id": _of("_deal"), "duration_seconds": _of("_seconds"), "result": _of("_result"),
    }),)),
    "calls": ("calls", (TableMapping(table="calls", values={
        "call_id": _of("ID"), "started_at": _of("CALL_START_DATE"), "direction": _of("_way"), "phone": _of("PHONE_NUMBER"),
        "customer_id": _of("_customer"), "employee_id": _of("PORTAL_USER_ID"), "deal_id": _of("_deal"),
        "talk_seconds": _of("CALL_DURATION"), "is_missed": _of("_is_missed"), "recording_url": _of("_url"),
    }),)),
}  # fmt: skip
_HISTORY = TableMapping(
    table="deal_stage_events",
    values={
        "deal_id": _of("_deal"),
        "stage_id": _of("STAGE_ID"),
        "entered_at": _of("CREATED_TIME"),
        "pipeline_id": _of("_pipeline"),
    },
)
_EXTRAS = {"companies": _PERSON_EXTRAS, "contacts": _PERSON_EXTRAS, "leads": (), "activities": _ACTIVITY_EXTRAS}

DEPENDENTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "deals": (("deals", "deal_id"), ("deal_stage_events", "deal_id"), ("orders", "deal_id")),
    "leads": (("leads", "lead_id"),),
    "customers": (("customers", "customer_id"),),
    "activities": (("activities", "activity_id"),),
    "calls": (("calls", "call_id"),),
}
"""What goes when a record is gone: the tables, and the column in each that holds its id."""
GONE, LEFT = "gone_", "left_"
"""Before the name of a stream: the ids that a portal says are gone, and those that are left of it."""


def deliveries(settings: Bitrix24Settings, spool: Spool, source: str) -> Iterator[Delivery]:
    """What a run has fetched, as rows of `source`."""
    made = [*_brought(settings, spool, source), *_deleted(spool, source)]
    yield from (delivery for delivery in made if delivery is not None)


def loss_reason_column(settings: Bitrix24Settings, titles: Mapping[str, str]) -> str | None:
    """The title of the deals' field that holds the loss reason: the one that was named, or the one that says so."""
    if settings.loss_reason_field:
        return titles.get(settings.loss_reason_field.strip().upper())
    words = ("причина отказа", "причина провала", "причина проигрыша", "loss reason", "lost reason", "reason for loss")
    return next((title for title in titles.values() if any(word in title.lower() for word in words)), None)


def _brought(settings: Bitrix24Settings, spool: Spool, source: str) -> Iterator[Delivery | None]:
    titles: Mapping[str, Mapping[str, str]] = spool.noted("titles", {})
    own = titles.get("deals", {})
    yield _delivery(
        spool, "deals", "deals", _deals(loss_reason_column(settings, own)), source, kept={*_DEAL_EXTRAS, *own.values()}
    )
    for number in settings.smart_processes:
        yield _delivery(spool, f"items_{number}", "deals", _deals(None), source, kept=set())
    for stream in ("history", *(f"history_{number}" for number in settings.smart_processes)):
        yield _delivery(spool, stream, "deal_stage_events", (_HISTORY,), source, kept=set())
    for stream, (entity, tables) in _MEANT.items():
        kept = {*_EXTRAS.get(stream, ()), *titles.get(stream, {}).values()}
        yield _delivery(spool, stream, entity, tables, source, kept=kept)


def _deleted(spool: Spool, source: str) -> Iterator[Delivery | None]:
    choices: tuple[tuple[str, Deletes], ...] = ((GONE, "listed"), (LEFT, "unlisted"))
    for prefix, deletes in choices:
        for name, tables in DEPENDENTS.items():
            marks = tuple(TableMapping(table=table, values={key: _of("id")}, deletes=deletes) for table, key in tables)
            yield _delivery(spool, f"{prefix}{name}", tables[0][0], marks, source, kept=set())


def _delivery(
    spool: Spool, stream: str, entity: str, tables: Sequence[TableMapping], source: str, *, kept: set[str]
) -> Delivery | None:
    """A stream as it is taken in; of the columns that feed nothing only `kept` become custom fields."""
    used = {column for table in tables for value in table.values.values() for column in value.columns}
    ignored = tuple(sorted(set(spool.columns(stream)) - used - kept))
    mapping = FileMapping(
        name=f"{NAME} {stream}", source=source, tables=tuple(tables), date_order="ymd", ignored=ignored
    )
    return spool.delivery(stream, mapping, entity=entity, slot=f"{source}/{stream}/{spool.folder.name}")
