#include "worker/external_scan/transcoder.h"

#include <cstdint>

namespace skep::external_scan {
namespace {

// 0x80 to 0x9F; where Windows has no character, browsers' practice: the control character.
// Source: WHATWG Encoding Standard, index windows-1252.
constexpr uint16_t kWindows1252[] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                     0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                     0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                     0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

}  // namespace

Transcoder::Transcoder(std::string_view encoding)
    : form_(encoding == "iso88591"      ? Form::kLatin1
            : encoding == "windows1252" ? Form::kWindows1252
            : encoding == "utf16"       ? Form::kUtf16
            : encoding == "utf16le"     ? Form::kLittle
            : encoding == "utf16be"     ? Form::kBig
                                        : Form::kUtf8) {}

void Transcoder::Put(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (c >> 6U)));
    out.push_back(static_cast<char>(0x80U | (c & 0x3FU)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (c >> 12U)));
    out.push_back(static_cast<char>(0x80U | ((c >> 6U) & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (c & 0x3FU)));
  } else {
    out.push_back(static_cast<char>(0xF0U | (c >> 18U)));
    out.push_back(static_cast<char>(0x80U | ((c >> 12U) & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | ((c >> 6U) & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (c & 0x3FU)));
  }
}

void Transcoder::Unit(uint32_t unit, std::string& out) {
  if (high_ != 0) {
    const uint32_t high = high_;
    high_ = 0;
    if (unit >= 0xDC00 && unit < 0xE000)
      return Put(0x10000 + ((high - 0xD800) << 10U) + (unit - 0xDC00), out);
    Put(high, out);
  }
  if (unit >= 0xD800 && unit < 0xDC00)
    high_ = unit;
  else
    Put(unit, out);
}

void Transcoder::Append(std::string_view bytes, bool last, std::string& out) {
  if (form_ == Form::kUtf8) {
    out.append(bytes);
    return;
  }
  if (form_ == Form::kLatin1) {
    for (const char c : bytes) Put(static_cast<unsigned char>(c), out);
    return;
  }
  if (form_ == Form::kWindows1252) {
    for (const char byte : bytes) {
      const auto c = static_cast<unsigned char>(byte);
      Put(c >= 0x80 && c < 0xA0 ? kWindows1252[c - 0x80] : c, out);
    }
    return;
  }
  const auto at = [&](size_t i) {
    return static_cast<unsigned char>(i < odd_.size() ? odd_[i] : bytes[i - odd_.size()]);
  };
  const size_t size = odd_.size() + bytes.size();
  size_t i = 0;
  for (; i + 1 < size; i += 2) {
    if (form_ == Form::kUtf16) {  // the first unit tells the order
      const bool little = at(i) == 0xFF && at(i + 1) == 0xFE;
      form_ = little ? Form::kLittle : Form::kBig;
      if (little || (at(i) == 0xFE && at(i + 1) == 0xFF)) continue;
    }
    const bool little = form_ == Form::kLittle;
    Unit(static_cast<uint32_t>(at(little ? i + 1 : i)) << 8U | at(little ? i : i + 1), out);
  }
  odd_ = i < size ? std::string(1, static_cast<char>(at(i))) : std::string();
  if (!last) return;
  if (high_ != 0) Put(high_, out);
  if (!odd_.empty()) out.push_back('\xFF');
  high_ = 0;
  odd_.clear();
}

}  // namespace skep::external_scan
