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
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"

namespace skep::external_scan {
namespace {

constexpr size_t kSampleBytes = 1u << 20;

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
    if (compression_.empty()) SKEP_TRY(DetectCompression());
    if (IsOwnCompression(compression_)) {
      path_ = EncodeLakePath({{request_.scan, 0, request_.size}, request_.path, compression_});
      compression_ = "gzip";  // so the engine calls it
    }
    if (reply_.format.empty()) SKEP_TRY(DetectFormat());
    Result<void> done;
    if (reply_.format == "parquet") {
      done = Parquet();
    } else if (reply_.format == "avro" || reply_.format == "orc") {
      done = ColumnsOf(fmt::format("read_{}({})", reply_.format, Quoted(path_)));
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
    if (head.starts_with("\x89LZO")) compression_ = "lzop";
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

  Result<void> DetectFormat() {
    SKEP_TRY_ASSIGN(const std::string sample, Sample(4096));
    if (sample.starts_with("PAR1")) {
      reply_.format = "parquet";
      return {};
    }
    if (sample.starts_with("ORC") || sample.starts_with("Obj\x01")) {
      reply_.format = sample[0] == 'O' && sample[1] == 'R' ? "orc" : "avro";
      return {};
    }
    const size_t first = sample.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || sample.find('\0') != std::string::npos) {
      return Fail(
          ErrorKind::kDataException,
          fmt::format("{} is neither Parquet nor ORC nor Avro nor CSV nor JSON", request_.path));
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

  Result<void> Csv() {
    SKEP_TRY_ASSIGN(const auto sniffed,
                    Query(fmt::format("SELECT Delimiter, Quote, Escape, HasHeader, DateFormat, "
                                      "TimestampFormat, Columns FROM sniff_csv({}{})",
                                      Quoted(path_), CompressionOption())));
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

  duckdb::Connection& connection_;
  LakeClient& client_;
  const ipc::InferRequest& request_;
  std::string path_;
  std::string compression_;
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
