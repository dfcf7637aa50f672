// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/printable.h"

#include "core/base/given_text.h"

namespace portolan::monitor {

std::string printable(std::string_view bytes, std::size_t most)
{
    std::string result;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::string_view character = characterAt(bytes, at);
        const std::string piece = visible(character);
        if (result.size() + piece.size() > most)
            return result + "…";
        result += piece;
        at += character.size();
    }
    return result;
}

std::string printableKey(std::string_view key, std::string_view family, std::size_t most)
{
    if (family != "sessions")
        return printable(key, most);
    // Only what precedes the first colon is the family's; an id may hold any other separator.
    const std::size_t colon = key.find(':');
    const std::size_t shown = (colon == std::string_view::npos ? 0 : colon + 1) + 4;
    return printable(key.substr(0, shown), most) + (shown < key.size() ? "…" : "");
}

} // namespace portolan::monitor
