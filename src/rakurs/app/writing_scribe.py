"""How is each deed of a preview done once, wherever it is cut off?

A deed is marked as sent before it is, and what came of it right after. One that is found sent without an outcome may have been
done: its mark is looked for in the system (a field is read), at once and again when nothing can be under way any more; only
what is surely not there is sent anew.
"""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone as clock

from rakurs.app.workspace import Workspace
from rakurs.app.writing import Permit, left_today
from rakurs.app.writing_drafts import DONE, is_same, kind_of, own_fields
from rakurs.app.writing_values import VALUES
from rakurs.core.errors import BadInput, SourceRefused
from rakurs.core.text import Text
from rakurs.sources.live import Teller
from rakurs.sources.writing import CommentDeed, Deed, DeedKind, FieldDeed, Outcome, Pen, TaskDeed
from rakurs.state.models import WriteDeed, WriteRun

MOST_ATTEMPTS = 5
_LONGEST_REST_SECONDS = 60.0
_BREATH_SECONDS = 0.2
Of = WriteDeed.Status

UNDER_WAY = Text(
    ru="В эту CRM уже идёт запись. Дождитесь её или остановите.", en="This CRM is being written to. Wait or stop it."
)
_DAY_IS_FULL = Text(
    ru="Лимит на день исчерпан ({limit}). Остальное можно продолжить завтра.",
    en="The limit of the day is used up ({limit}). The rest can go on tomorrow.",
)
_NO_ANSWER = Text(ru="CRM не ответила, и записи там нет.", en="The CRM did not answer, and it is not there.")
_STEP_LOOK = Text(ru="Смотрю, что из отправленного дошло", en="Looking what of the sent has arrived")
_STEPS: Mapping[DeedKind, Text] = {
    "field": Text(ru="Пишу поля", en="Writing fields"),
    "comment": Text(ru="Пишу комментарии", en="Writing comments"),
    "task": Text(ru="Ставлю задачи", en="Setting tasks"),
}


class Breath(Teller):
    """Progress that does not end the work while a deed is being sent and what came of it is being kept."""

    def __init__(self, teller: Teller) -> None:
        super().__init__(teller.progress, teller.step)
        self._is_held = False

    def breathe(self) -> None:
        if not self._is_held:
            super().breathe()

    @contextmanager
    def held(self) -> Generator[None]:
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False

    def rest(self, seconds: float) -> None:
        """Wait so long; a stop is heard meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.breathe()
            time.sleep(min(_BREATH_SECONDS, left))
        self.breathe()


@dataclass(slots=True, kw_only=True)
class Scribe:
    """Carries one run out over an open system."""

    workspace: Workspace
    run: WriteRun
    permit: Permit
    pen: Pen
    breath: Breath
    refusals: int = field(default=0, init=False)

    def count(self) -> None:
        """How far it is."""
        mine = WriteDeed.objects.filter(run=self.run)
        left = mine.filter(status__in=[Of.PLANNED, Of.SENT]).count()
        self.breath.done = mine.filter(sent_at__isnull=False).exclude(status__in=[Of.PLANNED, Of.SENT]).count()
        self.breath.total = self.breath.done + left

    def make_fields(self) -> None:
        """Make those of our fields that the preview said would be made."""
        wanted = {(one["place"], one["code"]) for one in self.run.lacking}
        if not wanted:
            return
        records = list(self._deeds(Of.PLANNED, kind="field").values_list("record", flat=True))
        codes = {code for _, code in wanted}
        own = own_fields([value for value in VALUES if value.code in codes], self.run.asked["language"])
        for one in self.pen.lacking(records, own):
            if (one.place, one.field.code) in wanted:
                self.pen.add(one)

    def go(self) -> None:
        """Everything that is planned, kind after kind."""
        self._settle()
        for kind, step in _STEPS.items():
            while portion := list(self._deeds(Of.PLANNED, kind=kind)[: self.pen.at_once]):
                self.breath.step = step
                self.breath.breathe()
                self._send(self._ready(portion))
                self._settle()
                self.count()

    def _deeds(self, status: str, **where: str) -> "QuerySet[WriteDeed]":
        return WriteDeed.objects.filter(run=self.run, status=status, **where)

    def _ready(self, portion: Sequence[WriteDeed]) -> list[WriteDeed]:
        """Those of the portion that still are what the preview said; the others are skipped with the reason."""
        codes = sorted({deed.field for deed in portion if deed.field})
        cards = self.pen.read([deed.record for deed in portion], codes)
        taken = self._taken([deed.key for deed in portion if deed.kind != "field"])
        ready: list[WriteDeed] = []
        for deed in portion:
            card = cards.get(deed.record)
            if card is None:
                self._skip(deed, "gone")
            elif deed.kind != "field" and deed.key in taken:
                self._skip(deed, "done_before")
            elif deed.kind == "field" and is_same(kind_of(deed.field), card.values.get(deed.field), deed.value):
                self._skip(deed, "equal")
            elif deed.kind == "field" and not is_same(kind_of(deed.field), card.values.get(deed.field), deed.before):
                self._skip(deed, "changed")
            else:
                ready.append(deed)
        left = left_today(self.workspace, self.permit)
        if ready and not left:
            raise BadInput(_DAY_IS_FULL.filled(limit=self.permit.day_limit))
        return ready[:left]

    def _taken(self, keys: Sequence[str]) -> set[str]:
        others = WriteDeed.objects.exclude(run=self.run).filter(key__in=keys, status__in=DONE)
        return set(others.values_list("key", flat=True))

    def _send(self, deeds: Sequence[WriteDeed]) -> None:
        """Send deeds of one kind. A stop is not heard until what came of them is kept."""
        if not deeds:
            return
        by_mark = {deed.mark: deed for deed in deeds}
        with self.breath.held():
            self._claim(deeds)
            try:
                for mark, outcome in self.pen.write([_as_deed(deed) for deed in deeds]):
                    self._came(by_mark.pop(mark), outcome)
            except SourceRefused:
                self._give_back(list(by_mark.values()))
                raise
        is_refused = self._deeds(Of.PLANNED).filter(pk__in=[deed.pk for deed in deeds]).exists()
        self.refusals = self.refusals + 1 if is_refused else 0
        if is_refused:
            self.breath.rest(min(2.0**self.refusals, _LONGEST_REST_SECONDS))

    def _claim(self, deeds: Sequence[WriteDeed]) -> None:
        """From here on they may have been done."""
        try:
            with transaction.atomic():
                rows = WriteDeed.objects.filter(pk__in=[deed.pk for deed in deeds])
                rows.update(status=Of.SENT, sent_at=clock.now())
        except IntegrityError:
            # Another writing was quicker with one of them: told by its key when the portion is looked at again.
            raise BadInput(UNDER_WAY) from None

    def _came(self, deed: WriteDeed, outcome: Outcome) -> None:
        if outcome.came == "later":
            self._give_back([deed])
        elif outcome.came != "unknown":
            is_done = outcome.came == "done"
            _kept(deed, status=Of.DONE if is_done else Of.FAILED, answer=outcome.answer[:40], words=outcome.words)

    def _give_back(self, deeds: Sequence[WriteDeed]) -> None:
        """They were surely not done."""
        WriteDeed.objects.filter(pk__in=[deed.pk for deed in deeds]).update(status=Of.PLANNED, sent_at=None)

    def _skip(self, deed: WriteDeed, reason: str) -> None:
        _kept(deed, status=Of.SKIPPED, reason=reason)

    def _settle(self) -> None:
        """Until of every deed that was sent it is known what came of it."""
        while unsure := list(self._deeds(Of.SENT)):
            self.breath.step = _STEP_LOOK
            self.breath.breathe()
            stands = self._stands(unsure)
            lost = [deed for deed in unsure if not self._is_settled(deed, stands)]
            if not lost:
                return
            waits = max(_waits(deed, self.permit.writer.settles_seconds) for deed in lost)
            if waits > 0:
                self.breath.rest(waits)
                continue
            for deed in lost:
                self._try_again(deed)

    def _stands(self, deeds: Sequence[WriteDeed]) -> "_Stands":
        """What the system has of these deeds."""
        fields = [deed for deed in deeds if deed.kind == "field"]
        cards = (
            self.pen.read([deed.record for deed in fields], sorted({deed.field for deed in fields})) if fields else {}
        )
        answers: dict[str, str] = {}
        for kind in ("comment", "task"):
            mine = [_as_deed(deed) for deed in deeds if deed.kind == kind]
            answers |= self.pen.found(mine) if mine else {}
        values = {(record, code): value for record, card in cards.items() for code, value in card.values.items()}
        return _Stands(answers=answers, records=frozenset(cards), values=values)

    def _is_settled(self, deed: WriteDeed, stands: "_Stands") -> bool:
        """Whether it is known by now what came of the deed, which is kept then."""
        if deed.kind != "field":
            answer = stands.answers.get(deed.mark)
            if answer is not None:
                _kept(deed, status=Of.DONE, answer=answer[:40])
            return answer is not None
        now, kind = stands.values.get((deed.record, deed.field)), kind_of(deed.field)
        if deed.record not in stands.records:
            self._skip(deed, "gone")
        elif is_same(kind, now, deed.value):
            _kept(deed, status=Of.DONE)
        elif is_same(kind, now, deed.before):
            return False
        else:
            self._skip(deed, "changed")
        return True

    def _try_again(self, deed: WriteDeed) -> None:
        """It is not there and never will be: it is sent again, but not for ever."""
        attempts = deed.attempts + 1
        if attempts >= MOST_ATTEMPTS:
            language = self.run.asked["language"]
            _kept(deed, status=Of.FAILED, words=_NO_ANSWER.to(language), attempts=attempts)
        else:
            WriteDeed.objects.filter(pk=deed.pk).update(status=Of.PLANNED, sent_at=None, attempts=attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stands:
    """What a system has: ids by marks, records that are there, values by record and field."""

    answers: Mapping[str, str]
    records: frozenset[str]
    values: Mapping[tuple[str, str], str | None]


def _as_deed(deed: WriteDeed) -> Deed:
    if deed.kind == "task" and deed.due_at is not None:
        return TaskDeed(mark=deed.mark, record=deed.record, text=deed.text, to=deed.to, due_at=deed.due_at)
    if deed.kind == "comment":
        return CommentDeed(mark=deed.mark, record=deed.record, text=deed.text)
    return FieldDeed(mark=deed.mark, record=deed.record, field=deed.field, value=deed.value or None)


def _waits(deed: WriteDeed, settles_seconds: float) -> float:
    """How long it may still be under way. Writing a value once more does no harm: no wait."""
    if deed.kind == "field" or deed.sent_at is None:
        return 0.0
    return settles_seconds - (clock.now() - deed.sent_at).total_seconds()


def _kept(deed: WriteDeed, *, status: str, **values: str | int) -> None:
    WriteDeed.objects.filter(pk=deed.pk).update(status=status, finished_at=clock.now(), **values)
