#include "worker/external_scan/zip_package.h"

#include <minizip/ioapi.h>
#include <minizip/unzip.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

namespace skep::external_scan {
namespace {

constexpr size_t kPiece = 64u << 10;
constexpr uint32_t kEncrypted = 1;  // of a part's flags

}  // namespace

// What minizip calls to read the file. Exceptions wait until it has returned: it is C.
struct ZipPackage::Access {
  explicit Access(duckdb::FileHandle& f) : file(f), size(f.GetFileSize()) {}
  ~Access() {
    if (!zip) return;
    if (open) unzCloseCurrentFile(zip);
    unzClose(zip);
  }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  static Access& Of(void* stream) { return *static_cast<Access*>(stream); }

  uLong Read(void* out, uLong bytes) {
    const uint64_t rest = at < size ? size - at : 0;
    const auto some = static_cast<uLong>(std::min<uint64_t>(bytes, rest));
    try {
      if (some > 0) file.Read(out, some, at);
    } catch (...) {
      thrown = std::current_exception();
      return 0;
    }
    at += some;
    return some;
  }
  int Seek(ZPOS64_T offset, int origin) {
    const uint64_t from = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                          : origin == ZLIB_FILEFUNC_SEEK_CUR ? at
                                                             : size;
    at = from + offset;
    return at <= size ? 0 : -1;
  }

  duckdb::FileHandle& file;
  uint64_t size = 0, at = 0;
  unzFile zip = nullptr;
  bool open = false;  // a part
  std::exception_ptr thrown;
};

void ZipPackage::Fail(const char* why) {
  if (access_->thrown) std::rethrow_exception(std::exchange(access_->thrown, nullptr));
  throw duckdb::InvalidInputException(why);
}

ZipPackage::ZipPackage(duckdb::FileHandle& file) : access_(std::make_unique<Access>(file)) {
  zlib_filefunc64_def calls{};
  calls.opaque = access_.get();
  calls.zopen64_file = [](void* access, const void*, int) { return access; };
  calls.zread_file = [](void*, void* stream, void* out, uLong bytes) {
    return Access::Of(stream).Read(out, bytes);
  };
  calls.zwrite_file = [](void*, void*, const void*, uLong) { return uLong{0}; };
  calls.ztell64_file = [](void*, void* stream) { return ZPOS64_T{Access::Of(stream).at}; };
  calls.zseek64_file = [](void*, void* stream, ZPOS64_T offset, int origin) -> long {
    return Access::Of(stream).Seek(offset, origin);
  };
  calls.zclose_file = [](void*, void*) { return 0; };
  calls.zerror_file = [](void*, void* stream) { return Access::Of(stream).thrown ? -1 : 0; };
  access_->zip = unzOpen2_64("", &calls);
  if (access_->zip) return;
  // Encrypted workbooks, and those from before 2007, are compound files.
  constexpr std::string_view kCompoundFile = "\xd0\xcf\x11\xe0";
  std::string head(kCompoundFile.size(), '\0');
  if (access_->size >= head.size() && !access_->thrown) {
    file.Read(head.data(), head.size(), 0);
    if (head == kCompoundFile) Fail("it is encrypted, or of an older format than .xlsx");
  }
  Fail("it is no ZIP file");
}

ZipPackage::~ZipPackage() = default;

bool ZipPackage::Open(const std::string& name) {
  constexpr int kAnyCase = 2;
  if (std::exchange(access_->open, false)) unzCloseCurrentFile(access_->zip);
  const int found = unzLocateFile(access_->zip, name.c_str(), kAnyCase);
  if (found == UNZ_END_OF_LIST_OF_FILE && !access_->thrown) return false;
  if (found != UNZ_OK) Fail("its directory is broken");
  unz_file_info64 info{};
  if (unzGetCurrentFileInfo64(access_->zip, &info, nullptr, 0, nullptr, 0, nullptr, 0) != UNZ_OK)
    Fail("its directory is broken");
  if ((info.flag & kEncrypted) != 0) Fail("it is encrypted");
  if (unzOpenCurrentFile(access_->zip) != UNZ_OK) Fail("a part cannot be read");
  access_->open = true;
  return true;
}

void ZipPackage::More(std::string& piece) {
  piece.resize(kPiece);
  const int got = unzReadCurrentFile(access_->zip, piece.data(), static_cast<unsigned>(kPiece));
  if (got < 0 || access_->thrown) Fail("a part cannot be decompressed");
  piece.resize(static_cast<size_t>(got));
  if (got > 0) return;
  access_->open = false;
  if (unzCloseCurrentFile(access_->zip) != UNZ_OK) Fail("a part is not what its checksum says");
}

std::string ZipPackage::Whole(size_t most) {
  std::string whole, piece;
  for (More(piece); !piece.empty(); More(piece)) {
    if (whole.size() + piece.size() > most) Fail("a part is too large");
    whole += piece;
  }
  return whole;
}

}  // namespace skep::external_scan
