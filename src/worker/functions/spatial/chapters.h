// The parts of the spatial functions, each in a file of its own; spatial.cc calls them all.
#pragma once

#include "worker/functions/registrar.h"
#include "worker/functions/spatial/call.h"

namespace skep::worker::spatial {

void AddFormats(Overloads& functions);    // from and to text and bytes
void AddAccessors(Overloads& functions);  // what a value is and has
void AddEditors(Overloads& functions);    // new values from points, lines and rings
void AddMeasures(Overloads& functions);   // numbers, predicates, overlays
void AddCollect(Registrar& registrar);
void RegisterTypesAndCasts(Registrar& registrar);

// A value from WKT, EWKT or hexadecimal (E)WKB: what casts and COPY take.
Geometry ParseAny(std::string_view text);

}  // namespace skep::worker::spatial
