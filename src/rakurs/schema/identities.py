"""Which records are one customer: written by Rakurs itself, never by a file."""

from collections.abc import Mapping

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, reference

RULES: Mapping[str, Text] = {
    "person": Text(ru="Решение человека", en="Decided by a person"),
    "tax_id": Text(ru="ИНН", en="Tax id"),
    "phone": Text(ru="Телефон", en="Phone"),
    "email": Text(ru="Почта", en="E-mail"),
    "birth_date": Text(ru="Имя и дата рождения", en="Name and birth date"),
    "address": Text(ru="Имя и адрес", en="Name and address"),
    "likeness": Text(ru="Сходство", en="Likeness"),
}

IDENTITIES = Table(
    name="identities",
    title=Text(ru="Кто есть кто", en="Identities"),
    grain=Text(
        ru="Запись и отрезок дней, когда она принадлежала клиенту",
        en="A record and a run of days in which it was of a customer",
    ),
    key=("record_id", "since"),
    columns=(
        reference("record_id", "customers", "Запись", "Record", required=True),
        reference("customer_id", "customers", "Клиент", "Customer", required=True),
        column("since", Unit.DAY, "С дня", "From day", required=True),
        column("until", Unit.DAY, "До дня (не включая)", "To day (exclusive)"),
        choice("rule", "Почему", "Why", RULES),
        column("probability", Unit.SHARE, "Насколько верно", "How sure"),
    ),
)
"""Only of customers with two records or more; the record that gives the customer its id stands here too."""

IDENTITY_PAIRS = Table(
    name="identity_pairs",
    title=Text(ru="Похожие записи", en="Records alike"),
    grain=Text(ru="Пара записей, похожих на одного клиента", en="Two records that look like one customer"),
    key=("left_id", "right_id"),
    columns=(
        reference("left_id", "customers", "Запись", "Record", required=True),
        reference("right_id", "customers", "Другая запись", "Other record", required=True),
        choice("rule", "Почему", "Why", RULES),
        column("probability", Unit.SHARE, "Вероятность", "Probability"),
        column("named_weight", Unit.NUMBER, "Имя", "Name"),
        column("birth_date_weight", Unit.NUMBER, "Дата рождения", "Birth date"),
        column("city_weight", Unit.NUMBER, "Город", "City"),
        column("phone_weight", Unit.NUMBER, "Телефон", "Phone"),
        column("email_weight", Unit.NUMBER, "Почта", "E-mail"),
    ),
)
"""What no sure link joins: weights are logarithms to the base 2 of how much oftener one customer's records agree so."""

IDENTITY_DECISIONS = Table(
    name="identity_decisions",
    title=Text(ru="Решения о записях", en="Decisions on records"),
    grain=Text(ru="Решение о двух записях", en="A decision on two records"),
    key=("left_id", "right_id"),
    columns=(
        reference("left_id", "customers", "Запись", "Record", required=True),
        reference("right_id", "customers", "Другая запись", "Other record", required=True),
        choice(
            "kind",
            "Решение",
            "Decision",
            {
                "merge": Text(ru="Один клиент", en="One customer"),
                "never": Text(ru="Разные клиенты", en="Different customers"),
                "forget": Text(ru="Решение снято", en="Decision withdrawn"),
            },
            required=True,
        ),
        column("decided_by", Unit.TEXT, "Кто решил", "Decided by"),
        column("decided_at", Unit.TIME, "Когда", "When", required=True),
    ),
)
"""The last decision on a pair counts."""
