"""A company made up for an account: people, firms, leads and their ways, calls, tasks. One seed, one company."""

from collections.abc import Iterable
from typing import Any

from sources.amocrm_crm import DAY, Crm
from sources.amocrm_dictionaries import (
    CLOSED,
    LOSS_REASONS,
    LOST,
    PIPELINES,
    SOURCES,
    USERS,
    WON,
    Record,
    custom,
    status_value,
)
from sources.amocrm_php import Params

Happened = tuple[int, str, int, list[Record], list[Record]]  # when, event, whose, before, after

_NAMES = ("Александр", "Ольга", "Сергей", "Наталья", "Артём", "Юлия", "Рустам", "Зоя", "Фёдор", "Алёна")
_SURNAMES = ("Иваненко", "Черных", "Живаго", "Дурново", "Мельник", "Гончар", "Лысенко", "Франко", "Седых", "Шевчук")
_TRADES = ("Ромашка", "ТехноСнаб", "Вектор", "Лесной двор", "Альфа-Строй", "Кофе и К°", "Ёлка", "Мегаполис")
_FORMS = ("ООО", "АО", "ИП")
_TITLES = ("Заявка с сайта", "Сделка 🚀", 'Поставка "под ключ"', "Ремонт «Люкс»", "O'Brien & Co", "Звонок")
_REFUSALS = ("не дозвонились", "нашли дешевле", "перенесли на следующий год 😕")
_UTM_SOURCES = ("yandex", "vk", "google")


class _Maker:
    """Fills an empty account; the same seed makes the same company."""

    def __init__(self, crm: Crm) -> None:
        self.crm, self.random, self.now = crm, crm.random, crm.second()

    def fill(self, leads: int, contacts: int, companies: int, calls: int, tasks: int) -> None:
        pick, chance, now = self.random, self.random.random, self.now
        start = now - 400 * DAY
        self.dictionaries(start)
        history = self.people(start, contacts, companies)
        people, firms = list(self.crm.records["contact"]), list(self.crm.records["company"])
        for _ in range(leads):
            self.lead(history, people, firms)
        if leads >= 400:  # somebody edited a great many leads at once
            moment = now - DAY // 2
            older = [one for one in self.crm.records["lead"].values() if one["updated_at"] <= moment]
            for lead in pick.sample(older, min(300, len(older))):
                lead["updated_at"] = moment
        for when, event, number, before, after in sorted(history, key=lambda one: one[0]):
            self.crm.put_event(event, number, before, after, when=when)
        owners = [("lead", number) for number in self.crm.records["lead"]] + [("contact", number) for number in people]
        for _ in range(calls if owners else 0):
            kind, number = pick.choice(owners)
            born = self.crm.records[kind][number]["created_at"]
            self.crm.put_call(kind, number, born + pick.randrange(max(now - born, 1)))
        targets = list(self.crm.records["lead"])
        for _ in range(tasks if targets else 0):
            number = pick.choice(targets)
            born = self.crm.records["lead"][number]["created_at"]
            done = chance() < 0.5
            self.crm.put_task(number, born + pick.randrange(max(now - born, 1)), is_completed=done)

    def dictionaries(self, start: int) -> None:
        for at, name in enumerate(USERS):
            rights = {"is_admin": at == 0, "is_free": False, "is_active": at != len(USERS) - 1, "group_id": at % 2}
            user = {"id": 7_902_115 + at * 7, "name": name, "email": f"user{at}@example.org", "lang": "ru"}
            self.crm.records["user"][user["id"]] = user | {"rights": rights}
        for at, reason in enumerate(LOSS_REASONS):
            stamps = {"created_at": start, "updated_at": start}
            self.crm.records["loss_reason"][4001 + at] = {"id": 4001 + at, "name": reason, "sort": at * 10} | stamps
        for at, (number, name, steps) in enumerate(PIPELINES):
            self.crm.records["pipeline"][number] = self.pipeline(at, number, name, steps)
        stamps = {"created_at": start, "updated_at": start}
        hook = {"id": 839_656, "destination": "https://example.org/hook", "disabled": False, "sort": 1}
        self.crm.webhooks.append(hook | stamps | {"settings": ["add_lead", "status_lead"]})

    def people(self, start: int, contacts: int, companies: int) -> list[Happened]:
        pick, chance = self.random, self.random.random
        history: list[Happened] = []
        for at in range(companies):
            born = start + pick.randrange(300 * DAY)
            name = f"{pick.choice(_FORMS)} «{pick.choice(_TRADES)}-{at}»"
            phones = [self.crm.phone()] if chance() < 0.6 else []
            made = self.crm.put("company", born, name=name, phones=phones, inn=f"{7_700_000_000 + at}")
            history.append((born, "company_added", made["id"], [], []))
        firms = list(self.crm.records["company"])
        for at in range(contacts):
            born = start + pick.randrange(390 * DAY)
            first, last = pick.choice(_NAMES), pick.choice(_SURNAMES)
            phones = [self.crm.phone() for _ in range(pick.choice((0, 1, 1, 1, 2)))]
            emails = [f"client{at}@example.org"] if chance() < 0.5 else []
            firm = pick.choice(firms) if firms and chance() < 0.3 else None
            words = {"name": f"{first} {last}", "first_name": first, "last_name": last}
            made = self.crm.put("contact", born, **words, phones=phones, emails=emails, company=firm)
            history.append((born, "contact_added", made["id"], [], []))
        return history

    def pipeline(self, at: int, number: int, name: str, steps: Iterable[str]) -> Record:
        own = [(number * 10, "Неразобранное", 10, 1)]
        own += [(number * 10 + step, title, 10 + step * 10, 0) for step, title in enumerate(steps, 1)]
        own += [(WON, "Успешно реализовано", 10_000, 0), (LOST, "Закрыто и не реализовано", 11_000, 0)]
        base = {"pipeline_id": number, "color": "#fffeb2", "account_id": self.crm.account_id}
        statuses = [
            {"id": one, "name": title, "sort": sort, "is_editable": not type_ and one not in CLOSED, "type": type_}
            | base
            for one, title, sort, type_ in own
        ]
        flags = {"is_main": at == 0, "is_unsorted_on": True, "is_archive": False, "account_id": self.crm.account_id}
        return {"id": number, "name": name, "sort": at + 1} | flags | {"_embedded": {"statuses": statuses}}

    def lead(self, history: list[Happened], people: list[Any], firms: list[Any]) -> None:
        """One lead and its way through the statuses, in the order of time."""
        pick, chance, now = self.random, self.random.random, self.now
        pipeline = pick.choices(list(self.crm.records["pipeline"]), (6, 2, 2))[0]
        ladder = self.crm.open_statuses(pipeline)
        born = now - pick.randrange(DAY, 400 * DAY)
        way = [(pipeline, one) for one in ladder[0 if chance() < 0.1 else 1 : pick.randrange(2, len(ladder) + 1)]]
        if chance() < 0.05:  # handed over to another pipeline
            pipeline = pick.choice(list(self.crm.records["pipeline"]))
            way += [(pipeline, self.crm.open_statuses(pipeline)[1])] if pipeline != way[-1][0] else []
        if chance() < 0.65:
            way.append((pipeline, WON if chance() < 0.45 else LOST))
            if chance() < 0.06:  # reopened, sometimes closed again
                way += [(pipeline, self.crm.open_statuses(pipeline)[1])] + ([(pipeline, WON)] if chance() < 0.5 else [])
        times = [born, *sorted(pick.randrange(born, min(born + 60 * DAY, now)) for _ in way[1:])]
        last, status = times[-1], way[-1][1]
        price = 0 if chance() < 0.15 else pick.randrange(1, 4000) * 100
        links: Params = {"contacts": [], "company": None}
        if people and chance() < 0.85:
            links["contacts"] = pick.sample(people, min(len(people), pick.choice((1, 1, 1, 2))))
        if firms and chance() < 0.3:
            links["company"] = pick.choice(firms)
        lost = status == LOST
        lead = self.crm.put(
            "lead",
            born,
            name=f"{pick.choice(_TITLES)} №{pick.randrange(10_000)}",
            price=price,
            pipeline_id=pipeline,
            status_id=status,
            loss_reason_id=pick.choice(list(self.crm.records["loss_reason"])) if lost and chance() < 0.7 else None,
            closed_at=last if status in CLOSED else None,
            updated_at=min(last + pick.choice((0, 0, 60, 3 * DAY)), now),
            custom_fields_values=self.lead_fields(born, lost=lost) or pick.choice((None, [])),
            **links,
        )
        history.append((born, "lead_added", lead["id"], [], []))
        for at in range(1, len(way)):
            before, after = ([status_value(*way[one])] for one in (at - 1, at))
            history.append((times[at], "lead_status_changed", lead["id"], before, after))

    def lead_fields(self, born: int, *, lost: bool) -> list[Record]:
        pick, chance = self.random, self.random.random
        values = []
        if chance() < 0.6:
            values.append(custom("leads", "Источник заявки", pick.choice(SOURCES)))
        if chance() < 0.3:
            values.append(custom("leads", "UTM_SOURCE", pick.choice(_UTM_SOURCES)))
            values.append(custom("leads", "UTM_CAMPAIGN", f"campaign_{pick.randrange(5)}"))
        if chance() < 0.2:
            values.append(custom("leads", "Количество мест", str(pick.randrange(1, 90))))
            values.append(custom("leads", "Дата отгрузки", born + pick.randrange(30) * DAY))
        if lost and chance() < 0.5:
            values.append(custom("leads", "Причина отказа (своими словами)", pick.choice(_REFUSALS)))
        return values


def make_up(crm: Crm, *, leads: int, contacts: int, companies: int, calls: int, tasks: int) -> None:
    """Fills the records of an empty account."""
    _Maker(crm).fill(leads, contacts, companies, calls, tasks)
