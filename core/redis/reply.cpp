// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/reply.h"

namespace portolan::redis {

std::string_view Reply::errorCode() const
{
    if (!isError())
        return {};
    return std::string_view(text).substr(0, text.find(' '));
}

} // namespace portolan::redis
