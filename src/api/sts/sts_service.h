// The Security Token Service: who a caller is, and temporary credentials for roles, users and
// federated users. Keeps nothing: credentials are sealed into their session token. Source of shapes
// and texts: the service's public model (2011-06-15); IAM User Guide, "Temporary security
// credentials in IAM".
#pragma once

#include "api/query.h"
#include "identity/access_control.h"
#include "identity/issuer_keys.h"
#include "identity/session_token.h"

namespace skep::sts {

class StsService final : public api::QueryService {
 public:
  // All must outlive the service.
  StsService(const identity::AccessControl& access, const identity::SessionTokens& tokens,
             identity::IssuerKeys& issuers)
      : access_(access), tokens_(tokens), issuers_(issuers) {}

  std::string_view signing_name() const override { return "sts"; }
  std::string_view version() const override { return "2011-06-15"; }
  std::string_view xml_namespace() const override {
    return "https://sts.amazonaws.com/doc/2011-06-15/";
  }
  bool Knows(std::string_view action) const override;
  bool IsAnonymous(std::string_view action) const override;
  api::Answer<std::string> Call(const api::Context& context, std::string_view action,
                                const api::QueryParameters& parameters) override;

 private:
  const identity::AccessControl& access_;
  const identity::SessionTokens& tokens_;
  identity::IssuerKeys& issuers_;
};

}  // namespace skep::sts
