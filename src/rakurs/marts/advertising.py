"""What did advertising cost, and what did it bring in leads?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import absent, any_of, conform, sum_or_null
from rakurs.core.mart import MartSettings
from rakurs.core.units import Unit
from rakurs.marts.canonical import present, with_customer, with_owner
from rakurs.marts.tables import AD_SPENDING, LEAD_OUTCOMES, OWNER

Frame = nw.LazyFrame[Any]


def ad_spending(*, settings: MartSettings, ad_costs: Frame, campaigns: Frame) -> Frame:
    """One row per day, channel and campaign. A cost that names only its campaign belongs to that campaign's channel.

    Money of a currency without a rate is not counted, and the row says so.
    """
    _ = settings
    owners = campaigns.select("campaign_id", nw.col("channel_id").alias("campaign_channel_id"))
    known = (
        present(ad_costs)
        .join(owners, on="campaign_id", how="left")
        .with_columns(
            nw.coalesce(nw.col("channel_id"), nw.col("campaign_channel_id")).alias("channel_id"),
            (nw.col("amount_base").is_null() & ~nw.col("amount").is_null()).alias("is_rate_missing"),
        )
    )
    summed = known.group_by("spent_on", "channel_id", "campaign_id").agg(
        sum_or_null("amount_base").alias("amount"),
        sum_or_null("impressions").alias("impressions"),
        sum_or_null("clicks").alias("clicks"),
        any_of(nw.col("is_rate_missing")).alias("is_rate_missing"),
    )
    spending_id = nw.concat_str(
        nw.col("spent_on").cast(nw.String()),
        nw.coalesce(nw.col("channel_id"), nw.lit("")),
        nw.coalesce(nw.col("campaign_id"), nw.lit("")),
        separator="/",
    )
    nobody = (absent(Unit.TEXT).alias(column.name) for column in OWNER)
    return conform(summed.with_columns(spending_id.alias("spending_id"), *nobody), AD_SPENDING.columns)


def lead_outcomes(*, settings: MartSettings, leads: Frame, customers: Frame, employees: Frame) -> Frame:
    """One row per lead. It is converted when it names the deal it became."""
    _ = settings
    known = present(leads).with_columns((~nw.col("converted_deal_id").is_null()).alias("is_converted"))
    return conform(with_owner(with_customer(known, customers), employees), LEAD_OUTCOMES.columns)
