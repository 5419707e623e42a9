#include "worker/external_scan/infer.h"

#include <fmt/format.h>

#include <algorithm>
#include <duckdb/common/file_system.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/file_kind.h"
#include "worker/external_scan/decompression.h"
#include "worker/external_scan/glue_types.h"
#include "worker/external_scan/json_records.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/text_encoding.h"
#include "worker/external_scan/xlsx_scan.h"
#include "worker/external_scan/xml_shape.h"

namespace skep::external_scan {
namespace {

constexpr size_t kSampleBytes = 1u << 20;
// How files of compressions begin that the engine does not decompress.
constexpr std::pair<std::string_view, std::string_view> kUnreadable[] = {
    {"\x04\x22\x4d\x18", "lz4"},
    {"PK\x03\x04", "zip"},
};
// How files of formats that have one begin.
constexpr std::pair<std::string_view, std::string_view> kMagic[] = {
    {"PAR1", "parquet"},
    {"Obj\x01", "avro"},
    {"ORC", "orc"},
};

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

class Inference {
 public:
  Inference(duckdb::Connection& connection, LakeClient& client, const ipc::InferRequest& request)
      : connection_(connection),
        client_(client),
        request_(request),
        path_(EncodeLakePath({{request.scan, 0, request.size}, request.path})) {}

  Result<ipc::InferReply> Run() {
    if (request_.size == 0)
      return Fail(ErrorKind::kDataException, fmt::format("{} is empty", request_.path));
    const ipc::FileKind named = ipc::KindOfName(request_.path);
    compression_ = request_.compression.empty() ? named.compression : request_.compression;
    reply_.format = request_.format.empty() ? named.format : request_.format;
    if (compression_.empty() && reply_.format != "xlsx") SKEP_TRY(DetectCompression());
    if (compression_ != "none") packing_.compression = compression_;
    if (IsOwnCompression(compression_)) Repack();
    const std::string classifier = Option("classifier");
    if (reply_.format.empty() || reply_.format == "csv" || reply_.format == "json")
      SKEP_TRY(DetectEncoding());
    if (reply_.format.empty() && classifier.empty()) SKEP_TRY(DetectFormat());
    Result<void> done;
    if (classifier == "csv") {
      reply_.format = "csv";
      done = CustomCsv();
    } else if (classifier == "json") {
      reply_.format = "json";
      done = CustomJson();
    } else if (classifier == "grok") {
      done = Grok();
    } else if (reply_.format == "parquet") {
      done = Parquet();
    } else if (reply_.format == "avro" || reply_.format == "orc") {
      done = ColumnsOf(fmt::format("read_{}({})", reply_.format, Quoted(path_)));
    } else if (classifier == "xml" || reply_.format == "xml") {
      done = Xml(Option("row_tag"));
    } else if (reply_.format == "xlsx") {
      reply_ = InferXlsx(*connection_.context, path_);
    } else if (reply_.format == "csv") {
      done = Csv();
    } else if (reply_.format == "json") {
      done = Json();
    } else {
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("{}: the format {} is not supported", request_.path, reply_.format));
    }
    if (!done) return Fail(done.error());
    if (reply_.columns.empty())
      return Fail(ErrorKind::kDataException, fmt::format("{} has no columns", request_.path));
    return std::move(reply_);
  }

 private:
  // Of the custom classifier that is asked; empty when it does not say.
  std::string Option(std::string_view name) const {
    for (const auto& [known, value] : request_.options) {
      if (known == name) return value;
    }
    return {};
  }
  std::vector<std::string> ListOption(std::string_view name) const {
    std::vector<std::string> out;
    const std::string text = Option(name);
    for (size_t at = 0; !text.empty() && at != std::string::npos;) {
      const size_t end = text.find('\x1f', at);
      out.push_back(text.substr(at, end == std::string::npos ? end : end - at));
      at = end == std::string::npos ? end : end + 1;
    }
    return out;
  }

  std::unexpected<Error> Converted(const duckdb::ErrorData& error) const {
    if (auto carried = LakeErrorOf(error)) return Fail(std::move(*carried));
    switch (error.Type()) {
      case duckdb::ExceptionType::INTERRUPT:
        return Fail(ErrorKind::kQueryCanceled, "the inference was cancelled");
      case duckdb::ExceptionType::OUT_OF_MEMORY:
        return Fail(ErrorKind::kOutOfMemory, MessageOf(error));
      default:
        break;
    }
    const std::string text = MessageOf(error);
    const std::string kind =
        reply_.format.empty() ? std::string("file") : fmt::format("{} file", reply_.format);
    return Fail(ErrorKind::kDataException, fmt::format("{} is not a readable {}: {}", request_.path,
                                                       kind, text.substr(0, text.find('\n'))));
  }

  Result<duckdb::unique_ptr<duckdb::MaterializedQueryResult>> Query(const std::string& sql) {
    auto result = connection_.Query(sql);
    if (result->HasError()) return Converted(result->GetErrorObject());
    return result;
  }

  // Columns of a reader's result, without reading more than its sample.
  Result<void> ColumnsOf(const std::string& from) {
    const auto prepared = connection_.Prepare("SELECT * FROM " + from);
    if (prepared->HasError()) return Converted(prepared->error);
    for (size_t i = 0; i < prepared->GetNames().size(); i++)
      reply_.columns.push_back({prepared->GetNames()[i], GlueTypeOf(prepared->GetTypes()[i])});
    return {};
  }

  std::string CompressionOption() const {
    return ", compression=" +
           Quoted(compression_.empty() || compression_ == "none" ? "uncompressed" : compression_);
  }

  Result<void> DetectCompression() {
    std::string head(std::min<uint64_t>(4, request_.size), '\0');
    SKEP_TRY(client_.Read({request_.scan, 0, request_.size}, 0, head, request_.path,
                          InterruptOf(connection_.context.get())));
    if (head.starts_with("\x1f\x8b")) compression_ = "gzip";
    if (head.starts_with("\x28\xb5\x2f\xfd")) compression_ = "zstd";
    if (head.starts_with("BZh")) compression_ = "bzip2";
    if (head.starts_with("\xff\x06")) compression_ = "snappy";
    if (head.starts_with("\x89LZO")) compression_ = "lzop";
    for (const auto& [magic, compression] : kUnreadable) {
      if (!head.starts_with(magic)) continue;
      if (compression == "zip" && IsXlsx(*connection_.context, path_)) {
        reply_.format = "xlsx";
        return {};
      }
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("{}: {} compression is not read here", request_.path, compression));
    }
    return {};
  }

  // The start of the content, decompressed.
  Result<std::string> Sample(size_t bytes) {
    try {
      auto& files = duckdb::FileSystem::GetFileSystem(*connection_.context);
      const auto compression = compression_ == "gzip"   ? duckdb::FileCompressionType::GZIP
                               : compression_ == "zstd" ? duckdb::FileCompressionType::ZSTD
                                                        : duckdb::FileCompressionType::UNCOMPRESSED;
      const auto handle = files.OpenFile(path_, duckdb::FileFlags::FILE_FLAGS_READ | compression);
      std::string sample(bytes, '\0');
      size_t have = 0;
      while (have < sample.size()) {
        const int64_t n = handle->Read(sample.data() + have, sample.size() - have);
        if (n <= 0) break;
        have += static_cast<size_t>(n);
      }
      sample.resize(have);
      return sample;
    } catch (const std::exception& e) {
      return Converted(duckdb::ErrorData(e));
    }
  }

  // From here on the file is read as UTF-8.
  Result<void> DetectEncoding() {
    SKEP_TRY_ASSIGN(const std::string sample, Sample(kSampleBytes));
    if (reply_.format.empty()) {
      // XML says itself how it is written.
      using namespace std::string_view_literals;
      const size_t first = sample.find_first_not_of(" \t\r\n\0\xff\xfe\xef\xbb\xbf"sv);
      const bool xml = first != std::string::npos && sample[first] == '<';
      if (xml || std::ranges::any_of(
                     kMagic, [&](const auto& magic) { return sample.starts_with(magic.first); }))
        return {};
    }
    const TextEncoding encoding = EncodingOf(sample);
    if (!encoding.name.empty())
      reply_.properties.emplace_back("serialization.encoding", encoding.name);
    if (encoding.form.empty()) return {};
    packing_.encoding = encoding.form;
    Repack();
    return {};
  }

  void Repack() {
    path_ = EncodeLakePath({{request_.scan, 0, request_.size}, request_.path, packing_.Word()});
    compression_ = "gzip";  // so the engine calls it
  }

  Result<void> DetectFormat() {
    SKEP_TRY_ASSIGN(const std::string sample, Sample(4096));
    for (const auto& [magic, format] : kMagic) {
      if (!sample.starts_with(magic)) continue;
      reply_.format = format;
      return {};
    }
    const size_t first = sample.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || sample.find('\0') != std::string::npos) {
      return Fail(
          ErrorKind::kDataException,
          fmt::format("{} is neither Parquet nor ORC nor Avro nor CSV nor JSON", request_.path));
    }
    if (sample.compare(first, 5, "<?xml") == 0) {
      reply_.format = "xml";
      return {};
    }
    reply_.format = sample[first] == '{' || sample[first] == '[' ? "json" : "csv";
    return {};
  }

  // Lines of the sample, scaled up to the object; compressed text is taken to shrink to a quarter.
  Result<void> EstimateRows(bool header) {
    SKEP_TRY_ASSIGN(const std::string sample, Sample(kSampleBytes));
    auto lines = static_cast<double>(std::ranges::count(sample, '\n'));
    if (!sample.empty() && sample.back() != '\n') lines += 1;
    if (sample.size() == kSampleBytes) {
      lines *= static_cast<double>(request_.size) * (compression_.empty() ? 1 : 4) /
               static_cast<double>(kSampleBytes);
    }
    reply_.rows = static_cast<uint64_t>(std::max(0.0, lines - (header ? 1 : 0)));
    return {};
  }

  Result<void> Parquet() {
    SKEP_TRY(ColumnsOf(fmt::format("read_parquet({}, hive_partitioning=false)", Quoted(path_))));
    SKEP_TRY_ASSIGN(
        const auto rows,
        Query(fmt::format("SELECT num_rows FROM parquet_file_metadata({})", Quoted(path_))));
    if (rows->RowCount() == 1)
      reply_.rows =
          static_cast<uint64_t>(std::max<int64_t>(0, rows->GetValue(0, 0).GetValue<int64_t>()));
    return {};
  }

  // The certainty is 0 when a custom classifier's row tag is not there.
  Result<void> Xml(const std::string& row_tag) {
    SKEP_TRY_ASSIGN(const std::string sample, Sample(kSampleBytes));
    const bool whole = sample.size() < kSampleBytes;
    XmlRows found = RowsOfXml(sample, whole, row_tag);
    reply_.format = Option("classifier") == "xml" ? Option("format") : "xml";
    reply_.columns = std::move(found.columns);
    reply_.properties = {{"rowTag", found.row_tag}};
    reply_.rows = found.rows;
    if (!whole) reply_.rows = found.rows * std::max<uint64_t>(1, request_.size / sample.size());
    if (found.rows == 0 && !row_tag.empty()) {
      reply_.certainty = 0;
      reply_.columns = {{"xml", "string"}};
    }
    return {};
  }

  // With what is given of the dialect.
  Result<void> Csv(const std::string& given = {}) {
    SKEP_TRY_ASSIGN(const auto sniffed,
                    Query(fmt::format("SELECT Delimiter, Quote, Escape, HasHeader, DateFormat, "
                                      "TimestampFormat, Columns FROM sniff_csv({}{}{})",
                                      Quoted(path_), CompressionOption(), given)));
    if (sniffed->RowCount() != 1)
      return Fail(ErrorKind::kDataException,
                  fmt::format("{} is not a readable csv file", request_.path));
    const auto text = [&](size_t column) {
      const auto value = sniffed->GetValue(column, 0);
      std::string out = value.IsNull() ? std::string() : value.ToString();
      if (out == "(empty)" || out == std::string_view("\0", 1)) out.clear();
      return out;
    };
    reply_.delimiter = text(0);
    reply_.quote = text(1);
    reply_.escape = text(2);
    reply_.header = sniffed->GetValue(3, 0).GetValue<bool>();
    // Tables are read with ISO dates; a column of others stays text.
    const std::string date = text(4), timestamp = text(5);
    const bool iso_date = date.empty() || date == "%Y-%m-%d";
    const bool iso_timestamp = timestamp.empty() || timestamp.starts_with("%Y-%m-%d");
    for (const auto& column : duckdb::ListValue::GetChildren(sniffed->GetValue(6, 0))) {
      const auto& fields = duckdb::StructValue::GetChildren(column);
      std::string type = GlueTypeOf(duckdb::DBConfig::ParseLogicalType(fields[1].ToString()));
      if ((type == "date" && !iso_date) || (type == "timestamp" && !iso_timestamp)) type = "string";
      reply_.columns.push_back({fields[0].ToString(), std::move(type)});
    }
    return EstimateRows(reply_.header);
  }

  Result<void> Json() {
    SKEP_TRY(ColumnsOf(
        fmt::format("read_json({}, format='auto', records='true', hive_partitioning=false{})",
                    Quoted(path_), CompressionOption())));
    return EstimateRows(false);
  }

  // The certainty is 0 for text that the classifier's description does not fit.
  Result<void> CustomCsv() {
    std::string given;
    const std::string delimiter = Option("delimiter"), quote = Option("quote"),
                      header = Option("header");
    if (!delimiter.empty()) given += ", delim=" + Quoted(delimiter);
    if (!quote.empty()) given += ", quote=" + Quoted(quote);
    if (header == "PRESENT") given += ", header=true";
    if (header == "ABSENT") given += ", header=false";
    SKEP_TRY(Csv(given));
    const std::vector<std::string> names = ListOption("columns");
    const bool single = Option("single_column") == "true";
    if ((reply_.columns.size() < 2 && !single) ||
        (!names.empty() && names.size() != reply_.columns.size())) {
      reply_.certainty = 0;
      return {};
    }
    for (size_t i = 0; i < names.size(); i++) reply_.columns[i].name = names[i];
    return {};
  }

  // Records below a path ("$.Records[*]"); the file's own ones for "$" and "$[*]". The certainty is
  // 0 where it leads to none.
  Result<void> CustomJson() {
    const std::string path = Option("path");
    if (path.empty() || path == "$" || path == "$[*]") return Json();
    if (!JsonRecords::Along(path)) {
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("{}: the JSON path {} is not supported", request_.path, path));
    }
    packing_.records = path;
    Repack();
    const Result<void> read = Json();
    if (!read && read.error().kind != ErrorKind::kDataException) return read;
    if (!read || reply_.columns.empty() ||
        (reply_.columns.size() == 1 && reply_.columns[0].name == "json")) {
      reply_.certainty = 0;
      reply_.columns = {{"json", "string"}};
    }
    return {};
  }

  // How many percent of the lines match says the certainty.
  Result<void> Grok() {
    const std::vector<std::string> names = ListOption("columns"), types = ListOption("types");
    SKEP_TRY_ASSIGN(std::string sample, Sample(kSampleBytes));
    if (sample.size() == kSampleBytes) sample.resize(sample.rfind('\n') + 1);
    const auto counts = connection_.Prepare(
        "SELECT count(*), count(*) FILTER (regexp_full_match(line, $2)) FROM (SELECT "
        "unnest(string_split(replace($1, chr(13), ''), chr(10))) AS line) WHERE line <> ''");
    if (counts->HasError()) return Converted(counts->error);
    duckdb::vector<duckdb::Value> values = {duckdb::Value(sample), duckdb::Value(Option("regex"))};
    const auto result = counts->Execute(values, false);
    if (result->HasError()) return Converted(result->GetErrorObject());
    const auto row = result->Fetch();
    const auto lines = row->GetValue(0, 0).GetValue<int64_t>();
    const auto matched = row->GetValue(1, 0).GetValue<int64_t>();
    reply_.certainty = lines == 0 ? 0 : static_cast<uint64_t>(matched * 100 / lines);
    reply_.format = Option("format");
    for (size_t i = 0; i < names.size() && i < types.size(); i++)
      reply_.columns.push_back({names[i], types[i]});
    return EstimateRows(false);
  }

  duckdb::Connection& connection_;
  LakeClient& client_;
  const ipc::InferRequest& request_;
  std::string path_;
  std::string compression_;  // as the engine calls it
  Packing packing_;
  ipc::InferReply reply_;
};

}  // namespace

Result<ipc::InferReply> Infer(duckdb::Connection& connection, LakeClient& client,
                              const ipc::InferRequest& request) {
  try {
    return Inference(connection, client, request).Run();
  } catch (const std::exception& e) {
    const duckdb::ErrorData error(e);
    if (auto carried = LakeErrorOf(error)) return Fail(std::move(*carried));
    return Fail(ErrorKind::kDataException,
                fmt::format("{} cannot be read: {}", request.path, MessageOf(error)));
  }
}

}  // namespace skep::external_scan
