// One new file of a write: takes bytes in order and sends them to the gateway part by part. Nobody
// sees the file before the write is committed (LakeClient::CommitWrite). Of a write with a master
// key the bytes are encrypted before they leave (base/client_encryption.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/client_encryption.h"
#include "base/error.h"
#include "worker/external_scan/lake_client.h"

namespace skep::external_scan {

class LakeFileWriter {
 public:
  // `file` is 0, 1, ... within the write, `name` the key below its prefix.
  LakeFileWriter(LakeClient& client, uint64_t write, uint32_t file, std::string name,
                 LakeClient::Interrupted interrupted);
  ~LakeFileWriter();
  LakeFileWriter(const LakeFileWriter&) = delete;
  LakeFileWriter& operator=(const LakeFileWriter&) = delete;

  // Waits while too many parts are on their way. Errors: those of LakeClient.
  Result<void> Append(std::span<const char> bytes);
  // Sends what is left and waits for all parts. Again: does nothing.
  Result<void> Finish();
  // Of the object, as far as it was written.
  uint64_t bytes() const { return bytes_; }

 private:
  Result<void> Put(std::span<const char> bytes);
  void Send();

  LakeClient& client_;
  const uint64_t write_;
  const uint32_t file_;
  const std::string name_;
  const LakeClient::Interrupted interrupted_;
  std::shared_ptr<LakeClient::Upload> upload_ = std::make_shared<LakeClient::Upload>();
  std::unique_ptr<EnvelopeWriter> cipher_;  // null: nothing is encrypted
  bool ended_ = false;
  std::string encrypted_;
  std::string metadata_;
  uint64_t plain_bytes_ = 0;
  std::optional<LakeClient::Buffer> buffer_;
  uint32_t filled_ = 0;  // of the buffer
  uint32_t parts_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace skep::external_scan
