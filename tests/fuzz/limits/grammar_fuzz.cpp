// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/grammar.h"
#include "core/limits/window_spec.h"

#include <cstdint>
#include <cstdlib>

using namespace portolan::limits;

/// Any text is refused or read; what was read is written so that it reads back the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const auto windows = parse({reinterpret_cast<const char *>(data), size});
    if (!windows) {
        if (windows.error().message.empty() || windows.error().fields.size() != 1)
            std::abort();
        return 0;
    }
    if (windows->empty() || windows->size() > maxWindows)
        std::abort();
    const auto text = format(*windows);
    const auto again = parse(text);
    if (text.size() > maxText || !again || *again != *windows || format(*again) != text)
        std::abort();
    const WindowSpec spec(*windows);
    if (spec.packed().size() != 11 * windows->size() || spec.fixed() + spec.moving() != windows->size())
        std::abort();
    return 0;
}
