#include "lake/lake_write.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"

namespace skep::lake {
namespace {

constexpr size_t kThreads = 8;  // of a commit
constexpr size_t kMaxRemoved = 1'000'000;
constexpr size_t kMaxKeyBytes = 1024;

// Does the work for 0 to count - 1 on some threads; the first error ends it.
template <class Work>
Result<void> OnThreads(size_t count, const Work& work) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> error;
  std::atomic<bool> failed = false;
  const auto run = [&] {
    for (size_t i = next++; i < count && !failed; i = next++) {
      auto done = work(i);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (!error) error = done.error();
      failed = true;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(kThreads, count); i++) threads.emplace_back(run);
  run();
  for (auto& thread : threads) thread.join();
  if (error) return Fail(std::move(*error));
  return {};
}

}  // namespace

struct LakeWrite::File {
  std::string key;
  std::mutex mutex;
  bool begun = false;
  std::string upload;                     // its id
  std::map<uint32_t, std::string> etags;  // by part
  uint64_t bytes = 0;
  bool completed = false;
};

Result<WriteOptions> WriteOptions::Read(std::string_view json) {
  const auto bad = [] { return Fail(ErrorKind::kInvalidArgument, "malformed options of a write"); };
  const auto in = nlohmann::json::parse(json, nullptr, false);
  if (!in.is_object()) return bad();
  WriteOptions options;
  for (const auto& [name, value] : in.items()) {
    if (name == "existing" && value.is_string()) {
      const std::string text = value.get<std::string>();
      if (text != "fail" && text != "keep" && text != "clean") return bad();
      options.existing = text == "fail"   ? Existing::kFail
                         : text == "keep" ? Existing::kKeep
                                          : Existing::kClean;
    } else if (name == "kms" && value.is_boolean()) {
      options.encryption.kms = value.get<bool>();
    } else if (name == "kms_key_id" && value.is_string()) {
      options.encryption.kms_key_id = value.get<std::string>();
      // It becomes a header.
      if (options.encryption.kms_key_id.size() > 2048 ||
          std::ranges::any_of(options.encryption.kms_key_id,
                              [](unsigned char c) { return c <= ' ' || c >= 127; }))
        return Fail(ErrorKind::kInvalidArgument, "KMS_KEY_ID is no name of a key");
    } else {
      return bad();
    }
  }
  return options;
}

Result<std::map<std::string, std::string>> ReadMetadata(std::string_view json) {
  std::map<std::string, std::string> metadata;
  if (json.empty()) return metadata;
  constexpr std::string_view kNames[] = {"x-amz-key", "x-amz-iv", "x-amz-matdesc",
                                         "x-amz-unencrypted-content-length"};
  constexpr size_t kMaxBytes = 256;
  const auto in = nlohmann::json::parse(json, nullptr, false);
  for (const auto& [name, value] : in.items()) {
    const bool good = in.is_object() && std::ranges::find(kNames, name) != std::end(kNames) &&
                      value.is_string() && value.get_ref<const std::string&>().size() < kMaxBytes &&
                      std::ranges::all_of(
                          value.get_ref<const std::string&>(),
                          [](unsigned char c) { return c > ' ' && c < 127; });
    if (!good) return Fail(ErrorKind::kInvalidArgument, "malformed metadata of an object");
    metadata[name] = value.get<std::string>();
  }
  if (!in.is_object()) return Fail(ErrorKind::kInvalidArgument, "malformed metadata of an object");
  return metadata;
}

LakeWrite::LakeWrite(ObjectStore& store, std::shared_ptr<identity::LiveCredentials> live,
                     std::string bucket, std::string prefix, WriteOptions options)
    : store_(store),
      live_(std::move(live)),
      bucket_(std::move(bucket)),
      prefix_(std::move(prefix)),
      place_("s3://" + bucket_ + "/" + prefix_),
      options_(std::move(options)) {}

LakeWrite::~LakeWrite() { Abort(); }

Result<std::shared_ptr<LakeWrite>> LakeWrite::Open(ObjectStore& store,
                                                   std::shared_ptr<identity::LiveCredentials> live,
                                                   const std::string& path,
                                                   const WriteOptions& options) {
  std::string bucket, prefix;
  if (!ParseS3Path(path, bucket, prefix))
    return Fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is not on S3", path));
  if (prefix.size() > kMaxKeyBytes / 2)
    return Fail(ErrorKind::kInvalidArgument, "the prefix is longer than 512 bytes");
  std::shared_ptr<LakeWrite> write(
      new LakeWrite(store, std::move(live), std::move(bucket), std::move(prefix), options));
  SKEP_TRY_ASSIGN(const auto credentials, write->live_->Current());
  const std::string first = write->prefix_ + "0000_part_00";  // stands for all of them
  SKEP_TRY(write->MayWrite(*credentials, "s3:PutObject", first));
  using enum WriteOptions::Existing;
  if (options.existing == kKeep) return write;
  if (options.existing == kClean) SKEP_TRY(write->MayWrite(*credentials, "s3:DeleteObject", first));
  const auto listed = credentials->DecideList(write->bucket_, write->prefix_);
  if (!listed.allowed)
    return Fail(ErrorKind::kExternalDenied,
                fmt::format("{} is not authorized to perform: s3:ListBucket on {}",
                            credentials->role, write->place_),
                listed.reason);
  if (options.existing == kClean) return write;
  SKEP_TRY_ASSIGN(const ListPage page,
                  store.List(*credentials, write->bucket_, write->prefix_, "", ""));
  if (std::ranges::any_of(page.objects, [&](const ObjectInfo& object) {
        return object.size > 0 || !object.key.ends_with('/');
      }))
    return Fail(ErrorKind::kDuplicateObject,
                "Specified unload destination on S3 is not empty. Consider using a different "
                "bucket / prefix, manually removing the target files in S3, or using the "
                "ALLOWOVERWRITE option.");
  return write;
}

Result<void> LakeWrite::MayWrite(const Credentials& credentials, std::string_view action,
                                 const std::string& key) const {
  const auto decision = credentials.DecideWrite(action, bucket_, key);
  if (decision.allowed) return {};
  return Fail(ErrorKind::kExternalDenied,
              fmt::format("{} is not authorized to perform: {} on s3://{}/{}", credentials.role,
                          action, bucket_, key),
              decision.reason);
}

Result<std::shared_ptr<LakeWrite::File>> LakeWrite::FileOf(const Credentials& credentials,
                                                           uint32_t number,
                                                           const std::string& name) {
  const std::string key = prefix_ + name;
  if (name.empty() || key.size() > kMaxKeyBytes || number >= kMaxFiles)
    return Fail(ErrorKind::kInvalidArgument, fmt::format("file {} has no name", number));
  SKEP_TRY(MayWrite(credentials, "s3:PutObject", key));
  auto& file = files_[number];
  if (!file) {
    file = std::make_shared<File>();
    file->key = key;
  } else if (file->key != key) {
    return Fail(ErrorKind::kInvalidArgument, fmt::format("file {} has another name", number));
  }
  return file;
}

Result<void> LakeWrite::Part(uint32_t number, const std::string& name, uint32_t part,
                             std::string_view bytes,
                             const std::map<std::string, std::string>& metadata) {
  if (part >= kMaxParts || bytes.empty())
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("{} has more than {} parts", name, kMaxParts));
  SKEP_TRY_ASSIGN(const auto credentials, live_->Current());
  std::shared_ptr<File> file;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kOpen) return Fail(ErrorKind::kUndefinedObject, "the write has ended");
    SKEP_TRY_ASSIGN(file, FileOf(*credentials, number, name));
    running_++;
  }
  const auto upload = [&]() -> Result<void> {
    {
      const std::lock_guard lock(file->mutex);
      if (file->etags.contains(part))
        return Fail(ErrorKind::kInvalidArgument, fmt::format("part {} is there already", part));
      if (!file->begun) {
        Encryption encryption = options_.encryption;
        encryption.metadata = metadata;
        SKEP_TRY_ASSIGN(file->upload,
                        store_.BeginUpload(*credentials, bucket_, file->key, encryption));
        file->begun = true;
      }
      file->etags[part];  // taken
    }
    SKEP_TRY_ASSIGN(
        auto etag, store_.PutPart(*credentials, bucket_, file->key, file->upload, part + 1, bytes));
    const std::lock_guard lock(file->mutex);
    file->etags[part] = std::move(etag);
    file->bytes += bytes.size();
    return {};
  };
  auto done = upload();
  const std::lock_guard lock(mutex_);
  running_--;
  idle_.notify_all();
  return done;
}

// What CLEANPATH deletes: everything below the prefix, or in the folders that are written to.
Result<void> LakeWrite::RemoveExisting(const std::vector<std::shared_ptr<File>>& files) {
  std::set<std::string> keys, places;
  for (const auto& file : files) {
    keys.insert(file->key);
    const size_t slash = file->key.rfind('/');
    if (slash != std::string::npos && slash + 1 > prefix_.size())
      places.insert(file->key.substr(0, slash + 1));
  }
  if (places.empty()) places.insert(prefix_);
  std::vector<std::string> old;
  for (const std::string& place : places) {
    SKEP_TRY_ASSIGN(const auto credentials, live_->Current());
    if (!credentials->MayList(bucket_, place))
      return Fail(ErrorKind::kExternalDenied,
                  fmt::format("{} is not authorized to perform: s3:ListBucket on s3://{}/{}",
                              credentials->role, bucket_, place));
    SKEP_TRY_ASSIGN(auto objects,
                    ListAll(store_, *credentials, bucket_, place, kMaxRemoved - old.size()));
    for (auto& object : objects) {
      if (keys.contains(object.key)) continue;  // becomes another
      SKEP_TRY(MayWrite(*credentials, "s3:DeleteObject", object.key));
      old.push_back(std::move(object.key));
    }
  }
  return OnThreads(old.size(), [&](size_t i) -> Result<void> {
    SKEP_TRY_ASSIGN(const auto credentials, live_->Current());
    SKEP_TRY(MayWrite(*credentials, "s3:DeleteObject", old[i]));
    return store_.Delete(*credentials, bucket_, old[i]);
  });
}

Result<void> LakeWrite::Complete(File& file) {
  if (file.completed) return {};
  std::vector<std::string> etags;
  for (const auto& [part, etag] : file.etags) {
    if (part != etags.size() || etag.empty())
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("part {} of {} is missing", etags.size(), file.key));
    etags.push_back(etag);
  }
  // Its rights may have been narrowed since its parts went.
  SKEP_TRY_ASSIGN(const auto credentials, live_->Current());
  SKEP_TRY(MayWrite(*credentials, "s3:PutObject", file.key));
  auto completed = store_.CompleteUpload(*credentials, bucket_, file.key, file.upload, etags);
  // A lost answer says nothing, and a repeated request finds the upload gone, and the object made.
  if (!completed && IsMade(file)) completed = {};
  file.completed = completed.has_value();
  return completed;
}

// Whether the object is there that the file's parts make.
bool LakeWrite::IsMade(const File& file) const {
  std::string digests;
  for (const auto& [part, etag] : file.etags) {
    const auto digest = HexDecode(etag);
    if (!digest || digest->size() != 16) return false;  // no MD5: nothing can be told (SSE-KMS)
    digests += *digest;
  }
  const auto found = store_.Head(*live_->Last(), bucket_, file.key);
  return found && found->size == file.bytes &&
         found->etag == fmt::format("{}-{}", HexEncode(Md5(digests)), file.etags.size());
}

void LakeWrite::Drop(File& file) noexcept {
  try {
    if (!file.begun) return;
    // To take back what was begun needs no right but the one it was begun with.
    const auto credentials = live_->Last();
    if (!file.completed) {
      const auto aborted = store_.AbortUpload(*credentials, bucket_, file.key, file.upload);
      if (aborted) return;
      if (aborted.error().kind == ErrorKind::kExternalNotFound && IsMade(file)) {
        file.completed = true;
        return Drop(file);
      }
      if (aborted.error().kind != ErrorKind::kExternalNotFound)
        log::Warn("upload_left_behind",
                  {{"place", place_}, {"key", file.key}, {"reason", aborted.error().message}});
      return;
    }
    auto deleted = MayWrite(*credentials, "s3:DeleteObject", file.key);
    if (deleted) deleted = store_.Delete(*credentials, bucket_, file.key);
    if (!deleted)
      log::Warn("object_left_behind",
                {{"place", place_}, {"key", file.key}, {"reason", deleted.error().message}});
  } catch (const std::exception& e) {
    log::Fault("write_not_dropped", {{"place", place_}, {"error", e.what()}});
  }
}

Result<void> LakeWrite::Commit(const Publish& publish, const std::vector<uint32_t>& attempt) {
  std::vector<std::shared_ptr<File>> files;
  {
    std::unique_lock lock(mutex_);
    if (state_ != State::kOpen) return Fail(ErrorKind::kUndefinedObject, "the write has ended");
    state_ = State::kCommitting;
    idle_.wait(lock, [&] { return running_ == 0; });
    for (const auto& [number, file] : files_) files.push_back(file);
  }
  const auto complete = [&](size_t i) { return Complete(*files[i]); };
  Result<void> done;
  if (options_.existing == WriteOptions::Existing::kClean) done = RemoveExisting(files);
  if (done && !files.empty()) done = OnThreads(files.size() - 1, complete);
  if (done && !files.empty()) done = complete(files.size() - 1);
  const bool published = done && publish;
  if (published) {
    done = publish();
    if (!done && done.error().kind == ErrorKind::kSerializationFailure) {
      const std::lock_guard lock(mutex_);
      for (const uint32_t number : attempt) {
        const auto file = files_.find(number);
        if (file == files_.end()) continue;
        Drop(*file->second);
        files_.erase(file);
      }
      state_ = State::kOpen;
      return done;
    }
  }
  // A catalog that did not answer may name the files by now: they stay.
  const bool unknown = published && !done && done.error().kind == ErrorKind::kExternalUnavailable;
  if (!done && !unknown) {
    for (const auto& file : files) Drop(*file);
  }
  const std::lock_guard lock(mutex_);
  state_ = State::kEnded;
  return done;
}

bool LakeWrite::Makes(std::string_view path) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(files_, [&](const auto& entry) {
    return path == "s3://" + bucket_ + "/" + entry.second->key;
  });
}

void LakeWrite::Abort() noexcept {
  {
    std::unique_lock lock(mutex_);
    if (state_ != State::kOpen) return;
    state_ = State::kEnded;
    idle_.wait(lock, [&] { return running_ == 0; });
  }
  for (const auto& [number, file] : files_) Drop(*file);
}

size_t LakeWrite::files() const {
  const std::lock_guard lock(mutex_);
  return files_.size();
}

uint64_t LakeWrite::bytes() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [number, file] : files_) bytes += file->bytes;
  return bytes;
}

}  // namespace skep::lake
