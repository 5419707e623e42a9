#include "worker/external_scan/text_encoding.h"

#include <cstddef>

namespace skep::external_scan {
namespace {

// The bytes of the character there; 0: it is no UTF-8.
size_t LengthAt(std::string_view text, size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0xC2 || c > 0xF4) return 0;
  const size_t length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  for (size_t i = 1; i < length; i++) {
    if (at + i == text.size()) return length;  // cut off by the sample's end
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0U) != 0x80) return 0;
  }
  return length;
}

bool IsControl(unsigned char c) {
  return c < 0x20 && c != '\t' && c != '\r' && c != '\n' && c != '\f';
}

// Without a mark: every other byte of ASCII is zero, and hardly any of the others.
TextEncoding Wide(std::string_view sample) {
  size_t zeros[2] = {};
  const size_t units = sample.size() / 2;
  for (size_t i = 0; i < units * 2; i++) {
    zeros[i % 2] += sample[i] == '\0' ? 1 : 0;
    if (sample[i] == '\0' && IsControl(static_cast<unsigned char>(sample[i ^ 1U]))) return {};
  }
  const auto most = [&](size_t count) { return count * 10 >= units * 4; };
  const auto few = [&](size_t count) { return count * 20 < units; };
  if (units < 4) return {};
  if (most(zeros[1]) && few(zeros[0])) return {"UTF-16LE", "utf16le"};
  if (most(zeros[0]) && few(zeros[1])) return {"UTF-16BE", "utf16be"};
  return {};
}

}  // namespace

TextEncoding EncodingOf(std::string_view sample) {
  if (sample.starts_with("\xff\xfe") || sample.starts_with("\xfe\xff")) return {"UTF-16", "utf16"};
  size_t good = 0, bad = 0, upper = 0;
  for (size_t i = 0; i < sample.size();) {
    const auto c = static_cast<unsigned char>(sample[i]);
    if (c == 0) return Wide(sample);
    if (c < 0x80) {
      i++;
      continue;
    }
    const size_t length = LengthAt(sample, i);
    good += length > 0 ? 1 : 0;
    bad += length > 0 ? 0 : 1;
    upper += length == 0 && c < 0xA0 ? 1 : 0;
    i += length > 0 ? length : 1;
  }
  if (good == 0 && bad == 0) return {};
  if (good >= bad) return {"UTF-8", ""};
  return upper > 0 ? TextEncoding{"windows-1252", "windows1252"}
                   : TextEncoding{"ISO-8859-1", "iso88591"};
}

}  // namespace skep::external_scan
