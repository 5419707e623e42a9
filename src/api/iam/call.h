// What every operation of IAM shares: the caller's question, its checks, its errors. Used within
// this folder only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/query.h"
#include "control/iam_store.h"
#include "identity/access_control.h"

namespace skep::iam {

using api::Answer;
using api::XmlWriter;
using control::IamEntity;
using control::IamKind;

// One call. Operations say what they touch with Allow before they touch it.
struct Call {
  const identity::AccessControl& access;
  control::IamStore& store;
  const api::Context& context;
  const api::QueryParameters& parameters;
  const identity::CallerIdentity& caller;
  const identity::Subject& subject;
  std::string_view action;

  const std::string& account() const { return caller.account; }
  std::string Text(std::string_view name) const { return parameters.Text(name); }

  // Whether the caller's policies let it do this to the resource.
  Answer<void> Allow(const std::string& resource, identity::RequestContext more = {}) const;

  // A parameter of `least` to `most` characters of [\w+=,.@-]. Failures: ValidationError.
  Answer<std::string> Name(std::string_view parameter, size_t most) const;
  // The entity that RoleName or UserName names, with all that hangs on it, which the caller may
  // touch (iam:PermissionsBoundary and `more` in the context). Without UserName: the caller itself.
  Answer<IamEntity> Entity(IamKind kind, identity::RequestContext more = {}) const;
  // Path, "/" when absent.
  Answer<std::string> Path() const;
  // Tags of Tags.member.n.
  Answer<control::IamTags> Tags() const;
  // A policy document of a parameter that parses. Failures: MalformedPolicyDocument.
  Answer<std::string> Document(std::string_view parameter, identity::PolicyUse use) const;
  // The managed policy of PolicyArn, one of the account's own, which the caller may touch.
  Answer<control::IamManagedPolicy> Policy() const;
};

std::unexpected<api::Failure> NoSuchEntity(std::string message);
std::unexpected<api::Failure> Invalid(std::string message);
// The store's errors; `what` names the thing: "Role with name x".
std::unexpected<api::Failure> Translated(const Error& error, const std::string& what);

// "Role" or "User", as operations spell it.
std::string_view NounOf(IamKind kind);

// Writes one page of a list: `items` are (name, XML) in order; Marker is the last name before.
std::string Page(const Call& call, std::string_view list,
                 const std::vector<std::pair<std::string, std::string>>& items);
void WriteTags(XmlWriter& xml, const control::IamTags& tags);

using Operation = Answer<std::string> (*)(const Call&);
struct Entry {
  Operation run;
  bool changes;
};
// Operations by name, one table per file.
const std::map<std::string_view, Entry>& EntityOperations();
const std::map<std::string_view, Entry>& PolicyOperations();
const std::map<std::string_view, Entry>& OidcOperations();

}  // namespace skep::iam
