#include "lake/remote_seats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace skep::lake {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// Somebody who waits for a seat and keeps it until told to leave.
class Waiter {
 public:
  Waiter(RemoteSeats& seats, const std::string& workspace, bool further = false)
      : seat_(std::async(std::launch::async, [&seats, workspace, further, this] {
          return seats.Take(workspace, further, [this] { return given_up_.load(); });
        })) {}
  bool has() const { return seat_.wait_for(milliseconds(0)) == std::future_status::ready; }
  Result<RemoteSeat> Seat() { return seat_.get(); }
  void GiveUp() { given_up_ = true; }

 private:
  std::atomic<bool> given_up_ = false;
  std::future<Result<RemoteSeat>> seat_;
};

void AwaitWaiting(const RemoteSeats& seats, size_t waiting) {
  while (seats.figures().waiting != waiting) std::this_thread::yield();
}

constexpr RemoteSeatOptions kFour{4, 2, 3, milliseconds(60'000)};
constexpr RemoteSeatOptions kImpatient{4, 2, 3, milliseconds(20)};

TEST(RemoteSeats, OneWorkspaceTakesItsShareOnly) {
  RemoteSeats seats(kImpatient);
  const auto a = seats.Take("greedy", false, {}), b = seats.Take("greedy", false, {});
  ASSERT_TRUE(a && b);
  const auto refused = seats.Take("greedy", false, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kTooManyConnections);
  EXPECT_THAT(refused.error().message, HasSubstr("the workspace has 2 of at most 2"));
  EXPECT_TRUE(seats.Take("modest", false, {}));
  EXPECT_EQ(seats.figures().taken, 2u) << "the modest one has left";
  EXPECT_EQ(seats.figures().waiting, 0u);
}

TEST(RemoteSeats, ASeatThatBecomesFreeGoesToTheWorkspaceWithTheFewest) {
  RemoteSeats seats(kFour);
  auto a1 = seats.Take("a", false, {}), a2 = seats.Take("a", false, {}),
       b1 = seats.Take("b", false, {});
  auto c1 = seats.Take("c", false, {});
  ASSERT_TRUE(a1 && a2 && b1 && c1);
  Waiter again(seats, "b");
  AwaitWaiting(seats, 1);
  Waiter newcomer(seats, "d");
  AwaitWaiting(seats, 2);
  *a1 = RemoteSeat();
  AwaitWaiting(seats, 1);
  EXPECT_TRUE(newcomer.Seat()) << "came later, but its workspace has none";
  AwaitWaiting(seats, 0);  // which left at once
  EXPECT_TRUE(again.Seat());
}

TEST(RemoteSeats, OthersMayHaveTheRest) {
  RemoteSeats seats(kImpatient);
  auto a1 = seats.Take("a", false, {}), a2 = seats.Take("a", false, {});
  auto b1 = seats.Take("b", false, {}), b2 = seats.Take("b", false, {});
  ASSERT_TRUE(a1 && a2 && b1 && b2);
  const auto refused = seats.Take("c", false, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("has 0 of at most 2, others have the rest"));
}

TEST(RemoteSeats, AQuarterOfAShareIsForWhoHasOneAlready) {
  RemoteSeats seats({100, 8, 100, milliseconds(60'000)});
  std::vector<Result<RemoteSeat>> first;
  for (int i = 0; i < 6; i++) first.push_back(seats.Take("a", false, {}));
  Waiter newcomer(seats, "a");
  AwaitWaiting(seats, 1);
  {
    auto second = seats.Take("a", true, {}), another = seats.Take("a", true, {});
    EXPECT_TRUE(second && another) << "the statements of the first six can go on";
    Waiter third(seats, "a", true);
    AwaitWaiting(seats, 2);
    first.pop_back();
    EXPECT_TRUE(third.Seat()) << "before who came first, but has none";
    AwaitWaiting(seats, 1);
  }
  EXPECT_TRUE(newcomer.Seat());
}

TEST(RemoteSeats, ASeatOfAFullShareGoesToTheSameWorkspaceFirstComeFirstServed) {
  RemoteSeats seats(kFour);
  auto a1 = seats.Take("a", false, {}), a2 = seats.Take("a", false, {});
  ASSERT_TRUE(a1 && a2);
  Waiter first(seats, "a");
  AwaitWaiting(seats, 1);
  Waiter second(seats, "a");
  AwaitWaiting(seats, 2);
  *a1 = RemoteSeat();
  auto got = first.Seat();
  ASSERT_TRUE(got);
  EXPECT_FALSE(second.has());
  *got = RemoteSeat();
  EXPECT_TRUE(second.Seat());
}

TEST(RemoteSeats, TheQueueOfAWorkspaceIsBoundedAndNobodyElses) {
  RemoteSeats seats(kFour);
  auto a1 = seats.Take("a", false, {}), a2 = seats.Take("a", false, {});
  ASSERT_TRUE(a1 && a2);
  {
    Waiter one(seats, "a"), two(seats, "a"), three(seats, "a");
    AwaitWaiting(seats, 3);
    const auto refused = seats.Take("a", false, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("too many statements of the workspace wait"));
    EXPECT_TRUE(seats.Take("b", false, {}));
    one.GiveUp();
    two.GiveUp();
    three.GiveUp();
    for (Waiter* waiter : {&one, &two, &three}) {
      const auto ended = waiter->Seat();
      ASSERT_FALSE(ended);
      EXPECT_EQ(ended.error().kind, ErrorKind::kQueryCanceled);
    }
  }
  EXPECT_EQ(seats.figures().waiting, 0u);
}

TEST(RemoteSeats, NobodyWaitsForAGatewayThatGoesDown) {
  RemoteSeats seats(kFour);
  auto a1 = seats.Take("a", false, {}), a2 = seats.Take("a", false, {});
  ASSERT_TRUE(a1 && a2);
  Waiter waiter(seats, "a");
  AwaitWaiting(seats, 1);
  seats.Stop();
  const auto ended = waiter.Seat();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, ErrorKind::kAdminShutdown);
  EXPECT_FALSE(seats.Take("b", false, {}));
}

}  // namespace
}  // namespace skep::lake
