#include "worker/functions/registrar.h"

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>
#include <utility>

namespace skep::worker {
namespace {

// The engine keeps the first cast that anyone registers for two types, and has no call to take it
// back; its list of binders, asked from the end, is private. This names the member without changing
// the engine.
template <auto kMember>
struct CastBinders {
  friend auto& BindersOf(duckdb::CastFunctionSet& set) { return set.*kMember; }
};
template struct CastBinders<&duckdb::CastFunctionSet::bind_functions>;
auto& BindersOf(duckdb::CastFunctionSet& set);

struct FirstCast : duckdb::BindCastInfo {
  FirstCast(duckdb::LogicalType from, duckdb::LogicalType to, duckdb::BoundCastInfo bound)
      : source(std::move(from)), target(std::move(to)), cast(std::move(bound)) {}
  duckdb::LogicalType source, target;
  duckdb::BoundCastInfo cast;
};

duckdb::BoundCastInfo BindFirst(duckdb::BindCastInput& input, const duckdb::LogicalType& source,
                                const duckdb::LogicalType& target) {
  const auto& first = input.info->Cast<FirstCast>();
  if (source.id() != first.source.id() || target.id() != first.target.id() || source.HasAlias() ||
      target.HasAlias())
    return nullptr;
  return first.cast.Copy();
}

}  // namespace

Registrar::Registrar(duckdb::DatabaseInstance& instance)
    : instance_(instance), loader_(instance, "skep") {}

void Registrar::Add(duckdb::ScalarFunction function) {
  loader_.RegisterFunction(std::move(function));
}
void Registrar::Add(duckdb::ScalarFunctionSet functions) {
  loader_.RegisterFunction(std::move(functions));
}
void Registrar::Add(duckdb::AggregateFunction function) {
  loader_.RegisterFunction(std::move(function));
}
void Registrar::Add(duckdb::AggregateFunctionSet functions) {
  loader_.RegisterFunction(std::move(functions));
}

void Registrar::Replace(duckdb::ScalarFunctionSet ours) {
  const auto& theirs = loader_.GetFunction(ours.name).functions;
  for (const auto& function : theirs.functions) {
    bool replaced = false;
    for (const auto& mine : ours.functions) replaced |= mine.arguments == function.arguments;
    if (!replaced) ours.AddFunction(function);
  }
  duckdb::CreateScalarFunctionInfo info(std::move(ours));
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  info.internal = true;
  auto& system = duckdb::Catalog::GetSystemCatalog(instance_);
  system.CreateFunction(duckdb::CatalogTransaction::GetSystemTransaction(instance_), info);
}

void Registrar::Cast(const duckdb::LogicalType& source, const duckdb::LogicalType& target,
                     duckdb::BoundCastInfo cast, int64_t cost) {
  duckdb::CastFunctionSet::Get(instance_).RegisterCastFunction(source, target, std::move(cast),
                                                               cost);
}
void Registrar::Cast(const duckdb::LogicalType& source, const duckdb::LogicalType& target,
                     duckdb::bind_cast_function_t bind, int64_t cost) {
  duckdb::CastFunctionSet::Get(instance_).RegisterCastFunction(source, target, bind, cost);
}

void Registrar::CastFirst(const duckdb::LogicalType& source, const duckdb::LogicalType& target,
                          const duckdb::BoundCastInfo& cast) {
  BindersOf(duckdb::CastFunctionSet::Get(instance_))
      .emplace_back(BindFirst, duckdb::make_uniq<FirstCast>(source, target, cast.Copy()));
}

}  // namespace skep::worker
