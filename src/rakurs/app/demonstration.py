"""The made-up company: written as files, and taken in the way real files are."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from rakurs.app.home import Home
from rakurs.core.errors import BadInput
from rakurs.core.loading import LoadReport, Progress, silent
from rakurs.core.text import Text
from rakurs.sources.demo import generate
from rakurs.warehouse.duckdb_engine import DuckDBEngine

_OTHER = Text(
    ru="В папке {home} уже другие данные. Выберите пустую: rakurs --home ПАПКА demo",
    en="{home} already holds other data. Choose an empty folder: rakurs --home FOLDER demo",
)


class DemoCompany(BaseModel):
    """What makes two made-up companies the same, to the last row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int = 20_000
    years: int = 3
    seed: int = 1
    today: date


class Loader(Protocol):
    """Whatever loads files: a workspace, or a server that owns one."""

    def load(self, paths: Sequence[Path], *, progress: Progress = silent) -> LoadReport: ...


def write_demo(company: DemoCompany, folder: Path, *, progress: Progress = silent) -> tuple[Path, ...]:
    """The company's files in `folder`, and what is true of it in `folder/truth`."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(DuckDBEngine.in_memory()) as engine, engine.cursor() as connection:
        generate(
            connection,
            folder,
            customers=company.customers,
            years=company.years,
            seed=company.seed,
            today=company.today,
            progress=progress,
        )
    return tuple(sorted(path for path in folder.iterdir() if path.is_file()))


def load_demo(home: Home, company: DemoCompany, loader: Loader, *, progress: Progress = silent) -> LoadReport:
    """Write the company's files and load them; what is true of it stays in the home's `demo` folder."""
    folder = home.scratch / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    files = write_demo(company, folder, progress=progress)
    report = loader.load(files, progress=progress)
    kept = home.path / "demo"
    kept.mkdir(exist_ok=True)
    shutil.copytree(folder / "truth", kept, dirs_exist_ok=True)
    _marker(home).write_text(company.model_dump_json(indent=2), encoding="utf-8")
    shutil.rmtree(folder)
    return report


def is_same_demo(home: Home, company: DemoCompany, *, has_data: bool, any_day: bool) -> bool:
    """Whether `home` already holds this company (as of another day counts where `any_day`).

    BadInput when it holds anything else: a made-up company is never mixed with real rows.
    """
    marker = _marker(home)
    if not marker.exists():
        if has_data:
            raise BadInput(_OTHER.filled(home=home.path))
        return False
    try:
        there = DemoCompany.model_validate_json(marker.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise BadInput(_OTHER.filled(home=home.path)) from error
    if there != (company.model_copy(update={"today": there.today}) if any_day else company):
        raise BadInput(_OTHER.filled(home=home.path))
    return True


def _marker(home: Home) -> Path:
    return home.path / "demo" / "company.json"
