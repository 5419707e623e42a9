// Which spatial reference system a definition in well-known text means, as the .prj files of
// shapefiles hold it. Sources: OGC 01-009 section 7 (WKT 1), ISO 19162 (WKT 2), the EPSG registry.
#pragma once

#include <cstdint>
#include <string_view>

namespace skep::worker::spatial {

// The SRID by the definition's own EPSG identifier, else by the name that Esri or the EPSG registry
// gives the system; parameters are not compared. 0 for anything else.
int32_t SridOfText(std::string_view definition);

}  // namespace skep::worker::spatial
