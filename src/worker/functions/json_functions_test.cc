#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using JsonFunctions = FunctionsTest;

TEST_F(JsonFunctions, ParsesIntoCanonicalText) {
  EXPECT_EQ(
      Ask(R"(select rs_json_parse(' { "b" : [ 1 , -2.50 ] , "a" : "x\u00e9\/\ud83d\ude00\n" } '))"),
      R"({"b":[1,-2.50],"a":"xé/😀\n"})");
  EXPECT_EQ(Ask("select rs_json_parse('1E2'), rs_json_parse('-0'), rs_json_parse('-0.0'), "
                "rs_json_parse('123456789012345678901234567890123456789')"),
            "1e+2|0|0.0|1.2345678901234568e+38");
  EXPECT_EQ(Ask("select rs_json_parse('null'), rs_json_parse(null), rs_json_parse('[null]')"),
            "NULL|NULL|[null]");
  EXPECT_EQ(Ask("select rs_json_parse('[1]'::blob)"), "[1]");
}

TEST_F(JsonFunctions, RefusesWhatIsNoJson) {
  for (const char* json :
       {"",     " ",       "[1,]",      "{\"a\":1,}",  "{a:1}",        "{1:2}",       "[1",
        "[1]]", "01",      "1.",        ".5",          "+1",           "1e",          "tru",
        "\"a",  "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u0000\"", "nan",
        "'a'",  "[1 2]",   "{\"a\" 1}"}) {
    std::string quoted;
    for (const char c : std::string(json))
      quoted += c == '\'' ? std::string("''") : std::string(1, c);
    EXPECT_EQ(Ask("select rs_can_json_parse('" + quoted + "')"), "false") << json;
    EXPECT_EQ(Ask("select rs_json_parse('" + quoted + "')"), "ERROR JSON parsing error") << json;
  }
  EXPECT_EQ(Ask("select rs_can_json_parse('[1]'), rs_can_json_parse('\\x22\\xff\\x22'::blob)"),
            "true|false");
}

// super-configurations.md, "Parsing options for SUPER".
TEST_F(JsonFunctions, KnowsDuplicateAttributes) {
  EXPECT_EQ(Ask(R"(select rs_json_parse('{"a":1,"a":{"a":2}}'))"),
            "ERROR Invalid input: SUPER value has duplicate attributes");
  EXPECT_EQ(Ask(R"(select rs_json_parse('{"a":1,"\u0061":2}', 1))"), "NULL");
  EXPECT_EQ(Ask(R"(select rs_json_parse('{"a":1,"b":{"a":3},"\u0061":2}', 2))"),
            R"({"b":{"a":3},"a":2})");
  const std::string many =
      R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"c":11})";
  EXPECT_EQ(Ask("select rs_can_json_parse('" + many + "')"), "false");
  EXPECT_EQ(Ask("select rs_json_parse('" + many + "', 2)"),
            R"({"a":1,"b":2,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"c":11})");
}

TEST_F(JsonFunctions, LimitsDepthAndSize) {
  EXPECT_EQ(Ask("select rs_can_json_parse(repeat('[', 1000) || repeat(']', 1000)), "
                "rs_can_json_parse(repeat('[', 1001) || repeat(']', 1001)), "
                "rs_can_json_parse(repeat('{\"a\":', 1000000))"),
            "true|false|false");
  EXPECT_EQ(Ask("select rs_array(rs_json_parse(repeat('[', 1000) || repeat(']', 1000)))"),
            "ERROR SUPER value exceeds the maximum nesting depth of 1000");
  EXPECT_EQ(Ask("select rs_array(repeat('a', 9000000), repeat('b', 9000000))"),
            "ERROR SUPER value exceeds the maximum size of 16777216 bytes");
  EXPECT_EQ(Ask("select rs_can_json_parse('\"' || repeat('a', 16000001) || '\"'), "
                "rs_json_size(rs_json_parse('\"' || repeat('é', 8000001) || '\"', 4))"),
            "false|16000002");
  EXPECT_EQ(Ask("select octet_length(rs_super_sort_key(rs_json_parse(repeat('[', 1000) || "
                "repeat(']', 1000))))"),
            "2000");
}

TEST_F(JsonFunctions, SerializesWithinVarchar) {
  EXPECT_EQ(Ask("select rs_json_serialize(rs_array(1, 'x')), "
                "rs_json_serialize_to_varbyte(rs_array(1)), rs_json_serialize(null)"),
            "[1,\"x\"]|[1]|NULL");
  EXPECT_EQ(TypeOf("rs_json_serialize_to_varbyte(rs_array())"), "BLOB");
  EXPECT_EQ(Ask("select rs_json_serialize(rs_array(repeat('x', 65535)))"),
            "ERROR value too long for type character varying(65535)");
}

// IS_VALID_JSON.md: the root is an object.
TEST_F(JsonFunctions, ValidatesByTheRoot) {
  EXPECT_EQ(Ask(R"(select rs_is_valid_json('{"a":[1]}'), rs_is_valid_json('[1]'),
                   rs_is_valid_json('{{}}'), rs_is_valid_json('1'), rs_is_valid_json(null))"),
            "true|false|false|false|NULL");
  EXPECT_EQ(Ask(R"(select rs_is_valid_json_array('["a",[null]]'), rs_is_valid_json_array('{}'),
                   rs_is_valid_json_array('a'), rs_is_valid_json_array('[1,2,]'))"),
            "true|false|false|false");
}

TEST_F(JsonFunctions, CountsElements) {
  EXPECT_EQ(Ask(R"(select rs_json_array_length('[1,{"a":[2,3]},[]]'), rs_json_array_length('[]'),
                   rs_json_array_length('[1', true), rs_json_array_length(null))"),
            "3|0|NULL|NULL");
  EXPECT_EQ(Ask("select rs_json_array_length('[1')"), "ERROR invalid json array object [1");
  EXPECT_EQ(Ask("select rs_json_array_length('{}', false)"), "ERROR invalid json array object {}");
  EXPECT_EQ(Ask("select rs_json_array_length('one')"), "ERROR JSON parsing error");
}

TEST_F(JsonFunctions, ExtractsElements) {
  EXPECT_EQ(Ask(R"(select rs_json_extract_array_element_text('["a\"b",2.50,{"k": 1},null]', 0),
                   rs_json_extract_array_element_text('["a",2.50]', 1),
                   rs_json_extract_array_element_text('["a",{"k": 1}]', 1),
                   rs_json_extract_array_element_text('[null]', 0),
                   rs_json_extract_array_element_text('[1]', 1),
                   rs_json_extract_array_element_text('[1]', -1))"),
            "a\"b|2.50|{\"k\":1}|NULL|NULL|NULL");
  EXPECT_EQ(Ask("select rs_json_extract_array_element_text('[1,]', 0, true), "
                "rs_json_extract_array_element_text('[1,', null)"),
            "NULL|NULL");
  EXPECT_EQ(Ask("select rs_json_extract_array_element_text('[1,]', 0)"),
            "ERROR invalid json array object [1,]");
}

TEST_F(JsonFunctions, ExtractsPaths) {
  EXPECT_EQ(Ask(R"(select rs_json_extract_path_text('{"a":{"b c":{"d": 1e2}}}', 'a', 'b c', 'd'),
                   rs_json_extract_path_text('{"a": {"b": [1, 2]}}', 'a'),
                   rs_json_extract_path_text('{"a":"x\ty"}', 'a'),
                   rs_json_extract_path_text('{"A":1}', 'a'),
                   rs_json_extract_path_text('{"a":null}', 'a'),
                   rs_json_extract_path_text('[null]', 0))"),
            "1e2|{\"b\":[1,2]}|x\ty|NULL|NULL|NULL");
  EXPECT_EQ(Ask(R"(select rs_json_extract_path_text('{"a":1', 'a', true),
                   rs_json_extract_path_text('{"a":1', null),
                   rs_json_extract_path_text(null, 'a', false))"),
            "NULL|NULL|NULL");
  EXPECT_EQ(Ask(R"(select rs_json_extract_path_text('{"a":1', 'a'))"),
            "ERROR invalid json object {\"a\":1");
  EXPECT_EQ(Ask("select rs_json_extract_path_text('{}', '1', '2', '3', '4', '5', '6')"),
            "ERROR json_extract_path_text takes at most 5 path elements");
}

TEST_F(JsonFunctions, WorkOnColumns) {
  Ask("create table j as select i, case when i % 3 = 0 then null when i % 3 = 1 then '{\"k\":' || "
      "i "
      "|| ',\"l\":[1,2,3]}' else 'broken' end t from range(6000) r(i)");
  EXPECT_EQ(Ask("select count(*) filter (where rs_is_valid_json(t)), "
                "count(rs_json_extract_path_text(t, 'k', true)), count(rs_json_parse(t, 1)), "
                "sum(rs_json_extract_path_text(t, 'k', true)::integer - i), "
                "count(rs_json_array_length(t, true)) from j"),
            "2000|2000|2000|0|0");
  EXPECT_EQ(Ask("select count(rs_json_parse(t)) from j"), "ERROR JSON parsing error");
}

}  // namespace
}  // namespace skep::worker
