"""How does what 1C has sent come into a spool: the exchanges that are over, in their order, then all that they changed?"""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rakurs.core.errors import SourceRefused
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.commerceml import records
from rakurs.sources.commerceml.hearing import hear
from rakurs.sources.commerceml.known import Kind, Known, Thing
from rakurs.sources.commerceml.records import Row
from rakurs.sources.commerceml.settings import CommerceMLSettings
from rakurs.sources.live import Change, Cursor, Reached, Teller, Wanted
from rakurs.sources.receiving import CURSOR, DONE, OPEN, numbered, record_of
from rakurs.sources.rows import GONE
from rakurs.sources.spool import Spool

_Item = TypeVar("_Item")
_AT_ONCE = 2000
_FILE = "known.sqlite"
_READING = Text(ru="Читаю присланное из 1С", en="Reading what 1C sent")
_SORTING = Text(ru="Готовлю изменения", en="Preparing changes")
_COUNTS: tuple[tuple[Text, Kind], ...] = (
    (Text(ru="Товары", en="Products"), "good"),
    (Text(ru="Предложения", en="Offers"), "offer"),
    (Text(ru="Документы", en="Documents"), "document"),
    (Text(ru="Контрагенты", en="Counterparties"), "customer"),
)
_NOTHING_YET = Text(
    ru="1С ещё ничего не прислала. Впишите в её обмен с сайтом адрес со страницы подключения, пользователя «{login}» и пароль и "
    "запустите обмен.",
    en="1C has sent nothing yet. Put the address from the connection's page, the user “{login}” and the password into its exchange with a "
    "site, and run it.",
)
_UNDER_WAY = Text(
    ru="1С сейчас присылает файлы: они загрузятся, когда обмен закончится.",
    en="1C is sending files now: they are loaded when the exchange is over.",
)
_WAITS = Text(ru="Присланное ждёт загрузки.", en="What was sent waits to be loaded.")
_NOT_ALL = Text(
    ru="1С прислала полную выгрузку не до конца, поэтому пропавшее в ней не отмечено удалённым. Повторите полную выгрузку.",
    en="A full export from 1C did not come to its end, so what it lacks is not marked as deleted. Run the full export again.",
)


def check(settings: CommerceMLSettings) -> Reached:
    """What 1C has sent so far; where it has sent nothing, how to make it."""
    received = settings.received
    if received is None or not (received / _FILE).exists():
        return Reached(who="1C", advice=_state_of(settings, last=0))
    with Known(received / _FILE) as known:
        owner = known.get("owner", "")
        counts = tuple((title, known.count(kind)) for title, kind in _COUNTS)
        said: list[Text] = [Text(**_words(thing)) for thing in known.all("trouble")]
        said += records.chosen_prices(known, settings).remarks
        said += [_NOT_ALL] if any(not thing.body["is_all"] for thing in known.all("set")) else []
        state = _state_of(settings, last=known.last)
    said += [state] if state else []
    who = f"1C: {owner.body['name']}" if owner else "1C"
    advice = Text(ru=" ".join(one.ru for one in said), en=" ".join(one.en for one in said)) if said else None
    return Reached(who=who, counts=counts, advice=advice)


def _state_of(settings: CommerceMLSettings, *, last: int) -> Text | None:
    """What is still to come; None where all that was sent is loaded."""
    if settings.received is not None and numbered(settings.received, OPEN):
        return _UNDER_WAY
    if settings.received is not None and numbered(settings.received, DONE):
        return _WAITS
    return None if last else _NOTHING_YET.filled(login=settings.login)


def fetch(settings: CommerceMLSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Take in the exchanges that are over, and bring what changed since the cursor; everything that is known in a full run.

    SourceRefused where a document could not be read and nothing else came: the run says so until 1C sends it whole.
    """
    if settings.received is None or wanted.kind in {"period", "records"}:
        return wanted.cursor
    teller = Teller(progress=progress, step=_READING)
    after = int(wanted.cursor.get(CURSOR, 0)) if wanted.kind == "changes" else -1
    with Known(settings.received / _FILE) as known:
        _hear(known, settings.received, teller)
        troubles = list(known.all("trouble"))
        if troubles and not known.has_changed(after):
            raise SourceRefused(Text(**_words(troubles[0])))
        teller.step = _SORTING
        spool.forget("")
        _Bringing(known, settings, spool, teller, after).bring()
        remarks = [_words(thing) for thing in troubles] + spool.noted("remarks", [])
        spool.note(remarks=remarks)
        return {CURSOR: str(known.last)}


def clean(received: Path, ids: Collection[str], cleaned: Callable[[Any], Any]) -> int:
    """Take a person out of what is kept of 1C: customers of these ids, and whatever `cleaned` takes out of other records."""
    if not (received / _FILE).exists():
        return 0
    with Known(received / _FILE) as known:
        return known.clean(ids, cleaned)


def told(_settings: CommerceMLSettings, _form: Mapping[str, str]) -> tuple[Change, ...]:
    """Nothing: 1C sends what it has to say."""
    return ()


def _hear(known: Known, received: Path, teller: Teller) -> None:
    """Each exchange counts as a whole, or not yet; what was taken in goes."""
    for number, folder in numbered(received, DONE):
        if number > known.last:
            known.begin(number)
            hear(known, record_of(folder), folder, came=teller.came)
            known.end()
        shutil.rmtree(folder)


def _words(trouble: Thing) -> dict[str, str]:
    return {"ru": str(trouble.body["ru"]), "en": str(trouble.body["en"])}


class _Bringing:
    """What changed after an exchange, on its way into the spool."""

    def __init__(self, known: Known, settings: CommerceMLSettings, spool: Spool, teller: Teller, after: int) -> None:
        self._known, self._settings, self._spool, self._teller, self._after = known, settings, spool, teller, after
        self._zone = ZoneInfo(settings.timezone)

    def bring(self) -> None:
        """All of it, by kind; what is gone as lists of ids."""
        self._products()
        self._keep(
            "stock",
            (records.stock(self._known, thing, self._zone) for thing in self._known.changed("stock", self._after)),
        )
        self._keep("stock", records.renamed_stock(self._known, self._after, self._zone))
        self._customers()
        self._documents()
        sets = [thing.body for thing in self._known.changed("set", self._after)]
        if any(not told["is_all"] for told in sets):
            self._spool.note(remarks=[*self._spool.noted("remarks", []), {"ru": _NOT_ALL.ru, "en": _NOT_ALL.en}])
        if any(told["is_all"] for told in sets):
            self._spool.note(compared=True)

    def _products(self) -> None:
        chosen = records.chosen_prices(self._known, self._settings)
        self._spool.note(remarks=[{"ru": one.ru, "en": one.en} for one in chosen.remarks])
        products = records.Products(self._known, self._settings, chosen)
        # A group, a brand or a price type that is called otherwise concerns any product.
        words = any(next(self._known.changed(kind, self._after), None) for kind in ("group", "property", "price_type"))
        touched = self._known.touched_products(-1 if words else self._after)
        rows = ((key, products.row(key)) for key in touched)
        self._sort("products", rows)

    def _customers(self) -> None:
        changed = self._known.changed("customer", self._after)
        self._sort("customers", ((thing.id, None if thing.is_gone else records.customer(thing)) for thing in changed))

    def _documents(self) -> None:
        """Orders with their lines, payments; of lines that are of no known product, the product too."""
        for batch in _batches(self._known.changed("document", self._after)):
            there = [thing for thing in batch if not self._is_gone(thing)]
            trade = [thing for thing in there if not records.is_payment(thing)]
            lines = [line for thing in trade for line in records.lines(thing)]
            self._keep("orders", (records.order(thing, self._zone) for thing in trade))
            self._keep("lines", lines)
            self._keep("unknown_products", self._unknown(lines))
            self._keep(f"{GONE}emptied", ({"id": thing.id} for thing in trade if thing.body.get("lines") == []))
            paid = [thing for thing in there if records.is_payment(thing)]
            self._keep("payments", (records.payment(self._known, thing, self._zone) for thing in paid))
            gone = [thing for thing in batch if self._is_gone(thing)]
            gone += [other for thing in trade for other in records.made_on(self._known, thing) if self._is_gone(other)]
            self._keep(f"{GONE}payments", ({"id": thing.id} for thing in gone if records.is_payment(thing)))
            self._keep(f"{GONE}orders", ({"id": thing.id} for thing in gone if not records.is_payment(thing)))

    def _is_gone(self, thing: Thing) -> bool:
        return thing.is_gone or records.is_repeated(self._known, thing)

    def _unknown(self, lines: Iterable[Row]) -> Iterator[Row]:
        for key, line in {str(line["product"]): line for line in lines if line["product"]}.items():
            if self._known.get("good", key) is None and self._known.get("offer", key) is None:
                yield {"product": key, "name": line["name"]}

    def _sort(self, stream: str, rows: Iterable[tuple[str, Row | None]]) -> None:
        """Rows into their stream, the ids of what is there no more beside it."""
        for batch in _batches(rows):
            self._keep(stream, (row for _, row in batch if row is not None))
            self._keep(f"{GONE}{stream}", ({"id": key} for key, row in batch if row is None))

    def _keep(self, stream: str, rows: Iterable[Row]) -> None:
        for batch in _batches(rows):
            self._spool.append(stream, batch)
            self._teller.came(len(batch))


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
