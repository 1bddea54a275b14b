"""Is every row that was answered for there once, however the stream is measured?"""

from pathlib import Path

from bench.stream import stream

from rakurs.app.home import Home


def test_a_stream_over_a_kill_is_measured_and_whole(tmp_path: Path) -> None:
    found = stream(Home(tmp_path / "home"), seconds=4, rate=200, kills=1)
    assert found["rows answered for"] == found["rows there"] > 0
    assert found["revenue answered for"] == found["revenue there"]
    assert found["questions meanwhile"] > 0
