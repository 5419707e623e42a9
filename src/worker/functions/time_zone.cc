#include "worker/functions/time_zone.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/text.h"
#include "worker/functions/ascii.h"
#include "worker/functions/calendar.h"

namespace skep::worker {
namespace {

struct Abbreviation {
  std::string_view name;
  int32_t seconds_east;
};
constexpr Abbreviation kAbbreviations[] = {
#define SKEP_ABBREVIATION(name, seconds_east) {name, seconds_east},
#include "worker/functions/time_zone_abbreviations.def"
#undef SKEP_ABBREVIATION
};
static_assert(std::ranges::is_sorted(kAbbreviations, {}, &Abbreviation::name));

struct Clock {
  int32_t seconds_east;
  std::string_view name;
  int32_t summer_seconds_east;
  std::string_view summer_name;
  std::string_view zones;
};
constexpr Clock kClocks[] = {
#define SKEP_ZONE_CLOCK(seconds_east, name, summer_seconds_east, summer_name, zones) \
  {seconds_east, name, summer_seconds_east, summer_name, zones},
#include "worker/functions/time_zone_clocks.def"
#undef SKEP_ZONE_CLOCK
};

// The years that stand for all later ones: each weekday of the first of January, leap or not.
constexpr int64_t kFirstModelYear = 2038, kModelYears = 28;
constexpr int64_t kSampledFrom = DayNumber(1840, 1, 1) * kMicrosPerDay;
constexpr int64_t kSampledTo = DayNumber(kFirstModelYear + kModelYears + 1, 1, 1) * kMicrosPerDay;
constexpr int64_t kSampleStep = 14 * kMicrosPerDay;

// The engine's timezone(VARCHAR, TIMESTAMPTZ): the clock in a zone. The same in every instance.
duckdb::unique_ptr<duckdb::ScalarFunction>& EngineClock() {
  static duckdb::unique_ptr<duckdb::ScalarFunction> clock;
  return clock;
}

// Seconds east at each of the instants; throws for a zone that the engine does not know.
class Sampler {
 public:
  Sampler(duckdb::ClientContext& context, const std::string& name) : context_(context) {
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> children;
    children.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(name)));
    children.push_back(
        duckdb::make_uniq<duckdb::BoundReferenceExpression>(duckdb::LogicalType::TIMESTAMP_TZ, 0));
    auto function = *EngineClock();
    duckdb::unique_ptr<duckdb::FunctionData> data;
    if (function.HasBindCallback()) data = function.GetBindCallback()(context, function, children);
    clock_ = duckdb::make_uniq<duckdb::BoundFunctionExpression>(
        duckdb::LogicalType::TIMESTAMP, std::move(function), std::move(children), std::move(data));
  }
  std::vector<int32_t> At(const std::vector<int64_t>& instants) {
    std::vector<int32_t> offsets;
    offsets.reserve(instants.size());
    for (size_t from = 0; from < instants.size(); from += STANDARD_VECTOR_SIZE) {
      const size_t count = std::min<size_t>(STANDARD_VECTOR_SIZE, instants.size() - from);
      duckdb::DataChunk chunk;
      chunk.Initialize(duckdb::Allocator::DefaultAllocator(), {duckdb::LogicalType::TIMESTAMP_TZ});
      auto* in = duckdb::FlatVector::GetData<int64_t>(chunk.data[0]);
      std::copy_n(instants.begin() + static_cast<int64_t>(from), count, in);
      chunk.SetCardinality(count);
      duckdb::ExpressionExecutor executor(context_, *clock_);
      duckdb::Vector result(duckdb::LogicalType::TIMESTAMP);
      executor.ExecuteExpression(chunk, result);
      result.Flatten(count);
      const auto* out = duckdb::FlatVector::GetData<int64_t>(result);
      for (size_t i = 0; i < count; i++)
        offsets.push_back(static_cast<int32_t>((out[i] - in[i]) / kMicrosPerSecond));
    }
    return offsets;
  }

 private:
  duckdb::ClientContext& context_;
  duckdb::unique_ptr<duckdb::Expression> clock_;
};

std::shared_ptr<const Zone> Sample(duckdb::ClientContext& context, const std::string& name) {
  if (!EngineClock()) return nullptr;
  Sampler sampler(context, name);
  std::vector<int64_t> instants;
  for (int64_t at = kSampledFrom; at < kSampledTo; at += kSampleStep) instants.push_back(at);
  const std::vector<int32_t> offsets = sampler.At(instants);
  // Each change between two samples is narrowed down to its second, all of them at once.
  struct Span {
    int64_t before, after;
    int32_t old_offset, new_offset;
  };
  std::vector<Span> spans;
  for (size_t i = 1; i < instants.size(); i++) {
    if (offsets[i] != offsets[i - 1])
      spans.push_back({instants[i - 1], instants[i], offsets[i - 1], offsets[i]});
  }
  for (int64_t width = kSampleStep; width > kMicrosPerSecond; width = (width + 1) / 2) {
    std::vector<int64_t> middles;
    middles.reserve(spans.size());
    for (const Span& span : spans)
      middles.push_back(span.before +
                        (span.after - span.before) / 2 / kMicrosPerSecond * kMicrosPerSecond);
    const std::vector<int32_t> found = sampler.At(middles);
    for (size_t i = 0; i < spans.size(); i++) {
      if (found[i] == spans[i].old_offset) {
        spans[i].before = middles[i];
      } else {
        spans[i].after = middles[i];
      }
    }
  }
  std::vector<Zone::Change> changes;
  changes.reserve(spans.size());
  for (const Span& span : spans) changes.push_back({span.after, span.new_offset});
  return std::make_shared<const Zone>(name, offsets[0], std::move(changes));
}

// Zones of the engine by its own name for them; nothing when it has none.
std::shared_ptr<const Zone> OfEngine(duckdb::ClientContext& context, std::string_view name) {
  constexpr size_t kMostZones = 2000;  // statements may ask for any name
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Zone>> known;
  const std::string lower = Lower(name);
  {
    const std::lock_guard lock(mutex);
    const auto found = known.find(lower);
    if (found != known.end()) return found->second;
  }
  std::shared_ptr<const Zone> zone;
  try {
    zone = Sample(context, std::string(name));
  } catch (const duckdb::NotImplementedException&) {
  } catch (const duckdb::InvalidInputException&) {
  }
  const std::lock_guard lock(mutex);
  if (known.size() < kMostZones) known[lower] = zone;
  return zone;
}

struct Posix {
  std::string_view summer;
  int32_t seconds_west;
};

// STDoffset or STDoffsetDST; blanks may part name and offset.
std::optional<Posix> ReadPosix(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && (IsLetter(text[i]) || text[i] == '/' || text[i] == '_')) i++;
  while (i < text.size() && text[i] == ' ') i++;
  bool negative = false;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) negative = text[i++] == '-';
  std::array<int32_t, 3> parts = {0, 0, 0};
  for (size_t part = 0; part < parts.size(); part++) {
    const size_t start = i;
    while (i < text.size() && IsDigit(text[i]) && i - start < 3)
      parts[part] = parts[part] * 10 + (text[i++] - '0');
    if (i == start) return std::nullopt;
    if (part + 1 == parts.size() || i >= text.size() || text[i] != ':') break;
    i++;
  }
  if (parts[0] > 167 || parts[1] > 59 || parts[2] > 59) return std::nullopt;
  const int32_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
  const std::string_view summer = text.substr(i);
  if (!std::ranges::all_of(summer, IsLetter)) return std::nullopt;
  return Posix{summer, negative ? -seconds : seconds};
}

}  // namespace

Zone::Zone(std::string name, int32_t first_seconds_east, std::vector<Change> changes)
    : name_(std::move(name)),
      first_seconds_east_(first_seconds_east),
      changes_(std::move(changes)) {}

std::shared_ptr<const Zone> Zone::Fixed(int32_t seconds_east, std::string name) {
  return std::make_shared<const Zone>(std::move(name), seconds_east, std::vector<Change>());
}

std::shared_ptr<const Zone> Zone::Find(duckdb::ClientContext* context, std::string_view name) {
  name = WithoutBlanks(name);
  if (name.empty() || name.size() > 64) return nullptr;
  const std::string lower = Lower(name);
  const auto* const abbreviation =
      std::ranges::lower_bound(kAbbreviations, lower, {}, &Abbreviation::name);
  if (abbreviation != std::end(kAbbreviations) && abbreviation->name == lower) {
    std::string shown(name);
    for (char& c : shown) c = UpperLetter(c);
    return Fixed(abbreviation->seconds_east, std::move(shown));
  }
  if (!lower.starts_with("etc/")) {
    if (const auto posix = ReadPosix(name)) {
      if (posix->summer.empty() || !context) return Fixed(-posix->seconds_west, "");
      // The database knows some of these; others follow the rules of the United States.
      if (auto known = OfEngine(*context, name)) return known;
      const auto model = OfEngine(*context, "America/New_York");
      if (!model) return Fixed(-posix->seconds_west, "");
      constexpr int32_t kModelWest = 5 * 3600;
      const int32_t later = posix->seconds_west - kModelWest;
      std::vector<Change> changes = model->changes_;
      for (Change& change : changes) {
        change.at += later * kMicrosPerSecond;
        change.seconds_east -= later;
      }
      return std::make_shared<const Zone>("", model->first_seconds_east_ - later,
                                          std::move(changes));
    }
  }
  return context ? OfEngine(*context, name) : nullptr;
}

std::shared_ptr<const Zone> Zone::Get(duckdb::ClientContext& context, std::string_view name) {
  auto zone = Find(&context, name);
  if (!zone)
    throw duckdb::InvalidInputException("time zone \"%s\" not recognized", std::string(name));
  return zone;
}

std::shared_ptr<const Zone> Zone::OfSession(duckdb::ClientContext* context) {
  static const std::shared_ptr<const Zone> utc = Fixed(0, "UTC");
  if (!context) return utc;
  duckdb::Value setting;
  if (!context->TryGetCurrentSetting("TimeZone", setting) || setting.IsNull()) return utc;
  const std::string name = setting.ToString();
  if (name == "UTC" || name == "Etc/UTC") return utc;
  auto zone = OfEngine(*context, name);
  return zone ? zone : utc;
}

int32_t Zone::SecondsEastAt(int64_t utc_micros) const {
  if (changes_.empty()) return first_seconds_east_;
  if (utc_micros >= kSampledTo - kMicrosPerDay) {
    const int64_t day = DayOf(utc_micros);
    const int64_t year = ToCalendar(day).year;
    // The model year with the same calendar.
    const int64_t first_day = DayNumber(year, 1, 1);
    int64_t model = kFirstModelYear;
    while (IsLeapYear(model) != IsLeapYear(year) ||
           DayOfWeek(DayNumber(model, 1, 1)) != DayOfWeek(first_day))
      model++;
    utc_micros -= (first_day - DayNumber(model, 1, 1)) * kMicrosPerDay;
  }
  const auto next = std::ranges::upper_bound(changes_, utc_micros, {}, &Change::at);
  return next == changes_.begin() ? first_seconds_east_ : (next - 1)->seconds_east;
}

int64_t Zone::ToLocal(int64_t utc_micros) const {
  return utc_micros + SecondsEastAt(utc_micros) * kMicrosPerSecond;
}

int64_t Zone::ToUtc(int64_t local_micros) const {
  if (changes_.empty()) return local_micros - first_seconds_east_ * kMicrosPerSecond;
  const int32_t before = SecondsEastAt(local_micros - kMicrosPerDay);
  const int32_t after = SecondsEastAt(local_micros + kMicrosPerDay);
  const int64_t earlier = local_micros - before * kMicrosPerSecond;
  const int64_t later = local_micros - after * kMicrosPerSecond;
  return before != after && SecondsEastAt(later) == after ? later : earlier;
}

std::string Zone::NameAt(int64_t utc_micros) const {
  if (changes_.empty() && !name_.empty() && std::ranges::all_of(name_, IsLetter)) return name_;
  const int32_t east = SecondsEastAt(utc_micros);
  const std::string lower = Lower(name_);
  for (const Clock& clock : kClocks) {
    if (clock.seconds_east != east && clock.summer_seconds_east != east) continue;
    const size_t at = (" " + std::string(clock.zones) + " ").find(" " + lower + " ");
    if (lower.empty() || at == std::string::npos) continue;
    return std::string(clock.seconds_east == east ? clock.name : clock.summer_name);
  }
  char text[16];
  const int32_t size = east < 0 ? -east : east;
  if (size % 3600 == 0) {
    std::snprintf(text, sizeof text, "%c%02d", east < 0 ? '-' : '+', size / 3600);
  } else {
    std::snprintf(text, sizeof text, "%c%02d%02d", east < 0 ? '-' : '+', size / 3600,
                  size / 60 % 60);
  }
  return text;
}

void RegisterTimeZones(Registrar& registrar) {
  auto& instance = registrar.instance();
  duckdb::ExtensionLoader loader(instance, "skep");
  const auto& functions = loader.GetFunction("timezone").functions.functions;
  static std::once_flag once;
  std::call_once(once, [&] {
    for (const auto& function : functions) {
      if (function.arguments ==
          duckdb::vector<duckdb::LogicalType>{duckdb::LogicalType::VARCHAR,
                                              duckdb::LogicalType::TIMESTAMP_TZ})
        EngineClock() = duckdb::make_uniq<duckdb::ScalarFunction>(function);
    }
  });
}

duckdb::unique_ptr<duckdb::FunctionLocalState> SessionZone::Init(
    duckdb::ExpressionState& state, const duckdb::BoundFunctionExpression&, duckdb::FunctionData*) {
  return duckdb::make_uniq<SessionZone>(&state.GetContext());
}
duckdb::unique_ptr<duckdb::FunctionLocalState> SessionZone::InitCast(
    duckdb::CastLocalStateParameters& parameters) {
  return duckdb::make_uniq<SessionZone>(parameters.context.get());
}
const Zone& SessionZone::Of(duckdb::ExpressionState& state) {
  return *duckdb::ExecuteFunctionState::GetFunctionState(state)->Cast<SessionZone>().zone;
}

}  // namespace skep::worker
