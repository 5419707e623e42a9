// A format as a function's state keeps it: compiled when it changes, so once for a constant.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/functions/time_zone.h"

namespace skep::worker {

template <class Format>
class FormatMemo {
 public:
  const Format& operator[](std::string_view text) {
    if (!format_ || text_ != text) {
      format_.emplace(text);
      text_ = text;
    }
    return *format_;
  }

 private:
  std::string text_;
  std::optional<Format> format_;
};

template <class Format>
struct FormatState : SessionZone {
  using SessionZone::SessionZone;
  FormatMemo<Format> formats;
  std::string out;

  static duckdb::unique_ptr<duckdb::FunctionLocalState> Init(duckdb::ExpressionState& state,
                                                             const duckdb::BoundFunctionExpression&,
                                                             duckdb::FunctionData*) {
    return duckdb::make_uniq<FormatState>(&state.GetContext());
  }
  static FormatState& Of(duckdb::ExpressionState& state) {
    return duckdb::ExecuteFunctionState::GetFunctionState(state)->Cast<FormatState>();
  }
};

}  // namespace skep::worker
