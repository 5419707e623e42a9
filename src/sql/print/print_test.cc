// Trees made at random by the grammar: printed, read back, compared.
#include "sql/print/print.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "sql/ast/visit.h"
#include "sql/parse/script.h"

namespace skep::sql {
namespace {

// Writes SQL by the rules of the grammar. Parentheses stand around most operands, so that trees of
// every shape come out of reading it.
class Writer {
 public:
  explicit Writer(uint32_t seed) : random_(seed) {}

  std::string Statement() {
    depth_ = 0;
    switch (Below(8)) {
      case 0:
        return "insert into " + Name() + Maybe(" (" + Names() + ")") + " " + Query();
      case 1:
        return "update " + Table() + " set " + Name() + " = " + Expression() +
               Maybe(" from " + From()) + Maybe(" where " + Expression());
      case 2:
        return "delete from " + Table() + Maybe(" using " + From()) +
               Maybe(" where " + Expression());
      case 3:
        return "create table " + Name() + " (" + Column() + ", " + Column() + ")";
      case 4:
        return "create view " + Name() + " as " + Query();
      default:
        return Query();
    }
  }

 private:
  uint32_t Below(uint32_t limit) { return random_() % limit; }
  std::string Maybe(std::string text) { return Below(2) == 0 ? "" : std::move(text); }
  template <size_t N>
  std::string Pick(const std::string_view (&texts)[N]) {
    return std::string(texts[Below(N)]);
  }
  bool Deep() const { return depth_ > 5; }

  std::string Name() {
    static constexpr std::string_view kNames[] = {
        "a",          "b1",       "c_d",       "\"A\"",    "\"x y\"",   "\"select\"", "\"a\"\"b\"",
        "\"values\"", "\"user\"", "\"a.b\"",   "day",      "status",    "\"set\"",    "é",
        "\"top\"",    "\"left\"", "\"pivot\"", "\"at\"",   "\"prior\"", "\"1a\"",     "level",
        "\"row\"",    "\"null\"", "\"date\"",  "\"trim\"", "key",       "\"exclude\""};
    return Pick(kNames);
  }
  std::string Names() { return Name() + Maybe(", " + Name()); }
  std::string Qualified() { return Maybe(Name() + ".") + Name(); }
  std::string Alias() {
    return Below(2) == 0
               ? ""
               : (Below(2) == 0 ? " as " + Name() : " \"k" + std::to_string(Below(9)) + "\"");
  }
  std::string String() {
    static constexpr std::string_view kStrings[] = {
        "'x'", "''", "'it''s'", "'a\\\\b'", "'\\n'", "$$d'q$$", "'é--'", "'/* c */'", "E'e\\''"};
    return Pick(kStrings);
  }
  std::string Type() {
    static constexpr std::string_view kTypes[] = {"int",
                                                  "varchar(max)",
                                                  "decimal(10, 2)",
                                                  "double precision",
                                                  "super",
                                                  "float",
                                                  "text",
                                                  "timestamp with time zone",
                                                  "character varying(3)",
                                                  "time",
                                                  "\"T\"",
                                                  "varbyte(9)",
                                                  "interval day to second(3)",
                                                  "bpchar",
                                                  "timestamptz",
                                                  "int[]",
                                                  "char"};
    return Pick(kTypes);
  }

  std::string Primary() {
    static constexpr std::string_view kLiterals[] = {"1",
                                                     "2.5",
                                                     ".5",
                                                     "1e10",
                                                     "null",
                                                     "true",
                                                     "$1",
                                                     ":p",
                                                     "sysdate",
                                                     "current_date",
                                                     "date '2020-01-01'",
                                                     "interval '3' day",
                                                     "interval '1 month'",
                                                     "timestamp '2020-01-01 00:00:00'",
                                                     "numeric(3, 1) '1.5'"};
    if (Deep()) return Below(3) == 0 ? String() : Below(2) == 0 ? Qualified() : Pick(kLiterals);
    switch (Below(20)) {
      case 0:
        return String();
      case 1:
        return "(" + Query() + ")";
      case 2:
        return "case " + Maybe(Expression()) + " when " + Expression() + " then " + Expression() +
               Maybe(" else " + Expression()) + " end";
      case 3:
        return "cast(" + Expression() + " as " + Type() + ")";
      case 4:
        return "f(" + Maybe("distinct ") + Expression() + ", " + Expression() + ")";
      case 5:
        return "sum(" + Expression() + ") over (" + Maybe("partition by " + Expression()) +
               Maybe(" order by " + Expression() + " desc nulls last") + ")";
      case 6:
        return "exists (" + Query() + ")";
      case 7:
        return "extract(day from " + Expression() + ")";
      case 8:
        return "trim(" + Maybe("both ") + Expression() + " from " + Expression() + ")";
      case 9:
        return "substring(" + Expression() + " from " + Expression() + Maybe(" for 2") + ")";
      case 10:
        return "array[" + Maybe(Expression()) + "]";
      case 11:
        return "(" + Expression() + ", " + Expression() + ")";
      case 12:
        return "convert(" + Type() + ", " + Expression() + ")";
      case 13:
        return "count(*)";
      case 14:
        return "listagg(" + Expression() + ") within group (order by " + Expression() + ")";
      case 15:
        return "position(" + Operand() + " in " + Operand() + ")";
      case 16:
        return "row(" + Expression() + ")";
      default:
        return Below(2) == 0 ? Qualified() : Pick(kLiterals);
    }
  }
  std::string Operand() { return "(" + Expression() + ")"; }

  std::string Expression() {
    depth_++;
    std::string text = WriteExpression();
    depth_--;
    return text;
  }
  std::string WriteExpression() {
    static constexpr std::string_view kOperators[] = {"+",  "-",   "*",   "/",  "%",
                                                      "^",  "||",  "&",   "|",  "#",
                                                      "<<", ">>",  "=",   "<>", "<",
                                                      "<=", ">",   ">=",  "~",  "~*",
                                                      "!~", "!~*", "and", "or", "is distinct from"};
    static constexpr std::string_view kPrefixes[] = {"-", "+", "not ", "~", "@", "|/", "||/", "!!"};
    if (Deep()) return Primary();
    const auto operand = [&] { return Below(3) == 0 ? Primary() : Operand(); };
    switch (Below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return operand() + " " + Pick(kOperators) + " " + operand();
      case 4:
        return Pick(kPrefixes) + Operand();
      case 5:
        return operand() + Maybe(" not") + " like " + Operand() + Maybe(" escape '!'");
      case 6:
        return Operand() + Maybe(" not") + " between " + Operand() + " and " + Operand();
      case 7:
        return Operand() + Maybe(" not") + " in (" + Expression() + ", " + Expression() + ")";
      case 8:
        return Operand() + " in (" + Query() + ")";
      case 9:
        return Operand() + " is" + Maybe(" not") + " null";
      case 10:
        return Operand() + "::" + Type();
      case 11:
        return Operand() + " at time zone " + Operand();
      case 12:
        return Operand() + "[" + Expression() + "]" + Maybe("." + Name());
      case 13:
        return Operand() + " = any (" + Query() + ")";
      case 14:
        return Operand() + " collate case_insensitive";
      default:
        return Primary();
    }
  }

  std::string Table() { return Qualified() + Alias(); }
  std::string From() {
    if (depth_ > 3) return Table();
    depth_++;
    std::string text;
    switch (Below(8)) {
      case 0:
        text = "(" + Query() + ") as " + Name();
        break;
      case 1:
        text = Table() + " left join " + Table() + " on " + Expression();
        break;
      case 2:
        text = "(" + Table() + " join (" + Query() + ") q using (" + Name() + "))" + Alias();
        break;
      case 3:
        text = Table() + " cross join (" + Table() + " natural join " + Table() + ")";
        break;
      case 4:
        text = "f(" + Expression() + ") as " + Name() + " (" + Name() + " " + Type() + ")";
        break;
      case 5:
        text = Table() + " pivot (sum(a) as s for b in (1 as one, 'x'))" + Alias();
        break;
      case 6:
        text = Table() + " join " + Table() + " join " + Table() + " on true on false";
        break;
      default:
        text = Table() + ", " + Table();
    }
    depth_--;
    return text;
  }

  std::string Select() {
    std::string text = "select " + Maybe("distinct ") + Maybe("top 3 ");
    text += (Below(5) == 0 ? "*" : Expression() + Alias()) + Maybe(", " + Expression() + Alias());
    text += Maybe(" from " + From()) + Maybe(" where " + Expression());
    if (Below(4) == 0)
      text += " group by " + Expression() + Maybe(", rollup (a, b)") +
              Maybe(", grouping sets ((a, b), ())");
    text += Maybe(" having " + Expression());
    if (Below(6) == 0) text += " qualify " + Expression();
    return text;
  }

  std::string Query() {
    if (Deep()) return "select " + Primary();
    depth_ += 2;
    std::string text;
    static constexpr std::string_view kSets[] = {" union ", " union all ", " intersect ",
                                                 " except ", " minus "};
    switch (Below(7)) {
      case 0:
        text = Select() + Pick(kSets) + Select() + Maybe(Pick(kSets) + Select());
        break;
      case 1:
        text = "(" + Query() + ")" + Pick(kSets) + "(" + Query() + ")";
        break;
      case 2:
        text = "with " + Name() + Maybe(" (a, b)") + " as (" + Query() + ") " + Select();
        break;
      case 3:
        text = "(" + Query() + ") limit 1";
        break;
      default:
        text = Select();
    }
    if (!text.ends_with("limit 1")) {
      text += Maybe(" order by " + Expression() + Maybe(" desc"));
      text += Maybe(" limit 5") + Maybe(" offset " + Operand());
    }
    depth_ -= 2;
    return text;
  }

  std::string Column() {
    return Name() + " " + Type() + Maybe(" default " + Operand()) + Maybe(" encode zstd") +
           Maybe(" not null") + Maybe(" references " + Name() + " (" + Name() + ")");
  }

  std::mt19937 random_;
  int depth_ = 0;
};

TEST(Print, RandomTreesReadBackEqualAndPrintTheSame) {
  size_t read = 0;
  constexpr uint32_t kRounds = 3000;
  for (uint32_t seed = 0; seed < kRounds; seed++) {
    const std::string sql = Writer(seed).Statement();
    const ParsedScript script = ParseWholeScript(sql);
    ASSERT_EQ(script.statements.size(), 1u) << sql;
    ASSERT_TRUE(script.statements[0].tree) << seed << ": " << script.statements[0].error.message
                                           << " at " << script.statements[0].error.position << "\n"
                                           << sql;
    read++;
    const std::string once = Print(*script.statements[0].tree);
    const ParsedScript again = ParseWholeScript(once);
    ASSERT_EQ(again.statements.size(), 1u) << sql << "\n" << once;
    ASSERT_TRUE(again.statements[0].tree)
        << seed << ": " << again.statements[0].error.message << "\n"
        << sql << "\n"
        << once;
    ASSERT_TRUE(ast::Equal(*script.statements[0].tree, *again.statements[0].tree))
        << seed << "\n"
        << sql << "\n"
        << once << "\n"
        << Print(*again.statements[0].tree);
    ASSERT_EQ(Print(*again.statements[0].tree), once);
  }
  EXPECT_EQ(read, kRounds);
}

TEST(Equal, SeesEveryDifference) {
  const std::string_view kTexts[] = {"select a",
                                     "select b",
                                     "select a as a",
                                     "select \"A\"",
                                     "select a from t",
                                     "select a from only t",
                                     "select distinct a",
                                     "select 1",
                                     "select '1'",
                                     "select a, a",
                                     "select a limit 1",
                                     "select a limit all",
                                     "select a::int",
                                     "select cast(a as int)",
                                     "select a::bigint",
                                     "select a is null",
                                     "select a is not null",
                                     "insert into t values (1)",
                                     "insert into t values (2)"};
  for (const auto left : kTexts) {
    for (const auto right : kTexts) {
      const ParsedScript a = ParseWholeScript(left), b = ParseWholeScript(right);
      EXPECT_EQ(ast::Equal(*a.statements.at(0).tree, *b.statements.at(0).tree), left == right)
          << left << " / " << right;
    }
  }
}

TEST(Visit, WalksInOrderAndStopsWhereToldTo) {
  const ParsedScript script = ParseWholeScript("select a, (select b from t where c = 1) from u");
  std::string seen;
  ast::Walk(
      *script.statements.at(0).tree,
      [&](const ast::Node& node) {
        if (const auto* column = ast::As<ast::ColumnRef>(&node)) seen += column->parts[0].text;
        if (const auto* table = ast::As<ast::NamedTable>(&node)) seen += table->name[0].text;
        return node.kind != ast::NodeKind::kBinary;
      },
      [&](const ast::Node& node) {
        if (node.kind == ast::NodeKind::kScalarQuery) seen += '|';
      });
  EXPECT_EQ(seen, "abt|u");
}

}  // namespace
}  // namespace skep::sql
