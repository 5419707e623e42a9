// The spool of one statement's rows: written while the statement runs, made durable and renamed
// into place at its end, read back in pages. Every function here blocks for the disk: call on the
// blocking pool.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace skep::redshift_data {

class ResultWriter {
 public:
  // Writes <directory>/<name>.part. Errors: kIoError, kDiskFull.
  static Result<ResultWriter> Create(const std::string& directory, const std::string& name);
  ResultWriter(ResultWriter&&) = default;
  ResultWriter& operator=(ResultWriter&&) = delete;
  // Drops what was not finished.
  ~ResultWriter();

  Result<void> Append(const std::string& bytes);
  // After this the result survives a crash, as <directory>/<name>.
  Result<void> Finish();

 private:
  ResultWriter(UniqueFd file, std::string directory, std::string name);
  UniqueFd file_;
  std::string directory_, name_;
};

struct ResultPage {
  std::string metadata_json;  // ColumnMetadata
  std::string records_json;   // Records
  uint64_t next_offset = 0;   // 0 = this was the last page
};

// Reads about page_bytes from `offset` (0 = the start), at least one row. Errors: kUndefinedObject
// (no file), kInvalidArgument (no row begins at offset), kIoError, kProtocolViolation (damaged).
Result<ResultPage> ReadResultPage(const std::string& path, uint64_t offset, size_t page_bytes);

}  // namespace skep::redshift_data
