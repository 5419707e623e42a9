#include "worker/functions/regex.h"

#include <algorithm>
#include <duckdb.hpp>
#include <new>
#include <utility>

#include "worker/functions/characters.h"
#include "worker/functions/regex_syntax.h"

namespace skep::worker {
namespace {

using std::string_view;

constexpr size_t kMaxBytes = 65535;  // of a pattern and of a text: VARCHAR's own limit
// Steps from one place of a text. The limit counts anew for each place, so that longer texts get
// fewer: all places together stay below kAllSteps, some seconds.
constexpr uint32_t kMatchLimit = 1'000'000;
constexpr uint64_t kAllSteps = 8'000'000'000;
// Longest text for which following all branches at once is tried where the limit was passed.
constexpr size_t kMaxAllBranches = 2048;
constexpr uint32_t kDepthLimit = 100'000;
constexpr uint32_t kHeapLimitKib = 32 * 1024;
constexpr size_t kJitStackBytes = 512 * 1024;
constexpr size_t kWorkspace = 4096;
constexpr size_t kRemembered = 16;
constexpr size_t kNowhere = std::string_view::npos;

PCRE2_SPTR Bytes(string_view text) {
  // PCRE2 takes no null pointer, not even for nothing.
  return reinterpret_cast<PCRE2_SPTR>(text.data() ? text.data() : "");
}

std::string MessageOf(int code) {
  PCRE2_UCHAR text[256];
  if (pcre2_get_error_message(code, text, sizeof text) < 0) return "unknown error";
  return reinterpret_cast<const char*>(text);
}

[[noreturn]] void Fail(int code) {
  throw duckdb::InvalidInputException("regular expression failed: %s", MessageOf(code));
}

}  // namespace

Regex::Regex(string_view pattern, RegexSyntax syntax, bool ignore_case, string_view escape) {
  if (pattern.size() > kMaxBytes)
    throw duckdb::InvalidInputException("regular expression is too large");
  TranslatedRegex translated;
  uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
  switch (syntax) {
    case RegexSyntax::kPerl:
      translated.pattern = pattern;
      break;
    case RegexSyntax::kPosix:
      translated = FromPosix(pattern);
      options |= PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY;
      break;
    case RegexSyntax::kSimilar:
      translated.pattern = FromSimilar(pattern, escape);
      options |= PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY;
      break;
  }
  if (ignore_case) options |= PCRE2_CASELESS;
  int error = 0;
  PCRE2_SIZE where = 0;
  code_.reset(pcre2_compile(Bytes(translated.pattern), translated.pattern.size(), options, &error,
                            &where, nullptr));
  if (!code_)
    throw duckdb::InvalidInputException("invalid regular expression: %s: '%s'", MessageOf(error),
                                        std::string(CutToBytes(pattern, 200)));
  pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &groups_);
  branches_ = syntax != RegexSyntax::kPerl && !translated.back_references;
  longest_ = translated.ambiguous && branches_;
  // Where no machine code may be made, matching is slower and the same.
  jit_ = pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE) == 0;
}

RegexScratch::RegexScratch() : context_(pcre2_match_context_create(nullptr)) {
  if (!context_) throw std::bad_alloc();
  pcre2_set_depth_limit(context_, kDepthLimit);
  pcre2_set_heap_limit(context_, kHeapLimitKib);
  stack_ = pcre2_jit_stack_create(32 * 1024, kJitStackBytes, nullptr);
  if (stack_) pcre2_jit_stack_assign(context_, nullptr, stack_);
}

RegexScratch::~RegexScratch() {
  pcre2_jit_stack_free(stack_);
  pcre2_match_context_free(context_);
}

void RegexScratch::Begin(const Regex& regex, string_view text, bool groups) {
  if (data_of_ != &regex) {
    data_.reset(pcre2_match_data_create_from_pattern(regex.code_.get(), nullptr));
    if (!data_) throw std::bad_alloc();
    data_of_ = &regex;
  }
  if (text.size() > kMaxBytes)
    throw duckdb::InvalidInputException(
        "the text for a regular expression is too large: at most %d bytes", kMaxBytes);
  // PCRE2 is told not to look; a text that is no UTF-8 would lead it beyond the end.
  if (!IsValidUtf8(text))
    throw duckdb::InvalidInputException("invalid byte sequence for encoding UTF8");
  pcre2_set_match_limit(context_, static_cast<uint32_t>(std::min<uint64_t>(
                                      kMatchLimit, kAllSteps / std::max<size_t>(text.size(), 1))));
  regex_ = &regex;
  text_ = text;
  groups_ = groups;
}

RegexScratch::Outcome RegexScratch::Match(size_t from) {
  int found = PCRE2_ERROR_JIT_STACKLIMIT;
  if (regex_->jit_)
    found = pcre2_jit_match(regex_->code_.get(), Bytes(text_), text_.size(), from, 0, data_.get(),
                            context_);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT)
    found = pcre2_match(regex_->code_.get(), Bytes(text_), text_.size(), from,
                        PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data_.get(), context_);
  if (found >= 0) {
    outcome_ = Outcome::kFound;
  } else if (found == PCRE2_ERROR_NOMATCH) {
    outcome_ = Outcome::kNone;
  } else if (found == PCRE2_ERROR_MATCHLIMIT && regex_->branches_ &&
             text_.size() <= kMaxAllBranches) {
    outcome_ = Outcome::kTooMany;
  } else {
    Fail(found);
  }
  return outcome_;
}

bool RegexScratch::Contains() {
  return Match(0) == Outcome::kFound || (outcome_ == Outcome::kTooMany && Branches(0, 0));
}

std::optional<RegexScratch::Span> RegexScratch::Find(size_t from) {
  if (Match(from) == Outcome::kNone) return std::nullopt;
  spans_.assign(groups_ ? regex_->groups_ + 1 : 1, Span{kNowhere, kNowhere});
  if (outcome_ == Outcome::kTooMany) {
    const auto found = Branches(from, 0);
    if (!found) return std::nullopt;
    spans_[0] = *found;
    TakeGroups();
    return spans_[0];
  }
  const PCRE2_SIZE* found = pcre2_get_ovector_pointer(data_.get());
  for (size_t i = 0; i < spans_.size(); i++) spans_[i] = {found[2 * i], found[2 * i + 1]};
  // Only Perl's \K can put a match's end before its begin.
  if (spans_[0].end < spans_[0].begin) spans_[0].end = spans_[0].begin;
  if (!regex_->longest_ || spans_[0].end == text_.size()) return spans_[0];
  // The match found begins where the longest one does, too.
  const auto longest = Branches(spans_[0].begin, PCRE2_ANCHORED);
  if (longest && longest->end > spans_[0].end) {
    spans_[0].end = longest->end;
    TakeGroups();
  }
  return spans_[0];
}

// PCRE2's other matcher follows all branches at once: it knows the longest end and never tries a
// place twice, but has no groups. Without an answer when there are too many branches for it.
std::optional<RegexScratch::Span> RegexScratch::Branches(size_t from, uint32_t options) {
  if (!longest_data_) longest_data_.reset(pcre2_match_data_create(1, nullptr));
  if (!longest_data_) throw std::bad_alloc();
  workspace_.resize(kWorkspace);
  const int found = pcre2_dfa_match(regex_->code_.get(), Bytes(text_), text_.size(), from,
                                    options | PCRE2_NO_UTF_CHECK, longest_data_.get(), context_,
                                    workspace_.data(), workspace_.size());
  if (found >= 0) {
    const PCRE2_SIZE* span = pcre2_get_ovector_pointer(longest_data_.get());
    return Span{span[0], span[1]};
  }
  if (found != PCRE2_ERROR_NOMATCH && outcome_ == Outcome::kTooMany) Fail(PCRE2_ERROR_MATCHLIMIT);
  return std::nullopt;
}

// The groups of a match whose ends are known: it is made again, with no other ends.
void RegexScratch::TakeGroups() {
  if (spans_.size() == 1) return;
  const auto [begin, end] = spans_[0];
  const int found = pcre2_match(regex_->code_.get(), Bytes(text_), end, begin,
                                PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NO_UTF_CHECK |
                                    PCRE2_NO_JIT | (end < text_.size() ? PCRE2_NOTEOL : 0u),
                                data_.get(), context_);
  if (found == PCRE2_ERROR_NOMATCH) return;
  if (found < 0) Fail(found);
  const PCRE2_SIZE* groups = pcre2_get_ovector_pointer(data_.get());
  for (size_t i = 1; i < spans_.size(); i++) spans_[i] = {groups[2 * i], groups[2 * i + 1]};
}

std::optional<RegexScratch::Span> RegexScratch::Group(uint32_t group) const {
  if (group >= spans_.size() || spans_[group].begin == kNowhere) return std::nullopt;
  return spans_[group];
}

const Regex& RegexScratch::Compiled(string_view pattern, RegexSyntax syntax, bool ignore_case,
                                    string_view escape) {
  for (const auto& known : remembered_) {
    if (known.pattern == pattern && known.syntax == syntax && known.ignore_case == ignore_case &&
        known.escape == escape)
      return *known.regex;
  }
  Remembered made{std::string(pattern), std::string(escape), syntax, ignore_case,
                  std::make_unique<const Regex>(pattern, syntax, ignore_case, escape)};
  data_of_ = nullptr;  // may be the one that goes
  if (remembered_.size() < kRemembered) {
    remembered_.push_back(std::move(made));
    return *remembered_.back().regex;
  }
  next_ = (next_ + 1) % kRemembered;
  remembered_[next_] = std::move(made);
  return *remembered_[next_].regex;
}

}  // namespace skep::worker
