// How does the JSON of a chart become an ECharts option? Colours ("$c0") are asked of the theme, formats
// ("@axis:money") are functions. Knows no document: the browser and the printer draw with the same lines.

import { bucket, compact, onAxis, shown } from "./formats.js";

const valueOf = (params) => (Array.isArray(params.value) ? params.value.at(-1) : params.value);

const FORMATS = {
  tip: (_argument, { tip }) => tip,
  axis: (unit, { place }) => (value) => onAxis(value, unit, place),
  label: (unit, { place }) => (params) => compact(valueOf(params), unit, place),
  cell: (unit, { place }) => (params) => onAxis(valueOf(params), unit, place),
  level: (unit, { place }) => (params) => compact(params.data.shown, unit, place),
  step: (unit, { place }) => (params) => `${params.data.shown > 0 ? "+" : ""}${compact(params.data.shown, unit, place)}`,
  bucket: (grain, { place }) => (value) => bucket(value, grain, place),
  name: (_argument, { chart }) => (value, index) => (chart.side[index].length ? value : `{group|${value}}`),
  side: (count, { chart, place }) => (_value, index) =>
    chart.side[index]
      .slice(0, Number(count))
      .map(([value, unit], column) => `{c${column}|${Math.abs(value) < 1e6 ? shown(value, unit, place) : compact(value, unit, place)}}`)
      .join(""),
};

/** The option `part` stands for; `eyes` are who looks: the theme's `colour(name)`, the `chart`, the `place`, the `tip`. */
export function resolved(part, eyes) {
  if (Array.isArray(part)) return part.map((item) => resolved(item, eyes));
  if (part && typeof part === "object") {
    return Object.fromEntries(
      Object.entries(part).map(([key, item]) => [
        key,
        // What a mark says of itself and the names on an axis are people's words, never tokens.
        key === "tip" || key === "cell" || (key === "data" && typeof item[0] === "string") ? item : resolved(item, eyes),
      ]),
    );
  }
  if (typeof part !== "string") return part;
  if (/^\$[a-z][a-z0-9-]*$/.test(part)) return eyes.colour(part.slice(1));
  const format = /^@([a-z]+)(?::(\w+))?$/.exec(part);
  return format && FORMATS[format[1]] ? FORMATS[format[1]](format[2], eyes) : part;
}
