// How text objects are packed: gzip, and what the engine does not read itself: bzip2, snappy
// (Hadoop's blocks and the framing format), lzop, text that is not UTF-8, and records within JSON
// documents. Objects are read from
// front to back in bounded pieces, whatever they claim of their size.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <duckdb/common/gzip_file_system.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace skep::external_scan {

// What is taken off on the way: a compression ("", "gzip", "zstd", "bzip2", "snappy", "lzop"), then
// an encoding of Transcoder's, then all but the records below a path (json_records.h). As one word:
// "gzip", "+utf16le", "gzip+iso88591", "+utf8+242e6974656d73", the path in hexadecimal.
struct Packing {
  std::string compression, encoding, records;
  // Empty when there is nothing to be taken off.
  std::string Word() const;
};

// True for the words of a Packing with something that is not the engine's to take off.
bool IsOwnCompression(std::string_view name);

// Text out of a compressed object.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  // Appends about 1 MiB more to `out`; leaves it as it is at the end. Throws InvalidInputException
  // naming the object when it is broken, and what reading it throws.
  virtual void More(std::string& out) = 0;
};

// Of an open object, from its beginning; "gzip" or one that IsOwnCompression knows. `name` stands
// in messages.
std::unique_ptr<Decompressor> MakeDecompressor(std::string_view compression,
                                               duckdb::FileHandle& object, std::string name);

// A path that ends so is gzip to the engine, which then asks PackedFiles to open it.
inline constexpr std::string_view kPackedEnding = "/.gz";

// Stands in the engine's place for gzip, and opens what lake paths call packed otherwise too. The
// files as the readers see them have no way back, as pipes.
class PackedFiles final : public duckdb::FileSystem {
 public:
  duckdb::unique_ptr<duckdb::FileHandle> OpenCompressedFile(
      duckdb::QueryContext context, duckdb::unique_ptr<duckdb::FileHandle> object,
      bool write) override;

  std::string GetName() const override { return "PackedFiles"; }
  bool CanHandleFile(const std::string&) override { return false; }
  bool CanSeek() override { return false; }
  bool OnDiskFile(duckdb::FileHandle&) override { return false; }
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override;
  // Of the object; nobody knows the text's before its end.
  int64_t GetFileSize(duckdb::FileHandle& handle) override;
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override;
  std::string GetVersionTag(duckdb::FileHandle& handle) override;
  duckdb::FileType GetFileType(duckdb::FileHandle&) override {
    return duckdb::FileType::FILE_TYPE_REGULAR;
  }
  void Reset(duckdb::FileHandle& handle) override;
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override;

 private:
  duckdb::GZipFileSystem writing_;
};

}  // namespace skep::external_scan
