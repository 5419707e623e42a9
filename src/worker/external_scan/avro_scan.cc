#include "worker/external_scan/avro_scan.h"

#include <arrow/util/compression.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "worker/external_scan/avro_decoder.h"
#include "worker/external_scan/avro_schema.h"
#include "worker/external_scan/file_format.h"
#include "worker/external_scan/lake_errors.h"

namespace skep::external_scan {
namespace {

using duckdb::idx_t;

constexpr size_t kSync = 16;
constexpr size_t kPiece = 1u << 20;
constexpr size_t kMaxHeader = 16u << 20;
constexpr size_t kMaxBlock = 256u << 20;      // also decompressed
constexpr uint64_t kMaxEmptyRows = 1u << 24;  // of a block whose rows take no bytes

// A file from front to back, in pieces.
class Input {
 public:
  Input(duckdb::ClientContext& context, const duckdb::OpenFileInfo& file)
      : handle_(duckdb::FileSystem::GetFileSystem(context).OpenFile(
            file, duckdb::FileFlags::FILE_FLAGS_READ)) {}

  // What is ahead, at least `want` bytes of it unless the file ends before.
  std::string_view Ahead(size_t want) {
    if (bytes_.size() - at_ < want) {
      bytes_.erase(0, at_);
      at_ = 0;
      while (!ended_ && bytes_.size() < want) {
        const size_t have = bytes_.size();
        bytes_.resize(std::max(want, have + kPiece));
        const int64_t read =
            handle_->Read(bytes_.data() + have, static_cast<idx_t>(bytes_.size() - have));
        bytes_.resize(have + static_cast<size_t>(std::max<int64_t>(read, 0)));
        ended_ = read <= 0;
      }
    }
    return std::string_view(bytes_).substr(at_);
  }
  void Skip(size_t count) { at_ += count; }

 private:
  duckdb::unique_ptr<duckdb::FileHandle> handle_;
  std::string bytes_;
  size_t at_ = 0;
  bool ended_ = false;
};

class Codec {
 public:
  explicit Codec(const std::string& name) : name_(name) {
    using arrow::Compression;
    using arrow::util::Codec;
    arrow::Result<std::unique_ptr<Codec>> made = nullptr;
    if (name == "null" || name.empty()) return;
    if (name == "deflate") {
      arrow::util::GZipCodecOptions raw;
      raw.gzip_format = arrow::util::GZipFormat::DEFLATE;
      made = Codec::Create(Compression::GZIP, raw);
    } else if (name == "snappy")
      made = Codec::Create(Compression::SNAPPY);
    else if (name == "zstandard")
      made = Codec::Create(Compression::ZSTD);
    else if (name == "bzip2")
      made = Codec::Create(Compression::BZ2);
    else
      throw duckdb::InvalidInputException("its codec %s is not supported", name.substr(0, 40));
    codec_ = std::move(made).ValueOrDie();
  }

  std::string Decompress(std::string block) const {
    if (!codec_) return block;
    return name_ == "snappy" ? Snappy(block) : Stream(block);
  }

 private:
  [[noreturn]] static void Broken() {
    throw duckdb::InvalidInputException("a block cannot be decompressed");
  }
  // Behind the block stands its checksum.
  std::string Snappy(std::string_view block) const {
    constexpr size_t kChecksum = 4;
    if (block.size() < kChecksum) Broken();
    block.remove_suffix(kChecksum);
    size_t size = 0;
    for (size_t i = 0; i < 5 && i < block.size(); i++) {
      size |= static_cast<size_t>(block[i] & 0x7f) << (7 * i);
      if ((block[i] & 0x80) == 0) break;
    }
    if (size > kMaxBlock) Broken();
    std::string out(size, '\0');
    const auto written = codec_->Decompress(
        static_cast<int64_t>(block.size()), reinterpret_cast<const uint8_t*>(block.data()),
        static_cast<int64_t>(size), reinterpret_cast<uint8_t*>(out.data()));
    if (!written.ok() || *written != static_cast<int64_t>(size)) Broken();
    return out;
  }
  std::string Stream(std::string_view block) const {
    const auto stream = std::move(codec_->MakeDecompressor()).ValueOrDie();
    std::string out;
    while (!stream->IsFinished()) {
      const size_t have = out.size();
      if (have > kMaxBlock) Broken();
      out.resize(have + std::max(kPiece, block.size() * 2));
      const auto step = stream->Decompress(
          static_cast<int64_t>(block.size()), reinterpret_cast<const uint8_t*>(block.data()),
          static_cast<int64_t>(out.size() - have), reinterpret_cast<uint8_t*>(out.data() + have));
      if (!step.ok()) Broken();
      out.resize(have + static_cast<size_t>(step->bytes_written));
      block.remove_prefix(static_cast<size_t>(step->bytes_read));
      if (step->bytes_read == 0 && step->bytes_written == 0) Broken();
      if (block.empty() && !step->need_more_output) break;
    }
    return out;
  }

  std::string name_;
  std::unique_ptr<arrow::util::Codec> codec_;
};

struct AvroLocal final : duckdb::LocalTableFunctionState {
  std::string block;
  AvroDecoder decoder;
  uint64_t rows_left = 0;  // of the block
};

class AvroFile final : public duckdb::BaseFileReader {
 public:
  using Local = AvroLocal;

  AvroFile(duckdb::ClientContext& context, duckdb::OpenFileInfo info, const LakeTable*)
      : BaseFileReader(std::move(info)), input_(context, file) {
    Named([&] { ReadHeader(); });
  }

  std::string GetReaderType() const override { return "Avro"; }

  void PrepareReader(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&) override {
    wanted_.assign(root_->children.size(), -1);
    for (idx_t i = 0; i < column_ids.size(); i++) {
      const auto field = static_cast<size_t>(column_ids[duckdb::MultiFileLocalIndex(i)].GetId());
      const AvroNode& node = *root_->children.at(field);
      if (!node.unreadable.empty())
        throw duckdb::InvalidInputException("%s: its field %s is %s, which is not supported",
                                            PublicText(file.path), root_->names[field],
                                            node.unreadable);
      if (wanted_[field] < 0)
        wanted_[field] = static_cast<int64_t>(i);
      else
        copies_.emplace_back(static_cast<size_t>(wanted_[field]), i);
    }
  }

  bool TryInitializeScan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                         duckdb::LocalTableFunctionState&) override {
    const std::lock_guard lock(mutex_);
    return !ended_;
  }

  void PrepareScan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                   duckdb::LocalTableFunctionState& l) override {
    auto& local = l.Cast<AvroLocal>();
    local.rows_left = 0;
    Named([&] {
      {
        const std::lock_guard lock(mutex_);
        if (!NextBlock(local)) return;
      }
      if (column_ids.empty()) return;
      local.block = codec_->Decompress(std::move(local.block));
      local.decoder = AvroDecoder(local.block);
    });
  }

  duckdb::AsyncResult Scan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                           duckdb::LocalTableFunctionState& l, duckdb::DataChunk& out) override {
    auto& local = l.Cast<AvroLocal>();
    if (local.rows_left == 0) return duckdb::SourceResultType::FINISHED;
    const auto rows = static_cast<idx_t>(std::min<uint64_t>(local.rows_left, STANDARD_VECTOR_SIZE));
    if (!column_ids.empty()) Named([&] { Decode(local.decoder, rows, out); });
    local.rows_left -= rows;
    if (local.rows_left == 0 && !column_ids.empty() && !local.decoder.at_end())
      Named([] { throw duckdb::InvalidInputException("a block holds more than its rows"); });
    out.SetCardinality(rows);
    return duckdb::SourceResultType::HAVE_MORE_OUTPUT;
  }

 private:
  // What the parts of this file throw does not name it.
  template <class Act>
  void Named(const Act& act) const {
    NamingFile(file.path, "avro", act);
  }

  void ReadHeader() {
    // The metadata's length is nowhere said: read more until they end.
    for (size_t want = 64u << 10;; want *= 4) {
      const std::string_view ahead = input_.Ahead(want);
      if (!ahead.starts_with("Obj\x01"))
        throw duckdb::InvalidInputException("it does not begin as one");
      AvroDecoder decoder(ahead.substr(4));
      try {
        TakeMetadata(decoder);
      } catch (const duckdb::InvalidInputException&) {
        if (ahead.size() < want || want > kMaxHeader) throw;
        continue;
      }
      sync_ = std::string(decoder.Take(kSync));
      input_.Skip(ahead.size() - decoder.left());
      break;
    }
    root_ = ParseAvroSchema(schema_);
    codec_.emplace(codec_name_);
    for (size_t i = 0; i < root_->children.size(); i++)
      columns.push_back(duckdb::MultiFileColumnDefinition::CreateFromNameAndType(
          root_->names[i], root_->children[i]->type));
  }

  void TakeMetadata(AvroDecoder& decoder) {
    for (int64_t count = decoder.Long(); count != 0; count = decoder.Long()) {
      if (count < 0) {
        count = count == INT64_MIN ? 0 : -count;
        decoder.Long();
      }
      for (; count > 0; count--) {
        const std::string_view key = decoder.Bytes(), value = decoder.Bytes();
        if (key == "avro.schema") schema_ = value;
        if (key == "avro.codec") codec_name_ = value;
      }
    }
    if (decoder.left() < kSync) throw duckdb::InvalidInputException("it ends within its header");
  }

  // Takes the next block as it stands in the file. False at the end.
  bool NextBlock(AvroLocal& local) {
    if (ended_) return false;
    constexpr size_t kMostHead = 20;
    const std::string_view ahead = input_.Ahead(kMostHead);
    ended_ = true;  // until this block is known to be sound
    if (ahead.empty()) return false;
    AvroDecoder head(ahead);
    const int64_t rows = head.Long(), size = head.Long();
    if (rows < 0 || size < 0 || static_cast<uint64_t>(size) > kMaxBlock)
      throw duckdb::InvalidInputException("it has a block of no or too large a size");
    if (static_cast<uint64_t>(rows) > kMaxEmptyRows &&
        static_cast<uint64_t>(rows) / 4096 > static_cast<uint64_t>(size))
      throw duckdb::InvalidInputException("it has a block of more rows than bytes");
    input_.Skip(ahead.size() - head.left());
    const auto length = static_cast<size_t>(size);
    const std::string_view body = input_.Ahead(length + kSync);
    if (body.size() < length + kSync) throw duckdb::InvalidInputException("it ends within a block");
    if (body.substr(length, kSync) != sync_)
      throw duckdb::InvalidInputException("a block does not end where it says");
    local.block = body.substr(0, length);
    local.rows_left = static_cast<uint64_t>(rows);
    input_.Skip(length + kSync);
    ended_ = false;
    return true;
  }

  void Decode(AvroDecoder& decoder, idx_t rows, duckdb::DataChunk& out) {
    if (wanted_.size() != root_->children.size()) throw duckdb::InternalException("not prepared");
    for (idx_t row = 0; row < rows; row++) {
      for (size_t field = 0; field < wanted_.size(); field++) {
        if (wanted_[field] < 0)
          decoder.Skip(*root_->children[field]);
        else
          decoder.Read(*root_->children[field], out.data[static_cast<size_t>(wanted_[field])], row);
      }
    }
    for (const auto& [from, to] : copies_) out.data[to].Reference(out.data[from]);
  }

  Input input_;
  std::string schema_, codec_name_, sync_;
  std::shared_ptr<const AvroNode> root_;
  std::optional<Codec> codec_;
  std::vector<int64_t> wanted_;                    // by field: the column it fills, or -1
  std::vector<std::pair<size_t, size_t>> copies_;  // columns of a field that another one fills
  std::mutex mutex_;
  bool ended_ = false;
};

}  // namespace

void RegisterAvro(duckdb::DatabaseInstance& instance) {
  RegisterFormat<AvroFile>(instance, "read_avro");
}

}  // namespace skep::external_scan
