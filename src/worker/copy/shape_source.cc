#include "worker/copy/shape_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "base/text.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/functions/spatial/reference_system_text.h"

namespace skep::worker::copy {
namespace {

constexpr size_t kMainHeaderBytes = 100, kRecordHeaderBytes = 8;
constexpr uint32_t kFileCode = 9994;
constexpr size_t kMaxSmallBytes = 64u << 10;  // of a .prj or a .cpg
constexpr int32_t kInvalidRecord = 1216, kOutOfRange = 1204;

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return std::byteswap(number);
}

// What a file of a shapefile is called: "s3://b/k/roads" and ".shp".
struct PartName {
  std::string stem, ending;
};

std::optional<PartName> PartOf(std::string_view path) {
  std::string_view name = path;
  if (Lower(name).ends_with(".gz")) name.remove_suffix(3);
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || name.find('/', dot) != std::string_view::npos)
    return std::nullopt;
  PartName part{std::string(name.substr(0, dot)), Lower(name.substr(dot))};
  constexpr std::string_view kRead[] = {".shp", ".dbf", ".prj", ".cpg"};
  if (std::ranges::find(kRead, part.ending) == std::end(kRead)) return std::nullopt;
  return part;
}

// An object from front to back.
class ByteStream {
 public:
  explicit ByteStream(duckdb::unique_ptr<duckdb::FileHandle> handle) : handle_(std::move(handle)) {}

  uint64_t taken() const { return taken_; }
  // Appends `bytes` more; fewer at the end.
  size_t Append(size_t bytes, std::string& out) {
    size_t got = 0;
    while (got < bytes && Fill()) {
      const size_t some = std::min(bytes - got, buffer_.size() - at_);
      out.append(buffer_, at_, some);
      at_ += some;
      got += some;
    }
    taken_ += got;
    return got;
  }
  // The same of bytes that nobody needs.
  size_t Skip(size_t bytes) {
    size_t got = 0;
    while (got < bytes && Fill()) {
      const size_t some = std::min(bytes - got, buffer_.size() - at_);
      at_ += some;
      got += some;
    }
    taken_ += got;
    return got;
  }

 private:
  bool Fill() {
    if (at_ < buffer_.size()) return true;
    at_ = 0;
    buffer_.resize(BatchSource::kBatchBytes / 4);
    const int64_t n = handle_ ? handle_->Read(buffer_.data(), buffer_.size()) : 0;
    buffer_.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return n > 0;
  }

  duckdb::unique_ptr<duckdb::FileHandle> handle_;
  std::string buffer_;
  size_t at_ = 0;
  uint64_t taken_ = 0;
};

void Put(std::string& out, ShapeFrame frame, std::string_view shape, std::string_view row) {
  frame.shape_bytes = static_cast<uint32_t>(shape.size());
  frame.row_bytes = static_cast<uint32_t>(row.size());
  out.append(reinterpret_cast<const char*>(&frame), sizeof frame);
  out.append(shape);
  out.append(row);
}

void PutFault(std::string& out, uint64_t record, int32_t code, std::string_view reason) {
  Put(out, {.record = record, .fault = static_cast<uint32_t>(code)}, reason, {});
}

}  // namespace

struct ShapeSource::Shapefile {
  std::mutex mutex;
  size_t main = 0;  // numbers of files
  std::optional<size_t> table, projection, encoding;
  bool opened = false, done = false;
  Facts facts;
  std::optional<ByteStream> shapes, rows;
  uint64_t bytes = 0;   // that the .shp says it has
  uint64_t record = 0;  // the last one
  std::string fault;    // of the file's beginning
};

std::string ShapeSource::SharedPrefix(const std::string& path) {
  const auto part = PartOf(path);
  return part && part->ending == ".shp" ? part->stem + "." : path;
}

std::vector<ipc::TableFile> ShapeSource::Parts(std::vector<ipc::TableFile> files,
                                               const std::string& path) {
  const auto named = PartOf(path);
  std::erase_if(files, [&](const ipc::TableFile& file) {
    const auto part = PartOf(file.path);
    return !part || (named && named->ending == ".shp" && part->stem != named->stem);
  });
  return files;
}

ShapeSource::ShapeSource(duckdb::ClientContext& context, const sql::CopyPlan& plan, uint64_t scan,
                         std::vector<ipc::TableFile> files)
    : BatchSource(std::move(files)), context_(context), plan_(plan), scan_(scan) {
  shapefiles_.resize(files_.size());
  std::map<std::string, Shapefile*> by_stem;
  std::vector<PartName> names;
  for (const auto& file : files_) names.push_back(PartOf(file.path).value_or(PartName{}));
  for (size_t i = 0; i < names.size(); i++) {
    if (names[i].ending != ".shp") continue;
    shapefiles_[i] = std::make_unique<Shapefile>();
    shapefiles_[i]->main = i;
    by_stem[names[i].stem] = shapefiles_[i].get();
  }
  if (by_stem.empty()) throw duckdb::InvalidInputException("%s names no .shp file", plan_.path);
  for (size_t i = 0; i < names.size(); i++) {
    const auto found = by_stem.find(names[i].stem);
    if (found == by_stem.end()) continue;
    if (names[i].ending == ".dbf") found->second->table = i;
    if (names[i].ending == ".prj") found->second->projection = i;
    if (names[i].ending == ".cpg") found->second->encoding = i;
  }
  for (const auto& [stem, shapefile] : by_stem) {
    if (!shapefile->table && plan_.columns.size() > 1)
      throw duckdb::InvalidInputException("%s has no .dbf beside it", PathOf(shapefile->main));
  }
}

ShapeSource::~ShapeSource() = default;

const ShapeSource::Facts& ShapeSource::FactsOf(size_t file) const {
  return shapefiles_[file]->facts;
}

duckdb::unique_ptr<duckdb::FileHandle> ShapeSource::OpenFile(size_t number) {
  const auto& file = files_[number];
  if (file.size == 0) return nullptr;
  return duckdb::FileSystem::GetFileSystem(context_).OpenFile(
      external_scan::EncodeLakePath({{scan_, file.number, file.size}, file.path, ""}),
      duckdb::FileFlags::FILE_FLAGS_READ |
          (plan_.compression == "gzip" ? duckdb::FileCompressionType::GZIP
                                       : duckdb::FileCompressionType::UNCOMPRESSED));
}

std::string ShapeSource::ReadSmall(size_t file) {
  ByteStream stream(OpenFile(file));
  std::string text;
  if (stream.Append(kMaxSmallBytes + 1, text) > kMaxSmallBytes)
    throw duckdb::InvalidInputException("%s is larger than 64 KB", PathOf(file));
  return text;
}

// The .shp's header; false with the fault when it is none.
bool ShapeSource::OpenMain(Shapefile& shapefile) {
  shapefile.shapes.emplace(OpenFile(shapefile.main));
  std::string header;
  if (shapefile.shapes->Append(kMainHeaderBytes, header) < kMainHeaderBytes) {
    shapefile.fault = "Invalid shapefile: it ends within its header";
  } else if (BigEndian(header, 0) != kFileCode) {
    shapefile.fault = "Invalid shapefile: it does not begin as a .shp does";
  }
  if (shapefile.fault.empty()) shapefile.bytes = uint64_t{2} * BigEndian(header, 24);
  return shapefile.fault.empty();
}

// The .dbf's header.
void ShapeSource::OpenTable(Shapefile& shapefile) {
  shapefile.rows.emplace(OpenFile(*shapefile.table));
  std::string header;
  shapefile.rows->Append(DbaseLayout::kPrefixBytes, header);
  const auto bytes = DbaseLayout::HeaderBytes(header);
  if (bytes) shapefile.rows->Append(*bytes - header.size(), header);
  auto layout = DbaseLayout::Read(header);
  if (!layout) {
    shapefile.fault =
        fmt::format("Invalid shapefile: {}: {}", PathOf(*shapefile.table), layout.error());
    return;
  }
  const size_t fields = layout->fields.size(), columns = plan_.columns.size() - 1;
  if (fields > columns || (fields < columns && !plan_.fill_record))
    throw duckdb::InvalidInputException(
        "%s has %llu fields, the table takes %llu columns besides the geometry",
        PathOf(*shapefile.table), static_cast<unsigned long long>(fields),
        static_cast<unsigned long long>(columns));
  shapefile.facts.layout = *std::move(layout);
}

void ShapeSource::Open(Shapefile& shapefile) {
  shapefile.opened = true;
  if (!OpenMain(shapefile)) return;
  if (shapefile.table && plan_.columns.size() > 1) OpenTable(shapefile);
  Facts& facts = shapefile.facts;
  if (shapefile.projection && plan_.read_srid)
    facts.srid = spatial::SridOfText(ReadSmall(*shapefile.projection));
  if (!plan_.encoding.empty()) {
    facts.page = CodePageOfName(plan_.encoding).value_or(kUtf8Page);
  } else if (shapefile.encoding) {
    const std::string name = ReadSmall(*shapefile.encoding);
    const auto page = CodePageOfName(name);
    if (!page)
      throw duckdb::InvalidInputException(
          "%s names an encoding that is not known: say ENCODING in its place",
          PathOf(*shapefile.encoding));
    facts.page = *page;
  } else {
    facts.page = facts.layout.page.value_or(kUtf8Page);
  }
}

bool ShapeSource::Take(size_t number, Batch& batch) {
  if (!shapefiles_[number]) return false;
  Shapefile& shapefile = *shapefiles_[number];
  const std::lock_guard lock(shapefile.mutex);
  if (shapefile.done) return false;
  if (!shapefile.opened) {
    shapefile.done = true;  // for the other threads, when this one throws
    Open(shapefile);
    shapefile.done = false;
  }
  batch.file = number;
  batch.first_line = shapefile.record + 1;
  batch.text.clear();
  if (!shapefile.fault.empty()) {
    PutFault(batch.text, 1, kInvalidRecord, shapefile.fault);
    shapefile.done = true;
  }
  while (!shapefile.done && batch.text.size() < kBatchBytes) ReadRecord(shapefile, batch.text);
  return !batch.text.empty();
}

void ShapeSource::ReadRecord(Shapefile& shapefile, std::string& out) {
  std::string header, content, row, fault;
  const size_t got = shapefile.shapes->Append(kRecordHeaderBytes, header);
  if (got == 0) return End(shapefile, out);
  shapefile.record++;
  const auto broken = [&](std::string_view why) {
    PutFault(out, shapefile.record, kInvalidRecord, fmt::format("Invalid shapefile: {}", why));
    shapefile.done = true;
  };
  if (got < kRecordHeaderBytes) return broken("it ends within a record");
  const uint64_t bytes = uint64_t{2} * BigEndian(header, 4);
  if (bytes < sizeof(uint32_t)) return broken("a record without content");
  const bool too_large = bytes > kMaxShapeBytes;
  const size_t taken =
      too_large ? shapefile.shapes->Skip(bytes) : shapefile.shapes->Append(bytes, content);
  if (taken < bytes) return broken("it ends within a record");
  if (shapefile.rows) ReadRow(shapefile, row, fault);
  if (!fault.empty()) return broken(fault);
  if (DbaseLayout::IsDeleted(row)) return;
  if (too_large)
    return PutFault(out, shapefile.record, kOutOfRange,
                    fmt::format("Shape size: {} is larger than maximum supported size: {}", bytes,
                                kMaxShapeBytes));
  Put(out, {.record = shapefile.record}, content, row);
}

void ShapeSource::ReadRow(Shapefile& shapefile, std::string& row, std::string& fault) {
  const DbaseLayout& layout = shapefile.facts.layout;
  const size_t got =
      shapefile.record > layout.rows ? 0 : shapefile.rows->Append(layout.row_bytes, row);
  if (got < layout.row_bytes)
    fault = fmt::format("{} has no row for this record", PathOf(*shapefile.table));
}

// Behind the last record: there is neither less nor more than the headers say.
void ShapeSource::End(Shapefile& shapefile, std::string& out) {
  shapefile.done = true;
  const auto broken = [&](const std::string& why) {
    PutFault(out, shapefile.record + 1, kInvalidRecord, "Invalid shapefile: " + why);
  };
  if (shapefile.shapes->taken() != shapefile.bytes)
    return broken(fmt::format("it has {} bytes, its header says {}", shapefile.shapes->taken(),
                              shapefile.bytes));
  if (shapefile.rows && shapefile.facts.layout.rows != shapefile.record)
    broken(fmt::format("{} has {} rows for {} records", PathOf(*shapefile.table),
                       shapefile.facts.layout.rows, shapefile.record));
}

}  // namespace skep::worker::copy
