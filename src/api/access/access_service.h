// SkepAccess, an API of our own in AWS's JSON protocol. ExplainAccess says which hop, policy and
// statement lets a user's statement read its external tables or stops it; ExplainCrawl what a crawl
// saw and decided; DryRunCrawl what one would change. For superusers of the workspace only: the
// answers name roles, policies and objects.
#pragma once

#include "api/context.h"
#include "control/store.h"
#include "identity/role_chain.h"
#include "net/blocking_pool.h"
#include "session/session.h"

namespace skep::access {

// Who runs crawls that change nothing.
class CrawlPreviewer {
 public:
  virtual ~CrawlPreviewer() = default;
  // What a crawl would change, as the evidence of one (catalog/crawler/crawl.h). Blocks as long as
  // it takes. Errors: kUndefinedObject, kThrottled (another one runs), those of a crawl.
  virtual Result<std::string> DryRun(const std::string& account, const std::string& crawler) = 0;
};

class AccessService final : public api::Service {
 public:
  // Everything must outlive the service.
  AccessService(session::SessionFactory& sessions, control::Store& store,
                const identity::RoleChainResolver& roles, net::BlockingPool& blocking,
                CrawlPreviewer& crawls)
      : sessions_(sessions), store_(store), roles_(roles), blocking_(blocking), crawls_(crawls) {}

  std::string_view target() const override { return "SkepAccess"; }
  std::string_view signing_name() const override { return "skep-access"; }
  bool Knows(std::string_view operation) const override {
    return operation == "ExplainAccess" || operation == "ExplainCrawl" ||
           operation == "DryRunCrawl";
  }
  bool NeedsWorkspace() const override { return true; }
  // ExplainAccess: {"User", "Sql", "Database" (the workspace's own)} -> what ExplainAccess answers.
  // ExplainCrawl: {"Crawler", "CrawlId" (the last one's)} -> {"CrawlId", "Evidence"}.
  // DryRunCrawl: {"Crawler"} -> {"Evidence"}.
  boost::asio::awaitable<api::Answer<std::string>> Call(api::Context context, std::string operation,
                                                        api::Json request) override;

 private:
  api::Answer<std::string> ExplainCrawl(const std::string& account, const std::string& crawler,
                                        const std::string& crawl) const;
  api::Answer<std::string> DryRunCrawl(const std::string& account, const std::string& crawler);

  session::SessionFactory& sessions_;
  control::Store& store_;
  const identity::RoleChainResolver& roles_;
  net::BlockingPool& blocking_;
  CrawlPreviewer& crawls_;
};

}  // namespace skep::access
