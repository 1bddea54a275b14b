"""How is a document of the exchange read, however large it is and whoever made it?

Record by record: of a document of two gigabytes one product or one order is held at a time. A document type declaration is
refused, and with it every entity that could name a file or multiply without end; so is a record that is too large or too deep.
"""

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.parsers import expat

from rakurs.core.errors import UnreadableFile
from rakurs.core.text import Text
from rakurs.sources.receiving import Unfinished

ROOT = "КоммерческаяИнформация"
_CHUNK = 1 << 18
MOST_SIGNS = 1 << 24
"""Of text in one record, an element counting for a few: no honest product or order has more."""
_SIGNS_OF_ELEMENT = 64
MOST_DEPTH = 60
_PASSED_BY = frozenset({"Описание", "Картинка"})
"""Parts of a record that nothing is made of and that are large."""
_CUT_OFF = frozenset({3, 5, 6, 20})
"""Codes of the parser for a document that ends too early."""
_OFFERS = ("ПакетПредложений", "ИзмененияПакетаПредложений")
_RECORDS: frozenset[tuple[str, ...]] = frozenset(
    {
        ("Классификатор", "Группы", "Группа"),
        ("Классификатор", "Свойства", "Свойство"),
        ("Классификатор", "ТипыЦен", "ТипЦены"),
        ("Классификатор", "Склады", "Склад"),
        ("Каталог", "Ид"),
        ("Каталог", "Владелец"),
        ("Каталог", "Товары", "Товар"),
        *((package, *path) for package in _OFFERS for path in (
            ("Ид",), ("ИдКаталога",), ("ТипыЦен", "ТипЦены"), ("Склады", "Склад"), ("Предложения", "Предложение"),
        )),
        ("Документ",),
        ("Контейнер",),
        ("Контрагенты", "Контрагент"),
    }
)  # fmt: skip

_BROKEN = Text(
    ru="строка {line}: документ испорчен ({why}). Выгрузите его ещё раз.",
    en="line {line}: the document is damaged ({why}). Export it again.",
)
_ENDS_EARLY = Text(
    ru="строка {line}: документ обрывается. Выгрузите его ещё раз, целиком.",
    en="line {line}: the document breaks off. Export it again, the whole of it.",
)
_DECLARES = Text(
    ru="строка {line}: объявление DOCTYPE «{name}» не принимается: через него читают чужие файлы. Выгрузите документ без него.",
    en="line {line}: the declaration DOCTYPE “{name}” is not taken: files are read through it. Export without it.",
)
_OTHER_ROOT = Text(
    ru="строка {line}: документ начинается с «{name}», а должен с «{root}». Выберите в 1С обмен с сайтом (CommerceML 2).",
    en="line {line}: the document begins with “{name}” instead of “{root}”. Choose the exchange with a site (CommerceML 2) in 1C.",
)
_TOO_LARGE = Text(
    ru="строка {line}: запись «{name}» слишком велика. Проверьте, что выгружается.",
    en="line {line}: the record “{name}” is too large. See what is exported.",
)
_UNKNOWN_CODE = Text(
    ru="кодировка документа «{name}» не читается. Выгрузите его в UTF-8 или windows-1251.",
    en="the document's encoding “{name}” cannot be read. Export it in UTF-8 or windows-1251.",
)


@dataclass(slots=True)
class Node:
    """An element with what is in it. What newer documents say in a child, older ones say in an attribute: `said` reads both."""

    name: str
    line: int
    attributes: Mapping[str, str]
    text: str = ""
    children: list["Node"] = field(default_factory=list["Node"])

    def child(self, *path: str) -> "Node | None":
        """The first element at `path` below this one."""
        found: Node | None = self
        for name in path:
            found = next((one for one in found.children if one.name == name), None) if found else None
        return found

    def all(self, *path: str) -> list["Node"]:
        """The elements at `path`, of the first of each level but the last."""
        above = self.child(*path[:-1])
        return [one for one in above.children if one.name == path[-1]] if above else []

    def said(self, *names: str) -> str | None:
        """The text of the first of these children, or attributes, that has any."""
        for name in names:
            found = self.child(name)
            text = found.text if found and found.text else self.attributes.get(name, "").strip()
            if text:
                return text
        return None

    def is_said(self, name: str) -> bool:
        """Whether a child or an attribute says yes."""
        return is_yes(self.said(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A record of a document: the names above it, itself, and the attributes of the uppermost of those above."""

    path: tuple[str, ...]
    node: Node
    above: Mapping[str, str]


def is_yes(text: str | None) -> bool:
    """Whether a text says yes, as 1C writes it."""
    return (text or "").strip().lower() in {"true", "1", "да", "истина"}


def inspect(path: Path, name: str) -> None:
    """See that a document is whole and ours. UnreadableFile says where it is not; Unfinished that the rest may still come."""
    for _ in _Reader(path, name, is_read=False).parts():
        pass


def nothing(now: datetime) -> bytes:
    """A document without anything in it."""
    made = f'<{ROOT} ВерсияСхемы="2.08" ДатаФормирования="{now:%Y-%m-%dT%H:%M:%S}"/>'
    return f'<?xml version="1.0" encoding="windows-1251"?>\n{made}\n'.encode("windows-1251")


def parts(path: Path, name: str) -> Iterator[Part]:
    """The records of a document, in its order; first the document itself, without anything in it. UnreadableFile where it is broken."""
    return _Reader(path, name, is_read=True).parts()


class _Reader:
    """One pass over one document."""

    def __init__(self, path: Path, name: str, *, is_read: bool) -> None:
        self._path, self._name, self._is_read = path, name, is_read
        self._parser = expat.ParserCreate(self._encoding())
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begun
        self._parser.StartDoctypeDeclHandler = self._declared
        self._above: list[tuple[str, Mapping[str, str]]] = []
        self._inside: list[Node] = []
        self._texts: list[list[str]] = []
        self._skipped = self._signs = 0
        self._found: list[Part] = []

    def parts(self) -> Iterator[Part]:
        """Feed the parser, and give what it found after each piece."""
        with self._path.open("rb") as file:
            is_last = False
            while not is_last:
                piece = file.read(_CHUNK)
                is_last = not piece
                try:
                    self._parser.Parse(piece, is_last)
                except expat.ExpatError as error:
                    raise self._trouble(error) from None
                except LookupError as error:
                    raise UnreadableFile(self._name, _UNKNOWN_CODE.filled(name=error)) from None
                yield from self._found
                self._found.clear()

    def _encoding(self) -> str | None:
        """UTF-8 where the first bytes say so, whatever the declaration says after them."""
        with self._path.open("rb") as file:
            return "utf-8" if file.read(3) == codecs.BOM_UTF8 else None

    def _trouble(self, error: expat.ExpatError) -> UnreadableFile:
        if error.code in _CUT_OFF:
            return Unfinished(self._name, _ENDS_EARLY.filled(line=error.lineno))
        return UnreadableFile(self._name, _BROKEN.filled(line=error.lineno, why=expat.ErrorString(error.code)))

    def _declared(self, name: str, *_rest: object) -> None:
        raise UnreadableFile(self._name, _DECLARES.filled(line=self._line, name=name))

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _begun(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name != ROOT:
            raise UnreadableFile(self._name, _OTHER_ROOT.filled(line=self._line, name=name, root=ROOT))
        self._found.append(Part(path=(), node=Node(name, self._line, attributes), above=attributes))
        self._parser.StartElementHandler = self._started if self._is_read else None
        self._parser.EndElementHandler = self._ended if self._is_read else None

    def _started(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self._skipped or (self._inside and name in _PASSED_BY):
            self._skipped += 1
        elif self._inside:
            node = Node(name, self._line, attributes)
            self._inside[-1].children.append(node)
            self._enter(node)
            self._weigh(_SIGNS_OF_ELEMENT)
        elif (*(one for one, _ in self._above), name) in _RECORDS:
            self._enter(Node(name, self._line, attributes))
            self._signs = 0
            self._parser.CharacterDataHandler = self._written
        else:
            self._above.append((name, attributes))

    def _enter(self, node: Node) -> None:
        self._inside.append(node)
        self._texts.append([])

    def _written(self, text: str) -> None:
        if not self._skipped:
            self._texts[-1].append(text)
            self._weigh(len(text))

    def _weigh(self, signs: int) -> None:
        self._signs += signs
        if self._signs > MOST_SIGNS or len(self._inside) > MOST_DEPTH:
            record = self._inside[0]
            raise UnreadableFile(self._name, _TOO_LARGE.filled(line=record.line, name=record.name))

    def _ended(self, _tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif self._inside:
            node = self._inside.pop()
            node.text = "".join(self._texts.pop()).strip()
            if not self._inside:
                self._parser.CharacterDataHandler = None
                path = (*(one for one, _ in self._above), node.name)
                self._found.append(Part(path=path, node=node, above=self._above[0][1] if self._above else {}))
        elif self._above:
            self._above.pop()
