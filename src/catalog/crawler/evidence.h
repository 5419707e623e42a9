// Why a crawl decided as it did: one JSON document per crawl, kept with its history and shown by
// `skep crawl explain`. Bounded: of long lists it keeps the begin and the length.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catalog/crawler/plan.h"

namespace skep::catalog {

// An object whose schema was asked for, or known from before.
struct SampleEvidence {
  std::string key;
  uint64_t size = 0;
  bool read = false;  // else known from an earlier crawl
  std::string classifier;
  std::string error;  // empty = it has a schema
  ipc::InferReply schema;
  bool used = true;  // false: too unlike the others
};

// {"Files": [...], "FilesTotal": n, "Columns": [{"Name", "Type", "Votes": {type: n}, "Conflict"}]}:
// what the samples of a table said, and which type each column got.
nlohmann::json SamplesEvidence(const ipc::InferReply& schema,
                               const std::vector<SampleEvidence>& samples);
// [{"Name", "Type", "Values": n, "Examples": [...], "Reason"}] of a table's partition keys.
nlohmann::json PartitionEvidence(const PlannedTable& table, const nlohmann::json& keys);
// {"Added": [{Name, Type}], "Removed": [...], "Changed": [{"Name", "From", "To"}]} between two
// lists of Glue columns; null when they are the same.
nlohmann::json ColumnChanges(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace skep::catalog
