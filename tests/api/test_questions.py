"""Every analysis is asked, exported and drilled into over HTTP, and errors are problems a program can read."""

import io
import json
import zipfile

import pyarrow.parquet as pq
import pytest

from offices import Office
from rakurs.analyses import AREAS
from rakurs.core.analysis import Analysis

ANALYSES = [analysis for area in AREAS for analysis in area.analyses]
each_analysis = pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.name)


@pytest.fixture(scope="module")
def typed(office: Office) -> dict[tuple[str, str], dict]:
    """What the terminal says, by command and analysis."""
    commands = [(command, analysis.name) for command in ("run", "members") for analysis in ANALYSES]
    said = office.machine.run_all([(*command, "--format", "json") for command in commands])
    return {command: json.loads(printed) for command, printed in zip(commands, said, strict=True)}


@each_analysis
def test_get_post_and_the_terminal_give_the_same_answer(
    office: Office, typed: dict[tuple[str, str], dict], analysis: Analysis
) -> None:
    with office.as_("boss") as client:
        got = client.get(f"/api/v1/analyses/{analysis.name}/answer", params={"language": "en"}).json()
        asked = client.post(f"/api/v1/analyses/{analysis.name}/answer", json={}, params={"language": "en"}).json()
    shown = typed["run", analysis.name]
    for document in (got, asked, shown):
        document["passport"].pop("computed_at")
        document["passport"].pop("seconds")
    assert got == asked == shown
    assert [column["name"] for column in got["columns"]] == [column.name for column in analysis.columns]
    assert got["status"] in {"ok", "not_enough_data"}


@each_analysis
def test_openapi_types_every_parameter(office: Office, analysis: Analysis) -> None:
    with office.as_("boss") as client:
        paths = client.get("/api/v1/openapi.json").json()["paths"]
        described = client.get(f"/api/v1/analyses/{analysis.name}").json()
    operation = paths[f"/api/v1/analyses/{analysis.name}/answer"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert set(analysis.params.model_fields) | {"limit", "offset", "sort"} <= names
    body = paths[f"/api/v1/analyses/{analysis.name}/answer"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]["properties"]["params"]
    assert set(schema["properties"]) == set(analysis.params.model_fields)
    assert {parameter["name"] for parameter in described["params"]} == set(analysis.params.infos())


@each_analysis
def test_exports_open_as_what_they_are(office: Office, analysis: Analysis) -> None:
    path = f"/api/v1/analyses/{analysis.name}/export"
    columns = [column.name for column in analysis.columns]
    with office.as_("boss") as client:
        assert pq.read_table(io.BytesIO(client.get(path, params={"kind": "parquet"}).content)).column_names == columns
        assert client.get(path, params={"kind": "csv"}).text.splitlines()[0].replace('"', "").split(",") == columns
        workbook = client.get(path, params={"kind": "xlsx"})
        assert zipfile.ZipFile(io.BytesIO(workbook.content)).testzip() is None
        assert f'filename="{analysis.name}.xlsx"' in workbook.headers["content-disposition"]
        assert client.get(path, params={"kind": "json"}).json()["analysis"] == analysis.name


@each_analysis
def test_the_members_of_the_whole_answer_are_the_same_everywhere(
    office: Office, typed: dict[tuple[str, str], dict], analysis: Analysis
) -> None:
    path = f"/api/v1/analyses/{analysis.name}/members"
    with office.as_("boss") as client:
        got = client.get(path, params={"language": "en"}).json()
        asked = client.post(path, json={"cell": {}}, params={"language": "en"}).json()
    assert got == asked == typed["members", analysis.name]
    assert len(got["ids"]) == got["total_rows"]


def test_pages_of_an_answer_are_the_answer(office: Office) -> None:
    with office.as_("boss") as client:
        for analysis in ANALYSES:
            path = f"/api/v1/analyses/{analysis.name}/answer"
            whole = client.get(path).json()
            pages = [
                client.get(path, params={"limit": 1, "offset": place}).json() for place in range(whole["total_rows"])
            ]
            assert [row for page in pages for row in page["rows"]] == whole["rows"]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/api/v1/analyses/{name}x/answer", 404, "unknown-name"),
        ("/api/v1/analyses/{name}x", 404, "unknown-name"),
        ("/api/v1/analyses/{name}/answer?no_such=1", 404, "unknown-name"),
        ("/api/v1/analyses/{name}/answer?period=yesteryear", 422, "bad-parameter"),
        ("/api/v1/analyses/{name}/answer?from_day=2026-02-01&to_day=2026-01-01", 422, "bad-parameter"),
        ("/api/v1/analyses/{name}/answer?limit=many", 422, "bad-parameter"),
        ("/api/v1/analyses/{name}/answer?limit=0", 422, "bad-parameter"),
        ("/api/v1/analyses/{name}/answer?offset=-1", 422, "bad-parameter"),
        ("/api/v1/analyses/{name}/answer?sort=no_such", 404, "unknown-name"),
        ("/api/v1/analyses/{name}/members?cell=no_such=1", 404, "unknown-name"),
        ("/api/v1/analyses/{name}/members?cell=nonsense", 422, "bad-parameter"),
        ("/api/v1/analyses/{name}/export?kind=docx", 422, "bad-parameter"),
        ("/api/v1/pivot?metric=no_such", 404, "unknown-name"),
        ("/api/v1/pivot", 422, "bad-parameter"),
        ("/api/v1/tables/no_such/template", 404, "unknown-name"),
        ("/api/v1/dimensions/no_such/values", 404, "unknown-name"),
        ("/api/v1/loads/no-such-load", 404, "not-found"),
        ("/api/v1/quarantine?table=no_such", 404, "unknown-name"),
    ],
)
def test_a_wrong_question_is_a_problem_with_words(office: Office, path: str, status: int, kind: str) -> None:
    name = next(analysis.name for analysis in ANALYSES if analysis.params.HAS_PERIOD)
    with office.as_("boss") as client:
        answer = client.get(path.format(name=name), headers={"Accept-Language": "ru"})
        english = client.get(path.format(name=name), headers={"Accept-Language": "en"}).json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.text)
    assert problem["type"] == f"urn:rakurs:{kind}"
    assert problem["title"] != english["title"]
    assert "Traceback" not in answer.text


def test_a_body_that_is_not_json_is_a_problem(office: Office) -> None:
    name = ANALYSES[0].name
    with office.as_("boss") as client:
        answer = client.post(
            f"/api/v1/analyses/{name}/answer", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"] == "application/problem+json"
        extra = client.post(f"/api/v1/analyses/{name}/answer", json={"params": {"no_such": 1}})
        assert extra.status_code == 404


def test_the_catalogue_is_in_menu_order(office: Office) -> None:
    with office.as_("anna") as client:
        assert [line["name"] for line in client.get("/api/v1/analyses").json()] == [item.name for item in ANALYSES]
        assert client.get("/api/v1/tables/deals/template", params={"kind": "xlsx"}).content[:2] == b"PK"
        values = client.get("/api/v1/dimensions/manager/values").json()
        assert {value["value"] for value in values} <= {"m1", "m2"}
