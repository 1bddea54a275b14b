"""Identity: how are customers written down, and who was written down twice?

A duplicate keeps the person and changes the writing: the phone's format or the phone itself, a typo in the name, the
e-mail's letter case. Some people share the phone, and the surname, of the record before theirs: a family is not one
customer.
"""

from rakurs.sources.demo.names import COMPANY_ADJECTIVES, COMPANY_NOUNS, MAIL_HOSTS, PATRONYMICS
from rakurs.sources.demo.people import COMPANY, CORPORATE, DUPLICATE_SHARE, RETAIL
from rakurs.sources.demo.steps import DAY_SECONDS, Step, chosen

YO_AS_YE_SHARE = 0.35
"""Share of records typed without the letter ё."""
NO_EMAIL_SHARE = 0.15
FAMILY_SHARE = 0.02
"""Share of people who are written down with the phone of a relative."""
OTHER_PHONE_SHARE = 0.12
"""Share of duplicates under another phone: what is left is the e-mail, or the name, birth date and city."""
SOLE_TRADER_SHARE, JOINT_STOCK_SHARE = 0.25, 0.04

_PHONE_FORMATS = (
    "'+7' || p",
    "'8' || p",
    "'+7 (' || p[1:3] || ') ' || p[4:6] || '-' || p[7:8] || '-' || p[9:10]",
    "'8 ' || p[1:3] || ' ' || p[4:6] || ' ' || p[7:8] || ' ' || p[9:10]",
    "'8(' || p[1:3] || ')' || p[4:10]",
    "'7' || p",
    "'+7-' || p[1:3] || '-' || p[4:6] || '-' || p[7:10]",
)


def typed_phone(digits: str, which: str) -> str:
    """SQL for ten phone digits as people type them, in the `which`-th manner."""
    cases = " ".join(f"when {place} then {form.replace('p', digits)}" for place, form in enumerate(_PHONE_FORMATS))
    return f"case ({which}) % {len(_PHONE_FORMATS)} {cases} end"


OTHER_PHONES = 50_000_000
"""A second phone of a record is that of the number so much further on, which no record has."""


def _phone_digits(number: str) -> str:
    """SQL for the ten digits of a phone, another for every number."""
    return f"lpad((900000000 + (({number}) * 7368787 + 15485863) % 99999989)::varchar, 10, '9')"


def _check_digit(digits: str, weights: tuple[int, ...]) -> str:
    """SQL for the control digit of a Russian tax id: a weighted sum modulo 11, then 10."""
    terms = " + ".join(f"{weight} * {digits}[{place}]::integer" for place, weight in enumerate(weights, 1))
    return f"(({terms}) % 11 % 10)::varchar"


_TEN = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_ELEVENTH = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_TWELFTH = (3, *_ELEVENTH)

CHUNK_STEPS = (
    Step(
        "named",
        f"""
        with drawn as (
            select p.*, u(p.no, 'form') as form_draw, u(p.phone_no, 'surname') as surname_draw,
                -- A relative has another first name.
                if(p.no = p.phone_no, u(p.no, 'name'), (u(p.phone_no, 'name') + 0.37) % 1) as name_draw,
                1 + (u(p.no, 'gender') < if(p.kind = {COMPANY}, 0.4, 0.58))::integer as gender,
                u(p.no, 'manager') as manager_draw, c.month_no
            from (
                select *, if(kind <> {COMPANY} and no > 1 and u(no, 'family') < {FAMILY_SHARE}, no - 1, no) as phone_no
                from people
            ) as p join days as c using (day_no)
        )
        select d.no, d.phone_no, d.kind, d.gender, d.city_no, d.created_second, d.segment, d.segment_no, d.channel_no,
            d.starts_in_shop, d.branch_no, d.month_no, d.day_no, d.manager_draw,
            case when d.kind <> {COMPANY} then 'person' when d.form_draw < {SOLE_TRADER_SHARE} then 'sole'
                when d.form_draw > 1 - {JOINT_STOCK_SHARE} then 'stock' else 'limited' end as form,
            s.male_or_female[d.gender] as surname, s.latin[d.gender] as surname_latin,
            n.male_or_female[d.gender] as first_name, n.latin[d.gender] as first_latin,
            o.male_or_female[d.gender] as patronymic,
            a.adjective || ' ' || w.noun as title
        from drawn as d
        {chosen("sc", "surname_choice", draw="d.surname_draw")}
        join surnames as s on s.place = sc.value
        {chosen("nc", "name_choice", draw="d.name_draw")}
        join first_names as n on n.place = nc.value
        join patronymics as o on o.place = pick(d.no, 'patronymic', {len(PATRONYMICS)})
        join adjectives as a on a.place = pick(d.no, 'adjective', {len(COMPANY_ADJECTIVES)})
        join nouns as w on w.place = pick(d.no, 'noun', {len(COMPANY_NOUNS)})
        """,
    ),
    Step(
        "identities",
        f"""
        with spelled as (
            select n.*,
                case form
                    when 'person' then surname || ' ' || first_name || if(u(no, 'full') < 0.7, ' ' || patronymic, '')
                    when 'sole' then 'ИП ' || surname || ' ' || first_name[1] || '.' || patronymic[1] || '.'
                    when 'stock' then 'АО «' || title || '»'
                    else 'ООО «' || title || if(u(no, 'suffix') < 0.4, ' ' || (1 + pick(no, 'suffix-no', 99)), '') || '»'
                end as full_name,
                {_phone_digits("phone_no")} as phone_digits,
                if(u(no, 'no-email') < {NO_EMAIL_SHARE}, null,
                    if(kind = {COMPANY}, 'zakaz' || no, first_latin[1] || '.' || surname_latin || no)
                        || '@' || h.host) as address,
                lpad((1 + (c.branch_no * 17 + c.city_no) % 92)::varchar, 2, '0')
                    || lpad(((no * 4999999 + 7) % 9999991)::varchar, 7, '0') as tax_nine
            from named as n
            join cities as c using (city_no)
            join mail_hosts as h on h.place = pick(n.no, 'mail-host', {len(MAIL_HOSTS)})
        ),
        taxed as (
            select *, tax_nine || {_check_digit("tax_nine", _TEN)} as tax_ten,
                tax_nine || (pick(no, 'tax-tail', 10))::varchar as tax_sole_ten
            from spelled
        ),
        eleven as (
            select *, tax_sole_ten || {_check_digit("tax_sole_ten", _ELEVENTH)} as tax_eleven from taxed
        )
        select e.* exclude (tax_nine, tax_ten, tax_sole_ten, tax_eleven),
            case form when 'person' then null when 'sole' then tax_eleven || {_check_digit("tax_eleven", _TWELFTH)}
                else tax_ten end as tax_id,
            if(e.starts_in_shop, null, m.value) as employee_no,
            if(u(no, 'yo') < {YO_AS_YE_SHARE}, translate(full_name, 'ёЁ', 'еЕ'), full_name) as name,
            c.city, c.region, c.country,
            round(c.latitude + 0.04 * normal(no, 'latitude'), 5) as latitude,
            round(c.longitude + 0.06 * normal(no, 'longitude'), 5) as longitude,
            if(form = 'person' and u(no, 'birth-known') < 0.6, (date '1955-01-01' + pick(no, 'birth', 18000)::integer), null)
                as birth_date
        from eleven as e
        join cities as c using (city_no)
        join pipelines as i on i.pipeline_no = if(e.kind = {COMPANY}, {CORPORATE}, {RETAIL})
        {chosen("m", "manager_choice", draw="e.manager_draw",
                group="(i.pipeline_no * 10 + e.branch_no) * 1000 + e.month_no")}
        """,
    ),
    Step(
        "duplicates",
        f"""
        select i.* replace (
                case pick(no, 'typo', 3)
                    when 0 then regexp_replace(name, '([а-яё])([а-яё])([а-яё])$', '\\1\\3\\2')
                    when 1 then name
                    else regexp_replace(lower(name), '\\s+', '  ') end as name,
                if(pick(no, 'case', 2) = 0, upper(address), address) as address,
                if(u(no, 'phone-again') < {OTHER_PHONE_SHARE}, {_phone_digits(f"no + {OTHER_PHONES}")}, phone_digits)
                    as phone_digits,
                least(created_second + {DAY_SECONDS} + pick(no, 'again', 200 * {DAY_SECONDS}), past_second() - 60)
                    as created_second,
                if(u(no, 'birth-again') < 0.5, null, birth_date) as birth_date
            ),
            case pick(no, 'typo', 3) when 0 then 'typo' when 1 then 'same_name' else 'spacing_and_case' end as name_change,
            if(address is not null and pick(no, 'case', 2) = 0, 'upper_case', 'none') as email_change,
            if(u(no, 'phone-again') < {OTHER_PHONE_SHARE}, 'other', 'format') as phone_change
        from identities as i
        where u(no, 'duplicate') < {DUPLICATE_SHARE}
        """,
    ),
)  # fmt: skip
