#include "worker/functions/datetime_casts.h"

#include <duckdb/common/operator/cast_operators.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>

#include "worker/functions/ascii.h"
#include "worker/functions/calendar.h"
#include "worker/functions/datetime_text.h"
#include "worker/functions/interval_text.h"
#include "worker/functions/session_clock.h"
#include "worker/functions/text_view.h"
#include "worker/functions/time_zone.h"
#include "worker/pg_format.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::string_t;

bool Digits(const char* p, int count, int& value) {
  value = 0;
  for (int i = 0; i < count; i++) {
    const auto digit = static_cast<unsigned char>(p[i] - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  return true;
}

// Exactly YYYY-MM-DD of a day that exists.
bool IsoDay(const char* p, int64_t& day) {
  int y, m, d;
  if (p[4] != '-' || p[7] != '-' || !Digits(p, 4, y) || !Digits(p + 5, 2, m) ||
      !Digits(p + 8, 2, d))
    return false;
  if (y < 1 || m < 1 || m > 12 || d < 1 || d > DaysInMonth(y, m)) return false;
  day = DayNumber(y, m, d);
  return true;
}

// HH:MM:SS and up to six digits of a fraction, to the end of the text.
bool IsoTime(std::string_view text, int64_t& micros) {
  int h, m, s;
  if (text.size() < 8 || text[2] != ':' || text[5] != ':' || !Digits(text.data(), 2, h) ||
      !Digits(text.data() + 3, 2, m) || !Digits(text.data() + 6, 2, s))
    return false;
  if (h > 23 || m > 59 || s > 59) return false;
  micros = h * kMicrosPerHour + m * kMicrosPerMinute + s * kMicrosPerSecond;
  if (text.size() == 8) return true;
  if (text[8] != '.' || text.size() > 15) return false;
  int64_t unit = 100'000;
  for (size_t i = 9; i < text.size(); i++, unit /= 10) {
    const auto digit = static_cast<unsigned char>(text[i] - '0');
    if (digit > 9) return false;
    micros += digit * unit;
  }
  return true;
}

bool IsoTimestamp(std::string_view text, int64_t& instant) {
  int64_t day, time = 0;
  if (text.size() < 10 || !IsoDay(text.data(), day)) return false;
  if (text.size() > 10) {
    if ((text[10] != ' ' && text[10] != 'T') || !IsoTime(text.substr(11), time)) return false;
  }
  instant = day * kMicrosPerDay + time;
  return true;
}

struct Conversion {
  duckdb::ClientContext* context;
  const Zone* zone;

  int64_t NowUtc() const { return TransactionStart(context); }
  // The clock that the session shows, for words such as "today".
  int64_t Local(const DatetimeText& text) const {
    using enum DatetimeText::Special;
    const int64_t now = zone->ToLocal(NowUtc()), today = DayOf(now);
    switch (text.special) {
      case kNow:
        return now;
      case kToday:
        return today * kMicrosPerDay + text.micros;
      case kTomorrow:
        return (today + 1) * kMicrosPerDay + text.micros;
      case kYesterday:
        return (today - 1) * kMicrosPerDay + text.micros;
      case kEpoch:
        return text.micros;
      case kNone:
        break;
    }
    return text.local();
  }
  int64_t Utc(const DatetimeText& text) const {
    using enum DatetimeText::Special;
    if (text.special == kEpoch) return 0;
    const int64_t local = Local(text);
    if (text.special != kNone || !text.has_zone) return zone->ToUtc(local);
    if (text.zone) return text.zone->ToUtc(local);
    return AddMicros(local, -text.seconds_east * kMicrosPerSecond);
  }
};

struct ToDate {
  using Type = duckdb::date_t;
  static constexpr TextKind kKind = TextKind::kDate;
  static constexpr const char* kName = "date";
  static bool Fast(std::string_view text, const Conversion&, Type& result) {
    int64_t day;
    if (text.size() != 10 || !IsoDay(text.data(), day)) return false;
    result = duckdb::date_t(static_cast<int32_t>(day));
    return true;
  }
  static Type Make(const DatetimeText& text, const Conversion& conversion) {
    // A day before the first whole microsecond is still a day.
    if (text.special == DatetimeText::Special::kNone) return DateOf(text.day);
    return DateOf(DayOf(conversion.Local(text)));
  }
};

struct ToTimestamp {
  using Type = duckdb::timestamp_t;
  static constexpr TextKind kKind = TextKind::kTimestamp;
  static constexpr const char* kName = "timestamp";
  static bool Fast(std::string_view text, const Conversion&, Type& result) {
    return IsoTimestamp(text, result.value);
  }
  static Type Make(const DatetimeText& text, const Conversion& conversion) {
    return Type(conversion.Local(text));  // a zone in the text is ignored
  }
};

struct ToTimestampTz {
  using Type = duckdb::timestamp_t;
  static constexpr TextKind kKind = TextKind::kTimestamp;
  static constexpr const char* kName = "timestamp with time zone";
  static bool Fast(std::string_view text, const Conversion& conversion, Type& result) {
    int64_t east = 0;
    bool zoned = false;
    if (text.size() > 19) {
      const char sign = text[text.size() - 3];
      int hours;
      if ((sign == '+' || sign == '-') && Digits(text.data() + text.size() - 2, 2, hours) &&
          hours <= 15) {
        east = (sign == '-' ? -hours : hours) * kMicrosPerHour;
        text.remove_suffix(3);
        zoned = true;
      }
    }
    if (!IsoTimestamp(text, result.value)) return false;
    result.value = zoned ? result.value - east : conversion.zone->ToUtc(result.value);
    return true;
  }
  static Type Make(const DatetimeText& text, const Conversion& conversion) {
    return Type(conversion.Utc(text));
  }
};

struct ToTime {
  using Type = duckdb::dtime_t;
  static constexpr TextKind kKind = TextKind::kTime;
  static constexpr const char* kName = "time";
  static bool Fast(std::string_view text, const Conversion&, Type& result) {
    return IsoTime(text, result.micros);
  }
  static Type Make(const DatetimeText& text, const Conversion& conversion) {
    if (text.special == DatetimeText::Special::kNow) return Type(TimeOf(conversion.Local(text)));
    return Type(text.micros);
  }
};

struct ToTimeTz {
  using Type = duckdb::dtime_tz_t;
  static constexpr TextKind kKind = TextKind::kTime;
  static constexpr const char* kName = "time with time zone";
  static bool Fast(std::string_view, const Conversion&, Type&) { return false; }
  static Type Make(const DatetimeText& text, const Conversion& conversion) {
    if (text.has_zone && !text.zone) return Type(duckdb::dtime_t(text.micros), text.seconds_east);
    // Rules of a zone need a day: the text's own, or today.
    const Zone& zone = text.zone ? *text.zone : *conversion.zone;
    const bool now = text.special == DatetimeText::Special::kNow;
    const int64_t local = now || !text.has_date ? conversion.zone->ToLocal(conversion.NowUtc())
                                                : text.day * kMicrosPerDay;
    const int64_t time = now ? TimeOf(local) : text.micros;
    const int64_t utc = zone.ToUtc(DayOf(local) * kMicrosPerDay + time);
    return Type(duckdb::dtime_t(time), zone.SecondsEastAt(utc));
  }
};

std::string Message(TextError error, const char* type, std::string_view text) {
  std::string shown(text.substr(0, 256));
  switch (error) {
    case TextError::kFieldRange:
      return "date/time field value out of range: \"" + shown + "\"";
    case TextError::kZoneRange:
      return "time zone displacement out of range: \"" + shown + "\"";
    case TextError::kUnknownZone:
      return "time zone of \"" + shown + "\" not recognized";
    case TextError::kSyntax:
    case TextError::kNone:
      break;
  }
  return "invalid input syntax for type " + std::string(type) + ": \"" + shown + "\"";
}

// read(text, value) answers what is wrong with the text, or nothing. Where the statement asks for
// NULL instead of an error (TRY_CAST), `parameters` says so.
template <class Value, class Read>
bool ReadEach(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
              duckdb::CastParameters& parameters, Read read) {
  bool all = true;
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, Value>(
      source, result, count,
      [&](const string_t& text, duckdb::ValidityMask& valid, duckdb::idx_t row) {
        Value value{};
        const std::string error = read(View(text), value);
        if (error.empty()) return value;
        duckdb::HandleCastError::AssignError(error, parameters);
        valid.SetInvalid(row);
        all = false;
        return value;
      });
  return all;
}

template <class To>
bool FromText(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
              duckdb::CastParameters& parameters) {
  using Value = typename To::Type;
  const auto& session = parameters.local_state->Cast<SessionZone>();
  const Conversion conversion{session.context, session.zone.get()};
  return ReadEach<Value>(source, result, count, parameters,
                         [&](std::string_view text, Value& value) {
                           if (To::Fast(text, conversion, value)) return std::string();
                           DatetimeText read;
                           TextError error = ReadDatetime(text, To::kKind, session.context, read);
                           if (error == TextError::kNone) {
                             try {
                               value = To::Make(read, conversion);
                               return std::string();
                             } catch (const duckdb::ConversionException&) {
                               error = TextError::kFieldRange;
                             }
                           }
                           return Message(error, To::kName, text);
                         });
}

bool ToInterval(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
                duckdb::CastParameters& parameters) {
  return ReadEach<duckdb::interval_t>(
      source, result, count, parameters, [](std::string_view text, duckdb::interval_t& value) {
        const auto error = ReadInterval(text, IntervalFields(), value);
        return error == IntervalError::kNone ? std::string() : IntervalMessage(error, text);
      });
}

// A prefix of true, false, yes or no, or 1 or 0, between blanks. Source: developer guide, "Boolean
// type".
bool ReadBoolean(std::string_view text, bool& value) {
  text = WithoutBlanks(text);
  if (text.empty()) return false;
  static constexpr std::pair<std::string_view, bool> kWords[] = {
      {"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"1", true}, {"0", false}};
  for (const auto& [word, meaning] : kWords) {
    if (text.size() > word.size() || !EqualsNoCase(text, word.substr(0, text.size()))) continue;
    value = meaning;
    return true;
  }
  return false;
}

bool ToBoolean(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
               duckdb::CastParameters& parameters) {
  return ReadEach<bool>(source, result, count, parameters, [](std::string_view text, bool& value) {
    if (ReadBoolean(text, value)) return std::string();
    return "invalid input syntax for type boolean: \"" + std::string(text) + "\"";
  });
}

constexpr size_t kLongestText = 96;  // of any date, time or interval

bool TimestampTzToText(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
                       duckdb::CastParameters& parameters) {
  const Zone& zone = *parameters.local_state->Cast<SessionZone>().zone;
  duckdb::UnaryExecutor::Execute<int64_t, string_t>(source, result, count, [&](int64_t utc) {
    char text[kLongestText + kFormatSlack];
    const int32_t east = zone.SecondsEastAt(utc);
    const char* end = PutTimestamp(text, utc + east * kMicrosPerSecond, true, east);
    return duckdb::StringVector::AddString(result, text, static_cast<size_t>(end - text));
  });
  return true;
}

char* Put(char* p, duckdb::date_t v) { return PutDate(p, v.days); }
char* Put(char* p, duckdb::timestamp_t v) { return PutTimestamp(p, v.value); }
char* Put(char* p, duckdb::interval_t v) { return PutInterval(p, v.months, v.days, v.micros); }

template <class T>
bool ToText(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
            duckdb::CastParameters&) {
  duckdb::UnaryExecutor::Execute<T, string_t>(source, result, count, [&](T value) {
    char text[kLongestText + kFormatSlack];
    const char* end = Put(text, value);
    return duckdb::StringVector::AddString(result, text, static_cast<size_t>(end - text));
  });
  return true;
}

template <class To>
duckdb::BoundCastInfo InSession() {
  return {FromText<To>, nullptr, SessionZone::InitCast};
}

}  // namespace

void RegisterDatetimeCasts(Registrar& registrar) {
  const auto text = LogicalType::VARCHAR;
  registrar.CastFirst(text, LogicalType::DATE, InSession<ToDate>());
  registrar.CastFirst(text, LogicalType::TIMESTAMP, InSession<ToTimestamp>());
  registrar.CastFirst(text, LogicalType::TIMESTAMP_TZ, InSession<ToTimestampTz>());
  registrar.CastFirst(text, LogicalType::TIME, InSession<ToTime>());
  registrar.CastFirst(text, LogicalType::TIME_TZ, InSession<ToTimeTz>());
  registrar.CastFirst(text, LogicalType::INTERVAL, duckdb::BoundCastInfo(ToInterval));
  registrar.CastFirst(text, LogicalType::BOOLEAN, duckdb::BoundCastInfo(ToBoolean));
  registrar.CastFirst(LogicalType::TIMESTAMP_TZ, text,
                      {TimestampTzToText, nullptr, SessionZone::InitCast});
  registrar.CastFirst(LogicalType::INTERVAL, text,
                      duckdb::BoundCastInfo(ToText<duckdb::interval_t>));
  constexpr int64_t kExplicit = -1;
  registrar.Cast(LogicalType::DATE, text, duckdb::BoundCastInfo(ToText<duckdb::date_t>), kExplicit);
  registrar.Cast(LogicalType::TIMESTAMP, text, duckdb::BoundCastInfo(ToText<duckdb::timestamp_t>),
                 kExplicit);
}

}  // namespace skep::worker
