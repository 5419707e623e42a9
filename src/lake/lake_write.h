// New objects below one prefix, or none of them: what UNLOAD and writes to external tables do with
// an object store. Files are uploads in parts, which nobody sees; Commit completes them all, and
// whatever ends otherwise drops them. Every key is asked of the role's policies.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "identity/live_credentials.h"
#include "lake/object_store.h"

namespace skep::lake {

// ipc::LakeRequest.change of kOpenWrite: {"existing": "fail", "kms": true, "kms_key_id": "..."}.
struct WriteOptions {
  enum class Existing : uint8_t {
    kFail,   // an object below the prefix refuses the write
    kKeep,   // they stay, but for those of the same key
    kClean,  // they are deleted before the new ones appear; of folders ("key=value/") only in those
             // that are written to
  };
  Existing existing = Existing::kFail;
  Encryption encryption;

  // Errors: kInvalidArgument.
  static Result<WriteOptions> Read(std::string_view json);
};

// ipc::LakeRequest.change of kWritePart: empty, or the envelope of a file that the worker
// encrypted, as JSON: {"x-amz-key": "...", "x-amz-iv": "..."} (base/client_encryption.h). Nothing
// else goes into an object's metadata. Errors: kInvalidArgument.
Result<std::map<std::string, std::string>> ReadMetadata(std::string_view json);

class LakeWrite {
 public:
  static constexpr size_t kMaxFiles = 100'000;
  static constexpr uint32_t kMaxParts = 10'000;  // of a file; S3's limit

  // Looks whether the role may write below s3://bucket/prefix and what is there. Errors:
  // kInvalidArgument (no such path), kExternalDenied (the role's policies), kDuplicateObject (there
  // are objects, and options.existing is kFail), and those of the store.
  static Result<std::shared_ptr<LakeWrite>> Open(ObjectStore& store,
                                                 std::shared_ptr<identity::LiveCredentials> live,
                                                 const std::string& path,
                                                 const WriteOptions& options);
  // Aborts what was not committed. Blocks.
  ~LakeWrite();
  LakeWrite(const LakeWrite&) = delete;
  LakeWrite& operator=(const LakeWrite&) = delete;

  // Uploads part 0, 1, ... of a file, in any order and at once. `name` is the key below the prefix,
  // `metadata` what stands beside the object (ReadMetadata): the same for all parts. Errors:
  // kExternalDenied, kInvalidArgument (names, numbers), kPayloadTooLarge, kUndefinedObject
  // (committed or aborted).
  Result<void> Part(uint32_t file, const std::string& name, uint32_t part, std::string_view bytes,
                    const std::map<std::string, std::string>& metadata = {});
  // Makes the files known once they are all there, by a change of a catalog. kSerializationFailure:
  // somebody else was quicker.
  using Publish = std::function<Result<void>()>;
  // Completes all files, that of the highest number (a manifest) behind the others, then publishes.
  // When one of this fails, those that were completed are deleted as far as the role may. Only when
  // somebody was quicker the write stays open: without the files `attempt`, to be committed again
  // with others in their place. Errors: also kInvalidArgument (a part is missing).
  Result<void> Commit(const Publish& publish = {}, const std::vector<uint32_t>& attempt = {});
  // Whether s3://bucket/key is one of the write's files.
  bool Makes(std::string_view path) const;
  // Drops all uploads; waits for parts on their way.
  void Abort() noexcept;

  const std::string& place() const { return place_; }
  // Those of the last request.
  identity::LiveCredentials::Pointer credentials() const { return live_->Last(); }
  size_t files() const;
  uint64_t bytes() const;

 private:
  struct File;
  enum class State : uint8_t { kOpen, kCommitting, kEnded };

  LakeWrite(ObjectStore& store, std::shared_ptr<identity::LiveCredentials> live, std::string bucket,
            std::string prefix, WriteOptions options);
  Result<std::shared_ptr<File>> FileOf(const Credentials& credentials, uint32_t number,
                                       const std::string& name);
  Result<void> MayWrite(const Credentials& credentials, std::string_view action,
                        const std::string& key) const;
  Result<void> RemoveExisting(const std::vector<std::shared_ptr<File>>& files);
  Result<void> Complete(File& file);
  bool IsMade(const File& file) const;
  void Drop(File& file) noexcept;

  ObjectStore& store_;
  const std::shared_ptr<identity::LiveCredentials> live_;
  const std::string bucket_, prefix_, place_;
  const WriteOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  State state_ = State::kOpen;
  size_t running_ = 0;  // parts on their way
  std::map<uint32_t, std::shared_ptr<File>> files_;
};

}  // namespace skep::lake
