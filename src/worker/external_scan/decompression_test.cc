#include "worker/external_scan/decompression.h"

#include <arrow/util/compression.h>

#include <fstream>

#include "worker/external_scan/lake_fixture.h"
#include "worker/external_scan/lzo.h"

namespace skep::external_scan {
namespace {

std::string Bzip2(const std::string& text) {
  const auto codec = std::move(arrow::util::Codec::Create(arrow::Compression::BZ2)).ValueOrDie();
  const auto stream = std::move(codec->MakeCompressor()).ValueOrDie();
  std::string out(text.size() + 4096, '\0');
  size_t read = 0, have = 0;
  while (read < text.size()) {
    const auto step = stream
                          ->Compress(static_cast<int64_t>(text.size() - read),
                                     reinterpret_cast<const uint8_t*>(text.data() + read),
                                     static_cast<int64_t>(out.size() - have),
                                     reinterpret_cast<uint8_t*>(out.data() + have))
                          .ValueOrDie();
    read += static_cast<size_t>(step.bytes_read);
    have += static_cast<size_t>(step.bytes_written);
  }
  const auto end = stream->End(static_cast<int64_t>(out.size() - have),
                               reinterpret_cast<uint8_t*>(out.data() + have));
  out.resize(have + static_cast<size_t>(end.ValueOrDie().bytes_written));
  return out;
}

class Decompression : public LakeFixture {
 protected:
  void Add(const std::string& name, const std::string& format, const std::string& file,
           const std::string& bytes, std::vector<std::pair<std::string, std::string>> options) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + name));
    std::ofstream(root_ + "/" + name + "/" + file, std::ios::binary) << bytes;
    FakeTable table;
    table.description = Describe(name, format, {{"n", "int"}});
    table.description.options = std::move(options);
    table.folders = {name};
    gateway_->SetTable(std::move(table));
  }
};

TEST_F(Decompression, ReadersSeeTheText) {
  std::string csv, json;
  for (int n = 1; n <= 100'000; n++) {
    csv += std::to_string(n) + "\n";
    json += "{\"n\": " + std::to_string(n) + "}\n";
  }
  Add("c", "csv", "a.csv.bz2", Bzip2(csv), {{"delimiter", ","}});
  EXPECT_EQ(Ask("SELECT count(*), sum(n) FROM skep_lake.ext.c"), "100000|5000050000");
  Add("j", "json", "a.json.bz2", Bzip2(json), {});
  EXPECT_EQ(Ask("SELECT count(*), sum(n) FROM skep_lake.ext.j"), "100000|5000050000");
  Add("o", "csv", "noname", Bzip2(csv), {{"delimiter", ","}, {"compression", "bzip2"}});
  EXPECT_EQ(Ask("SELECT count(*), sum(n) FROM skep_lake.ext.o"), "100000|5000050000");
}

TEST(Lzo, ReadsWithinItsBounds) {
  std::string out;
  // Four literals, a match of three of them, a literal after it, the mark of the end.
  const std::string block(
      "\x15"
      "abcd"
      "\x21\x0d\x00"
      "x"
      "\x11\x00\x00",
      12);
  for (size_t cut = 0; cut < block.size(); cut++)
    EXPECT_FALSE(DecompressLzo(block.substr(0, cut), 8, out)) << cut;
  for (size_t size = 0; size < 12; size++) {
    if (size != 8) EXPECT_FALSE(DecompressLzo(block, size, out)) << size;
  }
  EXPECT_TRUE(DecompressLzo(block, 8, out)) << out;
  EXPECT_EQ(out, "abcdabcx");
}

}  // namespace
}  // namespace skep::external_scan
