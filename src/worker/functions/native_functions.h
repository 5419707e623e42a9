// Lets a function of ours stand for one of the engine's once its types are known. Only for bind
// callbacks.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/aggregate_function.hpp>
#include <string>

#include "worker/functions/registrar.h"

namespace skep::worker {

// Makes `function` the engine's aggregate of that name for these arguments, which become its
// argument types; the binder casts to them.
duckdb::unique_ptr<duckdb::FunctionData> BindAsNative(duckdb::ClientContext& context,
                                                      duckdb::AggregateFunction& function,
                                                      const std::string& name,
                                                      duckdb::vector<duckdb::LogicalType> types,
                                                      Arguments& arguments);

// The call name(children...) of the engine's scalar function; the error is a BinderException.
duckdb::unique_ptr<duckdb::Expression> CallNative(duckdb::ClientContext& context,
                                                  const std::string& name, Arguments children);

duckdb::unique_ptr<duckdb::Expression> CastTo(duckdb::ClientContext& context,
                                              duckdb::unique_ptr<duckdb::Expression> expression,
                                              const duckdb::LogicalType& type);

}  // namespace skep::worker
