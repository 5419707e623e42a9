#include "worker/functions/register.h"

#include "worker/functions/character_types.h"
#include "worker/functions/collation.h"
#include "worker/functions/conditionals.h"
#include "worker/functions/datetime_casts.h"
#include "worker/functions/datetime_functions.h"
#include "worker/functions/decimals.h"
#include "worker/functions/division.h"
#include "worker/functions/formatting_functions.h"
#include "worker/functions/hash.h"
#include "worker/functions/hll_functions.h"
#include "worker/functions/interval_text.h"
#include "worker/functions/like.h"
#include "worker/functions/listagg.h"
#include "worker/functions/nested_text.h"
#include "worker/functions/number_casts.h"
#include "worker/functions/number_functions.h"
#include "worker/functions/percentiles.h"
#include "worker/functions/quoting.h"
#include "worker/functions/regex_functions.h"
#include "worker/functions/registrar.h"
#include "worker/functions/session_clock.h"
#include "worker/functions/session_names.h"
#include "worker/functions/single_match.h"
#include "worker/functions/soundex.h"
#include "worker/functions/spatial/spatial.h"
#include "worker/functions/strings.h"
#include "worker/functions/sums.h"
#include "worker/functions/super.h"
#include "worker/functions/text_numbers.h"
#include "worker/functions/time_zone.h"
#include "worker/functions/varbyte.h"

namespace skep::worker {

void RegisterFunctions(duckdb::DatabaseInstance& instance) {
  Registrar registrar(instance);
  RegisterDivision(registrar);
  RegisterStrings(registrar);
  RegisterTextNumbers(registrar);
  RegisterSoundex(registrar);
  RegisterQuoting(registrar);
  RegisterCollation(registrar);
  RegisterLike(registrar);
  RegisterRegexFunctions(registrar);
  RegisterHash(registrar);
  RegisterVarbyte(registrar);
  RegisterNumberCasts(registrar);
  RegisterCharacterTypes(registrar);
  RegisterTimeZones(registrar);
  RegisterDatetimeCasts(registrar);
  RegisterIntervalText(registrar);
  RegisterSessionClock(registrar);
  RegisterSessionNames(registrar);
  RegisterDecimals(registrar);
  RegisterNumberFunctions(registrar);
  RegisterSums(registrar);
  RegisterPercentiles(registrar);
  RegisterListagg(registrar);
  RegisterConditionals(registrar);
  RegisterSingleMatch(registrar);
  RegisterHll(registrar);
  RegisterSuper(registrar);
  RegisterNestedText(registrar);
  RegisterSpatial(registrar);
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
