#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace skep {
namespace {

// Source: RFC 3720, appendix B.4 (the sums there are printed in the order of their bytes).
TEST(Crc32c, KnowsTheVectorsOfRfc3720) {
  std::string ascending(32, '\0'), descending(32, '\0');
  for (int i = 0; i < 32; i++) {
    ascending[static_cast<size_t>(i)] = static_cast<char>(i);
    descending[static_cast<size_t>(i)] = static_cast<char>(31 - i);
  }
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(Crc32c(descending), 0x113fdb5cu);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32c, SumsPagesAsItSumsThemAlone) {
  std::string bytes(64 * 9 + 5, '\0');
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i * i % 251);
  for (const size_t length : {0, 1, 63, 64, 65, 256, 257, 511, 64 * 9 + 5}) {
    const std::string_view some = std::string_view(bytes).substr(0, length);
    std::vector<uint32_t> sums((length + 63) / 64);
    Crc32cOfPages(some, 64, sums);
    for (size_t page = 0; page < sums.size(); page++)
      EXPECT_EQ(sums[page], Crc32c(some.substr(page * 64, 64))) << length << ' ' << page;
  }
}

}  // namespace
}  // namespace skep
