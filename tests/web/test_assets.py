"""Is everything a page asks for in the package, and nothing from outside?"""

import json
import re
from pathlib import Path

from rakurs.analyses import AREAS
from rakurs.web.pictures import CHART_ICONS, OTHER_ICON, STATUS_ICONS

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "src/rakurs/web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
LISTED = (ROOT / "assets/icons.txt").read_text().split()


def test_every_icon_is_listed() -> None:
    asked = {name for path in TEMPLATES for name in re.findall(r'{% icon "([\w-]+)" %}', path.read_text("utf-8"))}
    asked |= {area.icon for area in AREAS} | set(CHART_ICONS.values()) | set(STATUS_ICONS.values()) | {OTHER_ICON}
    assert asked <= set(LISTED)
    assert sorted(LISTED) == LISTED


def test_sprite_holds_the_listed_icons() -> None:
    sprite = (WEB / "static/vendor/icons.svg").read_text("utf-8")
    assert set(re.findall(r'<symbol id="([\w-]+)"', sprite)) == set(LISTED)


def test_lock_names_no_host() -> None:
    lock = json.loads((ROOT / "assets/package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "://" not in json.dumps(lock)


def test_nothing_is_asked_from_outside() -> None:
    for path in (*TEMPLATES, *(WEB / "static/rakurs").iterdir()):
        addresses = set(re.findall(r"https?://[\w.]+", path.read_text("utf-8")))
        assert addresses <= {"http://www.w3.org"}, path


def test_templates_carry_no_inline_code() -> None:
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*src=)", text), path
