#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/glue/glue_service.h"
#include "api/glue/operations.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "connection";

// Whether answers may hold passwords (ReturnConnectionPasswordEncrypted is off).
Answer<bool> MayShowPasswords(const CallState& call) {
  const auto settings = call.Glue().GetObject(call.catalog, "encryption_settings", "", "");
  if (!settings) return Translated(settings.error());
  if (!*settings) return true;
  const Json json = Stored((*settings)->json);
  return !json.value("ConnectionPasswordEncryption", Json::object())
              .value("ReturnConnectionPasswordEncrypted", false);
}

// Whether a property holds a secret: PASSWORD, KAFKA_CLIENT_KEY_PASSWORD, …; those that begin with
// ENCRYPTED_ their client has encrypted.
bool IsPassword(std::string_view property) {
  return property.ends_with("PASSWORD") && !property.starts_with("ENCRYPTED_");
}

std::string PlaceOf(std::string_view catalog, std::string_view connection,
                    std::string_view property) {
  return fmt::format("{}/connection/{}/{}", catalog, connection, property);
}

void SealPasswords(const SealedBox& box, std::string_view catalog, Json& json) {
  const auto properties = json.find("ConnectionProperties");
  if (properties == json.end() || !properties->is_object()) return;
  for (auto& [name, value] : properties->items()) {
    if (IsPassword(name) && value.is_string())
      value = box.Seal(value.get<std::string>(), PlaceOf(catalog, Text(json, "Name"), name));
  }
}

// What an answer holds of a connection: with passwords, or as the catalog's settings say.
Answer<Json> ConnectionOf(const CallState& call, const control::GlueObject& object,
                          bool passwords) {
  Json json = Stored(object.json);
  json["Name"] = object.name;
  const auto properties = json.find("ConnectionProperties");
  if (properties == json.end() || !properties->is_object()) return json;
  if (!passwords) {
    std::erase_if(properties->get_ref<Json::object_t&>(), [](const auto& one) {
      return IsPassword(one.first) || one.first.starts_with("ENCRYPTED_");
    });
    return json;
  }
  for (auto& [name, value] : properties->items()) {
    if (!IsPassword(name) || !value.is_string() ||
        !SealedBox::IsSealed(value.get_ref<const std::string&>()))
      continue;
    if (call.box == nullptr)
      return Refuse("InternalServiceException", "There is no key for the connection's password.",
                    500);
    const auto opened = call.box->Open(value.get_ref<const std::string&>(),
                                       PlaceOf(object.catalog_id, object.name, name));
    if (!opened)
      return Refuse("InternalServiceException", "The connection's password cannot be opened.", 500);
    value = opened->Reveal();
  }
  return json;
}

// The structure that is kept: credentials of the authentication are taken and never given out, so
// they are not kept at all.
Json ConnectionFrom(const CallState& call) {
  Json json = call.request["ConnectionInput"];
  json.erase("ValidateCredentials");
  json.erase("ValidateForComputeEnvironments");
  if (json.contains("AuthenticationConfiguration")) {
    Json& authentication = json["AuthenticationConfiguration"];
    authentication.erase("BasicAuthenticationCredentials");
    authentication.erase("CustomAuthenticationCredentials");
    if (authentication.contains("OAuth2Properties")) {
      authentication["OAuth2Properties"].erase("AuthorizationCodeProperties");
      authentication["OAuth2Properties"].erase("OAuth2Credentials");
    }
  }
  json["LastUpdatedTime"] = call.now;
  json["LastUpdatedBy"] = call.CallerArn();
  json["Status"] = "READY";
  json["ConnectionSchemaVersion"] = 1;
  if (call.box != nullptr) SealPasswords(*call.box, call.catalog, json);
  return json;
}

std::unexpected<Failure> NoConnection(const std::string& name) {
  return NotFound(fmt::format("Connection {} not found.", name));
}

Answer<control::GlueObject> Find(const CallState& call) {
  const std::string name = Text(call.request, "Name");
  auto found = call.Glue().GetObject(call.catalog, kKind, "", name);
  if (!found) return Translated(found.error());
  if (!*found) return NoConnection(name);
  return std::move(**found);
}

Answer<Json> CreateConnection(const CallState& call) {
  if (auto checked = CheckTags(call.request); !checked) return std::unexpected(checked.error());
  Json json = ConnectionFrom(call);
  json["CreationTime"] = call.now;
  const std::string name = Text(json, "Name");
  const auto made = call.Glue().CreateObject({call.catalog, kKind, "", name, Dump(json)});
  if (!made && made.error().kind == ErrorKind::kDuplicateObject)
    return Exists("Connection already exists.");
  if (!made) return Translated(made.error());
  if (auto kept = KeepTags(call, call.Arn("connection/" + name)); !kept)
    return std::unexpected(kept.error());
  return Json{{"CreateConnectionStatus", "READY"}};
}

Answer<Json> GetConnection(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  const auto may = MayShowPasswords(call);
  if (!may) return std::unexpected(may.error());
  auto connection = ConnectionOf(call, *found, *may && !call.request.value("HidePassword", false));
  if (!connection) return connection;
  return Json{{"Connection", std::move(*connection)}};
}

bool Fits(const Json& connection, const Json& filter) {
  const auto criteria = Texts(connection, "MatchCriteria");
  const auto wanted = Texts(filter, "MatchCriteria");
  const std::string type = Text(filter, "ConnectionType");
  return std::ranges::all_of(wanted,
                             [&](const std::string& w) {
                               return std::ranges::find(criteria, w) != criteria.end();
                             }) &&
         (type.empty() || type == Text(connection, "ConnectionType")) &&
         filter.value("ConnectionSchemaVersion", 1) == 1;
}

Answer<Json> GetConnections(const CallState& call) {
  auto found = call.Glue().ListObjects(call.catalog, kKind, "");
  if (!found) return Translated(found.error());
  const Json filter = call.request.value("Filter", Json::object());
  std::erase_if(*found, [&](const auto& c) { return !Fits(Stored(c.json), filter); });
  const auto may = MayShowPasswords(call);
  if (!may) return std::unexpected(may.error());
  const bool passwords = *may && !call.request.value("HidePassword", false);
  Json out = {{"ConnectionList", Json::array()}};
  auto page = Page(std::move(*found), call.request, kDefaultPage, out,
                   [](const auto& c) { return Json(c.name); });
  if (!page) return std::unexpected(page.error());
  for (const auto& one : *page) {
    auto connection = ConnectionOf(call, one, passwords);
    if (!connection) return connection;
    out["ConnectionList"].push_back(std::move(*connection));
  }
  return out;
}

Answer<Json> UpdateConnection(const CallState& call) {
  auto found = Find(call);
  if (!found) return std::unexpected(found.error());
  Json json = ConnectionFrom(call);
  if (Text(json, "Name") != found->name) return InvalidInput("A connection cannot be renamed.");
  const Json old = Stored(found->json);
  if (old.contains("CreationTime")) json["CreationTime"] = old["CreationTime"];
  found->json = Dump(json);
  if (const auto put = call.Glue().PutObject(*found); !put) return Translated(put.error());
  return Json::object();
}

Answer<void> Drop(const CallState& call, const std::string& name) {
  const auto deleted = call.Glue().DeleteObject(call.catalog, kKind, "", name);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NoConnection(name);
  DropTags(call, call.Arn("connection/" + name));
  return {};
}

Answer<Json> DeleteConnection(const CallState& call) {
  if (auto dropped = Drop(call, Text(call.request, "ConnectionName")); !dropped)
    return std::unexpected(dropped.error());
  return Json::object();
}

Answer<Json> BatchDeleteConnection(const CallState& call) {
  Json out = {{"Succeeded", Json::array()}, {"Errors", Json::object()}};
  for (const std::string& name : Texts(call.request, "ConnectionNameList")) {
    if (auto dropped = Drop(call, name); dropped) {
      out["Succeeded"].push_back(name);
    } else {
      out["Errors"][name] = ErrorDetail(dropped.error());
    }
  }
  return out;
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreateConnection", CreateConnection, true},
    {"GetConnection", GetConnection},
    {"GetConnections", GetConnections},
    {"UpdateConnection", UpdateConnection, true},
    {"DeleteConnection", DeleteConnection, true},
    {"BatchDeleteConnection", BatchDeleteConnection, true},
});

}  // namespace

std::span<const Operation> ConnectionOperations() { return kOperations; }

Result<void> SealStoredPasswords(control::Store& store, const SealedBox& box) {
  SKEP_TRY_ASSIGN(const auto connections, store.Glue().ListObjects("", kKind, std::nullopt));
  for (const control::GlueObject& connection : connections) {
    Json json = Stored(connection.json);
    Json& properties = json["ConnectionProperties"];
    if (!properties.is_object()) continue;
    bool plain = false;
    for (auto& [name, value] : properties.items()) {
      if (!IsPassword(name) || !value.is_string() ||
          SealedBox::IsSealed(value.get_ref<const std::string&>()))
        continue;
      value =
          box.Seal(value.get<std::string>(), PlaceOf(connection.catalog_id, connection.name, name));
      plain = true;
    }
    if (!plain) continue;
    control::GlueObject sealed = connection;
    sealed.json = Dump(json);
    SKEP_TRY(store.Glue().PutObject(sealed));
  }
  return {};
}

}  // namespace skep::glue
