// The Expression of GetPartitions: a SQL-like predicate over partition keys, parsed once and
// applied to each partition's values. Comparison follows the keys' declared types, NULL (Hive's
// default partition) the three-valued logic of SQL. Pure functions. Grammar: glue.md, section 3.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::glue {

struct PartitionKey {
  std::string name;
  std::string type;  // Hive's: string, int, bigint, date, ...
};

// What an expression says of the first keys, as far as they are compared as text: nothing outside
// can match.
struct FirstValues {
  std::vector<std::string> equal;          // the first values are these,
  std::optional<std::string> least, most;  // and the one behind them lies between these
};

class PartitionFilter {
 public:
  // An empty text matches everything. Errors: kInvalidArgument (syntax, unknown column, a type that
  // cannot be filtered on, a literal that does not fit its column, longer than 2,048 characters).
  static Result<PartitionFilter> Parse(std::string_view text,
                                       const std::vector<PartitionKey>& keys);
  // `values` are the partition's, in the keys' order.
  bool Matches(const std::vector<std::string>& values) const;

  // Whether a partition whose first values are these may match, whatever the others are.
  bool MayMatch(std::span<const std::string> first_values) const;
  FirstValues First(size_t keys) const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace skep::glue
