#include "worker/functions/register.h"

#include "worker/functions/conditionals.h"
#include "worker/functions/decimals.h"
#include "worker/functions/division.h"
#include "worker/functions/hll_functions.h"
#include "worker/functions/listagg.h"
#include "worker/functions/number_casts.h"
#include "worker/functions/number_functions.h"
#include "worker/functions/percentiles.h"
#include "worker/functions/registrar.h"
#include "worker/functions/sums.h"

namespace skep::worker {

void RegisterFunctions(duckdb::DatabaseInstance& instance) {
  Registrar registrar(instance);
  RegisterDivision(registrar);
  RegisterDecimals(registrar);
  RegisterNumberCasts(registrar);
  RegisterNumberFunctions(registrar);
  RegisterSums(registrar);
  RegisterPercentiles(registrar);
  RegisterListagg(registrar);
  RegisterConditionals(registrar);
  RegisterHll(registrar);
}

}  // namespace skep::worker
