"""What a record of each kind is made of on a portal, and which of its fields are special."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sources.bitrix24_dictionaries import SMART, UF, UF_COMPANY, UF_CONTACT, UF_DEAL, UF_LEAD
from sources.bitrix24_values import figure

Record = dict[str, Any]


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


def product_row(given: Mapping[str, Any], row_id: int, deal_id: int, sort: int) -> Record:
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
