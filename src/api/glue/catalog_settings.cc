#include <array>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

constexpr const char* kKind = "encryption_settings";

// Kept and shown; the control store is not encrypted by keys of a KMS.
Answer<Json> PutEncryptionSettings(const CallState& call) {
  const auto put = call.Glue().PutObject(
      {call.catalog, kKind, "", "", Dump(call.request["DataCatalogEncryptionSettings"])});
  if (!put) return Translated(put.error());
  return Json::object();
}

Answer<Json> GetEncryptionSettings(const CallState& call) {
  const auto found = call.Glue().GetObject(call.catalog, kKind, "", "");
  if (!found) return Translated(found.error());
  Json settings = {
      {"EncryptionAtRest", {{"CatalogEncryptionMode", "DISABLED"}}},
      {"ConnectionPasswordEncryption", {{"ReturnConnectionPasswordEncrypted", false}}}};
  if (*found) settings.update(Stored((*found)->json));
  return Json{{"DataCatalogEncryptionSettings", std::move(settings)}};
}

// Nothing was ever to be imported from Athena's own catalog.
Answer<Json> GetCatalogImportStatus(const CallState&) {
  return Json{{"ImportStatus", {{"ImportCompleted", true}}}};
}

constexpr auto kOperations = std::to_array<Operation>({
    {"PutDataCatalogEncryptionSettings", PutEncryptionSettings, true},
    {"GetDataCatalogEncryptionSettings", GetEncryptionSettings},
    {"GetCatalogImportStatus", GetCatalogImportStatus},
});

}  // namespace

std::span<const Operation> CatalogOperations() { return kOperations; }

}  // namespace skep::glue
