// Threads for work that blocks (SQLite, password hashing, DNS, object stores), so that the I/O
// thread never does.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace skep::net {

class BlockingPool {
 public:
  explicit BlockingPool(size_t threads) : pool_(threads) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  ~BlockingPool() { Join(); }

  // Runs work on a thread of the pool and resumes the caller on its own executor with the result.
  // Work must own what it uses: the caller may be gone by the time it ends. Exceptions travel to
  // the caller.
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work>> Run(Work work);

  // Fire and forget: for work that reports by itself.
  void Post(std::function<void()> work);
  // Waits for everything that runs, refuses nothing: call at shutdown.
  void Join();

 private:
  boost::asio::thread_pool pool_;
};

template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work>> BlockingPool::Run(Work work) {
  using Value = std::invoke_result_t<Work>;
  auto executor = co_await boost::asio::this_coro::executor;
  auto shared = std::make_shared<Work>(std::move(work));
  auto initiate = [this, executor, shared](auto handler) {
    auto holder = std::make_shared<decltype(handler)>(std::move(handler));
    boost::asio::post(pool_, [executor, shared, holder] {
      auto value = std::make_shared<std::optional<Value>>();
      std::exception_ptr error;
      try {
        value->emplace((*shared)());
      } catch (...) {
        error = std::current_exception();
      }
      boost::asio::post(executor, [holder, value, error] {
        if (error) {
          (*holder)(error, Value{});
        } else {
          (*holder)(nullptr, std::move(**value));
        }
      });
    });
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                 void(std::exception_ptr, Value)>(
      initiate, boost::asio::use_awaitable);
}

}  // namespace skep::net
