#include "worker/external_scan/lake_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <duckdb/common/file_opener.hpp>
#include <duckdb/main/client_context_state.hpp>
#include <span>

#include "base/client_encryption.h"
#include "worker/external_scan/decompression.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_writer.h"

namespace skep::external_scan {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr uint64_t kAheadBytes = 4u << 20;  // of a file that is read from front to back

// Options of OpenFileInfo; the first three names are the engine's own.
constexpr const char* kSizeOption = "file_size";
constexpr const char* kEtagOption = "etag";
constexpr const char* kModifiedOption = "last_modified";
constexpr const char* kScanOption = "skep_scan";
constexpr const char* kNumberOption = "skep_file";

struct LakeBytes final : duckdb::ClientContextState {
  std::atomic<uint64_t> bytes = 0;
};
duckdb::shared_ptr<LakeBytes> BytesOf(duckdb::ClientContext& context) {
  return context.registered_state->GetOrCreate<LakeBytes>("skep_lake_bytes");
}

struct LakeHandle final : duckdb::FileHandle {
  LakeHandle(duckdb::FileSystem& fs, const std::string& engine_path, duckdb::FileOpenFlags flags)
      : FileHandle(fs, engine_path, flags) {}
  void Close() override {}

  FileId file;
  std::optional<EnvelopeReader> cipher;  // of an object that is encrypted on the client's side
  uint64_t size = 0;                     // of what is read
  std::string name;                      // as users see it
  std::string etag;
  duckdb::timestamp_t modified{0};
  LakeClient::Interrupted interrupted;
  duckdb::shared_ptr<LakeBytes> bytes;
  uint64_t position = 0;
  uint64_t ahead = 0;  // end of what sequential reading has asked for
};

struct NewFileHandle final : duckdb::FileHandle {
  NewFileHandle(duckdb::FileSystem& fs, const std::string& engine_path, duckdb::FileOpenFlags flags)
      : FileHandle(fs, engine_path, flags) {}
  void Close() override {
    if (writer) OrThrow(writer->Finish());
  }
  std::unique_ptr<LakeFileWriter> writer;
};

constexpr uint64_t kBlock = Envelope::kBlockBytes;

// From here on the handle reads what was encrypted.
Result<void> Decrypt(LakeClient& client, const Secret& key, LakeHandle& handle) {
  const auto named = [&](Error error) {
    error.message = handle.name + ": " + error.message;
    return Fail(std::move(error));
  };
  SKEP_TRY_ASSIGN(const auto metadata, client.MetadataOf(handle.file, handle.interrupted));
  const auto envelope = Envelope::Read(metadata);
  if (!envelope) return named(envelope.error());
  if (!*envelope)
    return named({ErrorKind::kDataException,
                  "the object is not encrypted on the client's side: it has no x-amz-key",
                  {},
                  "Leave ENCRYPTED out.",
                  0});
  auto cipher = EnvelopeReader::Open(**envelope, key);
  if (!cipher) return named(cipher.error());
  const uint64_t object = handle.file.size_bytes;
  std::string tail(std::min(object, 2 * kBlock), '\0');
  SKEP_TRY(client.Read(handle.file, object - tail.size(), tail, handle.name, handle.interrupted));
  const auto size = cipher->PlainBytes(object, tail);
  if (!size) return named(size.error());
  if ((*envelope)->plain_bytes.value_or(*size) != *size)
    return named({ErrorKind::kDataException,
                  fmt::format("the object holds {} bytes; x-amz-unencrypted-content-length is {}",
                              *size, *(*envelope)->plain_bytes),
                  {},
                  {},
                  0});
  handle.size = *size;
  handle.cipher = std::move(*cipher);
  return {};
}

Result<void> ReadDecrypted(LakeClient& client, const LakeHandle& handle, uint64_t offset,
                           std::span<char> out) {
  if (offset > handle.size || out.size() > handle.size - offset)
    return Fail(ErrorKind::kDataException, fmt::format("{} ends early", handle.name));
  const uint64_t first = offset / kBlock * kBlock,
                 end = (offset + out.size() + kBlock - 1) / kBlock * kBlock;
  const uint64_t before = first == 0 ? 0 : kBlock;
  std::string bytes(end - first + before, '\0');
  SKEP_TRY(client.Read(handle.file, first - before, bytes, handle.name, handle.interrupted));
  const std::string previous = bytes.substr(0, before);
  handle.cipher->Decrypt(previous, std::span(bytes).subspan(before));
  std::memcpy(out.data(), bytes.data() + before + (offset - first), out.size());
  return {};
}

[[noreturn]] void Refuse(const std::string& path) {
  ThrowLakeError({ErrorKind::kInsufficientPrivilege,
                  fmt::format("{} cannot be opened by its name", PublicText(path)),
                  {},
                  "Use an external table.",
                  0});
}

}  // namespace

std::string EncodeLakePath(const LakePath& path) {
  const bool packed = !path.compression.empty();
  return fmt::format("{}{}.{}.{}{}{}@{}{}", kScheme, path.file.scan, path.file.number,
                     path.file.size_bytes, packed ? "." : "", path.compression,
                     path.path.substr(kScheme.size()), packed ? kPackedEnding : "");
}

std::string NewFilePath(uint64_t write, uint32_t file, const std::string& name) {
  return fmt::format("{}w{}.{}@{}", kScheme, write, file, name);
}

std::optional<LakePath> DecodeLakePath(const std::string& path) {
  if (!path.starts_with(kScheme)) return std::nullopt;
  LakePath out;
  const char* at = path.data() + kScheme.size();
  const char* end = path.data() + path.size();
  const auto number = [&](auto& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || next == end) return '\0';
    at = next + 1;
    return *next;
  };
  if (number(out.file.scan) != '.' || number(out.file.number) != '.') return std::nullopt;
  const char stop = number(out.file.size_bytes);
  if (stop == '.') {
    const char* const sign = std::find(at, end, '@');
    out.compression = std::string(at, sign);
    if (sign == end || !IsOwnCompression(out.compression)) return std::nullopt;
    at = sign + 1;
    if (!std::string_view(at, end).ends_with(kPackedEnding)) return std::nullopt;
    end -= kPackedEnding.size();
  } else if (stop != '@') {
    return std::nullopt;
  }
  out.path = std::string(kScheme) + std::string(at, end);
  return out;
}

duckdb::OpenFileInfo DescribeLakeFile(uint64_t scan, const ipc::TableFile& file, bool in_path,
                                      std::string_view compression) {
  duckdb::OpenFileInfo info(
      in_path || !compression.empty()
          ? EncodeLakePath({{scan, file.number, file.size}, file.path, std::string(compression)})
          : file.path);
  info.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
  auto& options = info.extended_info->options;
  options[kSizeOption] = duckdb::Value::UBIGINT(file.size);
  options[kEtagOption] = duckdb::Value(file.etag);
  options[kModifiedOption] =
      duckdb::Value::TIMESTAMP(duckdb::Timestamp::FromEpochSeconds(file.modified_s));
  options["validate_external_file_cache"] = duckdb::Value::BOOLEAN(true);
  options[kScanOption] = duckdb::Value::UBIGINT(scan);
  options[kNumberOption] = duckdb::Value::UBIGINT(file.number);
  return info;
}

std::optional<uint32_t> LakeFileNumber(const duckdb::OpenFileInfo& info) {
  if (info.extended_info) {
    const auto found = info.extended_info->options.find(kNumberOption);
    if (found != info.extended_info->options.end())
      return static_cast<uint32_t>(found->second.GetValue<uint64_t>());
  }
  if (const auto path = DecodeLakePath(info.path)) return path->file.number;
  return std::nullopt;
}

LakeClient::Interrupted InterruptOf(duckdb::ClientContext* context) {
  if (context == nullptr) return {};
  return [weak = duckdb::weak_ptr<duckdb::ClientContext>(context->shared_from_this())] {
    const auto live = weak.lock();
    return live && live->IsInterrupted();
  };
}

uint64_t TakeLakeBytes(duckdb::ClientContext& context) {
  return BytesOf(context)->bytes.exchange(0);
}

bool LakeFileSystem::CanHandleFile(const std::string& path) { return path.starts_with(kScheme); }

duckdb::unique_ptr<duckdb::FileHandle> LakeFileSystem::OpenFileExtended(
    const duckdb::OpenFileInfo& info, duckdb::FileOpenFlags flags,
    duckdb::optional_ptr<duckdb::FileOpener> opener) {
  if (flags.OpenForWriting()) return OpenNewFile(info.path, flags, opener);
  auto handle = duckdb::make_uniq<LakeHandle>(*this, info.path, flags);
  const auto* options = info.extended_info ? &info.extended_info->options : nullptr;
  if (options && options->contains(kScanOption) && options->contains(kNumberOption) &&
      options->contains(kSizeOption)) {
    handle->file = {options->at(kScanOption).GetValue<uint64_t>(),
                    static_cast<uint32_t>(options->at(kNumberOption).GetValue<uint64_t>()),
                    options->at(kSizeOption).GetValue<uint64_t>()};
    handle->name = PublicText(info.path);
    if (options->contains(kEtagOption))
      handle->etag = duckdb::StringValue::Get(options->at(kEtagOption));
    if (options->contains(kModifiedOption))
      handle->modified = options->at(kModifiedOption).GetValue<duckdb::timestamp_t>();
  } else if (auto decoded = DecodeLakePath(info.path)) {
    handle->file = decoded->file;
    handle->name = std::move(decoded->path);
    handle->etag = fmt::format("{}.{}", handle->file.scan,
                               handle->file.number);  // a scan sees one version of a file
  } else {
    Refuse(info.path);
  }
  if (auto context = duckdb::FileOpener::TryGetClientContext(opener)) {
    handle->interrupted = InterruptOf(context.get());
    handle->bytes = BytesOf(*context);
  }
  handle->size = handle->file.size_bytes;
  if (const auto key = client_.KeyOfScan(handle->file.scan))
    OrThrow(Decrypt(client_, *key, *handle));
  return handle;
}

duckdb::unique_ptr<duckdb::FileHandle> LakeFileSystem::OpenNewFile(
    const std::string& path, duckdb::FileOpenFlags flags,
    duckdb::optional_ptr<duckdb::FileOpener> opener) {
  constexpr std::string_view kNew = "s3://w";
  uint64_t write = 0;
  uint32_t file = 0;
  const char* const end = path.data() + path.size();
  if (!path.starts_with(kNew) || flags.OpenForReading() || flags.OpenForAppending()) Refuse(path);
  const auto first = std::from_chars(path.data() + kNew.size(), end, write);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') Refuse(path);
  const auto second = std::from_chars(first.ptr + 1, end, file);
  if (second.ec != std::errc{} || second.ptr == end || *second.ptr != '@') Refuse(path);
  auto context = duckdb::FileOpener::TryGetClientContext(opener);
  auto handle = duckdb::make_uniq<NewFileHandle>(*this, path, flags);
  handle->writer = std::make_unique<LakeFileWriter>(
      client_, write, file, std::string(second.ptr + 1, end), InterruptOf(context.get()));
  return handle;
}

int64_t LakeFileSystem::Write(duckdb::FileHandle& base, void* buffer, int64_t bytes) {
  auto& handle = base.Cast<NewFileHandle>();
  OrThrow(handle.writer->Append({static_cast<const char*>(buffer), static_cast<size_t>(bytes)}));
  return bytes;
}

void LakeFileSystem::Read(duckdb::FileHandle& base, void* buffer, int64_t bytes,
                          duckdb::idx_t location) {
  auto& handle = base.Cast<LakeHandle>();
  if (bytes <= 0) return;
  const auto size = static_cast<size_t>(bytes);
  if (handle.cipher)
    OrThrow(ReadDecrypted(client_, handle, location, {static_cast<char*>(buffer), size}));
  else
    OrThrow(client_.Read(handle.file, location, {static_cast<char*>(buffer), size}, handle.name,
                         handle.interrupted));
  if (handle.bytes) handle.bytes->bytes += size;
}

int64_t LakeFileSystem::Read(duckdb::FileHandle& base, void* buffer, int64_t bytes) {
  auto& handle = base.Cast<LakeHandle>();
  const auto left =
      static_cast<int64_t>(handle.size - std::min<uint64_t>(handle.position, handle.size));
  bytes = std::min(bytes, left);
  if (bytes <= 0) return 0;
  const uint64_t end = handle.position + static_cast<uint64_t>(bytes);
  if (end + kAheadBytes / 2 > handle.ahead && handle.ahead < handle.file.size_bytes) {
    const uint64_t from = std::max(handle.ahead, handle.position);
    handle.ahead = end + kAheadBytes;
    client_.Prefetch(handle.file, from, handle.ahead - from);
  }
  Read(base, buffer, bytes, handle.position);
  handle.position = end;
  return bytes;
}

int64_t LakeFileSystem::GetFileSize(duckdb::FileHandle& handle) {
  if (handle.GetFlags().OpenForWriting())
    return static_cast<int64_t>(handle.Cast<NewFileHandle>().writer->bytes());
  return static_cast<int64_t>(handle.Cast<LakeHandle>().size);
}
duckdb::timestamp_t LakeFileSystem::GetLastModifiedTime(duckdb::FileHandle& handle) {
  return handle.Cast<LakeHandle>().modified;
}
std::string LakeFileSystem::GetVersionTag(duckdb::FileHandle& handle) {
  return handle.Cast<LakeHandle>().etag;
}
void LakeFileSystem::Seek(duckdb::FileHandle& handle, duckdb::idx_t location) {
  handle.Cast<LakeHandle>().position = location;
}
void LakeFileSystem::Reset(duckdb::FileHandle& handle) { handle.Cast<LakeHandle>().position = 0; }
duckdb::idx_t LakeFileSystem::SeekPosition(duckdb::FileHandle& handle) {
  return handle.Cast<LakeHandle>().position;
}

bool LakeFileSystem::FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) {
  return DecodeLakePath(path).has_value();
}

duckdb::vector<duckdb::OpenFileInfo> LakeFileSystem::Glob(const std::string& path,
                                                          duckdb::FileOpener*) {
  if (!DecodeLakePath(path)) Refuse(path);
  return {duckdb::OpenFileInfo(path)};
}

}  // namespace skep::external_scan
