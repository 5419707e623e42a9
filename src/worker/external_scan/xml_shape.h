// The columns of an XML file for a crawl: its rows are elements of one name. Source: the Glue
// developer guide's "Writing XML custom classifiers"; attributes and texts beside elements are
// named as Glue's ETL names them ("_a" and "_value").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/messages.h"

namespace skep::external_scan {

struct XmlRows {
  std::string row_tag;
  std::vector<ipc::InferredColumn> columns;  // nested elements are structs, repeated ones arrays
  size_t rows = 0;
};

// Of the beginning of a file, or of all of it (`whole`). Without a row tag: the elements of the
// outermost level on which a name stands more than once, else those below the root. No rows when
// there is no such element. Throws InvalidInputException for what is no XML, has a document type,
// or has too many different elements.
XmlRows RowsOfXml(std::string_view sample, bool whole, std::string row_tag);

}  // namespace skep::external_scan
