"""What does a page show of the answer to a question of any kind? Tiles, chart, table or cross table, passport."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from rakurs.app.asked import AnalysisAsked, PivotAsked
from rakurs.app.charts import chart_json
from rakurs.app.formats import Format
from rakurs.app.passports import passport_page
from rakurs.web.access import scope_for, workspace
from rakurs.web.crosstabs import crosstab
from rakurs.web.links import PAGE_SIZE, query
from rakurs.web.stories import told
from rakurs.web.tables import table_of
from rakurs.web.views.home import shown_tile
from rakurs.web.views.pages import whole_number
from rakurs.web.views.report import days_of


def answered(
    request: HttpRequest,
    asked: AnalysisAsked | PivotAsked,
    form: Format,
    *,
    given: Mapping[str, Any],
    sort: str | None = None,
) -> dict[str, Any]:
    """The context of `_answer.html`. `given` are the parts of the address that lead here, the sort aside."""
    company, scope = workspace(), scope_for(request)
    analysis, params = company.question(asked, scope=scope)
    offset = whole_number(request.GET.get("offset"))
    answer = company.ask(asked, scope=scope, limit=PAGE_SIZE, offset=offset, sort=sort)
    highlights = asked.highlights if isinstance(asked, PivotAsked) else ()
    context: dict[str, Any] = {
        "analysis": analysis,
        "answer": answer,
        "missing": [item.message.to(form.language) for item in answer.missing],
        "story": told(answer.story, form, given=given),
        "chart": chart_json(analysis, answer, form) if answer.status == "ok" else None,
        "table": table_of(
            analysis,
            answer,
            form,
            given=given,
            sort=sort or asked.sort,
            offset=offset,
            limit=PAGE_SIZE,
            highlights=highlights,
        ),
        "members_url": f"members/{query(given)}",
        "passport": passport_page(answer.passport, analysis.params, form),
        "days": days_of(params, form),
    }
    if isinstance(asked, PivotAsked) and not asked.split:
        context["tiles"] = [shown_tile(tile, form) for tile in company.number_tiles(asked, scope=scope)]
    if isinstance(asked, PivotAsked) and asked.rows and asked.columns:
        sorted_so = asked.model_copy(update={"sort": sort or asked.sort})
        context["cross"] = crosstab(company, sorted_so, form, scope=scope, given=given, offset=offset, limit=PAGE_SIZE)
    return context
