#include "worker/functions/spatial/spatial.h"

#include "worker/functions/spatial/chapters.h"

namespace skep::worker {

void RegisterSpatial(Registrar& registrar) {
  spatial::RegisterTypesAndCasts(registrar);
  spatial::Overloads functions;
  spatial::AddFormats(functions);
  spatial::AddAccessors(functions);
  spatial::AddEditors(functions);
  spatial::AddMeasures(functions);
  spatial::AddCollect(registrar);
  functions.Register(registrar);
}

}  // namespace skep::worker
