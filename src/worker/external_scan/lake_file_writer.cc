#include "worker/external_scan/lake_file_writer.h"

#include <algorithm>
#include <cstring>
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
      interrupted_(std::move(interrupted)) {}

LakeFileWriter::~LakeFileWriter() {
  if (buffer_) client_.ReturnBuffer(*buffer_);
}

Result<void> LakeFileWriter::Append(std::span<const char> bytes) {
  while (!bytes.empty()) {
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
    if (filled_ == ipc::kWriteBufferBytes) Send();
  }
  return {};
}

void LakeFileWriter::Send() {
  client_.PutPart(write_, file_, name_, parts_++, *buffer_, filled_, upload_);
  buffer_.reset();
}

Result<void> LakeFileWriter::Finish() {
  if (buffer_) Send();
  return client_.WaitForUpload(*upload_, 0, interrupted_);
}

}  // namespace skep::external_scan
