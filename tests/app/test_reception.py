"""Is every answered piece of an exchange on the disk, once, whatever stops between; and is an exchange over when it is?"""

import io
import os
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rakurs.app import exchange as receptions
from rakurs.app.exchange import QUIET, Reception, plain_name
from rakurs.core.errors import BadInput, NotAllowed, UnreadableFile
from rakurs.core.text import Text
from rakurs.sources.live import Exchange
from rakurs.sources.receiving import DONE, OPEN, Received, Unfinished, numbered, record_of

WHOLE = b"<doc>" + b"0123456789" * 30 + b"</doc>"


def inspect(path: Path, name: str) -> None:
    """A document of these tests begins with <doc> and ends with </doc>."""
    text = path.read_bytes()
    if not text.startswith(b"<doc>"):
        raise UnreadableFile(name, Text(ru="не то", en="is none"))
    if not text.endswith(b"</doc>"):
        raise Unfinished(name, Text(ru="обрывается", en="breaks off"))


EXCHANGE = Exchange(inspect=inspect, nothing=lambda now: f"<nothing at='{now.year}'/>".encode(), clean=lambda *_: 0)


@pytest.fixture
def desk(tmp_path: Path) -> Reception:
    return Reception(tmp_path, EXCHANGE)


def pieces(content: bytes, size: int = 64) -> Iterator[bytes]:
    return (content[begin : begin + size] for begin in range(0, len(content), size))


def put_all(desk: Reception, key: str, name: str, content: bytes) -> None:
    for piece in pieces(content):
        desk.put(key, name, piece, is_last=len(piece) < 64)


def over(folder: Path) -> list[tuple[Received, Path]]:
    return [(record_of(path), path) for _, path in numbered(folder, DONE)]


def contents(folder: Path) -> list[dict[str, bytes]]:
    return [{file.name: (path / file.stored).read_bytes() for file in found.taken} for found, path in over(folder)]


def packed(**files: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name.replace("__", "/"), content)
    return archive.getvalue()


def test_pieces_become_files_that_runs_read_when_the_exchange_is_complete(desk: Reception, tmp_path: Path) -> None:
    key = desk.login("catalog")
    put_all(desk, key, "import0_1.xml", WHOLE)
    put_all(desk, key, "import_files/1a/1.jpg", b"\xff\xd8 a picture")
    assert desk.take(key, "import0_1.xml")
    assert (over(tmp_path), desk.over) == ([], 0)
    desk.end(key)
    ((found, _),) = over(tmp_path)
    assert (found.is_told, found.is_whole, found.kind, found.number, found.since) == (True, True, "catalog", 1, 1)
    assert contents(tmp_path) == [{"import0_1.xml": WHOLE}]
    assert desk.over == 1
    assert not list((tmp_path / OPEN).iterdir())


def test_a_piece_is_synced_with_its_size_before_the_answer(desk: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(
        receptions.os,
        "fsync",
        lambda number: (synced.append(Path(f"/proc/self/fd/{number}").readlink().name), real(number)),
    )
    desk.put(desk.login("catalog"), "a.xml", WHOLE, is_last=True)
    assert synced[-3:-1] == ["00001", "exchange.draft"]


def test_a_server_killed_anywhere_goes_on_with_the_piece_that_was_not_answered(desk: Reception, tmp_path: Path) -> None:
    key = desk.login("catalog")
    for number, piece in enumerate(pieces(WHOLE)):
        desk.put(key, "a.xml", piece, is_last=False)
        stored = next((tmp_path / OPEN).iterdir()) / "00001"
        if number == 1:
            # Killed after the bytes, before they were said to count.
            with stored.open("ab") as file:
                file.write(b"half a piece")
        desk = Reception(tmp_path, EXCHANGE)
        if number == 2:
            # Killed after they counted, before the answer: the sender repeats itself.
            desk.put(key, "a.xml", piece, is_last=False)
    assert desk.take(key, "a.xml")
    desk = Reception(tmp_path, EXCHANGE)
    desk.end(key)
    assert contents(tmp_path) == [{"a.xml": WHOLE}]
    assert desk.login("catalog") != key
    put_all(desk, desk.login("catalog"), "b.xml", WHOLE)
    assert {number for number, _ in numbered(tmp_path, OPEN)} == {2}


def test_a_file_that_is_sent_from_its_beginning_again_is_one_file(desk: Reception, tmp_path: Path) -> None:
    key = desk.login("catalog")
    for piece in list(pieces(WHOLE))[:3]:
        desk.put(key, "a.xml", piece, is_last=False)
    put_all(desk, key, "a.xml", WHOLE)
    assert desk.take(key, "a.xml")
    # After it was taken, another of its name is another.
    put_all(desk, key, "a.xml", WHOLE.replace(b"0", b"x"))
    desk.take(key, "a.xml")
    desk.end(key)
    ((found, path),) = over(tmp_path)
    assert [(path / file.stored).read_bytes() for file in found.taken] == [WHOLE, WHOLE.replace(b"0", b"x")]


def test_what_is_half_or_broken_is_refused_and_the_rest_is_not_lost(desk: Reception, tmp_path: Path) -> None:
    key = desk.login("catalog")
    put_all(desk, key, "good.xml", WHOLE)
    put_all(desk, key, "half.xml", WHOLE[:100])
    put_all(desk, key, "bad.xml", b"<html>")
    assert desk.take(key, "good.xml")
    with pytest.raises(Unfinished, match=r"half\.xml"):
        desk.take(key, "half.xml")
    with pytest.raises(UnreadableFile, match=r"bad\.xml"):
        desk.take(key, "bad.xml")
    with pytest.raises(BadInput, match=r"no file “other\.xml”"):
        desk.take(key, "other.xml")
    put_all(desk, key, "half.xml", WHOLE)
    assert desk.take(key, "half.xml")
    desk.end(key)
    ((found, _),) = over(tmp_path)
    assert contents(tmp_path) == [{"good.xml": WHOLE, "half.xml": WHOLE}]
    assert [(file.name, file.trouble_en) for file in found.files if file.state == "refused"] == [
        ("bad.xml", "bad.xml: is none")
    ]
    assert not found.is_whole


def test_an_exchange_that_is_begun_anew_leaves_what_came_whole(desk: Reception, tmp_path: Path) -> None:
    key = desk.login("catalog")
    put_all(desk, key, "a.xml", WHOLE)
    desk.take(key, "a.xml")
    put_all(desk, key, "b.xml", WHOLE[:70])
    other = desk.login("sale")
    assert over(tmp_path) == []
    desk.login("catalog")
    ((found, _),) = over(tmp_path)
    assert (found.is_told, found.is_whole, [file.name for file in found.files]) == (False, False, ["a.xml"])
    desk.must_know(other)
    # Of an exchange that brought nothing whole, nothing is left.
    put_all(desk, other, "c.xml", WHOLE[:70])
    desk.login("sale")
    assert len(over(tmp_path)) == 1
    assert not list((tmp_path / OPEN).iterdir())


def test_silence_ends_an_exchange_and_what_comes_after_it_goes_on_from_it(
    desk: Reception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = desk.login("catalog")
    put_all(desk, key, "a.xml", WHOLE)
    desk.take(key, "a.xml")
    desk.settle()
    assert over(tmp_path) == []
    real = receptions._now
    monkeypatch.setattr(receptions, "_now", lambda: real() + QUIET + timedelta(seconds=1))
    desk.settle()
    assert [found.is_told for found, _ in over(tmp_path)] == [False]
    put_all(desk, key, "b.xml", WHOLE)
    desk.take(key, "b.xml")
    desk.tell(key)  # all is here; that the exchange is complete is never said
    desk.login("catalog")
    assert [(found.number, found.since, found.is_told) for found, _ in over(tmp_path)] == [(1, 1, False), (2, 1, True)]
    monkeypatch.setattr(receptions, "_now", lambda: real() + timedelta(hours=25))
    with pytest.raises(NotAllowed):
        desk.put(key, "c.xml", WHOLE, is_last=True)


@pytest.mark.parametrize("name", ["documents.xml", "documents.zip"])
def test_documents_of_trade_are_taken_as_soon_as_they_are_whole(desk: Reception, tmp_path: Path, name: str) -> None:
    content = packed(**{"a.xml": WHOLE, "b.xml": WHOLE}) if name.endswith("zip") else WHOLE
    key = desk.login("sale")
    put_all(desk, key, name, content)
    desk.put(key, name, list(pieces(content))[-1], is_last=True)  # its answer was lost
    desk.login("sale")
    ((found, _),) = over(tmp_path)
    assert (len(found.taken), found.is_whole) == (2 if name.endswith("zip") else 1, True)
    key = desk.login("sale")
    with pytest.raises(UnreadableFile, match="is none"):
        put_all(desk, key, "bad.xml", b"<html>")


def test_an_archive_gives_its_documents_one_import_after_another(desk: Reception, tmp_path: Path) -> None:
    key = desk.login("catalog")
    archive = packed(**{"webdata__import.xml": WHOLE, "offers.xml": WHOLE, "import_files__1.jpg": os.urandom(5000)})
    put_all(desk, key, "v8_1C.zip", archive)
    assert desk.take(key, "import.xml") is False
    assert [desk.take(key, name) for name in ("import.xml", "offers.xml", "webdata/import.xml")] == [True, True, True]
    desk.end(key)
    assert contents(tmp_path) == [{"import.xml": WHOLE, "offers.xml": WHOLE}]


def test_an_archive_that_is_half_broken_or_a_bomb_is_refused_with_its_name(
    desk: Reception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = desk.login("catalog")
    whole = packed(**{"import.xml": WHOLE})
    put_all(desk, key, "half.zip", whole[:-30])
    with pytest.raises(Unfinished, match="in part"):
        desk.take(key, "import.xml")
    put_all(desk, key, "half.zip", whole)
    assert desk.take(key, "import.xml") is False
    broken = bytearray(packed(**{"broken.xml": os.urandom(400)}))
    broken[60:80] = bytes(20)
    put_all(desk, key, "broken.zip", bytes(broken))
    with pytest.raises(UnreadableFile, match=r"broken\.zip: the archive is damaged"):
        desk.take(key, "import.xml")
    monkeypatch.setattr("rakurs.app.unpacking.ALWAYS_ALLOWED_BYTES", 1 << 10)
    bomb = packed(**{"import2.xml": bytes(40 << 20)})
    desk.put(key, "bomb.zip", bomb, is_last=True)
    with pytest.raises(UnreadableFile, match=r"bomb\.zip: the archive grows suspiciously"):
        desk.take(key, "import2.xml")
    assert max(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1 << 20
    assert desk.take(key, "import.xml")
    desk.end(key)
    ((found, _),) = over(tmp_path)
    assert {file.name: file.state for file in found.files} == {
        "import.xml": "taken",
        "broken.zip": "refused",
        "bomb.zip": "refused",
    }


def test_an_archive_that_lies_about_its_size_is_counted_as_it_comes_out(desk: Reception, tmp_path: Path) -> None:
    honest = packed(**{"import.xml": bytes(3 << 20)})
    size = (3 << 20).to_bytes(4, "little")
    key = desk.login("catalog")
    desk.put(key, "liar.zip", honest.replace(size, (100).to_bytes(4, "little")), is_last=True)
    with pytest.raises(UnreadableFile, match=r"liar\.zip"):
        desk.take(key, "import.xml")
    assert max(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1 << 20


def test_a_name_is_a_label_and_leads_nowhere(desk: Reception, tmp_path: Path) -> None:
    for written, label in (
        ("import0_1.xml", "import0_1.xml"),
        ("import_files\\1a\\1.jpg", "import_files/1a/1.jpg"),
        ("C:\\Temp\\v8_8789_c.xml", "v8_8789_c.xml"),
        ("/tmp/v8_1.zip", "v8_1.zip"),
    ):
        assert plain_name(written) == label
    key = desk.login("catalog")
    for bad in ("../../etc/passwd.xml", "a/../../b.xml", "..\\b.xml", "", "/", "a\nb.xml", "x" * 2000 + ".xml"):
        with pytest.raises(BadInput, match="leads out"):
            desk.put(key, bad, WHOLE, is_last=True)
    put_all(desk, key, "z.zip", packed(**{"..__..__climbing.xml": WHOLE}))
    desk.take(key, "climbing.xml")
    desk.take(key, "climbing.xml")
    desk.end(key)
    assert contents(tmp_path) == [{"climbing.xml": WHOLE}]
    assert not list(tmp_path.parent.glob("*.xml"))


def test_nothing_is_taken_without_a_key_or_where_there_is_no_room(
    desk: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    for deed in (
        lambda: desk.put("x", "a.xml", WHOLE, is_last=True),
        lambda: desk.take("x", "a.xml"),
        lambda: desk.end("x"),
    ):
        with pytest.raises(NotAllowed, match="checkauth"):
            deed()
    key = desk.login("catalog")
    monkeypatch.setattr(receptions, "MOST_FILES", 1)
    desk.put(key, "a.xml", WHOLE, is_last=True)
    with pytest.raises(BadInput, match="more than 1 files"):
        desk.put(key, "b.xml", WHOLE, is_last=True)
    monkeypatch.setattr(receptions, "RESERVE_BYTES", 1 << 60)
    with pytest.raises(BadInput, match="disk of Rakurs is full"):
        desk.put(key, "a.xml", WHOLE, is_last=True)
