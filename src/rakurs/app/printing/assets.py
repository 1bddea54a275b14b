"""Which of the browser's own files draw on paper too, and what are the colours of the light theme?"""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

STATIC = Path(str(files("rakurs"))) / "web" / "static"
ECHARTS = STATIC / "vendor" / "echarts.min.js"
SCRIPTS = (STATIC / "rakurs" / "formats.js", STATIC / "rakurs" / "drawing.js")
FONTS = STATIC / "vendor" / "fonts"
STYLES = STATIC / "rakurs" / "rakurs.css"
FONT_FAMILY = "Inter"

_TOKEN = re.compile(r"--([a-z][a-z0-9-]*):\s*([^;]+);")
_LIGHT = re.compile(r"light-dark\(\s*(rgb\([^)]*\)|[^,()]+)\s*,")
_ANOTHER = re.compile(r"var\(--([a-z0-9-]+)\)")


@cache
def light_colours() -> dict[str, str]:
    """The tokens of the stylesheet as the light theme has them: name -> colour, the font's family under "font"."""
    styles = STYLES.read_text(encoding="utf-8")
    root = styles[styles.index(":root {") : styles.index("}", styles.index(":root {"))]
    tokens = {name: _light(value.strip()) for name, value in _TOKEN.findall(root)}
    return {name: _followed(value, tokens) for name, value in tokens.items()} | {"font": FONT_FAMILY}


def _light(value: str) -> str:
    found = _LIGHT.search(value)
    return found[1].strip() if found else value


def _followed(value: str, tokens: dict[str, str]) -> str:
    found = _ANOTHER.fullmatch(value)
    return _followed(tokens[found[1]], tokens) if found else value


def plain_scripts() -> str:
    """The modules as one plain script: the printer's engine knows no modules."""
    texts = (path.read_text(encoding="utf-8") for path in SCRIPTS)
    return "\n".join(re.sub(r"^(import .*|export )", "", text, flags=re.MULTILINE) for text in texts)
