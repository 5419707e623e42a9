// A grok pattern as a regular expression: %{NAME}, %{NAME:field} and %{NAME:field:type} become the
// named patterns, the rest stays. Tables are read and crawls classify by the same patterns. Pure.
// Source: Glue Developer Guide, "Writing grok custom
// classifiers"; the patterns of Logstash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::catalog {

enum class GrokUse : uint8_t {
  kReading,      // Perl's syntax. A pattern without a field is a field named after itself.
  kClassifying,  // RE2's syntax: no look-around. Only fields have groups.
};

struct GrokField {
  std::string name;    // lower-case when reading
  uint32_t group = 0;  // of the expression, from 1
  std::string type;    // as it was written; empty: none
};

struct GrokExpression {
  std::string regex;
  std::vector<GrokField> fields;
};

// `custom` holds a pattern in each line: NAME expression. Errors: kFeatureNotSupported (an unknown
// pattern), kInvalidArgument (patterns that hold each other, longer than 64 KB; when classifying
// also a %{ that is not closed).
Result<GrokExpression> ReadGrok(std::string_view pattern, std::string_view custom,
                                GrokUse use = GrokUse::kReading);

}  // namespace skep::catalog
