#include "worker/external_scan/workbook.h"

#include <gtest/gtest.h>

#include "worker/external_scan/sheet_shape.h"
#include "worker/external_scan/xml_events.h"

namespace skep::external_scan {
namespace {

using Kind = Cell::Kind;

TEST(Workbook, KnowsWhichFormatsAreDates) {
  for (const char* code :
       {"yyyy-mm-dd", "d/m/yy", "mmm yy", "[$-407]d. mmmm yyyy;@", "dd\\.mm\\.yyyy"})
    EXPECT_EQ(KindOfFormat(code), NumberKind::kDate) << code;
  for (const char* code : {"yyyy-mm-dd hh:mm", "m/d/yy h:mm AM/PM"})
    EXPECT_EQ(KindOfFormat(code), NumberKind::kTimestamp) << code;
  for (const char* code : {"hh:mm:ss", "[h]:mm", "mm:ss.0", "[ss]"})
    EXPECT_EQ(KindOfFormat(code), NumberKind::kTime) << code;
  for (const char* code : {"General", "0.00", "#,##0", "0.00E+00", "\"days\" 0", "[Red]0",
                           "[$USD] 0", "0_d", "0;yyyy", "@", "", "\"", "[", "\\"})
    EXPECT_EQ(KindOfFormat(code), NumberKind::kNumber) << code;
}

std::string Date(double days, NumberKind kind = NumberKind::kDate, bool epoch_1904 = false) {
  const auto cell = DateOfSerial(days, kind, epoch_1904);
  return cell ? cell->text : "none";
}

TEST(Workbook, CountsDaysFromEitherEpoch) {
  EXPECT_EQ(Date(1), "1900-01-01");
  EXPECT_EQ(Date(59), "1900-02-28");
  EXPECT_EQ(Date(61), "1900-03-01");
  EXPECT_EQ(Date(46053), "2026-01-31");
  EXPECT_EQ(Date(46053.75), "2026-01-31 18:00:00");
  EXPECT_EQ(Date(46053, NumberKind::kTimestamp), "2026-01-31 00:00:00");
  EXPECT_EQ(Date(0, NumberKind::kDate, true), "1904-01-01");
  EXPECT_EQ(Date(44591, NumberKind::kDate, true), "2026-01-31");
  EXPECT_EQ(Date(0.5, NumberKind::kTime), "12:00:00");
  EXPECT_EQ(Date(1.5, NumberKind::kTime), "36:00:00");
  // A value between two milliseconds is the nearer one.
  EXPECT_EQ(Date(46053.123456789, NumberKind::kTimestamp), "2026-01-31 02:57:46.667");
  EXPECT_EQ(Date(2958465), "9999-12-31");
  EXPECT_EQ(Date(2958466), "none");
  EXPECT_EQ(Date(-1), "none");
  EXPECT_EQ(Date(1e300), "none");
}

SheetRow Row(uint64_t number, std::vector<std::pair<const char*, Kind>> cells) {
  SheetRow row;
  row.number = number;
  for (uint32_t i = 0; i < cells.size(); i++) {
    if (!cells[i].first) continue;
    Cell cell;
    cell.column = i;
    cell.kind = cells[i].second;
    cell.text = cells[i].first;
    row.cells.push_back(std::move(cell));
  }
  return row;
}

std::string Shape(const std::vector<SheetRow>& rows) {
  const SheetShape shape = ShapeOf(rows);
  std::string out = std::to_string(shape.skip) + (shape.header ? " header:" : ":");
  for (const auto& column : shape.columns) out += " " + column.name + "=" + column.type;
  return out;
}

constexpr auto kText = Kind::kText, kInteger = Kind::kInteger;
constexpr std::pair<const char*, Kind> kNothing = {nullptr, kText};

TEST(SheetShape, FindsTheHeader) {
  EXPECT_EQ(Shape({Row(1, {{"a", kText}, {"b", kText}}), Row(2, {{"1", kInteger}, {"x", kText}})}),
            "1 header: a=bigint b=string");
  EXPECT_EQ(Shape({Row(1, {{"1", kInteger}, {"x", kText}}), Row(2, {{"2", kInteger}})}),
            "0: col0=bigint col1=string");
  // Behind a title and an empty row.
  EXPECT_EQ(
      Shape({Row(1, {{"Report", kText}}), Row(3, {{"a", kText}, {" b\n2 ", kText}, {"c", kText}}),
             Row(4, {{"1", kInteger}, {"x", kText}, {"y", kText}})}),
      "3 header: a=bigint b 2=string c=string");
  // Text that repeats itself is no header.
  EXPECT_EQ(Shape({Row(1, {{"x", kText}, {"X", kText}}), Row(2, {{"x", kText}, {"y", kText}})}),
            "0: col0=string col1=string");
  EXPECT_EQ(Shape({Row(1, {{"only", kText}})}), "0: col0=string");
  EXPECT_EQ(Shape({}), "0:");
}

TEST(SheetShape, PutsMergedHeadersTogether) {
  EXPECT_EQ(Shape({Row(1, {{"name", kText}, {"2025", kText}, kNothing, {"2026", kText}, kNothing}),
                   Row(2, {kNothing, {"q1", kText}, {"q2", kText}, {"q1", kText}, {"q2", kText}}),
                   Row(3, {{"x", kText},
                           {"1", kInteger},
                           {"2", kInteger},
                           {"3", kInteger},
                           {"4", kInteger}})}),
            "2 header: name=string 2025_q1=bigint 2025_q2=bigint 2026_q1=bigint 2026_q2=bigint");
}

TEST(SheetShape, VotesForTypes) {
  const auto type = [](std::vector<Kind> kinds) {
    std::vector<SheetRow> rows = {Row(1, {{"a", kText}})};
    for (const Kind kind : kinds) rows.push_back(Row(rows.size() + 1, {{"v", kind}}));
    return ShapeOf(rows).columns[0].type;
  };
  EXPECT_EQ(type({kInteger, kInteger}), "bigint");
  EXPECT_EQ(type({kInteger, Kind::kNumber}), "double");
  EXPECT_EQ(type({Kind::kBoolean}), "boolean");
  EXPECT_EQ(type({Kind::kDate}), "date");
  EXPECT_EQ(type({Kind::kDate, Kind::kTimestamp}), "timestamp");
  EXPECT_EQ(type({Kind::kDate, kInteger}), "string");
  EXPECT_EQ(type({Kind::kTime}), "string");
  EXPECT_EQ(type({kInteger, kText}), "string");
}

class Counting final : public XmlEvents {
 public:
  int elements = 0;
  std::string text;

 private:
  void Begins(std::string_view, const Attributes&) override { elements++; }
  void Ends(std::string_view) override {}
  void Text(std::string_view piece) override { text += piece; }
};

TEST(XmlEvents, ReadsByteByByte) {
  const std::string whole = "<?xml version=\"1.0\"?><x:a b='1'>t&amp;u<c/></x:a>";
  Counting events;
  for (const char c : whole) events.Feed(std::string_view(&c, 1), false);
  events.Feed({}, true);
  EXPECT_EQ(events.elements, 2);
  EXPECT_EQ(events.text, "t&u");
}

TEST(XmlEvents, RefusesEntitiesDepthAndEndlessTags) {
  const auto refused = [](const std::string& text) {
    Counting events;
    EXPECT_THROW(events.Feed(text, true), duckdb::InvalidInputException) << text.substr(0, 50);
  };
  refused("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>");
  refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>");
  refused("<a>&b;</a>");
  refused("<a>");
  refused("");
  std::string deep;
  for (int i = 0; i < 100; i++) deep += "<a>";
  refused(deep);
  Counting events;
  events.Feed("<a b='", false);
  const std::string piece(1u << 20, 'x');
  EXPECT_THROW(for (int i = 0; i < 100; i++) events.Feed(piece, false);
               , duckdb::InvalidInputException);
}

}  // namespace
}  // namespace skep::external_scan
