// GEOMETRY and GEOGRAPHY from text and bytes, to the wire's text, and to each other.
#include <duckdb/common/operator/cast_operators.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>

#include "worker/functions/spatial/chapters.h"
#include "worker/functions/spatial/geography.h"
#include "worker/functions/text_view.h"
#include "worker/functions/types.h"

namespace skep::worker::spatial {
namespace {

using duckdb::string_t;

// A cast whose errors are the value's, so that TRY_CAST gives NULL.
template <auto Convert>
bool CastRows(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count,
              duckdb::CastParameters& parameters) {
  bool all = true;
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
      source, result, count,
      [&](const string_t& text, duckdb::ValidityMask& validity, duckdb::idx_t row) {
        try {
          const std::string bytes = Convert(View(text));
          return duckdb::StringVector::AddStringOrBlob(result, bytes.data(), bytes.size());
        } catch (const duckdb::InvalidInputException& error) {
          if (all)
            duckdb::HandleCastError::AssignError(duckdb::ErrorData(error).RawMessage(), parameters);
          all = false;
          validity.SetInvalid(row);
          return string_t();
        }
      });
  return all;
}

std::string GeometryFromText(std::string_view text) { return WriteStored(ParseAny(text)); }
std::string GeographyFromText(std::string_view text) {
  return WriteStored(ToGeography(ParseAny(text)));
}
std::string GeometryFromBytes(std::string_view bytes) { return WriteStored(ReadEwkb(bytes)); }
std::string GeographyFromBytes(std::string_view bytes) {
  return WriteStored(ToGeography(ReadEwkb(bytes)));
}
// Redshift shows values as extended EWKB in upper-case hexadecimal.
std::string ToText(std::string_view bytes) {
  return UpperHex(WriteBinary(ReadEwkb(bytes), BinaryForm::kExtendedEwkb));
}
std::string Same(std::string_view bytes) { return std::string(bytes); }

}  // namespace

void RegisterTypesAndCasts(Registrar& registrar) {
  const auto geometry = GeometryType(), geography = GeographyType();
  const auto text = duckdb::LogicalType::VARCHAR, bytes = duckdb::LogicalType::BLOB;
  duckdb::ExtensionLoader loader(registrar.instance(), "skep");
  loader.RegisterType("rs_geometry", geometry);
  loader.RegisterType("rs_geography", geography);
  constexpr int64_t kExplicit = -1, kImplicit = 50;
  registrar.Cast(text, geometry, CastRows<&GeometryFromText>, kExplicit);
  registrar.Cast(text, geography, CastRows<&GeographyFromText>, kExplicit);
  registrar.Cast(geometry, text, CastRows<&ToText>, kExplicit);
  registrar.Cast(geography, text, CastRows<&ToText>, kExplicit);
  registrar.Cast(bytes, geometry, CastRows<&GeometryFromBytes>, kExplicit);
  registrar.Cast(bytes, geography, CastRows<&GeographyFromBytes>, kExplicit);
  registrar.Cast(geometry, bytes, CastRows<&Same>, kExplicit);
  registrar.Cast(geography, bytes, CastRows<&Same>, kExplicit);
  registrar.Cast(geometry, geography, CastRows<&GeographyFromBytes>, kImplicit);
  registrar.Cast(geography, geometry, CastRows<&Same>, kImplicit);
}

}  // namespace skep::worker::spatial
