#include "worker/functions/register.h"

#include "worker/functions/division.h"
#include "worker/functions/registrar.h"
#include "worker/functions/spatial/spatial.h"

namespace skep::worker {

void RegisterFunctions(duckdb::DatabaseInstance& instance) {
  Registrar registrar(instance);
  RegisterDivision(registrar);
  RegisterSpatial(registrar);
}

}  // namespace skep::worker
