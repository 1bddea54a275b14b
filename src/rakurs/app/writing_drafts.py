"""What exactly would be written? A preview: every deed with what stands there now, and every one that is left out with its reason.

A run does what its preview says and nothing else.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.utils import timezone as clock

from rakurs.app.accounts import scope_of
from rakurs.app.connections import settings_of
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.app.writing import GONE, KINDS, Permit, left_today, must_permit, permit_of
from rakurs.app.writing_values import VALUES, Asked, Member, Value, facts_of, members_of, value_named
from rakurs.app.writing_wishes import Wish, filled, wish_of
from rakurs.core.errors import BadInput, SourceRefused
from rakurs.core.loading import Progress
from rakurs.core.text import Language, Text
from rakurs.sources.live import Teller
from rakurs.sources.writing import Card, DeedKind, OwnField, Pen, ValueKind
from rakurs.state.models import Segment, WriteDeed, WriteRun

MOST_CUSTOMERS = 20_000
READ_AT_ONCE = 1_000
DUE_HOUR = 18
Status = WriteDeed.Status
DONE = (Status.SENT, Status.DONE)
_ROWS_AT_ONCE = 500

REASONS: Mapping[str, Text] = {
    "no_record": Text(ru="нет в этой CRM", en="not in this CRM"),
    "gone": Text(ru="запись удалена в CRM", en="the record is deleted in the CRM"),
    "equal": Text(ru="уже так", en="so already"),
    "no_value": Text(ru="нет значения", en="no value"),
    "no_manager": Text(ru="у записи нет ответственного", en="nobody is responsible for the record"),
    "done_before": Text(ru="уже сделано раньше", en="done before"),
    "changed": Text(ru="значение изменили в CRM", en="the value was changed in the CRM"),
    "over_run": Text(ru="сверх лимита запуска", en="beyond the limit of a run"),
    "over_day": Text(ru="сверх лимита дня", en="beyond the limit of the day"),
}
_TOO_MANY = Text(
    ru="В сегменте {count} клиентов, за раз готовится не больше {most}. Возьмите сегмент поменьше.",
    en="The segment has {count} customers, at most {most} are prepared at once. Take a smaller one.",
)
_CLOSED = Text(
    ru="Закрыто в CRM: {what}. Добавьте это право ключу в CRM и подготовьте запись снова.",
    en="Closed in the CRM: {what}. Give the key this permission in the CRM, and prepare the writing again.",
)
_STEP_WHO = Text(ru="Смотрю, кто в сегменте", en="Looking who is in the segment")
_STEP_READ = Text(ru="Читаю карточки в CRM", en="Reading the cards in the CRM")


def drafted(workspace: Workspace, run: WriteRun, progress: Progress) -> None:
    """Make the preview. Asks the CRM what stands there; writes nothing."""
    permit = _permit(run)
    teller = Teller(progress, _STEP_WHO)
    WriteDeed.objects.filter(run=run).delete()
    with pen_of(workspace, permit, teller) as pen:
        wish = wish_of(run)
        kinds: tuple[DeedKind, ...] = ("field",) if run.undoes else wish.kinds
        must_permit(permit, kinds)
        must_be_open(pen, kinds)
        draft = _Draft(workspace=workspace, run=run, wish=wish, permit=permit, pen=pen, teller=teller)
        deeds = list(draft.undo() if run.undoes else draft.deeds())
    _limit(deeds, run_limit=permit.run_limit, day_limit=left_today(workspace, permit))
    WriteDeed.objects.bulk_create(deeds, batch_size=_ROWS_AT_ONCE)
    run.lacking = draft.lacking_of(deeds)
    run.status, run.drafted_at = WriteRun.Status.READY, clock.now()
    run.total = sum(deed.status == Status.PLANNED for deed in deeds)
    run.done = 0
    run.save(update_fields=["lacking", "status", "drafted_at", "total", "done"])


def pen_of(workspace: Workspace, permit: Permit, teller: Teller) -> AbstractContextManager[Pen]:
    """The system of a connection, opened for writing."""
    return permit.writer.open(settings_of(workspace.home, permit.connection), teller.breathe)


def must_be_open(pen: Pen, kinds: Sequence[DeedKind]) -> None:
    """SourceRefused names what the key lacks for `kinds`."""
    closed = pen.closed(kinds)
    if closed:
        told = [
            Text(ru=f"{KINDS[kind].ru} — {why.ru}", en=f"{KINDS[kind].en}: {why.en}") for kind, why in closed.items()
        ]
        ru, en = "; ".join(one.ru for one in told), "; ".join(one.en for one in told)
        raise SourceRefused(Text(ru=_CLOSED.ru.format(what=ru), en=_CLOSED.en.format(what=en)))


def is_same(kind: ValueKind, one: str | None, other: str | None) -> bool:
    """Whether two values of a field say the same: 73, 73.0 and 73.00 do, nothing and an empty text too."""
    if kind == "number" and one and other:
        try:
            return Decimal(one) == Decimal(other)
        except InvalidOperation:
            return one == other
    return (one or "").strip() == (other or "").strip()


def kind_of(code: str) -> ValueKind:
    """What the field of that code holds."""
    value = value_named(code)
    return "text" if value is None else value.kind


@dataclass(slots=True, kw_only=True)
class _Draft:
    workspace: Workspace
    run: WriteRun
    wish: Wish
    permit: Permit
    pen: Pen
    teller: Teller
    values: tuple[Value, ...] = field(init=False)
    _lacking: list[dict[str, str]] = field(init=False, default_factory=list[dict[str, str]])

    def __post_init__(self) -> None:
        self.values = tuple(value for value in VALUES if value.name in self.wish.values)

    def deeds(self) -> Iterator[WriteDeed]:
        """Every deed about every customer of the segment, and about those who left it."""
        asked = self._asked()
        with self.workspace.reading() as reader:
            members = members_of(reader, asked, prefix=self.permit.connection.prefix)
            names = {value.name for value in self.values if value.name != "segment"}
            told = [value.name for value in VALUES if f"{{{value.name}}}" in self.wish.comment + self.wish.task]
            facts = facts_of(reader, asked, names | {"segment", *told})
        self._must_not_be_too_many(members)
        left = list(self._left(members, asked)) if self.wish.clears and asked.scope.kind == "all" else []
        cards = self._cards([member.record for member in members if member.record] + [deed.record for deed in left])
        before = self._done_before()
        for member in members:
            mine = {name: known.get(member.customer_id) for name, known in facts.items()}
            for deed in self._about(member, mine):
                yield self._judged(deed, cards.get(deed.record), before)
        for deed in left:
            yield self._judged(deed, cards.get(deed.record), empties=True)

    def undo(self) -> Iterator[WriteDeed]:
        """What brings back the fields that another run filled."""
        former = list(WriteDeed.objects.filter(run=self.run.undoes, kind="field", status=Status.DONE))
        cards = self._cards([deed.record for deed in former])
        for old in former:
            deed = self._deed(old.customer_id, old.customer, old.record, "field", field=old.field, value=old.before)
            card = cards.get(old.record)
            deed = self._judged(deed, card, empties=True)
            stands = None if card is None else card.values.get(old.field)
            if deed.status == Status.PLANNED and not is_same(kind_of(old.field), stands, old.value):
                deed.status, deed.reason = Status.SKIPPED, "changed"
            yield deed

    def lacking_of(self, deeds: Sequence[WriteDeed]) -> list[dict[str, str]]:
        """Fields the CRM does not have yet and some planned deed takes."""
        taken = {deed.field for deed in deeds if deed.status == Status.PLANNED}
        return [one for one in self._lacking if one["code"] in taken]

    def _asked(self) -> Asked:
        scope = EVERYTHING if self.run.by is None else scope_of(self.run.by)
        title = Segment.objects.filter(pk=self.run.subject).values_list("title", flat=True).first() or self.run.title
        return Asked(segment_id=self.run.subject, segment_title=title[:250], scope=scope, today=self.workspace.today)

    def _must_not_be_too_many(self, members: Sequence[Member]) -> None:
        count = len({member.customer_id for member in members})
        if count > MOST_CUSTOMERS:
            raise BadInput(_TOO_MANY.filled(count=count, most=MOST_CUSTOMERS))

    def _cards(self, records: Sequence[str]) -> dict[str, Card]:
        """What the CRM has now of these records; also which of our fields it lacks."""
        wanted = list(dict.fromkeys(records))
        codes = [value.code for value in self.values]
        own = own_fields(self.values, self.run.asked["language"])
        if wanted and own:
            self._lacking = [
                {
                    "place": one.place,
                    "ru": one.place_title.ru,
                    "en": one.place_title.en,
                    "code": one.field.code,
                    "title": one.field.title,
                }
                for one in self.pen.lacking(wanted, own)
            ]
        cards: dict[str, Card] = {}
        self.teller.step, self.teller.total = _STEP_READ, len(wanted)
        for start in range(0, len(wanted), READ_AT_ONCE):
            some = wanted[start : start + READ_AT_ONCE]
            cards |= self.pen.read(some, codes)
            self.teller.came(len(some))
        return cards

    def _about(self, member: Member, facts: Mapping[str, str | None]) -> Iterator[WriteDeed]:
        """Everything wished for about one record of one customer; one left out where there is no record."""
        whose = (member.customer_id, member.name, member.record)
        if not member.record:
            deed = self._deed(*whose, self.wish.kinds[0])
            deed.status, deed.reason = Status.SKIPPED, "no_record"
            yield deed
            return
        for value in self.values:
            yield self._deed(*whose, "field", field=value.code, value=facts[value.name] or "")
        words = {**facts, "name": member.name}
        if self.wish.comment:
            yield self._deed(*whose, "comment", text=filled(self.wish.comment, words))
        if self.wish.task:
            yield self._deed(*whose, "task", text=filled(self.wish.task, words), due_at=self._due_at())

    def _left(self, members: Sequence[Member], asked: Asked) -> Iterator[WriteDeed]:
        """Those whose card we last filled with this segment, and who are not in it any more."""
        code = next((value.code for value in self.values if value.name == "segment"), None)
        if code is None:
            return
        present = {member.record for member in members}
        last: dict[str, tuple[str, str, str, str]] = {}
        known = WriteDeed.objects.filter(run__prefix=self.run.prefix, kind="field", field=code, status=Status.DONE)
        rows = known.order_by("finished_at", "id").values_list(
            "record", "run__subject", "value", "customer_id", "customer"
        )
        for record, subject, value, customer_id, customer in rows.iterator(chunk_size=5_000):
            last[record] = (subject, value, customer_id, customer)
        for record, (subject, value, customer_id, customer) in sorted(last.items()):
            if subject == asked.segment_id and value and record not in present:
                yield self._deed(customer_id, customer, record, "field", field=code)

    def _deed(
        self,
        customer_id: str,
        customer: str,
        record: str,
        kind: DeedKind,
        *,
        field: str = "",
        value: str = "",
        text: str = "",
        due_at: datetime | None = None,
    ) -> WriteDeed:
        """A comment or task is told from others by what was wished for: numbers that changed meanwhile make it no other."""
        contents: Mapping[DeedKind, tuple[str, ...]] = {
            "field": (self.run.pk, field),
            "comment": (self.wish.comment,),
            "task": (self.wish.task, str(self.wish.due_on)),
        }
        said = (self.run.prefix, record or customer_id, kind, self.wish.campaign, *contents[kind])
        key = hashlib.sha256("\x1f".join(said).encode()).hexdigest()
        return WriteDeed(
            run=self.run,
            key=key,
            mark=f"rakurs-{key[:12]}",
            kind=kind,
            record=record,
            customer_id=customer_id,
            customer=customer[:300],
            field=field,
            value=value,
            text=text,
            due_at=due_at,
        )

    def _judged(
        self, deed: WriteDeed, card: Card | None, before: frozenset[str] = frozenset(), *, empties: bool = False
    ) -> WriteDeed:
        """The deed with what stands there now, skipped where it would change nothing or cannot be done."""
        if deed.status == Status.SKIPPED:
            return deed
        if card is None:
            deed.reason = "gone"
        elif deed.kind == "field":
            deed.before = card.values.get(deed.field) or ""
            if not deed.value and not empties:
                deed.reason = "no_value"
            elif is_same(kind_of(deed.field), deed.value, deed.before):
                deed.reason = "equal"
        elif deed.kind == "task" and card.responsible is None:
            deed.reason = "no_manager"
        elif deed.key in before:
            deed.reason = "done_before"
        if card is not None and deed.kind == "task":
            deed.to = card.responsible or ""
        if deed.reason:
            deed.status = Status.SKIPPED
        return deed

    def _done_before(self) -> frozenset[str]:
        """The keys of comments and tasks that this system has from us, or may have."""
        kinds = [kind for kind in self.wish.kinds if kind != "field"]
        known = WriteDeed.objects.filter(run__prefix=self.run.prefix, kind__in=kinds, status__in=DONE)
        return frozenset(known.values_list("key", flat=True).iterator(chunk_size=5_000)) if kinds else frozenset()

    def _due_at(self) -> datetime | None:
        zone = ZoneInfo(self.workspace.company.timezone)
        return None if self.wish.due_on is None else datetime.combine(self.wish.due_on, time(DUE_HOUR), tzinfo=zone)


def own_fields(values: Sequence[Value], language: Language) -> list[OwnField]:
    """The fields of values, as they are called in the CRM."""
    brand = Text(ru="Ракурс", en="Rakurs").to(language)
    return [
        OwnField(code=value.code, title=f"{value.title.to(language)} ({brand})", kind=value.kind) for value in values
    ]


def _permit(run: WriteRun) -> Permit:
    if run.connection is None:
        raise BadInput(GONE)
    return permit_of(run.connection)


def _limit(deeds: Sequence[WriteDeed], *, run_limit: int, day_limit: int) -> None:
    """Of the planned deeds only so many stay planned."""
    planned = [deed for deed in deeds if deed.status == Status.PLANNED]
    for place, deed in enumerate(planned):
        if place >= min(run_limit, day_limit):
            deed.status, deed.reason = Status.SKIPPED, "over_run" if place >= run_limit else "over_day"
