// The parts of a ZIP file, as Office Open XML packages are ones: found by name, read from front to
// back. Nothing is believed of what the file says of sizes; encrypted parts are refused. Source:
// PKWARE's APPNOTE, through minizip.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace skep::external_scan {

class ZipPackage {
 public:
  // Throws InvalidInputException when it is no ZIP file, and what reading it throws.
  explicit ZipPackage(duckdb::FileHandle& file);
  ~ZipPackage();
  ZipPackage(const ZipPackage&) = delete;
  ZipPackage& operator=(const ZipPackage&) = delete;

  // Begins to read a part; the one before ends. False when there is none of this name (letters of
  // either case). Throws like More.
  bool Open(const std::string& name);
  // Fills `piece` with the next bytes of the part; empty at its end. Throws InvalidInputException
  // for a part that cannot be decompressed or is not what its checksum says.
  void More(std::string& piece);
  // A whole part. Throws also when it has more than `most` bytes.
  std::string Whole(size_t most);

 private:
  struct Access;
  [[noreturn]] void Fail(const char* why);

  std::unique_ptr<Access> access_;
};

}  // namespace skep::external_scan
