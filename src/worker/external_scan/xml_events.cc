#include "worker/external_scan/xml_events.h"

#include <expat.h>

#include <duckdb.hpp>
#include <utility>

namespace skep::external_scan {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxToken = 4u << 20;  // of what is between two calls

std::string_view LocalName(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace

struct XmlEvents::Parser {
  Parser() : expat(XML_ParserCreate(nullptr), XML_ParserFree) {
    if (!expat) throw std::bad_alloc();
  }
  std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> expat;
  int depth = 0;
  size_t since_call = 0;  // bytes that were fed
  std::exception_ptr thrown;
};

// Expat is C: exceptions wait until it has returned.
struct XmlEvents::Calls {
  template <class Act>
  static void Guard(void* self, const Act& act) {
    auto& events = *static_cast<XmlEvents*>(self);
    Parser& parser = *events.parser_;
    if (parser.thrown) return;
    parser.since_call = 0;
    try {
      act(events, parser);
    } catch (...) {
      parser.thrown = std::current_exception();
      XML_StopParser(parser.expat.get(), XML_FALSE);
    }
  }
  static void Begin(void* self, const XML_Char* name, const XML_Char** attributes) {
    Guard(self, [&](XmlEvents& events, Parser& parser) {
      if (++parser.depth > kMaxDepth)
        throw duckdb::InvalidInputException("its XML is nested too deeply");
      events.Begins(LocalName(name), Attributes(attributes));
    });
  }
  static void End(void* self, const XML_Char* name) {
    Guard(self, [&](XmlEvents& events, Parser& parser) {
      parser.depth--;
      events.Ends(LocalName(name));
    });
  }
  static void Text(void* self, const XML_Char* text, int bytes) {
    Guard(self,
          [&](XmlEvents& events, Parser&) { events.Text({text, static_cast<size_t>(bytes)}); });
  }
  static void DocumentType(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    Guard(self, [](XmlEvents&, Parser&) {
      throw duckdb::InvalidInputException("its XML has a document type");
    });
  }
};

std::string_view XmlEvents::Attributes::Of(std::string_view name) const {
  for (const char** pair = pairs_; *pair; pair += 2) {
    if (name == *pair) return pair[1];
  }
  return {};
}

XmlEvents::XmlEvents() : parser_(std::make_unique<Parser>()) {
  XML_Parser expat = parser_->expat.get();
  XML_SetUserData(expat, this);
  XML_SetElementHandler(expat, Calls::Begin, Calls::End);
  XML_SetCharacterDataHandler(expat, Calls::Text);
  XML_SetStartDoctypeDeclHandler(expat, Calls::DocumentType);
}

XmlEvents::~XmlEvents() = default;

void XmlEvents::Feed(std::string_view piece, bool last) {
  parser_->since_call += piece.size();
  const auto status = XML_Parse(parser_->expat.get(), piece.data(), static_cast<int>(piece.size()),
                                last ? XML_TRUE : XML_FALSE);
  if (parser_->thrown) std::rethrow_exception(std::exchange(parser_->thrown, nullptr));
  if (status == XML_STATUS_ERROR)
    throw duckdb::InvalidInputException("its XML is broken: %s",
                                        XML_ErrorString(XML_GetErrorCode(parser_->expat.get())));
  if (parser_->since_call > kMaxToken)
    throw duckdb::InvalidInputException("its XML has a tag or a comment that is too long");
}

}  // namespace skep::external_scan
