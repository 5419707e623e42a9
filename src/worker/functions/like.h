// LIKE and ILIKE with Redshift's escapes: backslash unless another is named. A constant pattern
// without escapes stays the engine's own LIKE, which its optimizer knows; others run here, in time
// linear in the text but for patterns with several wildcards. Source: developer guide, "LIKE".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/functions/registrar.h"

namespace skep::worker {

class LikePattern {
 public:
  // `escape` is empty for none, or one character. Throws InvalidInputException for a longer one and
  // for a pattern that ends in the escape. `fold` makes ASCII letters equal in either case.
  LikePattern(std::string_view pattern, std::string_view escape, bool fold);

  // `scratch` is for the folded text; one a thread.
  bool Matches(std::string_view text, std::string& scratch) const;

 private:
  // What stands between two '%': literals and gaps of one character each.
  struct Piece {
    std::string literal;  // empty for a gap
    uint32_t gaps = 0;    // so many characters that may be anything
  };
  struct Run {
    std::vector<Piece> pieces;
    uint64_t characters = 0;
  };

  // The offset behind the run when it stands at `at`; npos when it does not.
  static size_t MatchAt(const Run& run, std::string_view text, size_t at);
  // The same for the first place from `from` on where it stands.
  static size_t Search(const Run& run, std::string_view text, size_t from);

  bool fold_;
  std::vector<Run> runs_;  // parted by '%': at least one; alone, the whole text has to match it
};

// rs_like, rs_ilike: (text, pattern [, escape]).
void RegisterLike(Registrar& registrar);

}  // namespace skep::worker
