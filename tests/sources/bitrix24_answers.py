"""The methods of REST that read a portal: what each finds in its records, with the quirks of its family."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sources.bitrix24_crm import Crm
from sources.bitrix24_dictionaries import UF
from sources.bitrix24_fields import CAMEL, described, item_of
from sources.bitrix24_filters import HISTORY, LEGACY, LENIENT, PAGE, SIGN_AND_NAME, STRICT, Dialect, Found, Table, find
from sources.bitrix24_php import Params, listed
from sources.bitrix24_records import ENTITY_TYPES, MULTI, TEMPLATES, WITH_PHONES, Record
from sources.bitrix24_refusals import RestError
from sources.bitrix24_values import number


@dataclass
class Answer:
    """What a method found, before the envelope."""

    result: Any
    total: int | None = None
    next: int | None = None


class Answers:
    """What the methods that read find in the records."""

    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def by_method(self) -> dict[str, Callable[[Params], Answer]]:
        methods: dict[str, Callable[[Params], Answer]] = {
            "crm.item.list": self._item_list,
            "crm.item.get": self._item_get,
            "crm.item.productrow.list": self._product_rows,
            "crm.deal.productrows.get": self._deal_rows,
            "crm.deal.contact.items.get": self._deal_contacts,
            "crm.type.list": lambda p: self._wrapped("type", p, STRICT, "types"),
            "crm.category.list": self._categories,
            "crm.status.list": lambda p: self._legacy_list("status", p),
            "crm.status.entity.items": self._entity_items,
            "crm.stagehistory.list": self._stage_history,
            "crm.activity.list": self._activities,
            "crm.activity.get": lambda p: self._legacy_get("activity", p),
            "catalog.catalog.list": lambda p: self._wrapped("catalog", p, LENIENT, "catalogs"),
            "catalog.product.list": self._goods,
            "catalog.section.list": lambda p: self._wrapped("section", p, LENIENT, "sections"),
            "crm.requisite.list": lambda p: self._legacy_list("requisite", p),
            "catalog.price.list": lambda p: self._wrapped("price", p, LENIENT, "prices"),
            "user.get": self._users,
            "user.current": lambda p: Answer(self.crm.records["user"][1]),
            "department.get": self._departments,
            "voximplant.statistic.get": self._calls,
            "profile": self._profile,
        }
        for kind in ("deal", "lead", "contact", "company"):
            methods[f"crm.{kind}.list"] = lambda p, kind=kind: self._legacy_list(kind, p)
            methods[f"crm.{kind}.get"] = lambda p, kind=kind: self._legacy_get(kind, p)
            methods[f"crm.{kind}.fields"] = lambda p, kind=kind: Answer(described(kind))
        return methods

    def _profile(self, params: Params) -> Answer:
        owner = self.crm.records["user"][1]
        names = {name: owner[name] for name in ("ID", "NAME", "LAST_NAME", "PERSONAL_GENDER", "TIME_ZONE")}
        return Answer({**names, "ADMIN": True})

    def _cut(self, found: Found, start: Any, *, by_pages: bool = True) -> tuple[list[int], int, int | None]:
        """A page of ids, the total, and where the next page begins."""
        at = int(number(start) or 0)
        if at < 0:
            return found.page(0), 0, None
        if by_pages:
            at -= at % PAGE
        return found.page(at), found.total, at + PAGE if at + PAGE < found.total else None

    def _legacy_list(self, kind: str, params: Params, *, backwards: bool = False) -> Answer:
        asked = {key.lower(): value for key, value in params.items()}
        order = asked.get("order") or ({self.crm.tables[kind].key: "DESC"} if backwards else {})
        found = find(self.crm.tables[kind], asked.get("filter"), order, LEGACY)
        ids, total, following = self._cut(found, asked.get("start"))
        rows = self.crm.records[kind]
        if kind == "status":
            return Answer([rows[i] for i in ids], total, following)
        names = self._selected(kind, listed(asked.get("select")))
        return Answer([{name: r[name] for name in names if name in r} for i in ids if (r := rows[i])], total, following)

    def _selected(self, kind: str, select: Any) -> list[str]:
        template, own = TEMPLATES[kind], UF.get(kind, {})
        scalars = [name for name in template if name not in own]
        if not isinstance(select, list) or not select:
            return scalars
        names = ["ID", *(scalars if "*" in select else ()), *(own if "UF_*" in select else ())]
        multis = MULTI if kind in WITH_PHONES else ()
        names += [name for name in select if name in template or name in multis]
        return list(dict.fromkeys(names))

    def _one(self, kind: str, params: Params, *, not_found: tuple[str, str] = ("", "Not found")) -> Record:
        asked = {key.lower(): value for key, value in params.items()}
        record_id = number(asked.get("id"))
        if record_id is None or record_id <= 0:
            raise RestError(400, "", "ID is not defined or invalid.")
        record = self.crm.records[kind].get(int(record_id))
        if record is None:
            raise RestError(400, *not_found)
        return record

    def _legacy_get(self, kind: str, params: Params) -> Answer:
        return Answer(self._one(kind, params))

    def _entity_kind(self, params: Params) -> tuple[int, str]:
        entity = number(params.get("entityTypeId"))
        if entity is None:
            raise RestError(400, "100", "Could not find value for parameter {entityTypeId}")
        if int(entity) not in ENTITY_TYPES:
            raise RestError(400, "NOT_FOUND", "Смарт-процесс не найден")
        return int(entity), ENTITY_TYPES[int(entity)]

    def _item_list(self, params: Params) -> Answer:
        entity, kind = self._entity_kind(params)
        names = CAMEL.get(kind) or {name: name for name in TEMPLATES["smart"]}
        dialect = Dialect(names=names, unknown="refused", nested=True)
        found = find(self.crm.tables[kind], params.get("filter"), params.get("order"), dialect)
        ids, total, following = self._cut(found, params.get("start"), by_pages=False)
        select = listed(params.get("select"))
        wanted = set(select) if isinstance(select, list) and select and "*" not in select else None
        items = []
        for i in ids:
            item = item_of(kind, entity, self.crm.records[kind][i], with_fm="fm" in (wanted or ()))
            keep = wanted | {"id"} if wanted is not None else item.keys()
            items.append({name: value for name, value in item.items() if name in keep})
        return Answer({"items": items}, total, following)

    def _item_get(self, params: Params) -> Answer:
        entity, kind = self._entity_kind(params)
        record = self._one(kind, params, not_found=("NOT_FOUND", "Элемент не найден"))
        return Answer({"item": item_of(kind, entity, record, with_fm=True)})

    def _product_rows(self, params: Params) -> Answer:
        asked = params.get("filter")
        asked = asked if isinstance(asked, dict) else {}
        owner, owner_type = number(asked.get("=ownerId")), asked.get("=ownerType")
        for name, value in (("=ownerType", owner_type), ("=ownerId", owner)):
            if not value:
                raise RestError(400, "REQUIRED_ARG_MISSING", f"Required field {name} is not set in filter")
        table = Table("productrow", "id")
        for row_id in sorted(self.crm.rows_of.get(int(owner or 0), ())) if owner_type == "D" else ():
            table.put(row_id, self.crm.records["productrow"][row_id])
        indexed = {
            raw: value
            for raw, value in asked.items()
            if (match := SIGN_AND_NAME.fullmatch(raw))
            and match[2] in ("id", "productId")
            and (match[1] == "@" or not isinstance(value, list | dict))
        }
        order = params.get("order") if isinstance(params.get("order"), dict) else {}
        order = {name: way for name, way in order.items() if name in ("id", "sort")} or {"sort": "ASC"}
        ids, total, following = self._cut(find(table, indexed, order, LENIENT), params.get("start"), by_pages=False)
        counted = int(number(params.get("start")) or 0) >= 0
        return Answer({"productRows": [table.rows[i] for i in ids]}, total if counted else None, following)

    def _deal_rows(self, params: Params) -> Answer:
        deal = self._one("deal", params)
        made = []
        for row_id in self.crm.rows_of.get(int(deal["ID"]), ()):
            row = self.crm.records["productrow"][row_id]
            named = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): value for name, value in row.items()}
            account = f"{row['priceAccount']:.2f}"
            made.append({**named, "ID": str(row_id), "OWNER_ID": deal["ID"], "PRICE_ACCOUNT": account})
        return Answer(made)

    def _deal_contacts(self, params: Params) -> Answer:
        contact = self._one("deal", params)["CONTACT_ID"]
        entry = {"SORT": 10, "ROLE_ID": 0, "IS_PRIMARY": "Y"}
        return Answer([{"CONTACT_ID": int(contact), **entry}] if contact and contact != "0" else [])

    def _categories(self, params: Params) -> Answer:
        entity = number(params.get("entityTypeId"))
        found = [row for row in self.crm.records["category"].values() if row["entityTypeId"] == entity]
        if not found:
            raise RestError(
                400, "ENTITY_TYPE_NOT_SUPPORTED", f"Entity type {params.get('entityTypeId')} is not supported"
            )
        return Answer({"categories": found}, len(found))

    def _entity_items(self, params: Params) -> Answer:
        found = [row for row in self.crm.records["status"].values() if row["ENTITY_ID"] == params.get("entityId")]
        return Answer([{"NAME": r["NAME"], "SORT": int(r["SORT"]), "STATUS_ID": r["STATUS_ID"]} for r in found])

    def _stage_history(self, params: Params) -> Answer:
        kind = {1: "leadhistory", 2: "stagehistory"}.get(int(number(params.get("entityTypeId")) or 0))
        if kind is None:
            text = f"Entity type {params.get('entityTypeId')} is not supported"
            raise RestError(400, "ENTITY_TYPE_NOT_SUPPORTED", text)
        return self._wrapped(kind, params, HISTORY, "items")

    def _wrapped(self, kind: str, params: Params, dialect: Dialect, name: str, asked: Any = None) -> Answer:
        """A list inside an object, asked for with lower-case parameters only."""
        found = find(
            self.crm.tables[kind], params.get("filter") if asked is None else asked, params.get("order"), dialect
        )
        ids, total, following = self._cut(found, params.get("start"), by_pages=False)
        rows = self.crm.records[kind]
        select = listed(params.get("select"))
        if isinstance(select, list) and select and "*" not in select and kind != "type":
            return Answer(
                {name: [{key: rows[i][key] for key in rows[i] if key in select} for i in ids]}, total, following
            )
        return Answer({name: [rows[i] for i in ids]}, total, following)

    def _activities(self, params: Params) -> Answer:
        answer = self._legacy_list("activity", params)
        select = listed({key.lower(): value for key, value in params.items()}.get("select")) or []
        if "COMMUNICATIONS" in select:
            for row in answer.result:
                record = self.crm.records["activity"][int(row["ID"])]
                entry = {"ENTITY_ID": record["OWNER_ID"], "ENTITY_TYPE_ID": record["OWNER_TYPE_ID"]}
                row["COMMUNICATIONS"] = [{"ID": row["ID"], "TYPE": "PHONE", "VALUE": "+74951234567", **entry}]
        return answer

    def _goods(self, params: Params) -> Answer:
        select, asked = listed(params.get("select")), params.get("filter")
        for name in ("id", "iblockId"):
            if not isinstance(select, list) or name not in select:
                raise RestError(400, "200040300010", f"Required select fields: {name}")
        if not isinstance(asked, dict) or not any(str(key).lstrip("=@") == "iblockId" for key in asked):
            raise RestError(400, "200040300010", "Required filter fields: iblockId")
        return self._wrapped("product", params, LENIENT, "products")

    def _users(self, params: Params) -> Answer:
        known = TEMPLATES["user"]
        asked = {key: value for key, value in params.items() if key.lstrip("!=%<>@") in known}
        given = next((value for key, value in params.items() if key.lower() == "filter"), None)
        asked |= given if isinstance(given, dict) else {}
        if "ACTIVE" in asked:
            asked["ACTIVE"] = str(asked["ACTIVE"]).lower() in ("1", "true", "y")
        order = {params["sort"]: params.get("order", "ASC")} if isinstance(params.get("sort"), str) else {}
        found = find(self.crm.tables["user"], asked, order, LENIENT)
        ids, total, following = self._cut(found, params.get("start"))
        return Answer([self.crm.records["user"][i] for i in ids], total, following)

    def _departments(self, params: Params) -> Answer:
        asked = {key: value for key, value in params.items() if key in TEMPLATES["department"]}
        order = {params["sort"]: params.get("order", "ASC")} if isinstance(params.get("sort"), str) else {}
        found = find(self.crm.tables["department"], asked, order, LENIENT)
        ids, total, following = self._cut(found, params.get("start"))
        return Answer([self.crm.records["department"][i] for i in ids], total, following)

    def _calls(self, params: Params) -> Answer:
        """Calls: only upper-case FILTER, SORT and ORDER count; unsorted ones come in no promised order."""
        sort = params.get("SORT")
        by = (
            {sort: str(params.get("ORDER", "ASC"))}
            if sort in TEMPLATES["call"] and sort != "CALL_TYPE"
            else {"ID": "DESC"}
        )
        found = find(self.crm.tables["call"], params.get("FILTER"), by, LENIENT)
        ids, total, following = self._cut(found, params.get("start"))
        return Answer([self.crm.records["call"][i] for i in ids], total, following)
