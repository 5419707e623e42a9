#include "worker/external_scan/bzip2.h"

#include <arrow/util/compression.h>

#include <duckdb.hpp>

namespace skep::external_scan {
namespace {

constexpr size_t kPiece = 256u << 10;

template <class Step>
Step OrThrow(arrow::Result<Step> step) {
  if (!step.ok()) throw duckdb::IOException("bzip2: %s", step.status().message());
  return std::move(step).ValueOrDie();
}

uint8_t* Room(std::string& out) {
  out.resize(out.size() + kPiece);
  return reinterpret_cast<uint8_t*>(out.data() + out.size() - kPiece);
}

}  // namespace

struct Bzip2Packer::Stream {
  std::unique_ptr<arrow::util::Codec> codec =
      OrThrow(arrow::util::Codec::Create(arrow::Compression::BZ2));
  std::shared_ptr<arrow::util::Compressor> compressor = OrThrow(codec->MakeCompressor());
};

Bzip2Packer::Bzip2Packer() : stream_(std::make_unique<Stream>()) {}
Bzip2Packer::~Bzip2Packer() = default;

void Bzip2Packer::Append(std::string_view text, std::string& out) {
  while (!text.empty()) {
    uint8_t* const room = Room(out);
    const auto step = OrThrow(stream_->compressor->Compress(
        static_cast<int64_t>(text.size()), reinterpret_cast<const uint8_t*>(text.data()),
        static_cast<int64_t>(kPiece), room));
    out.resize(out.size() - kPiece + static_cast<size_t>(step.bytes_written));
    text.remove_prefix(static_cast<size_t>(step.bytes_read));
  }
}

void Bzip2Packer::Finish(std::string& out) {
  for (bool more = true; more;) {
    uint8_t* const room = Room(out);
    const auto step = OrThrow(stream_->compressor->End(static_cast<int64_t>(kPiece), room));
    out.resize(out.size() - kPiece + static_cast<size_t>(step.bytes_written));
    more = step.should_retry;
  }
}

}  // namespace skep::external_scan
