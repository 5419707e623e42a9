// What IAM needs before anybody calls it: the warehouse's account, the key that seals session
// tokens, and the roles that connect a workspace with an organization.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/error.h"
#include "base/secret.h"
#include "control/iam_store.h"
#include "control/store.h"

namespace skep::app {

// Opens the IAM part of the control store and makes sure that the warehouse's account is in it.
Result<std::unique_ptr<control::IamStore>> OpenIam(const Config& config);
// Makes sure that the configured issuers of tokens are in their accounts.
Result<void> PutOidcProviders(const Config& config, control::IamStore& iam);
// The key of session tokens, made at the first call.
Result<Secret> SessionKey(control::Store& store);

// An organization's data lake as a workspace is to see it.
struct Connection {
  std::string workspace;
  std::string account, organization;  // the organization's account number and name
  std::string role = "OrgDataCatalogRole";
  std::string bucket, prefix;  // prefix: empty = all of the bucket
  std::string database;        // of the organization's Glue catalog; empty = all
  std::string external_id;     // empty = the one of before, else a new one
  bool crawlers = false;       // the organization's crawlers may use the role, too
};
struct Connected {
  std::string warehouse_role, organization_role;  // ARNs
  std::string external_id;
  std::vector<std::string> made;  // what was not there or is now another, in words
};
// Makes account, roles, trust and policies, or brings them to this state; the same call twice
// changes nothing the second time. Errors: kInvalidArgument (a malformed name), kUndefinedObject
// (no such workspace).
Result<Connected> Connect(const Config& config, control::Store& store, control::IamStore& iam,
                          const Connection& wanted);

// A user of the account that may do everything in it, with a new access key. Errors:
// kDuplicateObject when there is one of that name.
Result<control::IamAccessKey> MakeAdministrator(control::IamStore& iam, const std::string& account,
                                                const std::string& name);

// The workspace's own role in the warehouse's account.
std::string WarehouseRoleName(const std::string& workspace);

}  // namespace skep::app
