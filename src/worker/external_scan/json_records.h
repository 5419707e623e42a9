// The records below a path of JSON documents ("$.Records[*]"), each as a line: what a classifier of
// Glue's makes of files that hold their records within something else. Nothing is kept but the
// path to where the text stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::external_scan {

class JsonRecords {
 public:
  // "$" followed by ".name", "['name']", "[*]" and "[0]"; a path that does not end with "[*]" means
  // what that array has, too. nullopt: another path. Source: Glue's developer guide, "Writing JSON
  // custom classifiers".
  static std::optional<JsonRecords> Along(std::string_view path);

  // Appends the records that `bytes` end, and what they begin of another; `last`: there are no
  // more. False when the text is no JSON, which may be noticed late.
  bool Append(std::string_view bytes, bool last, std::string& out);

 private:
  struct Step {
    bool array = false;
    std::optional<uint64_t> place = {};  // of an array; empty: all
    std::string name = {};
  };
  struct Open {
    bool array = false;
    bool along = false;  // the path leads through it
    bool leads = false;  // and to the value that comes next
    bool key = false;    // an object's name comes next
    uint64_t place = 0;
  };
  enum class Within : uint8_t { kNothing, kKey, kText, kWord };

  explicit JsonRecords(std::vector<Step> steps) : steps_(std::move(steps)) {}
  bool Take(char c, std::string& out);
  bool TakeBetween(char c, std::string& out);
  bool Begin(char c);
  bool Close(bool array, std::string& out);
  void End(std::string& out);
  void Keyed();
  void Lead(Open& open) const;

  std::vector<Step> steps_;
  std::vector<Open> open_;
  Within within_ = Within::kNothing;
  bool escaped_ = false, kept_ = false;  // kept_: the text of a record
  std::string key_;
};

}  // namespace skep::external_scan
