"""The documents of API v4 that read an account: what each finds in its records, and how the wire shows it."""

import json
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlencode

from sources.amocrm_crm import Crm
from sources.amocrm_dictionaries import FIELDS, PLURALS, SINGULARS, Record
from sources.amocrm_filters import FILTERS, ORDERS, WITH, arranged, asked_with, conditions, only, whole_number
from sources.amocrm_php import Params, php_form
from sources.amocrm_refusals import Problem

ROOT = "/api/v4/"
MAX_LIMIT, MAX_EVENTS, DEFAULT_LIMIT = 250, 100, 50


class Answers:
    """What an account answers to who reads it; `url` is where it is reached."""

    def __init__(self, crm: Crm) -> None:
        self.crm = crm
        self.url = ""
        self.events_newest_first = False
        self.bare_deleted = True  # with=only_deleted tells no more of a lead than its id, change and deletion

    def document(self, path: str, params: Params) -> Record | None:
        """The document at an address; None is an empty answer."""
        place = path.removeprefix(ROOT)
        plural, _, rest = place.partition("/")
        if path != ROOT + place:
            raise Problem(404, "No such address")
        if place in ("account", "leads/pipelines", "webhooks"):
            return self._whole(place, params)
        if plural in SINGULARS and rest.isdecimal():
            only(params, {"with"})
            asked = asked_with(plural, params)
            one = self.crm.records[SINGULARS[plural]].get(int(rest))
            if one is None or one["is_deleted"] != ("only_deleted" in asked):
                return None
            return self._seen_as(plural, [one], asked)[0]
        tables: dict[str, Iterable[Record]] = {
            "leads/loss_reasons": self.crm.records["loss_reason"].values(),
            **{f"{kind}s": self.crm.records[kind].values() for kind in ("user", "task", "event")},
        }
        if plural in SINGULARS:
            deleted = "only_deleted" in str(params.get("with", "")).split(",")
            cards = self.crm.records[SINGULARS[plural]].values()
            notes = (
                one for one in self.crm.records["note"].values() if self.crm.note_owner[one["id"]] == SINGULARS[plural]
            )
            tables |= {
                plural: (one for one in cards if one["is_deleted"] == deleted),
                f"{plural}/notes": filter(self.crm.note_shown, notes),
                f"{plural}/custom_fields": self.definitions(plural),
            }
        if place not in tables:
            raise Problem(404, "No such address")
        return self._list(path, params, rest or plural, tables[place])

    def _list(self, path: str, params: Params, plural: str, records: Iterable[Record]) -> Record | None:
        """One page of a list as it is at this moment."""
        most = MAX_EVENTS if plural == "events" else MAX_LIMIT
        filtered = plural in FILTERS
        extra = {"filter"} | ({"query"} if plural in SINGULARS else set()) if filtered else set()
        ordered = {"order"} if plural in ORDERS else set()
        only(params, {"page", "limit"} | extra | ordered | ({"with"} if plural in WITH else set()))
        page = whole_number(params.get("page", "1"), "page", 1)
        limit = whole_number(params.get("limit", str(DEFAULT_LIMIT)), "limit", 1, most)
        asked = asked_with(plural, params)
        for test in conditions(plural, params.get("filter", {})):
            records = filter(test, records)
        if words := str(params.get("query", "")).lower():
            records = (one for one in records if words in json.dumps(one, ensure_ascii=False).lower())
        found = arranged(plural, params.get("order"), records)
        if plural == "events" and self.events_newest_first:
            found.reverse()
        shown = found[(page - 1) * limit : page * limit]
        if not shown:
            return None
        links = {"self": {"href": self._address(path, params, page, limit)}}
        if len(found) > page * limit:
            links["next"] = {"href": self._address(path, params, page + 1, limit)}
        body: Record = {
            "_page": page,
            "_links": links,
            "_embedded": {plural: self._seen_as(plural, shown, asked, path)},
        }
        if plural in ("users", "custom_fields", "loss_reasons"):
            body |= {"_total_items": len(found), "_page_count": -(-len(found) // limit)}
        return body

    def _whole(self, place: str, params: Params) -> Record | None:
        """The documents that have no pages."""
        if place == "account":
            only(params, {"with"})
            own = {"id": self.crm.account_id, "name": "Пример", "subdomain": self.crm.subdomain, "currency": "RUB"}
            return self._hal(own | {"current_user_id": next(iter(self.crm.records["user"]))}, place)
        only(params, {"page", "limit"} if place == "webhooks" else set())
        found = [self._pipeline_seen(one) for one in self.crm.records["pipeline"].values()]
        found = self.crm.webhooks if place == "webhooks" else found
        body = {"_total_items": len(found), "_embedded": {place.rpartition("/")[2]: found}}
        return self._hal(body, place) if found else None

    def _address(self, path: str, params: Params, page: int, limit: int) -> str:
        asked = params | {"page": page, "limit": limit}
        return f"{self.url}{path}?{urlencode([pair for key in asked for pair in php_form(key, asked[key])])}"

    def _hal(self, record: Record, path: str) -> Record:
        return record | {"_links": {"self": {"href": f"{self.url}{ROOT}{path}"}}}

    def _pipeline_seen(self, pipeline: Record) -> Record:
        path = f"leads/pipelines/{pipeline['id']}"
        own = pipeline["_embedded"]["statuses"]
        statuses = [self._hal(one, f"{path}/statuses/{one['id']}") for one in own]
        return self._hal(pipeline, path) | {"_embedded": {"statuses": statuses}}

    def definitions(self, plural: str) -> Iterable[Record]:
        for at, (number, name, code, kind, enums) in enumerate(FIELDS[plural]):
            own = [
                {"id": number * 10 + sort, "value": value, "sort": sort} | ({"code": value} if code else {})
                for sort, value in enumerate(enums)
            ]
            base = {"id": number, "name": name, "code": code, "type": kind, "sort": 500 + at, "entity_type": plural}
            yield base | {"account_id": self.crm.account_id, "enums": own or None, "is_api_only": False}

    def _seen_as(self, plural: str, shown: list[Record], asked: set[str], path: str = "") -> list[Record]:
        """Records as the wire shows them: with their links and only the embedded parts asked for."""
        base = path.removeprefix(ROOT) or plural
        if plural not in SINGULARS:
            seen = [self._hal(one, f"{base}/{one['id']}") for one in shown]
            for one in seen:
                if plural == "events":
                    kinds = PLURALS[one["entity_type"]]
                    one["_embedded"] = {"entity": self._hal({"id": one["entity_id"]}, f"{kinds}/{one['entity_id']}")}
                elif plural == "users" and "group" in asked:
                    group = one["rights"]["group_id"]
                    one["_embedded"] = {"groups": [{"id": group, "name": f"Отдел {group}"}]}
            return seen
        if "only_deleted" in asked and self.bare_deleted:
            keys = ("id", "updated_by", "updated_at", "is_deleted", "account_id")
            return [self._hal({key: one[key] for key in keys}, f"{base}/{one['id']}") for one in shown]
        return self._cards_seen(plural, shown, asked, base)

    def _cards_seen(self, plural: str, shown: list[Record], asked: set[str], base: str) -> list[Record]:
        backward = self._backward(plural, asked)
        forward = {"leads": ("companies", *(("contacts",) if "contacts" in asked else ())), "contacts": ("companies",)}
        seen = []
        for one in shown:
            embedded: Record = {"tags": one["_embedded"]["tags"]}
            for other in forward.get(plural, ()):
                embedded[other] = [self._hal(link, f"{other}/{link['id']}") for link in one["_embedded"][other]]
            for other, links in backward.items():
                embedded[other] = [self._hal({"id": link}, f"{other}/{link}") for link in links.get(one["id"], ())]
            if plural == "leads" and "loss_reason" in asked:
                reason = self.crm.records["loss_reason"].get(one["loss_reason_id"])
                embedded["loss_reason"] = [self._hal(reason, f"leads/loss_reasons/{reason['id']}")] if reason else []
            seen.append(self._hal(one, f"{base}/{one['id']}") | {"_embedded": embedded})
        return seen

    def _backward(self, plural: str, asked: set[str]) -> dict[str, dict[int, list[int]]]:
        """Who points at these records: leads at contacts and companies, contacts at companies."""
        found: dict[str, dict[int, list[int]]] = {}
        for other in ("leads", "contacts"):
            if plural in ("contacts", "companies") and other in asked and plural != other:
                links = found[other] = defaultdict(list)
                for record in self.crm.records[SINGULARS[other]].values():
                    if not record["is_deleted"]:
                        for link in record["_embedded"].get(plural, ()):
                            links[link["id"]].append(record["id"])
        return found
