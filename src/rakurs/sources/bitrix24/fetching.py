"""In which order is a portal read, and where does a stopped run go on?

First the short lists (people, stages, fields), then records by ascending ids, then what belongs to them (product rows of won
deals, deals of converted leads), and where it is wanted the ids that are left, so that what is missing among them is known to
be deleted. Every batch of pages is kept with the place where the next one begins.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rakurs.core.errors import SourceUnreachable
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.bitrix24 import records
from rakurs.sources.bitrix24.portal import MOST_COMMANDS, PAGE, Answers, Listing, Portal
from rakurs.sources.bitrix24.settings import Bitrix24Settings
from rakurs.sources.live import Change, Closed, Cursor, Reached, Teller, Wanted
from rakurs.sources.rows import GONE, LEFT
from rakurs.sources.spool import Spool

OVERLAP = timedelta(minutes=5)
"""A portal shows a change some moments after the time it writes on it."""
_CALLS_OVERLAP = 200
"""Records of calls get their recording later: the latest are read again."""
_LEADS_A_CALL = 20
_PRODUCT_ROWS = "crm.item.productrow.list"
DEAL_TYPE = 2
"""The number of the type of deals, among those of smart processes."""
_COUNTING = Text(ru="Считаю записи портала", en="Counting the portal's records")
_IDS = Text(ru="Ищу удалённое", en="Looking for what was deleted")
_ROWS = Text(ru="Товары сделок", en="Products of deals")
_SHRUNK = Text(
    ru="Портал насчитал {total} записей «{what}», а перечислил {listed}. Удаление не отмечено, запуск повторится.",
    en="The portal counted {total} records of {what} and listed {listed}. Nothing was marked as deleted; it is tried again.",
)

_CUSTOM = "UF_*"
_PERSON = ("*", _CUSTOM, "PHONE", "EMAIL")
LISTINGS: Mapping[str, Listing] = {
    "companies": Listing(method="crm.company.list", select=_PERSON),
    "contacts": Listing(method="crm.contact.list", select=_PERSON),
    "leads": Listing(method="crm.lead.list", select=_PERSON),
    "deals": Listing(method="crm.deal.list", select=("*", _CUSTOM)),
    "requisites": Listing(
        method="crm.requisite.list", select=("ID", "ENTITY_TYPE_ID", "ENTITY_ID", "RQ_INN", "RQ_KPP", "DATE_MODIFY")
    ),
    "history": Listing(method="crm.stagehistory.list", within="items", params={"entityTypeId": 2}),
    "activities": Listing(method="crm.activity.list"),
    "calls": Listing(method="voximplant.statistic.get", is_upper=True, has_blind_pages=False),
}
TITLES: Mapping[str, Text] = {
    "companies": Text(ru="Компании", en="Companies"),
    "contacts": Text(ru="Контакты", en="Contacts"),
    "leads": Text(ru="Лиды", en="Leads"),
    "deals": Text(ru="Сделки", en="Deals"),
    "requisites": Text(ru="Реквизиты", en="Requisites"),
    "history": Text(ru="История стадий", en="Stage history"),
    "activities": Text(ru="Дела", en="Activities"),
    "calls": Text(ru="Звонки", en="Calls"),
    "products": Text(ru="Товары", en="Products"),
    "items": Text(ru="Смарт-процессы", en="Smart processes"),
}
_CHANGED_BY = {
    "companies": "DATE_MODIFY", "contacts": "DATE_MODIFY", "leads": "DATE_MODIFY", "deals": "DATE_MODIFY",
    "requisites": "DATE_MODIFY", "activities": "LAST_UPDATED", "items": "updatedTime",
}  # fmt: skip
_CREATED_BY = {
    "companies": "DATE_CREATE", "contacts": "DATE_CREATE", "leads": "DATE_CREATE", "deals": "DATE_CREATE",
    "requisites": "DATE_CREATE", "activities": "CREATED", "history": "CREATED_TIME", "calls": "CALL_START_DATE",
    "items": "createdTime",
}  # fmt: skip
_ADDED_ONLY = {"history": 200, "calls": _CALLS_OVERLAP}
"""Streams whose records never change: how far back of the last known id they are read."""
_DESCRIBED = {"companies": "company", "contacts": "contact", "leads": "lead", "deals": "deal"}
_LEAD_LINKS = ("ID", "COMPANY_ID", "CONTACT_ID", "HAS_PHONE", "HAS_EMAIL")


def check(settings: Bitrix24Settings) -> Reached:
    """Whose webhook it is, how much there is to read, and what is closed to it."""
    with Portal(settings, is_trial=True) as portal:
        asked = {name: (listing.method, listing.asked({})) for name, listing in LISTINGS.items()}
        answers = portal.batch({"who": ("profile", {}), **asked})
        who = answers.results.get("who") or {}
        name = " ".join(str(who[part]) for part in ("NAME", "LAST_NAME") if who.get(part))
        counts = tuple((TITLES[stream], answers.totals[stream]) for stream in LISTINGS if stream in answers.totals)
        closed = tuple(TITLES[stream] for stream in LISTINGS if stream in answers.errors)
        return Reached(who=f"{portal.host}{', ' if name else ''}{name}", counts=counts, closed=closed)


def fetch(settings: Bitrix24Settings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor of the next run."""
    teller = Teller(progress, _COUNTING, done=spool.total)
    with Portal(settings, breathe=teller.breathe) as portal:
        return _Run(settings=settings, wanted=wanted, spool=spool, portal=portal, teller=teller).go()


@dataclass(slots=True, kw_only=True)
class _Run:
    settings: Bitrix24Settings
    wanted: Wanted
    spool: Spool
    portal: Portal
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        if self.wanted.kind == "records" and self.spool.noted("titles") is not None:
            return self._single_records()
        self._directories()
        if self.wanted.kind == "records":
            return self._single_records()
        listings = self._listings()
        narrowed = {name: self._narrowed(name) for name in listings}
        rows = self.portal.counted({name: (listing, narrowed[name]) for name, listing in listings.items()})
        self.teller.total = sum(rows.values())
        for name, listing in listings.items():
            self._stream(name, listing, narrowed[name], rows.get(name, 0))
        self._products()
        self._converted()
        self._product_rows()
        if self.wanted.compares:
            self._ids()
        return self._cursor()

    def _listings(self) -> dict[str, Listing]:
        """Every stream of the portal: the usual ones, and two for each smart process that sells."""
        numbers = self.settings.smart_processes
        items = {f"items_{number}": _items_listing(number) for number in numbers}
        ways = {
            f"history_{number}": replace(LISTINGS["history"], params={"entityTypeId": number}) for number in numbers
        }
        return {**LISTINGS, **items, **ways}

    # -- short lists -------------------------------------------------------------------------------

    def _directories(self) -> None:
        if self.spool.is_done("stages"):
            return
        self.teller.step = _COUNTING
        departments = {str(one["ID"]): one for one in self._all(Listing(method="department.get"))}
        # The portal's clock before the first record was read: whatever changes later is of the next run.
        self.spool.note(began=self.spool.noted("began") or self.portal.server_time)
        users = [records.user(one, departments=departments) for one in self._all(Listing(method="user.get"))]
        self.spool.append("users", users)
        words = self._all(Listing(method="crm.status.list", params={"order": {"SORT": "ASC"}}))
        self.spool.append("channels", [one for one in words if one["ENTITY_ID"] == "SOURCE"])
        own = self._all(Listing(method="crm.company.list", params={"filter": {"IS_MY_COMPANY": "Y"}, "select": ["ID"]}))
        self.spool.note(own_companies=[records.short(records.COMPANY, one["ID"]) for one in own])
        self._describe()
        self.spool.note(
            lead_statuses={one["STATUS_ID"]: one["NAME"] for one in words if one["ENTITY_ID"] == "STATUS"},
        )
        self._stages(words)

    def _describe(self) -> None:
        asked = {name: (f"crm.{kind}.fields", {}) for name, kind in _DESCRIBED.items()}
        answers = self.portal.batch(asked)
        fields: dict[str, dict[str, records.CustomField]] = {}
        for name in asked:
            try:
                about = answers.of(name)
            except Closed:
                self.spool.note_closed(asked[name][0])
            else:
                fields[name] = records.custom_fields(about, taken=about)
        self.spool.note(
            titles={name: {code: one.title for code, one in known.items()} for name, known in fields.items()},
            lists={name: {code: one.items for code, one in known.items()} for name, known in fields.items()},
        )

    def _stages(self, words: Sequence[Mapping[str, Any]]) -> None:
        pipelines: list[dict[str, Any]] = []
        stages: list[dict[str, Any]] = []
        kinds = {
            DEAL_TYPE: "DEAL_STAGE",
            **{number: f"DYNAMIC_{number}_STAGE" for number in self.settings.smart_processes},
        }
        for number, entity in kinds.items():
            listing = Listing(method="crm.category.list", within="categories", params={"entityTypeId": number})
            for category in self._all(listing):
                own = str(category["id"]) if number == DEAL_TYPE else f"T{number:x}_{category['id']}"
                pipelines.append({**category, "id": own})
                names = {f"{entity}_{category['id']}"} | ({entity} if str(category["id"]) == "0" else set())
                mine = sorted(
                    (one for one in words if one["ENTITY_ID"] in names), key=lambda one: int(one["SORT"] or 0)
                )
                stages += [
                    {**_flat(one), "pipeline": own, "position": place, "outcome": _outcome(one)}
                    for place, one in enumerate(mine, 1)
                ]
        self.spool.append("pipelines", pipelines)
        self.spool.note(semantics={one["STATUS_ID"]: one["SEMANTICS"] or "P" for one in stages})
        self.spool.append("stages", stages, is_done=True)

    def _all(self, listing: Listing) -> list[dict[str, Any]]:
        try:
            return [record for page in self.portal.all_pages(listing) for record in page]
        except Closed:
            self.spool.note_closed(listing.method)
            return []

    # -- records by ascending ids ------------------------------------------------------------------

    def _narrowed(self, stream: str) -> dict[str, Any]:
        """What of a stream is wanted, as a filter."""
        kind = stream.partition("_")[0]
        if self.wanted.kind == "changes":
            since = self.wanted.cursor.get("since", "")
            if kind in _CHANGED_BY and since:
                return {f">={_CHANGED_BY[kind]}": since}
            if kind in _ADDED_ONLY and (last := self.wanted.cursor.get(stream)):
                return {f">{LISTINGS[kind].key}": str(max(0, int(last) - _ADDED_ONLY[kind]))}
        return _between(_CREATED_BY[kind], self.wanted) if self.wanted.kind == "period" else {}

    def _stream(self, name: str, listing: Listing, narrowed: Mapping[str, Any], rows: int) -> None:
        if self.spool.is_done(name):
            return
        self.teller.step = TITLES[name.partition("_")[0]]
        flat = self._flattened(name)
        after = self.spool.place(name) or str(narrowed.get(f">{listing.key}", ""))
        left = max(0, rows - self.spool.rows(name))
        try:
            for page in self.portal.pages(listing, narrowed, after=after, rows=left):
                flattened = [row for row in map(flat, page) if row is not None]
                self.spool.append(name, flattened, place=str(page[-1][listing.key]))
                self.teller.came(len(page))
        except Closed:
            number = name.partition("_")[2]
            self.spool.note_closed(f"{listing.method} ({number})" if number else listing.method)
        self.spool.append(name, (), is_done=True)

    def _flattened(self, name: str) -> Callable[[Mapping[str, Any]], dict[str, Any] | None]:
        kind, _, number = name.partition("_")
        titles, lists = (self.spool.noted(key, {}).get(name, {}) for key in ("titles", "lists"))
        fields = {code: records.CustomField(title=title, items=lists[code]) for code, title in titles.items()}
        own = {*self.spool.noted("own_companies", [])}
        statuses, semantics = self.spool.noted("lead_statuses", {}), self.spool.noted("semantics", {})
        made: dict[str, Callable[[Mapping[str, Any]], dict[str, Any] | None]] = {
            "companies": lambda record: _customer(records.company(record, fields)),
            "contacts": lambda record: records.contact(record, fields),
            "leads": lambda record: records.lead(record, fields, statuses=statuses),
            "deals": lambda record: None if record.get("IS_RECURRING") == "Y" else records.deal(record, fields),
            "items": lambda record: records.item(record, int(number), outcomes=semantics),
            "requisites": lambda record: None if (row := records.requisite(record))["_customer"] in own else row,
            "history": lambda record: records.entry(record, type_id=int(number or DEAL_TYPE)),
            "activities": records.activity,
            "calls": records.call,
        }
        return made[kind]

    # -- what belongs to records -------------------------------------------------------------------

    def _products(self) -> None:
        if self.spool.is_done("products"):
            return
        self.teller.step = TITLES["products"]
        sections: dict[str, str] = {}
        prices: dict[str, Any] = {}
        found: list[dict[str, Any]] = []
        for catalog in self._all(Listing(method="catalog.catalog.list", within="catalogs")):
            own = {"iblockId": catalog["iblockId"]}
            listing = Listing(
                method="catalog.section.list",
                within="sections",
                params={"filter": own, "select": ["id", "iblockId", "name"]},
            )
            sections |= {str(one["id"]): one["name"] for one in self._all(listing)}
            found += self._by_ids(_products_listing(catalog["iblockId"]))
        if found:
            for price in self._by_ids(Listing(method="catalog.price.list", within="prices", key="id")):
                prices.setdefault(str(price["productId"]), price["price"])
        rows = [records.product(one, sections=sections, prices=prices) for one in found]
        self.spool.append("products", rows, is_done=True)

    def _by_ids(self, listing: Listing) -> list[dict[str, Any]]:
        rows = self.portal.counted({"all": (listing, {})})
        if "all" not in rows:
            self.spool.note_closed(listing.method)
            return []
        return [one for page in self.portal.pages(listing, {}, after="", rows=rows["all"]) for one in page]

    def _converted(self) -> None:
        """Which deal a converted lead became: told by the deal."""
        if self.spool.is_done("converted"):
            return
        ids = [str(row["ID"]) for row in self.spool.records("leads") if row.get("STATUS_SEMANTIC_ID") == "S"]
        listing = replace(LISTINGS["deals"], select=("ID", "LEAD_ID"))
        became: dict[str, str] = {}
        for some in _portions(ids, _LEADS_A_CALL * MOST_COMMANDS):
            parts = list(_portions(some, _LEADS_A_CALL))
            asked = {
                f"c{place}": (listing.method, listing.asked({"@LEAD_ID": part}, start=-1))
                for place, part in enumerate(parts)
            }
            answers = self.portal.batch(asked)
            for name in asked:
                for deal in listing.records(answers.of(name)):
                    became.setdefault(str(deal["LEAD_ID"]), str(deal["ID"]))
        rows = (row for row in self.spool.records("leads") if str(row["ID"]) in became)
        self.spool.append("converted", ({**row, "deal": became[str(row["ID"])]} for row in rows), is_done=True)

    def _product_rows(self) -> None:
        """The products of won deals become orders; a deal that is not won (any more) has none."""
        if self.spool.is_done("lines") or not self.settings.is_order_source:
            return
        self.teller.step = _ROWS
        last = int(self.spool.place("lines") or 0)
        self.teller.done, self.teller.total = last, self.spool.rows("deals")
        try:
            for deals, place in self._batches_of_deals(last):
                self._rows_of(deals, place=place)
                self.teller.came(len(deals))
        except Closed:
            self.spool.note_closed(_PRODUCT_ROWS)
        self.spool.append("lines", (), is_done=True)

    def _batches_of_deals(self, last: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """Deals beyond the `last`-th, as many at once as hold a batch of won ones, and how many that makes in all."""
        waiting: list[dict[str, Any]] = []
        won = 0
        for number, row in enumerate(self.spool.records("deals"), 1):
            if number <= last:
                continue
            waiting.append(row)
            won += _is_won(row)
            if won == MOST_COMMANDS:
                yield waiting, number
                waiting, won = [], 0
        yield waiting, self.spool.rows("deals")

    def _rows_of(self, deals: Sequence[Mapping[str, Any]], *, place: int) -> None:
        won = {str(row["ID"]): row for row in deals if _is_won(row)}
        rows: dict[str, list[dict[str, Any]]] = {deal_id: [] for deal_id in won}
        starts = dict.fromkeys(won, 0)
        while starts:
            asked = {f"d{deal_id}": (_PRODUCT_ROWS, _rows_asked(deal_id, start)) for deal_id, start in starts.items()}
            answers = self.portal.batch(asked)
            for deal_id in starts:
                rows[deal_id] += _rows_in(answers, f"d{deal_id}")
            starts = {name[1:]: start for name, start in answers.nexts.items()}
        sold = [records.order(won[deal_id]) for deal_id in won if rows[deal_id]]
        lines = [records.line(one, number) for own in rows.values() for number, one in enumerate(own, 1)]
        unsold = [{"order": records.short(records.DEAL, row["ID"])} for row in deals if not rows.get(str(row["ID"]))]
        self.spool.append("orders", sold)
        self.spool.append(
            "unknown_products",
            [{"product": one["product"], "name": one["name"]} for one in lines if one["product"].startswith("N_")],
        )
        self.spool.append("unsold", unsold)
        self.spool.append("lines", lines, place=str(place))

    # -- what is gone ------------------------------------------------------------------------------

    def _ids(self) -> None:
        """Every id that is left, of each kind; a list shorter than the portal's own count is not believed."""
        self.teller.step = _IDS
        if not self.spool.is_done(f"{LEFT}deals"):
            kinds = [self._left("deals"), *(self._items_left(number) for number in self.settings.smart_processes)]
            self._keep_left("deals", kinds)
        for name in ("leads", "activities"):
            if not self.spool.is_done(f"{LEFT}{name}"):
                self._keep_left(name, [self._left(name)])
        if not self.spool.is_done(f"{LEFT}customers"):
            kinds = [
                self._left("contacts", records.CONTACT),
                self._left("companies", records.COMPANY),
                self._left("leads", records.LEAD),
            ]
            self._keep_left("customers", kinds)
        self.spool.note(compared=True)

    def _items_left(self, number: int) -> list[str] | None:
        listing = replace(_items_listing(number), select=("id",))
        rows = self.portal.counted({"all": (listing, {})})
        if "all" not in rows:
            return None
        found = self.portal.pages(listing, {}, after="", rows=rows["all"])
        return [str(records.short(f"T{number:x}", one["id"])) for page in found for one in page]

    def _left(self, stream: str, code: str = "") -> list[str] | None:
        """The ids of a stream; with the `code` of a person those that are customers. None where it is closed."""
        is_lead = code == records.LEAD
        listing = replace(LISTINGS[stream], select=_LEAD_LINKS if is_lead else ("ID",))
        counts = self.portal.counted({stream: (listing, {})})
        if stream not in counts:
            return None
        listed, ids = 0, list[str]()
        for page in self.portal.pages(listing, {}, after="", rows=counts[stream]):
            listed += len(page)
            mine = filter(_is_alone, page) if is_lead else page
            ids += [str(records.short(code, one["ID"])) if code else str(one["ID"]) for one in mine]
            self.teller.breathe()
        if listed < counts[stream] * 0.99 - PAGE:
            raise SourceUnreachable(_SHRUNK.filled(what=TITLES[stream].en, total=counts[stream], listed=listed))
        return ids

    def _keep_left(self, name: str, kinds: Sequence[list[str] | None]) -> None:
        """The ids of all kinds together; where one of them is closed to us, nothing is said of any."""
        ids = [one for ids in kinds if ids is not None for one in ids]
        is_whole = None not in kinds
        self.spool.append(f"{LEFT}{name}", ({"id": one} for one in ids if is_whole), is_done=True)

    # -- single records ----------------------------------------------------------------------------

    def _single_records(self) -> Cursor:
        """The records an outgoing webhook named, as they are now."""
        by_stream: dict[str, list[Change]] = {}
        for change in self.wanted.changes:
            by_stream.setdefault(change.stream, []).append(change)
        for stream, changes in by_stream.items():
            gone = {change.record_id for change in changes if change.is_deleted}
            alive = sorted({change.record_id for change in changes} - gone)
            found = self._some(stream, f"@{LISTINGS[stream].key}" if stream != "calls" else "@CALL_ID", alive)
            flat = self._flattened(stream)
            self.spool.append(stream, [row for row in map(flat, found) if row is not None])
            if stream == "deals":
                entries = self._some("history", "@OWNER_ID", alive)
                self.spool.append("history", map(self._flattened("history"), entries))
            self._forget(stream, gone)
        self._converted()
        self._product_rows()
        return self.wanted.cursor

    def _some(self, stream: str, by: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        try:
            for some in _portions(ids, PAGE):
                pages = self.portal.pages(LISTINGS[stream], {by: list(some)}, after="", rows=PAGE)
                found += [one for page in pages for one in page]
        except Closed:
            self.spool.note_closed(LISTINGS[stream].method)
        return found

    def _forget(self, stream: str, ids: set[str]) -> None:
        codes = {"contacts": records.CONTACT, "companies": records.COMPANY}
        if stream in codes:
            gone, target = [records.short(codes[stream], one) for one in sorted(ids)], "customers"
        else:
            gone, target = sorted(ids), stream
        if gone:
            self.spool.append(f"{GONE}{target}", [{"id": one} for one in gone])
        if stream == "leads" and ids:
            self.spool.append(f"{GONE}customers", [{"id": records.short(records.LEAD, one)} for one in sorted(ids)])

    # -- where the next run begins -----------------------------------------------------------------

    def _cursor(self) -> Cursor:
        if self.wanted.kind == "period":
            return self.wanted.cursor
        cursor = dict(self.wanted.cursor)
        if began := _moment(self.spool.noted("began", "")):
            cursor["since"] = (began - OVERLAP).isoformat(timespec="seconds")
        for stream in self._listings():
            if stream.partition("_")[0] in _ADDED_ONLY:
                cursor[stream] = str(max(int(self.spool.place(stream) or 0), int(cursor.get(stream, "0"))))
        return cursor


def _items_listing(number: int) -> Listing:
    return Listing(method="crm.item.list", within="items", key="id", params={"entityTypeId": number})


def _products_listing(catalog: Any) -> Listing:
    names = ("id", "iblockId", "name", "active", "code", "iblockSectionId", "purchasingPrice", "purchasingCurrency")
    return Listing(
        method="catalog.product.list",
        within="products",
        key="id",
        select=names,
        params={"filter": {"iblockId": catalog}},
    )


def _rows_asked(deal_id: str, start: int) -> dict[str, Any]:
    return {"filter": {"=ownerType": records.DEAL, "=ownerId": deal_id}, "order": {"id": "ASC"}, "start": start}


def _rows_in(answers: Answers, name: str) -> list[dict[str, Any]]:
    """The product rows a portal answered; none of a deal that was deleted a moment ago."""
    try:
        return list(answers.of(name)["productRows"])
    except SourceUnreachable:
        code, words = answers.errors[name]
        if not code or "not_found" in code.lower() or "not found" in words.lower():
            return []
        raise


def _is_won(row: Mapping[str, Any]) -> bool:
    return row.get("STAGE_SEMANTIC_ID") == "S"


def _customer(row: dict[str, Any]) -> dict[str, Any] | None:
    return row if row["_self"] else None


def _is_alone(lead: Mapping[str, Any]) -> bool:
    """Whether a lead is a customer by itself: reachable, and no contact or company stands for it yet."""
    linked = records.short("", lead.get("COMPANY_ID")) or records.short("", lead.get("CONTACT_ID"))
    return not linked and "Y" in {lead.get("HAS_PHONE"), lead.get("HAS_EMAIL")}


def _outcome(stage: Mapping[str, Any]) -> str:
    return {"S": "won", "F": "lost"}.get(str(stage.get("SEMANTICS") or ""), "open")


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not isinstance(value, dict | list)}


def _between(field: str, wanted: Wanted) -> dict[str, Any]:
    """A filter on whole days, by the portal's own clock."""
    narrowed: dict[str, Any] = {}
    if wanted.from_day is not None:
        narrowed[f">={field}"] = f"{wanted.from_day.isoformat()}T00:00:00"
    if wanted.to_day is not None:
        narrowed[f"<={field}"] = f"{wanted.to_day.isoformat()}T23:59:59"
    return narrowed


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _portions(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
