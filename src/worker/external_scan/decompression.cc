#include "worker/external_scan/decompression.h"

#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/crypto.h"
#include "worker/external_scan/json_records.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/lzo.h"
#include "worker/external_scan/transcoder.h"

namespace skep::external_scan {
namespace {

constexpr size_t kPiece = 1u << 20;
constexpr size_t kMaxBlock = 64u << 20;  // of snappy and lzop, decompressed

// The compressed bytes, in order.
class Source {
 public:
  Source(duckdb::FileHandle& object, std::string name) : object_(object), name_(std::move(name)) {}

  // Up to `want` bytes ahead, without taking them; fewer only at the end.
  std::string_view Peek(size_t want) {
    if (bytes_.size() - at_ < want) Fill(want);
    return std::string_view(bytes_).substr(at_, want);
  }
  void Skip(size_t count) { at_ += count; }
  bool AtEnd() { return Peek(1).empty(); }
  // What there is ahead, at least a byte unless at the end.
  std::string_view Ahead() {
    if (at_ == bytes_.size()) Fill(kPiece);
    return std::string_view(bytes_).substr(at_);
  }
  // Exactly `count` bytes, valid until the next call.
  std::string_view Take(size_t count) {
    const std::string_view bytes = Peek(count);
    if (bytes.size() < count) Broken("it ends too early");
    at_ += count;
    return bytes;
  }
  uint32_t BigEndian(size_t count) {
    uint32_t value = 0;
    for (const char c : Take(count)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }

  [[noreturn]] void Broken(const std::string& why) const {
    throw duckdb::InvalidInputException("%s is not readable: %s", name_, why);
  }

 private:
  void Fill(size_t want) {
    bytes_.erase(0, at_);
    at_ = 0;
    while (!ended_ && bytes_.size() < want) {
      const size_t have = bytes_.size();
      bytes_.resize(have + std::max(kPiece, want - have));
      const int64_t read =
          object_.Read(bytes_.data() + have, static_cast<duckdb::idx_t>(bytes_.size() - have));
      bytes_.resize(have + static_cast<size_t>(std::max<int64_t>(read, 0)));
      ended_ = read <= 0;
    }
  }

  duckdb::FileHandle& object_;
  std::string name_, bytes_;
  size_t at_ = 0;
  bool ended_ = false;
};

class Plain final : public Decompressor {
 public:
  Plain(duckdb::FileHandle& object, std::string name) : source_(object, std::move(name)) {}

  void More(std::string& out) override {
    const std::string_view in = source_.Ahead();
    out += in;
    source_.Skip(in.size());
  }

 private:
  Source source_;
};

// Text of another encoding.
class Encoded final : public Decompressor {
 public:
  Encoded(std::unique_ptr<Decompressor> bytes, std::string_view encoding)
      : bytes_(std::move(bytes)), transcoder_(encoding) {}

  void More(std::string& out) override {
    const size_t have = out.size();
    while (!ended_ && out.size() == have) {
      piece_.clear();
      bytes_->More(piece_);
      ended_ = piece_.empty();
      transcoder_.Append(piece_, ended_, out);
    }
  }

 private:
  std::unique_ptr<Decompressor> bytes_;
  Transcoder transcoder_;
  std::string piece_;
  bool ended_ = false;
};

// Records within JSON documents.
class Records final : public Decompressor {
 public:
  Records(std::unique_ptr<Decompressor> text, JsonRecords records, std::string name)
      : text_(std::move(text)), records_(std::move(records)), name_(std::move(name)) {}

  void More(std::string& out) override {
    const size_t have = out.size();
    while (!ended_ && out.size() == have) {
      piece_.clear();
      text_->More(piece_);
      ended_ = piece_.empty();
      if (!records_.Append(piece_, ended_, out))
        throw duckdb::InvalidInputException("%s is not readable: it is not JSON", name_);
    }
  }

 private:
  std::unique_ptr<Decompressor> text_;
  JsonRecords records_;
  std::string name_, piece_;
  bool ended_ = false;
};

// gzip, zstd and bzip2.
class Streams final : public Decompressor {
 public:
  Streams(duckdb::FileHandle& object, std::string name, arrow::Compression::type type)
      : source_(object, std::move(name)),
        codec_(std::move(arrow::util::Codec::Create(type)).ValueOrDie()) {}

  void More(std::string& out) override {
    const size_t goal = out.size() + kPiece;
    while (out.size() < goal) {
      const std::string_view in = source_.Ahead();
      if (in.empty()) {
        if (stream_ && !stream_->IsFinished()) source_.Broken("it ends too early");
        return;
      }
      // Streams may follow one another, as parallel compressors write them.
      if (!stream_ || stream_->IsFinished())
        stream_ = std::move(codec_->MakeDecompressor()).ValueOrDie();
      const size_t have = out.size();
      out.resize(goal);
      const auto step = stream_->Decompress(
          static_cast<int64_t>(in.size()), reinterpret_cast<const uint8_t*>(in.data()),
          static_cast<int64_t>(goal - have), reinterpret_cast<uint8_t*>(out.data() + have));
      if (!step.ok()) {
        out.resize(have);
        source_.Broken("it is not in " + codec_->name());
      }
      out.resize(have + static_cast<size_t>(step->bytes_written));
      source_.Skip(static_cast<size_t>(step->bytes_read));
    }
  }

 private:
  Source source_;
  std::unique_ptr<arrow::util::Codec> codec_;
  std::shared_ptr<arrow::util::Decompressor> stream_;
};

// Hadoop writes blocks of chunks, each with its length before it; the framing format's chunks have
// a type. Source: Hadoop's BlockCompressorStream; google/snappy framing_format.txt.
class Snappy final : public Decompressor {
 public:
  Snappy(duckdb::FileHandle& object, std::string name)
      : source_(object, std::move(name)),
        codec_(std::move(arrow::util::Codec::Create(arrow::Compression::SNAPPY)).ValueOrDie()),
        framed_(source_.Peek(10) == std::string_view("\xff\x06\x00\x00sNaPpY", 10)) {}

  void More(std::string& out) override {
    const size_t goal = out.size() + kPiece;
    while (out.size() < goal && !source_.AtEnd()) {
      if (framed_)
        Frame(out);
      else
        Block(out);
    }
  }

 private:
  void Block(std::string& out) {
    size_t left = source_.BigEndian(4);
    if (left > kMaxBlock) source_.Broken("it is not in snappy");
    while (left > 0) {
      const size_t length = source_.BigEndian(4);
      if (length > kMaxBlock) source_.Broken("it is not in snappy");
      left -= std::min(left, Chunk(source_.Take(length), out));
    }
  }
  void Frame(std::string& out) {
    constexpr size_t kChecksum = 4;
    const std::string_view head = source_.Take(4);
    const auto byte = [&](size_t i) {
      return static_cast<uint32_t>(static_cast<uint8_t>(head[i]));
    };
    const uint32_t type = byte(0);
    const size_t length = byte(1) | byte(2) << 8 | byte(3) << 16;
    const std::string_view body = source_.Take(length);
    if (type > 1) {
      if (type < 0x80) source_.Broken("it has a chunk that must not be skipped");
      return;
    }
    if (length < kChecksum) source_.Broken("it is not in snappy");
    if (type == 1)
      out += body.substr(kChecksum);
    else
      Chunk(body.substr(kChecksum), out);
  }
  size_t Chunk(std::string_view chunk, std::string& out) {
    // The chunk begins with its length, seven bits a byte.
    size_t size = 0;
    for (size_t i = 0; i < 5 && i < chunk.size(); i++) {
      size |= static_cast<size_t>(chunk[i] & 0x7f) << (7 * i);
      if ((chunk[i] & 0x80) == 0) break;
    }
    if (size == 0 || size > kMaxBlock) source_.Broken("it is not in snappy");
    const size_t have = out.size();
    out.resize(have + size);
    const auto written = codec_->Decompress(
        static_cast<int64_t>(chunk.size()), reinterpret_cast<const uint8_t*>(chunk.data()),
        static_cast<int64_t>(size), reinterpret_cast<uint8_t*>(out.data() + have));
    if (!written.ok()) source_.Broken("it is not in snappy");
    out.resize(have + static_cast<size_t>(*written));
    return size;
  }

  Source source_;
  std::unique_ptr<arrow::util::Codec> codec_;
  bool framed_;
};

// Source: the file format of lzop 1.x (its conf.h and lzop.c name the flags).
class Lzop final : public Decompressor {
 public:
  Lzop(duckdb::FileHandle& object, std::string name) : source_(object, std::move(name)) {}

  void More(std::string& out) override {
    const size_t goal = out.size() + kPiece;
    while (out.size() < goal) {
      if (!within_ && !Header()) return;
      Block(out);
    }
  }

 private:
  enum : uint32_t {
    kAdlerOfText = 0x1,
    kAdlerOfBlock = 0x2,
    kExtraField = 0x40,
    kCrcOfText = 0x100,
    kCrcOfBlock = 0x200,
    kMultipart = 0x400,
    kFilter = 0x800
  };

  bool Header() {
    if (source_.AtEnd()) return false;
    if (source_.Take(9) != std::string_view("\x89LZO\0\r\n\x1a\n", 9))
      source_.Broken("it is not in lzop");
    const uint32_t version = source_.BigEndian(2);
    const bool current = version >= 0x0940;
    source_.BigEndian(2);
    if (current) source_.BigEndian(2);
    const uint32_t method = source_.BigEndian(1);
    if (method < 1 || method > 3) source_.Broken("its method of compression is not LZO1X");
    if (current) source_.BigEndian(1);
    flags_ = source_.BigEndian(4);
    if ((flags_ & (kFilter | kMultipart)) != 0)
      source_.Broken("it is filtered or of several parts");
    source_.Take(current ? 12 : 8);
    source_.Take(source_.BigEndian(1));
    source_.BigEndian(4);
    if ((flags_ & kExtraField) != 0) {
      const size_t length = source_.BigEndian(4);
      if (length > kMaxBlock) source_.Broken("it is not in lzop");
      source_.Take(length);
      source_.BigEndian(4);
    }
    within_ = true;
    return true;
  }

  void Block(std::string& out) {
    const size_t size = source_.BigEndian(4);
    if (size == 0) {
      within_ = false;
      return;
    }
    const size_t length = source_.BigEndian(4);
    if (size > kMaxBlock || length > size) source_.Broken("it is not in lzop");
    const uint32_t adler = (flags_ & kAdlerOfText) != 0 ? source_.BigEndian(4) : 0;
    if ((flags_ & kCrcOfText) != 0) source_.BigEndian(4);
    if (length < size) {
      if ((flags_ & kAdlerOfBlock) != 0) source_.BigEndian(4);
      if ((flags_ & kCrcOfBlock) != 0) source_.BigEndian(4);
    }
    const std::string_view block = source_.Take(length);
    if (length == size)
      text_ = block;
    else if (!DecompressLzo(block, size, text_))
      source_.Broken("a block is broken");
    if ((flags_ & kAdlerOfText) != 0 && Adler(text_) != adler)
      source_.Broken("a block's checksum is another");
    out += text_;
  }

  static uint32_t Adler(std::string_view text) {
    uint32_t a = 1, b = 0;
    for (const char c : text) {
      a = (a + static_cast<uint8_t>(c)) % 65521;
      b = (b + a) % 65521;
    }
    return b << 16 | a;
  }

  Source source_;
  std::string text_;
  uint32_t flags_ = 0;
  bool within_ = false;
};

// Of a word with a plus; nullopt when no Packing makes it.
std::optional<Packing> PackingOf(std::string_view word) {
  Packing out;
  const size_t plus = word.find('+');
  out.compression = word.substr(0, plus);
  std::string_view rest = word.substr(plus + 1);
  const size_t next = std::min(rest.find('+'), rest.size());
  out.encoding = rest.substr(0, next);
  if (out.encoding == "utf8")
    out.encoding.clear();
  else if (!Transcoder(out.encoding).needed())
    return std::nullopt;
  if (next == rest.size()) return out.encoding.empty() ? std::nullopt : std::optional(out);
  const auto records = HexDecode(rest.substr(next + 1));
  if (!records || !JsonRecords::Along(*records)) return std::nullopt;
  out.records = *records;
  return out;
}

struct PackedHandle final : duckdb::FileHandle {
  PackedHandle(duckdb::FileSystem& fs, duckdb::unique_ptr<duckdb::FileHandle> o, std::string c,
               std::string n)
      : FileHandle(fs, o->path, o->GetFlags()),
        object(std::move(o)),
        compression(std::move(c)),
        name(std::move(n)),
        text(MakeDecompressor(compression, *object, name)) {}
  void Close() override {}

  duckdb::unique_ptr<duckdb::FileHandle> object;
  std::string compression, name;
  std::unique_ptr<Decompressor> text;
  std::string ready;
  size_t taken = 0;
  duckdb::idx_t position = 0;
};

}  // namespace

std::string Packing::Word() const {
  if (encoding.empty() && records.empty()) return compression;
  std::string word = compression + "+" + (encoding.empty() ? "utf8" : encoding);
  if (!records.empty()) word += "+" + HexEncode(records);
  return word;
}

bool IsOwnCompression(std::string_view name) {
  if (name.find('+') != std::string_view::npos) {
    const auto packing = PackingOf(name);
    return packing && (packing->compression.empty() || packing->compression == "gzip" ||
                       packing->compression == "zstd" || IsOwnCompression(packing->compression));
  }
  return name == "bzip2" || name == "snappy" || name == "lzop";
}

std::unique_ptr<Decompressor> MakeDecompressor(std::string_view compression,
                                               duckdb::FileHandle& object, std::string name) {
  if (compression.find('+') != std::string_view::npos) {
    const Packing packing = PackingOf(compression).value();
    auto text = MakeDecompressor(packing.compression, object, name);
    if (!packing.encoding.empty())
      text = std::make_unique<Encoded>(std::move(text), packing.encoding);
    if (packing.records.empty()) return text;
    return std::make_unique<Records>(std::move(text), JsonRecords::Along(packing.records).value(),
                                     std::move(name));
  }
  if (compression.empty()) return std::make_unique<Plain>(object, std::move(name));
  if (compression == "gzip")
    return std::make_unique<Streams>(object, std::move(name), arrow::Compression::GZIP);
  if (compression == "zstd")
    return std::make_unique<Streams>(object, std::move(name), arrow::Compression::ZSTD);
  if (compression == "bzip2")
    return std::make_unique<Streams>(object, std::move(name), arrow::Compression::BZ2);
  if (compression == "snappy") return std::make_unique<Snappy>(object, std::move(name));
  return std::make_unique<Lzop>(object, std::move(name));
}

duckdb::unique_ptr<duckdb::FileHandle> PackedFiles::OpenCompressedFile(
    duckdb::QueryContext context, duckdb::unique_ptr<duckdb::FileHandle> object, bool write) {
  if (write) return writing_.OpenCompressedFile(context, std::move(object), true);
  const auto path = DecodeLakePath(object->path);
  std::string compression = path && !path->compression.empty() ? path->compression : "gzip";
  std::string name = PublicText(object->path);
  return duckdb::make_uniq<PackedHandle>(*this, std::move(object), std::move(compression),
                                         std::move(name));
}

int64_t PackedFiles::Read(duckdb::FileHandle& base, void* buffer, int64_t bytes) {
  auto& handle = base.Cast<PackedHandle>();
  if (bytes <= 0) return 0;
  if (handle.taken == handle.ready.size()) {
    handle.ready.clear();
    handle.taken = 0;
    handle.text->More(handle.ready);
  }
  const size_t count = std::min(static_cast<size_t>(bytes), handle.ready.size() - handle.taken);
  std::memcpy(buffer, handle.ready.data() + handle.taken, count);
  handle.taken += count;
  handle.position += count;
  return static_cast<int64_t>(count);
}

int64_t PackedFiles::GetFileSize(duckdb::FileHandle& handle) {
  return static_cast<int64_t>(handle.Cast<PackedHandle>().object->GetFileSize());
}
duckdb::timestamp_t PackedFiles::GetLastModifiedTime(duckdb::FileHandle& handle) {
  auto& object = *handle.Cast<PackedHandle>().object;
  return object.file_system.GetLastModifiedTime(object);
}
std::string PackedFiles::GetVersionTag(duckdb::FileHandle& handle) {
  auto& object = *handle.Cast<PackedHandle>().object;
  return object.file_system.GetVersionTag(object);
}
void PackedFiles::Reset(duckdb::FileHandle& base) {
  auto& handle = base.Cast<PackedHandle>();
  handle.object->Reset();
  handle.text = MakeDecompressor(handle.compression, *handle.object, handle.name);
  handle.ready.clear();
  handle.taken = 0;
  handle.position = 0;
}
duckdb::idx_t PackedFiles::SeekPosition(duckdb::FileHandle& handle) {
  return handle.Cast<PackedHandle>().position;
}

}  // namespace skep::external_scan
