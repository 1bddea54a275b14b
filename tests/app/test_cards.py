"""Do cards tell what the reports tell, and to nobody more than their rights?"""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from rakurs.analyses import CARDS
from rakurs.app import card_desk
from rakurs.app.demonstration import DemoCompany, load_demo
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING, Scope
from rakurs.app.searching import Found, found
from rakurs.app.workspace import Workspace
from rakurs.core.errors import UnknownName

TODAY = date(2026, 3, 20)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    home = Home(tmp_path_factory.mktemp("cards") / "home")
    with Workspace.open(home) as workspace:
        load_demo(home, DemoCompany(customers=150, years=2, seed=7, today=TODAY), workspace)
        yield workspace


def search(company: Workspace, text: str, scope: Scope = EVERYTHING) -> list[Found]:
    with company.reading() as reader:
        return list(found(reader, text, scope=scope))


def asked_of(company: Workspace, sql: str) -> list[tuple]:
    with company.reading() as reader:
        return reader._cursor.execute(sql).fetchall()


def own_scope(company: Workspace) -> tuple[Scope, str, str]:
    """A manager, one customer of theirs, one that is nobody's they know."""
    (manager, own), *_ = asked_of(
        company, "select manager_id, min(customer_id) from customer_owners where manager_id is not null group by all"
    )
    ((foreign,), *_) = asked_of(
        company,
        "select customer_id from customers where deleted_at is null and customer_id not in (select customer_id from "
        f"customer_owners where manager_id = '{manager}') order by 1",
    )
    return Scope(kind="own", employee_id=manager), own, foreign


def test_standing_is_what_the_reports_say_of_every_customer(company: Workspace) -> None:
    today = company.today
    rfm = {
        row["customer_id"]: row
        for row in company.answer(
            _standing_reports()[0], {"as_of": today.isoformat()}, scope=EVERYTHING
        ).table.to_pylist()
    }
    year = {
        "from_day": (today - timedelta(days=364)).isoformat(),
        "to_day": today.isoformat(),
        "as_of": today.isoformat(),
    }
    classes = {
        row["id"]: row["class"]
        for row in company.answer(_standing_reports()[1], year, scope=EVERYTHING).table.to_pylist()
    }
    states = {
        day: {
            row["customer_id"]: row["state"]
            for row in company.answer(
                _standing_reports()[2], {"as_of": day.isoformat()}, scope=EVERYTHING
            ).table.to_pylist()
        }
        for day in (today - timedelta(days=back) for back in (0, 91, 182, 365))
    }
    assert len(rfm) > 30
    for customer, row in list(rfm.items())[::5]:
        (section,) = card_desk.card_section(company, "customers", customer, "standing", scope=EVERYTHING).sections
        told = (section.rows or ())[0]
        names = ("recency_rank", "frequency_rank", "money_rank", "segment", "revenue", "sales")
        assert {name: told[name] for name in names} == {name: row[name] for name in names}, customer
        assert told["class"] == classes[customer], customer
        known = {row["day"]: row["state"] for row in section.rows or ()}
        assert known == {day: found[customer] for day, found in states.items() if customer in found}, customer


def _standing_reports() -> tuple[str, str, str]:
    from rakurs.analyses.clients.abc import ANALYSIS as ABC
    from rakurs.analyses.clients.lifecycle import ANALYSIS as LIFECYCLE
    from rakurs.analyses.clients.rfm import ANALYSIS as RFM

    return RFM.name, ABC.name, LIFECYCLE.name


def test_every_section_of_every_card_answers_and_names_its_references(company: Workspace) -> None:
    for card in CARDS:
        rows = asked_of(company, f"select id from search_index where card = '{card.name}' order by id limit 12")
        for (subject,) in rows:
            for section in card.sections:
                told = card_desk.card_section(company, card.name, subject, section.name, scope=EVERYTHING)
                for row in told.sections[0].rows or ():
                    assert set(row) >= {column.name for column in section.columns if column.name != "check_half"}, (
                        card.name,
                        section.name,
                    )
            moments = card_desk.timeline(company, card.name, subject, scope=EVERYTHING).moments
            assert list(moments) == sorted(moments, key=lambda moment: moment.at, reverse=True)


def test_the_timeline_counts_every_event_once(company: Workspace) -> None:
    ((customer, deals),) = asked_of(
        company, "select customer_id, count(*) n from deal_outcomes group by 1 order by n desc, 1 limit 1"
    )
    told = card_desk.timeline(company, "customers", customer, scope=EVERYTHING, kinds=["deals_created"], limit=500)
    assert len(told.moments) == deals
    cut = card_desk.timeline(company, "customers", customer, scope=EVERYTHING, kinds=["deals_created"], limit=1)
    assert cut.has_more is (deals > 1)
    assert cut.moments[0].row["deal_id"] == told.moments[0].row["deal_id"]


def test_a_foreign_card_reads_like_one_that_does_not_exist(company: Workspace) -> None:
    scope, own, foreign = own_scope(company)
    assert card_desk.card(company, "customers", own, scope=scope).label
    told = []
    for subject in (foreign, "no such"):
        with pytest.raises(UnknownName) as refused:
            card_desk.card(company, "customers", subject, scope=scope)
        told.append(refused.value.message.en.replace(subject, "X"))
        for ask in (card_desk.timeline, card_desk.seen_subject):
            with pytest.raises(UnknownName):
                ask(company, "customers", subject, scope=scope)
        with pytest.raises(UnknownName):
            card_desk.card_section(company, "customers", subject, "value", scope=scope)
    assert told[0] == told[1]


def test_on_a_card_a_limited_user_sees_own_rows_only(company: Workspace) -> None:
    ((customer, manager),) = asked_of(
        company,
        "select customer_id, min(manager_id) from deal_outcomes where manager_id is not null group by 1 "
        "having count(distinct manager_id) > 1 order by 1 limit 1",
    )
    scope = Scope(kind="own", employee_id=manager)
    ((own,),) = asked_of(
        company, f"select count(*) from deal_outcomes where customer_id = '{customer}' and manager_id = '{manager}'"
    )
    (deals,) = card_desk.card_section(company, "customers", customer, "deals", scope=scope).sections
    assert len(deals.rows or ()) == min(own, 12)
    assert {row["manager_id"] for row in deals.rows or ()} == {manager}
    told = card_desk.timeline(company, "customers", customer, scope=scope, kinds=["deals_created"], limit=500)
    assert len(told.moments) == own


def test_a_colleague_has_a_card_only_within_ones_scope(company: Workspace) -> None:
    ((one,), (other,)) = asked_of(company, "select employee_id from employees order by 1 limit 2")
    scope = Scope(kind="own", employee_id=one)
    assert card_desk.card(company, "employees", one, scope=scope).label
    with pytest.raises(UnknownName):
        card_desk.card(company, "employees", other, scope=scope)


def test_search_finds_by_every_identifier(company: Workspace) -> None:
    ((customer, name, phone, email),) = asked_of(
        company,
        "select customer_id, name, phone, email from customers where phone is not null and email is not null "
        "and deleted_at is null order by 1 limit 1",
    )
    digits = "".join(sign for sign in phone if sign.isdigit())[-10:]
    notation = f"+7 ({digits[:3]}) {digits[3:6]}-{digits[6:8]}-{digits[8:]}"
    for text in (
        customer,
        customer.lower(),
        name,
        name.upper().replace("Ё", "Е"),
        phone,
        notation,
        digits[-7:],
        email.upper(),
    ):
        assert customer in [item.id for item in search(company, text)], text
    ((deal, title),) = asked_of(company, "select deal_id, title from deals where deleted_at is null order by 1 limit 1")
    assert search(company, deal)[0].id == deal
    assert deal in [item.id for item in search(company, title)]
    ((order, buyer),) = asked_of(
        company, "select order_id, customer_id from orders where customer_id is not null order by 1 limit 1"
    )
    assert [item.id for item in search(company, order) if item.through] == [buyer]
    assert search(company, "a") == search(company, " ") == []


def test_search_tells_a_limited_user_nothing_of_others(company: Workspace) -> None:
    scope, own, foreign = own_scope(company)
    names = dict(asked_of(company, "select customer_id, name from customers"))
    assert own in [item.id for item in search(company, own, scope)]
    assert search(company, foreign, scope) == []
    assert foreign not in [item.id for item in search(company, names[foreign], scope)]


def test_without_the_right_nobody_is_found_by_phone_or_mail(company: Workspace) -> None:
    ((customer, phone),) = asked_of(
        company,
        "select customer_id, phone from customers where phone is not null and deleted_at is null order by 1 limit 1",
    )
    blind = Scope(kind="all", sees_personal_data=False)
    assert customer in [item.id for item in search(company, phone)]
    assert search(company, phone, blind) == []
    assert search(company, phone[-6:], blind) == []
    (about,) = card_desk.card_section(company, "customers", customer, "about", scope=blind).sections
    assert (about.rows or ())[0]["phone"] is None


def test_what_is_measured_for_one_is_kept_for_all(company: Workspace) -> None:
    customers = [row[0] for row in asked_of(company, "select customer_id from customers order by 1 limit 2")]
    scope = Scope(kind="all", sees_personal_data=False)
    before = card_desk.card(company, "customers", customers[0], scope=scope)
    assert [answer.section.name for answer in before.sections if answer.rows is None] == ["standing"]
    card_desk.card_section(company, "customers", customers[0], "standing", scope=scope)
    after = card_desk.card(company, "customers", customers[1], scope=scope)
    assert all(answer.rows is not None for answer in after.sections)
