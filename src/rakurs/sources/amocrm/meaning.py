"""What do the records of an account mean in canonical tables?"""

from collections.abc import Iterator, Mapping

from rakurs.core.source import Delivery, TableMapping
from rakurs.sources.amocrm.settings import AmoSettings
from rakurs.sources.live import Landing
from rakurs.sources.rows import Dependents, brought, deleted, listed, of
from rakurs.sources.spool import Spool

NAME = "amocrm"

_CUSTOMERS = (TableMapping(table="customers", values={
    "customer_id": of("id"), "name": of("_name"), "kind": of("_kind"), "phone": of("_phone"), "email": of("_email"),
    "created_at": of("_created_at"), "manager_id": of("_manager"),
}),)  # fmt: skip
_ENTRIES = (TableMapping(table="deal_stage_events", values={
    "deal_id": of("deal"), "pipeline_id": of("pipeline"), "stage_id": of("status"), "entered_at": of("at"),
}),)  # fmt: skip
_CALLS = (TableMapping(table="calls", values={
    "call_id": of("id"), "started_at": of("at"), "direction": of("way"), "phone": of("phone"), "talk_seconds": of("seconds"),
    "is_missed": of("is_missed"), "recording_url": of("url"), "employee_id": of("employee"), "deal_id": of("deal"),
    "customer_id": of("customer"),
}),)  # fmt: skip
_MEANT: Mapping[str, tuple[TableMapping, ...]] = {
    "users": (TableMapping(table="employees", values={
        "employee_id": of("id"), "name": of("name"), "department": of("department"),
    }),),
    "pipelines": (TableMapping(table="pipelines", values={"pipeline_id": of("id"), "name": of("name")}),),
    "stages": (TableMapping(table="stages", values={
        "pipeline_id": of("pipeline"), "stage_id": of("id"), "name": of("name"), "position": of("position"),
        "outcome": of("outcome"),
    }),),
    "companies": _CUSTOMERS,
    "contacts": _CUSTOMERS,
    "leads": (
        listed("channels", "channel_id", "_channel"),
        listed("campaigns", "campaign_id", "_campaign"),
        listed("loss_reasons", "loss_reason_id", "_reason"),
        TableMapping(table="deals", values={
            "deal_id": of("id"), "title": of("_name"), "amount": of("_price"), "pipeline_id": of("_pipeline"), "stage_id": of("_status"),
            "created_at": of("_created_at"), "closed_at": of("_closed_at"), "customer_id": of("_customer"), "manager_id": of("_manager"),
            "channel_id": of("_channel"), "campaign_id": of("_campaign"), "loss_reason_id": of("_reason"),
        }),
    ),
    "entries": _ENTRIES,
    "starts": _ENTRIES,
    "calls_of_leads": _CALLS,
    "calls_of_contacts": _CALLS,
    "calls_of_companies": _CALLS,
    "tasks": (TableMapping(table="activities", values={
        "activity_id": of("id"), "at": of("at"), "kind": of("kind"), "employee_id": of("employee"), "deal_id": of("deal"),
        "customer_id": of("customer"), "result": of("result"),
    }),),
}  # fmt: skip
DEPENDENTS: Dependents = {
    "leads": (("deals", "deal_id"), ("deal_stage_events", "deal_id")),
    "customers": (("customers", "customer_id"),),
}
_OWN = frozenset({"id", "name", "_name", "_kind"})


def deliveries(_settings: AmoSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source."""
    source = landing.source
    currency = spool.noted("currency")
    for stream, tables in _MEANT.items():
        # Custom fields stand under names of their own; what begins with a line is ours.
        kept = {column for column in spool.columns(stream) if not column.startswith("_") and column not in _OWN}
        yield from brought(spool, stream, tables, name=NAME, source=source, kept=kept, currency=currency)
    yield from deleted(spool, DEPENDENTS, name=NAME, source=source)
