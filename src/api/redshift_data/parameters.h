// Named parameters of the Data API: `:name` becomes `$n` outside literals, comments and casts, and
// a position in the rewritten text is led back to the text the caller wrote. Pure functions of
// text. Source: data-api guide, "Running SQL statements with parameters".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::redshift_data {

struct RewrittenSql {
  std::string text;
  std::vector<size_t> order;  // $i is parameter order[i - 1] of those given

  // 1-based character of `text` -> 1-based character of the original; 0 stays 0.
  uint32_t OriginalPosition(uint32_t position) const;

  struct Shift {
    uint32_t after = 0;  // 1-based character of `text` behind the placeholder
    uint32_t begin = 0;  // 1-based character of the placeholder itself
    int64_t by = 0;      // add to a position from `after` on
  };
  std::vector<Shift> shifts;
};

// Errors: kInvalidArgument (a placeholder without a parameter, a parameter that is not used, a name
// given twice, $n beside names). A text that has no tokens (unterminated literal) comes back
// unchanged: running it says what is wrong.
Result<RewrittenSql> RewriteParameters(std::string_view sql, const std::vector<std::string>& names);

}  // namespace skep::redshift_data
