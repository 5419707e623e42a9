#include "worker/functions/spatial/reference_system_text.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"
#include "worker/functions/spatial/reference_systems.h"

namespace skep::worker::spatial {
namespace {

struct Named {
  std::string_view name;
  int32_t srid;
};
// Sorted by name.
constexpr Named kNames[] = {
#define SKEP_SRS_NAME(name, srid) {name, srid},
#include "worker/functions/spatial/reference_system_names.def"
#undef SKEP_SRS_NAME
};

// A definition cut into the words, texts and numbers between its brackets and commas.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : rest_(text) {}

  struct Piece {
    int depth;  // brackets around it
    std::string text;
  };
  // False at the end.
  bool Next(Piece& piece) {
    piece.text.clear();
    bool quoted = false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && (c == '[' || c == '(' || c == ']' || c == ')' || c == ',')) {
        if (!piece.text.empty()) break;
        depth_ += c == ',' ? 0 : c == '[' || c == '(' ? 1 : -1;
      } else if (quoted || static_cast<unsigned char>(c) > ' ') {
        piece.text.push_back(c);
      }
      rest_.remove_prefix(1);
    }
    piece.depth = depth_;
    return !piece.text.empty();
  }

 private:
  std::string_view rest_;
  int depth_ = 0;
};

int32_t SridOfName(std::string_view name) {
  std::string key = Lower(name);
  std::erase_if(key, [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9'); });
  const auto found = std::ranges::lower_bound(kNames, key, {}, &Named::name);
  return found != std::end(kNames) && found->name == key ? found->srid : 0;
}

}  // namespace

int32_t SridOfText(std::string_view definition) {
  Cutter cutter(definition);
  Cutter::Piece piece;
  std::string name;
  while (cutter.Next(piece)) {
    if (piece.depth == 1 && name.empty()) name = piece.text;
    const std::string word = Lower(piece.text);
    if (piece.depth != 1 || (word != "authority" && word != "id")) continue;
    if (!cutter.Next(piece) || piece.depth != 2 || Lower(piece.text) != "epsg") continue;
    int32_t srid = 0;
    if (!cutter.Next(piece) || piece.depth != 2) continue;
    const char* end = piece.text.data() + piece.text.size();
    const auto read = std::from_chars(piece.text.data(), end, srid);
    if (read.ec == std::errc() && read.ptr == end && IsKnownSrid(srid)) return srid;
  }
  return SridOfName(name);
}

}  // namespace skep::worker::spatial
