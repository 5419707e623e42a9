// SkepAccess, an API of our own in AWS's JSON protocol. ExplainAccess says which hop, policy and
// statement lets a user's statement read its external tables or stops it. For superusers of the
// workspace only: the answer names roles and policies.
#pragma once

#include "api/context.h"
#include "control/store.h"
#include "identity/role_chain.h"
#include "net/blocking_pool.h"
#include "session/session.h"

namespace skep::access {

class AccessService final : public api::Service {
 public:
  // Everything must outlive the service.
  AccessService(session::SessionFactory& sessions, control::Store& store,
                const identity::RoleChainResolver& roles, net::BlockingPool& blocking)
      : sessions_(sessions), store_(store), roles_(roles), blocking_(blocking) {}

  std::string_view target() const override { return "SkepAccess"; }
  std::string_view signing_name() const override { return "skep-access"; }
  bool Knows(std::string_view operation) const override { return operation == "ExplainAccess"; }
  bool NeedsWorkspace() const override { return true; }
  // {"User", "Sql", "Database" (the workspace's own)} -> what ExplainAccess answers.
  boost::asio::awaitable<api::Answer<std::string>> Call(api::Context context, std::string operation,
                                                        api::Json request) override;

 private:
  session::SessionFactory& sessions_;
  control::Store& store_;
  const identity::RoleChainResolver& roles_;
  net::BlockingPool& blocking_;
};

}  // namespace skep::access
