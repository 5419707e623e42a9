// Time zones by the names that SQL gives them: IANA names, abbreviations, POSIX forms. A zone is a
// table of its changes, read once from the engine's own zone data, so that a conversion costs a
// search and no call.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/functions/registrar.h"

namespace skep::worker {

class Zone {
 public:
  // `name` as CONVERT_TIMEZONE, AT TIME ZONE and text of timestamps give it, any case: a name of
  // the IANA database, an abbreviation (a fixed offset), or POSIX form, where hours count west
  // ("PST8", "PST8PDT", "GMT+2"). Nothing when it is none of these. Without a context, names of the
  // database are unknown. Source: developer guide, CONVERT_TIMEZONE, time zone usage notes.
  static std::shared_ptr<const Zone> Find(duckdb::ClientContext* context, std::string_view name);
  // Throws `time zone "x" not recognized` instead.
  static std::shared_ptr<const Zone> Get(duckdb::ClientContext& context, std::string_view name);
  // What the session's setting TimeZone means; UTC without a context.
  static std::shared_ptr<const Zone> OfSession(duckdb::ClientContext* context);
  static std::shared_ptr<const Zone> Fixed(int32_t seconds_east, std::string name);

  int32_t SecondsEastAt(int64_t utc_micros) const;
  int64_t ToLocal(int64_t utc_micros) const;
  // Of a clock that shows a time twice, the later instant; one that skips it runs on unchanged.
  int64_t ToUtc(int64_t local_micros) const;
  // As clocks show it: "UTC", "EDT"; "+03" for a zone without a name of its own for its time.
  std::string NameAt(int64_t utc_micros) const;
  bool fixed() const { return changes_.empty(); }

  struct Change {
    int64_t at;  // microseconds since 1970-01-01 UTC
    int32_t seconds_east;
  };
  // `changes` in order of time; the rules after the last repeat those of 2038 to 2065.
  Zone(std::string name, int32_t first_seconds_east, std::vector<Change> changes);

 private:
  std::string name_;
  int32_t first_seconds_east_;
  std::vector<Change> changes_;
};

// Takes the engine's zone data. Call before anything of time is registered.
void RegisterTimeZones(Registrar& registrar);

// The session's zone, for functions whose result depends on it.
struct SessionZone : duckdb::FunctionLocalState {
  explicit SessionZone(duckdb::ClientContext* context)
      : context(context), zone(Zone::OfSession(context)) {}
  duckdb::ClientContext* context;
  std::shared_ptr<const Zone> zone;

  static duckdb::unique_ptr<duckdb::FunctionLocalState> Init(
      duckdb::ExpressionState& state, const duckdb::BoundFunctionExpression& expression,
      duckdb::FunctionData* data);
  static duckdb::unique_ptr<duckdb::FunctionLocalState> InitCast(
      duckdb::CastLocalStateParameters& parameters);
  static const Zone& Of(duckdb::ExpressionState& state);
};

// Remembers the zone of the last name asked for: columns of names repeat.
class ZoneMemo {
 public:
  explicit ZoneMemo(duckdb::ClientContext& context) : context_(context) {}
  // Throws for an unknown name.
  const Zone& operator[](std::string_view name) {
    if (!zone_ || name_ != name) {
      zone_ = Zone::Get(context_, name);
      name_ = name;
    }
    return *zone_;
  }

 private:
  duckdb::ClientContext& context_;
  std::string name_;
  std::shared_ptr<const Zone> zone_;
};

}  // namespace skep::worker
