// The engine's file system for s3:// paths: opens only files that the gateway listed for a scan,
// reads them through LakeClient, writes new files of a write that the gateway opened, and refuses
// everything else (listing, paths of its own making). Which file is meant travels either in
// OpenFileInfo::extended_info or, where a reader drops that (JSON), inside the path:
// s3://<scan>.<file>.<size>@bucket/key, or s3://<scan>.<file>.<size>.<compression>@bucket/key/.gz
// (decompression.h). A new file's path is s3://w<write>.<file>@name; it is complete when it is
// closed.
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <memory>
#include <string>

#include "worker/external_scan/lake_client.h"

namespace skep::external_scan {

struct LakePath {
  FileId file;
  std::string path;         // as users see it
  std::string compression;  // that is taken off on the way (decompression.h); empty: none
};

// The path by which readers name a file inside the engine.
std::string EncodeLakePath(const LakePath& path);
// nullopt for a path without a file in it.
std::optional<LakePath> DecodeLakePath(const std::string& path);

// The path by which a new file of a write is opened; `name` is the key below the write's prefix.
std::string NewFilePath(uint64_t write, uint32_t file, const std::string& name);

// What OpenFileExtended needs to open a listed file without asking anyone.
duckdb::OpenFileInfo DescribeLakeFile(uint64_t scan, const ipc::TableFile& file, bool in_path,
                                      std::string_view compression = {});
// The number of the file that DescribeLakeFile described; nullopt when it did not.
std::optional<uint32_t> LakeFileNumber(const duckdb::OpenFileInfo& info);

// True while the statement of `context` should stop. Holds the context weakly: a cached handle may
// outlive it.
LakeClient::Interrupted InterruptOf(duckdb::ClientContext* context);

// Bytes that statements of a connection read from the lake since it was last asked.
uint64_t TakeLakeBytes(duckdb::ClientContext& context);

class LakeFileSystem final : public duckdb::FileSystem {
 public:
  explicit LakeFileSystem(LakeClient& client) : client_(client) {}

  std::string GetName() const override { return "LakeFileSystem"; }
  bool CanHandleFile(const std::string& path) override;
  bool SupportsOpenFileExtended() const override { return true; }
  bool CanSeek() override { return true; }
  // False makes the Parquet reader fetch whole column chunks instead of pages.
  bool OnDiskFile(duckdb::FileHandle&) override { return false; }

  void Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes,
            duckdb::idx_t location) override;
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override;
  int64_t Write(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override;
  void FileSync(duckdb::FileHandle&) override {}
  int64_t GetFileSize(duckdb::FileHandle& handle) override;
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override;
  std::string GetVersionTag(duckdb::FileHandle& handle) override;
  duckdb::FileType GetFileType(duckdb::FileHandle&) override {
    return duckdb::FileType::FILE_TYPE_REGULAR;
  }
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override;
  void Reset(duckdb::FileHandle& handle) override;
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override;

  bool FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override;
  bool IsPipe(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override {
    return false;
  }
  // Never a listing: the path itself, when it names a listed file.
  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener*) override;

 protected:
  duckdb::unique_ptr<duckdb::FileHandle> OpenFileExtended(
      const duckdb::OpenFileInfo& info, duckdb::FileOpenFlags flags,
      duckdb::optional_ptr<duckdb::FileOpener> opener) override;

 private:
  duckdb::unique_ptr<duckdb::FileHandle> OpenNewFile(
      const std::string& path, duckdb::FileOpenFlags flags,
      duckdb::optional_ptr<duckdb::FileOpener> opener);

  LakeClient& client_;
};

}  // namespace skep::external_scan
