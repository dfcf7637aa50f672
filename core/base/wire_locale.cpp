// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/wire_locale.h"

#include <clocale>

namespace portolan {

void useWireNumbers() { std::setlocale(LC_NUMERIC, "C"); } // NOLINT(concurrency-mt-unsafe): no other thread yet

} // namespace portolan
