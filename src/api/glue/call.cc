#include "api/glue/call.h"

#include <fmt/format.h>

#include "base/text.h"

namespace skep::glue {

std::string Text(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> Texts(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_array() ? found->get<std::vector<std::string>>()
                                                  : std::vector<std::string>();
}

Json Stored(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json::object();
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::unexpected<Failure> NotFound(std::string message) {
  return Refuse("EntityNotFoundException", std::move(message));
}
std::unexpected<Failure> Exists(std::string message) {
  return Refuse("AlreadyExistsException", std::move(message));
}
std::unexpected<Failure> InvalidInput(std::string message) {
  return Refuse("InvalidInputException", std::move(message));
}

std::unexpected<Failure> Translated(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kUndefinedObject:
      return NotFound(error.message);
    case ErrorKind::kDuplicateObject:
      return Exists(error.message);
    case ErrorKind::kInvalidArgument:
      return InvalidInput(error.message);
    default:
      return Refuse("InternalServiceException", error.message, 500);
  }
}

Json ErrorDetail(const Failure& failure) {
  return {{"ErrorCode", failure.type}, {"ErrorMessage", failure.message}};
}

size_t PageSize(const Json& request, size_t usual) {
  return request.contains("MaxResults") ? static_cast<size_t>(request["MaxResults"].get<int64_t>())
                                        : usual;
}

Answer<Json> ReadToken(const Json& request) {
  const std::string token = Text(request, "NextToken");
  if (token.empty()) return Json();
  const auto decoded = Base64Decode(token);
  Json after = decoded ? Json::parse(*decoded, nullptr, false) : Json();
  if (!after.is_array() || after.size() != 1)
    return InvalidInput("Continuation token is not valid.");
  return after;
}

std::string MakeToken(const Json& json) {
  return Base64Encode(json.dump(-1, ' ', true, Json::error_handler_t::replace));
}

std::string CallState::Arn(std::string_view resource) const {
  return fmt::format("arn:aws:glue:{}:{}:{}", context.region, catalog, resource);
}

std::string CallState::CallerArn() const {
  return fmt::format("arn:aws:iam::{}:user/{}", context.caller.account, context.caller.user);
}

Answer<control::GlueDatabase> CallState::Database(const char* member) const {
  const std::string name = Lower(Text(request, member));
  auto found = store.GetGlueDatabase(catalog, name);
  if (!found) return Translated(found.error());
  if (!*found) return NotFound(fmt::format("Database {} not found.", name));
  return std::move(**found);
}

Answer<control::GlueTable> CallState::TableNamed(const std::string& name) const {
  const std::string database = Lower(Text(request, "DatabaseName"));
  auto found = store.GetGlueTable(catalog, database, Lower(name));
  if (!found) return Translated(found.error());
  if (*found) return std::move(**found);
  if (auto known = Database(); !known) return std::unexpected(known.error());
  return NotFound(fmt::format("Table {} not found.", Lower(name)));
}

Answer<control::GlueTable> CallState::Table(const char* member) const {
  return TableNamed(Text(request, member));
}

Answer<control::Crawler> CallState::FindCrawler(const char* member) const {
  const std::string name = Text(request, member);
  auto found = store.GetCrawler(context.caller.account, name);
  if (!found) return Translated(found.error());
  if (!*found) return NotFound(fmt::format("Crawler {} not found.", name));
  return std::move(**found);
}

}  // namespace skep::glue
