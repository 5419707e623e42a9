#include "catalog/crawler/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "catalog/crawler/plan.h"

namespace skep::catalog {
namespace {

// A target without trailing slash is a folder, unless an object has just that name.
std::string FolderPrefix(const Target& target) {
  std::string prefix = target.prefix;
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

std::unexpected<Error> Denied(const std::string& role, std::string_view action,
                              const Target& target) {
  return Fail(ErrorKind::kInsufficientPrivilege,
              fmt::format("{} is not authorized to perform: {} on s3://{}/{}", role, action,
                          target.bucket, target.prefix));
}

void Sort(std::vector<lake::ObjectInfo>& objects) {
  std::ranges::sort(objects, {}, &lake::ObjectInfo::key);
}

}  // namespace

std::string FolderOf(std::string_view key) {
  const size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(key.substr(0, slash + 1));
}

Result<void> Lister::List(const Target& target, const std::string& prefix,
                          const std::string& delimiter, ListedTarget& out) const {
  std::string next;
  do {
    SKEP_TRY_ASSIGN(lake::ListPage page,
                    store.List(credentials, target.bucket, prefix, delimiter, next));
    out.requests++;
    if (!page.next.empty() && page.next == next) {
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the object store's listing of s3://{}/{} does not end",
                              target.bucket, prefix));
    }
    for (lake::ObjectInfo& object : page.objects) {
      const std::string_view relative =
          std::string_view(object.key).substr(std::min(object.key.size(), out.prefix.size()));
      const bool excluded = std::ranges::any_of(
          target.exclusions, [&](const std::string& glob) { return GlobMatches(glob, relative); });
      if (excluded || object.etag.empty() || lake::IsHiddenObject(relative, object.size) ||
          !credentials.MayRead(target.bucket, object.key)) {
        out.hidden++;
        continue;
      }
      if (out.objects.size() >= max_objects) {
        return Fail(ErrorKind::kPayloadTooLarge,
                    fmt::format("more than {} objects under s3://{}/{}", max_objects, target.bucket,
                                prefix));
      }
      out.objects.push_back(std::move(object));
    }
    next = std::move(page.next);
  } while (!next.empty());
  return {};
}

Result<ListedTarget> Lister::All(const Target& target) const {
  ListedTarget out;
  out.prefix = FolderPrefix(target);
  if (credentials.MayList(target.bucket, out.prefix)) {
    SKEP_TRY(List(target, out.prefix, "", out));
  } else if (out.prefix == target.prefix) {
    return Denied(role, "s3:ListBucket", target);
  }
  if (out.objects.empty() && out.prefix != target.prefix) {
    if (!credentials.MayRead(target.bucket, target.prefix))
      return Denied(role, "s3:GetObject", target);
    auto one = store.Head(credentials, target.bucket, target.prefix);
    if (one) {
      if (one->size > 0) out.objects.push_back(std::move(*one));
      out.prefix = target.prefix;
    } else if (one.error().kind != ErrorKind::kExternalNotFound) {
      return Fail(one.error());
    }
  }
  Sort(out.objects);
  return out;
}

Result<ListedTarget> Lister::Changed(const Target& target, const SeenFolders& seen,
                                     const std::vector<control::ChangedFolder>& changes) const {
  ListedTarget out;
  out.prefix = FolderPrefix(target);
  const auto inside = [&](const FolderName& name) {
    return name.first == target.bucket && name.second.starts_with(out.prefix);
  };
  std::set<FolderName> changed;
  for (const auto& change : changes) {
    FolderName name{change.bucket, change.folder};
    if (inside(name)) changed.insert(std::move(name));
  }
  if (!credentials.MayList(target.bucket, out.prefix)) return All(target);
  // The target may be a single object, which stands in a folder outside.
  if (out.prefix != target.prefix &&
      std::ranges::none_of(seen, [&](const auto& folder) { return inside(folder.first); }) &&
      changed.empty())
    return All(target);
  for (const FolderName& name : changed) {
    SKEP_TRY(List(target, name.second, "/", out));
  }
  for (const auto& [name, objects] : seen) {
    if (!inside(name) || changed.contains(name)) continue;
    for (const control::SeenObject& object : objects) {
      if (out.objects.size() >= max_objects) break;
      out.objects.push_back({name.second + object.name, object.etag, object.size, 0});
    }
  }
  Sort(out.objects);
  return out;
}

void AddSeen(SeenFolders& seen, const std::string& bucket,
             const std::vector<lake::ObjectInfo>& objects) {
  for (const lake::ObjectInfo& object : objects) {
    std::string folder = FolderOf(object.key);
    const size_t begin = folder.size();
    auto& list = seen[{bucket, std::move(folder)}];
    control::SeenObject one{object.key.substr(begin), object.size, object.etag};
    const auto place = std::ranges::lower_bound(list, one.name, {}, &control::SeenObject::name);
    if (place != list.end() && place->name == one.name) continue;
    list.insert(place, std::move(one));
  }
}

std::vector<control::SeenFolder> Differences(const SeenFolders& before, const SeenFolders& now) {
  std::vector<control::SeenFolder> out;
  for (const auto& [name, objects] : now) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != objects)
      out.push_back({name.first, name.second, objects});
  }
  for (const auto& [name, objects] : before) {
    if (!now.contains(name)) out.push_back({name.first, name.second, {}});
  }
  return out;
}

}  // namespace skep::catalog
