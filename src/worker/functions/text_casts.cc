#include "worker/functions/text_casts.h"

#include <duckdb/common/vector_operations/unary_executor.hpp>

#include "worker/pg_format.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;

constexpr size_t kLongest = 96;  // of any of the texts here

char* Put(char* p, float v) { return PutFloat(p, v); }
char* Put(char* p, double v) { return PutFloat(p, v); }
char* Put(char* p, duckdb::date_t v) { return PutDate(p, v.days); }
char* Put(char* p, duckdb::timestamp_t v) { return PutTimestamp(p, v.value); }
char* Put(char* p, const duckdb::interval_t& v) {
  return PutInterval(p, v.months, v.days, v.micros);
}

template <class T>
bool ToText(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
            duckdb::CastParameters&) {
  duckdb::UnaryExecutor::Execute<T, duckdb::string_t>(source, result, count, [&](const T& value) {
    char text[kLongest + kFormatSlack];
    const char* end = Put(text, value);
    return duckdb::StringVector::AddString(result, text, static_cast<duckdb::idx_t>(end - text));
  });
  return true;
}

template <class T>
void Add(Registrar& registrar, const LogicalType& type) {
  registrar.Cast(type, LogicalType::VARCHAR, ToText<T>, -1);
}

}  // namespace

void RegisterTextCasts(Registrar& registrar) {
  Add<float>(registrar, LogicalType::FLOAT);
  Add<double>(registrar, LogicalType::DOUBLE);
  Add<duckdb::date_t>(registrar, LogicalType::DATE);
  Add<duckdb::timestamp_t>(registrar, LogicalType::TIMESTAMP);
  Add<duckdb::interval_t>(registrar, LogicalType::INTERVAL);
}

}  // namespace skep::worker
