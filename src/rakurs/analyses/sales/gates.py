"""What the questions about deals need before they answer, and which deals they leave out."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import DealFilters, asked_deals
from rakurs.core.analysis import Frames, LeftOut, Need
from rakurs.core.text import Text

Frame = nw.LazyFrame[Any]


def _asked(frames: Frames, params: DealFilters) -> Frame:
    return asked_deals(frames["deal_outcomes"], params)


SOME_DEALS = Need(
    what=Text(ru="сделок в выбранном периоде и фильтрах", en="deals in the chosen period and filters"),
    at_least=1,
    rows=_asked,
)
SOME_LOST_DEALS = Need(
    what=Text(ru="проигранных сделок в выбранном периоде и фильтрах", en="lost deals in the chosen period and filters"),
    at_least=1,
    rows=lambda frames, params: _asked(frames, params).filter(nw.col("outcome") == "lost"),
)
DEALS_OFF_STAGES = LeftOut(
    reason=Text(
        ru="Сделки на этапах, которых нет в списке этапов: считаются открытыми, в этапах не показаны",
        en="Deals on stages missing from the list of stages: they count as open and stand on no stage here",
    ),
    rows=lambda frames, params: _asked(frames, params).filter(~nw.col("is_stage_known")),
)
DEALS_WITHOUT_AMOUNT = LeftOut(
    reason=Text(
        ru="Сделки без суммы или без курса валюты: считаются в штуках, но не в деньгах",
        en="Deals without an amount or an exchange rate: counted as deals, not as money",
    ),
    rows=lambda frames, params: _asked(frames, params).filter(nw.col("amount").is_null()),
)
