#include "lake/scan_log.h"

#include <chrono>
#include <nlohmann/json.hpp>

namespace skep::lake {
namespace {

constexpr size_t kErrorBytes = 4000;  // of SYS_EXTERNAL_QUERY_DETAIL's warning_message

int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::shared_ptr<ScanLog::Scan> ScanLog::Add(ScanFacts facts) {
  // Workers say what they like: none of it is kept at any length.
  for (const auto& [text, most] : {std::pair{&facts.user, size_t{256}},
                                   {&facts.statement, 64},
                                   {&facts.table, 600},
                                   {&facts.format, 32},
                                   {&facts.location, 2056}}) {
    if (text->size() > most) text->resize(most);
  }
  auto scan = std::make_shared<Scan>();
  scan->facts = std::move(facts);
  scan->began_us = NowMicroseconds();
  const std::lock_guard lock(mutex_);
  OfWorkspace& of = workspaces_[scan->facts.workspace];
  auto& [query, segment] = of.queries[scan->facts.statement];
  if (query == 0 || scan->facts.statement.empty()) query = next_query_++;
  scan->query = query;
  scan->segment = segment++;
  of.scans.push_back(scan);
  while (of.scans.size() > kKept) {
    const Scan& oldest = *of.scans.front();
    const auto known = of.queries.find(oldest.facts.statement);
    if (known != of.queries.end() && known->second.first == oldest.query) of.queries.erase(known);
    of.scans.pop_front();
  }
  return scan;
}

std::shared_ptr<ScanLog::Scan> ScanLog::Begin(ScanFacts facts) { return Add(std::move(facts)); }

void ScanLog::End(Scan& scan) {
  int64_t running = 0;
  if (!scan.ended_us.compare_exchange_strong(running, NowMicroseconds())) return;
  const std::lock_guard lock(mutex_);
  Total& total = totals_[{scan.facts.workspace, scan.facts.account}];
  total.workspace = scan.facts.workspace;
  total.account = scan.facts.account;
  total.scans++;
  total.bytes += scan.bytes;
  total.requests += scan.requests;
  total.files += scan.files_read;
}

void ScanLog::Refused(ScanFacts facts, const Error& error) {
  const auto scan = Add(std::move(facts));
  {
    const std::lock_guard lock(scan->mutex);
    scan->error = error.message.substr(0, kErrorBytes);
  }
  End(*scan);
}

void ScanLog::Note(Scan& scan, std::string_view note) {
  constexpr size_t kMaxNote = 64u << 10, kMaxText = 1024;
  if (note.size() > kMaxNote) return;
  const auto json = nlohmann::json::parse(note, nullptr, false);
  if (!json.is_object() || !json.contains("errors") || !json["errors"].is_array()) return;
  for (const auto& error : json["errors"]) {
    if (!error.is_object()) continue;
    nlohmann::json kept = nlohmann::json::object();
    for (const char* name : {"location", "rowid", "column", "original", "modified", "action"}) {
      const auto found = error.find(name);
      if (found != error.end() && found->is_string())
        kept[name] = found->get<std::string>().substr(0, kMaxText);
    }
    const auto code = error.find("code");
    kept["code"] = code != error.end() && code->is_number_integer() ? code->get<int32_t>() : 0;
    const std::lock_guard lock(scan.mutex);
    if (scan.handled.size() >= kHandled) return;
    scan.handled.push_back(kept.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

std::vector<std::string> ScanLog::Records(std::string_view workspace) const {
  std::vector<std::shared_ptr<Scan>> scans;
  {
    const std::lock_guard lock(mutex_);
    const auto of = workspaces_.find(workspace);
    if (of != workspaces_.end()) scans.assign(of->second.scans.begin(), of->second.scans.end());
  }
  std::vector<std::string> records;
  for (const auto& scan : scans) {
    const ScanFacts& f = scan->facts;
    std::string error, query_text;
    nlohmann::json handled = nlohmann::json::array();
    {
      const std::lock_guard lock(scan->mutex);
      error = scan->error;
      query_text = scan->query_text;
      for (const auto& one : scan->handled) handled.push_back(nlohmann::json::parse(one));
    }
    const nlohmann::json record = {{"query", scan->query},
                                   {"segment", scan->segment},
                                   {"statement", f.statement},
                                   {"user", f.user},
                                   {"pid", f.process_id},
                                   {"table", f.table},
                                   {"format", f.format},
                                   {"location", f.location},
                                   {"account", f.account},
                                   {"role", f.role},
                                   {"load", f.load},
                                   {"nested", f.nested},
                                   {"began", scan->began_us},
                                   {"ended", scan->ended_us.load()},
                                   {"partitions", f.partitions},
                                   {"qualified", scan->partitions_listed.load()},
                                   {"files_listed", scan->files_listed.load()},
                                   {"bytes_listed", scan->bytes_listed.load()},
                                   {"files", scan->files_read.load()},
                                   {"bytes", scan->bytes.load()},
                                   {"requests", scan->requests.load()},
                                   {"lists", scan->lists.load()},
                                   {"list_us", scan->list_us.load()},
                                   {"partition_us", scan->partition_us.load()},
                                   {"request_us", scan->request_us.load()},
                                   {"longest_us", scan->longest_us.load()},
                                   {"rows", scan->rows.load()},
                                   {"query_text", query_text},
                                   {"error", error},
                                   {"handled", std::move(handled)}};
    records.push_back(record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return records;
}

std::vector<ScanLog::Total> ScanLog::Totals() const {
  const std::lock_guard lock(mutex_);
  std::vector<Total> totals;
  for (const auto& [key, total] : totals_) totals.push_back(total);
  return totals;
}

}  // namespace skep::lake
