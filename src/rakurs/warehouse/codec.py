"""How is a mapping kept beside the raw rows, so that they can be replayed years later?"""

import json
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from rakurs.core.source import FileMapping, Scan, TableMapping, Value


def mapping_json(mapping: FileMapping) -> str:
    """`mapping` as JSON, the same text for equal mappings."""
    return json.dumps(asdict(mapping), ensure_ascii=False, sort_keys=True, default=str)


def mapping_of(text: str) -> FileMapping:
    """The mapping that `mapping_json` wrote."""
    fields: dict[str, Any] = json.loads(text)
    fields["tables"] = tuple(_table_mapping(table) for table in fields["tables"])
    fields["ignored"] = tuple(fields["ignored"])
    return FileMapping(**fields)


def scan_json(scan: Scan) -> str:
    """How a raw batch is laid out; where it was read from is not part of it."""
    kept = asdict(replace(scan, path=None, batches=None))
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


def scan_of(text: str) -> Scan:
    """The layout that `scan_json` wrote."""
    fields: dict[str, Any] = json.loads(text)
    fields["columns"] = tuple(fields["columns"])
    fields["header_values"] = tuple(fields["header_values"])
    return Scan(**fields)


def fingerprint(*texts: str) -> str:
    """A short name for what `texts` hold together."""
    return sha256("\0".join(texts).encode()).hexdigest()[:32]


def _table_mapping(fields: dict[str, Any]) -> TableMapping:
    fields["values"] = {name: _value(value) for name, value in fields["values"].items()}
    fields["only_where"] = {column: tuple(words) for column, words in fields["only_where"].items()}
    fields["rows"] = tuple(fields["rows"])
    return TableMapping(**fields)


def _value(fields: dict[str, Any]) -> Value:
    fields["columns"] = tuple(fields["columns"])
    return Value(**fields)
