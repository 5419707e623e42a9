// One call of an operation: who asks for what, and the lookups that many operations begin with.
// Answers and failures in the service's own texts.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/context.h"
#include "api/glue/crawler_runner.h"
#include "base/crypto.h"
#include "base/sealed_box.h"
#include "control/store.h"

namespace skep::glue {

using api::Answer;
using api::Context;
using api::Failure;
using api::Json;
using api::Refuse;

constexpr size_t kDefaultPage = 100;

struct CallState {
  control::Store& store;
  CrawlerRunner& crawls;
  const Context& context;
  const Json& request;  // as ReadShape left it
  std::string catalog;
  double now = 0;                  // seconds since the epoch
  const SealedBox* box = nullptr;  // of passwords; null: they are kept as they are

  control::GlueStore& Glue() const { return store.Glue(); }
  // arn:aws:glue:<region>:<catalog>:<resource>
  std::string Arn(std::string_view resource) const;
  // Who signed, as CreatedBy and LastUpdatedBy name it.
  std::string CallerArn() const;

  Answer<control::GlueDatabase> Database(const char* member = "DatabaseName") const;
  Answer<control::GlueTable> Table(const char* member = "TableName") const;
  Answer<control::GlueTable> TableNamed(const std::string& name) const;
  Answer<control::Crawler> FindCrawler(const char* member = "Name") const;
};

// An operation of the API, by its name.
struct Operation {
  std::string_view name;
  Answer<Json> (*run)(const CallState&);
  bool changes = false;
};

// A member of a structure; empty when it is not there.
std::string Text(const Json& json, const char* name);
std::vector<std::string> Texts(const Json& json, const char* name);
// What was stored by us or by the crawler; damage is answered as an empty structure.
Json Stored(const std::string& text);
std::string Dump(const Json& json);

std::unexpected<Failure> NotFound(std::string message);
std::unexpected<Failure> Exists(std::string message);
std::unexpected<Failure> InvalidInput(std::string message);
// Control-store errors in this service's names.
std::unexpected<Failure> Translated(const Error& error);
// The ErrorDetail of a batch's answer.
Json ErrorDetail(const Failure& failure);

inline control::TableName NameOf(const control::GlueTable& table) {
  return {table.catalog_id, table.database, table.name};
}

// How many items a page may have.
size_t PageSize(const Json& request, size_t usual);
// What a request's NextToken holds; null without one. Failure: InvalidInputException.
Answer<Json> ReadToken(const Json& request);
std::string MakeToken(const Json& json);

// One page of a sorted list: items behind the token's key, and the token of the next page.
template <class Item, class KeyOf>
Answer<std::vector<Item>> Page(std::vector<Item> items, const Json& request, size_t usual,
                               Json& out, KeyOf key_of) {
  auto token = ReadToken(request);
  if (!token) return std::unexpected(token.error());
  if (token->is_array()) {
    const Json& after = *token;
    std::erase_if(items, [&](const Item& item) { return !(after < Json::array({key_of(item)})); });
  }
  const size_t most = PageSize(request, usual);
  if (items.size() > most) {
    items.resize(most);
    out["NextToken"] = MakeToken(Json::array({key_of(items.back())}));
  }
  return items;
}

}  // namespace skep::glue
