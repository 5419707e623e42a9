#include "worker/functions/single_match.h"

#include <duckdb/common/vector_operations/binary_executor.hpp>

namespace skep::worker {

using duckdb::LogicalType;

void RegisterSingleMatch(Registrar& registrar) {
  duckdb::ScalarFunction function(
      "rs_single_match", {LogicalType::BIGINT, LogicalType::BIGINT}, LogicalType::BIGINT,
      [](duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
        duckdb::BinaryExecutor::Execute<int64_t, int64_t, int64_t>(
            arguments.data[0], arguments.data[1], result, arguments.size(),
            [](int64_t row, int64_t matches) {
              if (matches > 1)
                throw duckdb::InvalidInputException(
                    "Found multiple matches to update the same tuple.");
              return row;
            });
      });
  function.SetFallible();
  registrar.Add(std::move(function));
}

}  // namespace skep::worker
