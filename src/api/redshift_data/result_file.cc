#include "api/redshift_data/result_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "api/redshift_data/pg_rows.h"

namespace skep::redshift_data {
namespace {

std::unexpected<Error> Failed(std::string_view what, const std::string& path, int code) {
  if (code == ENOSPC || code == EDQUOT) {
    return Fail(ErrorKind::kDiskFull,
                "No space left on the server's disk for the statement's result", {},
                "Free disk space and run the statement again.");
  }
  return Fail(ErrorKind::kIoError,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(code)));
}

// Up to `size` bytes from `offset`; fewer only at the end of the file.
Result<std::string> ReadAt(const UniqueFd& file, const std::string& path, uint64_t offset,
                           size_t size) {
  std::string bytes(size, '\0');
  size_t got = 0;
  while (got < size) {
    const ssize_t n =
        ::pread(file.get(), bytes.data() + got, size - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("read", path, errno);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

// The message at `offset`, held by `bytes`; nullopt at the end of the file.
Result<std::optional<Message>> ReadMessage(const UniqueFd& file, const std::string& path,
                                           uint64_t offset, size_t first_try, std::string& bytes) {
  size_t wanted = first_try;
  while (true) {
    const size_t asked = wanted;
    SKEP_TRY_ASSIGN(bytes, ReadAt(file, path, offset, asked));
    if (bytes.empty()) return std::optional<Message>();
    SKEP_TRY_ASSIGN(auto message, NextMessage(bytes, &wanted));
    if (message) return message;
    if (bytes.size() < asked || wanted <= asked)
      return Fail(ErrorKind::kProtocolViolation, "the stored result is damaged: it ends early");
  }
}

}  // namespace

ResultWriter::ResultWriter(UniqueFd file, std::string directory, std::string name)
    : file_(std::move(file)), directory_(std::move(directory)), name_(std::move(name)) {}

Result<ResultWriter> ResultWriter::Create(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name + ".part";
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return Failed("write", path, errno);
  return ResultWriter(std::move(file), directory, name);
}

ResultWriter::~ResultWriter() {
  if (file_) ::unlink((directory_ + "/" + name_ + ".part").c_str());
}

Result<void> ResultWriter::Append(const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(file_.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("write", directory_ + "/" + name_, errno);
    done += static_cast<size_t>(n);
  }
  return {};
}

Result<void> ResultWriter::Finish() {
  const std::string path = directory_ + "/" + name_;
  if (::fsync(file_.get()) != 0) return Failed("write", path, errno);
  if (::rename((path + ".part").c_str(), path.c_str()) != 0) return Failed("rename", path, errno);
  file_.Reset();
  const UniqueFd folder(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return Failed("write", directory_, errno);
  return {};
}

Result<ResultPage> ReadResultPage(const std::string& path, uint64_t offset, size_t page_bytes) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT)
    return Fail(ErrorKind::kUndefinedObject, "Query does not have result. It has expired.");
  if (!file) return Failed("read", path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return Failed("read", path, errno);
  const auto size = static_cast<uint64_t>(status.st_size);

  std::string bytes;
  SKEP_TRY_ASSIGN(const auto description, ReadMessage(file, path, 0, 16u << 10, bytes));
  if (!description || description->type != 'T')
    return Fail(ErrorKind::kProtocolViolation,
                "the stored result is damaged: it has no row description");
  SKEP_TRY_ASSIGN(const std::vector<Column> columns, ReadRowDescription(description->payload));
  ResultPage page;
  AppendColumnMetadata(columns, page.metadata_json);
  page.records_json = "[";
  const uint64_t first_row = description->size;
  if (offset == 0) offset = first_row;
  if (offset < first_row || offset > size)
    return Fail(ErrorKind::kInvalidArgument, "Invalid NextToken");

  SKEP_TRY_ASSIGN(auto row, ReadMessage(file, path, offset, page_bytes, bytes));
  size_t at = 0;
  while (row) {
    if (row->type != 'D') return Fail(ErrorKind::kInvalidArgument, "Invalid NextToken");
    if (at > 0) page.records_json += ',';
    SKEP_TRY(AppendRecord(row->payload, columns, page.records_json));
    at += row->size;
    SKEP_TRY_ASSIGN(row, NextMessage(ByteView(bytes).substr(at)));
  }
  page.records_json += ']';
  if (offset + at < size) page.next_offset = offset + at;
  return page;
}

}  // namespace skep::redshift_data
