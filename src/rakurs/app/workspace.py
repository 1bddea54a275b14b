"""One company, opened: everything a face may do with it, each call on somebody's behalf."""

import shutil
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import Any, Self, cast
from zoneinfo import ZoneInfo

from rakurs.analyses import analysis_named
from rakurs.app.asked import AnalysisAsked, PivotAsked
from rakurs.app.asked_rows import FIELD, segments_in
from rakurs.app.asking import Computed, DataState, answer_of, computed, page_of, rows_beyond
from rakurs.app.cache import AnswerCache, Kept
from rakurs.app.company import Company, company_of, save_company
from rakurs.app.drilling import members_of
from rakurs.app.exporting import ExportKind, answer_content, members_content, write_file
from rakurs.app.formats import Format
from rakurs.app.home import Home
from rakurs.app.id_lists import IdList
from rakurs.app.measuring import PivotAnswer, custom_fields_of, options_of, pivot_of, usual_basis
from rakurs.app.params import checked_params
from rakurs.app.pivots import PivotParams, pivot_analysis
from rakurs.app.reconciled import reconciliation_content, set_aside
from rakurs.app.reconciling import Reconciliation, reconciliation
from rakurs.app.rights import Scope
from rakurs.app.serving import current as served
from rakurs.app.tiles import Tile, number_tiles, tiles_of
from rakurs.app.upkeep import Finding, QuarantinePage, backed_up, findings, quarantine_page
from rakurs.core.analysis import Analysis
from rakurs.core.answer import Answer, MembersAnswer
from rakurs.core.errors import UnreadableFile
from rakurs.core.loading import LoadReport, Progress, silent
from rakurs.core.metric import Basis
from rakurs.core.params import Params
from rakurs.core.source import Delivery
from rakurs.core.text import Language, Text
from rakurs.identity.likeness import likely_pairs
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.schema import table_named
from rakurs.schema.scores import MODEL_SCORES
from rakurs.sources import files
from rakurs.sources.files.templates import TemplateKind
from rakurs.warehouse.engine import Frame
from rakurs.warehouse.identities import DecisionKind
from rakurs.warehouse.loading import Correction
from rakurs.warehouse.memberships import Provenance
from rakurs.warehouse.reading import Reader
from rakurs.warehouse.warehouse import Warehouse

ALL_MARTS = (CALENDAR_MART, *MARTS)
_NEVER_LOADED = Text(ru="такой файл не загружался. Проверьте имя.", en="no such file was loaded. Check its name.")
STALE_AFTER = timedelta(days=31)
"""Data older than this is an archive: questions are asked as of its own last day, and say so."""


class Workspace:
    """A home and the process that owns it. Thread-safe; close it, or use it as a context manager."""

    def __init__(self, home: Home, company: Company, warehouse: Warehouse) -> None:
        self.home = home
        self.company = company
        self._warehouse = warehouse
        self._cache = AnswerCache()
        self._loading = RLock()

    @classmethod
    def open(cls, home: Home) -> "Workspace":
        """The company in `home`, made when there is none. Raises WarehouseBusy when another process has it."""
        home.ensured()
        company = company_of(home)
        warehouse = _opened(home, company)
        for leftover in home.scratch.iterdir():
            shutil.rmtree(leftover, ignore_errors=True)
        return cls(home, company, warehouse)

    def close(self) -> None:
        """Give the home up to other processes."""
        self._warehouse.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what is here ------------------------------------------------------------------------------

    @property
    def data_version(self) -> int:
        """Grows with every load that changed something."""
        return self._warehouse.data_version

    @property
    def has_data(self) -> bool:
        """Whether anything has been loaded."""
        return self.data_version > 0

    @property
    def clock_today(self) -> date:
        """Today by the company's clock, whatever the data."""
        return datetime.now(ZoneInfo(self.company.timezone)).date()

    @property
    def today(self) -> date:
        """The day questions default to: today in the company's time zone, or an archive's own last day."""
        today = self.clock_today
        newest = self._warehouse.newest_on()
        return newest if newest is not None and newest < today - STALE_AFTER else today

    @property
    def state(self) -> DataState:
        """Version and freshness of the data."""
        return DataState(
            version=self.data_version, newest_on=self._warehouse.newest_on(), tables=self._warehouse.table_states()
        )

    # -- questions ---------------------------------------------------------------------------------

    def question(
        self,
        asked: AnalysisAsked | PivotAsked,
        *,
        scope: Scope,
        over: tuple[str, ...] | None = None,
        today: date | None = None,
    ) -> tuple[Analysis, Params]:
        """What is asked as an analysis and its checked parameters, bound to the day of the question (`today`).

        `over` asks for the subtotals of a split of metrics: the same rows, grouped by these of its dimensions only.
        """
        if isinstance(asked, AnalysisAsked):
            analysis: Analysis = analysis_named(asked.name)
            given = self.company.with_basis(asked.params, analysis.params.model_fields)
            params: Params = checked_params(analysis.params, given)
        else:
            analysis, params = pivot_analysis(asked, basis=self._usual_basis(scope), over=over)
        return analysis, params.bound(today or self.today, fiscal_year_start=self.company.fiscal_year_start)

    def ask(
        self,
        asked: AnalysisAsked | PivotAsked,
        *,
        scope: Scope,
        limit: int | None = None,
        offset: int = 0,
        sort: str | None = None,
        over: tuple[str, ...] | None = None,
    ) -> Answer:
        """One page of the answer, for a user who may see `scope`; `sort` goes before the question's own order."""
        analysis, params = self.question(asked, scope=scope, over=over)
        wanted = sort or asked.sort
        whole = self._computed((_shape(asked), over), analysis, params, scope)
        if whole.covers(limit=limit, offset=offset, sort=wanted):
            return page_of(whole, analysis, params, limit=limit, offset=offset, sort=wanted)
        with self._warehouse.reading() as reader:
            if reader.data_version != whole.passport.data_version:
                whole = computed(reader, analysis, params, scope=scope, state=self.state)
            page = rows_beyond(reader, analysis, params, scope=scope, limit=limit, offset=offset, sort=wanted)
        return answer_of(whole, analysis, params, page)

    def ask_members(
        self,
        asked: AnalysisAsked | PivotAsked,
        cell: Mapping[str, Any],
        *,
        scope: Scope,
        limit: int | None = 100,
        offset: int = 0,
    ) -> MembersAnswer:
        """The rows behind one cell of an answer; of a split of metrics, those its first metric counts."""
        analysis, params = self.question(asked, scope=scope)
        with self._warehouse.reading() as reader:
            return members_of(reader, analysis, params, cell, scope=scope, limit=limit, offset=offset)

    def answer(
        self,
        name: str,
        params: Mapping[str, Any],
        *,
        scope: Scope,
        limit: int | None = None,
        offset: int = 0,
        sort: str | None = None,
    ) -> Answer:
        """One page of the answer to the analysis `name`."""
        asked = AnalysisAsked(name=name, params=dict(params))
        return self.ask(asked, scope=scope, limit=limit, offset=offset, sort=sort)

    def members(
        self,
        name: str,
        params: Mapping[str, Any],
        cell: Mapping[str, Any],
        *,
        scope: Scope,
        limit: int | None = 100,
        offset: int = 0,
    ) -> MembersAnswer:
        """The rows behind one cell of an answer to the analysis `name`."""
        asked = AnalysisAsked(name=name, params=dict(params))
        return self.ask_members(asked, cell, scope=scope, limit=limit, offset=offset)

    def options(self, dimension: str, *, scope: Scope) -> tuple[tuple[str, str], ...]:
        """The values of a dimension this user may choose from, as (value, label), by label."""
        return self.kept(("options", dimension, scope), lambda reader: options_of(reader, dimension, scope=scope))

    def custom_fields(self, *, scope: Scope) -> tuple[str, ...]:
        """The columns of the company's own files that the schema does not know, by name."""
        return self.kept(("custom fields", scope), lambda reader: custom_fields_of(reader, scope=scope))

    def staff(self) -> list[dict[str, Any]]:
        """Every employee of the data with department and branch, by name: whom a user may be, and what may be theirs."""
        with self._warehouse.reading() as reader:
            people = reader.frame("employees").select("employee_id", "name", "department", "branch")
            return reader.collect(people.sort("name", "employee_id")).to_pylist()

    def tiles(self, params: Mapping[str, Any], *, scope: Scope) -> tuple[Tile, ...]:
        """The key numbers of a period, each against its comparison, with the line that led there."""
        params = self.company.with_basis(params, ("basis",))
        first_month = self.company.fiscal_year_start
        moment = self.memberships_version if params.get(FIELD) else 0
        key = ("tiles", tuple(sorted(params.items())), self.today, moment, scope)
        return self.kept(
            key, lambda reader: tiles_of(reader, params, today=self.today, scope=scope, fiscal_year_start=first_month)
        )

    def pivot(
        self, metrics: Sequence[str], by: Sequence[str], *, params: Mapping[str, Any], scope: Scope
    ) -> PivotAnswer:
        """Any metrics by any dimensions that fit them."""
        params = self.company.with_basis(params, ("basis",))
        with self._warehouse.reading() as reader:
            first_month = self.company.fiscal_year_start
            return pivot_of(reader, metrics, by, params, today=self.today, scope=scope, fiscal_year_start=first_month)

    def reconcile(self, params: Mapping[str, Any], listed: IdList | None, *, scope: Scope) -> Reconciliation:
        """A number against a person's list of deals, or against the rules of another system: what differs, and why."""
        with self._warehouse.reading() as reader:
            return reconciliation(
                reader,
                params,
                listed,
                today=self.today,
                scope=scope,
                company_zone=self.company.timezone,
                company_currency=self.company.currency,
                quarantined=lambda: set_aside(self._warehouse),
            )

    def export_reconciliation(
        self, found: Reconciliation, *, kind: ExportKind, language: Language, target: Path
    ) -> Path:
        """Every deal that makes the difference, as a file."""
        made: Any = {"company": self.company.name, "made_at": self.now}
        return write_file(reconciliation_content(found, self.format(language), **made), target=target, kind=kind)

    def number_tiles(self, asked: PivotAsked, *, scope: Scope) -> tuple[Tile, ...]:
        """The metrics of a question without a split, one tile each: value, comparison, the line that led there."""
        _, params = self.question(asked, scope=scope)
        moment = self._segments_moment(params)
        key = ("number tiles", asked.model_dump_json(), params.model_dump_json(), moment, scope)
        return self.kept(key, lambda reader: number_tiles(reader, asked, cast("PivotParams", params), scope=scope))

    def kept(self, key: Hashable, compute: Callable[[Reader], Kept]) -> Kept:
        """What `compute` found in the present data under `key`, found anew only when the data changes.

        Whoever's rows it holds, the key must name their scope.
        """

        def read() -> Kept:
            with self._warehouse.reading() as reader:
                return compute(reader)

        return self._cache.get(key, version=self.data_version, compute=read)

    def has_kept(self, key: Hashable) -> bool:
        """Whether `kept` would answer at once."""
        return self._cache.has(key, version=self.data_version)

    # -- sets of customers -------------------------------------------------------------------------

    @property
    def memberships_version(self) -> int:
        """Rises with every change of who is in which segment."""
        return self._warehouse.memberships_version

    def settle_members(
        self, segment_id: str, members: Callable[[Reader], Frame], *, on: date, is_reckoned: bool = False
    ) -> tuple[int, int]:
        """From day `on` exactly the customers of `members` are in the segment; how many came and went."""
        provenance: Provenance = "reckoned" if is_reckoned else "observed"
        return self._warehouse.settle_members(segment_id, members, on=on, provenance=provenance)

    def forget_members(self, segment_id: str) -> None:
        """The segment is gone, with its history."""
        self._warehouse.forget_members(segment_id)

    def _usual_basis(self, scope: Scope) -> Basis:
        if self.company.revenue_basis != "auto":
            return self.company.revenue_basis
        return self.kept(("usual basis", scope), lambda reader: usual_basis(reader, scope))

    def _computed(self, shape: Hashable, analysis: Analysis, params: Params, scope: Scope) -> Computed:
        def compute() -> Computed:
            with self._warehouse.reading() as reader:
                return computed(reader, analysis, params, scope=scope, state=self.state)

        key = (shape, params.model_dump_json(), self._segments_moment(params), self._scores_moment(analysis), scope)
        return self._cache.get(key, version=self.data_version, compute=compute, weigh=attrgetter("table.nbytes"))

    def _segments_moment(self, params: Params) -> int:
        """What an answer about a segment's customers ages by, besides the data."""
        return self.memberships_version if segments_in(params) else 0

    def _scores_moment(self, analysis: Analysis) -> int:
        """What an answer made of scores ages by, besides the data."""
        return self.scores_version if MODEL_SCORES in analysis.inputs.values() else 0

    # -- what models say ---------------------------------------------------------------------------

    @property
    def scores_version(self) -> int:
        """Rises with every scoring by a model."""
        return self._warehouse.scores_version

    def keep_scores(self, model: str, version_id: str, file: Path, *, on: date) -> None:
        """The rows of the Parquet `file` are what `model` says now."""
        self._warehouse.keep_scores(model, version_id, file, on=on)

    # -- files out ---------------------------------------------------------------------------------

    def ask_export(
        self,
        asked: AnalysisAsked | PivotAsked,
        *,
        scope: Scope,
        kind: ExportKind,
        language: Language,
        target: Path,
        cell: Mapping[str, Any] | None = None,
        title: str = "",
    ) -> Path:
        """The whole answer as a file, with its chart and passport; with a `cell` the rows behind it.

        `title` is what a saved report is called.
        """
        analysis, _ = self.question(asked, scope=scope)
        form = self.format(language)
        made: Any = {"company": self.company.name, "made_at": self.now}
        if cell is None:
            content = answer_content(analysis, self.ask(asked, scope=scope), form, title=title, **made)
        else:
            content = members_content(analysis, self.ask_members(asked, cell, scope=scope, limit=None), form, **made)
        return write_file(content, target=target, kind=kind)

    def format(self, language: Language) -> Format:
        """How this company's numbers are shown in `language`."""
        return Format(language=language, currency=self.company.currency, timezone=self.company.timezone)

    def export(
        self,
        name: str,
        params: Mapping[str, Any],
        *,
        scope: Scope,
        kind: ExportKind,
        language: Language,
        target: Path,
    ) -> Path:
        """The whole answer to the analysis `name` as a file."""
        asked = AnalysisAsked(name=name, params=dict(params))
        return self.ask_export(asked, scope=scope, kind=kind, language=language, target=target)

    def export_members(
        self,
        name: str,
        params: Mapping[str, Any],
        cell: Mapping[str, Any],
        *,
        scope: Scope,
        kind: ExportKind,
        language: Language,
        target: Path,
    ) -> Path:
        """All rows behind a cell of the analysis `name` as a file."""
        asked = AnalysisAsked(name=name, params=dict(params))
        return self.ask_export(asked, cell=cell, scope=scope, kind=kind, language=language, target=target)

    # -- files in ----------------------------------------------------------------------------------

    def inspect(self, paths: Sequence[Path], *, progress: Progress = silent) -> tuple[files.Inspected, ...]:
        """What the files are taken for, without loading anything."""
        profiles = files.remembered(self.home.profiles)
        with TemporaryDirectory(dir=self.home.scratch) as scratch:
            return tuple(
                part
                for path in paths
                for part in files.inspect(path, profiles=profiles, scratch=Path(scratch), progress=progress)
            )

    @contextmanager
    def unknown(self, paths: Sequence[Path]) -> Generator[tuple[files.Inspected, ...]]:
        """The tables in `paths` whose shape nobody has confirmed yet, readable as long as this is open."""
        profiles = files.remembered(self.home.profiles)
        with TemporaryDirectory(dir=self.home.scratch) as scratch:
            found = [part for path in paths for part in files.inspect(path, profiles=profiles, scratch=Path(scratch))]
            yield tuple(part for part in found if part.recognised_by == "proposal")

    def load(
        self,
        paths: Sequence[Path],
        *,
        profile: str | Path | None = None,
        timezone: str | None = None,
        currency: str | None = None,
        progress: Progress = silent,
    ) -> LoadReport:
        """Load files, all or nothing. The first load settles the company's time zone and currency.

        Where no currency is said and all money of the first load is in one, that is the company's.
        """
        with self._loading, TemporaryDirectory(dir=self.home.scratch) as scratch:
            is_first = not self.has_data
            self._settle(timezone, currency)
            deliveries = files.deliveries(
                paths,
                profiles=files.remembered(self.home.profiles),
                profile=self._profile(profile),
                scratch=Path(scratch),
                progress=progress,
            )
            report = self._warehouse.load(deliveries, **self._rules, progress=progress)
            if is_first and currency is None:
                self._settle(timezone, self._warehouse.sole_currency())
            return replace(report, data_version=self.data_version)

    def take_in(self, deliveries: Iterable[Delivery], *, progress: Progress = silent) -> LoadReport:
        """Load what a source hands over, all or nothing."""
        with self._loading:
            return self._warehouse.load(deliveries, **self._rules, progress=progress)

    @property
    def _rules(self) -> dict[str, Any]:
        return {"marts": ALL_MARTS, "mart_settings": self.company.mart_settings}

    def loaded_before(self, file: str) -> files.Inspected | None:
        """A file as it was last loaded, with what its columns were taken for; None when it never was."""
        arrival = self._warehouse.arrival(file)
        if arrival is None:
            return None
        stored = replace(arrival.scan, kind="parquet", path=arrival.batch.path)
        return files.loaded_before(stored, arrival.mapping, file=file, rows=arrival.records)

    def read_again(self, file: str, *, progress: Progress = silent) -> tuple[LoadReport, ...]:
        """Take a loaded file, and all read the same way, to mean what its profile says now; everything follows.

        The reports of the loads it came with, with their new counts.
        """
        with self._loading:
            part = self.loaded_before(file)
            if part is None:
                raise UnreadableFile(file, _NEVER_LOADED)
            after = files.meaning_in(files.remembered(self.home.profiles), part)
            correction = Correction(before=part.mapping, after=after)
            return self._warehouse.correct(correction, **self._rules, progress=progress)

    def remember(self, profile: files.Profile) -> Path:
        """Keep a profile: the next file of its shapes loads without a question."""
        return files.write_profile(profile, self.home.profiles)

    def _profile(self, named: str | Path | None) -> files.Profile | None:
        if named is None:
            return None
        kept = self.home.profiles / f"{named}.yaml"
        return files.read_profile(kept if kept.exists() else Path(named))

    def _settle(self, timezone: str | None, currency: str | None) -> None:
        wanted = {"timezone": timezone or self.company.timezone, "currency": currency or self.company.currency}
        self.settle(Company.model_validate({**self.company.model_dump(), **wanted}))

    # -- upkeep ------------------------------------------------------------------------------------

    def settle(self, company: Company, *, progress: Progress = silent) -> None:
        """Change the company's settings; what they change in the data is made anew from raw."""
        if company == self.company and self.home.company_file.exists():
            return
        before, self.company = self.company, company
        try:
            self._follow(before, progress=progress)
        except BaseException:
            self.company = before
            self._warehouse.settle(timezone=before.timezone, currency=before.currency)
            raise
        # Kept last: killed on the way, the data and the settings are both as they were.
        save_company(self.home, company)

    def _follow(self, before: Company, *, progress: Progress) -> None:
        company = self.company
        if (before.timezone, before.currency) != (company.timezone, company.currency):
            self._warehouse.settle(timezone=company.timezone, currency=company.currency)
            if self.has_data:
                self.rebuild(progress=progress)
        elif before.mart_settings != company.mart_settings and self.has_data:
            with self._loading:
                self._warehouse.refresh(ALL_MARTS, company.mart_settings, progress=progress)

    def rebuild(self, *, progress: Progress = silent) -> None:
        """Make every canonical table and mart anew from the raw zone."""
        with self._loading:
            self._warehouse.rebuild(ALL_MARTS, self.company.mart_settings, progress=progress)

    def decide_identity(self, pairs: Sequence[tuple[str, str]], kind: DecisionKind, *, by: str) -> bool:
        """Somebody decided who is one customer; whether anything changed. All numbers follow before this returns."""
        with self._loading:
            return self._warehouse.decide_identity(pairs, kind, by=by, **self._rules)

    def compare_records(self) -> bool:
        """Learn how records of one customer are alike, and find those that no key joins; whether anything changed."""
        pairs = likely_pairs(*self._warehouse.records_to_compare())
        with self._loading:
            return self._warehouse.keep_alike(pairs, **self._rules)

    def quarantine(
        self, *, table: str | None = None, rule: str | None = None, limit: int = 100, offset: int = 0
    ) -> QuarantinePage:
        """Rows that broke a rule and wait: one page of them, and how many broke which."""
        return quarantine_page(self._warehouse, table=table, rule=rule, limit=limit, offset=offset)

    def loads(self, limit: int = 50) -> tuple[LoadReport, ...]:
        """The latest loads, newest first."""
        return self._warehouse.loads(limit)

    def doctor(self) -> tuple[Finding, ...]:
        """What is worth a look in this home: rows in quarantine, money without a rate, empty tables, space."""
        return findings(self.home, self._warehouse)

    def backup(self, target: Path) -> Path:
        """A consistent copy of the whole home in the new folder `target`."""
        return backed_up(self.home, self._warehouse, target)

    def template(self, table: str, kind: TemplateKind) -> bytes:
        """An empty file of `table`: the header a person fills in."""
        return files.template(table_named(table), kind)

    @property
    def whole(self) -> tuple[Warehouse, dict[str, Any]]:
        """The warehouse and how its marts are made, for what concerns all of it."""
        return self._warehouse, self._rules

    @contextmanager
    def reading(self) -> Generator[Reader]:
        """A consistent view of the warehouse, for benchmarks and tests."""
        with self._warehouse.reading() as reader:
            yield reader

    @property
    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)


def _shape(asked: AnalysisAsked | PivotAsked) -> str:
    """What a question is, its parameters and looks aside: those of an answer are told by its checked parameters."""
    return asked.model_dump_json(exclude={"params", "highlights"})


def _opened(home: Home, company: Company) -> Warehouse:
    warehouse = Warehouse.open(home.warehouse, timezone=company.timezone, currency=company.currency)
    warehouse.ensure_marts(ALL_MARTS, company.mart_settings)
    return warehouse


current = served
"""The workspace of this process: a started server has exactly one."""
