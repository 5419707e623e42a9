// Identity and Access Management: users, roles, policies and access keys of the caller's account.
// Checks shapes, quotas and the caller's own policies, keeps what it is told in the control store.
// Source of shapes and texts: the service's public model (2010-05-08).
#pragma once

#include <mutex>

#include "api/query.h"
#include "control/iam_store.h"
#include "identity/access_control.h"

namespace skep::iam {

class IamService final : public api::QueryService {
 public:
  explicit IamService(const identity::AccessControl& access)
      : access_(access), store_(access.store()) {}

  std::string_view signing_name() const override { return "iam"; }
  std::string_view version() const override { return "2010-05-08"; }
  std::string_view xml_namespace() const override {
    return "https://iam.amazonaws.com/doc/2010-05-08/";
  }
  bool Knows(std::string_view action) const override;
  api::Answer<std::string> Call(const api::Context& context, std::string_view action,
                                const api::QueryParameters& parameters) override;

 private:
  const identity::AccessControl& access_;
  control::IamStore& store_;
  std::mutex changing_;  // one read-modify-write at a time
};

}  // namespace skep::iam
