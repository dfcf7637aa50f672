#include "core/monitor/printable.h"

namespace portolan::monitor {

namespace {

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 for none (Unicode 15, table 3-7).
std::size_t sequenceLength(std::string_view text)
{
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto tail = [&](std::size_t i) { return at(i) >= 0x80 && at(i) <= 0xbf; };
    const unsigned first = at(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return tail(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = first == 0xed ? 0x9f : 0xbf;
        return at(1) >= low && at(1) <= high && tail(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const unsigned low = first == 0xf0 ? 0x90 : 0x80;
        const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
        return at(1) >= low && at(1) <= high && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

} // namespace

std::string printable(std::string_view bytes, std::size_t most)
{
    constexpr char digits[] = "0123456789abcdef";
    std::string result;
    while (!bytes.empty()) {
        const auto byte = static_cast<unsigned char>(bytes[0]);
        const std::size_t length = sequenceLength(bytes);
        std::string piece(bytes.substr(0, length));
        if (length == 0 || byte < 0x20 || byte == 0x7f)
            piece = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        if (result.size() + piece.size() > most)
            return result + "…";
        result += piece;
        bytes.remove_prefix(length == 0 ? 1 : length);
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
