"""What the questions about sales need before they answer, and which sales they leave out."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import SalesFilters, asked_sales
from rakurs.core.analysis import Frames, LeftOut, Need
from rakurs.core.text import Text

Frame = nw.LazyFrame[Any]


def _asked(frames: Frames, params: SalesFilters) -> Frame:
    return asked_sales(frames["sales"], params)


SOME_SALES = Need(
    what=Text(ru="продаж в выбранном периоде и фильтрах", en="sales in the chosen period and filters"),
    at_least=1,
    rows=_asked,
)
SALES_WITHOUT_CUSTOMER = LeftOut(
    reason=Text(
        ru="Продажи без клиента: ни первые, ни повторные, ничьи",
        en="Sales without a customer: neither first nor repeat, nobody's",
    ),
    rows=lambda frames, params: _asked(frames, params).filter(nw.col("customer_id").is_null()),
)
SALES_WITHOUT_REVENUE = LeftOut(
    reason=Text(
        ru="Продажи без суммы или без курса валюты: считаются в штуках, но не в деньгах",
        en="Sales without an amount or an exchange rate: counted as sales, not as money",
    ),
    rows=lambda frames, params: _asked(frames, params).filter(nw.col("revenue").is_null()),
)
LINES_WITHOUT_PRODUCT = LeftOut(
    reason=Text(ru="Строки без товара", en="Lines without a product"),
    rows=lambda frames, params: asked_sales(frames["sale_lines"], params).filter(nw.col("product_id").is_null()),
)
LINES_OF_RETURNS = LeftOut(
    reason=Text(ru="Строки возвратов", en="Lines of returns"),
    rows=lambda frames, params: asked_sales(frames["sale_lines"], params).filter(nw.col("is_return")),
)
