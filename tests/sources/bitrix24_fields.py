"""How records and their fields are shown by the newer methods, and described by crm.*.fields."""

from sources.bitrix24_dictionaries import UF, UF_ITEMS, UF_MULTIPLE
from sources.bitrix24_records import DATES, MULTI, TEMPLATES, WITH_PHONES, Record
from sources.bitrix24_values import figure, number

_RENAMED = {
    "DATE_CREATE": "createdTime",
    "DATE_MODIFY": "updatedTime",
    "CREATED_BY_ID": "createdBy",
    "MODIFY_BY_ID": "updatedBy",
    "MOVED_BY_ID": "movedBy",
    "STATUS_ID": "stageId",
    "STATUS_SEMANTIC_ID": "stageSemanticId",
    "COMPANY_TYPE": "typeId",
}
_NUMBERS = {
    *("ID", "CREATED_BY_ID", "MODIFY_BY_ID", "MOVED_BY_ID", "ASSIGNED_BY_ID", "LAST_ACTIVITY_BY", "COMPANY_ID"),
    *("CONTACT_ID", "LEAD_ID", "QUOTE_ID", "CATEGORY_ID", "OPPORTUNITY", "TAX_VALUE", "PROBABILITY", "REVENUE"),
    *(name for fields in UF.values() for name, (kind, _) in fields.items() if kind in ("double", "enumeration")),
}


def camel(name: str) -> str:
    """The name a field of crm.*.list has in crm.item.list."""
    if name in _RENAMED:
        return _RENAMED[name]
    first, *rest = name.lower().split("_")
    return first + "".join(f"_{part}" if part[:1].isdigit() else part.capitalize() for part in rest)


CAMEL = {kind: {camel(name): name for name in TEMPLATES[kind]} for kind in ("deal", "lead", "contact", "company")}


def item_of(kind: str, entity: int, record: Record, *, with_fm: bool) -> Record:
    """A record as crm.item.* shows it: camelCase, real numbers, nulls for nothing."""
    if kind == "smart":
        return {**record, "observers": [], "contactIds": [], "entityTypeId": entity}
    item: Record = {}
    for name, source in CAMEL[kind].items():
        value = record[source]
        if source in ("COMPANY_ID", "CONTACT_ID"):
            value = int(value or 0)
        elif source in DATES:
            value = value or None
        elif source in _NUMBERS and isinstance(value, str):
            got = number(value)
            value = None if got is None else figure(got)
        item[name] = value
    contact = item.get("contactId")
    item |= {"observers": [], "contactIds": [contact] if contact else [], "entityTypeId": entity}
    if with_fm:
        item["fm"] = [
            {"id": int(e["ID"]), "valueType": e["VALUE_TYPE"], "value": e["VALUE"], "typeId": e["TYPE_ID"]}
            for name in MULTI
            for e in record.get(name, ())
        ]
    return item


_TITLES_OF_FIELDS = {
    "TITLE": "Название",
    "STAGE_ID": "Стадия сделки",
    "STATUS_ID": "Стадия",
    "OPPORTUNITY": "Сумма",
    "CURRENCY_ID": "Валюта",
    "ASSIGNED_BY_ID": "Ответственный",
    "DATE_CREATE": "Дата создания",
    "DATE_MODIFY": "Дата изменения",
    "SOURCE_ID": "Источник",
    "COMPANY_ID": "Компания",
    "CONTACT_ID": "Контакт",
    "CATEGORY_ID": "Воронка",
    "NAME": "Имя",
    "LAST_NAME": "Фамилия",
    "SECOND_NAME": "Отчество",
}
_TYPES_OF_FIELDS = {
    "ID": "integer",
    "OPPORTUNITY": "double",
    "TAX_VALUE": "double",
    "REVENUE": "double",
    "PROBABILITY": "integer",
    "CURRENCY_ID": "crm_currency",
    "COMPANY_ID": "crm_company",
    "CONTACT_ID": "crm_contact",
    "LEAD_ID": "crm_lead",
    "QUOTE_ID": "crm_quote",
    "CATEGORY_ID": "crm_category",
    "LAST_ACTIVITY_BY": "user",
    "LOCATION_ID": "location",
    **dict.fromkeys(("BEGINDATE", "CLOSEDATE", "BIRTHDATE"), "date"),
    **dict.fromkeys(("ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID", "MOVED_BY_ID"), "user"),
    **dict.fromkeys(("STAGE_ID", "STATUS_ID", "SOURCE_ID", "TYPE_ID", "HONORIFIC", "COMPANY_TYPE"), "crm_status"),
    **dict.fromkeys(("INDUSTRY", "EMPLOYEES"), "crm_status"),
    **dict.fromkeys(("OPENED", "CLOSED", "EXPORT", "HAS_PHONE", "HAS_EMAIL", "HAS_IMOL"), "char"),
}
_DICTIONARIES = {
    "STAGE_ID": "DEAL_STAGE",
    "STATUS_ID": "STATUS",
    "SOURCE_ID": "SOURCE",
    "HONORIFIC": "HONORIFIC",
    "COMPANY_TYPE": "COMPANY_TYPE",
    "INDUSTRY": "INDUSTRY",
    "EMPLOYEES": "EMPLOYEES",
}


def described(kind: str) -> Record:
    """What crm.*.fields tells of a kind: its own fields, then those the company has added."""
    found: Record = {}
    readonly = {"ID", "DATE_CREATE", "DATE_MODIFY", "STAGE_SEMANTIC_ID", "MOVED_TIME", "CREATED_BY_ID", "MODIFY_BY_ID"}
    for name in TEMPLATES[kind]:
        custom = UF[kind].get(name)
        usual = "datetime" if name in DATES else "char" if name.startswith("IS_") else "string"
        entry: Record = {
            "type": custom[0] if custom else _TYPES_OF_FIELDS.get(name, usual),
            "isRequired": False,
            "isReadOnly": name in readonly,
            "isImmutable": name == "CATEGORY_ID",
            "isMultiple": name in UF_MULTIPLE,
            "isDynamic": custom is not None,
        }
        if name in UF_ITEMS:
            entry["items"] = [{"ID": item, "VALUE": value} for item, value in UF_ITEMS[name]]
        if entry["type"] == "crm_status":
            entry["statusType"] = _DICTIONARIES.get(name, "DEAL_TYPE" if kind == "deal" else "CONTACT_TYPE")
        entry["title"] = name if custom else _TITLES_OF_FIELDS.get(name, name)
        if custom:
            entry |= {"listLabel": custom[1], "formLabel": custom[1], "filterLabel": custom[1], "settings": {}}
        found[name] = entry
    multis = MULTI if kind in WITH_PHONES else ()
    flags = dict.fromkeys(("isRequired", "isReadOnly", "isImmutable", "isDynamic"), False)
    for name, title in zip(multis, ("Телефон", "E-mail"), strict=False):
        found[name] = {"type": "crm_multifield", **flags, "isMultiple": True, "title": title}
    return found
