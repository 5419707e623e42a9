// The shapefiles of a COPY: each .shp with the .dbf, .prj and .cpg that share its name. Records of
// both are read side by side, from front to back, so that gzip costs nothing more; a .shx is not
// needed for that. What is broken in a file becomes a rejected record, and ends it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/copy/dbase.h"
#include "worker/copy/record_source.h"

namespace skep::worker::copy {

// A record in a batch: these, then `shape_bytes` of the .shp's content (or, of a fault, its
// reason), then `row_bytes` of the .dbf.
struct ShapeFrame {
  uint64_t record = 0;  // from 1
  uint32_t fault = 0;   // a code of "Load error reference"; 0: none
  uint32_t shape_bytes = 0, row_bytes = 0;
};

class ShapeSource final : public BatchSource {
 public:
  static constexpr size_t kMaxShapeBytes = 16u << 20;

  // What holds for all records of a shapefile.
  struct Facts {
    DbaseLayout layout;
    CodePage page = kUtf8Page;
    int32_t srid = 0;
  };

  // The part of "s3://b/k/roads.shp" (or ".shp.gz", ...) that all files of the shapefile begin
  // with, "s3://b/k/roads."; other paths as they are.
  static std::string SharedPrefix(const std::string& path);
  // Drops what belongs to no shapefile, or is not read.
  static std::vector<ipc::TableFile> Parts(std::vector<ipc::TableFile> files,
                                           const std::string& path);

  // `files` are from Parts. Throws InvalidInputException for a .shp without a .dbf when there are
  // columns for one.
  ShapeSource(duckdb::ClientContext& context, const sql::CopyPlan& plan, uint64_t scan,
              std::vector<ipc::TableFile> files);
  ~ShapeSource() override;

  // Of a batch's file.
  const Facts& FactsOf(size_t file) const;

 private:
  struct Shapefile;

  bool Take(size_t number, Batch& batch) override;
  void Open(Shapefile& shapefile);
  bool OpenMain(Shapefile& shapefile);
  void OpenTable(Shapefile& shapefile);
  void ReadRecord(Shapefile& shapefile, std::string& out);
  void ReadRow(Shapefile& shapefile, std::string& row, std::string& fault);
  void End(Shapefile& shapefile, std::string& out);
  std::string ReadSmall(size_t file);
  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(size_t file);

  duckdb::ClientContext& context_;
  const sql::CopyPlan& plan_;
  uint64_t scan_;
  std::vector<std::unique_ptr<Shapefile>> shapefiles_;  // by the .shp's number; null: another file
};

}  // namespace skep::worker::copy
