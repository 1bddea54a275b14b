"""How does an exchange that is over change what is known, and when does what is missing in it count as deleted?

A catalogue or a package of offers that is not only changes is a full set, in one document or in several. What it lacks is there no more
once it is known to be all here: 1C said so (`complete`, `deactivate`), or nothing of the exchange is missing and the set came in no fewer
documents than the last one. Otherwise nothing is marked, and the run says why.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from rakurs.core.errors import UnreadableFile
from rakurs.sources.commerceml import goods, trade
from rakurs.sources.commerceml.goods import Document
from rakurs.sources.commerceml.known import Body, Kind, Known
from rakurs.sources.commerceml.reading import Part, parts
from rakurs.sources.receiving import Received, ReceivedFile

_Hearer = Callable[[Known, Document, Part], None]
_OFFERS: Mapping[tuple[str, ...], _Hearer] = {
    ("Ид",): goods.hear_package,
    ("ТипыЦен", "ТипЦены"): goods.hear_price_type,
    ("Склады", "Склад"): goods.hear_store,
    ("Предложения", "Предложение"): goods.hear_offer,
}
_HEARERS: Mapping[tuple[str, ...], _Hearer] = {
    ("Классификатор", "Группы", "Группа"): goods.hear_group,
    ("Классификатор", "Свойства", "Свойство"): goods.hear_property,
    ("Классификатор", "ТипыЦен", "ТипЦены"): goods.hear_price_type,
    ("Классификатор", "Склады", "Склад"): goods.hear_store,
    ("Каталог", "Ид"): goods.hear_catalogue,
    ("Каталог", "Владелец"): goods.hear_owner,
    ("Каталог", "Товары", "Товар"): goods.hear_good,
    **{(package, *path): hearer for package in (goods.PACKAGE, goods.CHANGED_PACKAGE) for path, hearer in _OFFERS.items()},
    ("Документ",): trade.hear_document,
    ("Контейнер",): trade.hear_container,
    ("Контрагенты", "Контрагент"): trade.hear_customer,
}  # fmt: skip
Sets = dict[tuple[Kind, str], list[str]]
"""Full sets of an exchange, by what they list and whose it is: when each of its documents was made."""


def hear(known: Known, exchange: Received, folder: Path, *, came: Callable[[int], None]) -> None:
    """Take in all that an exchange brought, and what it says is gone. A document that cannot be read is kept as a trouble, the others
    are read.
    """
    sets: Sets = {}
    troubles = {file.name: file for file in exchange.files if file.state == "refused"}
    for file in exchange.taken:
        try:
            document = _read(known, exchange, file, folder, came)
        except UnreadableFile as broken:
            troubles[file.name] = file.model_copy(
                update={"trouble_ru": broken.message.ru, "trouble_en": broken.message.en}
            )
            continue
        for one in document.covers:
            sets.setdefault(one, []).append(document.made_at)
    _keep_troubles(known, exchange, troubles)
    for (kind, owner), made in sets.items():
        _close(known, exchange, kind, owner, made=made, is_whole=exchange.is_whole and not troubles)


def _read(known: Known, exchange: Received, file: ReceivedFile, folder: Path, came: Callable[[int], None]) -> Document:
    document = Document(name=file.name, made_at=exchange.heard_at.isoformat())
    for part in parts(folder / file.stored, file.name):
        if not part.path:
            document.made_at = _made_at(part.above.get("ДатаФормирования")) or document.made_at
        elif part.path in _HEARERS:
            _HEARERS[part.path](known, document, part)
            came(1)
    return document


def _made_at(text: str | None) -> str | None:
    """When the document was made, where it says more than the day."""
    return text if text and len(text) > len("2025-01-31") else None


def _close(known: Known, exchange: Received, kind: Kind, owner: str, *, made: list[str], is_whole: bool) -> None:
    key, before = f"{kind} {owner}", known.get("set", f"{kind} {owner}")
    told: Body = before.body if before else {}
    goes_on = told.get("since") == exchange.since
    last, documents = told.get("last" if goes_on else "documents", 0), len(made) + (told["documents"] if goes_on else 0)
    is_whole = is_whole and (not goes_on or told["is_whole"])
    is_all = is_whole and (exchange.is_told or documents >= last)
    if is_all:
        known.gone_unseen(kind, owner=owner, since=exchange.since, aside={"at": max(made)})
    found = {"documents": documents, "last": last, "since": exchange.since, "is_whole": is_whole, "is_all": is_all}
    known.put("set", key, {**found, "in": exchange.number})


def _keep_troubles(known: Known, exchange: Received, troubles: Mapping[str, ReceivedFile]) -> None:
    """What could not be read stands until an exchange of the same kind comes whole."""
    for name, file in troubles.items():
        body = {"ru": file.trouble_ru, "en": file.trouble_en, "in": exchange.number}
        known.put("trouble", name, body, owner=exchange.kind)
    if exchange.is_whole and not troubles:
        known.gone_unseen("trouble", owner=exchange.kind)
