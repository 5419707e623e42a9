#include "worker/functions/register.h"

#include "worker/functions/division.h"
#include "worker/functions/registrar.h"
#include "worker/functions/super.h"

namespace skep::worker {

void RegisterFunctions(duckdb::DatabaseInstance& instance) {
  Registrar registrar(instance);
  RegisterDivision(registrar);
  RegisterSuper(registrar);
}

}  // namespace skep::worker
