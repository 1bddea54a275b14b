"""A Bitrix24 portal on loopback: a real HTTP server with a made-up company, strict about what a client asks.

It speaks REST as the vendor's documentation tells, answers in its formats with its quirks, and can be
told to misbehave. Nothing of the product is imported here.
"""

import gc
import json
import random
import re
import secrets
import socket
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote_plus, urlencode, urlsplit

PAGE = 50
BATCH = 50
SMART = 156
SMART_CATEGORY = 10
GOODS, OFFERS = 23, 24
MOSCOW = timezone(timedelta(hours=3))
DAY = 86_400

Record = dict[str, Any]
Params = dict[str, Any]

# --- dictionaries of the portal -------------------------------------------------------------------------------------

CATEGORIES = {0: "General", 3: 'Опт "Север"', 7: "Сервис и ремонт"}

# status, name, semantics, extra semantics
_CLOSING = (("WON", "Сделка успешна", "S", "success"), ("LOSE", "Сделка провалена", "F", "failure"))
_APOLOGY = ("APOLOGY", "Анализ причины провала", "F", "apology")
STAGES: dict[int, tuple[tuple[str, str, str | None, str], ...]] = {
    0: (
        ("NEW", "Новая", None, "process"),
        ("PREPARATION", "Подготовка документов", None, "process"),
        ("PREPAYMENT_INVOICE", "Счёт на предоплату", None, "process"),
        ("EXECUTING", "В работе", None, "process"),
        ("FINAL_INVOICE", "Финальный счёт", None, "process"),
        *_CLOSING,
        _APOLOGY,
    ),
    3: (
        ("NEW", "Заявка", None, "process"),
        ("PREPARATION", "Коммерческое предложение", None, "process"),
        ("EXECUTING", "Отгрузка", None, "process"),
        *_CLOSING,
        _APOLOGY,
    ),
    7: (
        ("NEW", "Обращение", None, "process"),
        ("UC_4K2ZQ1", "Диагностика 🔧", None, "process"),
        ("EXECUTING", "Ремонт", None, "process"),
        *_CLOSING,
    ),
}
LEAD_STATUSES = (
    ("NEW", "Не обработан", None, "process"),
    ("IN_PROCESS", "В работе", None, "process"),
    ("PROCESSED", "Обработан", None, "process"),
    ("CONVERTED", "Качественный лид", "S", "success"),
    ("JUNK", "Некачественный лид", "F", "failure"),
    ("UC_BADNUM", "Не тот номер", "F", "apology"),
)
SMART_STAGES = (
    ("NEW", "Начало", None, "process"),
    ("CLIENT", "Согласование", None, "process"),
    ("SUCCESS", "Успех", "S", "success"),
    ("FAIL", "Провал", "F", "failure"),
)
SOURCES = (
    ("CALL", "Звонок"),
    ("EMAIL", "Электронная почта"),
    ("WEB", "Веб-сайт"),
    ("ADVERTISING", "Реклама"),
    ("PARTNER", "Существующий клиент"),
    ("RECOMMENDATION", "По рекомендации"),
    ("TRADE_SHOW", "Выставка"),
    ("WEBFORM", "CRM-форма"),
    ("CALLBACK", "Обратный звонок"),
    ("UC_AVITO", "Авито"),
    ("OTHER", "Другое"),
)
DEAL_TYPES = (("SALE", "Продажа"), ("COMPLEX", "Комплексная продажа"), ("GOODS", "Товар"), ("SERVICES", "Услуги"))


def stage_id(category: int, status: str) -> str:
    """The stage as deals carry it: bare in the first pipeline, prefixed in the others."""
    return status if category == 0 else f"C{category}:{status}"


STAGE_SEMANTICS = {
    stage_id(category, status): (category, semantics or "P")
    for category, stages in STAGES.items()
    for status, _, semantics, _ in stages
}
PROCESS = {
    category: [stage_id(category, s) for s, _, semantics, _ in stages if semantics is None]
    for category, stages in STAGES.items()
}
LOST = {
    category: [stage_id(category, s) for s, _, semantics, _ in stages if semantics == "F"]
    for category, stages in STAGES.items()
}
LEAD_SEMANTICS = {status: semantics or "P" for status, _, semantics, _ in LEAD_STATUSES}
SMART_SEMANTICS = {f"DT{SMART}_{SMART_CATEGORY}:{status}": semantics or "P" for status, _, semantics, _ in SMART_STAGES}

UF_DEAL = {
    "UF_CRM_1721244482250": ("string", "Номер договора"),
    "UF_CRM_1721244500001": ("double", "Маржа, %"),
    "UF_CRM_1721244500002": ("date", "Дата отгрузки"),
    "UF_CRM_1721244500003": ("enumeration", "Канал"),
    "UF_CRM_1721244500004": ("enumeration", "Услуги"),
}
UF_LEAD = {"UF_CRM_1704817278": ("string", "Город"), "UF_CRM_1706782596092": ("enumeration", "Интерес")}
UF_CONTACT = {"UF_CRM_1720697698689": ("string", "Прозвище"), "UF_CRM_1720697700000": ("date", "Первая покупка")}
UF_COMPANY = {"UF_CRM_1687188367": ("string", "Код в 1С"), "UF_CRM_1687188400": ("double", "Скидка")}
UF_ITEMS = {
    "UF_CRM_1721244500003": (("45", "Розница"), ("47", "Опт"), ("49", "Маркетплейс «Озон»")),
    "UF_CRM_1721244500004": (("61", "Доставка"), ("63", "Монтаж"), ("65", "Обучение")),
    "UF_CRM_1706782596092": (("71", "Горячий"), ("73", "Холодный")),
}
UF_MULTIPLE = {"UF_CRM_1721244500004"}
UF = {"deal": UF_DEAL, "lead": UF_LEAD, "contact": UF_CONTACT, "company": UF_COMPANY}


def _blank(spec: str) -> Record:
    """A record from `NAME` (null), `NAME=text` and `NAME:json`, written in one line of words."""
    made: Record = {}
    for word in spec.split():
        name, sign, value = re.fullmatch(r"(\w+)([=:]?)(.*)", word).groups()  # type: ignore[union-attr]
        made[name] = value if sign == "=" else json.loads(value) if sign else None
    return made


_UTM = "UTM_SOURCE UTM_MEDIUM UTM_CAMPAIGN UTM_CONTENT UTM_TERM"
_ADDRESS = (
    "ADDRESS ADDRESS_2 ADDRESS_CITY ADDRESS_POSTAL_CODE ADDRESS_REGION ADDRESS_PROVINCE ADDRESS_COUNTRY "
    "ADDRESS_COUNTRY_CODE ADDRESS_LOC_ADDR_ID"
)
_PEOPLE = "ASSIGNED_BY_ID=1 CREATED_BY_ID=1 MODIFY_BY_ID=1"

# what a record of each kind is made of, in the order of the answers
TEMPLATES: dict[str, Record] = {
    "deal": _blank(
        "ID= TITLE= TYPE_ID=SALE STAGE_ID=NEW PROBABILITY CURRENCY_ID=RUB OPPORTUNITY=0.00 IS_MANUAL_OPPORTUNITY=N "
        f"TAX_VALUE=0.00 LEAD_ID COMPANY_ID=0 CONTACT_ID QUOTE_ID BEGINDATE= CLOSEDATE= {_PEOPLE} DATE_CREATE= "
        "DATE_MODIFY= OPENED=Y CLOSED=N COMMENTS ADDITIONAL_INFO LOCATION_ID CATEGORY_ID=0 STAGE_SEMANTIC_ID=P "
        "IS_NEW=Y IS_RECURRING=N IS_RETURN_CUSTOMER=N IS_REPEATED_APPROACH=N SOURCE_ID SOURCE_DESCRIPTION "
        f"ORIGINATOR_ID ORIGIN_ID MOVED_BY_ID=1 MOVED_TIME= LAST_ACTIVITY_TIME= {_UTM} LAST_ACTIVITY_BY=1"
    )
    | dict.fromkeys(UF_DEAL),
    "lead": _blank(
        "ID= TITLE= HONORIFIC NAME SECOND_NAME LAST_NAME COMPANY_TITLE COMPANY_ID CONTACT_ID IS_RETURN_CUSTOMER=N "
        "BIRTHDATE= SOURCE_ID SOURCE_DESCRIPTION STATUS_ID=NEW STATUS_DESCRIPTION POST COMMENTS CURRENCY_ID=RUB "
        f"OPPORTUNITY=0.00 IS_MANUAL_OPPORTUNITY=N HAS_PHONE=N HAS_EMAIL=N HAS_IMOL=N {_PEOPLE} DATE_CREATE= "
        "DATE_MODIFY= DATE_CLOSED= STATUS_SEMANTIC_ID=P OPENED=Y ORIGINATOR_ID ORIGIN_ID MOVED_BY_ID=1 MOVED_TIME= "
        f"{_ADDRESS} {_UTM} LAST_ACTIVITY_BY=1 LAST_ACTIVITY_TIME="
    )
    | dict.fromkeys(UF_LEAD),
    "contact": _blank(
        "ID= POST COMMENTS HONORIFIC NAME SECOND_NAME LAST_NAME PHOTO LEAD_ID TYPE_ID=CLIENT SOURCE_ID "
        "SOURCE_DESCRIPTION COMPANY_ID BIRTHDATE= EXPORT=Y HAS_PHONE=N HAS_EMAIL=N HAS_IMOL=N DATE_CREATE= "
        f"DATE_MODIFY= {_PEOPLE} OPENED=Y ORIGINATOR_ID ORIGIN_ID ORIGIN_VERSION FACE_ID LAST_ACTIVITY_TIME= "
        f"{_ADDRESS} {_UTM} LAST_ACTIVITY_BY=1"
    )
    | dict.fromkeys(UF_CONTACT),
    "company": _blank(
        f"ID= COMPANY_TYPE=CUSTOMER TITLE= LOGO LEAD_ID HAS_PHONE=N HAS_EMAIL=N HAS_IMOL=N {_PEOPLE} "
        "BANKING_DETAILS INDUSTRY=OTHER REVENUE=0 CURRENCY_ID=RUB EMPLOYEES=EMPLOYEES_1 COMMENTS= DATE_CREATE= "
        f"DATE_MODIFY= OPENED=Y IS_MY_COMPANY=N ORIGINATOR_ID ORIGIN_ID ORIGIN_VERSION {_ADDRESS} ADDRESS_LEGAL "
        f"{_ADDRESS.replace('ADDRESS', 'REG_ADDRESS')} {_UTM} LAST_ACTIVITY_BY=1 LAST_ACTIVITY_TIME= "
        "LAST_COMMUNICATION_TIME"
    )
    | dict.fromkeys(UF_COMPANY),
    "activity": _blank(
        "ID= OWNER_ID=0 OWNER_TYPE_ID=2 TYPE_ID=6 PROVIDER_ID=CRM_TODO PROVIDER_TYPE_ID=TODO PROVIDER_GROUP_ID "
        "ASSOCIATED_ENTITY_ID=0 SUBJECT= CREATED= LAST_UPDATED= START_TIME= END_TIME= DEADLINE= COMPLETED=N "
        "STATUS=1 RESPONSIBLE_ID=1 PRIORITY=2 NOTIFY_TYPE=0 NOTIFY_VALUE=0 DESCRIPTION= DESCRIPTION_TYPE=1 "
        "DIRECTION=0 LOCATION= SETTINGS:[] ORIGINATOR_ID ORIGIN_ID AUTHOR_ID=1 EDITOR_ID=1 PROVIDER_PARAMS:[] "
        "PROVIDER_DATA RESULT_MARK=0 RESULT_VALUE RESULT_SUM RESULT_CURRENCY_ID RESULT_STATUS=0 RESULT_STREAM=0 "
        "RESULT_SOURCE_ID AUTOCOMPLETE_RULE=0"
    ),
    "call": _blank(
        "ID= PORTAL_USER_ID=1 PORTAL_NUMBER=reg133788 PHONE_NUMBER= CALL_ID= EXTERNAL_CALL_ID "
        "CALL_CATEGORY=external CALL_LOG CALL_DURATION=0 CALL_START_DATE= CALL_RECORD_URL CALL_VOTE COST=0.0000 "
        "COST_CURRENCY=RUR CALL_FAILED_CODE=200 CALL_FAILED_REASON= CRM_ENTITY_TYPE CRM_ENTITY_ID CRM_ACTIVITY_ID "
        "REST_APP_ID REST_APP_NAME TRANSCRIPT_ID TRANSCRIPT_PENDING=N SESSION_ID REDIAL_ATTEMPT COMMENT "
        "RECORD_DURATION RECORD_FILE_ID CALL_TYPE=1"
    ),
    "productrow": _blank(
        "id:0 ownerId:0 ownerType=D productId:0 productName= price:0 priceAccount:0 priceExclusive:0 priceNetto:0 "
        "priceBrutto:0 quantity:1 discountTypeId:2 discountRate:0 discountSum:0 taxRate taxIncluded=Y customized=Y "
        "measureCode:796 measureName=шт sort:10 xmlId= type:1 storeId"
    ),
    "product": _blank(
        "active=Y available=Y barcodeMulti=N bundle=N canBuyZero=Y code createdBy:1 dateActiveFrom dateActiveTo "
        "dateCreate= detailPicture detailText detailTextType=text height iblockId:23 iblockSectionId id:0 length "
        "measure:5 modifiedBy:1 name= previewPicture previewText previewTextType=text purchasingCurrency=RUB "
        "purchasingPrice quantity:0 quantityReserved:0 quantityTrace=N sort:500 subscribe=Y timestampX= type:1 "
        "vatId vatIncluded=Y weight:0 width withoutOrder=N xmlId= property97"
    ),
    "price": _blank("id:0 productId:0 catalogGroupId:1 price:0 currency=RUB timestampX="),
    "smart": _blank(
        "id:0 xmlId= title= createdBy:1 updatedBy:1 movedBy:1 createdTime= updatedTime= movedTime= categoryId:10 "
        "opened=Y stageId= previousStageId begindate closedate companyId:0 contactId:0 opportunity:0 "
        "isManualOpportunity=Y taxValue:0 currencyId=RUB mycompanyId:0 sourceId sourceDescription webformId:0 "
        "assignedById:1 lastActivityBy:1 lastActivityTime= parentId2"
    ),
    "stagehistory": _blank("ID TYPE_ID OWNER_ID CREATED_TIME CATEGORY_ID STAGE_SEMANTIC_ID STAGE_ID"),
    "leadhistory": _blank("ID TYPE_ID OWNER_ID CREATED_TIME STATUS_SEMANTIC_ID STATUS_ID"),
    "user": _blank(
        "ID= XML_ID= ACTIVE:true NAME= LAST_NAME= SECOND_NAME= EMAIL= LAST_LOGIN= DATE_REGISTER= TIME_ZONE= "
        "IS_ONLINE=N TIMESTAMP_X:{} LAST_ACTIVITY_DATE:{} PERSONAL_GENDER= PERSONAL_WWW= PERSONAL_BIRTHDAY= "
        "PERSONAL_MOBILE= PERSONAL_CITY= WORK_PHONE= WORK_POSITION= UF_EMPLOYMENT_DATE= UF_DEPARTMENT:[1] "
        "USER_TYPE=employee"
    ),
    "department": _blank("ID= NAME= SORT:500 PARENT=1 UF_HEAD=1"),
    "category": _blank("id name sort entityTypeId isDefault originId originatorId"),
    "status": _blank("ID ENTITY_ID STATUS_ID NAME NAME_INIT SORT SYSTEM CATEGORY_ID COLOR SEMANTICS"),
    "section": _blank("id:0 iblockId:23 iblockSectionId name= xmlId= code sort:500 active=Y"),
    "requisite": _blank(
        "ID= ENTITY_TYPE_ID=4 ENTITY_ID= PRESET_ID=1 DATE_CREATE= DATE_MODIFY CREATED_BY_ID=1 MODIFY_BY_ID NAME=Организация "
        "CODE XML_ID ACTIVE=Y SORT=500 RQ_INN RQ_KPP RQ_OGRN RQ_COMPANY_NAME"
    ),
    "catalog": _blank("iblockId iblockTypeId id lid name productIblockId skuPropertyId subscription vatId"),
    "type": _blank("id title code createdBy entityTypeId"),
}
MULTI = ("PHONE", "EMAIL")
WITH_PHONES = {"lead", "contact", "company"}
ENTITY_TYPES = {1: "lead", 2: "deal", 3: "contact", 4: "company", SMART: "smart"}
CHANGED = {
    "deal": "DATE_MODIFY",
    "lead": "DATE_MODIFY",
    "contact": "DATE_MODIFY",
    "company": "DATE_MODIFY",
    "activity": "LAST_UPDATED",
    "product": "timestampX",
    "price": "timestampX",
    "requisite": "DATE_MODIFY",
    "smart": "updatedTime",
}
DATES = {
    *("DATE_CREATE", "DATE_MODIFY", "BEGINDATE", "CLOSEDATE", "MOVED_TIME", "LAST_ACTIVITY_TIME", "DATE_CLOSED"),
    *("BIRTHDATE", "CREATED", "LAST_UPDATED", "START_TIME", "END_TIME", "DEADLINE", "CREATED_TIME"),
    *("CALL_START_DATE", "DATE_REGISTER", "LAST_LOGIN", "PERSONAL_BIRTHDAY", "createdTime", "updatedTime"),
    *("movedTime", "begindate", "closedate", "lastActivityTime", "dateCreate", "timestampX"),
    *("dateActiveFrom", "dateActiveTo", "LAST_COMMUNICATION_TIME"),
    *(name for fields in UF.values() for name, (kind, _) in fields.items() if kind == "date"),
}
# text cannot be searched in references to other things
NOT_LIKE = {"COMPANY_ID", "CONTACT_ID", "STAGE_ID", "STATUS_ID", "SOURCE_ID", "TYPE_ID", "COMPANY_TYPE", "INDUSTRY"}
SCOPES = {
    "crm": "crm",
    "catalog": "catalog",
    "user": "user",
    "department": "department",
    "voximplant": "telephony",
    "telephony": "telephony",
}

_RENAMED = {
    "DATE_CREATE": "createdTime",
    "DATE_MODIFY": "updatedTime",
    "CREATED_BY_ID": "createdBy",
    "MODIFY_BY_ID": "updatedBy",
    "MOVED_BY_ID": "movedBy",
    "STATUS_ID": "stageId",
    "STATUS_SEMANTIC_ID": "stageSemanticId",
    "COMPANY_TYPE": "typeId",
}
_NUMBERS = {
    *("ID", "CREATED_BY_ID", "MODIFY_BY_ID", "MOVED_BY_ID", "ASSIGNED_BY_ID", "LAST_ACTIVITY_BY", "COMPANY_ID"),
    *("CONTACT_ID", "LEAD_ID", "QUOTE_ID", "CATEGORY_ID", "OPPORTUNITY", "TAX_VALUE", "PROBABILITY", "REVENUE"),
    *(name for fields in UF.values() for name, (kind, _) in fields.items() if kind in ("double", "enumeration")),
}


def camel(name: str) -> str:
    """The name a field of crm.*.list has in crm.item.list."""
    if name in _RENAMED:
        return _RENAMED[name]
    first, *rest = name.lower().split("_")
    return first + "".join(f"_{part}" if part[:1].isdigit() else part.capitalize() for part in rest)


CAMEL = {kind: {camel(name): name for name in TEMPLATES[kind]} for kind in ("deal", "lead", "contact", "company")}

# --- errors and faults ----------------------------------------------------------------------------------------------


class RestError(Exception):
    """What the portal refuses with."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{status} {code}: {text}")
        self.status, self.code, self.text = status, code, text

    def body(self) -> Params:
        return {"error": self.code, "error_description": self.text}


@dataclass
class Faults:
    """How the portal misbehaves; everything is off until asked for."""

    rate: float | None = None
    burst: int | None = None
    operating_limit: float | None = None
    operating_cost: float | dict[str, float] = 0.0
    operating_window: float = 600.0
    every: int | None = None
    kinds: Sequence[str] = ("500",)
    slow_seconds: float = 0.2
    on_request: Callable[[str, Params], None] | None = None
    on_subcall: Callable[[str, Params], None] | None = None
    missing_scopes: set[str] = field(default_factory=set)
    revoked: bool = False


# --- PHP's way with parameters --------------------------------------------------------------------------------------

_BRACKETS = re.compile(r"\[([^\]]*)\]")
_REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")


def php_query(text: str) -> Params:
    """A query as PHP reads it: a[b][]=1 nests, an unclosed bracket makes the name useless."""
    found: Params = {}
    for pair in text.split("&"):
        raw, _, value = pair.partition("=")
        name = unquote_plus(raw)
        if not name:
            continue
        head, bracket, tail = name.partition("[")
        path = [head]
        if bracket:
            keys = _BRACKETS.findall(bracket + tail)
            path = [head, *keys] if keys else [f"{head}_{tail}"]
        place = found
        for part, following in zip(path, [*path[1:], None], strict=True):
            key = part
            if part == "" and place is not found:
                key = str(1 + max((int(k) for k in place if k.isdigit()), default=-1))
            if following is None:
                place[key] = unquote_plus(value)
            else:
                if not isinstance(place.get(key), dict):
                    place[key] = {}
                place = place[key]
    return found


def listed(value: Any) -> Any:
    """A PHP array with numbers for keys as the list it is."""
    if isinstance(value, dict) and value and all(str(key).isdigit() for key in value):
        return list(value.values())
    return value


def php_array(found: Mapping[str, Any]) -> Any:
    """An array as PHP writes it to JSON: a list when its keys count from zero, so an empty one too."""
    return list(found.values()) if list(found) == [str(n) for n in range(len(found))] else dict(found)


def substituted(value: Any, results: Mapping[str, Any]) -> Any:
    """The parameters of a sub-call with $result[...] replaced by what earlier sub-calls found."""
    if isinstance(value, dict):
        return {key: substituted(part, results) for key, part in value.items()}
    if not isinstance(value, str) or "$result" not in value:
        return value

    def looked(match: re.Match[str]) -> Any:
        place: Any = results
        for key in _BRACKETS.findall(match[1]):
            if isinstance(place, list):
                place = place[int(key)] if key.isdigit() and int(key) < len(place) else ""
            elif isinstance(place, Mapping):
                place = place.get(key, "")
            else:
                return ""
        return "" if place is None else place

    whole = _REFERENCE.fullmatch(value)
    return looked(whole) if whole else _REFERENCE.sub(lambda match: str(looked(match)), value)


# --- records and questions to them ----------------------------------------------------------------------------------

_MOMENTS: dict[str, float | None] = {}
_PREFIX = re.compile(r"(!><|><|!=%|!%=|>=|<=|=%|%=|!@|!%|!=|!|>|<|@|%|=|\?)?(.*)", re.DOTALL)
Predicate = Callable[[Record], bool]


def moment(text: Any) -> float | None:
    """A date of the portal as seconds; one without an offset is in the portal's own zone."""
    if not isinstance(text, str) or not text:
        return None
    if text not in _MOMENTS:
        if len(_MOMENTS) > 2_000_000:
            _MOMENTS.clear()
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            _MOMENTS[text] = None
        else:
            _MOMENTS[text] = (at if at.tzinfo else at.replace(tzinfo=MOSCOW)).timestamp()
    return _MOMENTS[text]


def number(value: Any) -> float | None:
    """The number in a value, if it is one."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and value[:1] in "0123456789-+.":
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value).casefold()


def _equal(name: str, wanted: Any) -> Predicate:
    if name in MULTI:
        return lambda r: any(_plain(entry["VALUE"]) == _plain(wanted) for entry in r.get(name, ()))
    if wanted is None or wanted == "":
        reference = name.endswith(("_ID", "Id"))
        return lambda r: r.get(name) in (None, "", False) or (reference and r.get(name) in ("0", 0))
    if name in DATES:
        at = moment(wanted)
        if at is None:
            raise RestError(400, "INVALID_ARG_VALUE", f"Invalid filter: field '{name}' has invalid value")
        return lambda r: moment(r.get(name)) == at
    many = name in UF_MULTIPLE
    if (figure := number(wanted)) is not None:
        if many:
            return lambda r: any(number(one) == figure for one in r.get(name) or ())
        return lambda r: number(r.get(name)) == figure or (r.get(name) is None and figure == 0)
    text = _plain(wanted)
    return lambda r: _plain(r.get(name)) == text


def _ordered(name: str, sign: str, wanted: Any) -> Predicate:
    read: Callable[[Any], Any]
    if name in DATES:
        bound: Any = moment(wanted)
        if bound is None:
            raise RestError(400, "INVALID_ARG_VALUE", f"Invalid filter: field '{name}' has invalid value")
        read = moment
    elif (bound := 0 if wanted in ("", None) else number(wanted)) is not None:
        read = number
    else:
        bound, read = _plain(wanted), lambda value: None if value is None else _plain(value)
    if sign == ">":
        return lambda r: (v := read(r.get(name))) is not None and v > bound
    if sign == ">=":
        return lambda r: (v := read(r.get(name))) is not None and v >= bound
    if sign == "<":
        return lambda r: (v := read(r.get(name))) is not None and v < bound
    return lambda r: (v := read(r.get(name))) is not None and v <= bound


def _alike(name: str, wanted: Any, *, pattern: bool) -> Predicate:
    if name in NOT_LIKE:
        return lambda r: False
    text = _plain(wanted)
    if not pattern:
        return lambda r: text in _plain(r.get(name))
    like = re.compile(".*".join(re.escape(part) for part in text.split("%")), re.DOTALL)
    return lambda r: like.fullmatch(_plain(r.get(name))) is not None


def _predicate(name: str, sign: str, wanted: Any) -> Predicate | None:
    """One condition; None where the portal would not look at it."""
    wanted = listed(wanted)
    negative = sign.startswith("!")
    if sign in ("><", "!><"):
        if not isinstance(wanted, list) or len(wanted) != 2:
            return None
        low, high = _ordered(name, ">=", wanted[0]), _ordered(name, "<=", wanted[1])
        return (lambda r: not (low(r) and high(r))) if negative else (lambda r: low(r) and high(r))
    if sign in (">", ">=", "<", "<="):
        return None if isinstance(wanted, list | dict) else _ordered(name, sign, wanted)
    if "%" in sign or sign == "?":
        like = _alike(name, wanted, pattern="=" in sign)
        return (lambda r: not like(r)) if negative else like
    options = [_equal(name, one) for one in (wanted if isinstance(wanted, list) else [wanted])]
    one = options[0] if len(options) == 1 else None
    if negative:
        return (lambda r: not one(r)) if one else (lambda r: not any(test(r) for test in options))
    return one or (lambda r: any(test(r) for test in options))


class Table:
    """Records of one kind, in order of their ids, and the answers already worked out."""

    def __init__(self, kind: str, key: str) -> None:
        self.kind, self.key = kind, key
        self.rows: dict[int, Record] = {}
        self.ids: list[int] = []
        self.last = 0
        self.version = 0
        self._known: OrderedDict[tuple[int, str], list[int]] = OrderedDict()

    def put(self, record_id: int, record: Record) -> None:
        if record_id not in self.rows:
            if not self.ids or record_id > self.ids[-1]:
                self.ids.append(record_id)
            else:
                insort(self.ids, record_id)
        self.rows[record_id] = record
        self.last = max(self.last, record_id)
        self.version += 1

    def drop(self, record_id: int) -> None:
        del self.rows[record_id]
        del self.ids[bisect_left(self.ids, record_id)]
        self.version += 1

    def known(self, question: str, work: Callable[[], list[int]]) -> list[int]:
        mark = (self.version, question)
        if mark not in self._known:
            self._known[mark] = work()
            if len(self._known) > 64:
                self._known.popitem(last=False)
        return self._known[mark]


@dataclass
class Found:
    """Ids that answer a question, not yet cut to a page."""

    ids: Sequence[int]
    low: int
    high: int
    backwards: bool = False

    @property
    def total(self) -> int:
        return max(0, self.high - self.low)

    def page(self, start: int) -> list[int]:
        if start >= self.total:
            return []
        if self.backwards:
            stop = self.high - start
            return list(self.ids[max(self.low, stop - PAGE) : stop])[::-1]
        return list(self.ids[self.low + start : min(self.low + start + PAGE, self.high)])


@dataclass
class Dialect:
    """How one family of methods reads filters and orders."""

    names: Mapping[str, str] | None = None  # asked name -> stored name; None: as stored
    unknown: str = "ignored"  # or "refused"
    nested: bool = False

    def stored(self, table: Table, name: str, place: str) -> str | None:
        found = self.names.get(name) if self.names is not None else name
        if found is not None and (found in TEMPLATES[table.kind] or (found in MULTI and table.kind in WITH_PHONES)):
            return found
        if self.unknown == "refused":
            raise RestError(400, "INVALID_ARG_VALUE", f"Invalid {place}: field '{name}' is not allowed in {place}")
        return None


LEGACY = Dialect()
STRICT = Dialect(unknown="refused", nested=True)
HISTORY = Dialect(unknown="refused")
LENIENT = Dialect()


def _conditions(table: Table, asked: Mapping[str, Any], dialect: Dialect) -> list[tuple[str, str, Any]]:
    found = []
    for raw, wanted in asked.items():
        match = _PREFIX.fullmatch(str(raw))
        sign, name = (match[1] or "", match[2]) if match else ("", raw)
        stored = dialect.stored(table, name, "filter")
        if stored is not None:
            found.append((stored, sign, wanted))
    return found


def _compiled(table: Table, asked: Mapping[str, Any], dialect: Dialect) -> list[Predicate]:
    tests: list[Predicate] = []
    flat = {}
    for key, value in asked.items():
        if dialect.nested and str(key).isdigit() and isinstance(value, dict | list):
            tests.append(_group(table, value, dialect))
        elif str(key).lower() != "logic":
            flat[key] = value
    tests += [
        test for name, sign, wanted in _conditions(table, flat, dialect) if (test := _predicate(name, sign, wanted))
    ]
    return tests


def _group(table: Table, asked: Any, dialect: Dialect) -> Predicate:
    parts = dict(enumerate(asked)) if isinstance(asked, list) else asked
    either = str(next((v for k, v in parts.items() if str(k).lower() == "logic"), "AND")).upper() == "OR"
    tests = _compiled(table, parts, dialect)
    return (lambda r: any(test(r) for test in tests)) if either else (lambda r: all(test(r) for test in tests))


def _sort_key(name: str) -> Callable[[Record], tuple[int, Any]]:
    def key(record: Record) -> tuple[int, Any]:
        value = record.get(name)
        if name in DATES:
            at = moment(value)
            return (0, 0) if at is None else (1, at)
        if value is None or isinstance(value, list | dict):
            return (0, 0)
        figure = number(value)
        return (1, figure) if figure is not None else (2, _plain(value))

    return key


def _arranged_by(table: Table, order: Any, dialect: Dialect) -> list[tuple[str, bool]]:
    by = []
    for raw, way in order.items() if isinstance(order, dict) else ():
        stored = dialect.stored(table, raw, "order")
        if str(way).upper() not in ("ASC", "DESC") and dialect.unknown == "refused":
            text = f"Invalid order: allowed sort directions are `ASC, DESC`. But got '{way}' for field '{raw}'"
            raise RestError(400, "INVALID_ARG_VALUE", text)
        if stored is not None:
            by.append((stored, str(way).upper() == "DESC"))
    return by or [(table.key, False)]


@dataclass
class Split:
    """A filter taken apart: what it says of the id goes by bisection, the rest is looked at."""

    bounds: list[tuple[str, float]] = field(default_factory=list)
    exact: set[int] | None = None
    rest: Params = field(default_factory=dict)


def _split(table: Table, asked: Params, dialect: Dialect, *, by_id: bool) -> Split:
    split = Split()
    for raw, given in asked.items():
        match = _PREFIX.fullmatch(str(raw))
        sign, name = (match[1] or "", match[2]) if match else ("", str(raw))
        stored = dialect.names.get(name) if dialect.names is not None else name
        value = listed(given)
        if stored == table.key and sign in (">", ">=", "<", "<=") and by_id and not isinstance(value, list | dict):
            split.bounds.append((sign, number(value) or 0))  # nothing reads as zero: every id is above it
        elif stored == table.key and sign in ("", "=", "@"):
            wanted = {int(n) for one in (value if isinstance(value, list) else [value]) if (n := number(one))}
            split.exact = wanted if split.exact is None else split.exact & wanted
        else:
            split.rest[raw] = given
    return split


def find(table: Table, asked: Any, order: Any, dialect: Dialect) -> Found:
    """The ids that answer a filter, in the order asked for (by id where none is)."""
    if isinstance(asked, list):
        asked = dict(enumerate(asked))
    by = _arranged_by(table, order, dialect)
    by_id = by[0][0] == table.key
    split = _split(table, asked if isinstance(asked, dict) else {}, dialect, by_id=by_id)
    tests, rows = _compiled(table, split.rest, dialect), table.rows
    question = json.dumps(split.rest, sort_keys=True, default=str)
    ids = table.ids
    if split.exact is not None:
        ids = sorted(i for i in split.exact if i in rows and all(test(rows[i]) for test in tests))
    elif tests:
        ids = table.known(question, lambda: [i for i in table.ids if all(test(rows[i]) for test in tests)])
    if by_id:
        low, high = 0, len(ids)
        for sign, bound in split.bounds:
            if sign[0] == ">":
                low = max(low, (bisect_right if sign == ">" else bisect_left)(ids, bound))
            else:
                high = min(high, (bisect_left if sign == "<" else bisect_right)(ids, bound))
        return Found(ids, low, max(low, high), backwards=by[0][1])

    def arranged() -> list[int]:
        found = list(ids)
        for name, down in reversed(by):
            key = _sort_key(name)
            found.sort(key=lambda i: key(rows[i]), reverse=down)
        return found

    exact = None if split.exact is None else sorted(split.exact)
    ids = table.known(f"{question} {exact} {by}", arranged)
    return Found(ids, 0, len(ids))


# --- making the company up ------------------------------------------------------------------------------------------

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


def figure(value: Decimal | float) -> float:
    """A number as PHP writes it: whole ones without a point."""
    got = float(value)
    return int(got) if got == int(got) else got


class _Maker:
    """Fills the tables; the same seed makes the same company."""

    def __init__(self, portal: "Portal", seed: int, now: int) -> None:
        self.portal, self.rng, self.now = portal, random.Random(seed), now
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
        table = self.portal.tables[kind]
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
        rng, portal = self.rng, self.portal
        made = []
        for _ in range(rng.randint(0, most)):
            a, b, c, d = rng.randint(900, 999), rng.randint(0, 999), rng.randint(0, 99), rng.randint(0, 99)
            shape = rng.choice(("+7{:03}{:03}{:02}{:02}", "8 ({:03}) {:03}-{:02}-{:02}", "+7 {:03} {:03} {:02} {:02}"))
            made.append(portal._multi("PHONE", shape.format(a, b, c, d), rng.choice(("WORK", "MOBILE", "HOME"))))
        return made

    def reachable(self, record: Record, most: int = 3) -> Record:
        if phones := self.phones(most):
            record["PHONE"], record["HAS_PHONE"] = phones, "Y"
        if self.rng.random() < 0.6:
            address = f"client{self.rng.randint(1, 10**6)}@example.com"
            record["EMAIL"], record["HAS_EMAIL"] = [self.portal._multi("EMAIL", address, "WORK")], "Y"
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
        companies = self.portal.tables["company"].ids
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
        goods = self.portal.tables["product"]
        for n in range(rng.choice((1, 2, 2, 3, 5))):
            product = rng.choice(goods.ids) if goods.ids and rng.random() < 0.9 else 0
            price = rng.choice((rng.randint(100, 999) * 100, rng.randint(10_000, 5_000_000))) / 100
            quantity = rng.choice((1, 1, 2, 3, 10, 1.5))
            made.append(
                _row(
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
        companies, contacts = self.portal.tables["company"].ids, self.portal.tables["contact"].ids
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
        converted = [i for i, lead in self.portal.records["lead"].items() if lead["STATUS_SEMANTIC_ID"] == "S"]
        for lead_id, (_, deal) in zip(converted, made, strict=False):
            deal["LEAD_ID"] = str(lead_id)
        self.fill("deal", made)
        self.fill("productrow", rows)
        for row_id, row in rows:
            self.portal.rows_of[row["ownerId"]].append(row_id)
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
        deals = self.portal.tables["deal"].ids
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
        contacts = self.portal.tables["contact"]
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
        deals, contacts = self.portal.tables["deal"].ids, self.portal.tables["contact"].ids
        calls = iter(self.portal.tables["call"].rows.values())
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


def _row(given: Mapping[str, Any], row_id: int, deal_id: int, sort: int) -> Record:
    price, quantity = figure(given.get("price", 0)), figure(given.get("quantity", 1))
    record = {
        **TEMPLATES["productrow"],
        "sort": sort,
        "xmlId": f"sale_basket_{row_id}",
        **dict.fromkeys(("priceAccount", "priceExclusive", "priceNetto", "priceBrutto"), price),
        **given,
    }
    return record | {"id": row_id, "ownerId": deal_id, "ownerType": "D", "price": price, "quantity": quantity}


def rows_sum(rows: Iterable[Record]) -> Decimal:
    """Price times quantity, added up."""
    total = sum((Decimal(str(row["price"])) * Decimal(str(row["quantity"])) for row in rows), Decimal(0))
    return total.quantize(Decimal("0.01"))


# --- the portal -----------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What a method found, before the envelope."""

    result: Any
    total: int | None = None
    next: int | None = None


class Portal:
    """A Bitrix24 portal on loopback."""

    def __init__(
        self,
        *,
        seed: int = 1,
        deals: int = 200,
        companies: int = 40,
        contacts: int = 120,
        leads: int = 60,
        activities: int = 300,
        calls: int = 80,
        products: int = 30,
        now: datetime | None = None,
        clock_skew: timedelta = timedelta(0),
        token_seconds: int = 3600,
    ) -> None:
        self.lock = threading.RLock()
        self._began = time.monotonic()
        begin = now or datetime.now(UTC)
        self._base = (begin if begin.tzinfo else begin.replace(tzinfo=MOSCOW)).timestamp() + clock_skew.total_seconds()
        self._secret = random.Random(f"secrets of {seed}")
        self.code = f"{self._secret.getrandbits(80):016x}"[:16]
        self.application_token = f"{self._secret.getrandbits(128):032x}"
        self.client_id = f"local.{self._secret.getrandbits(64):016x}.{self._secret.getrandbits(32):08d}"
        self.client_secret = f"{self._secret.getrandbits(160):040x}"
        self.member_id = f"{self._secret.getrandbits(128):032x}"
        self.token_seconds = token_seconds
        self.access_token = ""
        self.refresh_token = ""
        self.tokens: dict[str, float] = {}
        self.refreshes = 0
        self.early_refreshes = 0
        self.faults = Faults()
        self.requests: list[tuple[str, int]] = []
        self.subcalls: Counter[str] = Counter()
        self.asked: list[tuple[str, Params]] = []
        self.refused: list[tuple[str, str, str]] = []
        self.failures: list[Exception] = []
        self.bound: list[Params] = []
        self.deleted: dict[str, list[int]] = defaultdict(list)
        self.rows_of: dict[int, list[int]] = defaultdict(list)
        small = {"productrow", "product", "price", "smart", "category", "catalog", "type", "section"}
        self.tables = {kind: Table(kind, "id" if kind in small else "ID") for kind in TEMPLATES}
        self.records: dict[str, dict[int, Record]] = {kind: table.rows for kind, table in self.tables.items()}
        self._multis = 150
        self._application = False
        self._hits = 0
        self._level, self._leaked = 0.0, time.monotonic()
        self._operating: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._server: _Server | None = None
        self._methods = self._table_of_methods()
        counts = {"deals": deals, "companies": companies, "contacts": contacts, "leads": leads}
        self._make(seed, counts=counts | {"activities": activities, "calls": calls, "products": products})
        self._issue()
        self.origin, self.url = "", ""

    def _make(self, seed: int, *, counts: Mapping[str, int]) -> None:
        collecting = gc.isenabled()
        gc.disable()
        try:
            maker = _Maker(self, seed, int(self._base))
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

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/rest/1/{self.code}/"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None
        if self.failures and error is None:
            raise self.failures[0]

    # --- the clock

    def clock(self) -> float:
        """The portal's time, in seconds."""
        return self._base + time.monotonic() - self._began

    def now(self) -> datetime:
        """The portal's time, in the portal's zone."""
        return datetime.fromtimestamp(self.clock(), MOSCOW)

    def advance(self, delta: timedelta) -> None:
        """The portal's clock goes forward."""
        self._base += delta.total_seconds()

    def _stamp(self) -> str:
        return self.now().replace(microsecond=0).isoformat()

    def _today(self) -> str:
        return datetime.fromtimestamp(int(self.clock()) // DAY * DAY, MOSCOW).isoformat()

    # --- what the portal's users do

    def add_deal(self, **fields: Any) -> int:
        """A new deal, and the first entry of its history."""
        with self.lock:
            category = int(fields.get("CATEGORY_ID", 0))
            stage = fields.setdefault("STAGE_ID", PROCESS[category][0])
            self._check_stage(category, stage)
            semantics = STAGE_SEMANTICS[stage][1]
            closed = {"CLOSED": "Y", "CLOSEDATE": self._today()} if semantics != "P" else {}
            computed = {
                "STAGE_SEMANTIC_ID": semantics,
                "IS_NEW": "Y" if stage == PROCESS[category][0] else "N",
                "IS_MANUAL_OPPORTUNITY": "Y" if "OPPORTUNITY" in fields else "N",
                "MOVED_TIME": self._stamp(),
                "BEGINDATE": self._today(),
                **closed,
            }
            deal_id = self.add("deal", **{**computed, **fields})
            self._tell(deal_id, 1, category, stage)
            return deal_id

    def change_deal(self, deal_id: int, **fields: Any) -> None:
        """A deal edited; a move to another stage or pipeline is written down as the portal does."""
        with self.lock:
            before = self.records["deal"][deal_id]
            category = int(fields.get("CATEGORY_ID", before["CATEGORY_ID"]))
            other = category != int(before["CATEGORY_ID"])
            if other:
                fields.setdefault("STAGE_ID", PROCESS[category][0])
            stage = fields.get("STAGE_ID", before["STAGE_ID"])
            self._check_stage(category, stage)
            computed: Record = {}
            if moved := other or stage != before["STAGE_ID"]:
                semantics = STAGE_SEMANTICS[stage][1]
                computed = {
                    "STAGE_SEMANTIC_ID": semantics,
                    "CLOSED": "N" if semantics == "P" else "Y",
                    "IS_NEW": "Y" if stage == PROCESS[category][0] else "N",
                    "MOVED_TIME": self._stamp(),
                    "MOVED_BY_ID": "1",
                    "LAST_ACTIVITY_TIME": self._stamp(),
                }
                if semantics != "P":
                    computed["CLOSEDATE"] = self._today()
            if "OPPORTUNITY" in fields:
                computed["IS_MANUAL_OPPORTUNITY"] = "Y"
            self._edit("deal", deal_id, {**computed, **fields})
            if moved:
                kind = 5 if other else 2 if STAGE_SEMANTICS[stage][1] == "P" else 3
                self._tell(deal_id, kind, category, stage)

    def add_contact(self, **fields: Any) -> int:
        """A new contact; PHONE and EMAIL may be a text, texts, or entries as the portal keeps them."""
        return self.add("contact", **fields)

    def add_company(self, **fields: Any) -> int:
        """A new company."""
        return self.add("company", **fields)

    def add_lead(self, **fields: Any) -> int:
        """A new lead, and the first entry of its history."""
        with self.lock:
            status = fields.setdefault("STATUS_ID", "NEW")
            semantics = LEAD_SEMANTICS[status]
            closed = {"DATE_CLOSED": self._stamp()} if semantics != "P" else {}
            computed = {"STATUS_SEMANTIC_ID": semantics, "MOVED_TIME": self._stamp(), **closed}
            lead_id = self.add("lead", **{**computed, **fields})
            self._tell_lead(lead_id, 1, status)
            return lead_id

    def add_activity(self, **fields: Any) -> int:
        """A new activity."""
        return self.add("activity", **fields)

    def add_call(self, **fields: Any) -> int:
        """A call that has ended."""
        with self.lock:
            computed = {
                "CALL_START_DATE": self._stamp(),
                "CALL_ID": f"externalCall.{self._secret.getrandbits(64):016x}.{int(self.clock())}",
            }
            return self.add("call", **{**computed, **fields})

    def add(self, kind: str, **fields: Any) -> int:
        """A new record of any kind."""
        with self.lock:
            table = self.tables[kind]
            record = {
                name: value.copy() if isinstance(value, list | dict) else value
                for name, value in TEMPLATES[kind].items()
            }
            created = {"DATE_CREATE", "CREATED", "START_TIME", "END_TIME", "DEADLINE", "LAST_ACTIVITY_TIME"}
            created |= {"createdTime", "movedTime", "lastActivityTime", "dateCreate", CHANGED.get(kind, "")}
            for name in created & record.keys():
                record[name] = self._stamp()
            record_id = table.last + 1
            record[table.key] = record_id if table.key == "id" else str(record_id)
            record |= self._kept(kind, fields)
            table.put(record_id, record)
            return record_id

    def change(self, kind: str, record_id: int, **fields: Any) -> None:
        """A record of any kind edited."""
        with self.lock:
            if kind == "deal":
                self.change_deal(record_id, **fields)
                return
            before = self.records[kind][record_id]
            computed: Record = {}
            status = fields.get("STATUS_ID")
            moved = kind == "lead" and status is not None and status != before["STATUS_ID"]
            if moved:
                final = LEAD_SEMANTICS[status] != "P"
                computed = {
                    "STATUS_SEMANTIC_ID": LEAD_SEMANTICS[status],
                    "MOVED_TIME": self._stamp(),
                    "DATE_CLOSED": self._stamp() if final else "",
                }
            self._edit(kind, record_id, {**computed, **fields})
            if moved:
                self._tell_lead(record_id, 3 if LEAD_SEMANTICS[status] != "P" else 2, status)

    def delete(self, kind: str, record_id: int) -> None:
        """A record gone for good; a deal or lead takes its rows and history along."""
        with self.lock:
            self.tables[kind].drop(record_id)
            self.deleted[kind].append(record_id)
            if kind == "deal":
                for row_id in self.rows_of.pop(record_id, []):
                    self.tables["productrow"].drop(row_id)
            if kind in ("deal", "lead"):
                history = self.tables["stagehistory" if kind == "deal" else "leadhistory"]
                for entry in [n for n, row in history.rows.items() if row["OWNER_ID"] == record_id]:
                    history.drop(entry)

    def set_product_rows(self, deal_id: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """The goods of a deal replaced; its amount follows unless it was set by hand."""
        with self.lock:
            table = self.tables["productrow"]
            for row_id in self.rows_of.pop(deal_id, []):
                table.drop(row_id)
            for n, given in enumerate(rows, 1):
                record = _row(given, table.last + 1, deal_id, 10 * n)
                table.put(record["id"], record)
                self.rows_of[deal_id].append(record["id"])
            deal = self.records["deal"][deal_id]
            kept = [table.rows[row_id] for row_id in self.rows_of[deal_id]]
            follows = deal["IS_MANUAL_OPPORTUNITY"] == "N"
            self._edit("deal", deal_id, {"OPPORTUNITY": rows_sum(kept)} if follows else {})
            return list(self.rows_of[deal_id])

    def _edit(self, kind: str, record_id: int, fields: Mapping[str, Any]) -> None:
        changed = {CHANGED[kind]: self._stamp()} if kind in CHANGED else {}
        record = {**self.records[kind][record_id], **changed, **self._kept(kind, fields)}
        for name in MULTI:
            if name in record and not record[name]:
                del record[name]
        self.tables[kind].put(record_id, record)

    def _kept(self, kind: str, fields: Mapping[str, Any]) -> Record:
        unknown = fields.keys() - TEMPLATES[kind].keys() - (set(MULTI) if kind in WITH_PHONES else set())
        if unknown:
            raise ValueError(f"a {kind} has no {', '.join(sorted(unknown))}")
        found: Record = {}
        for name, value in fields.items():
            if name in MULTI:
                entries = [value] if isinstance(value, str) else value
                found[name] = [self._multi(name, e, "WORK") if isinstance(e, str) else e for e in entries]
                found[f"HAS_{name}"] = "Y" if entries else "N"
            elif self.tables[kind].key == "id":
                found[name] = figure(value) if isinstance(value, Decimal) else _written(name, value)
            else:
                written = _written(name, value)
                numeric = isinstance(written, int | float) and not isinstance(written, bool)
                as_is = kind in ("stagehistory", "leadhistory", "user", "department") or name == "RECORD_FILE_ID"
                found[name] = str(written) if numeric and not as_is else written
        return found

    def _multi(self, name: str, value: str, kind: str) -> Record:
        self._multis += 1
        return {"ID": str(self._multis), "VALUE_TYPE": kind, "VALUE": value, "TYPE_ID": name}

    def _check_stage(self, category: int, stage: str) -> None:
        if STAGE_SEMANTICS.get(stage, (None, ""))[0] != category:
            raise ValueError(f"pipeline {category} has no stage {stage}")

    def _tell(self, deal_id: int, kind: int, category: int, stage: str) -> None:
        entry = {"TYPE_ID": kind, "OWNER_ID": deal_id, "CREATED_TIME": self._stamp(), "CATEGORY_ID": category}
        entry |= {"STAGE_SEMANTIC_ID": STAGE_SEMANTICS[stage][1], "STAGE_ID": stage}
        table = self.tables["stagehistory"]
        table.put(table.last + 1, {"ID": table.last + 1, **entry})

    def _tell_lead(self, lead_id: int, kind: int, status: str) -> None:
        entry = {"TYPE_ID": kind, "OWNER_ID": lead_id, "CREATED_TIME": self._stamp()}
        entry |= {"STATUS_SEMANTIC_ID": LEAD_SEMANTICS[status], "STATUS_ID": status}
        table = self.tables["leadhistory"]
        table.put(table.last + 1, {"ID": table.last + 1, **entry})

    # --- what tests compare with

    def truth(self) -> dict[str, Any]:
        """Counts and sums of what the portal holds now."""
        with self.lock:
            won: dict[int, dict[str, Any]] = {}
            lost = opened = 0
            sold = Decimal(0)
            for deal_id, deal in self.records["deal"].items():
                if deal["STAGE_SEMANTIC_ID"] == "S":
                    category = int(deal["CATEGORY_ID"])
                    place = won.setdefault(
                        category, {"count": 0, "sum": Decimal(0), "by_currency": defaultdict(Decimal)}
                    )
                    place["count"] += 1
                    place["sum"] += Decimal(deal["OPPORTUNITY"])
                    place["by_currency"][deal["CURRENCY_ID"]] += Decimal(deal["OPPORTUNITY"])
                    rows = self.records["productrow"]
                    for row_id in self.rows_of.get(deal_id, ()):
                        sold += Decimal(str(rows[row_id]["price"])) * Decimal(str(rows[row_id]["quantity"]))
                elif deal["STAGE_SEMANTIC_ID"] == "F":
                    lost += 1
                else:
                    opened += 1
            for place in won.values():
                place["by_currency"] = dict(place["by_currency"])
            calls = self.records["call"].values()
            incoming = [call for call in calls if call["CALL_TYPE"] in ("2", "3")]
            return {
                "counts": {kind: len(rows) for kind, rows in self.records.items()},
                "won": dict(sorted(won.items())),
                "won_count": sum(place["count"] for place in won.values()),
                "won_sum": sum((place["sum"] for place in won.values()), Decimal(0)),
                "lost": lost,
                "open": opened,
                "won_rows_sum": sold,
                "deals_with_rows": sum(1 for rows in self.rows_of.values() if rows),
                "missed_calls": sum(1 for call in incoming if call["CALL_FAILED_CODE"] == "304"),
                "calls_by_type": dict(Counter(call["CALL_TYPE"] for call in calls)),
                "calls_by_code": dict(Counter(call["CALL_FAILED_CODE"] for call in calls)),
                "completed_activities": sum(1 for a in self.records["activity"].values() if a["COMPLETED"] == "Y"),
                "converted_leads": sum(1 for r in self.records["lead"].values() if r["STATUS_SEMANTIC_ID"] == "S"),
                "last_modified": {
                    kind: max(
                        (at for r in self.records[kind].values() if (at := moment(r[name])) is not None), default=None
                    )
                    for kind, name in CHANGED.items()
                },
            }

    def event(self, name: str, record_id: int, *, token: str | None = "right") -> bytes:
        """The body of an outgoing webhook about a record: the right token, another one, or none."""
        fields: list[tuple[str, str]] = [("event", name.upper()), ("event_handler_id", "201")]
        if name.upper() == "ONVOXIMPLANTCALLEND":
            call = self.records["call"][record_id]
            told = ("CALL_ID", "CALL_TYPE", "PHONE_NUMBER", "PORTAL_NUMBER", "PORTAL_USER_ID", "CALL_DURATION")
            told += ("CALL_START_DATE", "COST", "COST_CURRENCY", "CALL_FAILED_CODE", "CALL_FAILED_REASON")
            fields += [(f"data[{field_}]", call[field_] or "") for field_ in (*told, "CRM_ACTIVITY_ID")]
        else:
            fields.append(("data[FIELDS][ID]", str(record_id)))
            if name.upper() == "ONCRMDEALMOVETOCATEGORY":
                deal = self.records["deal"][record_id]
                fields += [(f"data[FIELDS][{field_}]", deal[field_]) for field_ in ("CATEGORY_ID", "STAGE_ID")]
        domain = self.origin.removeprefix("http://")
        fields += [("ts", str(int(self.clock()))), ("auth[domain]", domain)]
        fields += [
            ("auth[client_endpoint]", f"{self.origin}/rest/"),
            ("auth[server_endpoint]", f"{self.origin}/oauth/"),
        ]
        fields.append(("auth[member_id]", self.member_id))
        if token is not None:
            fields.append(("auth[application_token]", self.application_token if token == "right" else token))
        return urlencode(fields).encode()

    # --- tokens of an application

    def _issue(self) -> None:
        self.access_token = secrets.token_hex(16)
        self.refresh_token = secrets.token_hex(16)
        self.tokens[self.access_token] = self.clock() + self.token_seconds

    def refreshed(self, params: Params) -> tuple[int, Params]:
        """New tokens for an application that names itself and shows the last refresh token."""
        if params.get("grant_type") != "refresh_token":
            return 400, {"error": "invalid_request", "error_description": "Wrong grant_type"}
        if params.get("client_id") != self.client_id or params.get("client_secret") != self.client_secret:
            return 401, {"error": "invalid_client", "error_description": "Application credentials are not known"}
        if self.faults.revoked or params.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": "The refresh token is not valid"}
        self.refreshes += 1
        if self.tokens[self.access_token] > self.clock():
            self.early_refreshes += 1
        self._issue()
        return 200, {
            "access_token": self.access_token,
            "client_endpoint": f"{self.origin}/rest/",
            "domain": "oauth.bitrix.info",
            "expires": int(self.tokens[self.access_token]),
            "expires_in": self.token_seconds,
            "member_id": self.member_id,
            "refresh_token": self.refresh_token,
            "scope": ",".join(self._scopes()),
            "server_endpoint": f"{self.origin}/rest/",
            "status": "L",
            "user_id": 1,
        }

    def admitted(self, path: list[str], params: Params) -> str:
        """The method a path asks for, once its key is found good."""
        self._application = False
        if len(path) >= 3:
            user, code, method = path[0], path[1], "/".join(path[2:])
            if self.faults.revoked or (user, code) != ("1", self.code):
                raise RestError(401, "INVALID_CREDENTIALS", "Invalid request credentials")
            return method
        token = params.pop("auth", None)
        self._application = True
        if not token or len(path) != 1:
            raise RestError(401, "NO_AUTH_FOUND", "Wrong authorization data")
        if self.faults.revoked or token not in self.tokens:
            raise RestError(401, "invalid_token", "Unable to get application by token")
        if self.tokens[token] <= self.clock():
            raise RestError(401, "expired_token", "The access token provided has expired.")
        return path[0]

    # --- answering

    def served(self, method: str, params: Params) -> tuple[int, Params]:
        """Status and body for one request."""
        began = self.clock()
        try:
            if self.faults.on_request is not None:
                self.faults.on_request(method, params)
            if method == "batch":
                return 200, self._batch(params, began)
            answer = self._called(method, params)
        except RestError as error:
            self.refused.append((method, error.code, error.text))
            return error.status, error.body()
        return 200, self._enveloped(answer, method, began)

    def _enveloped(self, answer: Answer, method: str, began: float) -> Params:
        body: Params = {"result": answer.result}
        if answer.next is not None:
            body["next"] = answer.next
        if answer.total is not None:
            body["total"] = answer.total
        body["time"] = self._time(method, began)
        return body

    def _time(self, method: str, began: float) -> Params:
        finish = self.clock()
        used, reset = self._used(method)
        return {
            "start": round(began, 6),
            "finish": round(finish, 6),
            "duration": finish - began,
            "processing": finish - began,
            "date_start": datetime.fromtimestamp(int(began), MOSCOW).isoformat(),
            "date_finish": datetime.fromtimestamp(int(finish), MOSCOW).isoformat(),
            "operating_reset_at": int(reset),
            "operating": used,
        }

    def _used(self, method: str) -> tuple[float, float]:
        now, window = self.clock(), self.faults.operating_window
        kept = self._operating[method] = [(at, cost) for at, cost in self._operating[method] if at + window > now]
        return sum(cost for _, cost in kept), (kept[0][0] if kept else now) + window

    def _called(self, method: str, params: Params) -> Answer:
        work = self._methods.get(method.lower())
        if work is None:
            raise RestError(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if SCOPES.get(method.lower().partition(".")[0]) in self.faults.missing_scopes:
            text = "The request requires higher privileges than provided by the webhook token"
            raise RestError(401, "insufficient_scope", text)
        limit, cost = self.faults.operating_limit, self.faults.operating_cost
        if limit is not None and self._used(method)[0] > limit:
            raise RestError(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
        spent = cost.get(method, 0.0) if isinstance(cost, dict) else cost
        if spent:
            self._operating[method].append((self.clock(), spent))
        self.asked.append((method, params))
        return work(params)

    def _batch(self, params: Params, began: float) -> Params:
        commands = params.get("cmd")
        if isinstance(commands, list):
            commands = {str(n): command for n, command in enumerate(commands)}
        commands = commands if isinstance(commands, dict) else {}
        halt = str(params.get("halt", "0")).lower() in ("1", "true", "y")
        results: Params = {}
        errors: Params = {}
        totals: Params = {}
        nexts: Params = {}
        times: Params = {}
        for n, (key, command) in enumerate(commands.items()):
            method, _, query = str(command).partition("?")
            started = self.clock()
            try:
                found = self._subcall(n, method, query, results)
                answer = self._called(method, found)
            except RestError as error:
                self.refused.append((method, error.code, error.text))
                errors[key] = error.body()
                if halt:
                    break
                continue
            results[key] = answer.result
            times[key] = self._time(method, started)
            if answer.total is not None:
                totals[key] = answer.total
            if answer.next is not None:
                nexts[key] = answer.next
        parts = {
            "result": results,
            "result_error": errors,
            "result_total": totals,
            "result_next": nexts,
            "result_time": times,
        }
        return {"result": {name: php_array(part) for name, part in parts.items()}, "time": self._time("batch", began)}

    def _subcall(self, n: int, method: str, query: str, results: Params) -> Params:
        """The parameters of a sub-call of a batch."""
        if n >= BATCH:
            raise RestError(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        self.subcalls[method] += 1
        if method.lower() == "batch":
            raise RestError(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
        found: Params = substituted(php_query(query), results)
        if self.faults.on_subcall is not None:
            self.faults.on_subcall(method, found)
        return found

    def overflows(self) -> bool:
        """Whether one more request does not fit into the bucket."""
        faults = self.faults
        if faults.rate is None or faults.burst is None:
            return False
        now = time.monotonic()
        self._level = max(0.0, self._level - (now - self._leaked) * faults.rate)
        self._leaked = now
        if self._level + 1 > faults.burst:
            return True
        self._level += 1
        return False

    def fault(self) -> str | None:
        """What goes wrong with this request."""
        if not self.faults.every or not self.faults.kinds:
            return None
        self._hits += 1
        turn, left = divmod(self._hits, self.faults.every)
        return self.faults.kinds[(turn - 1) % len(self.faults.kinds)] if left == 0 else None

    def _scopes(self) -> list[str]:
        return sorted(set(SCOPES.values()) - self.faults.missing_scopes)

    # --- methods

    def _table_of_methods(self) -> dict[str, Callable[[Params], Answer]]:
        methods: dict[str, Callable[[Params], Answer]] = {
            "crm.item.list": self._item_list,
            "crm.item.get": self._item_get,
            "crm.item.productrow.list": self._product_rows,
            "crm.deal.productrows.get": self._deal_rows,
            "crm.deal.contact.items.get": self._deal_contacts,
            "crm.type.list": lambda p: self._wrapped("type", p, STRICT, "types"),
            "crm.category.list": self._categories,
            "crm.status.list": lambda p: self._legacy_list("status", p),
            "crm.status.entity.items": self._entity_items,
            "crm.stagehistory.list": self._stage_history,
            "crm.activity.list": self._activities,
            "crm.activity.get": lambda p: self._legacy_get("activity", p),
            "catalog.catalog.list": lambda p: self._wrapped("catalog", p, LENIENT, "catalogs"),
            "catalog.product.list": self._goods,
            "catalog.section.list": lambda p: self._wrapped("section", p, LENIENT, "sections"),
            "crm.requisite.list": lambda p: self._legacy_list("requisite", p),
            "catalog.price.list": lambda p: self._wrapped("price", p, LENIENT, "prices"),
            "user.get": self._users,
            "user.current": lambda p: Answer(self.records["user"][1]),
            "department.get": self._departments,
            "voximplant.statistic.get": self._calls,
            "profile": self._profile,
            "scope": lambda p: Answer(self._scopes()),
            "server.time": lambda p: Answer(self._stamp()),
            "app.info": lambda p: self._application_only(Answer({"ID": 1, "CODE": self.client_id, "STATUS": "L"})),
            "event.bind": self._bind,
        }
        for kind in ("deal", "lead", "contact", "company"):
            methods[f"crm.{kind}.list"] = lambda p, kind=kind: self._legacy_list(kind, p)
            methods[f"crm.{kind}.get"] = lambda p, kind=kind: self._legacy_get(kind, p)
            methods[f"crm.{kind}.fields"] = lambda p, kind=kind: Answer(described(kind))
        return methods

    def _application_only(self, answer: Answer) -> Answer:
        if not self._application:
            raise RestError(403, "ACCESS_DENIED", "Access denied! Application context required")
        return answer

    def _bind(self, params: Params) -> Answer:
        answer = self._application_only(Answer(result=True))
        self.bound.append(params)
        return answer

    def _profile(self, params: Params) -> Answer:
        owner = self.records["user"][1]
        names = {name: owner[name] for name in ("ID", "NAME", "LAST_NAME", "PERSONAL_GENDER", "TIME_ZONE")}
        return Answer({**names, "ADMIN": True})

    def _cut(self, found: Found, start: Any, *, by_pages: bool = True) -> tuple[list[int], int, int | None]:
        """A page of ids, the total, and where the next page begins."""
        at = int(number(start) or 0)
        if at < 0:
            return found.page(0), 0, None
        if by_pages:
            at -= at % PAGE
        return found.page(at), found.total, at + PAGE if at + PAGE < found.total else None

    def _legacy_list(self, kind: str, params: Params, *, backwards: bool = False) -> Answer:
        asked = {key.lower(): value for key, value in params.items()}
        order = asked.get("order") or ({self.tables[kind].key: "DESC"} if backwards else {})
        found = find(self.tables[kind], asked.get("filter"), order, LEGACY)
        ids, total, following = self._cut(found, asked.get("start"))
        rows = self.records[kind]
        if kind == "status":
            return Answer([rows[i] for i in ids], total, following)
        names = self._selected(kind, listed(asked.get("select")))
        return Answer([{name: r[name] for name in names if name in r} for i in ids if (r := rows[i])], total, following)

    def _selected(self, kind: str, select: Any) -> list[str]:
        template, own = TEMPLATES[kind], UF.get(kind, {})
        scalars = [name for name in template if name not in own]
        if not isinstance(select, list) or not select:
            return scalars
        names = ["ID", *(scalars if "*" in select else ()), *(own if "UF_*" in select else ())]
        multis = MULTI if kind in WITH_PHONES else ()
        names += [name for name in select if name in template or name in multis]
        return list(dict.fromkeys(names))

    def _one(self, kind: str, params: Params, *, not_found: tuple[str, str] = ("", "Not found")) -> Record:
        asked = {key.lower(): value for key, value in params.items()}
        record_id = number(asked.get("id"))
        if record_id is None or record_id <= 0:
            raise RestError(400, "", "ID is not defined or invalid.")
        record = self.records[kind].get(int(record_id))
        if record is None:
            raise RestError(400, *not_found)
        return record

    def _legacy_get(self, kind: str, params: Params) -> Answer:
        return Answer(self._one(kind, params))

    def _entity_kind(self, params: Params) -> tuple[int, str]:
        entity = number(params.get("entityTypeId"))
        if entity is None:
            raise RestError(400, "100", "Could not find value for parameter {entityTypeId}")
        if int(entity) not in ENTITY_TYPES:
            raise RestError(400, "NOT_FOUND", "Смарт-процесс не найден")
        return int(entity), ENTITY_TYPES[int(entity)]

    def _item_list(self, params: Params) -> Answer:
        entity, kind = self._entity_kind(params)
        names = CAMEL.get(kind) or {name: name for name in TEMPLATES["smart"]}
        dialect = Dialect(names=names, unknown="refused", nested=True)
        found = find(self.tables[kind], params.get("filter"), params.get("order"), dialect)
        ids, total, following = self._cut(found, params.get("start"), by_pages=False)
        select = listed(params.get("select"))
        wanted = set(select) if isinstance(select, list) and select and "*" not in select else None
        items = []
        for i in ids:
            item = item_of(kind, entity, self.records[kind][i], with_fm="fm" in (wanted or ()))
            keep = wanted | {"id"} if wanted is not None else item.keys()
            items.append({name: value for name, value in item.items() if name in keep})
        return Answer({"items": items}, total, following)

    def _item_get(self, params: Params) -> Answer:
        entity, kind = self._entity_kind(params)
        record = self._one(kind, params, not_found=("NOT_FOUND", "Элемент не найден"))
        return Answer({"item": item_of(kind, entity, record, with_fm=True)})

    def _product_rows(self, params: Params) -> Answer:
        asked = params.get("filter")
        asked = asked if isinstance(asked, dict) else {}
        owner, owner_type = number(asked.get("=ownerId")), asked.get("=ownerType")
        for name, value in (("=ownerType", owner_type), ("=ownerId", owner)):
            if not value:
                raise RestError(400, "REQUIRED_ARG_MISSING", f"Required field {name} is not set in filter")
        table = Table("productrow", "id")
        for row_id in sorted(self.rows_of.get(int(owner or 0), ())) if owner_type == "D" else ():
            table.put(row_id, self.records["productrow"][row_id])
        indexed = {
            raw: value
            for raw, value in asked.items()
            if (match := _PREFIX.fullmatch(raw))
            and match[2] in ("id", "productId")
            and (match[1] == "@" or not isinstance(value, list | dict))
        }
        order = params.get("order") if isinstance(params.get("order"), dict) else {}
        order = {name: way for name, way in order.items() if name in ("id", "sort")} or {"sort": "ASC"}
        ids, total, following = self._cut(find(table, indexed, order, LENIENT), params.get("start"), by_pages=False)
        counted = int(number(params.get("start")) or 0) >= 0
        return Answer({"productRows": [table.rows[i] for i in ids]}, total if counted else None, following)

    def _deal_rows(self, params: Params) -> Answer:
        deal = self._one("deal", params)
        made = []
        for row_id in self.rows_of.get(int(deal["ID"]), ()):
            row = self.records["productrow"][row_id]
            named = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): value for name, value in row.items()}
            account = f"{row['priceAccount']:.2f}"
            made.append({**named, "ID": str(row_id), "OWNER_ID": deal["ID"], "PRICE_ACCOUNT": account})
        return Answer(made)

    def _deal_contacts(self, params: Params) -> Answer:
        contact = self._one("deal", params)["CONTACT_ID"]
        entry = {"SORT": 10, "ROLE_ID": 0, "IS_PRIMARY": "Y"}
        return Answer([{"CONTACT_ID": int(contact), **entry}] if contact and contact != "0" else [])

    def _categories(self, params: Params) -> Answer:
        entity = number(params.get("entityTypeId"))
        found = [row for row in self.records["category"].values() if row["entityTypeId"] == entity]
        if not found:
            raise RestError(
                400, "ENTITY_TYPE_NOT_SUPPORTED", f"Entity type {params.get('entityTypeId')} is not supported"
            )
        return Answer({"categories": found}, len(found))

    def _entity_items(self, params: Params) -> Answer:
        found = [row for row in self.records["status"].values() if row["ENTITY_ID"] == params.get("entityId")]
        return Answer([{"NAME": r["NAME"], "SORT": int(r["SORT"]), "STATUS_ID": r["STATUS_ID"]} for r in found])

    def _stage_history(self, params: Params) -> Answer:
        kind = {1: "leadhistory", 2: "stagehistory"}.get(int(number(params.get("entityTypeId")) or 0))
        if kind is None:
            text = f"Entity type {params.get('entityTypeId')} is not supported"
            raise RestError(400, "ENTITY_TYPE_NOT_SUPPORTED", text)
        return self._wrapped(kind, params, HISTORY, "items")

    def _wrapped(self, kind: str, params: Params, dialect: Dialect, name: str, asked: Any = None) -> Answer:
        """A list inside an object, asked for with lower-case parameters only."""
        found = find(self.tables[kind], params.get("filter") if asked is None else asked, params.get("order"), dialect)
        ids, total, following = self._cut(found, params.get("start"), by_pages=False)
        rows = self.records[kind]
        select = listed(params.get("select"))
        if isinstance(select, list) and select and "*" not in select and kind != "type":
            return Answer(
                {name: [{key: rows[i][key] for key in rows[i] if key in select} for i in ids]}, total, following
            )
        return Answer({name: [rows[i] for i in ids]}, total, following)

    def _activities(self, params: Params) -> Answer:
        answer = self._legacy_list("activity", params)
        select = listed({key.lower(): value for key, value in params.items()}.get("select")) or []
        if "COMMUNICATIONS" in select:
            for row in answer.result:
                record = self.records["activity"][int(row["ID"])]
                entry = {"ENTITY_ID": record["OWNER_ID"], "ENTITY_TYPE_ID": record["OWNER_TYPE_ID"]}
                row["COMMUNICATIONS"] = [{"ID": row["ID"], "TYPE": "PHONE", "VALUE": "+74951234567", **entry}]
        return answer

    def _goods(self, params: Params) -> Answer:
        select, asked = listed(params.get("select")), params.get("filter")
        for name in ("id", "iblockId"):
            if not isinstance(select, list) or name not in select:
                raise RestError(400, "200040300010", f"Required select fields: {name}")
        if not isinstance(asked, dict) or not any(str(key).lstrip("=@") == "iblockId" for key in asked):
            raise RestError(400, "200040300010", "Required filter fields: iblockId")
        return self._wrapped("product", params, LENIENT, "products")

    def _users(self, params: Params) -> Answer:
        known = TEMPLATES["user"]
        asked = {key: value for key, value in params.items() if key.lstrip("!=%<>@") in known}
        given = next((value for key, value in params.items() if key.lower() == "filter"), None)
        asked |= given if isinstance(given, dict) else {}
        if "ACTIVE" in asked:
            asked["ACTIVE"] = str(asked["ACTIVE"]).lower() in ("1", "true", "y")
        order = {params["sort"]: params.get("order", "ASC")} if isinstance(params.get("sort"), str) else {}
        found = find(self.tables["user"], asked, order, LENIENT)
        ids, total, following = self._cut(found, params.get("start"))
        return Answer([self.records["user"][i] for i in ids], total, following)

    def _departments(self, params: Params) -> Answer:
        asked = {key: value for key, value in params.items() if key in TEMPLATES["department"]}
        order = {params["sort"]: params.get("order", "ASC")} if isinstance(params.get("sort"), str) else {}
        found = find(self.tables["department"], asked, order, LENIENT)
        ids, total, following = self._cut(found, params.get("start"))
        return Answer([self.records["department"][i] for i in ids], total, following)

    def _calls(self, params: Params) -> Answer:
        """Calls: only upper-case FILTER, SORT and ORDER count; unsorted ones come in no promised order."""
        sort = params.get("SORT")
        by = (
            {sort: str(params.get("ORDER", "ASC"))}
            if sort in TEMPLATES["call"] and sort != "CALL_TYPE"
            else {"ID": "DESC"}
        )
        found = find(self.tables["call"], params.get("FILTER"), by, LENIENT)
        ids, total, following = self._cut(found, params.get("start"))
        return Answer([self.records["call"][i] for i in ids], total, following)


def _written(name: str, value: Any) -> Any:
    """A value as the portal keeps it."""
    if isinstance(value, bool):
        return value if name == "ACTIVE" or name.startswith("UF_") else "Y" if value else "N"
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=MOSCOW)).replace(microsecond=0).isoformat()
    if isinstance(value, date):
        return f"{value.isoformat()}T03:00:00+03:00"
    if name in ("OPPORTUNITY", "TAX_VALUE") and value is not None:
        return f"{Decimal(str(value)):.2f}"
    if isinstance(value, Decimal):
        return str(value)
    return value


def item_of(kind: str, entity: int, record: Record, *, with_fm: bool) -> Record:
    """A record as crm.item.* shows it: camelCase, real numbers, nulls for nothing."""
    if kind == "smart":
        return {**record, "observers": [], "contactIds": [], "entityTypeId": entity}
    item: Record = {}
    for name, source in CAMEL[kind].items():
        value = record[source]
        if source in ("COMPANY_ID", "CONTACT_ID"):
            value = int(value or 0)
        elif source in DATES:
            value = value or None
        elif source in _NUMBERS and isinstance(value, str):
            got = number(value)
            value = None if got is None else figure(got)
        item[name] = value
    contact = item.get("contactId")
    item |= {"observers": [], "contactIds": [contact] if contact else [], "entityTypeId": entity}
    if with_fm:
        item["fm"] = [
            {"id": int(e["ID"]), "valueType": e["VALUE_TYPE"], "value": e["VALUE"], "typeId": e["TYPE_ID"]}
            for name in MULTI
            for e in record.get(name, ())
        ]
    return item


_TITLES_OF_FIELDS = {
    "TITLE": "Название",
    "STAGE_ID": "Стадия сделки",
    "STATUS_ID": "Стадия",
    "OPPORTUNITY": "Сумма",
    "CURRENCY_ID": "Валюта",
    "ASSIGNED_BY_ID": "Ответственный",
    "DATE_CREATE": "Дата создания",
    "DATE_MODIFY": "Дата изменения",
    "SOURCE_ID": "Источник",
    "COMPANY_ID": "Компания",
    "CONTACT_ID": "Контакт",
    "CATEGORY_ID": "Воронка",
    "NAME": "Имя",
    "LAST_NAME": "Фамилия",
    "SECOND_NAME": "Отчество",
}
_TYPES_OF_FIELDS = {
    "ID": "integer",
    "OPPORTUNITY": "double",
    "TAX_VALUE": "double",
    "REVENUE": "double",
    "PROBABILITY": "integer",
    "CURRENCY_ID": "crm_currency",
    "COMPANY_ID": "crm_company",
    "CONTACT_ID": "crm_contact",
    "LEAD_ID": "crm_lead",
    "QUOTE_ID": "crm_quote",
    "CATEGORY_ID": "crm_category",
    "LAST_ACTIVITY_BY": "user",
    "LOCATION_ID": "location",
    **dict.fromkeys(("BEGINDATE", "CLOSEDATE", "BIRTHDATE"), "date"),
    **dict.fromkeys(("ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID", "MOVED_BY_ID"), "user"),
    **dict.fromkeys(("STAGE_ID", "STATUS_ID", "SOURCE_ID", "TYPE_ID", "HONORIFIC", "COMPANY_TYPE"), "crm_status"),
    **dict.fromkeys(("INDUSTRY", "EMPLOYEES"), "crm_status"),
    **dict.fromkeys(("OPENED", "CLOSED", "EXPORT", "HAS_PHONE", "HAS_EMAIL", "HAS_IMOL"), "char"),
}
_DICTIONARIES = {
    "STAGE_ID": "DEAL_STAGE",
    "STATUS_ID": "STATUS",
    "SOURCE_ID": "SOURCE",
    "HONORIFIC": "HONORIFIC",
    "COMPANY_TYPE": "COMPANY_TYPE",
    "INDUSTRY": "INDUSTRY",
    "EMPLOYEES": "EMPLOYEES",
}


def described(kind: str) -> Record:
    """What crm.*.fields tells of a kind: its own fields, then those the company has added."""
    found: Record = {}
    readonly = {"ID", "DATE_CREATE", "DATE_MODIFY", "STAGE_SEMANTIC_ID", "MOVED_TIME", "CREATED_BY_ID", "MODIFY_BY_ID"}
    for name in TEMPLATES[kind]:
        custom = UF[kind].get(name)
        usual = "datetime" if name in DATES else "char" if name.startswith("IS_") else "string"
        entry: Record = {
            "type": custom[0] if custom else _TYPES_OF_FIELDS.get(name, usual),
            "isRequired": False,
            "isReadOnly": name in readonly,
            "isImmutable": name == "CATEGORY_ID",
            "isMultiple": name in UF_MULTIPLE,
            "isDynamic": custom is not None,
        }
        if name in UF_ITEMS:
            entry["items"] = [{"ID": item, "VALUE": value} for item, value in UF_ITEMS[name]]
        if entry["type"] == "crm_status":
            entry["statusType"] = _DICTIONARIES.get(name, "DEAL_TYPE" if kind == "deal" else "CONTACT_TYPE")
        entry["title"] = name if custom else _TITLES_OF_FIELDS.get(name, name)
        if custom:
            entry |= {"listLabel": custom[1], "formLabel": custom[1], "filterLabel": custom[1], "settings": {}}
        found[name] = entry
    multis = MULTI if kind in WITH_PHONES else ()
    flags = dict.fromkeys(("isRequired", "isReadOnly", "isImmutable", "isDynamic"), False)
    for name, title in zip(multis, ("Телефон", "E-mail"), strict=False):
        found[name] = {"type": "crm_multifield", **flags, "isMultiple": True, "title": title}
    return found


# --- HTTP -----------------------------------------------------------------------------------------------------------


class _Visitor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    disable_nagle_algorithm = True
    server: "_Server"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests are counted by the portal."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.portal.clock() if timestamp is None else timestamp)

    def do_GET(self) -> None:
        self.guarded()

    def do_POST(self) -> None:
        self.guarded()

    def guarded(self) -> None:
        """A visit; what breaks in the portal itself or in a test's hook comes out when the portal closes."""
        try:
            self.visit()
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - raised again by the portal
            self.server.portal.failures.append(error)
            self.close_connection = True

    def parameters(self, query: str) -> Params:
        params = php_query(query)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        kind = (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if not body:
            return params
        if kind == "application/json":
            try:
                given = json.loads(body)
            except ValueError as error:
                raise RestError(400, "INVALID_REQUEST", "The body is not JSON") from error
            return {**params, **given} if isinstance(given, dict) else params
        if kind == "application/x-www-form-urlencoded":
            return {**params, **php_query(body.decode())}
        return params

    def visit(self) -> None:
        portal = self.server.portal
        place = urlsplit(self.path)
        parts = [part for part in place.path.split("/") if part]
        method = parts[-1].removesuffix(".json") if parts else ""
        try:
            params = self.parameters(place.query)
        except RestError as error:
            self.answer(method, error.status, error.body())
            return
        if parts == ["oauth", "token"]:
            with portal.lock:
                status, body = portal.refreshed(params)
            self.answer("oauth.token", status, body)
            return
        if parts[:1] != ["rest"] or len(parts) < 2:
            self.answer(method, 404, {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"})
            return
        with portal.lock:
            overflow, fault = portal.overflows(), portal.fault()
        if fault == "slow":
            time.sleep(portal.faults.slow_seconds)
        elif fault is not None and self.broken(method, fault):
            return
        if overflow:
            self.answer(method, 503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"})
            return
        with portal.lock:
            try:
                method = portal.admitted([*parts[1:-1], method], params)
                status, body = portal.served(method, params)
            except RestError as error:
                portal.refused.append((method, error.code, error.text))
                status, body = error.status, error.body()
            raw = json.dumps(body).replace("/", "\\/").encode()
        if fault == "half":
            self.half(method, raw)
        else:
            self.send(method, status, raw)

    def broken(self, method: str, fault: str) -> bool:
        """Whether the request has been spoilt before the portal looked at it."""
        if fault == "500":
            self.answer(method, 500, {"error": "INTERNAL_SERVER_ERROR", "error_description": "Internal server error"})
        elif fault == "502":
            self.send(method, 502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
        elif fault == "garbage":
            self.send(method, 200, "<!DOCTYPE html><title>Вход</title>".encode(), "text/html; charset=utf-8")
        elif fault == "drop":
            self.server.portal.requests.append((method, 0))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault != "half":
            raise ValueError(f"no such fault: {fault}")
        return fault != "half"

    def half(self, method: str, raw: bytes) -> None:
        self.server.portal.requests.append((method, 200))
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def answer(self, method: str, status: int, body: Params) -> None:
        self.send(method, status, json.dumps(body).replace("/", "\\/").encode())

    def send(self, method: str, status: int, raw: bytes, kind: str = "application/json; charset=utf-8") -> None:
        self.server.portal.requests.append((method, status))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.visitors: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Visitor)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.visitors.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.visitors.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def hang_up(self) -> None:
        """Ends the connections that are still open."""
        for visitor in list(self.visitors):
            try:
                visitor.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
