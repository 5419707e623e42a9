// One crawl: lists a crawler's targets with its role's credentials, has samples inferred, and
// writes tables and partitions into the control store in the Glue API's JSON shapes, as the
// service's crawlers do. Running it again changes only what changed and reads only what is new.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "catalog/crawler/inferrer.h"
#include "control/store.h"
#include "identity/role_chain.h"
#include "lake/object_store.h"

namespace skep::catalog {

struct CrawlOptions {
  size_t max_objects = 1'000'000;  // per target
  // New files read of a table, where the target has no SampleSize.
  size_t samples_per_table = 100;
  // The service types every partition key "string"; here keys whose values are all numbers or dates
  // are typed so.
  bool infer_partition_types = true;
  // Look only into folders that events named; for crawlers of event mode that have seen all once.
  bool changes_only = false;
  bool dry_run = false;  // change nothing; the evidence says what would be changed
};

struct CrawlSummary {
  uint64_t tables_created = 0, tables_updated = 0, tables_deleted = 0, partitions_written = 0,
           tables_unchanged = 0;
  // JSON: {"Mode", "DryRun", "Targets": [{"Path", "Objects", "Hidden", "Requests"}], "Reads",
  // "Classifiers": [...], "Tables": [{"Table", "Location", "Format", "Classifier", "Compression",
  // "Objects", "Bytes", "Grouping", "PartitionKeys", "Samples"}], "NoTable": [...],
  // "Changes": [{"Change", "Table", ...}]}; see evidence.h.
  std::string evidence;
};

// The account that a crawler's Role belongs to must be its own: a role name is completed, a foreign
// ARN is kInvalidRole.
Result<std::string> RoleArnOf(const std::string& account, const std::string& role);

// Runs a crawl; `stopped` is asked between steps and ends it with kQueryCanceled. Errors: those of
// roles, object store and control store; kInvalidArgument for a crawler without usable targets or
// with more tables than its TableThreshold.
Result<CrawlSummary> RunCrawl(const control::Crawler& crawler, control::Store& store,
                              const identity::RoleChainResolver& roles, lake::ObjectStore& objects,
                              Inferrer& inferrer, const std::function<bool()>& stopped,
                              const CrawlOptions& options = {});

}  // namespace skep::catalog
