// What system views and SHOW ask about a data catalog. A question is a JSON object, an answer a
// JSON object for each thing that the asker may see:
//   {"what":"databases"}                      name, location, parameters
//   {"what":"tables"} or with "table"         name, type, location, input, output, serde,
//                                             serde_parameters, compressed, parameters, columns and
//                                             keys ([[name, type], ...])
//   {"what":"partitions","table":...}         table, values, location, input, output, serde,
//   or without "table"                        serde_parameters, compressed, parameters
// Parameters are JSON texts. Reads only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/data_catalog.h"
#include "lake/lake_service.h"

namespace skep::catalog {

// Errors: kInvalidArgument (no such question), those of the store. A database that is not there has
// no tables.
Result<std::vector<std::string>> AnswerQuestion(DataCatalog& catalog, std::string_view database,
                                                std::string_view question, const lake::MayAct& may);

}  // namespace skep::catalog
