// Members of the structures that API callers write: of wrong or no type they read as empty.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace skep::catalog {

// A text member; empty when there is none.
std::string TextOf(const nlohmann::json& object, const char* name);
// A member of any type; null when there is none.
const nlohmann::json& MemberOf(const nlohmann::json& object, const char* name);

}  // namespace skep::catalog
