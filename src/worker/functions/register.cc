#include "worker/functions/register.h"

#include "worker/functions/character_types.h"
#include "worker/functions/collation.h"
#include "worker/functions/division.h"
#include "worker/functions/hash.h"
#include "worker/functions/like.h"
#include "worker/functions/quoting.h"
#include "worker/functions/regex_functions.h"
#include "worker/functions/registrar.h"
#include "worker/functions/soundex.h"
#include "worker/functions/strings.h"
#include "worker/functions/text_casts.h"
#include "worker/functions/text_numbers.h"
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
  RegisterTextCasts(registrar);
  RegisterCharacterTypes(registrar);
}

}  // namespace skep::worker
