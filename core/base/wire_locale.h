// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace portolan {

/// Qt's application object takes the whole locale over from the environment, and with it how C writes and reads
/// numbers: with a decimal comma in half of Europe. After it, numbers are C's again for what libraries print and parse;
/// character sets and collation stay the user's. Our own code does not rest on this: it writes numbers by fixedText()
/// (units.h) and std::to_chars, which know no locale. Once, before other threads exist.
void useWireNumbers();

} // namespace portolan
