#include "worker/copy/code_pages.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace skep::worker::copy {
namespace {

struct Page {
  CodePage number;
  std::array<uint16_t, 128> points;  // of the bytes from 128 on; 0: none
};
constexpr Page kPages[] = {
#define SKEP_CODE_PAGE(number, ...) {number, {__VA_ARGS__}},
#include "worker/copy/code_pages.def"
#undef SKEP_CODE_PAGE
};

const Page* Find(unsigned number) {
  const auto found = std::ranges::find(kPages, number, &Page::number);
  return found == std::end(kPages) ? nullptr : found;
}

constexpr std::pair<uint8_t, CodePage> kDrivers[] = {
    {0x01, 437},  {0x02, 850},  {0x03, 1252}, {0x08, 865}, {0x09, 437}, {0x0A, 850}, {0x0B, 437},
    {0x0D, 437},  {0x0E, 850},  {0x0F, 437},  {0x10, 850}, {0x11, 437}, {0x12, 850}, {0x14, 850},
    {0x15, 437},  {0x16, 850},  {0x17, 865},  {0x18, 437}, {0x19, 437}, {0x1A, 850}, {0x1B, 437},
    {0x1C, 863},  {0x1D, 850},  {0x1F, 852},  {0x22, 852}, {0x23, 852}, {0x37, 850}, {0x40, 852},
    {0x57, 1252}, {0x58, 1252}, {0x59, 1252}, {0x64, 852}, {0x65, 866}, {0x66, 865}, {0x67, 861},
    {0x6A, 737},  {0x6B, 857},  {0x6C, 863},  {0x86, 737}, {0x87, 852}, {0x88, 857}, {0xC8, 1250},
    {0xC9, 1251}, {0xCA, 1254}, {0xCB, 1253}, {0xCC, 1257}};

void AppendPoint(uint16_t point, std::string& out) {
  const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x800) {
    put(0xC0U | point >> 6);
  } else {
    put(0xE0U | point >> 12);
    put(0x80U | (point >> 6 & 0x3FU));
  }
  put(0x80U | (point & 0x3FU));
}

}  // namespace

std::optional<CodePage> CodePageOfName(std::string_view name) {
  std::string word = Lower(name);
  std::erase_if(word, [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9'); });
  if (word == "utf8" || word == "65001") return kUtf8Page;
  if (word == "latin1") return CodePage{28591};
  for (const std::string_view prefix : {"ansi", "oem", "cp", "windows", "ibm", "iso"}) {
    if (word.starts_with(prefix)) word.erase(0, prefix.size());
  }
  unsigned number = 0;
  const char* end = word.data() + word.size();
  const auto read = std::from_chars(word.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  if (number >= 88591 && number <= 88599) number = 28590 + number - 88590;
  if (number >= 885910 && number <= 885915) number = 28590 + number - 885900;
  const Page* page = Find(number);
  return page ? std::optional(page->number) : std::nullopt;
}

std::optional<CodePage> CodePageOfDriver(uint8_t driver) {
  for (const auto& [number, page] : kDrivers) {
    if (number == driver) return page;
  }
  return std::nullopt;
}

void AppendDecoded(CodePage number, std::string_view bytes, std::string& out) {
  const Page* page = number == kUtf8Page ? nullptr : Find(number);
  if (!page) {
    out.append(bytes);
    return;
  }
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    const uint16_t point = byte < 0x80 ? uint16_t{0} : page->points[byte - 0x80U];
    if (point == 0)
      out.push_back(c);
    else
      AppendPoint(point, out);
  }
}

}  // namespace skep::worker::copy
