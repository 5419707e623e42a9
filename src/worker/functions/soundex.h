// American Soundex: SOUNDEX and DIFFERENCE. Source: developer guide, "SOUNDEX function" and
// "DIFFERENCE function"; the code itself as the United States' National Archives publish it.
#pragma once

#include <string_view>

#include "worker/functions/registrar.h"

namespace skep::worker {

// A letter and three digits, or empty when no English letter is in the text. Points into `code`.
std::string_view SoundexOf(std::string_view text, char (&code)[4]);

// rs_soundex, rs_difference.
void RegisterSoundex(Registrar& registrar);

}  // namespace skep::worker
