// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/report.h"

#include "core/api/error_words.h"
#include "core/base/given_text.h"
#include "core/base/settings.h"

#include <algorithm>
#include <iostream>

namespace portolan::commands {

namespace {

/// A place where a value was given: what is wrong stands there, and is mended there.
bool namesThePlace(const Error &error) { return !error.about.empty() && error.message.starts_with(error.about + ": "); }

/// How one is set; neither: the words say so already.
struct Ways
{
    std::string first;
    std::string second;
    std::string either(const char *before, const char *after) const
    {
        return second.empty() ? first : first + before + second + after;
    }
};

Ways waysToSet(const std::string &key, const std::string &words)
{
    const auto schema = settingSchema();
    const auto spec = std::ranges::find(schema, std::string_view(key), &SettingSpec::key);
    const auto told = [&words](std::string_view name) {
        return !name.empty() && words.find(name) != std::string::npos;
    };
    if (spec == schema.end() || (spec->option.empty() && spec->environment.empty()))
        return told(key) ? Ways{} : Ways{"--set " + key, {}};
    if (told(spec->option) || told(spec->environment))
        return {};
    return spec->option.empty() ? Ways{std::string(spec->environment), {}}
                                : Ways{std::string(spec->option), std::string(spec->environment)};
}

} // namespace

std::string howSet(const Error &error)
{
    if (namesThePlace(error))
        return {};
    const std::string words = wordsOf(error);
    std::string text;
    bool news = false;
    for (std::size_t i = 0; i < error.settings.size(); ++i) {
        const Ways ways = waysToSet(error.settings[i], words);
        news = news || !ways.first.empty();
        if (error.settings.size() == 1)
            return news ? " Set it with " + ways.either(" or ", "") + "." : std::string();
        text.append(i == 0                           ? ""
                    : i + 1 == error.settings.size() ? " and "
                                                     : ", ")
            .append(ways.first.empty() ? error.settings[i] : ways.either(" (or ", ")"));
    }
    // One of several may do, or all may be meant: the words before this say which.
    return news ? " The settings are " + text + "." : std::string();
}

int report(const Error &error) { return report(error, "portoland"); }

int report(const Error &error, const char *program)
{
    std::string line = std::string(program) + ": " + wordsOf(error) + howSet(error);
    std::ranges::replace(line, '\n', ' ');
    std::cerr << visible(line) << std::endl;
    return error.kind == ErrorKind::Invalid || error.kind == ErrorKind::Unsupported ? 2 : 1;
}

int outputWritten()
{
    if (std::cout.flush())
        return 0;
    std::cerr << "portoland: Standard output cannot be written: what was asked for is missing, or a part of it."
              << std::endl;
    return 1;
}

} // namespace portolan::commands
