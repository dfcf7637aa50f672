// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/link_trouble.h"

#include "core/base/utf8.h"

#include <algorithm>

namespace portolan::monitor {

namespace {

std::string bounded(const std::string &text) { return toUtf8(cutText(text, longestLinkText)); }

/// A part of a command, or a changed one, does something else.
std::string whole(const std::string &command)
{
    return command.size() <= longestLinkCommand && isUtf8(command) ? command : std::string();
}

} // namespace

std::string whatWasTold(const Error &why)
{
    const bool known = std::ranges::find(linkTroubles, std::string_view(why.code)) != std::end(linkTroubles);
    return bounded(known || !why.told.empty() ? why.told : why.message);
}

void setDown(LinkStatus &link, const Error &why)
{
    link.up = false;
    link.reason = why.code;
    link.about = bounded(why.about);
    link.told = whatWasTold(why);
    link.mend = whole(why.mend);
}

} // namespace portolan::monitor
