// Regular expressions on PCRE2, for one pattern and one text at a time. A match is the leftmost one
// and, unless the pattern is Perl's, the longest there. The time of each match is limited; so are
// pattern and text, to what a VARCHAR holds. Source: developer guide, "POSIX operators".
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::worker {

enum class RegexSyntax : uint8_t { kPosix, kPerl, kSimilar };

// A compiled pattern. Shared by threads: whatever a match writes to is in RegexScratch.
class Regex {
 public:
  // Throws InvalidInputException for a pattern that does not compile. `escape` is for kSimilar.
  Regex(std::string_view pattern, RegexSyntax syntax, bool ignore_case,
        std::string_view escape = "\\");

  uint32_t groups() const { return groups_; }

 private:
  friend class RegexScratch;
  struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  };

  std::unique_ptr<pcre2_code, FreeCode> code_;
  uint32_t groups_ = 0;
  bool branches_ = false;  // all branches can be followed at once
  bool longest_ = false;   // and have to: the first match found may not be the longest
  bool jit_ = false;
};

// What matching needs beside the pattern, for one thread.
class RegexScratch {
 public:
  RegexScratch();
  ~RegexScratch();
  RegexScratch(const RegexScratch&) = delete;
  RegexScratch& operator=(const RegexScratch&) = delete;

  struct Span {
    size_t begin, end;  // bytes
    bool operator==(const Span&) const = default;
  };

  // What Contains and Find search; both have to live until the next call. `groups`: Find has the
  // groups ready, too. Throws InvalidInputException for a text that is too long or no UTF-8.
  void Begin(const Regex& regex, std::string_view text, bool groups = false);
  // Whether the pattern stands anywhere in the text.
  bool Contains();
  // The first match from byte `from` on, at most the text's size. Throws InvalidInputException when
  // a limit of time or memory is passed.
  std::optional<Span> Find(size_t from);
  // A group of the match that Find gave last; 0 is all of it. Empty where it did not take part.
  std::optional<Span> Group(uint32_t group) const;

  // The pattern, compiled or out of those compiled before.
  const Regex& Compiled(std::string_view pattern, RegexSyntax syntax, bool ignore_case,
                        std::string_view escape);

 private:
  enum class Outcome { kNone, kFound, kTooMany };  // kTooMany: steps, but Branches may know

  Outcome Match(size_t from);
  std::optional<Span> Branches(size_t from, uint32_t options);
  void TakeGroups();

  struct FreeData {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  struct Remembered {
    std::string pattern, escape;
    RegexSyntax syntax;
    bool ignore_case;
    std::unique_ptr<const Regex> regex;
  };

  pcre2_match_context* context_ = nullptr;
  pcre2_jit_stack* stack_ = nullptr;
  std::unique_ptr<pcre2_match_data, FreeData> data_;
  const Regex* data_of_ = nullptr;
  const Regex* regex_ = nullptr;
  std::string_view text_;
  Outcome outcome_ = Outcome::kNone;
  bool groups_ = false;
  std::unique_ptr<pcre2_match_data, FreeData> longest_data_;
  std::vector<int> workspace_;
  std::vector<Span> spans_;  // of the last match; {npos, npos} for a group without part in it
  std::vector<Remembered> remembered_;
  size_t next_ = 0;
};
}  // namespace skep::worker
