// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>
#include <utility>

namespace portolan {

/// Sentences one after the other, each with its stop, whether it came with one or not: "2000 ms" and "Look" are
/// "2000 ms. Look." What is empty is left out.
inline std::string inSentences(std::string first, std::string second = {})
{
    return inWords(failure(ErrorKind::Internal, std::move(first), std::move(second)));
}

} // namespace portolan
