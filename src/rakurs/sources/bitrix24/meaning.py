"""What do the records of a portal mean in canonical tables?"""

from collections.abc import Iterator, Mapping

from rakurs.core.source import Delivery, TableMapping, Value
from rakurs.sources.bitrix24.settings import Bitrix24Settings
from rakurs.sources.live import Landing
from rakurs.sources.rows import Dependents, brought, deleted, listed, of
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


_PEOPLE = {
    "customer_id": of("_self"),
    "name": of("_name"),
    "phone": of("_phone"),
    "email": of("_email"),
    "city": of("ADDRESS_CITY"),
    "region": of("ADDRESS_PROVINCE", "ADDRESS_REGION"),
    "country": of("ADDRESS_COUNTRY"),
    "birth_date": of("_born_on"),
    "created_at": of("DATE_CREATE"),
    "channel_id": of("SOURCE_ID"),
    "manager_id": of("ASSIGNED_BY_ID"),
}


def _people(kind: str, *columns: str) -> TableMapping:
    """Customers of one kind: rows of a stream that are customers by themselves."""
    values = {name: value for name, value in _PEOPLE.items() if set(value.columns) & {*columns}}
    return TableMapping(table="customers", values={**values, "kind": Value(constant=kind)}, distinct=False)


def _deals(loss_reason: str | None) -> tuple[TableMapping, ...]:
    values = {
        "deal_id": of("ID"),
        "pipeline_id": of("CATEGORY_ID", default="0"),
        "created_at": of("_created_at"),
        "closed_at": of("_closed_at"),
        "expected_close_on": of("_expected_on"),
        "stage_id": of("STAGE_ID"),
        "customer_id": of("_customer"),
        "manager_id": of("ASSIGNED_BY_ID"),
        "channel_id": of("SOURCE_ID"),
        "campaign_id": of("UTM_CAMPAIGN"),
        "amount": of("OPPORTUNITY"),
        "currency": of("CURRENCY_ID"),
        "title": of("TITLE"),
    }
    campaigns = listed("campaigns", "campaign_id", "UTM_CAMPAIGN")
    if loss_reason is None:
        return (campaigns, TableMapping(table="deals", values=values))
    values["loss_reason_id"] = of(loss_reason)
    return (
        listed("loss_reasons", "loss_reason_id", loss_reason),
        campaigns,
        TableMapping(table="deals", values=values),
    )


_MEANT: Mapping[str, tuple[TableMapping, ...]] = {
    "users": (TableMapping(table="employees", values={
        "employee_id": of("ID"), "name": of("name"), "department": of("department"), "branch": of("branch"),
        "role": of("role"), "hired_on": of("hired_on"),
    }),),
    "channels": (TableMapping(table="channels", values={"channel_id": of("STATUS_ID"), "name": of("NAME")}),),
    "pipelines": (TableMapping(table="pipelines", values={"pipeline_id": of("id"), "name": of("name")}),),
    "stages": (TableMapping(table="stages", values={
        "pipeline_id": of("pipeline"), "stage_id": of("STATUS_ID"), "name": of("NAME"), "position": of("position"),
        "outcome": of("outcome"),
    }),),
    "products": (TableMapping(table="products", values={
        "product_id": of("product"), "name": of("name"), "category": of("section"), "unit_cost": of("unit_cost"),
        "list_price": of("list_price"),
    }),),
    "companies": (_people("company", "_self", "_name", "_phone", "_email", "ADDRESS_CITY", "ADDRESS_PROVINCE",
                          "ADDRESS_COUNTRY", "DATE_CREATE", "ASSIGNED_BY_ID"),),
    "contacts": (_people("person", "_self", "_name", "_phone", "_email", "ADDRESS_CITY", "ADDRESS_PROVINCE",
                         "ADDRESS_COUNTRY", "DATE_CREATE", "ASSIGNED_BY_ID", "_born_on", "SOURCE_ID"),),
    "requisites": (TableMapping(table="customers", values={
        "customer_id": of("_customer"), "tax_id": of("RQ_INN"),
    }, distinct=True),),
    "leads": (
        TableMapping(table="customers", distinct=True, values={
            **{name: _PEOPLE[name] for name in ("customer_id", "name", "phone", "email", "created_at", "channel_id", "manager_id")},
            "kind": Value(constant="person"),
        }),
        listed("campaigns", "campaign_id", "UTM_CAMPAIGN"),
        TableMapping(table="leads", values={
            "lead_id": of("ID"), "created_at": of("DATE_CREATE"), "customer_id": of("_customer"), "channel_id": of("SOURCE_ID"),
            "campaign_id": of("UTM_CAMPAIGN"), "manager_id": of("ASSIGNED_BY_ID"), "status": of("_status"),
        }),
    ),
    "converted": (TableMapping(table="leads", values={
        "lead_id": of("ID"), "created_at": of("DATE_CREATE"), "converted_deal_id": of("deal"),
    }),),
    "orders": (TableMapping(table="orders", values={
        "order_id": of("order"), "ordered_at": of("_closed_at"), "paid_at": of("_closed_at"), "customer_id": of("_customer"),
        "amount": of("OPPORTUNITY"), "currency": of("CURRENCY_ID"), "deal_id": of("ID"), "manager_id": of("ASSIGNED_BY_ID"),
        "channel_id": of("SOURCE_ID"), "campaign_id": of("UTM_CAMPAIGN"),
    }),),
    "lines": (
        TableMapping(table="order_lines", values={
            "order_id": of("order"), "line_no": of("number"), "product_id": of("product"), "quantity": of("quantity"),
            "price": of("price"), "amount": of("amount"), "discount": of("discount"),
        }),
        TableMapping(table="order_lines", values={"order_id": of("order"), "line_no": of("number")}, deletes="siblings"),
    ),
    "unknown_products": (listed("products", "product_id", "product", name=of("name")),),
    "unsold": (
        TableMapping(table="orders", values={"order_id": of("order")}, deletes="listed"),
        TableMapping(table="order_lines", values={"order_id": of("order")}, deletes="listed"),
    ),
    "activities": (TableMapping(table="activities", values={
        "activity_id": of("ID"), "at": of("_at"), "kind": of("_kind"), "direction": of("_way"), "employee_id": of("RESPONSIBLE_ID"),
        "customer_id": of("_customer"), "deal_id": of("_deal"), "duration_seconds": of("_seconds"), "result": of("_result"),
    }),),
    "calls": (TableMapping(table="calls", values={
        "call_id": of("ID"), "started_at": of("CALL_START_DATE"), "direction": of("_way"), "phone": of("PHONE_NUMBER"),
        "customer_id": of("_customer"), "employee_id": of("PORTAL_USER_ID"), "deal_id": of("_deal"),
        "talk_seconds": of("CALL_DURATION"), "is_missed": of("_is_missed"), "recording_url": of("_url"),
    }),),
}  # fmt: skip
_HISTORY = TableMapping(
    table="deal_stage_events",
    values={
        "deal_id": of("_deal"),
        "stage_id": of("STAGE_ID"),
        "entered_at": of("CREATED_TIME"),
        "pipeline_id": of("_pipeline"),
    },
)
_EXTRAS = {"companies": _PERSON_EXTRAS, "contacts": _PERSON_EXTRAS, "leads": (), "activities": _ACTIVITY_EXTRAS}

DEPENDENTS: Dependents = {
    "deals": (("deals", "deal_id"), ("deal_stage_events", "deal_id"), ("orders", "deal_id")),
    "leads": (("leads", "lead_id"),),
    "customers": (("customers", "customer_id"),),
    "activities": (("activities", "activity_id"),),
    "calls": (("calls", "call_id"),),
}
"""What goes when a record is gone: the tables, and the column in each that holds its id."""


def deliveries(settings: Bitrix24Settings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source."""
    source = landing.source
    numbers = settings.smart_processes
    titles: Mapping[str, Mapping[str, str]] = spool.noted("titles", {})
    own = titles.get("deals", {})
    deals = _deals(loss_reason_column(settings, own))
    yield from brought(spool, "deals", deals, name=NAME, source=source, kept={*_DEAL_EXTRAS, *own.values()})
    for number in numbers:
        yield from brought(spool, f"items_{number}", _deals(None), name=NAME, source=source)
    for stream in ("history", *(f"history_{number}" for number in numbers)):
        yield from brought(spool, stream, (_HISTORY,), name=NAME, source=source)
    for stream, tables in _MEANT.items():
        kept = {*_EXTRAS.get(stream, ()), *titles.get(stream, {}).values()}
        yield from brought(spool, stream, tables, name=NAME, source=source, kept=kept)
    yield from deleted(spool, DEPENDENTS, name=NAME, source=source)


def loss_reason_column(settings: Bitrix24Settings, titles: Mapping[str, str]) -> str | None:
    """The title of the deals' field that holds the loss reason: the one that was named, or the one that says so."""
    if settings.loss_reason_field:
        return titles.get(settings.loss_reason_field.strip().upper())
    words = ("причина отказа", "причина провала", "причина проигрыша", "loss reason", "lost reason", "reason for loss")
    return next((title for title in titles.values() if any(word in title.lower() for word in words)), None)
