"""Lets every test import what stands beside this file; says what is slow, and what must not start twice."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# A browser leaves its event loop in the thread of its tests; Django would refuse the database to later tests there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
SLOW = (
    "analyses/test_acquisition.py",
    "analyses/test_association_rules.py",
    "analyses/test_contract.py",
    "analyses/test_deal_quality.py",
    "analyses/test_demand_factors.py",
    "analyses/test_demand_forecast.py",
    "analyses/test_elasticity.py",
    "analyses/test_funnel.py",
    "analyses/test_lifecycle.py",
    "analyses/test_look_alikes.py",
    "analyses/test_lost_traits.py",
    "analyses/test_notebook.py",
    "analyses/test_plan_fact.py",
    "analyses/test_properties.py",
    "analyses/test_sales_forecast.py",
    "analyses/test_subscriptions.py",
    "analyses/test_unusual_sales.py",
    "analyses/test_why_changed.py",
    "api",
    "app/test_asked.py",
    "app/test_cards.py",
    "app/test_correcting.py",
    "app/test_demo_",
    "app/test_identity_desk.py",
    "app/test_inbox.py",
    "app/test_long_answers.py",
    "app/test_printing.py",
    "app/test_privacy.py",
    "app/test_reception.py",
    "app/test_scopes.py",
    "app/test_settling.py",
    "app/test_suspects.py",
    "app/test_workspace.py",
    "app/test_writing.py",
    "bench",
    "cli",
    "docs",
    "identity/test_keys.py",
    "marts",
    "metrics/test_pivot.py",
    "metrics/test_properties.py",
    "metrics/test_top.py",
    "models/test_buying_models.py",
    "models/test_cancelling.py",
    "models/test_classifier.py",
    "models/test_common_season.py",
    "models/test_demand.py",
    "models/test_expected.py",
    "models/test_groups.py",
    "models/test_leads.py",
    "models/test_leaving.py",
    "models/test_offers.py",
    "models/test_past_days.py",
    "models/test_uplift.py",
    "sources/test_amocrm.py",
    "sources/test_amocrm_account.py",
    "sources/test_bitrix24.py",
    "sources/test_bitrix24_portal.py",
    "sources/test_calltouch.py",
    "sources/test_commerceml.py",
    "sources/test_consent.py",
    "sources/test_database.py",
    "sources/test_database_mariadb.py",
    "sources/test_database_mssql.py",
    "sources/test_demo_",
    "sources/test_files_into_warehouse.py",
    "sources/test_files_roundtrip.py",
    "sources/test_files_texts.py",
    "sources/test_ga4.py",
    "sources/test_killed_anywhere.py",
    "sources/test_mailbox.py",
    "sources/test_mango.py",
    "sources/test_sftp.py",
    "sources/test_tds_server.py",
    "sources/test_uis.py",
    "sources/test_vk_ads.py",
    "sources/test_watched_files.py",
    "sources/test_writing_back.py",
    "sources/test_yandex_",
    "state",
    "warehouse/test_channels.py",
    "warehouse/test_deal_history.py",
    "warehouse/test_deletions.py",
    "warehouse/test_engines_agree.py",
    "warehouse/test_erasing.py",
    "warehouse/test_execution.py",
    "warehouse/test_identities.py",
    "warehouse/test_loading.py",
    "warehouse/test_lost_database.py",
    "warehouse/test_model.py",
    "warehouse/test_quarantine.py",
    "warehouse/test_refreshing.py",
    "warehouse/test_retaining.py",
    "warehouse/test_row_numbers.py",
    "warehouse/test_safety.py",
    "warehouse/test_stage_history.py",
    "web/test_builder.py",
    "web/test_card_pages.py",
    "web/test_every_page.py",
    "web/test_journeys.py",
    "web/test_pages.py",
    "web/test_panel.py",
    "web/test_privacy_pages.py",
    "web/test_segment_pages.py",
    "web/test_writing_pages.py",
)
"""Tests of many loads, real processes, random companies, models that learn: `make test` runs them, `make check` does not."""


SHARING = (
    "api/",
    "app/test_asked",
    "app/test_cards",
    "app/test_demo_",
    "app/test_long_answers",
    "app/test_privacy",
    "app/test_reconciling",
    "app/test_workspace",
    "app/test_writing",
    "bench/",
    "cli/",
    "models/test_buying_models",
    "models/test_leaving",
    "models/test_offers",
    "sources/test_database",
    "sources/test_demo_",
    "state/",
    "warehouse/test_erasing",
    "warehouse/test_refreshing",
    "web/",
)
"""Whose tests share a company: it is loaded or served once, because one worker runs them all."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is slow as a whole is not even read where slow tests are left out: that alone takes seconds."""
    is_within = collection_path.is_relative_to(HERE) and "not slow" in config.option.markexpr
    return True if is_within and collection_path.relative_to(HERE).as_posix().startswith(SLOW) else None


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spark tests share one session, those of some folders one served company."""
    for item in items:
        place = item.path.relative_to(HERE).as_posix()
        if place.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.xdist_group("spark"))
        else:
            group = next((start for start in SHARING if place.startswith(start)), None)
            if group is not None:
                item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tests without a browser run as if no browser had left its event loop in the thread of this worker."""
    left = None if item.get_closest_marker("browser") else asyncio._get_running_loop()  # pyright: ignore[reportPrivateUsage]
    if left is not None:
        asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        if left is not None:
            asyncio._set_running_loop(left)
