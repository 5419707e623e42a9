// A grok pattern as a regular expression: %{NAME}, %{NAME:field} and %{NAME:field:type} become the
// named patterns, the rest stays. Pure. Source: Glue Developer Guide, "Writing grok custom
// classifiers"; the patterns of Logstash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace skep::catalog {

struct GrokExpression {
  std::string regex;  // Perl's syntax, groups by number
  // Fields and their groups; lower-case names. A pattern without a field is named after itself.
  std::vector<std::pair<std::string, uint32_t>> fields;
};

// `custom` holds a pattern in each line: NAME expression. Errors: kFeatureNotSupported (an unknown
// pattern), kInvalidArgument (patterns that hold each other, longer than 64 KB).
Result<GrokExpression> ReadGrok(std::string_view pattern, std::string_view custom);

}  // namespace skep::catalog
