// Everything that the type SUPER brings along: casts, navigation, operators, and the chapters on
// JSON, arrays, objects and type information.
#pragma once

#include "worker/functions/array_functions.h"
#include "worker/functions/json_functions.h"
#include "worker/functions/object_functions.h"
#include "worker/functions/super_cast.h"
#include "worker/functions/super_information.h"
#include "worker/functions/super_navigation.h"
#include "worker/functions/super_operators.h"

namespace skep::worker {

inline void RegisterSuper(Registrar& registrar) {
  RegisterSuperCasts(registrar);
  RegisterSuperNavigation(registrar);
  RegisterSuperOperators(registrar);
  RegisterSuperArithmetic(registrar);
  RegisterSuperInformation(registrar);
  RegisterJsonFunctions(registrar);
  RegisterArrayFunctions(registrar);
  RegisterObjectFunctions(registrar);
}

}  // namespace skep::worker
