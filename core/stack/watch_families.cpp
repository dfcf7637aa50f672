// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/watch_families.h"

#include "core/base/embedded_file.h"
#include "core/base/tier_file.h"
#include "core/base/toml_file.h"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string_view>

namespace portolan::stack {

namespace families {
std::span<const EmbeddedFile> embeddedFiles(); // resources/watch, by cmake/PortolanEmbed.cmake
} // namespace families

namespace {

constexpr std::string_view table = "families.";

/// What stands in a pattern for itself, whatever stands in it.
std::string literal(std::string_view text)
{
    std::string pattern;
    for (const char c : text) {
        if (std::string_view("*?[]\\").find(c) != std::string_view::npos)
            pattern += '\\';
        pattern += c;
    }
    return pattern;
}

/// Those of a tier of ours tell the keys of a portal, which is not what is watched.
void forgetOurs(const WatchFile &file, Tier &tier)
{
    const auto ours = builtInTiers();
    if (std::ranges::find(ours, file.tierName) == ours.end())
        return;
    std::erase_if(tier.familyPatterns, [&](const auto &family) {
        return std::ranges::find(file.given, std::string(table) + family.first, &GivenKey::key) == file.given.end();
    });
}

} // namespace

queue::KeyLayout layoutOf(const WatchFile &file)
{
    queue::KeyLayout layout;
    if (!file.celery)
        return layout;
    layout.prefix = file.celery->prefix;
    layout.separator = file.celery->separator;
    layout.steps.assign(file.celery->steps.begin(), file.celery->steps.end());
    return layout;
}

Tier watchedTier(const WatchFile &file)
{
    Tier tier = file.tier;
    forgetOurs(file, tier);
    const EmbeddedFile *known = findEmbedded(families::embeddedFiles(), "families.toml");
    const auto read = known ? parseToml(known->text, std::string(known->name)) : Result<TomlDocument>(Error{});
    if (!read)
        throw std::logic_error("families.toml: " + read.error().message);
    for (const TomlEntry &entry : read->entries) {
        if (!std::string_view(entry.key).starts_with(table))
            continue;
        const std::string name = entry.key.substr(table.size());
        if (tier.familyPatterns.contains(name))
            continue;
        const bool ofBroker = name == "queue", ofResults = name == "results";
        const std::string before = literal(!file.celery ? ""
                                           : ofBroker   ? file.celery->prefix
                                           : ofResults  ? file.celery->resultPrefix
                                                        : "");
        for (const std::string &pattern : entry.items)
            tier.familyPatterns[name].push_back(before + pattern);
    }
    return tier;
}

} // namespace portolan::stack
