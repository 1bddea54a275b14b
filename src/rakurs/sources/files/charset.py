"""Charsets: in which encoding was a text written, and where is it as UTF-8? Never more than a chunk in memory."""

import codecs
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from charset_normalizer import from_bytes

from rakurs.core.errors import UnreadableFile
from rakurs.core.text import Text

CHUNK_BYTES = 1 << 20
Told = Callable[[float], None]
"""Told the share of a part that is read, 0..1; raises where the user wants it stopped."""
_SAMPLE_BYTES = 64 << 10
_CYRILLIC = ("cp1251", "cp866", "koi8-r")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORD = re.compile(r"[^\W\d_]{3,}")
_RUSSIAN = re.compile(r"[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+")
_WESTERN_MARKS = frozenset("€£«»“”‘’–—…°·")
_PAIRS = frozenset(
    [
        "ст",
        "но",
        "то",
        "на",
        "ен",
        "ов",
        "ни",
        "ра",
        "во",
        "ко",
        "ал",
        "ер",
        "по",
        "пр",
        "ре",
        "го",
        "ан",
        "ро",
        "ть",
        "ли",
        "ка",
        "ос",
        "ва",
        "не",
        "от",
        "ом",
        "ит",
        "ел",
        "ак",
        "ат",
        "ор",
        "та",
        "да",
        "ол",
        "ле",
        "ти",
        "де",
        "ри",
        "од",
        "ог",
        "ль",
        "ла",
        "ес",
        "ме",
        "ет",
        "те",
        "ам",
        "ин",
        "мо",
        "ик",
        "ия",
        "ск",
        "ие",
        "ит",
        "ив",
        "ич",
        "ма",
        "им",
        "ир",
        "из",
        "ед",
        "ев",
        "ки",
        "ое",
        "об",
        "ся",
    ]
)
_FREQUENT = frozenset("оеаинтсрвлкмдп")

_BINARY = Text(
    ru="это не таблица, а двоичный файл. Сохраните данные как CSV или XLSX.",
    en="this is a binary file, not a table. Save the data as CSV or XLSX.",
)
_MIXED = Text(
    ru="строка {row}: смесь кодировок, это не {encoding}. Пересохраните файл в UTF-8.",
    en="row {row}: mixed encodings, this is not {encoding}. Save the file again as UTF-8.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utf8File:
    """A text as UTF-8: the file itself, or its transcoded copy. The hash is of the original bytes."""

    path: Path
    encoding: str
    content_hash: str
    size_bytes: int
    had_bom: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    is_utf8: bool
    content_hash: str
    size_bytes: int
    failing: bytes
    failing_row: int
    saw_multibyte: bool


def as_utf8(path: Path, *, file: str, scratch: Path, told: Told) -> Utf8File:
    """`path` as UTF-8, verified to its last byte; other encodings are transcoded into `scratch`."""
    with path.open("rb") as stream:
        head = stream.read(_SAMPLE_BYTES)
    wide = _wide_encoding(head)
    verdict = _verified(path, told=told)
    if wide is None and b"\0" in head:
        raise UnreadableFile(file, _BINARY)
    if wide is None and verdict.is_utf8:
        return Utf8File(
            path=path,
            encoding="utf-8",
            content_hash=verdict.content_hash,
            size_bytes=verdict.size_bytes,
            had_bom=head.startswith(codecs.BOM_UTF8),
        )
    if wide is None and verdict.saw_multibyte:
        raise UnreadableFile(file, _MIXED.filled(row=verdict.failing_row, encoding="UTF-8"))
    encoding = wide or single_byte_encoding(head + b"\n" + verdict.failing)
    target = scratch / f"text-{hashlib.blake2b(file.encode(), digest_size=8).hexdigest()}.utf8"
    _transcode(path, target, encoding=encoding, file=file, told=told)
    return Utf8File(
        path=target,
        encoding=encoding,
        content_hash=verdict.content_hash,
        size_bytes=verdict.size_bytes,
        had_bom=False,
    )


def content_hash(path: Path, *, told: Told) -> str:
    """The hash of a file's bytes, read in chunks."""
    digest = hashlib.blake2b(digest_size=20)
    for chunk in _chunks(path, told=told):
        digest.update(chunk)
    return digest.hexdigest()


def single_byte_encoding(sample: bytes) -> str:
    """The encoding of a sample that is not UTF-8: the Cyrillic page that reads as Russian, else the likeliest."""
    best = max(_CYRILLIC, key=lambda encoding: _russian_score(sample.decode(encoding, errors="replace")))
    if _russian_score(sample.decode(best, errors="replace")) > 0:
        return best
    if _is_western(sample):
        return "cp1252"
    lines = [line for line in sample.splitlines() if any(byte > 127 for byte in line)]
    match = from_bytes(b"\n".join(lines)).best()
    return match.encoding if match else "cp1252"


def _is_western(sample: bytes) -> bool:
    """Whether the bytes above ASCII are letters and marks of Western languages."""
    high = [letter for letter in sample.decode("cp1252", errors="replace") if not letter.isascii()]
    return sum(letter.isalpha() or letter in _WESTERN_MARKS for letter in high) >= 0.9 * len(high)


def _russian_score(text: str) -> float:
    """Usual letters and pairs of letters in words that look Russian, less what mixes alphabets or cases.

    Pages differ in where the same bytes have capitals, so small letters count a little more.
    """
    score = 0.0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        if not _RUSSIAN.fullmatch(word):
            score -= len(word)
            continue
        small = word.lower()
        frequent = sum(letter in _FREQUENT for letter in small)
        pairs = sum(first + second in _PAIRS for first, second in pairwise(small))
        score += 1.5 * pairs + 0.5 * frequent - (len(word) - frequent) + 0.25 * sum(map(str.islower, word))
    return score


def _wide_encoding(head: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if head.startswith(mark) and encoding != "utf-8-sig":
            return encoding
    if len(head) < 4:
        return None
    even, odd = head[0::2], head[1::2]
    # Cyrillic and Latin UTF-16 have a high byte of 0 or 4 at every second place.
    for encoding, high in (("utf-16-le", odd), ("utf-16-be", even)):
        if b"\0" in high and sum(byte in {0, 4} for byte in high) > 0.9 * len(high):
            return encoding
    return None


def _verified(path: Path, *, told: Told) -> _Verdict:
    digest = hashlib.blake2b(digest_size=20)
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, rows, saw_multibyte, failing = 0, 1, False, b""
    is_utf8 = True

    def told_half(share: float) -> None:
        # Another encoding shows early, and its text is read once more to be transcoded.
        told(share if is_utf8 else share / 2)

    for chunk in _chunks(path, told=told_half):
        digest.update(chunk)
        size += len(chunk)
        if is_utf8:
            pending = decoder.getstate()[0]
            try:
                decoder.decode(chunk)
                rows += chunk.count(b"\n")
                saw_multibyte = saw_multibyte or not chunk.isascii()
            except UnicodeDecodeError as error:
                is_utf8, failing = False, _around(pending + chunk, error.start)
                before = (pending + chunk)[: error.start]
                rows += before.count(b"\n")
                # Two or three bytes of another encoding may pass for UTF-8 by chance, more do not.
                saw_multibyte = saw_multibyte or len(before) - len(before.decode()) > 4
    if is_utf8 and decoder.getstate()[0]:
        is_utf8, failing = False, decoder.getstate()[0]
    return _Verdict(
        is_utf8=is_utf8,
        content_hash=digest.hexdigest(),
        size_bytes=size,
        failing=failing,
        failing_row=rows,
        saw_multibyte=saw_multibyte,
    )


def _around(data: bytes, place: int) -> bytes:
    return data[max(0, place - 2000) : place + _SAMPLE_BYTES]


def _transcode(path: Path, target: Path, *, encoding: str, file: str, told: Told) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    rows = 1
    with target.open("wb") as out:
        try:
            for chunk in _chunks(path, told=lambda share: told((1 + share) / 2)):
                text = decoder.decode(chunk)
                rows += text.count("\n")
                out.write(text.encode())
            out.write(decoder.decode(b"", final=True).encode())
        except UnicodeError as error:
            raise UnreadableFile(file, _MIXED.filled(row=rows, encoding=encoding)) from error


def _chunks(path: Path, *, told: Told) -> Iterator[bytes]:
    size = max(1, path.stat().st_size)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
            told(min(1.0, stream.tell() / size))
