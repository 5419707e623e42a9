// A custom classifier of the Glue API as crawls use it: what the inference is asked, and what
// stands in the table when it is chosen. Grok patterns become regular expressions here (developer
// guide, "Writing custom classifiers").
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"

namespace skep::catalog {

struct Classifier {
  std::string name;
  std::string type;  // "csv", "grok", "json", "xml"
  // What the worker is asked (ipc::InferRequest::options); empty: it cannot be used.
  std::vector<std::pair<std::string, std::string>> options;
  // Marks of the table (ipc::InferReply::properties).
  std::vector<std::pair<std::string, std::string>> properties;
  std::string problem;  // why it cannot be used
};

// From the API's Classifier structure. One that cannot be used says why and is passed over.
Classifier ReadClassifier(const std::string& name, const nlohmann::json& json);

struct TypedField {
  std::string name, type;  // Glue type
};
struct TypedGrok {
  std::string regex;  // RE2; one group for each field, in order
  std::vector<TypedField> fields;
};
// A grok pattern (catalog/grok_pattern.h) as a crawl classifies by it. Errors: kInvalidArgument
// (those of ReadGrok, an unknown type, no field).
Result<TypedGrok> ExpandGrok(std::string_view pattern, std::string_view custom);

}  // namespace skep::catalog
