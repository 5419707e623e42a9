// Workers and new objects (lake_write.h).
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "lake/lake_connection.h"

namespace skep::lake {
Result<std::string> LakeService::PlaceOf(const Connection& c, const ipc::LakeRequest& request,
                                         std::shared_ptr<identity::LiveCredentials>& credentials) {
  if (request.schema.catalog_database.empty()) {
    if (!request.keys.id.empty()) {
      SKEP_TRY_ASSIGN(auto holder, Holder(request));
      credentials =
          Renewed(std::move(holder), [this, keys = KeysOf(request)] { return Holder(keys); });
      return request.table;
    }
    SKEP_TRY_ASSIGN(auto first, Walk(c, request, request.schema.role_chain, "s3:PutObject"));
    credentials = RenewedChain(c, request, "s3:PutObject", std::move(first));
    return request.table;
  }
  SKEP_TRY_ASSIGN(auto first, CatalogOf(c, request, "glue:GetTable"));
  if (auto refused =
          RefusedByCatalog(first, "glue:GetTable", request.schema.catalog_database, request.table))
    return Fail(std::move(*refused));
  SKEP_TRY_ASSIGN(const auto table,
                  tables_.GetTable(first, request.schema.catalog_database, request.table));
  credentials = RenewedCatalog(c, request, "glue:GetTable", std::move(first));
  return WithSlash(table.location);
}

void LakeService::OpenWrite(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (c->workspace.empty())
    return fail({ErrorKind::kInsufficientPrivilege, "a scratch worker writes nothing", {}, {}, 0});
  std::shared_ptr<identity::LiveCredentials> credentials;
  const auto place = PlaceOf(*c, request, credentials);
  if (!place) return fail(place.error());
  const auto options = WriteOptions::Read(request.change);
  if (!options) return fail(options.error());
  const std::string role = credentials->Last()->role;
  auto write = LakeWrite::Open(store_, std::move(credentials), *place, *options);
  if (!write) return fail(write.error());
  uint64_t number = 0;
  {
    const std::lock_guard lock(c->mutex);
    if (!c->closed && c->writes.size() < options_.scans_per_connection) {
      number = c->next_write++;
      c->writes.emplace(number, *write);
    }
  }
  if (number == 0)
    return fail({ErrorKind::kTooManyConnections, "the worker has too many open writes", {}, {}, 0});
  log::Info("write_opened", {{"workspace", c->workspace},
                             {"user", request.user},
                             {"place", (*write)->place()},
                             {"role", role}});
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.scan = number;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

void LakeService::MakeBuffer(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  ipc::LakeReply reply;
  reply.id = request.id;
  UniqueFd descriptor;
  {
    const std::lock_guard lock(c->mutex);
    const size_t most = c->writes.empty() ? 0 : options_.buffers_per_connection;
    if (c->buffers.size() < most) {
      if (auto buffer = WriteBuffer::Make()) {
        descriptor = UniqueFd(::fcntl(buffer->descriptor.get(), F_DUPFD_CLOEXEC, 0));
        buffer->descriptor.Reset();  // the mapping is enough
        reply.scan = c->buffers.size();
        c->buffers.push_back(std::move(buffer));
      }
    }
  }
  if (!descriptor)
    return fail({ErrorKind::kThrottled, "the worker has all the buffers it gets", {}, {}, 0});
  out.push_back({ipc::EncodePacket(reply), std::move(descriptor), true});
}

void LakeService::WritePart(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto write = c->FindWrite(request.scan);
  if (!write)
    return fail({ErrorKind::kUndefinedObject,
                 fmt::format("there is no write {}", request.scan),
                 {},
                 {},
                 0});
  std::shared_ptr<WriteBuffer> buffer;
  {
    const std::lock_guard lock(c->mutex);
    if (request.offset < c->buffers.size()) buffer = c->buffers[request.offset];
  }
  if (!buffer || request.length == 0 || request.length > ipc::kWriteBufferBytes)
    return fail({ErrorKind::kInvalidArgument, "there is no such buffer", {}, {}, 0});
  const auto metadata = ReadMetadata(request.change);
  if (!metadata) return fail(metadata.error());
  const auto written = write->Part(request.file, request.table, request.block,
                                   std::string_view(buffer->data, request.length), *metadata);
  if (!written) return fail(written.error());
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// How a write is made known: the change of a catalog that comes with the request, which the role of
// the catalog must allow, and which names as a table's metadata a file of the write.
Result<LakeWrite::Publish> LakeService::PublicationOf(const Connection& c,
                                                      const ipc::LakeRequest& request,
                                                      const LakeWrite& write,
                                                      std::vector<uint32_t>& attempt) {
  if (request.change.empty()) return LakeWrite::Publish();
  const auto json = nlohmann::json::parse(request.change, nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string operation = text("operation"), metadata = text("metadata");
  if ((operation != "PublishIceberg" && operation != "CreateTable") || !write.Makes(metadata))
    return Fail(ErrorKind::kInsufficientPrivilege,
                "a write publishes a table whose metadata it wrote, and nothing else");
  if (const auto numbers = json.find("attempt"); numbers != json.end() && numbers->is_array()) {
    for (const auto& number : *numbers) {
      if (number.is_number_unsigned() && number.get<uint64_t>() < LakeWrite::kMaxFiles)
        attempt.push_back(number.get<uint32_t>());
    }
  }
  const CatalogAction wanted = CatalogActionOf(request.change);
  SKEP_TRY_ASSIGN(const auto credentials, CatalogOf(c, request, wanted.action.c_str()));
  if (auto refused = RefusedByCatalog(credentials, wanted.action, request.schema.catalog_database,
                                      wanted.table))
    return Fail(std::move(*refused));
  return LakeWrite::Publish(
      [this, credentials, request, metadata, workspace = c.workspace]() -> Result<void> {
        SKEP_TRY(tables_.Change(credentials, request.schema.catalog_database, request.change));
        log::Info("catalog_changed", {{"workspace", workspace},
                                      {"user", request.user},
                                      {"account", credentials.account},
                                      {"database", request.schema.catalog_database},
                                      {"metadata", metadata},
                                      {"role", credentials.role}});
        return {};
      });
}

void LakeService::CommitWrite(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                              std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  std::shared_ptr<LakeWrite> write;
  {
    const std::lock_guard lock(c->mutex);
    const auto found = c->writes.find(request.scan);
    if (found != c->writes.end()) {
      write = std::move(found->second);
      c->writes.erase(found);
    }
  }
  if (!write)
    return fail({ErrorKind::kUndefinedObject,
                 fmt::format("there is no write {}", request.scan),
                 {},
                 {},
                 0});
  std::vector<uint32_t> attempt;
  auto publish = PublicationOf(*c, request, *write, attempt);
  if (!publish) return fail(publish.error());
  if (auto committed = write->Commit(*publish, attempt); !committed) {
    if (*publish && committed.error().kind == ErrorKind::kSerializationFailure) {
      const std::lock_guard lock(c->mutex);
      if (!c->closed) c->writes.emplace(request.scan, std::move(write));
    }
    return fail(committed.error());
  }
  log::Info("write_committed", {{"workspace", c->workspace},
                                {"place", write->place()},
                                {"role", write->credentials()->role},
                                {"files", write->files()},
                                {"bytes", write->bytes()}});
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

}  // namespace skep::lake
