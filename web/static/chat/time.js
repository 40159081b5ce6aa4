// Times of messages, as people say them.

const LOCALES = { zh: "zh-CN", en: "en-GB", ja: "ja-JP", ko: "ko-KR" };

/** Hours and minutes in the visitor's own time zone. */
export function clock(at, language) {
  return new Intl.DateTimeFormat(LOCALES[language] || LOCALES.zh, {
    hour: "2-digit", minute: "2-digit", hour12: false,
  }).format(at);
}

/** Minutes and seconds of a recording. */
export function duration(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Today, yesterday or the date. */
export function dayName(at, t, language, now = new Date()) {
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(LOCALES[language] || LOCALES.zh, {
    year, month: "long", day: "numeric",
  }).format(at);
}

/** A key that is the same for all times of one day. */
export function dayKey(at) {
  return String(midnight(at));
}

/** The moment a message says, or now where it says nothing readable. */
export function moment(text) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? new Date() : at;
}

function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
