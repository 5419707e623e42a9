// Which objects of a table are read for their schema, and what came of it: samples that are known
// from earlier crawls are not read again.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/crawler/evidence.h"
#include "catalog/crawler/inferrer.h"
#include "catalog/crawler/listing.h"
#include "catalog/crawler/plan.h"
#include "catalog/crawler/settings.h"
#include "control/crawl_store.h"

namespace skep::catalog {

class Sampler {
 public:
  // `known` are the samples of earlier crawls, `stopped` is asked before each read.
  Sampler(const CrawlSettings& settings, Inferrer& inferrer,
          const identity::Credentials& credentials, std::vector<control::KnownSample> known,
          const SeenFolders& before, size_t samples_per_table,
          std::function<Result<void>()> stopped);

  // The samples of a table: those known, and those read now. Reads every new object of it up to the
  // limits, and some of all when none is known.
  Result<std::vector<SampleEvidence>> SamplesOf(const Target& target, const PlannedTable& table);

  uint64_t reads() const { return reads_; }
  // What is known now that was not before, and known objects that are no longer there.
  std::vector<control::KnownSample> Learned() const { return learned_; }
  std::vector<control::KnownSample> Outdated(const SeenFolders& now) const;

 private:
  Result<SampleEvidence> Read(const Target& target, const lake::ObjectInfo& object,
                              const ipc::FileKind& kind);
  const control::KnownSample* Known(const std::string& bucket,
                                    const lake::ObjectInfo& object) const;
  bool SeenBefore(const std::string& bucket, const lake::ObjectInfo& object) const;

  const CrawlSettings& settings_;
  Inferrer& inferrer_;
  const identity::Credentials& credentials_;
  std::map<std::pair<std::string, std::string>, control::KnownSample> known_;  // by bucket, key
  const SeenFolders& before_;
  const size_t samples_per_table_;
  const std::function<Result<void>()> stopped_;
  std::vector<control::KnownSample> learned_;
  uint64_t reads_ = 0;
};

}  // namespace skep::catalog
