"""How does a chart become a picture without a browser? The page's JSON through the same ECharts, in this process.

ECharts runs in one long-lived worker (V8 inside this process); charts are drawn one at a time. Without a canvas it
cannot measure text, so the worker tells it how wide letters of our font are, by kind of letter.
"""

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any

from py_mini_racer import MiniRacer

from rakurs.app.formats import Format
from rakurs.app.printing.assets import ECHARTS, FONT_FAMILY, light_colours, plain_scripts

WIDTH = 760
"""Pixels of a chart across a page: wide enough for every column beside the bars of a funnel."""

_MEASURE = """
const widthOf = (letter) =>
  /[\\s.,:;!|'()\\[\\]iIjl]/.test(letter) ? 0.3
  : /[mMwW@%ЖМШЩЫЮжмшщыюфД]/.test(letter) ? 0.86
  : /[A-ZА-ЯЁ0-9₽$€+−–—]/.test(letter) ? 0.66
  : 0.57;
echarts.setPlatformAPI({
  measureText(text, font) {
    const size = Number(/(\\d+(?:\\.\\d+)?)px/.exec(font || "")?.[1] ?? 12);
    return { width: [...String(text)].reduce((sum, letter) => sum + widthOf(letter), 0) * size };
  },
});
"""
_DRAW = """
function drawn({ chart, place, colours, width, font }) {
  const option = resolved(chart.option, { colour: (name) => colours[name] ?? "#888", chart, place, tip: undefined });
  const whole = option.baseOption ?? option;
  Object.assign(whole, { animation: false, textStyle: { ...whole.textStyle, fontFamily: font }, tooltip: { show: false } });
  const canvas = echarts.init(null, null, { renderer: "svg", ssr: true, width, height: chart.height });
  try {
    canvas.setOption(option);
    return canvas.renderToSVGString();
  } finally {
    canvas.dispose();
  }
}
"""


class Painter:
    """Draws charts of answers as SVG. Thread-safe; close it, or its threads outlive the work."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: MiniRacer | None = None

    def svg(self, chart: Mapping[str, Any], form: Format, *, width: int = WIDTH) -> str:
        """The chart (as `app.charts.chart_json` makes it) as one SVG document in the light theme's colours."""
        asked = {
            "chart": chart,
            "place": {"language": form.language, "currency": form.currency},
            "colours": light_colours(),
            "width": width,
            "font": FONT_FAMILY,
        }
        with self._lock:
            return str(self._ready().eval(f"drawn({json.dumps(asked, ensure_ascii=False, default=str)})"))

    def close(self) -> None:
        """Let the worker go; the next chart starts another."""
        with self._lock:
            if self._worker is not None:
                self._worker.close()
                self._worker = None

    def _ready(self) -> MiniRacer:
        if self._worker is None:
            worker = MiniRacer()
            # ECharts asks for timers it does not use when it draws without animation.
            worker.eval(
                "globalThis.window = undefined; globalThis.setTimeout ??= () => 0; globalThis.clearTimeout ??= () => {};"
            )
            worker.eval(ECHARTS.read_text(encoding="utf-8"))
            worker.eval(f"{plain_scripts()}\n{_MEASURE}\n{_DRAW}")
            self._worker = worker
        return self._worker


PAINTER = Painter()
"""The one painter of this process: starting a worker costs half a second, a chart a few milliseconds."""
