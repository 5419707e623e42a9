// Finds the schema of one object for a crawl: the engine's own sniffers read a sample of it through
// the lake file system. Runs in a scratch worker; the object is hostile.
#pragma once

#include <duckdb.hpp>

#include "base/error.h"
#include "ipc/messages.h"
#include "worker/external_scan/lake_client.h"

namespace skep::external_scan {

// The object is file 0 of the scan that the request names. An empty format is found by the name,
// then by the content; columns come with the catalog's types, as the object spells them. Options
// name a custom classifier to ask instead, whose answer's certainty may be 0: "classifier" csv with
// "delimiter", "quote", "header" (PRESENT, ABSENT), "columns" and "single_column"; json with
// "path"; grok with "format", "regex", "columns" and "types"; xml with
// "format" and "row_tag". Lists are separated by U+001F.
// Text in UTF-16, ISO-8859-1 or windows-1252 has the property serialization.encoding; UTF-8 with
// more than ASCII has it, too.
// Errors: kDataException (not a file of that format, or broken), those of LakeClient::Read. Cost:
// CSV and JSON read a sample of about 20,000 rows, Parquet its footer.
Result<ipc::InferReply> Infer(duckdb::Connection& connection, LakeClient& client,
                              const ipc::InferRequest& request);

}  // namespace skep::external_scan
