#include "worker/copy/record_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "worker/external_scan/decompression.h"
#include "worker/external_scan/lake_file_system.h"

namespace skep::worker::copy {

RecordSource::RecordSource(duckdb::ClientContext& context, const sql::CopyPlan& plan, uint64_t scan,
                           std::vector<ipc::TableFile> files)
    : BatchSource(std::move(files)), context_(context), plan_(plan), scan_(scan) {
  for (size_t i = 0; i < files_.size(); i++) {
    objects_.push_back(std::make_unique<Object>());
    objects_.back()->skip = plan.skip_lines;
  }
}

bool BatchSource::Next(size_t& mine, Batch& batch) {
  if (mine < files_.size() && Take(mine, batch)) return true;
  for (size_t next = next_++; next < files_.size(); next = next_++) {
    mine = next;
    if (Take(mine, batch)) return true;
  }
  for (size_t i = 0; i < files_.size(); i++) {
    if (!Take(i, batch)) continue;
    mine = i;
    return true;
  }
  return false;
}

void RecordSource::Open(size_t number) {
  const auto& file = files_[number];
  const bool own = external_scan::IsOwnCompression(plan_.compression);
  const std::string path = external_scan::EncodeLakePath(
      {{scan_, file.number, file.size}, file.path, own ? plan_.compression : ""});
  const auto compression = own || plan_.compression == "gzip" ? duckdb::FileCompressionType::GZIP
                           : plan_.compression == "zstd"
                               ? duckdb::FileCompressionType::ZSTD
                               : duckdb::FileCompressionType::UNCOMPRESSED;
  Object& object = *objects_[number];
  object.opened = true;
  if (plan_.encoding != "utf8") object.transcoder = std::make_unique<external_scan::Transcoder>(plan_.encoding);
  if (file.size == 0) {
    object.ended = true;
    return;
  }
  object.handle = duckdb::FileSystem::GetFileSystem(context_).OpenFile(
      path, duckdb::FileFlags::FILE_FLAGS_READ | compression);
}

// A batch's worth more.
void RecordSource::Read(Object& object) {
  std::string bytes;
  std::string& into = object.transcoder ? bytes : object.rest;
  const size_t have = into.size();
  into.resize(have + kBatchBytes);
  size_t got = 0;
  while (got < kBatchBytes) {
    const int64_t n = object.handle->Read(into.data() + have + got, kBatchBytes - got);
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  into.resize(have + got);
  if (got < kBatchBytes) {
    object.ended = true;
    object.handle.reset();
  }
  if (object.transcoder) object.transcoder->Append(bytes, object.ended, object.rest);
}

bool RecordSource::Take(size_t number, Batch& batch) {
  Object& object = *objects_[number];
  const std::lock_guard lock(object.mutex);
  if (object.done) return false;
  if (!object.opened) Open(number);
  for (;;) {
    if (!object.ended) Read(object);
    if (object.skip > 0) SkipLines(object);
    const size_t end = object.ended ? object.rest.size() : EndOfRecords(object.rest);
    if (end == std::string::npos || (end == 0 && !object.ended)) {
      if (object.rest.size() > kMaxRecordBytes)
        throw duckdb::InvalidInputException("a record of %s at line %llu is longer than 4 MB",
                                            files_[number].path,
                                            static_cast<unsigned long long>(object.line));
      continue;
    }
    if (end == 0) {
      object.done = true;
      return false;
    }
    batch.file = number;
    batch.first_line = object.line;
    if (end == object.rest.size()) {
      batch.text = std::move(object.rest);
      object.rest.clear();
    } else {
      batch.text.assign(object.rest, 0, end);
      object.rest.erase(0, end);
    }
    object.line += static_cast<uint64_t>(std::ranges::count(batch.text, '\n'));
    if (object.ended && object.rest.empty()) object.done = true;
    return true;
  }
}

void RecordSource::SkipLines(Object& object) {
  size_t at = 0;
  while (object.skip > 0) {
    const size_t end = object.rest.find('\n', at);
    if (end == std::string::npos) break;
    at = end + 1;
    object.skip--;
    object.line++;
  }
  if (object.skip > 0 && object.ended) {  // fewer lines than are to be skipped
    at = object.rest.size();
    object.skip = 0;
  }
  object.rest.erase(0, at);
}

size_t RecordSource::EndOfRecords(std::string_view text) const {
  if (plan_.format == sql::CopyFormat::kCsv) return EndOfCsv(text);
  if (plan_.format == sql::CopyFormat::kJson) return EndOfJson(text);
  for (size_t at = text.rfind('\n'); at != std::string_view::npos; at = text.rfind('\n', at - 1)) {
    size_t escapes = 0;
    if (plan_.escape) {
      while (escapes < at && text[at - 1 - escapes] == '\\') escapes++;
    }
    if (escapes % 2 == 0) return at + 1;
    if (at == 0) break;
  }
  return std::string_view::npos;
}

// A line end within quotes is part of a field.
size_t RecordSource::EndOfCsv(std::string_view text) const {
  size_t end = std::string_view::npos;
  for (size_t at = 0;;) {
    const size_t open = std::min(text.find(plan_.quote, at), text.size());
    if (open > at) {
      const size_t line = text.substr(at, open - at).rfind('\n');
      if (line != std::string_view::npos) end = at + line + 1;
    }
    if (open == text.size()) return end;
    const size_t close = text.find(plan_.quote, open + 1);
    if (close == std::string_view::npos) return end;
    at = close + 1;
  }
}

// Behind the last object or array that closes.
size_t RecordSource::EndOfJson(std::string_view text) {
  size_t end = std::string_view::npos, depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        i++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
      end = i + 1;
    }
  }
  return end;
}

}  // namespace skep::worker::copy
