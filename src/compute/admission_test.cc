#include "compute/admission.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <vector>

namespace skep::compute {
namespace asio = boost::asio;
namespace {

struct Scenario {
  asio::io_context io;
  Admission admission{io.get_executor(), 1, 2};
  std::vector<int> order;
  std::vector<Admission::Ticket> tickets;
  std::vector<ErrorKind> refused;

  asio::awaitable<void> Enter(int name, std::shared_ptr<Admission::Waiter> waiter) {
    auto ticket = co_await admission.Enter(waiter);
    if (!ticket) {
      refused.push_back(ticket.error().kind);
      co_return;
    }
    order.push_back(name);
    tickets.push_back(std::move(*ticket));
  }
  std::shared_ptr<Admission::Waiter> Start(int name) {
    auto waiter = admission.NewWaiter();
    asio::co_spawn(io, Enter(name, waiter), [](std::exception_ptr) {});
    io.restart();
    io.poll();
    return waiter;
  }
};

TEST(Admission, AdmitsInTheOrderOfArrivalAndRefusesTheOverflow) {
  Scenario run;
  run.Start(1);
  run.Start(2);
  run.Start(3);
  run.Start(4);
  EXPECT_EQ(run.order, (std::vector<int>{1}));
  EXPECT_EQ(run.refused, (std::vector<ErrorKind>{ErrorKind::kTooManyConnections}));
  run.tickets[0].Release();
  run.io.restart();
  run.io.poll();
  run.tickets[1].Release();
  run.io.restart();
  run.io.poll();
  EXPECT_EQ(run.order, (std::vector<int>{1, 2, 3}));
  run.tickets.clear();
  EXPECT_EQ(run.admission.running(), 0u);
}

TEST(Admission, LetsAnAbandonedWaiterGoWithoutTakingAPlace) {
  Scenario run;
  run.Start(1);
  auto second = run.Start(2);
  run.Start(3);
  Admission::Abandon(*second);
  run.io.restart();
  run.io.poll();
  EXPECT_EQ(run.refused, (std::vector<ErrorKind>{ErrorKind::kQueryCanceled}));
  run.tickets[0].Release();
  run.io.restart();
  run.io.poll();
  EXPECT_EQ(run.order, (std::vector<int>{1, 3}));
  run.tickets.clear();
}

}  // namespace
}  // namespace skep::compute
