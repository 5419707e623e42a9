"""Redshift expressions as trees: what the generator makes, the oracle evaluates and the reducer cuts down."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Type:
    """int2, int4, int8, dec (with digits and scale), float8, text, date, ts, bool. `exact` is off where the rules do not name the type."""

    kind: str
    digits: int = 0
    scale: int = 0
    exact: bool = True

    @property
    def is_integer(self) -> bool:
        return self.kind in WIDTHS

    @property
    def sql(self) -> str:
        if self.kind == "dec":
            return f"decimal({self.digits},{self.scale})"
        return {"int2": "smallint", "int4": "int", "int8": "bigint", "float8": "float8", "text": "varchar(200)", "date": "date",
                "ts": "timestamp", "bool": "boolean"}[self.kind]


WIDTHS = {"int2": 16, "int4": 32, "int8": 64}
INT2, INT4, INT8 = Type("int2"), Type("int4"), Type("int8")
TEXT, DATE, TS, BOOL, FLOAT8 = Type("text"), Type("date"), Type("ts"), Type("bool"), Type("float8")


def decimal(digits: int, scale: int) -> Type:
    return Type("dec", digits, scale)


@dataclasses.dataclass(frozen=True)
class Expr:
    """`op` names the oracle's rule; `extra` is what is not an expression: a literal's value, a column, a date part, a target type."""

    op: str
    type: Type
    args: tuple[Expr, ...] = ()
    extra: Any = None

    def nodes(self):
        yield self
        for one in self.args:
            yield from one.nodes()

    @property
    def size(self) -> int:
        return 1 + sum(one.size for one in self.args)

    def replaced(self, old: Expr, new: Expr) -> Expr:
        """With every occurrence of one node, by identity, as another."""
        if self is old:
            return new
        if not self.args:
            return self
        return dataclasses.replace(self, args=tuple(one.replaced(old, new) for one in self.args))

    @property
    def sql(self) -> str:
        return render(self)


INFIX = {"+", "-", "*", "/", "%", "||", "=", "<>", "<", "<=", ">", ">=", "&", "|"}


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def render(e: Expr) -> str:
    a = [render(one) for one in e.args]
    if e.op in INFIX:
        return f"({a[0]} {e.op} {a[1]})"
    match e.op:
        case "column":
            return e.extra
        case "literal":
            return literal(e.extra, e.type)
        case "neg":
            return f"(- {a[0]})"
        case "cast":
            return f"cast({a[0]} as {e.type.sql})"
        case "case":  # condition, value, ..., otherwise
            whens = " ".join(f"when {a[i]} then {a[i + 1]}" for i in range(0, len(a) - 1, 2))
            return f"case {whens} else {a[-1]} end"
        case "and" | "or":
            return "(" + f" {e.op} ".join(a) + ")"
        case "not":
            return f"(not {a[0]})"
        case "is null" | "is not null":
            return f"({a[0]} {e.op})"
        case "between":
            return f"({a[0]} between {a[1]} and {a[2]})"
        case "in":
            return f"({a[0]} in ({', '.join(a[1:])}))"
        case "like":
            return f"({a[0]} like {quoted(e.extra)})"
        case "extract":
            return f"extract({e.extra} from {a[0]})"
        case "date_part" | "date_trunc" | "datediff" | "dateadd":
            return f"{e.op}({e.extra!r}, {', '.join(a)})"
        case "position":
            return f"position({a[0]} in {a[1]})"
        case "date+" | "date-":
            return f"({a[0]} {e.op[-1]} {a[1]})"
        case "days":
            return f"({a[0]} - {a[1]})"
        case "trim both" | "trim leading" | "trim trailing":
            return f"trim({e.op[5:]} {quoted(e.extra)} from {a[0]})"
        case _:
            return f"{e.op}({', '.join(a)})"


def literal(value, kind: Type) -> str:
    if value is None:
        return f"cast(null as {kind.sql})"
    match kind.kind:
        case "int4":
            if value == -(1 << 31):
                return f"cast('{value}' as int)"  # its digits alone are a BIGINT
            return str(value) if value >= 0 else f"(- {-value})"
        case "int2" | "int8":
            return f"cast('{value}' as {kind.sql})"
        case "dec":
            return f"cast('{shown_decimal(value, kind.scale)}' as {kind.sql})"
        case "text":
            return quoted(value)
        case "date":
            return f"date '{value:%Y-%m-%d}'" if value.year >= 1000 else f"date '{value.isoformat()}'"
        case "ts":
            return f"timestamp '{value.isoformat(' ')}'"
        case "bool":
            return "true" if value else "false"
    raise AssertionError(kind)


def shown_decimal(unscaled: int, scale: int) -> str:
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    text = digits if scale == 0 else f"{digits[:-scale]}.{digits[-scale:]}"
    return "-" + text if unscaled < 0 else text
