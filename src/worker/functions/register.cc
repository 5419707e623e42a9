#include "worker/functions/register.h"

#include "worker/functions/datetime_casts.h"
#include "worker/functions/datetime_functions.h"
#include "worker/functions/division.h"
#include "worker/functions/formatting_functions.h"
#include "worker/functions/interval_text.h"
#include "worker/functions/registrar.h"
#include "worker/functions/session_clock.h"
#include "worker/functions/time_zone.h"

namespace skep::worker {

void RegisterFunctions(duckdb::DatabaseInstance& instance) {
  Registrar registrar(instance);
  RegisterDivision(registrar);
  RegisterTimeZones(registrar);
  RegisterDatetimeCasts(registrar);
  RegisterIntervalText(registrar);
  RegisterSessionClock(registrar);
  RegisterDateadd(registrar);
  RegisterDatediff(registrar);
  RegisterExtract(registrar);
  RegisterDateTrunc(registrar);
  RegisterZoneFunctions(registrar);
  RegisterDatetimeCompare(registrar);
  RegisterDatetimeOperators(registrar);
  RegisterToChar(registrar);
  RegisterToTimestamp(registrar);
  RegisterToNumber(registrar);
  RegisterTeradataNumbers(registrar);
}

}  // namespace skep::worker
