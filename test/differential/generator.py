"""A seeded source of leaves and of expressions over them."""

import datetime
import random

from differential.expression import BOOL, DATE, FLOAT8, INT2, INT4, INT8, TEXT, TS, Expr, Type, decimal
from differential.oracle import arithmetic_type, common_type

COLUMNS = {
    "a2": INT2, "b2": INT2, "a4": INT4, "b4": INT4, "a8": INT8, "b8": INT8,
    "d5": decimal(5, 2), "d12": decimal(12, 4), "d18": decimal(18, 0), "d19": decimal(19, 6), "d38": decimal(38, 10),
    "day": DATE, "day2": DATE, "moment": TS, "moment2": TS, "s": TEXT, "s2": TEXT, "flag": BOOL,
}
INTEGERS = (INT2, INT4, INT8)
WORDS = ["", "a", "abc", "Abc", "ABCabc", "ab ba", "größe", "aXbXc", "12", "-7", " 42 ", "x1", "%_", "a\\b", "O'Hara", "lorem ipsum dolor", "ÄÖÜ"]
PARTS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
FIELDS = ("year", "quarter", "month", "week", "day", "dow", "doy", "hour", "minute", "second", "century")


def extremes(t: Type) -> tuple[int, int]:
    if t.is_integer:
        half = 1 << {"int2": 15, "int4": 31, "int8": 63}[t.kind]
        return -half, half - 1
    return -(10**t.digits) + 1, 10**t.digits - 1


class Generator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)

    # ---- leaves

    def rows(self, count: int) -> list[dict]:
        """The first rows hold NULL, the most and the least, zero and one; the others anything."""
        rows = [{name: None for name in COLUMNS}]
        for which in range(4):
            rows.append({name: self.corner(t, which) for name, t in COLUMNS.items()})
        while len(rows) < count:
            rows.append({name: self.value(t) for name, t in COLUMNS.items()})
        return rows

    def corner(self, t: Type, which: int):
        if t.is_integer or t.kind == "dec":
            low, high = extremes(t)
            return (high, low, 0, 1)[which]
        match t.kind:
            case "date":
                return (datetime.date(9999, 12, 31), datetime.date(1, 1, 1), datetime.date(2024, 2, 29), datetime.date(1970, 1, 1))[which]
            case "ts":
                return (datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), datetime.datetime(1, 1, 1),
                        datetime.datetime(2024, 2, 29, 12, 30, 15, 250000), datetime.datetime(1969, 12, 31, 23, 59, 59))[which]
            case "text":
                return ("zzzz", "", "a", "größe")[which]
        return which % 2 == 0

    def value(self, t: Type):
        r = self.random
        if r.random() < 0.08:
            return None
        if t.is_integer or t.kind == "dec":
            low, high = extremes(t)
            bound = r.choice([3, 12, 1000, 10**r.randint(1, 18), high])
            return max(low, min(high, r.randint(-bound, bound)))
        match t.kind:
            case "date":
                return datetime.date.fromordinal(r.randint(datetime.date(1890, 1, 1).toordinal(), datetime.date(2110, 1, 1).toordinal()))
            case "ts":
                day = self.value(DATE) or datetime.date(2020, 5, 31)
                micro = r.choice([0, 0, 500000, r.randint(0, 999999)])
                return datetime.datetime(day.year, day.month, day.day, r.randint(0, 23), r.randint(0, 59), r.randint(0, 59), micro)
            case "text":
                return r.choice(WORDS)
        return r.random() < 0.5

    def leaf(self, t: Type) -> Expr:
        columns = [name for name, one in COLUMNS.items() if one == t]
        if columns and self.random.random() < 0.7:
            return Expr("column", t, extra=self.random.choice(columns))
        return Expr("literal", t, extra=self.value(t))

    # ---- expressions

    def any(self, depth: int) -> Expr:
        return self.random.choice([self.integer, self.integer, self.decimal, self.decimal, self.text, self.text, self.date, self.moment, self.bool,
                                   self.double])(depth)

    def of(self, t: Type, depth: int) -> Expr:
        """Of the kind of `t`; its digits may be others."""
        match t.kind:
            case "dec":
                return self.decimal(depth)
            case "text":
                return self.text(depth)
            case "date":
                return self.date(depth)
            case "ts":
                return self.moment(depth)
            case "bool":
                return self.bool(depth)
        return self.integer(depth)

    def branches(self, make, depth: int) -> Expr:
        """CASE, COALESCE and their like over one kind."""
        r = self.random
        op = r.choice(["case", "case", "coalesce", "nvl", "nvl2", "nullif", "greatest", "least"])
        a, b, c = make(depth - 1), make(depth - 1), make(depth - 1)
        match op:
            case "case":
                return Expr(op, common_type([a.type, b.type]), (self.bool(depth - 1), a, b))
            case "nvl2":
                return Expr(op, common_type([a.type, b.type]), (self.any(depth - 2), a, b))
            case "nullif":
                return Expr(op, a.type, (a, b))
        args = (a, b, c)[: r.randint(2, 3)]
        return Expr(op, common_type([one.type for one in args]), args)

    def integer(self, depth: int) -> Expr:
        r = self.random
        if depth <= 0 or r.random() < 0.1:
            return self.leaf(r.choice(INTEGERS))
        choice = r.randrange(15)
        if choice <= 5:
            a, b = self.integer(depth - 1), self.integer(depth - 1)
            op = r.choice("+-*/%&|")
            return Expr(op, arithmetic_type("+", a.type, b.type), (a, b))
        match choice:
            case 6:
                a = self.integer(depth - 1)
                return Expr(r.choice(["neg", "abs"]), a.type, (a,))
            case 7:
                a, b = self.integer(depth - 1), self.integer(depth - 1)
                return Expr("mod", arithmetic_type("%", a.type, b.type), (a, b))
            case 8 | 9:
                a = r.choice([self.integer, self.decimal, self.text])(depth - 1)
                return Expr("cast", r.choice(INTEGERS), (a,))
            case 10:
                return Expr(r.choice(["len", "length"]), INT4, (self.text(depth - 1),))
            case 11:
                return Expr(r.choice(["position", "strpos", "charindex"]), INT4, (self.text(depth - 1), self.text(depth - 1)))
            case 12:
                return Expr("extract", INT4, (r.choice([self.date, self.moment])(depth - 1),), r.choice(FIELDS))
            case 13:
                make = r.choice([self.date, self.moment])
                return Expr("datediff", INT8, (make(depth - 1), make(depth - 1)), r.choice(PARTS))
        return self.branches(self.integer, depth)

    def decimal(self, depth: int) -> Expr:
        r = self.random
        if depth <= 0 or r.random() < 0.1:
            return self.leaf(r.choice([t for t in COLUMNS.values() if t.kind == "dec"]))
        choice = r.randrange(10)
        if choice <= 5:
            a, b = self.decimal(depth - 1), r.choice([self.decimal, self.integer])(depth - 1)
            if r.random() < 0.5:
                a, b = b, a
            op = r.choice("+-*/%")
            return Expr(op, known(arithmetic_type(op, a.type, b.type), a, b), (a, b))
        match choice:
            case 6:
                a = self.decimal(depth - 1)
                return Expr(r.choice(["neg", "abs"]), a.type, (a,))
            case 7 | 8:
                digits = r.randint(1, 38)
                return Expr("cast", decimal(digits, r.randint(0, min(digits, 37))), (r.choice([self.integer, self.decimal])(depth - 1),))
        return self.branches(self.decimal, depth)

    def text(self, depth: int) -> Expr:
        r = self.random
        if depth <= 0 or r.random() < 0.15:
            return self.leaf(TEXT)
        match r.randrange(11):
            case 0:
                return Expr(r.choice(["||", "concat"]), TEXT, (self.text(depth - 1), self.text(depth - 1)))
            case 1:
                return Expr(r.choice(["upper", "lower", "reverse", "ltrim", "rtrim", "btrim", "trim"]), TEXT, (self.text(depth - 1),))
            case 2:
                return Expr(r.choice(["left", "right"]), TEXT, (self.text(depth - 1), self.small(depth - 1)))
            case 3 | 4:
                more = (self.small(depth - 1),) if r.random() < 0.7 else ()
                return Expr("substring", TEXT, (self.text(depth - 1), self.small(depth - 1), *more))
            case 5:
                return Expr("replace", TEXT, (self.text(depth - 1), self.text(0), self.text(0)))
            case 6:
                return Expr("trim " + r.choice(["both", "leading", "trailing"]), TEXT, (self.text(depth - 1),), r.choice(["a", "abc", " ", "zA"]))
            case 7:
                return Expr("cast", TEXT, (self.integer(depth - 1),))
            case 8:
                return Expr("cast", TEXT, (self.decimal(depth - 1),))
            case 9:
                return Expr("cast", TEXT, (r.choice([self.date, self.moment])(depth - 1),))
        return self.branches(self.text, depth)

    def small(self, depth: int) -> Expr:
        """A place in a text or a count of months."""
        if self.random.random() < 0.8 or depth <= 0:
            return Expr("literal", INT4, extra=self.random.choice([-3, -1, 0, 1, 2, 3, 5, 12, 40]))
        return Expr("len", INT4, (self.text(depth - 1),))

    def date(self, depth: int) -> Expr:
        r = self.random
        if depth <= 0 or r.random() < 0.3:
            return self.leaf(DATE)
        match r.randrange(5):
            case 0 | 1:
                return Expr(r.choice(["date+", "date-"]), DATE, (self.date(depth - 1), self.small(depth - 1)))
            case 2:
                return Expr("cast", DATE, (self.moment(depth - 1),))
            case 3:
                return Expr("last_day", DATE, (r.choice([self.date, self.moment])(depth - 1),))
        return self.branches(self.date, depth)

    def moment(self, depth: int) -> Expr:
        r = self.random
        if depth <= 0 or r.random() < 0.2:
            return self.leaf(TS)
        made = r.choice([self.date, self.moment])
        match r.randrange(7):
            case 0 | 1 | 2:
                count = self.small(depth - 1) if r.random() < 0.7 else Expr("literal", INT4, extra=r.randint(-5000, 5000))
                return Expr("dateadd", TS, (count, made(depth - 1)), r.choice(PARTS))
            case 3:
                return Expr("date_trunc", TS, (made(depth - 1),), r.choice(PARTS))
            case 4:
                return Expr("cast", TS, (self.date(depth - 1),))
            case 5:
                return Expr("add_months", TS, (made(depth - 1), self.small(depth - 1)))
        return self.branches(self.moment, depth)

    def double(self, depth: int) -> Expr:
        return Expr("date_part", FLOAT8, (self.random.choice([self.date, self.moment])(depth - 1),), self.random.choice(FIELDS[:-1]))

    def bool(self, depth: int) -> Expr:
        r = self.random
        if depth <= 0:
            return self.leaf(BOOL)
        make = r.choice([self.integer, self.decimal, self.text, self.date, self.moment])
        match r.randrange(8):
            case 0 | 1 | 2:
                return Expr(r.choice(["=", "<>", "<", "<=", ">", ">="]), BOOL, (make(depth - 1), make(depth - 1)))
            case 3:
                return Expr(r.choice(["and", "or"]), BOOL, tuple(self.bool(depth - 1) for _ in range(r.randint(2, 3))))
            case 4:
                return Expr("not", BOOL, (self.bool(depth - 1),))
            case 5:
                return Expr(r.choice(["is null", "is not null"]), BOOL, (make(depth - 1),))
            case 6:
                return Expr("between", BOOL, (make(depth - 1), make(depth - 1), make(depth - 1)))
        if r.random() < 0.5:
            return Expr("in", BOOL, tuple(make(depth - 1) for _ in range(r.randint(2, 4))))
        return Expr("like", BOOL, (self.text(depth - 1),), r.choice(["a%", "%b%", "_", "a_c", "%", "", "%\\%%", "gr_ße", "%c"]))

    def aggregate(self) -> tuple[str, bool, Expr]:
        name = self.random.choice(["sum", "sum", "avg", "avg", "count", "min", "max"])
        make = self.random.choice([self.integer, self.decimal])
        if name in {"count", "min", "max"}:
            make = self.random.choice([self.integer, self.decimal, self.text, self.date, self.moment])
        return name, self.random.random() < 0.2, make(self.random.randint(0, 2))


def known(t: Type, *operands: Expr) -> Type:
    return t if all(one.type.exact for one in operands) else Type(t.kind, t.digits, t.scale, exact=False)
