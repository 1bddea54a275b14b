"""Who belonged to which set of customers, and when: written by Rakurs itself, never by a file."""

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, reference

SEGMENT_MEMBERSHIPS = Table(
    name="segment_memberships",
    title=Text(ru="Состав сегментов", en="Segment memberships"),
    grain=Text(
        ru="Клиент и отрезок дней, когда он был в сегменте", en="A customer and a run of days spent in a segment"
    ),
    key=("segment_id", "customer_id", "since"),
    columns=(
        column("segment_id", Unit.ID, "Сегмент", "Segment", required=True),
        reference("customer_id", "customers", "Клиент", "Customer", required=True),
        column("since", Unit.DAY, "С дня", "From day", required=True),
        column("until", Unit.DAY, "До дня (не включая)", "To day (exclusive)"),
        choice(
            "provenance",
            "Откуда известно",
            "Provenance",
            {
                "observed": Text(ru="Сосчитано в тот день", en="Counted on that day"),
                "reckoned": Text(ru="Пересчитано задним числом", en="Reckoned afterwards"),
            },
        ),
    ),
)
"""A run is closed by the day its customer is no longer in the set: `until` is the first day without it."""
