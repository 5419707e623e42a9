// XML as a series of calls, piece by piece, for documents of strangers: no document types, so no
// entities of their own; bounded depth; bounded tags and comments. Source: XML 1.0, through Expat.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace skep::external_scan {

class XmlEvents {
 public:
  // Names are without their prefixes.
  class Attributes {
   public:
    explicit Attributes(const char** pairs) : pairs_(pairs) {}
    // Of a name as the document has it ("r:id"), or, when that has no prefix, without one. Empty
    // when there is none.
    std::string_view Of(std::string_view name) const;
    // Calls `visit` with each name, as the document has it, and value.
    template <class Visit>
    void Each(const Visit& visit) const {
      for (const char** pair = pairs_; *pair; pair += 2) visit(pair[0], pair[1]);
    }

   private:
    const char** pairs_;
  };

  XmlEvents();
  virtual ~XmlEvents();
  XmlEvents(const XmlEvents&) = delete;
  XmlEvents& operator=(const XmlEvents&) = delete;

  // Throws InvalidInputException for what is no such XML, and what the calls below throw.
  void Feed(std::string_view piece, bool last);

 protected:
  virtual void Begins(std::string_view name, const Attributes& attributes) = 0;
  virtual void Ends(std::string_view name) = 0;
  virtual void Text(std::string_view text) = 0;

 private:
  struct Calls;
  struct Parser;

  std::unique_ptr<Parser> parser_;
};

}  // namespace skep::external_scan
