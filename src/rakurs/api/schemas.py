"""How does OpenAPI know an analysis' parameters? From the same declaration the form and the terminal read."""

from typing import Any

from rakurs.core.analysis import Analysis

_PAGE = {
    "limit": {"type": "integer", "minimum": 1, "default": 1000},
    "offset": {"type": "integer", "minimum": 0, "default": 0},
    "sort": {"type": ["string", "null"], "description": "A column; -column sorts descending"},
}


def answer_parameters(analysis: Analysis) -> list[dict[str, Any]]:
    """One query parameter per parameter of the analysis, and the language of the words."""
    schema = _inlined(analysis)
    infos = analysis.params.infos()
    own = [
        {
            "in": "query",
            "name": name,
            "required": False,
            "schema": field,
            "description": infos[name].title.en if name in infos else name,
        }
        for name, field in schema["properties"].items()
    ]
    return [*own, {"in": "query", "name": "language", "schema": {"type": "string", "enum": ["ru", "en"]}}]


def cell_parameters(analysis: Analysis) -> list[dict[str, Any]]:
    """The repeated `cell=column=value` of members and exports."""
    columns = ", ".join(analysis.members.by)
    return [
        {
            "in": "query",
            "name": "cell",
            "schema": {"type": "array", "items": {"type": "string"}},
            "explode": True,
            "description": f"column=value of a cell; columns: {columns}. A column left out means all, an empty value those without one",
        }
    ]


def question_body(analysis: Analysis, *, with_cell: bool) -> dict[str, Any]:
    """The JSON body of the same question."""
    properties: dict[str, Any] = {"params": _inlined(analysis), **_PAGE}
    if with_cell:
        cell = {name: {"type": ["string", "number", "boolean", "null"]} for name in analysis.members.by}
        properties = {**properties, "cell": {"type": "object", "properties": cell, "additionalProperties": False}}
    return {"content": {"application/json": {"schema": {"type": "object", "properties": properties}}}}


def _inlined(analysis: Analysis) -> dict[str, Any]:
    """The parameters' JSON schema with its definitions put in place, so that it stands alone."""
    schema = analysis.params.model_json_schema()
    definitions = schema.pop("$defs", {})

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                rest = {name: item for name, item in value.items() if name != "$ref"}
                return {**put(definitions[value["$ref"].rpartition("/")[2]]), **rest}
            return {name: put(item) for name, item in value.items()}
        return [put(item) for item in value] if isinstance(value, list) else value

    inlined: dict[str, Any] = put(schema)
    return inlined
