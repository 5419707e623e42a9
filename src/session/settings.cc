#include "session/settings.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace skep::session {
namespace {

constexpr size_t kMaxValueBytes = 64u << 10;
constexpr size_t kMaxCustomSettings = 100;

enum class Form {
  kText,
  kBoolean,
  kInteger,
  kNumber,
  kMilliseconds,
  kUtf8,
  kDateStyle,
  kFloatDigits,
  kSeed
};

struct Row {
  std::string_view name;
  std::string_view initial;
  Form form = Form::kText;
  bool read_only = false;
  std::string_view reported = {};  // name in ParameterStatus
};

constexpr Row kRows[] = {
    {"analyze_threshold_percent", "10", Form::kNumber},
    {"application_name", "", Form::kText, false, "application_name"},
    {"cast_super_null_on_error", "on", Form::kBoolean},
    {"client_encoding", "UTF8", Form::kUtf8, false, "client_encoding"},
    {"client_min_messages", "notice"},
    {"cursor_result_set_size", "0", Form::kInteger},
    {"datashare_break_glass_session_var", ""},
    {"datestyle", "ISO, MDY", Form::kDateStyle, false, "DateStyle"},
    {"default_array_search_null_handling", "on", Form::kBoolean},
    {"default_geometry_encoding", "1"},
    {"default_transaction_isolation", "serializable"},
    {"default_transaction_read_only", "off", Form::kBoolean},
    {"describe_field_name_in_uppercase", "off", Form::kBoolean},
    {"downcase_delimited_identifier", "on", Form::kBoolean},
    {"enable_case_sensitive_identifier", "off", Form::kBoolean},
    {"enable_case_sensitive_super_attribute", "off", Form::kBoolean},
    {"enable_exact_varchar_comparison", "off", Form::kBoolean},
    {"enable_numeric_rounding", "on", Form::kBoolean},
    {"enable_result_cache_for_session", "on", Form::kBoolean},
    {"enable_vacuum_boost", "off", Form::kBoolean},
    {"error_on_nondeterministic_update", "off", Form::kBoolean},
    {"extra_float_digits", "0", Form::kFloatDigits},
    {"integer_datetimes", "on", Form::kBoolean, true, "integer_datetimes"},
    {"interval_forbid_composite_literals", "on", Form::kBoolean},
    {"intervalstyle", "postgres"},
    {"is_superuser", "off", Form::kBoolean, true, "is_superuser"},
    {"json_parse_dedup_attributes", "off", Form::kBoolean},
    {"json_parse_truncate_strings", "off", Form::kBoolean},
    {"json_serialization_enable", "off", Form::kBoolean},
    {"json_serialization_parse_nested_strings", "off", Form::kBoolean},
    {"lc_collate", "C", Form::kText, true},
    {"lc_ctype", "C", Form::kText, true},
    {"max_concurrency_scaling_clusters", "1", Form::kInteger},
    {"max_cursor_result_set_size", "default"},
    {"mv_enable_aqmv_for_session", "on", Form::kBoolean},
    {"navigate_super_null_on_error", "on", Form::kBoolean},
    {"parse_super_null_on_error", "off", Form::kBoolean},
    {"pg_federation_repeatable_read", "on", Form::kBoolean},
    {"query_group", "unset"},
    {"read_srid_on_shapefile_ingestion", "on", Form::kBoolean},
    {"search_path", "\"$user\", public", Form::kText},
    {"seed", "", Form::kSeed},
    {"server_encoding", "UTF8", Form::kText, true, "server_encoding"},
    {"server_version", "8.0.2", Form::kText, true, "server_version"},
    {"session_authorization", "", Form::kText, true, "session_authorization"},
    {"spectrum_enable_pseudo_columns", "on", Form::kBoolean},
    {"spectrum_query_maxerror", "-1", Form::kInteger},
    {"standard_conforming_strings", "off", Form::kBoolean, true, "standard_conforming_strings"},
    {"statement_timeout", "0", Form::kMilliseconds},
    {"stored_proc_log_min_messages", "LOG"},
    {"timezone", "UTC", Form::kText, false, "TimeZone"},
    {"transaction_isolation", "serializable"},
    {"transaction_read_only", "off", Form::kBoolean},
    {"use_fips_ssl", "off", Form::kBoolean},
    {"wlm_query_slot_count", "1", Form::kInteger},
};

const Row* Find(std::string_view name) {
  const auto it = std::ranges::find(kRows, name, &Row::name);
  return it == std::end(kRows) ? nullptr : it;
}

std::unexpected<Error> Bad(std::string_view name, std::string_view value) {
  return Fail(
      ErrorKind::kInvalidSettingValue,
      "invalid value for parameter \"" + std::string(name) + "\": \"" + std::string(value) + "\"");
}

bool ParseInteger(std::string_view text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// The canonical spelling of a value, or an error.
Result<std::string> Canonical(const Row& row, std::string_view value) {
  const std::string lower = Lower(value);
  switch (row.form) {
    case Form::kBoolean:
      if (lower == "on" || lower == "true" || lower == "t" || lower == "yes" || lower == "1")
        return "on";
      if (lower == "off" || lower == "false" || lower == "f" || lower == "no" || lower == "0")
        return "off";
      return Bad(row.name, value);
    case Form::kInteger: {
      int64_t number = 0;
      if (!ParseInteger(value, number)) return Bad(row.name, value);
      return std::string(value);
    }
    case Form::kNumber: {
      double number = 0;
      const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
      if (read.ec != std::errc() || read.ptr != value.data() + value.size() || number < 0)
        return Bad(row.name, value);
      return std::string(value);
    }
    case Form::kFloatDigits: {
      int64_t number = 0;
      if (!ParseInteger(value, number) || number < -15 || number > 3) return Bad(row.name, value);
      return std::string(value);
    }
    case Form::kMilliseconds: {
      std::string_view digits = lower;
      int64_t factor = 1;
      if (digits.ends_with("ms")) {
        digits.remove_suffix(2);
      } else if (digits.ends_with("min")) {
        digits.remove_suffix(3);
        factor = 60'000;
      } else if (digits.ends_with("s")) {
        digits.remove_suffix(1);
        factor = 1'000;
      }
      int64_t number = 0;
      if (!ParseInteger(digits, number) || number < 0 || number > 2147483647)
        return Bad(row.name, value);
      return std::to_string(number * factor);
    }
    case Form::kUtf8:
      // Redshift stores UTF-8 only; the spellings that clients use for it.
      if (lower == "utf8" || lower == "utf-8" || lower == "unicode" || lower == "utf_8")
        return "UTF8";
      return Bad(row.name, value);
    case Form::kDateStyle: {
      if (lower.starts_with("iso")) {
        for (const std::string_view order : {"dmy", "ymd"}) {
          if (lower.find(order) != std::string::npos)
            return "ISO, " + std::string(order == "dmy" ? "DMY" : "YMD");
        }
        return "ISO, MDY";
      }
      return Bad(row.name, value);
    }
    case Form::kSeed: {
      double seed = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seed);
      if (error != std::errc() || end != value.data() + value.size() || !(seed >= 0 && seed <= 1))
        return Bad(row.name, value);
      break;
    }
    case Form::kText:
      break;
  }
  return std::string(value);
}

std::unexpected<Error> Unknown(std::string_view name) {
  return Fail(ErrorKind::kUndefinedObjectSetting,
              "unrecognized configuration parameter \"" + std::string(name) + "\"");
}

}  // namespace

Settings::Settings(const ipc::Settings& start, std::string_view user, bool superuser) {
  for (const Row& row : kRows) values_.emplace(row.name, row.initial);
  values_["session_authorization"] = user;
  values_["is_superuser"] = superuser ? "on" : "off";
  // A start-up packet may carry anything; what is unknown or malformed there does not keep a client
  // out.
  for (const auto& [name, value] : start) {
    const Row* row = Find(Lower(name));
    if (!row || row->read_only) continue;
    if (auto canonical = Canonical(*row, value)) values_[std::string(row->name)] = *canonical;
  }
  start_ = values_;
}

Result<std::string> Settings::Get(std::string_view name) const {
  const auto it = values_.find(Lower(name));
  if (it == values_.end()) return Unknown(name);
  return it->second;
}

void Settings::Put(const std::string& name, std::string value) {
  auto& slot = values_[name];
  const Row* row = Find(name);
  if (slot == value && !(row && row->form == Form::kSeed)) return;  // the same seed begins anew
  slot = std::move(value);
  // The worker acts on some, and CURRENT_SETTING reads them all.
  if (std::ranges::find(worker_changes_, name) == worker_changes_.end())
    worker_changes_.push_back(name);
  if (!row) return;
  if (!row->reported.empty() &&
      std::ranges::find(reported_changes_, name) == reported_changes_.end()) {
    reported_changes_.push_back(name);
  }
}

Result<void> Settings::Set(std::string_view name, std::string_view value, bool local) {
  const std::string key = Lower(name);
  const Row* row = Find(key);
  // The gateway holds them, twice within a transaction.
  if (value.size() > kMaxValueBytes)
    return Fail(ErrorKind::kPayloadTooLarge, "the value of a parameter can have 64 KB at most");
  if (!row) {
    // Custom settings have a class, as in PostgreSQL: "app.tenant".
    if (key.find('.') == std::string::npos) return Unknown(name);
    if (!values_.contains(key) && values_.size() >= std::size(kRows) + kMaxCustomSettings)
      return Fail(ErrorKind::kPayloadTooLarge, "a session can have 100 parameters of its own");
    if (local && !in_transaction_) return {};
    if (local && !before_local_.contains(key)) before_local_[key] = values_[key];
    if (!local) before_local_.erase(key);
    Put(key, std::string(value));
    return {};
  }
  if (row->read_only) {
    return Fail(ErrorKind::kUndefinedObjectSetting, "parameter \"" + key + "\" cannot be changed");
  }
  SKEP_TRY_ASSIGN(auto canonical, Canonical(*row, value));
  if (local && !in_transaction_) return {};  // as PostgreSQL: no effect outside a transaction
  if (local && !before_local_.contains(key)) before_local_[key] = values_[key];
  if (!local) before_local_.erase(key);
  Put(key, std::move(canonical));
  return {};
}

Result<void> Settings::Reset(std::string_view name) {
  const std::string key = Lower(name);
  if (!values_.contains(key)) return Unknown(name);
  const auto it = start_.find(key);
  Put(key, it == start_.end() ? "" : it->second);
  return {};
}

void Settings::ResetAll() {
  for (const auto& [name, value] : start_) Put(name, value);
}

std::vector<std::pair<std::string, std::string>> Settings::All() const {
  return {values_.begin(), values_.end()};
}

void Settings::BeginTransaction() {
  in_transaction_ = true;
  at_begin_ = values_;
  before_local_.clear();
}

void Settings::EndTransaction(bool commit) {
  if (!in_transaction_) return;
  in_transaction_ = false;
  if (!commit) {
    for (auto& [name, value] : values_) {
      if (!at_begin_.contains(name)) at_begin_[name] = "";  // made within it
    }
  }
  const auto& back = commit ? before_local_ : at_begin_;
  for (const auto& [name, value] : std::map(back)) Put(name, value);
  before_local_.clear();
  at_begin_.clear();
}

ipc::Settings Settings::TakeWorkerChanges() {
  ipc::Settings out;
  for (const auto& name : std::exchange(worker_changes_, {})) out.emplace_back(name, values_[name]);
  return out;
}

ipc::Settings Settings::ForWorker() {
  worker_changes_.clear();
  ipc::Settings out;
  for (const auto& [name, value] : values_) out.emplace_back(name, value);
  return out;
}

ipc::Settings Settings::TakeReportedChanges() {
  ipc::Settings out;
  for (const auto& name : std::exchange(reported_changes_, {}))
    out.emplace_back(Find(name)->reported, values_[name]);
  return out;
}

ipc::Settings Settings::Reported() const {
  ipc::Settings out;
  for (const Row& row : kRows) {
    if (!row.reported.empty()) out.emplace_back(row.reported, values_.find(row.name)->second);
  }
  return out;
}

uint64_t Settings::statement_timeout_ms() const {
  int64_t value = 0;
  return ParseInteger(values_.find("statement_timeout")->second, value)
             ? static_cast<uint64_t>(value)
             : 0;
}

}  // namespace skep::session
