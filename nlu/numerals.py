"""Numbers as shoppers write them: 42, 42.5, ４２, 四十二, 一百二, 两万五, 1.5万, 半."""

from __future__ import annotations

DIGITS = {
    **{digit: value for value, digit in enumerate("零一二三四五六七八九")},
    **{"〇": 0, "两": 2, "俩": 2, "仨": 3, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5},
    **{"陆": 6, "柒": 7, "捌": 8, "玖": 9},
}
UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000}

# A number in a regular expression: Arabic with a fraction and perhaps 千 or 万, or Chinese.
CHINESE = f"[{''.join(DIGITS)}{''.join(UNITS)}点]+"
NUMBER = rf"(?:\d+(?:\.\d+)?[千万]?|{CHINESE})"


def number(text: str) -> float | None:
    """The value of a number, or None when it is not one.

    A last digit after a unit is of the next lower unit, as in speech: 一百二 is 120, 两万五 25,000.
    """
    text = text.strip()
    if text and text[-1] in "千万" and _is_arabic(text[:-1]):
        return float(text[:-1]) * UNITS[text[-1]]
    if _is_arabic(text):
        return float(text)
    whole, point, fraction = text.partition("点")
    value = _chinese(whole)
    if value is None or not point:
        return value
    if not fraction or any(character not in DIGITS for character in fraction):
        return None
    return float(f"{value:.0f}." + "".join(str(DIGITS[character]) for character in fraction))


def _is_arabic(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and text.isascii()


def _chinese(text: str) -> float | None:
    if not text or any(character not in DIGITS and character not in UNITS for character in text):
        return None
    if all(character in DIGITS for character in text):  # read out digit by digit: 一二三四
        return float("".join(str(DIGITS[character]) for character in text))
    total, section, digit, unit, after_zero = 0, 0, 0, 1, False
    for character in text:
        if character in DIGITS:
            digit = DIGITS[character]
            after_zero = after_zero or digit == 0
            continue
        unit = UNITS[character]
        after_zero = False
        if unit == UNITS["万"]:
            total, section = total + (section + digit or 1) * unit, 0
        else:
            section += (digit or 1) * unit
        digit = 0
    if digit and unit > UNITS["十"] and not after_zero:
        digit *= unit // 10
    return float(total + section + digit)
