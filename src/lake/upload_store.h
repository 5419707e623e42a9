// Of tests: an object store in memory that takes uploads in parts.
#pragma once

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "lake/object_store.h"

namespace skep::lake {

// Objects and unfinished uploads in memory. Fails what it is told to fail.
class UploadStore final : public ObjectStore {
 public:
  std::map<std::string, std::string> objects;  // bucket/key
  std::map<std::string, std::map<uint32_t, std::string>> uploads;
  std::map<std::string, Encryption> encryptions;   // by upload
  std::vector<std::string> completed;              // in order
  std::set<std::string> fail_complete, fail_part;  // bucket/key
  std::mutex mutex;
  int next = 0;

  Result<ListPage> List(const Credentials&, const std::string& bucket, const std::string& prefix,
                        const std::string&, const std::string&) override {
    const std::lock_guard lock(mutex);
    ListPage page;
    for (const auto& [key, bytes] : objects) {
      if (key.starts_with(bucket + "/" + prefix))
        page.objects.push_back({key.substr(bucket.size() + 1), "e", bytes.size(), 7});
    }
    return page;
  }
  Result<ObjectInfo> Head(const Credentials&, const std::string& bucket,
                          const std::string& key) override {
    const std::lock_guard lock(mutex);
    const auto found = objects.find(bucket + "/" + key);
    if (found == objects.end()) return Fail(ErrorKind::kExternalNotFound, "404");
    return ObjectInfo{key, "e-1", found->second.size(), 7};
  }
  Result<void> GetRange(const Credentials&, const std::string&, const std::string&,
                        const std::string&, uint64_t, std::span<char>) override {
    return Fail(ErrorKind::kExternalNotFound, "404");
  }
  Result<std::string> Put(const Credentials&, const std::string&, const std::string&,
                          std::string_view) override {
    return Fail(ErrorKind::kExternalDenied, "403");
  }
  Result<void> CreateBucket(const Credentials&, const std::string&) override { return {}; }
  Result<std::string> BeginUpload(const Credentials&, const std::string& bucket,
                                  const std::string& key, const Encryption& encryption) override {
    const std::lock_guard lock(mutex);
    const std::string id = fmt::format("{}/{}#{}", bucket, key, next++);
    uploads[id];
    encryptions[id] = encryption;
    return id;
  }
  Result<std::string> PutPart(const Credentials&, const std::string& bucket, const std::string& key,
                              const std::string& upload, uint32_t number,
                              std::string_view bytes) override {
    const std::lock_guard lock(mutex);
    if (fail_part.contains(bucket + "/" + key)) return Fail(ErrorKind::kExternalUnavailable, "503");
    uploads.at(upload)[number] = std::string(bytes);
    return fmt::format("e{}", number);
  }
  Result<void> CompleteUpload(const Credentials&, const std::string& bucket, const std::string& key,
                              const std::string& upload,
                              const std::vector<std::string>& etags) override {
    const std::lock_guard lock(mutex);
    const std::string name = bucket + "/" + key;
    if (fail_complete.contains(name)) return Fail(ErrorKind::kExternalUnavailable, "503");
    if (etags.size() != uploads.at(upload).size()) return Fail(ErrorKind::kInternal, "parts");
    std::string bytes;
    for (const auto& [number, part] : uploads.at(upload)) bytes += part;
    objects[name] = bytes;
    uploads.erase(upload);
    completed.push_back(key);
    return {};
  }
  Result<void> AbortUpload(const Credentials&, const std::string&, const std::string&,
                           const std::string& upload) override {
    const std::lock_guard lock(mutex);
    uploads.erase(upload);
    return {};
  }
  Result<void> Delete(const Credentials&, const std::string& bucket,
                      const std::string& key) override {
    const std::lock_guard lock(mutex);
    objects.erase(bucket + "/" + key);
    return {};
  }
};

}  // namespace skep::lake
