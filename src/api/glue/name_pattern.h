// Regular expressions over table names (GetTables' Expression), matched in time linear in pattern
// and name, without recursion over the name: a caller's pattern cannot stall or crash the gateway.
// The whole name must match.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::glue {

// Literals, escapes (\d \w \s and their negations, \. and the like), ., [classes], groups, |, *, +,
// ?, and ^ $ at the ends.
class NamePattern {
 public:
  // Errors: kInvalidArgument (malformed, or a construct beyond these: counted repetition, back
  // references, look-around).
  static Result<NamePattern> Compile(std::string_view pattern);
  bool Matches(std::string_view name) const;

 private:
  friend class PatternCompiler;
  enum class Op : uint8_t { kSet, kSplit, kJump, kEnd };
  struct Step {
    Op op = Op::kEnd;
    std::bitset<256> set;
    size_t to = 0, or_to = 0;
  };
  void Follow(size_t at, std::vector<size_t>& list, std::vector<bool>& seen) const;
  std::vector<Step> steps_;
};

// Clients send Hive's patterns ("*", "f*|g*") as well as regular expressions: here an asterisk that
// repeats nothing stands for any characters.
std::string AsExpression(const std::string& pattern);

}  // namespace skep::glue
