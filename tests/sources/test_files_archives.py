import zipfile
from pathlib import Path

import pytest

from rakurs.core.errors import UnreadableFile
from rakurs.sources.files import deliveries, inspect

DEALS = "deal_id,created_at\n1,2026-01-01\n"
CUSTOMERS = "customer_id,name\nc1,Анна\n"


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_members_are_named_after_the_archive_and_junk_is_silent(tmp_path, scratch):
    members = {
        "год/deals.csv": DEALS,
        "customers.csv": CUSTOMERS,
        "__MACOSX/._deals.csv": b"\0\0",
        "~$deals.xlsx": b"lock",
        ".DS_Store": b"\0",
    }
    found = inspect(zipped(tmp_path / "exports.zip", members), scratch=scratch)
    assert [item.file for item in found] == ["exports.zip/customers.csv", "exports.zip/год/deals.csv"]
    assert found[0].notes == ()


def test_cyrillic_names_of_windows_archivers(tmp_path, scratch):
    path = zipped(tmp_path / "a.zip", {"XXXXXX.csv": "Клиент;Дата;Сумма\nА;01.01.2026;1\n"})
    path.write_bytes(path.read_bytes().replace(b"XXXXXX.csv", "Январь".encode("cp866") + b".csv"))
    (found,) = inspect(path, scratch=scratch)
    assert found.file == "a.zip/Январь.csv"


@pytest.mark.parametrize("name", ["../evil.csv", "a/../../evil.csv", "/etc/evil.csv", "C:/evil.csv", "..\\evil.csv"])
def test_no_member_leaves_the_archive(tmp_path, scratch, name):
    with pytest.raises(UnreadableFile, match="leads out of the archive"):
        inspect(zipped(tmp_path / "evil.zip", {name: DEALS}), scratch=scratch)
    assert not list(tmp_path.rglob("evil.csv"))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, scratch):
    path = zipped(tmp_path / "bomb.zip", {"deals.csv": b"0" * (90 << 20)})
    with pytest.raises(UnreadableFile, match="grows suspiciously"):
        inspect(path, scratch=scratch)


def test_a_damaged_archive_is_reported(tmp_path, scratch):
    path = zipped(tmp_path / "a.zip", {"deals.csv": DEALS * 100})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnreadableFile, match=r"a\.zip: the archive is damaged"):
        inspect(path, scratch=scratch)


def test_archives_inside_archives(tmp_path, scratch):
    inner = zipped(tmp_path / "inner.zip", {"deals.csv": DEALS})
    (found,) = inspect(zipped(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()}), scratch=scratch)
    assert found.file == "outer.zip/inner.zip/deals.csv"


def test_a_folder_in_load_order_with_strangers_named(tmp_path, scratch):
    folder = tmp_path / "company"
    (folder / "sub").mkdir(parents=True)
    (folder / "deals.csv").write_text(DEALS)
    (folder / "README.md").write_text("# Notes")
    (folder / "sub" / "customers.csv").write_text(CUSTOMERS)
    (folder / ".hidden.csv").write_text("x")
    found = inspect(folder, scratch=scratch)
    assert [item.file for item in found] == ["sub/customers.csv", "deals.csv"]
    assert any("README.md" in note.en for note in found[0].notes)
    assert [item.slot for item in deliveries([folder], scratch=scratch)] == ["sub/customers.csv", "deals.csv"]


def test_a_broken_file_stops_everything(tmp_path, scratch):
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "deals.csv").write_text(DEALS)
    (folder / "empty.csv").write_text("")
    with pytest.raises(UnreadableFile, match=r"empty\.csv"):
        list(deliveries([folder], scratch=scratch))


def test_nothing_there(tmp_path, scratch):
    with pytest.raises(UnreadableFile, match="no such file"):
        inspect(tmp_path / "absent.csv", scratch=scratch)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile, match="no tables"):
        inspect(tmp_path / "empty", scratch=scratch)
