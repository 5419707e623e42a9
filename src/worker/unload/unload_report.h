// What an UNLOAD wrote. Belongs to a connection; the statement's end reads it.
#pragma once

#include <cstdint>
#include <duckdb/main/client_context_state.hpp>
#include <string>
#include <vector>

namespace skep::worker::unload {

struct UnloadReport final : duckdb::ClientContextState {
  static constexpr const char* kName = "skep_unload_report";

  struct File {
    std::string name;  // s3://bucket/key
    uint64_t bytes = 0, rows = 0;
  };
  std::string location, format, compression;
  int64_t began_us = 0;  // since the epoch
  std::vector<File> files;
};

}  // namespace skep::worker::unload
