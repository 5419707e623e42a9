// OpenID Connect providers: issuers whose tokens roles of the account may trust. Thumbprints are
// kept and given back, and not compared: certificates are proven by the machine's authorities.
#include <fmt/format.h>

#include <algorithm>

#include "api/iam/call.h"
#include "identity/issuer_keys.h"
#include "identity/policy_values.h"

namespace skep::iam {

using api::Refuse;
using control::IamOidcProvider;

namespace {

// Source: IAM User Guide, "IAM and AWS STS quotas".
constexpr size_t kMaxProviders = 100, kMaxClientIds = 100, kMaxClientIdBytes = 255,
                 kMaxThumbprints = 5, kThumbprintBytes = 40, kMaxTags = 50;

Answer<void> CheckClientId(const std::string& id) {
  if (id.empty() || id.size() > kMaxClientIdBytes)
    return Invalid("A client id has 1 to 255 characters.");
  return {};
}

Answer<std::vector<std::string>> Thumbprints(const Call& call) {
  auto list = call.parameters.List("ThumbprintList");
  if (list.size() > kMaxThumbprints)
    return Invalid("Thumbprint list must contain fewer than 5 entries.");
  for (const std::string& one : list) {
    if (one.size() != kThumbprintBytes ||
        one.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      return Invalid("A thumbprint has 40 hexadecimal digits.");
  }
  return list;
}

// The provider that OpenIDConnectProviderArn names, which the caller may touch.
Answer<IamOidcProvider> Provider(const Call& call) {
  const std::string arn = call.Text("OpenIDConnectProviderArn");
  const std::string prefix = fmt::format("arn:aws:iam::{}:oidc-provider/", call.account());
  if (arn.size() < 20 || arn.size() > 2048 || arn.find(":oidc-provider/") == std::string::npos)
    return Refuse("InvalidInput", fmt::format("Invalid ARN: {}", arn.substr(0, 200)));
  if (auto allowed = call.Allow(arn); !allowed) return std::unexpected(allowed.error());
  const auto none = [&arn] {
    return NoSuchEntity(fmt::format("OpenIDConnect Provider not found for arn {}", arn));
  };
  if (!arn.starts_with(prefix)) return none();
  auto found = call.store.GetOidcProvider(call.account(), arn.substr(prefix.size()));
  if (!found) return Translated(found.error(), arn);
  if (!*found) return none();
  return std::move(**found);
}

Answer<std::string> Keep(const Call& call, const IamOidcProvider& provider) {
  const auto kept = call.store.UpdateOidcProvider(provider);
  if (!kept) return Translated(kept.error(), provider.Arn());
  if (!*kept)
    return NoSuchEntity(fmt::format("OpenIDConnect Provider not found for arn {}", provider.Arn()));
  return std::string();
}

Answer<std::string> Create(const Call& call) {
  const std::string given = call.Text("Url");
  IamOidcProvider provider;
  provider.account = call.account();
  provider.url = identity::IssuerName(given);
  if (provider.url.empty())
    return Invalid(fmt::format(
        "Invalid Open ID Connect Provider URL: \"{}\". It begins with https:// and has no query.",
        given.substr(0, 200)));
  if (auto allowed = call.Allow(provider.Arn()); !allowed) return std::unexpected(allowed.error());
  provider.client_ids = call.parameters.List("ClientIDList");
  if (provider.client_ids.size() > kMaxClientIds)
    return Refuse("LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
                  409);
  for (const std::string& id : provider.client_ids) {
    if (auto good = CheckClientId(id); !good) return std::unexpected(good.error());
  }
  auto thumbprints = Thumbprints(call);
  if (!thumbprints) return std::unexpected(thumbprints.error());
  provider.thumbprints = std::move(*thumbprints);
  auto tags = call.Tags();
  if (!tags) return std::unexpected(tags.error());
  provider.tags = std::move(*tags);
  const auto others = call.store.ListOidcProviders(call.account());
  if (!others) return Translated(others.error(), "OpenIDConnectProviders");
  if (others->size() >= kMaxProviders)
    return Refuse("LimitExceeded", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100",
                  409);
  provider.created_s = call.access.now_s();
  if (auto made = call.store.CreateOidcProvider(provider); !made)
    return Translated(made.error(), fmt::format("Provider with url {}", given));
  XmlWriter xml;
  xml.Element("OpenIDConnectProviderArn", provider.Arn());
  if (!provider.tags.empty()) WriteTags(xml, provider.tags);
  return xml.Take();
}

void WriteList(XmlWriter& xml, std::string_view name, const std::vector<std::string>& texts) {
  xml.Open(name);
  for (const std::string& text : texts) xml.Element("member", text);
  xml.Close(name);
}

Answer<std::string> Get(const Call& call) {
  const auto provider = Provider(call);
  if (!provider) return std::unexpected(provider.error());
  XmlWriter xml;
  xml.Element("Url", provider->url);
  WriteList(xml, "ClientIDList", provider->client_ids);
  WriteList(xml, "ThumbprintList", provider->thumbprints);
  xml.Element("CreateDate", identity::WriteDate(provider->created_s));
  WriteTags(xml, provider->tags);
  return xml.Take();
}

Answer<std::string> List(const Call& call) {
  if (auto allowed = call.Allow(fmt::format("arn:aws:iam::{}:oidc-provider/*", call.account()));
      !allowed)
    return std::unexpected(allowed.error());
  const auto providers = call.store.ListOidcProviders(call.account());
  if (!providers) return Translated(providers.error(), "OpenIDConnectProviders");
  XmlWriter xml;
  xml.Open("OpenIDConnectProviderList");
  for (const IamOidcProvider& provider : *providers)
    xml.Open("member").Element("Arn", provider.Arn()).Close("member");
  xml.Close("OpenIDConnectProviderList");
  return xml.Take();
}

// One that is not there counts as deleted.
Answer<std::string> Delete(const Call& call) {
  const auto provider = Provider(call);
  if (!provider && provider.error().type != "NoSuchEntity")
    return std::unexpected(provider.error());
  if (!provider) return std::string();
  if (auto deleted = call.store.DeleteOidcProvider(provider->account, provider->url); !deleted)
    return Translated(deleted.error(), provider->Arn());
  return std::string();
}

Answer<std::string> AddClientId(const Call& call) {
  auto provider = Provider(call);
  if (!provider) return std::unexpected(provider.error());
  const std::string id = call.Text("ClientID");
  if (auto good = CheckClientId(id); !good) return std::unexpected(good.error());
  if (std::ranges::find(provider->client_ids, id) != provider->client_ids.end())
    return std::string();
  if (provider->client_ids.size() >= kMaxClientIds)
    return Refuse("LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
                  409);
  provider->client_ids.push_back(id);
  return Keep(call, *provider);
}

Answer<std::string> RemoveClientId(const Call& call) {
  auto provider = Provider(call);
  if (!provider) return std::unexpected(provider.error());
  const std::string id = call.Text("ClientID");
  if (auto good = CheckClientId(id); !good) return std::unexpected(good.error());
  std::erase(provider->client_ids, id);
  return Keep(call, *provider);
}

Answer<std::string> UpdateThumbprint(const Call& call) {
  auto provider = Provider(call);
  if (!provider) return std::unexpected(provider.error());
  auto thumbprints = Thumbprints(call);
  if (!thumbprints) return std::unexpected(thumbprints.error());
  if (thumbprints->empty()) return Invalid("Thumbprint list must not be empty.");
  provider->thumbprints = std::move(*thumbprints);
  return Keep(call, *provider);
}

Answer<std::string> Tag(const Call& call) {
  auto provider = Provider(call);
  if (!provider) return std::unexpected(provider.error());
  auto tags = call.Tags();
  if (!tags) return std::unexpected(tags.error());
  for (auto& [key, value] : *tags) {
    std::erase_if(provider->tags, [&](const auto& one) { return one.first == key; });
    provider->tags.emplace_back(std::move(key), std::move(value));
  }
  if (provider->tags.size() > kMaxTags)
    return Refuse("LimitExceeded", "Cannot exceed quota for TagsPerOpenIdConnectProvider: 50", 409);
  return Keep(call, *provider);
}

Answer<std::string> Untag(const Call& call) {
  auto provider = Provider(call);
  if (!provider) return std::unexpected(provider.error());
  for (const std::string& key : call.parameters.List("TagKeys"))
    std::erase_if(provider->tags, [&](const auto& one) { return one.first == key; });
  return Keep(call, *provider);
}

Answer<std::string> ListTags(const Call& call) {
  const auto provider = Provider(call);
  if (!provider) return std::unexpected(provider.error());
  XmlWriter xml;
  WriteTags(xml, provider->tags);
  xml.Element("IsTruncated", "false");
  return xml.Take();
}

}  // namespace

const std::map<std::string_view, Entry>& OidcOperations() {
  static const std::map<std::string_view, Entry> operations = {
      {"CreateOpenIDConnectProvider", {Create, true}},
      {"GetOpenIDConnectProvider", {Get, false}},
      {"ListOpenIDConnectProviders", {List, false}},
      {"DeleteOpenIDConnectProvider", {Delete, true}},
      {"AddClientIDToOpenIDConnectProvider", {AddClientId, true}},
      {"RemoveClientIDFromOpenIDConnectProvider", {RemoveClientId, true}},
      {"UpdateOpenIDConnectProviderThumbprint", {UpdateThumbprint, true}},
      {"TagOpenIDConnectProvider", {Tag, true}},
      {"UntagOpenIDConnectProvider", {Untag, true}},
      {"ListOpenIDConnectProviderTags", {ListTags, false}},
  };
  return operations;
}

}  // namespace skep::iam
