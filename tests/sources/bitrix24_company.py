"""A company made up for a portal: people, customers, deals and their lives, goods, calls. One seed, one company."""

import gc
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sources.bitrix24_crm import Crm
from sources.bitrix24_dictionaries import (
    CATEGORIES,
    DEAL_TYPES,
    GOODS,
    LEAD_SEMANTICS,
    LEAD_STATUSES,
    LOST,
    OFFERS,
    PROCESS,
    SMART,
    SMART_CATEGORY,
    SMART_SEMANTICS,
    SMART_STAGES,
    SOURCES,
    STAGE_SEMANTICS,
    STAGES,
    stage_id,
)
from sources.bitrix24_records import TEMPLATES, Record, product_row, rows_sum
from sources.bitrix24_values import DAY, MOSCOW, figure, moment

_LAST = (
    *("Иванов", "Смирнов", "Кузнецов", "Попов", "Лебедев", "Козлов", "Новиков", "Морозов", "Волков", "Соловьёв"),
    *("Ёлкин", "Щукин", "Мамин-Сибиряк", "О'Нил", "Аль-Фараби", "Цой"),
)
_FIRST = ("Иван", "Пётр", "Алексей", "Семён", "Фёдор", "Анна", "Мария", "Ольга", "Елена", "Наталья", "Юлия", "Артём")
_MIDDLE = ("Иванович", "Петрович", None, "Сергеевна", "", "Алексеевна", None)
_FIRMS = ("Ромашка", "Луч", "Северный ветер", "СтройИнвест", "Альфа & Омега", "Ёж", "Техно-М", "Вектор", "Дом 2.0")
_FORMS = ('ООО "{}"', "ООО «{}»", "АО «{}»", "ИП {}", "{}", " {} ", 'ЗАО "{}" / филиал', "{}; Ltd")
_WARES = (
    "Чайник",
    "Кружка «Лето»",
    "Стол, дуб",
    'Кресло 12"',
    "Насос",
    "Кабель\tВВГ",
    "Лампа 💡",
    "Монтаж",
    "Доставка",
)
_TITLES = (
    "Поставка: {}",
    "Сделка #{}",
    "🔥 Срочно! {}",
    "{}\nвторая строка",
    'Заказ "{}"; самовывоз',
    "<b>{}</b> & Co",
    "  {}  ",
    "Договор № {}/24",
)


class _Maker:
    """Fills the tables; the same seed makes the same company."""

    def __init__(self, crm: Crm, seed: int, now: int) -> None:
        self.crm, self.rng, self.now = crm, random.Random(seed), now
        self.users: list[str] = []

    def stamp(self, at: float) -> str:
        zone = UTC if int(at) % 20 == 0 else MOSCOW
        return datetime.fromtimestamp(int(at), zone).isoformat()

    def day(self, at: float) -> str:
        """A date without time, at midnight of Greenwich as the portal writes it."""
        return datetime.fromtimestamp(int(at) // DAY * DAY, MOSCOW).isoformat()

    def ids(self, count: int, first: int = 1) -> list[int]:
        made, at = [], first
        for _ in range(count):
            made.append(at)
            at += 1 if self.rng.random() < 0.8 else self.rng.randint(2, 7)
        return made

    def moments(self, count: int) -> list[int]:
        return sorted(self.now - int(self.rng.random() * 400 * DAY) - 60 for _ in range(count))

    def title(self) -> str:
        return self.rng.choice(_TITLES).format(self.rng.choice(_WARES))

    def fill(self, kind: str, records: Iterable[tuple[int, Record]]) -> None:
        table = self.crm.tables[kind]
        table.rows.update(records)
        table.ids = sorted(table.rows)
        table.last = max([table.last, *table.ids[-1:]])
        table.version += 1

    def dictionaries(self) -> None:
        statuses: list[Record] = []

        def add(entity: str, options: Iterable[tuple[str, str, str | None, str]], category: int | None = None) -> None:
            for n, (status, name, semantics, extra) in enumerate(options, 1):
                system = "Y" if status in ("NEW", "WON", "LOSE", "CONVERTED", "JUNK") else "N"
                record = {
                    "ID": str(101 + 2 * len(statuses)),
                    "ENTITY_ID": entity,
                    "STATUS_ID": status,
                    "NAME": name,
                    "NAME_INIT": name if system == "Y" else "",
                    "SORT": str(10 * n),
                    "SYSTEM": system,
                    "CATEGORY_ID": str(category) if category else None,
                    "COLOR": "#39A8EF",
                    "SEMANTICS": semantics,
                }
                if extra:
                    record["EXTRA"] = {"SEMANTICS": extra, "COLOR": "#39A8EF"}
                statuses.append(record)

        for category, stages in STAGES.items():
            entity = "DEAL_STAGE" if category == 0 else f"DEAL_STAGE_{category}"
            add(entity, [(stage_id(category, s), *rest) for s, *rest in stages], category)
        add("STATUS", LEAD_STATUSES)
        add("SOURCE", [(status, name, None, "") for status, name in SOURCES])
        add("DEAL_TYPE", [(status, name, None, "") for status, name in DEAL_TYPES])
        prefix = f"DT{SMART}_{SMART_CATEGORY}:"
        smart = [(prefix + s, *rest) for s, *rest in SMART_STAGES]
        add(f"DYNAMIC_{SMART}_STAGE_{SMART_CATEGORY}", smart, SMART_CATEGORY)
        self.fill("status", ((int(r["ID"]), r) for r in statuses))
        categories = [
            {
                "id": number_,
                "name": name,
                "sort": 300 if number_ == 0 else 200,
                "entityTypeId": 2,
                "isDefault": "Y" if number_ == 0 else "N",
                **({} if number_ == 0 else {"originId": "", "originatorId": ""}),
            }
            for number_, name in CATEGORIES.items()
        ]
        smart_category = {"id": SMART_CATEGORY, "name": "Общее", "sort": 500, "entityTypeId": SMART, "isDefault": "Y"}
        self.fill("category", ((r["id"], r) for r in [*categories, smart_category]))
        common = {"iblockTypeId": 0, "lid": "s1", "subscription": "N", "vatId": 1}
        goods = {"iblockId": GOODS, "id": GOODS, "name": "Товарный каталог CRM", **common}
        offers = {"iblockId": OFFERS, "id": OFFERS, "name": "Товарный каталог CRM (предложения)", **common}
        goods |= {"productIblockId": None, "skuPropertyId": None}
        offers |= {"productIblockId": GOODS, "skuPropertyId": 97}
        self.fill("catalog", [(GOODS, goods), (OFFERS, offers)])
        flags = ("Categories", "Stages", "BeginCloseDates", "Client", "LinkWithProducts", "Mycompany", "Source")
        kind = {
            "id": 12,
            "title": "Рекламации",
            "code": "",
            "createdBy": 1,
            "entityTypeId": SMART,
            "customSectionId": None,
            **{f"is{flag}Enabled": "Y" for flag in flags},
            "createdTime": self.stamp(self.now - 390 * DAY),
            "updatedTime": self.stamp(self.now - 390 * DAY),
            "updatedBy": 1,
        }
        self.fill("type", [(12, kind)])

    def people(self) -> None:
        rng = self.rng
        names = ("Компания", "Отдел продаж", "Отдел «Юг»", "Сервис")
        ids = (1, 2, 5, 9)
        departments = [
            {"ID": str(i), "NAME": name, "SORT": 500, "PARENT": "1", "UF_HEAD": str(n + 1)}
            for n, (i, name) in enumerate(zip(ids, names, strict=True))
        ]
        del departments[0]["PARENT"]
        self.fill("department", ((int(r["ID"]), r) for r in departments))
        made = []
        for n, user_id in enumerate((1, 2, 3, 4, 6, 7, 11, 12, 15, 19)):
            record = {
                **TEMPLATES["user"],
                "ID": str(user_id),
                "ACTIVE": user_id not in (7, 15),
                "NAME": rng.choice(_FIRST),
                "LAST_NAME": rng.choice(_LAST),
                "EMAIL": f"user{user_id}@example.com",
                "LAST_LOGIN": self.stamp(self.now - rng.randint(0, 30) * DAY),
                "DATE_REGISTER": self.day(self.now - 420 * DAY),
                "WORK_POSITION": rng.choice(("Менеджер", "Старший менеджер", "")),
                "UF_DEPARTMENT": [ids[n % 4]] if n != 8 else [2, 9],
            }
            made.append((user_id, record))
        self.fill("user", made)
        self.users = [str(user_id) for user_id, _ in made]

    def phones(self, most: int) -> list[Record]:
        rng, crm = self.rng, self.crm
        made = []
        for _ in range(rng.randint(0, most)):
            a, b, c, d = rng.randint(900, 999), rng.randint(0, 999), rng.randint(0, 99), rng.randint(0, 99)
            shape = rng.choice(("+7{:03}{:03}{:02}{:02}", "8 ({:03}) {:03}-{:02}-{:02}", "+7 {:03} {:03} {:02} {:02}"))
            made.append(crm.multi("PHONE", shape.format(a, b, c, d), rng.choice(("WORK", "MOBILE", "HOME"))))
        return made

    def reachable(self, record: Record, most: int = 3) -> Record:
        if phones := self.phones(most):
            record["PHONE"], record["HAS_PHONE"] = phones, "Y"
        if self.rng.random() < 0.6:
            address = f"client{self.rng.randint(1, 10**6)}@example.com"
            record["EMAIL"], record["HAS_EMAIL"] = [self.crm.multi("EMAIL", address, "WORK")], "Y"
        return record

    def times(self, record: Record, at: int, bulk: int | None = None) -> None:
        modified = min(self.now, at + int(self.rng.expovariate(1 / (9 * DAY))))
        if bulk is not None and at < bulk and self.rng.random() < 0.5:
            modified = bulk
        record["DATE_CREATE"], record["DATE_MODIFY"] = self.stamp(at), self.stamp(modified)
        record["LAST_ACTIVITY_TIME"] = record["DATE_MODIFY"]
        record["ASSIGNED_BY_ID"], record["CREATED_BY_ID"] = self.rng.choice(self.users), self.rng.choice(self.users)

    def companies(self, count: int) -> None:
        rng, made = self.rng, []
        for i, at in zip(self.ids(count), self.moments(count), strict=True):
            title = rng.choice(_FORMS).format(rng.choice(_FIRMS))
            record = {**TEMPLATES["company"], "ID": str(i), "TITLE": title}
            record["UF_CRM_1687188367"] = f"00-{i:06}" if rng.random() < 0.7 else ""
            record["UF_CRM_1687188400"] = rng.choice(("5", "7.5", None))
            self.times(record, at)
            made.append((i, self.reachable(record, 2)))
        self.fill("company", made)
        requisites = [
            (
                n,
                {
                    **TEMPLATES["requisite"],
                    "ID": str(n),
                    "ENTITY_ID": record["ID"],
                    "DATE_CREATE": record["DATE_CREATE"],
                    "DATE_MODIFY": record["DATE_MODIFY"],
                    "RQ_INN": f"77{int(record['ID']):08}",
                    "RQ_KPP": "770101001",
                },
            )
            for n, (_, record) in enumerate(made[::2], 1)
        ]
        self.fill("requisite", requisites)

    def contacts(self, count: int) -> None:
        rng, made = self.rng, []
        companies = self.crm.tables["company"].ids
        bulk = self.now - 12 * DAY
        for i, at in zip(self.ids(count, 3), self.moments(count), strict=True):
            record = {
                **TEMPLATES["contact"],
                "ID": str(i),
                "NAME": rng.choice(_FIRST),
                "SECOND_NAME": rng.choice(_MIDDLE),
                "LAST_NAME": rng.choice((*_LAST, None)),
                "SOURCE_ID": rng.choice(SOURCES)[0],
            }
            if companies and rng.random() < 0.4:
                record["COMPANY_ID"] = str(rng.choice(companies))
            if rng.random() < 0.3:
                record["BIRTHDATE"] = self.day(self.now - rng.randint(20, 60) * 365 * DAY)
            record["UF_CRM_1720697700000"] = self.day(at) if rng.random() < 0.3 else ""
            self.times(record, at, bulk)
            made.append((i, self.reachable(record)))
        self.fill("contact", made)

    def leads(self, count: int) -> None:
        rng, made, history = self.rng, [], []
        for i, at in zip(self.ids(count, 5), self.moments(count), strict=True):
            record = {**TEMPLATES["lead"], "ID": str(i), "TITLE": f"Лид: {self.title()}", "NAME": rng.choice(_FIRST)}
            record["LAST_NAME"] = rng.choice((*_LAST, None))
            record["SOURCE_ID"] = rng.choice(SOURCES)[0]
            record["OPPORTUNITY"] = f"{rng.choice((0, 0, 15000, 99.9)):.2f}"
            record["UF_CRM_1706782596092"] = rng.choice(("71", "73", None))
            self.times(record, at)
            steps, when = ["NEW"], at
            history.append((at, 1, i, "NEW"))
            for status in ("IN_PROCESS", "PROCESSED", rng.choice(("CONVERTED", "JUNK", "UC_BADNUM"))):
                when += int(rng.expovariate(1 / (4 * DAY))) + 60
                if when >= self.now or rng.random() < 0.2:
                    break
                steps.append(status)
                history.append((when, 2 if LEAD_SEMANTICS[status] == "P" else 3, i, status))
                record["MOVED_TIME"] = self.stamp(when)
                record["DATE_MODIFY"] = self.stamp(max(when, moment(record["DATE_MODIFY"]) or 0))
            record["MOVED_TIME"] = record["MOVED_TIME"] or record["DATE_CREATE"]
            record["STATUS_ID"], record["STATUS_SEMANTIC_ID"] = steps[-1], LEAD_SEMANTICS[steps[-1]]
            if record["STATUS_SEMANTIC_ID"] != "P":
                record["DATE_CLOSED"] = record["MOVED_TIME"]
            made.append((i, self.reachable(record)))
        self.fill("lead", made)
        rows = []
        for n, (when, kind, owner, status) in enumerate(sorted(history), 11):
            row = {"ID": n, "TYPE_ID": kind, "OWNER_ID": owner, "CREATED_TIME": self.stamp(when)}
            rows.append((n, {**row, "STATUS_SEMANTIC_ID": LEAD_SEMANTICS[status], "STATUS_ID": status}))
        self.fill("leadhistory", rows)

    def products(self, count: int) -> None:
        rng, made, prices = self.rng, [], []
        ids = self.ids(count, 401)
        names = ("Мебель", "Техника", "Услуги")
        self.fill("section", [(i, {**TEMPLATES["section"], "id": i, "name": name}) for i, name in enumerate(names, 47)])
        for n, (i, at) in enumerate(zip(ids, self.moments(count), strict=True)):
            offer = n % 5 == 4
            record = {
                **TEMPLATES["product"],
                "id": i,
                "iblockId": OFFERS if offer else GOODS,
                "iblockSectionId": None if offer else 47 + n % 3,
                "name": f"{rng.choice(_WARES)} {i}",
                "active": "N" if n % 9 == 8 else "Y",
                "dateCreate": self.stamp(at),
                "timestampX": self.stamp(min(self.now, at + DAY)),
                "purchasingPrice": figure(rng.randint(100, 90_000) / 100) if rng.random() < 0.6 else None,
                "type": 4 if offer else 1,
                "xmlId": str(i),
            }
            if offer:
                record["property97"] = {"value": str(ids[n - 1]), "valueId": str(9000 + n)}
            made.append((i, record))
            price = {
                **TEMPLATES["price"],
                "id": 381 + 2 * n,
                "productId": i,
                "price": figure(rng.randint(50, 500_000) / 100),
                "timestampX": record["timestampX"],
            }
            prices.append((price["id"], price))
        self.fill("product", made)
        self.fill("price", prices)

    def rows(self, deal_id: int, after: int) -> list[Record]:
        rng, made = self.rng, []
        goods = self.crm.tables["product"]
        for n in range(rng.choice((1, 2, 2, 3, 5))):
            product = rng.choice(goods.ids) if goods.ids and rng.random() < 0.9 else 0
            price = rng.choice((rng.randint(100, 999) * 100, rng.randint(10_000, 5_000_000))) / 100
            quantity = rng.choice((1, 1, 2, 3, 10, 1.5))
            made.append(
                product_row(
                    {
                        "productId": product,
                        "productName": goods.rows[product]["name"] if product else "Разовая услуга",
                        "price": price,
                        "quantity": quantity,
                    },
                    after + n,
                    deal_id,
                    10 * (n + 1),
                )
            )
        return made

    def deals(self, count: int) -> None:  # noqa: C901, PLR0912, PLR0915 - one life of a deal, told in order
        rng, now, template = self.rng, self.now, TEMPLATES["deal"]
        companies, contacts = self.crm.tables["company"].ids, self.crm.tables["contact"].ids
        bulk, bulk_left = now - 10 * DAY, max(60, min(count // 2, 400))
        made: list[tuple[int, Record]] = []
        history: list[tuple[int, int, int, int, str]] = []
        rows: list[tuple[int, Record]] = []
        last_row = 17_000
        for i, at in zip(self.ids(count, 37), self.moments(count), strict=True):
            category = 0 if (dice := rng.random()) < 0.6 else 3 if dice < 0.85 else 7
            record = template.copy()
            when, stage, kind = at, PROCESS[category][0], 1
            if category and rng.random() < 0.1:
                history.append((at, 1, i, 0, "NEW"))
                when, kind = at + 1 + int(rng.expovariate(1 / DAY)), 5
                if when >= now:
                    when, kind, category = at, 0, 0
                    stage = "NEW"
            if kind:
                history.append((when, kind, i, category, stage))
            fate = rng.random()
            end = stage_id(category, "WON") if fate < 0.38 else rng.choice(LOST[category]) if fate < 0.7 else None
            path = [*PROCESS[category][1:], *([end] if end else [])]
            for step in path:
                if rng.random() < 0.25 and step != end:
                    continue
                following = when + 60 + int(rng.expovariate(1 / (6 * DAY)))
                if following >= now or (end is None and rng.random() < 0.3):
                    break
                when, stage = following, step
                history.append((when, 3 if step == end else 2, i, category, step))
            semantics = STAGE_SEMANTICS[stage][1]
            modified = min(now, when + int(rng.expovariate(1 / (5 * DAY))))
            if bulk_left and when < bulk and rng.random() < 0.6:
                modified, bulk_left = bulk, bulk_left - 1
            user = rng.choice(self.users)
            dollars = rng.random() < 0.04
            amount = (
                0.0
                if rng.random() < 0.06
                else rng.choice((rng.randint(1, 900) * 1000, rng.randint(1, 9 * 10**7) / 100))
            )
            record.update(
                ID=str(i),
                TITLE=self.title(),
                TYPE_ID=rng.choice(DEAL_TYPES)[0],
                CATEGORY_ID=str(category),
                STAGE_ID=stage,
                STAGE_SEMANTIC_ID=semantics,
                CURRENCY_ID="USD" if dollars else "RUB",
                OPPORTUNITY=f"{amount / 50 if dollars else amount:.2f}",
                IS_MANUAL_OPPORTUNITY="Y",
                IS_NEW="Y" if stage == PROCESS[category][0] else "N",
                CLOSED="N" if semantics == "P" else "Y",
                ASSIGNED_BY_ID=user,
                CREATED_BY_ID=user,
                MODIFY_BY_ID=user,
                MOVED_BY_ID=user,
                SOURCE_ID=rng.choice(SOURCES)[0] if rng.random() < 0.9 else None,
                DATE_CREATE=self.stamp(at),
                DATE_MODIFY=self.stamp(modified),
                MOVED_TIME=self.stamp(when),
                BEGINDATE=self.day(at),
                CLOSEDATE=self.day(when if semantics != "P" else at + 14 * DAY),
            )
            record["LAST_ACTIVITY_TIME"] = record["MOVED_TIME"]
            if semantics == "P" and rng.random() < 0.1:
                record["CLOSEDATE"] = ""
            if contacts and rng.random() < 0.8:
                record["CONTACT_ID"] = str(rng.choice(contacts))
            if companies and rng.random() < 0.5:
                record["COMPANY_ID"] = str(rng.choice(companies))
            elif rng.random() < 0.3:
                record["COMPANY_ID"] = None
            if rng.random() < 0.2:
                record["COMMENTS"] = "[B]Важно[/B]\nпозвонить «завтра» 📞"
                record["UTM_SOURCE"] = rng.choice(("yandex", "google", "vk"))
            if rng.random() < 0.5:
                record["UF_CRM_1721244482250"] = f"Д-{i}/{rng.randint(1, 99)}"
                record["UF_CRM_1721244500001"] = rng.choice(("12.5", "30", ""))
                record["UF_CRM_1721244500002"] = self.day(when)
                record["UF_CRM_1721244500003"] = rng.choice(("45", "47", "49"))
            record["UF_CRM_1721244500004"] = rng.choice(([61], [61, 63], False))
            if rng.random() < (0.5 if semantics == "S" else 0.1):
                taken = self.rows(i, last_row + 1)
                last_row = taken[-1]["id"] + rng.choice((0, 0, 3))
                rows += [(row["id"], row) for row in taken]
                if rng.random() < 0.85:
                    record["OPPORTUNITY"] = f"{rows_sum(taken):.2f}"
                    record["IS_MANUAL_OPPORTUNITY"] = "N"
            made.append((i, record))
        converted = [i for i, lead in self.crm.records["lead"].items() if lead["STATUS_SEMANTIC_ID"] == "S"]
        for lead_id, (_, deal) in zip(converted, made, strict=False):
            deal["LEAD_ID"] = str(lead_id)
        self.fill("deal", made)
        self.fill("productrow", rows)
        for row_id, row in rows:
            self.crm.rows_of[row["ownerId"]].append(row_id)
        history.sort()
        told = []
        for n, (when, kind, owner, category, stage) in enumerate(history):
            row = {
                "ID": 35 + n + n // 40,
                "TYPE_ID": kind,
                "OWNER_ID": owner,
                "CREATED_TIME": self.stamp(when),
                "CATEGORY_ID": category,
                "STAGE_SEMANTIC_ID": STAGE_SEMANTICS[stage][1],
                "STAGE_ID": stage,
            }
            told.append((row["ID"], row))
        self.fill("stagehistory", told)

    def smarts(self, count: int = 12) -> None:
        rng, made = self.rng, []
        deals = self.crm.tables["deal"].ids
        for i, at in zip(self.ids(count), self.moments(count), strict=True):
            record = {
                **TEMPLATES["smart"],
                "id": i,
                "title": f"Рекламация {i}",
                "stageId": rng.choice(list(SMART_SEMANTICS)),
                "opportunity": figure(rng.randint(0, 10**6) / 100),
                "parentId2": rng.choice(deals) if deals else None,
            }
            for name in ("createdTime", "updatedTime", "movedTime", "lastActivityTime"):
                record[name] = self.stamp(at)
            made.append((i, record))
        self.fill("smart", made)

    def calls(self, count: int) -> None:
        rng, made = self.rng, []
        contacts = self.crm.tables["contact"]
        outcomes = (("200", ""), ("200", ""), ("200", ""), ("304", "Missed call"), ("603-S", "Decline self"))
        for i, at in zip(self.ids(count, 2), self.moments(count), strict=True):
            code, reason = rng.choice(outcomes) if rng.random() < 0.9 else ("486", "Busy")
            contact = rng.choice(contacts.ids) if contacts.ids and rng.random() < 0.7 else None
            phones = contacts.rows[contact].get("PHONE") if contact else None
            record = {
                **TEMPLATES["call"],
                "ID": str(i),
                "PORTAL_USER_ID": rng.choice(self.users),
                "PHONE_NUMBER": phones[0]["VALUE"] if phones else f"+7495{rng.randint(10**6, 10**7 - 1)}",
                "CALL_ID": f"externalCall.{rng.getrandbits(64):016x}.{at}",
                "CALL_DURATION": str(rng.randint(3, 900)) if code == "200" else "0",
                "CALL_START_DATE": self.stamp(at),
                "CALL_VOTE": rng.choice((None, "0", "5")),
                "CALL_FAILED_CODE": code,
                "CALL_FAILED_REASON": reason,
                "CALL_TYPE": rng.choice(("1", "1", "2", "2", "2", "3", "4")),
                "RECORD_FILE_ID": 9000 + i if code == "200" else None,
            }
            if contact:
                record["CRM_ENTITY_TYPE"], record["CRM_ENTITY_ID"] = "CONTACT", str(contact)
            made.append((i, record))
        self.fill("call", made)

    def activities(self, count: int) -> None:
        rng, now, template = self.rng, self.now, TEMPLATES["activity"]
        deals, contacts = self.crm.tables["deal"].ids, self.crm.tables["contact"].ids
        calls = iter(self.crm.tables["call"].rows.values())
        made: list[tuple[int, Record]] = []
        users, subjects = self.users, [self.title() for _ in range(200)]
        kinds = (
            ("2", "VOXIMPLANT_CALL", "CALL"),
            ("4", "CRM_EMAIL", "EMAIL"),
            ("1", "CRM_MEETING", "MEETING"),
            ("6", "CRM_TODO", "TODO"),
        )
        for i, at in zip(self.ids(count, 20), self.moments(count), strict=True):
            record = template.copy()
            record["ID"] = str(i)
            dice = rng.random()
            record["TYPE_ID"], record["PROVIDER_ID"], record["PROVIDER_TYPE_ID"] = kinds[int(dice * 4)]
            if deals and rng.random() < 0.7:
                record["OWNER_ID"] = str(deals[int(rng.random() * len(deals))])
            elif contacts:
                record["OWNER_TYPE_ID"], record["OWNER_ID"] = "3", str(contacts[int(rng.random() * len(contacts))])
            record["SUBJECT"] = subjects[int(rng.random() * 200)]
            created = self.stamp(at)
            record["CREATED"] = record["START_TIME"] = created
            done = rng.random() < 0.6
            record["LAST_UPDATED"] = self.stamp(min(now, at + int(rng.random() * 3 * DAY))) if done else created
            record["END_TIME"] = record["DEADLINE"] = self.stamp(at + 3600)
            if done:
                record["COMPLETED"], record["STATUS"] = "Y", "2"
            elif rng.random() < 0.2:
                record["DEADLINE"] = ""
            record["RESPONSIBLE_ID"] = record["AUTHOR_ID"] = users[int(rng.random() * len(users))]
            if record["TYPE_ID"] in ("2", "4"):
                record["DIRECTION"] = "1" if rng.random() < 0.5 else "2"
            if dice < 0.25 and (call := next(calls, None)) is not None:
                call["CRM_ACTIVITY_ID"] = record["ID"]
                record["ORIGIN_ID"] = f"VI_{call['CALL_ID']}"
            made.append((i, record))
        self.fill("activity", made)


def make_up(crm: Crm, *, seed: int, now: int, counts: Mapping[str, int]) -> None:
    """Fills the tables of an empty portal."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        maker = _Maker(crm, seed, now)
        maker.dictionaries()
        maker.people()
        maker.companies(counts["companies"])
        maker.contacts(counts["contacts"])
        maker.leads(counts["leads"])
        maker.products(counts["products"])
        maker.deals(counts["deals"])
        maker.smarts()
        maker.calls(counts["calls"])
        maker.activities(counts["activities"])
    finally:
        if collecting:
            gc.enable()
