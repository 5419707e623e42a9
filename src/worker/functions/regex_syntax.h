// Redshift's regular expressions in PCRE2's syntax: POSIX extended expressions with the few Perl
// classes that Redshift knows, and SIMILAR TO. What POSIX has and PCRE2 lacks is rewritten; what
// only PCRE2 has (lookaround, lazy quantifiers, verbs) is refused or means what POSIX makes of it.
// Source: developer guide, "POSIX operators" and "SIMILAR TO"; IEEE Std 1003.1, section 9.4.
#pragma once

#include <string>
#include <string_view>

namespace skep::worker {

struct TranslatedRegex {
  std::string pattern;
  // Whether a match that is found first may be shorter than the longest one at the same place:
  // alternatives, or a repeated group.
  bool ambiguous = false;
  bool back_references = false;
};

// Throws InvalidInputException for a pattern that is no expression.
TranslatedRegex FromPosix(std::string_view pattern);

// Of SIMILAR TO's pattern: matches whole texts. `escape` is empty for none, or one character.
std::string FromSimilar(std::string_view pattern, std::string_view escape);

}  // namespace skep::worker
