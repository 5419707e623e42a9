#include "worker/external_scan/xml_shape.h"

#include <gtest/gtest.h>

#include <duckdb.hpp>

namespace skep::external_scan {
namespace {

std::string Rows(std::string_view sample, bool whole = true, const std::string& tag = "") {
  const XmlRows found = RowsOfXml(sample, whole, tag);
  std::string out = found.row_tag + " x " + std::to_string(found.rows);
  for (const auto& column : found.columns) out += " " + column.name + "=" + column.type;
  return out;
}

TEST(XmlShape, FindsRowsAndTheirColumns) {
  EXPECT_EQ(Rows("<all><r><a>1</a><b>x</b></r><r><a>2.5</a><c>2026-01-31</c></r></all>"),
            "r x 2 a=double b=string c=date");
  // On the outermost level on which a name repeats itself.
  EXPECT_EQ(Rows("<x><head/><list><r><i>1</i><i>2</i></r><r/></list></x>"),
            "r x 2 i=array<bigint>");
  EXPECT_EQ(Rows("<all><r><a>true</a></r></all>"), "r x 1 a=boolean");
  EXPECT_EQ(Rows("<alone/>"), " x 0");
}

TEST(XmlShape, FollowsARowTag) {
  EXPECT_EQ(Rows("<x><y><r><a>1</a></r></y><r><a>2</a><r>3</r></r></x>", true, "r"),
            "r x 2 a=bigint r=bigint");
  EXPECT_EQ(Rows("<x><y/></x>", true, "r"), "r x 0");
}

TEST(XmlShape, NestsElementsAttributesAndTexts) {
  EXPECT_EQ(Rows("<x><r id='7' xmlns:n='u'><p unit='EUR'>1.5</p><n:q><z>a</z><z>b</z></n:q></r><r "
                 "id='8'/></x>"),
            "r x 2 _id=bigint p=struct<_unit:string,_value:double> q=struct<z:array<string>>");
  EXPECT_EQ(Rows("<x><r at='2026-01-31T10:00:00'>text</r><r at='2026-01-31'/></x>"),
            "r x 2 _at=timestamp _value=string");
  // An attribute that each element has once is no array.
  EXPECT_EQ(Rows("<x><r><p k='1'/><p k='2'/></r><r/></x>"), "r x 2 p=array<struct<_k:bigint>>");
}

TEST(XmlShape, TakesASampleThatEndsAnywhere) {
  const std::string whole = "<all><r><a>1</a></r><r><a>2</a></r></all>";
  EXPECT_EQ(Rows(std::string_view(whole).substr(0, 30), false), "r x 1 a=bigint");
  EXPECT_THROW(Rows(std::string_view(whole).substr(0, 30)), duckdb::InvalidInputException);
}

TEST(XmlShape, RefusesWhatWouldNotEnd) {
  EXPECT_THROW(Rows("<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"), duckdb::InvalidInputException);
  std::string many = "<x><r>";
  for (int i = 0; i < 20'000; i++) many += "<e" + std::to_string(i) + "/>";
  EXPECT_THROW(Rows(many + "</r><r/></x>"), duckdb::InvalidInputException);
  EXPECT_THROW(Rows("no xml"), duckdb::InvalidInputException);
}

}  // namespace
}  // namespace skep::external_scan
