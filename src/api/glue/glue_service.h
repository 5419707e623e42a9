// The Glue Data Catalog API: databases, tables, partitions and crawlers as JSON structures in the
// control store. Checks shapes and names, never touches the lake; crawls are handed to a
// CrawlerRunner. Source of shapes and texts: the service's public model.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "api/context.h"
#include "api/glue/crawler_runner.h"
#include "base/sealed_box.h"
#include "control/store.h"
#include "net/blocking_pool.h"

namespace skep::glue {

class GlueService final : public api::Service {
 public:
  // Everything must outlive the service. `now_ms` is the wall clock; empty = the system's.
  // `box` seals the passwords of connections; null: they are kept as they are.
  GlueService(control::Store& store, net::BlockingPool& blocking, CrawlerRunner& crawls,
              std::function<int64_t()> now_ms = {}, const SealedBox* box = nullptr);

  std::string_view target() const override { return "AWSGlue"; }
  std::string_view signing_name() const override { return "glue"; }
  bool Knows(std::string_view operation) const override;
  std::vector<std::string> Resources(const api::Context& context, std::string_view operation,
                                     const api::Json& request) const override;
  // The Role of a crawler that is made or changed.
  std::vector<std::string> PassedRoles(const api::Context& context, std::string_view operation,
                                       const api::Json& request) const override;
  boost::asio::awaitable<api::Answer<std::string>> Call(api::Context context, std::string operation,
                                                        api::Json request) override;

  // The same without a coroutine, for the blocking pool and for tests.
  api::Answer<api::Json> CallNow(const api::Context& context, std::string_view operation,
                                 const api::Json& request);

 private:
  control::Store& store_;
  net::BlockingPool& blocking_;
  CrawlerRunner& crawls_;
  std::function<int64_t()> now_ms_;
  const SealedBox* box_;
  std::mutex changing_;  // one read-modify-write at a time
};

// Seals passwords of connections that were stored before there was a key. Call at start-up.
Result<void> SealStoredPasswords(control::Store& store, const SealedBox& box);

}  // namespace skep::glue
