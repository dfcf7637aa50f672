// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever comes on the control channel: reading it and telling whom it names must not crash, and must end at once.

#include "core/queue/control_message.h"
#include "core/queue/node_match.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace portolan::queue;

namespace {

constexpr std::string_view node = "portolan-0a1b2c3d@build-7.example.org";
constexpr auto longest = std::chrono::seconds(1); // a thousand times what it takes, since other programs run as well

void match(std::string_view matcher, std::string_view pattern)
{
    const auto begin = std::chrono::steady_clock::now();
    (void)matchNode(node, matcher, pattern);
    if (std::chrono::steady_clock::now() - begin > longest)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char *>(data), size);
    match("pcre", input);
    match("glob", input);
    if (const auto request = decodeControl(input)) {
        match(request->matcher, request->pattern);
        if (request->method.size() < maxControlBytes)
            (void)encode(*request);
    }
    return 0;
}
