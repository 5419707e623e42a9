#include "worker/outlet.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <filesystem>
#include <future>
#include <string>

#include "ipc/channel.h"
#include "worker/reactor.h"

namespace skep::worker {
namespace {

using std::chrono::seconds;
constexpr auto kPatience = seconds(30);

size_t OpenDescriptors() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += entry.path().empty() ? 0 : 1;
  return count;
}

Frame FrameOf(size_t payload_bytes, char fill) {
  Frame frame = Frame::WithRoom(payload_bytes);
  frame.Append(std::string(payload_bytes, fill));
  frame.Seal(ipc::FrameType::kRows);
  return frame;
}

class OutletTest : public ::testing::Test {
 protected:
  OutletTest() {
    auto pair = ipc::StreamSocketPair();
    peer_ = std::move(pair->first);
    const timeval patience{30, 0};
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    outlet_ = Outlet::Open(std::move(pair->second), reactor_, [this] { gone_.set_value(); });
  }

  // Pushes until the outlet is full; answers how many bytes it took.
  size_t Fill() {
    size_t bytes = 0;
    while (!outlet_->full()) {
      Frame frame = FrameOf(256 << 10, 'x');
      bytes += frame.size;
      outlet_->Push(frame);
    }
    return bytes;
  }
  // Reads exactly so many bytes; answers whether they came.
  bool Drain(size_t bytes, std::string* into = nullptr) {
    std::string buffer(1 << 20, '\0');
    while (bytes > 0) {
      const ssize_t n = ::recv(peer_.get(), buffer.data(), std::min(bytes, buffer.size()), 0);
      if (n <= 0) return false;
      if (into) into->append(buffer.data(), static_cast<size_t>(n));
      bytes -= static_cast<size_t>(n);
    }
    return true;
  }

  Reactor reactor_;
  UniqueFd peer_;
  std::promise<void> gone_;
  std::shared_ptr<Outlet> outlet_;
};

TEST_F(OutletTest, GivesBackAFrameThatLeftAtOnce) {
  Frame frame = FrameOf(100, 'a');
  const char* memory = frame.data.get();
  outlet_->Push(frame);
  EXPECT_EQ(frame.data.get(), memory);
  EXPECT_TRUE(frame.empty());
  EXPECT_TRUE(Drain(108));
  EXPECT_FALSE(outlet_->full());
}

TEST_F(OutletTest, CallsBackWhenTheSocketWasDrained) {
  const size_t bytes = Fill();
  std::promise<void> room;
  ASSERT_TRUE(outlet_->OnRoom([&] { room.set_value(); }));
  auto called = room.get_future();
  EXPECT_EQ(called.wait_for(seconds(0)), std::future_status::timeout) << "nothing was read yet";
  ASSERT_TRUE(Drain(bytes));
  ASSERT_EQ(called.wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(outlet_->full());
  EXPECT_FALSE(outlet_->OnRoom([] { FAIL() << "there is room"; }));
  EXPECT_TRUE(outlet_->WaitForRoom());
}

TEST_F(OutletTest, SendsEveryByteInTheOrderOfHoldAndPush) {
  std::string expected;
  const auto note = [&](const Frame& frame) { expected.append(frame.data.get(), frame.size); };
  for (int round = 0; round < 40; round++) {
    Frame held = FrameOf(1000 + static_cast<size_t>(round), static_cast<char>('a' + round % 26));
    note(held);
    outlet_->Hold(std::move(held));
    Frame pushed = FrameOf(200'000, static_cast<char>('A' + round % 26));
    note(pushed);
    outlet_->Push(pushed);
  }
  std::string seen;
  ASSERT_TRUE(Drain(expected.size(), &seen));
  EXPECT_TRUE(seen == expected);
}

TEST_F(OutletTest, KeepsAHeldFrameForTheNextPush) {
  outlet_->Hold(FrameOf(10, 'h'));
  char one;
  EXPECT_EQ(::recv(peer_.get(), &one, 1, MSG_DONTWAIT), -1);
  Frame frame = FrameOf(10, 'p');
  outlet_->Push(frame);
  std::string seen;
  ASSERT_TRUE(Drain(36, &seen));
  EXPECT_EQ(seen.substr(8, 10), "hhhhhhhhhh");
  EXPECT_EQ(seen.substr(26, 10), "pppppppppp");
}

TEST_F(OutletTest, NeverWaitsForRoomThatOnlyHeldFramesTake) {
  // Many pipelines end with a small frame each, and none of them pushes.
  size_t bytes = 0;
  while (!outlet_->full()) {
    Frame frame = FrameOf(30 << 10, 'h');
    bytes += frame.size;
    outlet_->Hold(std::move(frame));
    ASSERT_LT(bytes, size_t{64} << 20);
  }
  std::promise<void> room;
  ASSERT_TRUE(outlet_->OnRoom([&] { room.set_value(); }));
  ASSERT_TRUE(Drain(bytes - (256u << 10))) << "held frames must go when there are many";
  EXPECT_EQ(room.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST_F(OutletTest, WakesEverybodyWhenStopped) {
  Fill();
  std::promise<void> room;
  ASSERT_TRUE(outlet_->OnRoom([&] { room.set_value(); }));
  auto waiter = std::async(std::launch::async, [&] { return outlet_->WaitForRoom(); });
  outlet_->Stop();
  EXPECT_EQ(room.get_future().wait_for(kPatience), std::future_status::ready);
  ASSERT_EQ(waiter.wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(waiter.get());
  EXPECT_FALSE(outlet_->OnRoom([] { FAIL() << "it is stopped"; }));
  outlet_->Resume();
  EXPECT_TRUE(outlet_->OnRoom([] {})) << "what waited before still waits";
}

TEST_F(OutletTest, WakesEverybodyAndSaysSoWhenThePeerIsGone) {
  Fill();
  std::promise<void> room;
  ASSERT_TRUE(outlet_->OnRoom([&] { room.set_value(); }));
  auto waiter = std::async(std::launch::async, [&] { return outlet_->WaitForRoom(); });
  peer_.Reset();
  EXPECT_EQ(gone_.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(room.get_future().wait_for(kPatience), std::future_status::ready);
  ASSERT_EQ(waiter.wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(waiter.get());
  EXPECT_TRUE(outlet_->stopped());
  EXPECT_FALSE(outlet_->full());
  Frame frame = FrameOf(10, 'x');
  outlet_->Push(frame);  // goes nowhere and harms nobody
  EXPECT_TRUE(frame.empty());
  outlet_->Hold(FrameOf(10, 'x'));
  outlet_->Drain(std::chrono::hours(1));
}

TEST_F(OutletTest, DrainWaitsForASlowReader) {
  const size_t bytes = Fill();
  auto drained = std::async(std::launch::async, [&] { outlet_->Drain(std::chrono::hours(1)); });
  EXPECT_EQ(drained.wait_for(seconds(0)), std::future_status::timeout);
  ASSERT_TRUE(Drain(bytes));
  EXPECT_EQ(drained.wait_for(kPatience), std::future_status::ready);
}

TEST_F(OutletTest, DrainEndsInTime) {
  Fill();
  outlet_->Drain(std::chrono::milliseconds(1));
  EXPECT_TRUE(outlet_->full());
}

TEST_F(OutletTest, ManyProducersAndASlowReaderLoseNothing) {
  constexpr int kProducers = 4, kFrames = 200;
  constexpr size_t kPayload = 50'000;
  std::vector<std::future<void>> producers;
  for (int i = 0; i < kProducers; i++) {
    producers.push_back(std::async(std::launch::async, [&, i] {
      for (int n = 0; n < kFrames; n++) {
        Frame frame = FrameOf(kPayload, static_cast<char>('a' + i));
        outlet_->Push(frame);
        if (outlet_->full()) {
          std::promise<void> room;
          if (outlet_->OnRoom([&] { room.set_value(); })) room.get_future().wait();
        }
      }
    }));
  }
  std::string seen;
  ASSERT_TRUE(Drain(kProducers * kFrames * (kPayload + ipc::kFrameHeader), &seen));
  for (auto& producer : producers) producer.get();
  std::map<char, int> frames;
  for (size_t at = 0; at < seen.size(); at += kPayload + ipc::kFrameHeader) {
    const char fill = seen[at + ipc::kFrameHeader];
    ASSERT_EQ(seen.compare(at + ipc::kFrameHeader, kPayload, std::string(kPayload, fill)), 0);
    frames[fill]++;
  }
  for (int i = 0; i < kProducers; i++) EXPECT_EQ(frames[static_cast<char>('a' + i)], kFrames);
}

TEST(OutletLife, LeaksNoDescriptorAndCallsNobodyAfterItsEnd) {
  Reactor reactor;
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 200; i++) {
    auto pair = ipc::StreamSocketPair();
    auto outlet = Outlet::Open(std::move(pair->second), reactor, [] {});
    if (i % 3 == 0) {
      pair->first.Reset();  // races with the end below
    } else if (i % 3 == 1) {
      Frame frame = FrameOf(3 << 20, 'x');
      outlet->Push(frame);
    }
    if (i % 2 == 0) outlet->Close();
  }
  // What the reactor still holds for a moment goes before its next timer.
  std::promise<void> turned;
  reactor.At(Reactor::Clock::now(), [&] { turned.set_value(); });
  ASSERT_EQ(turned.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(ReactorTest, CallsTimersInTheirOrderAndOnce) {
  Reactor reactor;
  std::mutex mutex;
  std::vector<int> called;
  std::promise<void> last;
  const auto now = Reactor::Clock::now();
  const auto note = [&](int n) {
    return [&, n] {
      const std::lock_guard lock(mutex);
      called.push_back(n);
      if (n == 3) last.set_value();
    };
  };
  reactor.At(now + std::chrono::milliseconds(30), note(3));
  reactor.At(now + std::chrono::milliseconds(20), note(2));
  const uint64_t forgotten = reactor.At(now + std::chrono::milliseconds(25), note(99));
  reactor.At(now + std::chrono::milliseconds(10), note(1));
  reactor.Forget(forgotten);
  reactor.Forget(12345);  // of no timer
  ASSERT_EQ(last.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_GE(Reactor::Clock::now(), now + std::chrono::milliseconds(30));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(called, (std::vector{1, 2, 3}));
}

TEST(ReactorTest, ATimerMaySetAndForgetTimers) {
  Reactor reactor;
  std::promise<void> done;
  uint64_t other = 0;
  other = reactor.At(Reactor::Clock::now() + std::chrono::hours(1),
                     [] { FAIL() << "it was forgotten"; });
  reactor.At(Reactor::Clock::now(), [&] {
    reactor.Forget(other);
    reactor.At(Reactor::Clock::now(), [&] { done.set_value(); });
  });
  EXPECT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(ReactorTest, EndsWithTimersPending) {
  auto kept = std::make_shared<int>(1);
  {
    Reactor reactor;
    reactor.At(Reactor::Clock::now() + std::chrono::hours(1),
               [kept] { FAIL() << "it is not time"; });
    EXPECT_EQ(kept.use_count(), 2);
  }
  EXPECT_EQ(kept.use_count(), 1);
}

}  // namespace
}  // namespace skep::worker
