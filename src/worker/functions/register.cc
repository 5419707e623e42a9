#include "worker/functions/register.h"

#include "worker/functions/decimals.h"
#include "worker/functions/division.h"
#include "worker/functions/number_casts.h"
#include "worker/functions/registrar.h"

namespace skep::worker {

void RegisterFunctions(duckdb::DatabaseInstance& instance) {
  Registrar registrar(instance);
  RegisterDivision(registrar);
  RegisterDecimals(registrar);
  RegisterNumberCasts(registrar);
}

}  // namespace skep::worker
