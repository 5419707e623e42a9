#include "identity/live_credentials.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace skep::identity {
namespace {

constexpr char kRole[] = "arn:aws:iam::111111111111:role/r";

Credentials Session(int64_t expires_s, const std::string& key = "first") {
  Credentials credentials;
  credentials.account = "111111111111";
  credentials.role = kRole;
  credentials.access_key_id = key;
  credentials.expires_s = expires_s;
  return credentials;
}

TEST(LiveCredentials, WalksTheChainInTheLastFifthOfASession) {
  std::atomic<int64_t> now = 1000;
  int walks = 0;
  LiveCredentials live(
      Session(1100),
      [&]() -> Result<Credentials> {
        walks++;
        return Session(now + 100, "next");
      },
      [&] { return now.load(); });
  now = 1079;
  EXPECT_EQ((*live.Current())->access_key_id, "first");
  EXPECT_TRUE(live.Fresh());
  now = 1080;
  EXPECT_FALSE(live.Fresh());
  EXPECT_EQ((*live.Current())->access_key_id, "next");
  EXPECT_EQ(live.Fresh(), live.Last());
  EXPECT_EQ(walks, 1);
}

TEST(LiveCredentials, ARefusalIsFinalAndSaysWhatItIs) {
  int64_t now = 1000;
  int walks = 0;
  LiveCredentials live(
      Session(1010),
      [&]() -> Result<Credentials> {
        walks++;
        return Fail(ErrorKind::kInsufficientPrivilege, "not authorized", "hop 1");
      },
      [&] { return now; });
  now = 1009;  // the session has a second left: what is refused is refused at once
  for (int i = 0; i < 2; i++) {
    const auto current = live.Current();
    ASSERT_FALSE(current);
    EXPECT_EQ(current.error().kind, ErrorKind::kInsufficientPrivilege);
    EXPECT_EQ(current.error().message, "the role's session could not be renewed: not authorized");
    EXPECT_EQ(current.error().detail, "hop 1");
  }
  EXPECT_EQ(walks, 1);
  EXPECT_FALSE(live.Fresh());
  EXPECT_EQ(live.Last()->access_key_id, "first");
}

TEST(LiveCredentials, AServiceThatIsDownIsAskedAgainWhileTheSessionLasts) {
  int64_t now = 1000;
  int walks = 0;
  bool down = true;
  LiveCredentials live(
      Session(1100),
      [&]() -> Result<Credentials> {
        walks++;
        if (down) return Fail(ErrorKind::kExternalUnavailable, "down");
        return Session(now + 100, "next");
      },
      [&] { return now; });
  now = 1080;
  EXPECT_EQ((*live.Current())->access_key_id, "first");
  EXPECT_EQ((*live.Current())->access_key_id, "first");
  EXPECT_EQ(walks, 1);  // not for each request
  now = 1090;
  EXPECT_EQ((*live.Current())->access_key_id, "first");
  EXPECT_EQ(walks, 2);
  now = 1100;
  ASSERT_FALSE(live.Current());
  EXPECT_EQ(live.Current().error().kind, ErrorKind::kExternalUnavailable);
  down = false;  // and it is not final
  EXPECT_EQ((*live.Current())->access_key_id, "next");
}

TEST(LiveCredentials, WithoutAWalkTheyEnd) {
  int64_t now = 1000;
  LiveCredentials live(Session(1010), {}, [&] { return now; });
  now = 1009;
  EXPECT_TRUE(live.Current());
  now = 1010;
  ASSERT_FALSE(live.Current());
  EXPECT_EQ(live.Current().error().kind, ErrorKind::kExternalDenied);
}

TEST(LiveCredentials, AChainThatLeadsElsewhereIsRefused) {
  int64_t now = 1000;
  LiveCredentials live(
      Session(1010),
      [&]() -> Result<Credentials> {
        Credentials other = Session(2000);
        other.account = "222222222222";
        return other;
      },
      [&] { return now; });
  now = 1010;
  ASSERT_FALSE(live.Current());
  EXPECT_EQ(live.Current().error().kind, ErrorKind::kInvalidRole);
}

TEST(LiveCredentials, ManyAskersWalkOnce) {
  std::atomic<int64_t> now = 1000;
  std::atomic<int> walks = 0;
  LiveCredentials live(
      Session(1010),
      [&]() -> Result<Credentials> {
        walks++;
        std::this_thread::yield();
        return Session(5000, "next");
      },
      [&] { return now.load(); });
  now = 1010;
  std::vector<std::thread> askers;
  std::atomic<int> right = 0;
  for (int i = 0; i < 16; i++)
    askers.emplace_back([&] {
      const auto current = live.Current();
      if (current && (*current)->access_key_id == "next") right++;
    });
  for (auto& asker : askers) asker.join();
  EXPECT_EQ(walks, 1);
  EXPECT_EQ(right, 16);
}

}  // namespace
}  // namespace skep::identity
