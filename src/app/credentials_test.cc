#include "app/credentials.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/crypto.h"

namespace skep::app {
namespace {

TEST(Credentials, GeneratesPasswordsThatFollowTheRule) {
  const Secret first = GeneratePassword();
  EXPECT_TRUE(CheckPassword(first));
  EXPECT_FALSE(first == GeneratePassword());
  for (const char* bad : {"", "Short1", "alllower1", "ALLUPPER1", "NoDigitsHere", "With space1A",
                          "Quote'1Aaaa", "Slash/1Aaaa"}) {
    EXPECT_FALSE(CheckPassword(Secret(bad))) << bad;
  }
}

TEST(Credentials, RefusesNamesThatAreNoFolders) {
  for (const char* bad : {"", "..", "a/b", "Upper", "1st", "a b", "a.b"})
    EXPECT_FALSE(CheckName("workspace", bad)) << bad;
  EXPECT_TRUE(CheckName("workspace", "north-east_1"));
  EXPECT_TRUE(CheckName("user", "ann@example.org"));
}

TEST(Credentials, MakesVerifiersInTheFormatsOfTheStore) {
  const auto user = MakeUser("default", "ann", Secret("Passw0rd"), false);
  EXPECT_EQ(user.md5, "md5" + HexEncode(Md5("Passw0rdann")));
  EXPECT_TRUE(user.scram.starts_with("SCRAM-SHA-256$4096:"));
  const size_t colon = user.digest.find(':');
  ASSERT_NE(colon, std::string::npos);
  EXPECT_EQ(user.digest.substr(colon + 1),
            HexEncode(Sha256("Passw0rd" + *HexDecode(user.digest.substr(0, colon)))));
}

TEST(Credentials, MakesKeysOfTheServicesShape) {
  const auto key = MakeAccessKey("default", "ann", "123456789012");
  EXPECT_EQ(key.id.size(), 20u);
  EXPECT_TRUE(key.id.starts_with("AKIA"));
  EXPECT_EQ(key.secret.Reveal().size(), 40u);
}

TEST(Credentials, KeepsTheAdministratorsFilePrivate) {
  std::string directory = (std::filesystem::temp_directory_path() / "skep-admin-XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/admin.json";
  EXPECT_FALSE(ReadAdminCredential(path));
  ASSERT_TRUE(WriteAdminCredential(path, {"admin", Secret("Pass\"w0rd"), "default", "dev"}));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto read = ReadAdminCredential(path);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->password == Secret("Pass\"w0rd"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace skep::app
