"""Do both languages tell the same news?"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def told(name: str) -> list[tuple[str, list[list[str]]]]:
    """Each release and, of each of its lines, the commands and settings it names."""
    found: list[tuple[str, list[list[str]]]] = []
    text = re.sub(r"\n  ", " ", (ROOT / name).read_text(encoding="utf-8"))
    for line in text.splitlines():
        if line.startswith("## "):
            found.append((line, []))
        elif line.startswith("- "):
            found[-1][1].append(line.split("`")[1::2])
    return found


def test_both_changelogs_have_the_same_releases_lines_and_names() -> None:
    english = told("CHANGELOG.md")
    assert english[0][1]
    for (ours, lines), (theirs, others) in zip(english, told("CHANGELOG.ru.md"), strict=True):
        assert ours == theirs
        for number, (named, also) in enumerate(zip(lines, others, strict=True), start=1):
            assert named == also, f"line {number} of {ours}"
