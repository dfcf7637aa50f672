// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/utf8.h"

#include <string>
#include <string_view>

namespace portolan {

/// Goes one member deeper: "/" and its name as a JSON pointer has it (RFC 6901, section 3), of a long name 256 bytes.
inline void appendPointerStep(std::string &pointer, std::string_view member)
{
    pointer.push_back('/');
    for (const char c : cutText(member, 256)) {
        if (c == '~' || c == '/')
            pointer.append(c == '~' ? "~0" : "~1");
        else
            pointer.push_back(c);
    }
}

} // namespace portolan
