// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"
#include "core/connect/env_file.h"
#include "core/connect/finder.h"
#include "core/connect/redis_address.h"
#include "core/stack/watch_file.h"

#include <cstdlib>

using namespace portolan;
using namespace portolan::connect;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

void checkEnv(std::string_view text)
{
    const EnvReading reading = readEnv(text, ".env");
    std::size_t size = 0;
    for (const auto &variable : reading.variables) {
        require(!variable.name.empty() && variable.place.line > 0);
        size += variable.value ? variable.value->size() : 0;
    }
    require(size <= 1024 * 1024 && reading.mistakes.size() <= 100);
    for (const auto &error : reading.mistakes)
        require(error.message.starts_with(".env") && visible(error.message) == error.message);
}

/// What is found is a file that can be read, or none.
void checkFound(std::string_view text)
{
    const PastedKind kind = kindOfPasted(text);
    if (kind == PastedKind::Path || kind == PastedKind::Deployment) // those read the disk
        return;
    const auto found = look(text);
    if (!found)
        return require(!found.error().message.empty());
    for (const auto &secret : found->secrets)
        require(!secret.name.empty() && !secret.secret.empty());
    for (const auto &end : found->ends)
        require(!end.name.empty() && (end.kind == EndKind::File) != (!end.url.empty()));
    if (!found->watchFile.empty())
        require(stack::parseWatchFile(found->watchFile, "x.toml", stack::ReadFor::Console).mistakes.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    checkEnv(text);
    checkFound(text);
    if (const auto address = readRedisAddress(text)) {
        require(address->endpoint.password.empty());
        if (!address->sentinel && address->endpoint.trust == TrustSpec{}) {
            const auto again = readRedisAddress(address->url(), Secret("x"));
            require(again && again->isSameServer(*address) && again->endpoint.user == address->endpoint.user &&
                    again->endpoint.database == address->endpoint.database);
        }
    }
    return 0;
}
