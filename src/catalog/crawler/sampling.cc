#include "catalog/crawler/sampling.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// Larger files are read only when there is nothing else.
constexpr uint64_t kMaxSampleBytes = 4ull << 30;
constexpr size_t kFewSamples = 4;        // fewer are made up to so many from objects seen before
constexpr size_t kMostSamples = 10'000;  // of a table, whatever SampleSize says

std::string TextOfSample(const SampleEvidence& sample) {
  const ipc::InferReply& schema = sample.schema;
  Json out = {{"classifier", sample.classifier}};
  if (!sample.error.empty()) {
    out["error"] = sample.error;
  } else {
    Json columns = Json::array();
    for (const auto& column : schema.columns) columns.push_back({column.name, column.type});
    out.update({{"format", schema.format},
                {"columns", std::move(columns)},
                {"delimiter", schema.delimiter},
                {"quote", schema.quote},
                {"escape", schema.escape},
                {"header", schema.header},
                {"rows", schema.rows},
                {"properties", schema.properties}});
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// False: it cannot be read and is as good as unknown.
bool ReadSample(const std::string& text, SampleEvidence& out) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return false;
  out.classifier = TextOf(json, "classifier");
  out.error = TextOf(json, "error");
  if (!out.error.empty()) return true;
  ipc::InferReply& schema = out.schema;
  schema.format = TextOf(json, "format");
  schema.delimiter = TextOf(json, "delimiter");
  schema.quote = TextOf(json, "quote");
  schema.escape = TextOf(json, "escape");
  schema.header = MemberOf(json, "header") == true;
  if (MemberOf(json, "rows").is_number_unsigned()) schema.rows = json["rows"].get<uint64_t>();
  for (const Json& column : MemberOf(json, "columns")) {
    if (!column.is_array() || column.size() != 2) return false;
    schema.columns.push_back({column[0].get<std::string>(), column[1].get<std::string>()});
  }
  for (const Json& pair : MemberOf(json, "properties")) {
    if (!pair.is_array() || pair.size() != 2) return false;
    schema.properties.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  }
  return !schema.columns.empty();
}

// Up to n of them, evenly spread.
std::vector<const lake::ObjectInfo*> Spread(const std::vector<const lake::ObjectInfo*>& all,
                                            size_t n) {
  if (all.size() <= n) return all;
  std::vector<const lake::ObjectInfo*> out;
  for (size_t i = 0; i < n; i++) out.push_back(all[n == 1 ? 0 : i * (all.size() - 1) / (n - 1)]);
  return out;
}

// What of a file can never be read here.
std::string Unreadable(const ipc::FileKind& kind) {
  for (const char* compression : {"lz4", "zip"}) {
    if (kind.compression == compression) return kind.compression + " compression is not read here";
  }
  return {};
}

}  // namespace

Sampler::Sampler(const CrawlSettings& settings, Inferrer& inferrer,
                 const identity::Credentials& credentials, std::vector<control::KnownSample> known,
                 const SeenFolders& before, size_t samples_per_table,
                 std::function<Result<void>()> stopped)
    : settings_(settings),
      inferrer_(inferrer),
      credentials_(credentials),
      before_(before),
      samples_per_table_(samples_per_table),
      stopped_(std::move(stopped)) {
  for (auto& sample : known) {
    std::pair name{sample.bucket, sample.key};
    known_.emplace(std::move(name), std::move(sample));
  }
}

const control::KnownSample* Sampler::Known(const std::string& bucket,
                                           const lake::ObjectInfo& object) const {
  const auto found = known_.find({bucket, object.key});
  if (found == known_.end()) return nullptr;
  const control::KnownSample& sample = found->second;
  return sample.etag == object.etag && sample.size == object.size &&
                 sample.method == settings_.method
             ? &sample
             : nullptr;
}

bool Sampler::SeenBefore(const std::string& bucket, const lake::ObjectInfo& object) const {
  const std::string folder = FolderOf(object.key);
  const auto found = before_.find({bucket, folder});
  if (found == before_.end()) return false;
  const control::SeenObject wanted{object.key.substr(folder.size()), object.size, object.etag};
  const auto place =
      std::ranges::lower_bound(found->second, wanted.name, {}, &control::SeenObject::name);
  return place != found->second.end() && *place == wanted;
}

Result<SampleEvidence> Sampler::Read(const Target& target, const lake::ObjectInfo& object,
                                     const ipc::FileKind& kind) {
  SampleEvidence out;
  out.key = object.key;
  out.size = object.size;
  out.error = Unreadable(kind);
  if (!out.error.empty()) return out;
  const std::string path = "s3://" + target.bucket + "/" + object.key;
  // Custom classifiers in order, the first certain one; else the most certain; else our own.
  std::vector<std::pair<std::string, const Classifier*>> asked;
  for (const Classifier& classifier : settings_.classifiers) {
    if (!classifier.options.empty()) asked.emplace_back(classifier.name, &classifier);
  }
  asked.emplace_back("", nullptr);
  uint64_t best = 0;
  for (const auto& [name, classifier] : asked) {
    if (best > 0 && classifier == nullptr) break;
    SKEP_TRY(stopped_());
    reads_++;
    auto reply =
        inferrer_.Infer({path, object.etag, object.size, classifier == nullptr ? kind.format : "",
                         kind.compression, classifier == nullptr ? Pairs() : classifier->options},
                        credentials_);
    if (!reply) {
      const ErrorKind error = reply.error().kind;
      if (error == ErrorKind::kExternalChanged || error == ErrorKind::kExternalNotFound) {
        // It is another object by now, of which the next crawl hears; nothing is learned of it.
        out.error = "it changed while the crawl ran";
        return out;
      }
      if (error != ErrorKind::kDataException && error != ErrorKind::kInvalidText &&
          error != ErrorKind::kFeatureNotSupported)
        return Fail(reply.error());
      if (classifier == nullptr) out.error = reply.error().message;
      continue;
    }
    if (reply->columns.empty() || reply->certainty <= best) continue;
    best = reply->certainty;
    out.schema = std::move(*reply);
    out.classifier = name;
    if (classifier != nullptr) {
      for (const auto& property : classifier->properties) out.schema.properties.push_back(property);
    }
    if (best >= 100) break;
  }
  if (best > 0) out.error.clear();
  if (best == 0 && out.error.empty()) out.error = "no classifier knows what it holds";
  if (out.classifier.empty()) out.classifier = out.schema.format;
  out.read = true;
  learned_.push_back(
      {target.bucket, object.key, object.etag, object.size, settings_.method, TextOfSample(out)});
  return out;
}

Result<std::vector<SampleEvidence>> Sampler::SamplesOf(const Target& target,
                                                       const PlannedTable& table) {
  std::vector<SampleEvidence> samples;
  std::vector<const lake::ObjectInfo*> fresh, old;
  size_t readable = 0;
  const size_t per_folder = target.samples > 0 ? target.samples : kMostSamples;
  for (const PlannedPartition& partition : table.partitions) {
    std::map<std::string, std::vector<const lake::ObjectInfo*>> folders;
    for (const lake::ObjectInfo& object : partition.objects) {
      SampleEvidence sample{object.key, object.size, false, {}, {}, {}, true};
      const control::KnownSample* known = Known(target.bucket, object);
      if (known != nullptr && ReadSample(known->json, sample)) {
        readable += sample.error.empty() ? 1 : 0;
        samples.push_back(std::move(sample));
      } else if (object.size > kMaxSampleBytes && table.objects() > 1) {
        continue;
      } else if (SeenBefore(target.bucket, object) &&
                 !known_.contains({target.bucket, object.key})) {
        old.push_back(&object);
      } else {
        folders[FolderOf(object.key)].push_back(&object);
      }
    }
    for (const auto& [folder, objects] : folders) {
      for (const auto* object : Spread(objects, per_folder)) fresh.push_back(object);
    }
  }
  const size_t most = table.single_file    ? 1
                      : target.samples > 0 ? kMostSamples
                                           : samples_per_table_;
  std::vector<const lake::ObjectInfo*> wanted = Spread(fresh, most);
  if (readable + wanted.size() < kFewSamples) {
    for (const auto* object : Spread(old, kFewSamples - readable - wanted.size()))
      wanted.push_back(object);
  }
  for (const lake::ObjectInfo* object : wanted) {
    SKEP_TRY_ASSIGN(SampleEvidence sample, Read(target, *object, table.kind));
    samples.push_back(std::move(sample));
  }
  std::ranges::sort(samples, {}, &SampleEvidence::key);
  return samples;
}

std::vector<control::KnownSample> Sampler::Outdated(const SeenFolders& now) const {
  std::vector<control::KnownSample> out;
  for (const auto& [name, sample] : known_) {
    const std::string folder = FolderOf(sample.key);
    const auto found = now.find({sample.bucket, folder});
    const std::string file = sample.key.substr(folder.size());
    const bool there = found != now.end() && std::ranges::binary_search(found->second, file, {},
                                                                        &control::SeenObject::name);
    if (!there) out.push_back(sample);
  }
  return out;
}

}  // namespace skep::catalog
