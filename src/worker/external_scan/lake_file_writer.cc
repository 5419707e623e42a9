#include "worker/external_scan/lake_file_writer.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace skep::external_scan {
namespace {

constexpr size_t kPartsAhead = 2;  // on their way while the next one is filled

}  // namespace

LakeFileWriter::LakeFileWriter(LakeClient& client, uint64_t write, uint32_t file, std::string name,
                               LakeClient::Interrupted interrupted)
    : client_(client),
      write_(write),
      file_(file),
      name_(std::move(name)),
      interrupted_(std::move(interrupted)) {
  if (const auto key = client_.KeyOfWrite(write_)) cipher_ = std::make_unique<EnvelopeWriter>(*key);
}

LakeFileWriter::~LakeFileWriter() {
  if (buffer_) client_.ReturnBuffer(*buffer_);
}

Result<void> LakeFileWriter::Append(std::span<const char> bytes) {
  if (!cipher_) return Put(bytes);
  plain_bytes_ += bytes.size();
  encrypted_.clear();
  cipher_->Append(bytes, encrypted_);
  return Put(encrypted_);
}

Result<void> LakeFileWriter::Put(std::span<const char> bytes) {
  while (!bytes.empty()) {
    if (buffer_ && filled_ == ipc::kWriteBufferBytes) Send();
    if (!buffer_) {
      SKEP_TRY(client_.WaitForUpload(*upload_, kPartsAhead, interrupted_));
      SKEP_TRY_ASSIGN(buffer_, client_.TakeBuffer(interrupted_));
      filled_ = 0;
    }
    const size_t taken = std::min<size_t>(bytes.size(), ipc::kWriteBufferBytes - filled_);
    std::memcpy(buffer_->data + filled_, bytes.data(), taken);
    filled_ += static_cast<uint32_t>(taken);
    bytes_ += taken;
    bytes = bytes.subspan(taken);
    // Of a file of one part the end is waited for, to tell its length.
    if (filled_ == ipc::kWriteBufferBytes && (!cipher_ || !bytes.empty() || parts_ > 0)) Send();
  }
  return {};
}

void LakeFileWriter::Send() {
  if (cipher_ && parts_ == 0) {
    Envelope envelope = cipher_->envelope();
    if (ended_) envelope.plain_bytes = plain_bytes_;
    metadata_ = nlohmann::json(envelope.Metadata()).dump();
  }
  client_.PutPart(write_, file_, name_, parts_++, *buffer_, filled_, upload_, metadata_);
  buffer_.reset();
}

Result<void> LakeFileWriter::Finish() {
  if (cipher_ && !ended_) {
    ended_ = true;
    encrypted_.clear();
    cipher_->Finish(encrypted_);
    SKEP_TRY(Put(encrypted_));
  }
  if (buffer_) Send();
  return client_.WaitForUpload(*upload_, 0, interrupted_);
}

}  // namespace skep::external_scan
