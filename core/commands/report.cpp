// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/report.h"

#include "core/api/error_words.h"
#include "core/base/given_text.h"

#include <algorithm>
#include <iostream>

namespace portolan::commands {

int report(const Error &error) { return report(error, "portoland"); }

int report(const Error &error, const char *program)
{
    std::string line = std::string(program) + ": " + wordsOf(error);
    std::ranges::replace(line, '\n', ' ');
    std::cerr << visible(line) << std::endl;
    return error.kind == ErrorKind::Invalid || error.kind == ErrorKind::Unsupported ? 2 : 1;
}

int outputWritten()
{
    if (std::cout.flush())
        return 0;
    std::cerr << "portoland: Standard output cannot be written: what was asked for is missing, or a part of it."
              << std::endl;
    return 1;
}

} // namespace portolan::commands
