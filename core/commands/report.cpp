// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/report.h"

#include "core/api/error_words.h"
#include "core/base/given_text.h"
#include "core/base/settings.h"

#include <algorithm>
#include <iostream>

namespace portolan::commands {

std::string howSet(const Error &error)
{
    const std::string words = wordsOf(error);
    std::vector<std::string> names;
    for (const std::string &key : error.settings) {
        const auto schema = settingSchema();
        const auto spec = std::ranges::find(schema, std::string_view(key), &SettingSpec::key);
        const bool known = spec != schema.end();
        // What is named already, as in "--listen: …", is not named again.
        const auto told = [&words](std::string_view name) {
            return !name.empty() && words.find(name) != std::string::npos;
        };
        const std::string_view option = known ? spec->option : std::string_view();
        const std::string_view variable = known ? spec->environment : std::string_view();
        const bool byKey = option.empty() && variable.empty();
        if (told(option) || told(variable) || (byKey && told(key)))
            continue;
        if (byKey)
            names.push_back("--set " + key);
        for (const std::string_view name : {option, variable})
            if (!name.empty())
                names.emplace_back(name);
    }
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i)
        text.append(i == 0 ? "" : i + 1 == names.size() ? " or " : ", ").append(names[i]);
    return text.empty() ? text : " Set it with " + text + ".";
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
