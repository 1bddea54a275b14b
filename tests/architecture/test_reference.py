"""Are the reference pages in docs/reference what the declarations say today?"""

from pathlib import Path

import pytest

from rakurs.app.reference import reference_pages

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(reference_pages()))
def test_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == reference_pages()[name], "run `make docs`"
