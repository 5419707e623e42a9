// Text as one bzip2 stream, piece by piece: what UNLOAD ... BZIP2 writes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace skep::external_scan {

class Bzip2Packer {
 public:
  Bzip2Packer();
  ~Bzip2Packer();
  Bzip2Packer(const Bzip2Packer&) = delete;
  Bzip2Packer& operator=(const Bzip2Packer&) = delete;

  // Appends what is ready to `out`. Throws duckdb::Exception.
  void Append(std::string_view text, std::string& out);
  // The stream's end; nothing may follow.
  void Finish(std::string& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace skep::external_scan
