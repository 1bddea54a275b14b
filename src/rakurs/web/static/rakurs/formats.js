// How is a number shown on a chart? By the same rules as app/formats.py; a test holds the two together.

const NBSP = "\u00a0";
const MINUS = "\u2212";
const ABSENT = "\u2014";
const SYMBOLS = { RUB: "₽", USD: "$", EUR: "€", KZT: "₸", GBP: "£", UAH: "₴", CNY: "CN¥" };
const SCALES = [
  [1e12, "трлн", "T"],
  [1e9, "млрд", "B"],
  [1e6, "млн", "M"],
  [1e3, "тыс.", "K"],
];
const MONTHS_EN = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTHS_RU = ["Янв", "Фев", "Март", "Апр", "Май", "Июнь", "Июль", "Авг", "Сен", "Окт", "Ноя", "Дек"];

function grouped(value, language, decimals, isTrimmed = false) {
  const digits = new Intl.NumberFormat(language, {
    minimumFractionDigits: isTrimmed ? 0 : decimals,
    maximumFractionDigits: decimals,
  }).format(Math.abs(value));
  return value < 0 && /[1-9]/.test(digits) ? MINUS + digits : digits;
}

function short(value, language) {
  for (const [scale, ru, en] of SCALES) {
    if (Math.abs(value) >= scale * 0.99995) {
      const digits = grouped(value / scale, language, 1, true);
      return language === "ru" ? digits + NBSP + ru : digits + en;
    }
  }
  return grouped(value, language, 1, true);
}

function withCurrency(number, { language, currency }) {
  const symbol = SYMBOLS[currency] ?? currency;
  if (language === "ru") return number + NBSP + symbol;
  const sign = number.startsWith(MINUS) ? MINUS : "";
  return sign + symbol + (symbol.length > 2 ? NBSP : "") + number.slice(sign.length);
}

function money(value, place, decimals) {
  return withCurrency(grouped(value, place.language, decimals ?? (Number.isInteger(value) ? 0 : 2)), place);
}

function share(value, { language }) {
  return grouped(value * 100, language, 1) + (language === "ru" ? NBSP : "") + "%";
}

function points(value, { language }) {
  return grouped(value * 100, language, 1) + NBSP + (language === "ru" ? "п.п." : "pp");
}

function days(value, { language }) {
  const digits = Math.abs(value) >= 100 ? 0 : 1;
  return grouped(value, language, digits, true) + NBSP + (language === "ru" ? "дн." : "d");
}

function hours(value, place) {
  const ru = place.language === "ru";
  const size = Math.abs(value);
  if (size > 0 && size < 1) return grouped(value * 60, place.language, 0) + NBSP + (ru ? "мин" : "min");
  if (size < 48) return grouped(value, place.language, 1, true) + NBSP + (ru ? "ч" : "h");
  return days(value / 24, place);
}

function seconds(value, place) {
  if (Math.abs(value) >= 3600) return hours(value / 3600, place);
  const ru = place.language === "ru";
  const minutes = Math.floor(value / 60);
  const rest = Math.floor(value % 60) + NBSP + (ru ? "с" : "s");
  return minutes ? minutes + NBSP + (ru ? "мин" : "min") + NBSP + rest : rest;
}

function day(value, { language }) {
  const [year, month, date] = value.slice(0, 10).split("-");
  return language === "ru" ? `${date}.${month}.${year}` : `${Number(date)} ${MONTHS_EN[month - 1]} ${year}`;
}

const number = (decimals) => (value, { language }) => grouped(value, language, decimals, true);
const text = (value) => String(value);

const SHOWN = {
  id: text,
  text,
  count: number(0),
  position: number(0),
  rank: number(0),
  epoch: number(0),
  quantity: number(3),
  number: number(2),
  money,
  price: (value, place) => money(value, place, 2),
  share,
  ratio: share,
  points,
  days,
  hours,
  seconds,
  day,
  time: text,
  flag: (value, { language }) => (value ? (language === "ru" ? "да" : "yes") : language === "ru" ? "нет" : "no"),
};

const BUCKETS = {
  day: (value, place) => day(value, place).replace(/\.\d{4}$| \d{4}$/, ""),
  week: (value, place) => day(value, place).replace(/\.\d{4}$| \d{4}$/, ""),
  month: (value, { language }) => {
    const [year, month] = value.split("-");
    return `${(language === "ru" ? MONTHS_RU : MONTHS_EN)[month - 1]} ${year}`;
  },
  quarter: (value, { language }) => {
    const [year, month] = value.split("-");
    const quarter = Math.ceil(month / 3);
    return language === "ru" ? `${quarter} кв. ${year}` : `Q${quarter} ${year}`;
  },
  year: (value) => value.slice(0, 4),
};

/** The value in full: "1 234 567,50 ₽". */
export function shown(value, unit, place) {
  return value === null || value === undefined ? ABSENT : SHOWN[unit](value, place);
}

/** The value in short: "1,2 млн ₽". */
export function compact(value, unit, place) {
  if (value === null || value === undefined) return ABSENT;
  if (unit === "money" || unit === "price") return withCurrency(short(value, place.language), place);
  if (["count", "quantity", "number", "position", "rank"].includes(unit)) return short(value, place.language);
  return shown(value, unit, place);
}

/** The value on an axis: short, without the currency that the axis' name carries; whole per cents. */
export function onAxis(value, unit, place) {
  if (unit === "money" || unit === "price") return short(value, place.language);
  if (unit === "share" || unit === "ratio") {
    return grouped(value * 100, place.language, 1, true) + (place.language === "ru" ? NBSP : "") + "%";
  }
  return compact(value, unit, place);
}

/** The name of the bucket of time that starts on `value` (an ISO day). */
export function bucket(value, grain, place) {
  return BUCKETS[grain](value, place);
}
