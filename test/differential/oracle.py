"""What Redshift answers, by rules written down by hand. Nothing here was taken from the product; it is the third opinion.

A DECIMAL's value is its unscaled integer; its type says the scale. Sources: developer guide, "Computations with numeric values", "Numeric types",
"Date parts for date or timestamp functions", the pages of the functions; sql.md sections 3 and 4 of the compatibility reference. Where the guide is
silent the project's own decision is marked (decided).
"""

import calendar
import dataclasses
import datetime
import re

from differential.expression import BOOL, DATE, FLOAT8, INT4, INT8, TEXT, TS, WIDTHS, Expr, Type, decimal, shown_decimal

OVERFLOW, ZERO, BAD_TEXT, BAD_ARGUMENT = "22003", "22012", "22P02", "22000"
MOST = 38


class Refused(Exception):
    """The expression is an error, with any of these SQLSTATEs."""

    def __init__(self, *states: str):
        self.states = frozenset(states)


class Open(Exception):
    """The rules do not say: an error beside NULL or in a branch not taken, a date outside of what is named."""


# ---- types of results


def as_decimal(t: Type) -> Type:
    return t if t.kind == "dec" else decimal({"int2": 5, "int4": 10, "int8": 19}[t.kind], 0)


def wider(a: Type, b: Type) -> Type:
    return a if WIDTHS[a.kind] >= WIDTHS[b.kind] else b


def arithmetic_type(op: str, a: Type, b: Type) -> Type:
    if a.is_integer and b.is_integer:
        return wider(a, b)
    a, b = as_decimal(a), as_decimal(b)
    whole = max(a.digits - a.scale, b.digits - b.scale)
    match op:
        case "+" | "-":
            scale = max(a.scale, b.scale)
            return decimal(min(whole + 1 + scale, MOST), scale)
        case "*":
            return decimal(min(a.digits + b.digits + 1, MOST), min(a.scale + b.scale, 37))
        case "/":
            scale = max(4, a.scale + b.digits - b.scale + 1)
            digits = a.digits - a.scale + b.scale + scale
            if digits > MOST:
                return decimal(MOST, max(MOST + scale - digits, 4))
            return decimal(digits, scale)
        case "%":  # (decided) as the set operators' rule, without their cap
            scale = max(a.scale, b.scale)
            return decimal(min(whole + scale, MOST), scale)
    raise AssertionError(op)


def common_type(types: list[Type]) -> Type:
    """Of CASE, COALESCE and their like. Of DECIMALs the number of digits is left open; more than 38 of them no rule names."""
    first = types[0]
    for other in types[1:]:
        if first.kind == other.kind != "dec":
            continue
        if first.is_integer and other.is_integer:
            first = wider(first, other)
            continue
        a, b = as_decimal(first), as_decimal(other)
        scale = max(a.scale, b.scale)
        first = decimal(max(a.digits - a.scale, b.digits - b.scale) + scale, scale)
    if first.kind == "dec":
        return dataclasses.replace(first, exact=False)
    return first


# ---- values


def check(value: int, t: Type) -> int:
    if t.is_integer:
        half = 1 << WIDTHS[t.kind] - 1
        if not -half <= value < half:
            raise Refused(OVERFLOW)
    elif abs(value) >= 10**t.digits:
        raise Refused(OVERFLOW)
    return value


def cut(a: int, b: int) -> int:
    """a / b towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def half_away(a: int, b: int) -> int:
    quotient, rest = divmod(abs(a), b)
    quotient += 2 * rest >= b
    return quotient if a >= 0 else -quotient


def rescale(value: int, before: int, after: int) -> int:
    """To another number of places, half away from zero."""
    return value * 10 ** (after - before) if after >= before else half_away(value, 10 ** (before - after))


def arithmetic(op: str, a: int, b: int, at: Type, bt: Type, result: Type) -> int:
    if result.is_integer:
        if op in "/%" and b == 0:
            raise Refused(ZERO)
        return check({"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: cut(a, b), "%": lambda: a - b * cut(a, b)}[op](), result)
    at, bt = as_decimal(at), as_decimal(bt)
    if op == "*":
        return check(cut(a * b, 10 ** (at.scale + bt.scale - result.scale)), Type("dec", MOST))
    if op == "/":
        if b == 0:
            raise Refused(ZERO)
        return check(cut(a * 10 ** (result.scale + bt.scale - at.scale), b), Type("dec", MOST))  # (decided) cut off
    a, b = a * 10 ** (result.scale - at.scale), b * 10 ** (result.scale - bt.scale)
    if op == "%":
        if b == 0:
            raise Refused(ZERO)
        return check(a - b * cut(a, b), Type("dec", MOST))
    return check(a + b if op == "+" else a - b, Type("dec", MOST))


def converted(value, before: Type, after: Type):
    """An implicit or explicit cast."""
    if value is None or before == after:
        return value
    match before.kind, after.kind:
        case ("int2" | "int4" | "int8"), ("int2" | "int4" | "int8"):
            return check(value, after)
        case ("int2" | "int4" | "int8"), "dec":
            return check(value * 10**after.scale, after)
        case "dec", "dec":
            return check(rescale(value, before.scale, after.scale), after)
        case "dec", ("int2" | "int4" | "int8"):
            return check(rescale(value, before.scale, 0), after)
        case "text", ("int2" | "int4" | "int8"):
            if not re.fullmatch(r" *[+-]?\d+ *", value):
                raise Refused(BAD_TEXT)
            return check(int(value), after)
        case _, "text":
            return shown(value, before)
        case "date", "ts":
            return datetime.datetime.combine(value, datetime.time())
        case "ts", "date":
            return value.date()
    raise AssertionError((before, after))


COMPARING = {"=", "<>", "<", "<=", ">", ">=", "in", "between", "nullif"}


def meet(types: list[Type]) -> bool:
    """Whether a DECIMAL holds the values of all."""
    if all(t.kind != "dec" for t in types):
        return True
    types = [as_decimal(t) for t in types]
    return max(t.digits - t.scale for t in types) + max(t.scale for t in types) <= MOST


def compare(a, at: Type, b, bt: Type) -> int:
    if at.kind == "dec" or bt.kind == "dec":
        at, bt = as_decimal(at), as_decimal(bt)
        scale = max(at.scale, bt.scale)
        a, b = a * 10 ** (scale - at.scale), b * 10 ** (scale - bt.scale)
    elif "ts" in (at.kind, bt.kind):
        a, b = converted(a, at, TS), converted(b, bt, TS)
    elif at.kind == "text":
        if a.endswith(" ") or b.endswith(" "):
            raise Open  # whether blanks at the end count is a setting
        a, b = a.encode(), b.encode()
    return (a > b) - (a < b)


def shown(value, t: Type) -> str | None:
    """As it is sent in text."""
    if value is None:
        return None
    match t.kind:
        case "dec":
            return shown_decimal(value, t.scale)
        case "bool":
            return "t" if value else "f"
        case "date":
            return value.isoformat()
        case "ts":
            text = value.isoformat(" ")
            return text.rstrip("0") if "." in text else text
        case "float8":
            return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


# ---- dates


def month_days(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def plus_months(moment: datetime.datetime, months: int) -> datetime.datetime:
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise Open
    return moment.replace(year=year, month=month + 1, day=min(moment.day, month_days(year, month + 1)))


def date_add(part: str, count: int, moment: datetime.datetime) -> datetime.datetime:
    if abs(count) > 2_000_000_000:
        raise Open
    try:
        match part:
            case "year":  # 29 February becomes 1 March where there is none
                if not 1 <= moment.year + count <= 9999:
                    raise Open
                if (moment.month, moment.day) == (2, 29) and not calendar.isleap(moment.year + count):
                    return moment.replace(year=moment.year + count, month=3, day=1)
                return moment.replace(year=moment.year + count)
            case "quarter":
                return plus_months(moment, 3 * count)
            case "month":
                return plus_months(moment, count)
            case "week":
                return moment + datetime.timedelta(days=7 * count)
        return moment + datetime.timedelta(**{part + "s": count})
    except OverflowError as error:
        raise Open from error


EPOCH = datetime.datetime(1970, 1, 1)


def boundary(part: str, moment: datetime.datetime) -> int:
    """How many boundaries of the part lie before a moment, counted from somewhere. Weeks begin on Sunday."""
    match part:
        case "year":
            return moment.year
        case "quarter":
            return moment.year * 4 + (moment.month - 1) // 3
        case "month":
            return moment.year * 12 + moment.month
        case "week":
            return moment.toordinal() // 7  # ordinal 7 was a Sunday
        case "day":
            return moment.toordinal()
    seconds = (moment - EPOCH) // datetime.timedelta(seconds=1)
    return seconds // {"hour": 3600, "minute": 60, "second": 1}[part]


def truncated(part: str, moment: datetime.datetime) -> datetime.datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match part:
        case "year":
            return day.replace(month=1, day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "month":
            return day.replace(day=1)
        case "week":
            if day.toordinal() < 8:
                raise Open
            return day - datetime.timedelta(days=day.weekday())  # Monday
        case "day":
            return day
        case "hour":
            return moment.replace(minute=0, second=0, microsecond=0)
        case "minute":
            return moment.replace(second=0, microsecond=0)
    return moment.replace(microsecond=0)


def field(part: str, moment: datetime.datetime) -> int:
    match part:
        case "quarter":
            return (moment.month - 1) // 3 + 1
        case "week":
            return moment.isocalendar().week
        case "dow":
            return moment.isoweekday() % 7
        case "doy":
            return moment.timetuple().tm_yday
        case "century":
            return (moment.year - 1) // 100 + 1
    return getattr(moment, part)


# ---- text


def substring(text: str, start: int, length: int | None) -> str:
    """From `start`, 1 the first; what lies before 1 counts towards the length."""
    if length is None:
        return text[max(start - 1, 0):]
    if length < 0:
        raise Refused(BAD_ARGUMENT)
    return text[max(start - 1, 0):max(start - 1 + length, 0)]


def upper(text: str) -> str:
    if "ß" in text:
        raise Open  # one character, two, or itself
    return text.upper()


def like(text: str, pattern: str) -> bool:
    made, i = "", 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\" and i + 1 < len(pattern):
            i += 1
            made += re.escape(pattern[i])
        else:
            made += {"%": ".*", "_": "."}.get(c, re.escape(c))
        i += 1
    return re.fullmatch(made, text, re.DOTALL) is not None


# ---- evaluation


def evaluate(e: Expr, row: dict):
    """The value of an expression for a row of leaves. Raises Refused and Open."""
    if e.type.digits > MOST or (e.op in COMPARING and not meet([one.type for one in e.args])):
        raise Open
    values, refused = [], set()
    for one in e.args:
        try:
            values.append(evaluate(one, row))
        except Refused as error:
            refused |= error.states
            values.append(Refused)
    if refused:
        # An engine need not look at a branch, nor at a function's arguments beside a NULL.
        lazy = e.op in {"case", "coalesce", "nvl", "nvl2", "and", "or", "in", "between", "decode", "nullif", "greatest", "least"}
        if lazy or None in values:
            raise Open
        raise Refused(*refused)
    return apply(e, values, row)


STRICT_TEXT = {
    "upper": upper, "lower": str.lower, "len": len, "length": len, "reverse": lambda s: s[::-1],
    "ltrim": lambda s: s.lstrip(" "), "rtrim": lambda s: s.rstrip(" "), "btrim": lambda s: s.strip(" "), "trim": lambda s: s.strip(" "),
}


def apply(e: Expr, v: list, row: dict):  # noqa: one rule a case
    t = [one.type for one in e.args]
    match e.op:
        case "column":
            return row[e.extra]
        case "literal":
            return e.extra
        case "case":
            for i in range(0, len(v) - 1, 2):
                if v[i]:
                    return converted(v[i + 1], t[i + 1], e.type)
            return converted(v[-1], t[-1], e.type)
        case "coalesce" | "nvl":
            return next((converted(x, xt, e.type) for x, xt in zip(v, t) if x is not None), None)
        case "nvl2":
            return converted(v[1], t[1], e.type) if v[0] is not None else converted(v[2], t[2], e.type)
        case "nullif":
            same = v[0] is not None and v[1] is not None and compare(v[0], t[0], v[1], t[1]) == 0
            return None if same else v[0]
        case "greatest" | "least":
            best = None
            for x, xt in zip(v, t):
                if x is None:
                    continue
                x = converted(x, xt, e.type)
                order = 0 if best is None else compare(x, e.type, best, e.type)
                if best is None or (order > 0) == (e.op == "greatest") and order != 0:
                    best = x
            return best
        case "is null":
            return v[0] is None
        case "is not null":
            return v[0] is not None
        case "and":
            return False if False in v else None if None in v else True
        case "or":
            return True if True in v else None if None in v else False
        case "in":
            if v[0] is None:
                return None
            found = [None if x is None else compare(v[0], t[0], x, xt) == 0 for x, xt in zip(v[1:], t[1:])]
            return True if True in found else None if None in found else False
        case "between":
            low = None if None in (v[0], v[1]) else compare(v[0], t[0], v[1], t[1]) >= 0
            high = None if None in (v[0], v[2]) else compare(v[0], t[0], v[2], t[2]) <= 0
            return False if False in (low, high) else None if None in (low, high) else True
    if None in v:
        return None  # everything else is strict
    match e.op:
        case "+" | "-" | "*" | "/" | "%":
            return arithmetic(e.op, v[0], v[1], t[0], t[1], e.type)
        case "mod":
            return arithmetic("%", v[0], v[1], t[0], t[1], e.type)
        case "neg":
            return check(-v[0], e.type)
        case "abs":
            return check(abs(v[0]), e.type)
        case "&":
            return v[0] & v[1]
        case "|":
            return v[0] | v[1]
        case "cast":
            return converted(v[0], t[0], e.type)
        case "not":
            return not v[0]
        case "=" | "<>" | "<" | "<=" | ">" | ">=":
            order = compare(v[0], t[0], v[1], t[1])
            return {"=": order == 0, "<>": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[e.op]
        case "like":
            return like(v[0], e.extra)
        case "||" | "concat":
            return v[0] + v[1]
        case "left" | "right":
            if v[1] < 0:
                raise Refused(BAD_ARGUMENT)
            return v[0][:v[1]] if e.op == "left" else v[0][max(len(v[0]) - v[1], 0):]
        case "substring":
            return substring(v[0], v[1], v[2] if len(v) > 2 else None)
        case "replace":
            if not v[1]:
                raise Open
            return v[0].replace(v[1], v[2])
        case "position" | "charindex":
            if not v[0]:
                raise Open
            return v[1].find(v[0]) + 1
        case "strpos":
            if not v[1]:
                raise Open
            return v[0].find(v[1]) + 1
        case "trim both":
            return v[0].strip(e.extra)
        case "trim leading":
            return v[0].lstrip(e.extra)
        case "trim trailing":
            return v[0].rstrip(e.extra)
        case "dateadd":
            return date_add(e.extra, v[0], converted(v[1], t[1], TS))
        case "datediff":
            return boundary(e.extra, converted(v[1], t[1], TS)) - boundary(e.extra, converted(v[0], t[0], TS))
        case "date_trunc":
            return truncated(e.extra, converted(v[0], t[0], TS))
        case "extract":
            return field(e.extra, converted(v[0], t[0], TS))
        case "date_part":
            moment = converted(v[0], t[0], TS)
            return field(e.extra, moment) + (moment.microsecond / 1e6 if e.extra == "second" else 0)
        case "add_months":  # the last day of a month stays the last
            moment = converted(v[0], t[0], TS)
            if abs(v[1]) > 200_000:
                raise Open
            made = plus_months(moment, v[1])
            if moment.day == month_days(moment.year, moment.month):
                made = made.replace(day=month_days(made.year, made.month))
            return made
        case "last_day":
            day = converted(v[0], t[0], DATE)
            return day.replace(day=month_days(day.year, day.month))
        case "date+" | "date-":
            try:
                return v[0] + datetime.timedelta(days=v[1] if e.op == "date+" else -v[1])
            except OverflowError as error:
                raise Open from error
        case "days":
            return v[0].toordinal() - v[1].toordinal()
    return STRICT_TEXT[e.op](v[0])


# ---- aggregates


def aggregate(name: str, distinct: bool, values: list, t: Type):
    """SUM, AVG, COUNT, MIN, MAX over values of one type; answers (value, type). AVG is cut off at the argument's places."""
    values = [x for x in values if x is not None]
    if distinct:
        values = list(dict.fromkeys(values))
    if name == "count":
        return len(values), INT8
    result = t if name in {"min", "max"} else decimal(MOST, t.scale) if t.kind == "dec" else INT8
    if not values:
        return None, result
    if name in {"min", "max"}:
        if t.kind == "text":
            if any(x.endswith(" ") for x in values):
                raise Open
            return {"min": min, "max": max}[name](values, key=str.encode), result
        return {"min": min, "max": max}[name](values), result
    total = sum(values)
    if name == "avg":
        if abs(total) >= 10**MOST:
            raise Open  # the mean fits, the sum on the way may not
        return check(cut(total, len(values)), result), result
    return check(total, result), result


__all__ = ["aggregate", "arithmetic_type", "common_type", "evaluate", "shown", "Open", "Refused", "BOOL", "FLOAT8", "INT4", "TEXT"]
