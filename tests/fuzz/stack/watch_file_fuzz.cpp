// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/credentials.h"
#include "core/base/given_text.h"
#include "core/base/utf8.h"
#include "core/stack/watch_file.h"

#include <cstdlib>

using namespace portolan;
using namespace portolan::stack;

namespace {

void require(bool holds)
{
    if (!holds)
        std::abort();
}

void check(const WatchReading &reading)
{
    for (const auto &mistake : reading.mistakes) {
        require(mistake.source == "shop.toml" && !mistake.what.empty());
        require(visible(mistake.text()) == mistake.text());
    }
    if (!reading.mistakes.empty())
        return;
    const WatchFile &file = reading.file;
    require(!file.name.empty() && file.name.size() <= 64 && file.name.find('/') == std::string::npos);
    for (const auto *redis : {&file.redis, file.celery ? &file.celery->results : &file.redis}) {
        if (!*redis)
            continue;
        require((*redis)->endpoint.password.empty() && !(*redis)->endpoint.host.starts_with('-'));
        require(!(*redis)->through.host.starts_with('-'));
        require((*redis)->endpoint.user.empty() || (*redis)->password.kind != SecretRef::Kind::None);
    }
    for (const auto &probe : file.probes)
        require(probe.timeout <= probe.every && probe.every.count() >= 1000 && !probe.through.host.starts_with('-'));
    for (const auto &program : file.programs)
        require(!program.arguments.empty() && !program.arguments.front().starts_with('-'));
    for (const auto &given : file.given)
        require(given.line > 0 && isUtf8(given.text) && visible(given.text) == given.text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    if (text.find("tier") == text.npos) // a tier's file is read from the disk
        check(parseWatchFile(text, "shop.toml", ReadFor::Console));
    if (const auto reference = parseSecretRef(text, "/folder"))
        require(!shown(*reference).empty());
    return 0;
}
