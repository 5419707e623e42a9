// What services of AWS's query protocol (STS, IAM) are given and how they answer: form parameters
// in, the XML of the result out. Like context.h pure of HTTP. Source: the protocol's description in
// the Smithy documentation, "AWS Query protocol".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.h"

namespace skep::api {

// Parameters of a form or a query string, decoded.
class QueryParameters {
 public:
  // Adds what a text holds. False when it is malformed, names a parameter twice, or holds more than
  // 2,000 parameters.
  bool Add(std::string_view form);

  // nullptr when it is not there.
  const std::string* Find(std::string_view name) const;
  // Empty when it is not there.
  std::string Text(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  // name.member.1, name.member.2, …; stops at the first gap.
  std::vector<std::string> List(std::string_view name) const;
  // name.member.1.<member> and so on: a list of structures as (key, value) of two members.
  std::vector<std::pair<std::string, std::string>> Pairs(std::string_view name,
                                                         std::string_view key,
                                                         std::string_view value) const;
  // name.member.1.<member>, …
  std::vector<std::string> Members(std::string_view name, std::string_view member) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// Writes elements; text is escaped, what XML cannot hold is dropped.
class XmlWriter {
 public:
  XmlWriter& Open(std::string_view name);
  XmlWriter& Close(std::string_view name);
  XmlWriter& Element(std::string_view name, std::string_view text);
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class QueryService {
 public:
  virtual ~QueryService() = default;
  virtual std::string_view signing_name() const = 0;  // "sts"
  virtual std::string_view version() const = 0;       // "2011-06-15"
  virtual std::string_view xml_namespace()
      const = 0;  // "https://sts.amazonaws.com/doc/2011-06-15/"
  virtual bool Knows(std::string_view action) const = 0;
  // Operations that nobody signs; what they are given proves who asks.
  virtual bool IsAnonymous(std::string_view /*action*/) const { return false; }
  // Answers what stands within <ActionResult>; empty when the operation has no result. Blocks for
  // the control store: called on the blocking pool.
  virtual Answer<std::string> Call(const Context& context, std::string_view action,
                                   const QueryParameters& parameters) = 0;
};

}  // namespace skep::api
