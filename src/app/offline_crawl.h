// A crawl without a gateway: the parts that a dry run needs, built for one crawl in a folder of its
// own and taken down again. Reads the control store beside a running gateway and changes nothing.
#pragma once

#include "app/config.h"
#include "base/error.h"
#include "catalog/crawler/crawl.h"
#include "control/store.h"

namespace skep::app {

// Errors: those of RunCrawl; kIoError when no worker can be started.
Result<catalog::CrawlSummary> DryRunCrawl(const Config& config, control::Store& store,
                                          const control::Crawler& crawler);

}  // namespace skep::app
