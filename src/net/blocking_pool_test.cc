#include "net/blocking_pool.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>
#include <thread>

namespace skep::net {
namespace {

TEST(BlockingPool, RunsElsewhereAndResumesOnTheCallersThread) {
  boost::asio::io_context io;
  BlockingPool pool(2);
  std::thread::id worked, resumed;
  int answer = 0;
  auto body = [&]() -> boost::asio::awaitable<void> {
    auto work = [&worked] {
      worked = std::this_thread::get_id();
      return 42;
    };
    answer = co_await pool.Run(work);
    resumed = std::this_thread::get_id();
  };
  std::exception_ptr failure;
  boost::asio::co_spawn(io, body(), [&](std::exception_ptr e) { failure = e; });
  io.run();
  EXPECT_FALSE(failure);
  EXPECT_EQ(answer, 42);
  EXPECT_NE(worked, resumed);
  EXPECT_EQ(resumed, std::this_thread::get_id());
}

TEST(BlockingPool, CarriesExceptionsToTheCaller) {
  boost::asio::io_context io;
  BlockingPool pool(1);
  bool caught = false;
  auto body = [&]() -> boost::asio::awaitable<void> {
    auto work = []() -> int { throw std::runtime_error("x"); };
    try {
      co_await pool.Run(work);
    } catch (const std::runtime_error&) {
      caught = true;
    }
  };
  boost::asio::co_spawn(io, body(), [](std::exception_ptr) {});
  io.run();
  EXPECT_TRUE(caught);
}

}  // namespace
}  // namespace skep::net
