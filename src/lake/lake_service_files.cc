// Workers and objects: which a scan may read, and their blocks.
#include <exception>
#include <nlohmann/json.hpp>

#include "base/client_encryption.h"
#include "base/log.h"
#include "lake/lake_connection.h"
#include "lake/manifest.h"

namespace skep::lake {
namespace {

constexpr size_t kListThreads = 8;
// From here on, one listing of the whole table may be cheaper.
constexpr size_t kBulkPartitions = 8;

}  // namespace

void LakeService::OpenObjects(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                              std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto scan = c->BeginOpening(request.id);
  struct Opening {
    Connection& connection;
    uint64_t request;
    ~Opening() { connection.EndOpening(request); }
  } const opening{*c, request.id};
  if (c->workspace.empty())
    return fail({ErrorKind::kInsufficientPrivilege, "a scratch worker loads nothing", {}, {}, 0});
  if (scan->abandoned())
    return fail({ErrorKind::kQueryCanceled, "nobody waits for the objects", {}, {}, 0});
  auto credentials = request.keys.id.empty()
                         ? Walk(*c, request, request.schema.role_chain, "s3:GetObject")
                         : Holder(request);
  if (!credentials) return fail(credentials.error());
  scan->live = request.keys.id.empty()
                   ? RenewedChain(*c, request, "s3:GetObject", std::move(*credentials))
                   : Renewed(std::move(*credentials),
                             [this, keys = KeysOf(request)] { return Holder(keys); });
  const auto opened = scan->live->Last();
  scan->name = request.table;
  if (auto found = FindObjects(*scan, request); !found) return fail(found.error());
  ScanFacts facts{c->workspace,      opened->account,    opened->role, request.user,
                  request.statement, request.process_id, request.table};
  facts.load = true;
  scan->log = &scan_log_;
  if (!facts.statement.empty()) {
    scan->record = scan_log_.Begin(std::move(facts));
    scan->record->files_listed = scan->files.size();
  }
  auto number = c->AddScan(scan, options_.scans_per_connection);
  if (!number) return fail(number.error());
  log::Info("objects_opened", {{"workspace", c->workspace},
                               {"user", request.user},
                               {"statement_id", request.statement},
                               {"path", request.table},
                               {"role", opened->role},
                               {"objects", scan->files.size()}});
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.scan = *number;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// What of a request says whose keys a statement brought along.
ipc::LakeRequest LakeService::KeysOf(const ipc::LakeRequest& request) {
  ipc::LakeRequest keys;
  keys.user = request.user;
  keys.statement = request.statement;
  keys.keys = request.keys;
  return keys;
}

// The rights of the keys that a statement brought along.
Result<Credentials> LakeService::Holder(const ipc::LakeRequest& request) {
  if (options_.keys == nullptr)
    return Fail(ErrorKind::kFeatureNotSupported, "access keys are not supported");
  SKEP_TRY_ASSIGN(auto holder, options_.keys->Verify(request.keys.id, Secret(request.keys.secret),
                                                     request.keys.session_token));
  log::Info("access_keys_used", {{"user", request.user},
                                 {"statement_id", request.statement},
                                 {"access_key", request.keys.id},
                                 {"owner", holder.subject.arn}});
  return roles_.Act(std::move(holder.subject), holder.account);
}

// The objects of a COPY, all looked up before the first is read.
Result<void> LakeService::FindObjects(Scan& scan, const ipc::LakeRequest& request) {
  const auto live = scan.live->Last();
  const Credentials& credentials = *live;
  std::string bucket, key;
  if (!ParseS3Path(request.table, bucket, key))
    return Fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is not on S3", request.table));
  const auto denied = [&](const char* action, const std::string& what) {
    return Fail(ErrorKind::kExternalDenied, fmt::format("{} is not authorized to perform: {} on {}",
                                                        credentials.role, action, what));
  };
  scan.listed[0] = {};
  const auto add = [&](const std::string& in, ObjectInfo object) -> Result<void> {
    const std::string path = "s3://" + in + "/" + object.key;
    if (!credentials.MayRead(in, object.key)) return denied("s3:GetObject", path);
    if (object.etag.empty())
      return Fail(ErrorKind::kExternalUnavailable, "the object store gave no ETag for " + path);
    if (scan.files.size() >= options_.files_per_scan)
      return Fail(ErrorKind::kPayloadTooLarge, fmt::format("{} names more than {} objects",
                                                           request.table, options_.files_per_scan));
    const auto number = static_cast<uint32_t>(scan.files.size());
    ipc::TableFile file{number, 0, path, object.etag, object.size, object.modified_s};
    if (!scan.Hold(1, options_.entries_per_connection)) return Fail(TooMuch());
    scan.files.push_back(
        {in, std::move(object.key), std::move(file), false, credentials.foreign ? nullptr : live});
    scan.listed[0].push_back(number);
    return {};
  };
  const auto one = [&](const std::string& in, const std::string& of) -> Result<ObjectInfo> {
    if (!credentials.MayRead(in, of)) return denied("s3:GetObject", "s3://" + in + "/" + of);
    auto object = store_.Head(credentials, in, of);
    if (object) object->key = of;
    return object;
  };
  if (request.named == ipc::ObjectsNamed::kOne) {
    SKEP_TRY_ASSIGN(auto object, one(bucket, key));
    return add(bucket, std::move(object));
  }
  if (request.named == ipc::ObjectsNamed::kListed) {
    if (request.objects.size() > ipc::kMaxFilesPerOpen)
      return Fail(ErrorKind::kPayloadTooLarge, "too many objects in one request");
    for (const auto& [path, size] : request.objects) {
      if (scan.abandoned()) return Fail(ErrorKind::kQueryCanceled, "nobody waits for the objects");
      std::string in, of;
      if (!ParseS3Path(path, in, of) || in != bucket || !of.starts_with(key))
        return Fail(ErrorKind::kInsufficientPrivilege,
                    fmt::format("{} is not below {}", path, request.table));
      auto found = one(in, of);
      if (!found && found.error().kind == ErrorKind::kExternalNotFound) continue;
      if (!found) return Fail(found.error());
      SKEP_TRY(add(in, std::move(*found)));
    }
    return {};
  }
  if (request.named == ipc::ObjectsNamed::kPrefix) {
    if (!credentials.MayList(bucket, key)) {
      // A role for one object alone.
      if (key.empty() || !credentials.MayRead(bucket, key))
        return denied("s3:ListBucket", request.table);
      SKEP_TRY_ASSIGN(auto object, one(bucket, key));
      return add(bucket, std::move(object));
    }
    SKEP_TRY_ASSIGN(auto objects, ListAll(store_, credentials, bucket, key, options_.files_per_scan,
                                          [&scan] { return scan.abandoned(); }));
    std::erase_if(objects, [](const ObjectInfo& o) { return o.key.ends_with('/') && o.size == 0; });
    for (auto& object : objects) SKEP_TRY(add(bucket, std::move(object)));
    if (scan.files.empty())
      return Fail(ErrorKind::kExternalNotFound,
                  fmt::format("The specified S3 prefix '{}' does not exist", key));
    return {};
  }
  SKEP_TRY_ASSIGN(const auto object, one(bucket, key));
  SKEP_TRY_ASSIGN(const auto text, ReadManifestText(credentials, bucket, object, request));
  SKEP_TRY_ASSIGN(const auto entries, ReadManifest(text, request.table));
  for (const ManifestEntry& entry : entries) {
    if (scan.abandoned()) return Fail(ErrorKind::kQueryCanceled, "nobody waits for the objects");
    std::string in, of;
    if (!ParseS3Path(entry.url, in, of))
      return Fail(ErrorKind::kDataException,
                  fmt::format("the manifest {} names \"{}\", which is not on S3", request.table,
                              entry.url));
    auto found = one(in, of);
    if (!found && found.error().kind == ErrorKind::kExternalNotFound && !entry.mandatory) continue;
    if (!found) return Fail(found.error());
    if (entry.content_length && *entry.content_length != found->size)
      return Fail(ErrorKind::kDataException,
                  fmt::format("the manifest {} gives {} the length {}; it is {}", request.table,
                              entry.url, *entry.content_length, found->size));
    SKEP_TRY(add(in, std::move(*found)));
  }
  return {};
}

// UNLOAD encrypts its manifest together with its files. The key is the user's own, beside the
// request as ipc::LakeRequest.change: {"master_symmetric_key": "..."}.
Result<std::string> LakeService::ReadManifestText(const Credentials& credentials,
                                                  const std::string& bucket,
                                                  const ObjectInfo& object,
                                                  const ipc::LakeRequest& request) {
  constexpr uint64_t kMaxManifestBytes = 64u << 20;
  if (object.size > kMaxManifestBytes)
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("the manifest {} is larger than 64 MB", request.table));
  std::string text(object.size, '\0');
  if (!text.empty())
    SKEP_TRY(store_.GetRange(credentials, bucket, object.key, object.etag, 0, std::span(text)));
  const auto change = nlohmann::json::parse(request.change, nullptr, false);
  if (!change.is_object() || !change.contains("master_symmetric_key")) return text;
  const auto key = ReadMasterKey(change.value("master_symmetric_key", ""));
  if (!key) return Fail(key.error());
  SKEP_TRY_ASSIGN(const auto envelope, Envelope::Read(object.metadata));
  if (!envelope) return text;
  auto plain = DecryptObject(*envelope, *key, std::move(text));
  if (!plain) {
    Error error = plain.error();
    error.message = request.table + ": " + error.message;
    return Fail(std::move(error));
  }
  return plain;
}

// What stands beside a file of a scan: its metadata, as one JSON object.
void LakeService::TellMetadata(const std::shared_ptr<Connection>& c,
                               const ipc::LakeRequest& request, std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& [scan, credentials] = *open;
  std::string bucket, key, etag;
  {
    const std::lock_guard lock(scan->mutex);
    if (request.file >= scan->files.size())
      return fail({ErrorKind::kInsufficientPrivilege,
                   fmt::format("file {} was not listed in scan {}", request.file, request.scan),
                   {},
                   {},
                   0});
    const auto& file = scan->files[request.file];
    bucket = file.bucket;
    key = file.key;
    etag = file.file.etag;
  }
  if (auto still = MayStillRead(*scan, request.file, credentials); !still)
    return fail(still.error());
  const auto object = store_.Head(*credentials, bucket, key);
  if (!object) {
    scan->Failed(object.error());
    return fail(object.error());
  }
  if (!etag.empty() && object->etag != etag)
    return fail({ErrorKind::kExternalChanged,
                 fmt::format("the object changed while it was read: s3://{}/{}", bucket, key),
                 {},
                 "Run the statement again.",
                 0});
  SendNames(request,
            {nlohmann::json(object->metadata)
                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)},
            out);
}

Result<void> LakeService::ListInto(Scan& scan, const identity::LiveCredentials::Pointer& live,
                                   const std::vector<uint32_t>& partitions,
                                   std::vector<ipc::TableFile>& files) {
  const Credentials& credentials = *live;
  const auto began = std::chrono::steady_clock::now();
  std::vector<uint32_t> wanted;
  std::vector<std::string> folders;
  uint64_t all = 0;  // partitions that there are, listed or not
  {
    const std::lock_guard lock(scan.mutex);
    for (const uint32_t p : partitions) {
      if (!scan.listed.contains(p)) wanted.push_back(p);
    }
    std::ranges::sort(wanted);
    wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
    for (const uint32_t p : wanted) folders.push_back(scan.locations[p]);
    all =
        std::max<uint64_t>(scan.locations.size(), scan.record ? scan.record->facts.partitions : 0);
  }

  std::vector<Location> locations(wanted.size());
  for (size_t i = 0; i < wanted.size(); i++) {
    Location& l = locations[i];
    const std::string& text = folders[i];
    if (!ParseS3Path(text, l.bucket, l.key)) {
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("the location \"{}\" of {} is not on S3", text, scan.name));
    }
    // A location may be one object; then reading that object must be allowed.
    const auto decision = credentials.DecideList(l.bucket, l.prefix());
    if (!decision.allowed && (l.key.ends_with('/') || !credentials.MayRead(l.bucket, l.key))) {
      return Fail(ErrorKind::kInsufficientPrivilege,
                  fmt::format("{} is not authorized to perform: s3:ListBucket on s3://{}/{}",
                              credentials.role, l.bucket, l.key),
                  DetailOf(decision));
    }
  }

  std::vector<std::vector<ObjectInfo>> found(wanted.size());
  std::atomic<size_t> objects_found = 0;  // in all of them
  const auto too_many = [&] {
    return Fail(ErrorKind::kPayloadTooLarge, fmt::format("external table {} has more than {} files",
                                                         scan.name, options_.files_per_scan));
  };
  bool done = false;

  // Many partitions below the table's own location: one listing of it, as long as it stays shorter
  // than one per partition.
  Location table;
  if (wanted.size() >= kBulkPartitions && wanted.size() * 2 >= all &&
      ParseS3Path(scan.location, table.bucket, table.key) &&
      credentials.MayList(table.bucket, table.prefix())) {
    std::unordered_map<std::string, std::vector<size_t>> by_prefix;
    bool inside = true;
    for (size_t i = 0; i < wanted.size() && inside; i++) {
      inside =
          locations[i].bucket == table.bucket && locations[i].prefix().starts_with(table.prefix());
      by_prefix[locations[i].prefix()].push_back(i);
    }
    if (inside) {
      std::string next;
      size_t pages = 0;
      do {
        SKEP_TRY_ASSIGN(ListPage page,
                        store_.List(credentials, table.bucket, table.prefix(), "", next));
        for (const auto& object : page.objects) {
          for (size_t slash = object.key.rfind('/'); slash != std::string::npos && slash > 0;
               slash = object.key.rfind('/', slash - 1)) {
            const auto match = by_prefix.find(object.key.substr(0, slash + 1));
            if (match == by_prefix.end()) continue;
            if ((objects_found += match->second.size()) > options_.files_per_scan)
              return too_many();
            for (const size_t i : match->second) found[i].push_back(object);
          }
        }
        next = std::move(page.next);
      } while (!next.empty() && ++pages < wanted.size() && !scan.abandoned());
      done = next.empty();
      if (!done) {
        found.assign(wanted.size(), {});
        objects_found = 0;
      }
    }
  }

  if (!done && !wanted.empty()) {
    std::atomic<size_t> at = 0;
    std::mutex error_mutex;
    std::optional<Error> error;
    std::atomic<bool> failed = false;
    const auto work = [&] {
      for (size_t i = at++; i < wanted.size() && !failed; i = at++) {
        Result<std::vector<ObjectInfo>> objects = std::vector<ObjectInfo>();
        if (credentials.MayList(locations[i].bucket, locations[i].prefix())) {
          objects = ListAll(store_, credentials, locations[i].bucket, locations[i].prefix(),
                            options_.files_per_scan, [&scan] { return scan.abandoned(); });
        }
        if (objects && (objects_found += objects->size()) > options_.files_per_scan)
          objects = too_many();
        if (objects && objects->empty() && !locations[i].key.empty() &&
            !locations[i].key.ends_with('/') &&
            credentials.MayRead(locations[i].bucket, locations[i].key)) {
          auto one = store_.Head(credentials, locations[i].bucket, locations[i].key);
          if (one) {
            objects->push_back(std::move(*one));
          } else if (one.error().kind != ErrorKind::kExternalNotFound) {
            objects = Fail(one.error());
          }
        }
        if (objects) {
          found[i] = std::move(*objects);
        } else {
          const std::lock_guard lock(error_mutex);
          if (!error) error = objects.error();
          failed = true;
        }
      }
    };
    std::vector<std::thread> helpers;
    for (size_t i = 1; i < std::min(kListThreads, wanted.size() / 2); i++)
      helpers.emplace_back(work);
    work();
    for (auto& t : helpers) t.join();
    if (error) return Fail(std::move(*error));
  }

  if (scan.listing != TableListing::kFolders) {
    for (size_t i = 0; i < wanted.size(); i++)
      SKEP_TRY(
          ChooseFiles(scan, credentials, locations[i].bucket, locations[i].prefix(), found[i]));
  }
  const std::lock_guard lock(scan.mutex);
  for (size_t i = 0; i < wanted.size(); i++) {
    if (scan.listed.contains(wanted[i])) continue;  // another request was faster
    auto& numbers = scan.listed[wanted[i]];
    const std::string prefix = locations[i].prefix();
    for (auto& object : found[i]) {
      const bool single = object.key == locations[i].key;
      if (!single && scan.listing != TableListing::kManifest &&
          IsHiddenObject(std::string_view(object.key).substr(prefix.size()), object.size))
        continue;
      if (!credentials.MayRead(locations[i].bucket, object.key)) continue;
      if (object.etag.empty()) {
        scan.listed.erase(wanted[i]);
        return Fail(ErrorKind::kExternalUnavailable,
                    fmt::format("the object store gave no ETag for s3://{}/{}", locations[i].bucket,
                                object.key));
      }
      if (scan.files.size() >= options_.files_per_scan) {
        scan.listed.erase(wanted[i]);
        return too_many();
      }
      if (!scan.Hold(1, options_.entries_per_connection)) {
        scan.listed.erase(wanted[i]);
        return Fail(TooMuch());
      }
      const auto number = static_cast<uint32_t>(scan.files.size());
      ipc::TableFile file{
          number,      wanted[i],   "s3://" + locations[i].bucket + "/" + object.key,
          object.etag, object.size, object.modified_s};
      scan.files.push_back({locations[i].bucket, std::move(object.key), std::move(file), false,
                            credentials.foreign ? nullptr : live});
      numbers.push_back(number);
    }
  }
  for (const uint32_t p : partitions) {
    for (const uint32_t number : scan.listed[p]) files.push_back(scan.files[number].file);
  }
  if (scan.record && !wanted.empty()) {
    auto& record = *scan.record;
    record.partitions_listed += wanted.size();
    record.lists++;
    record.list_us += static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                                std::chrono::steady_clock::now() - began)
                                                .count());
    for (const uint32_t p : wanted) {
      record.files_listed += scan.listed[p].size();
      for (const uint32_t number : scan.listed[p])
        record.bytes_listed += scan.files[number].file.size;
    }
  }
  return {};
}

Result<void> LakeService::ChooseFiles(Scan& scan, const Credentials& credentials,
                                      const std::string& bucket, const std::string& folder,
                                      std::vector<ObjectInfo>& objects) {
  std::erase_if(objects, [&](const ObjectInfo& object) {
    return object.key.size() > folder.size() &&
           IsHiddenObject(std::string_view(object.key).substr(folder.size()), object.size);
  });
  const TableReader reader{store_, credentials, options_.files_per_scan,
                           [&scan] { return scan.abandoned(); }};
  if (scan.listing == TableListing::kManifest) {
    SKEP_TRY_ASSIGN(objects, FilesOfManifests(reader, bucket, objects));
    return {};
  }
  Location base;
  if (!ParseS3Path(scan.location, base.bucket, base.key) || base.bucket != bucket)
    return Fail(ErrorKind::kDataException,
                fmt::format("a partition of the Hudi table {} lies in another bucket", scan.name));
  std::shared_ptr<const HudiTimeline> timeline;
  {
    const std::lock_guard lock(scan.mutex);
    timeline = scan.timeline;
  }
  if (!timeline) {
    SKEP_TRY_ASSIGN(auto read, ReadHudiTimeline(reader, bucket, base.prefix()));
    timeline = std::make_shared<const HudiTimeline>(std::move(read));
    const std::lock_guard lock(scan.mutex);
    scan.timeline = timeline;
  }
  KeepHudiFiles(*timeline, base.prefix(), objects);
  return {};
}

void LakeService::ListFiles(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& scan = open->scan;
  // A granted object is not a table: it has no locations, only its one file.
  // Once each, so that no answer is longer than what was listed.
  std::vector<uint32_t> partitions = request.partitions;
  std::ranges::sort(partitions);
  partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
  size_t count = 0;
  {
    const std::lock_guard lock(scan->mutex);
    count = scan->locations.empty() && scan->listed.contains(0) ? 1 : scan->locations.size();
  }
  for (const uint32_t p : partitions) {
    if (p >= count)
      return fail({ErrorKind::kInvalidArgument,
                   fmt::format("scan {} has no partition {}", request.scan, p),
                   {},
                   {},
                   0});
  }
  std::vector<ipc::TableFile> files;
  if (auto listed = ListInto(*scan, open->credentials, partitions, files); !listed) {
    scan->Failed(listed.error());
    return fail(listed.error());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  SendInPackets(
      std::move(reply), std::move(files), +[](ipc::LakeReply& r) -> auto& { return r.files; },
      [](const ipc::TableFile& file) { return file.path.size() + file.etag.size() + 40; }, out);
}

// What the metadata name may lie anywhere: the role decides, object by object. A file whose size
// they give is asked for when it is read first (VersionOf).
void LakeService::OpenFiles(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& scan = open->scan;
  if (!scan->named_by_metadata)
    return fail({ErrorKind::kInsufficientPrivilege,
                 fmt::format("scan {} opens no files by their paths", request.scan),
                 {},
                 {},
                 0});
  if (request.objects.size() > ipc::kMaxFilesPerOpen)
    return fail({ErrorKind::kProtocolViolation, "too many files in a request", {}, {}, 0});
  ipc::LakeReply reply;
  reply.id = request.id;
  for (const auto& [path, size] : request.objects) {
    auto file = OpenFile(*scan, open->credentials, path, size);
    if (!file) return fail(file.error());
    reply.files.push_back(std::move(*file));
  }
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

Result<ipc::TableFile> LakeService::OpenFile(Scan& scan,
                                             const identity::LiveCredentials::Pointer& live,
                                             const std::string& path, uint64_t size) {
  const Credentials& credentials = *live;
  Scan::File file;
  if (!ParseS3Path(path, file.bucket, file.key) || file.key.empty())
    return Fail(ErrorKind::kDataException,
                fmt::format("the metadata of {} name {}, which is not on S3", scan.name, path));
  if (!credentials.MayRead(file.bucket, file.key))
    return Fail(
        ErrorKind::kExternalDenied,
        fmt::format("{} is not authorized to perform: s3:GetObject on {}", credentials.role, path));
  file.file = {0, 0, path, {}, size, 0};
  if (size == 0) {
    SKEP_TRY_ASSIGN(const ObjectInfo object, store_.Head(credentials, file.bucket, file.key));
    file.file.etag = object.etag;
    file.file.size = object.size;
    file.file.modified_s = object.modified_s;
  }
  if (!credentials.foreign || size == 0) file.allowed = live;
  if (!scan.Hold(1, options_.entries_per_connection)) return Fail(TooMuch());
  const std::lock_guard lock(scan.mutex);
  if (scan.files.size() >= options_.files_per_scan)
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("{} has more than {} files", scan.name, options_.files_per_scan));
  file.file.number = static_cast<uint32_t>(scan.files.size());
  scan.files.push_back(file);
  return std::move(file.file);
}

// The ETag of a file that was opened by what metadata say of it: from the first read on, the scan
// reads that version or fails.
Result<std::string> LakeService::VersionOf(Scan& scan, const Credentials& credentials,
                                           uint32_t number) {
  std::string bucket, key;
  ipc::TableFile said;
  {
    const std::lock_guard lock(scan.mutex);
    bucket = scan.files[number].bucket;
    key = scan.files[number].key;
    said = scan.files[number].file;
  }
  SKEP_TRY_ASSIGN(const ObjectInfo object, store_.Head(credentials, bucket, key));
  if (object.etag.empty())
    return Fail(ErrorKind::kExternalUnavailable, "the object store gave no ETag for " + said.path);
  if (object.size != said.size)
    return Fail(ErrorKind::kDataException,
                fmt::format("the metadata of {} give {} {} bytes; it has {}", scan.name, said.path,
                            said.size, object.size));
  const std::lock_guard lock(scan.mutex);
  auto& file = scan.files[number].file;
  if (file.etag.empty()) file.etag = object.etag;
  return file.etag;
}

// Asks anew whether a file of the scan may be read: credentials were renewed, and the role's rights
// may have been narrowed since the file was listed.
Result<void> LakeService::MayStillRead(Scan& scan, uint32_t number,
                                       const identity::LiveCredentials::Pointer& credentials) {
  std::string bucket, key, etag;
  {
    const std::lock_guard lock(scan.mutex);
    const auto& file = scan.files[number];
    bucket = file.bucket;
    key = file.key;
    etag = file.file.etag;
  }
  const auto decision = credentials->DecideRead(bucket, key);
  if (!decision.allowed)
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("{} is not authorized to perform: s3:GetObject on s3://{}/{}",
                            credentials->role, bucket, key),
                DetailOf(decision), "The role's rights were changed while the statement ran.");
  if (credentials->foreign) {
    SKEP_TRY_ASSIGN(const ObjectInfo object, store_.Head(*credentials, bucket, key));
    if (!etag.empty() && object.etag != etag)
      return Fail(ErrorKind::kExternalChanged,
                  fmt::format("the object changed while it was read: s3://{}/{}", bucket, key), {},
                  "Run the statement again.");
  }
  const std::lock_guard lock(scan.mutex);
  scan.files[number].allowed = credentials;
  return {};
}

void LakeService::ReadBlock(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            bool may_fetch, std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (!may_fetch) {  // credentials are renewed on the pool
    const auto waiting = c->FindScan(request.scan);
    if (waiting && !waiting->live->Fresh()) return;
  }
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& [scan, credentials] = *open;
  std::string bucket, key;
  BlockKey block;
  bool allowed = false;  // with these credentials, before
  {
    const std::lock_guard lock(scan->mutex);
    if (request.file >= scan->files.size()) {
      return fail({ErrorKind::kInsufficientPrivilege,
                   fmt::format("file {} was not listed in scan {}", request.file, request.scan),
                   {},
                   {},
                   0});
    }
    auto& file = scan->files[request.file];
    if (file.file.etag.empty() && !may_fetch) return;  // to be asked for on the pool
    if (!std::exchange(file.read, true) && scan->record) scan->record->files_read++;
    bucket = file.bucket;
    key = file.key;
    allowed = file.allowed.lock() == credentials;
    // By account: what a store gave for one account's keys, another's may not be allowed to read.
    block = BlockKey{credentials->account + ' ' + credentials->endpoint,
                     file.bucket,
                     file.key,
                     file.file.etag,
                     file.file.size,
                     request.block};
  }
  if (block.etag.empty()) {
    auto etag = VersionOf(*scan, *credentials, request.file);
    if (!etag) {
      scan->Failed(etag.error());
      return fail(etag.error());
    }
    block.etag = std::move(*etag);
  }
  if (!allowed) {
    // A foreign store decides, and has to be asked.
    if (credentials->foreign && !may_fetch) return;
    if (auto still = MayStillRead(*scan, request.file, credentials); !still) {
      scan->Failed(still.error());
      return fail(still.error());
    }
  }
  Result<CachedBlock> got = CachedBlock{};
  const auto began = std::chrono::steady_clock::now();
  if (may_fetch) {
    got = cache_.Get(block, request.offset, request.length,
                     [&](uint64_t offset, std::span<char> into) {
                       return store_.GetRange(*credentials, bucket, key, block.etag, offset, into);
                     });
  } else {
    got = cache_.Find(block, request.offset, request.length);
    if (got && !got->descriptor) return;  // to be fetched on the pool
  }
  if (!got) {
    scan->Failed(got.error());
    return fail(got.error());
  }
  if (scan->record) {
    auto& record = *scan->record;
    const auto us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                              std::chrono::steady_clock::now() - began)
                                              .count());
    record.bytes += request.length;
    record.requests++;
    record.request_us += us;
    uint64_t longest = record.longest_us;
    while (us > longest && !record.longest_us.compare_exchange_weak(longest, us)) {
    }
  }
  {
    const std::lock_guard lock(mutex_);
    figures_.blocks++;
    figures_.bytes += request.length;
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.block_bytes = got->bytes;
  out.push_back({ipc::EncodePacket(reply), std::move(got->descriptor), true});
}

}  // namespace skep::lake
