// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/field_names.h"

#include "core/base/settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::embedded {
namespace {

constexpr std::array fields{std::pair("data_dir", "Data directory"), std::pair("database.url", "Database"),
                            std::pair("listen", "Listen"), std::pair("redis.url", "Redis"), std::pair("tier", "Tier")};

using Replacements = std::vector<std::pair<std::string, std::string>>;

/// The first that fits counts.
Replacements replacements()
{
    Replacements all;
    for (const auto &spec : settingSchema()) {
        const std::string key(spec.key), option(spec.option), variable(spec.environment);
        const auto found = std::ranges::find(fields, key, [](const auto &field) { return std::string(field.first); });
        if (found == fields.end()) {
            if (!option.empty())
                all.emplace_back(option, key);
            continue;
        }
        const std::string field = std::string("the field ") + found->second;
        all.emplace_back("The setting '" + key + "'", std::string("The field ") + found->second);
        all.emplace_back("the setting '" + key + "'", field);
        all.emplace_back("'" + key + "'", field);
        if (!option.empty() && !variable.empty()) // a hint that names both ways
            all.emplace_back(option + " or " + variable, field);
        for (const auto &name : {option, variable})
            if (!name.empty()) {
                all.emplace_back("with " + name, "in " + field);
                all.emplace_back(name, field);
            }
        if (key.find('.') != key.npos) // others are plain words as well
            all.emplace_back(key, field);
    }
    return all;
}

/// Where a command that begins at `at` ends; `at`: none does.
std::size_t endOfCommand(std::string_view text, std::size_t at)
{
    const bool inApostrophes = text.substr(at).starts_with("'portoland ");
    if (text[at] != '`' && !inApostrophes)
        return at;
    const auto end = text.find(text[at], at + 1);
    return end == text.npos ? text.size() : end + 1;
}

bool belongsToName(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '_' || letter == '-' || letter == '/';
}

/// Whether `name` stands at `at`, and not as a part of a longer one.
bool standsAt(std::string_view text, std::size_t at, std::string_view name)
{
    if (!text.substr(at).starts_with(name))
        return false;
    const auto after = at + name.size();
    const bool begins = at == 0 || !(belongsToName(text[at - 1]) || text[at - 1] == '.' || text[at - 1] == '=');
    const bool ends = after == text.size() || !belongsToName(text[after]);
    return begins && ends;
}

/// A refusal of a setting begins with its key.
std::string withFieldFirst(std::string text)
{
    for (const auto &[key, field] : fields)
        if (text.starts_with(std::string(key) + ": "))
            return text.replace(0, std::string_view(key).size(), field);
    return text;
}

} // namespace

std::string withFieldNames(const std::string &told)
{
    static const Replacements known = replacements();
    const std::string text = withFieldFirst(told);
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        if (const auto end = endOfCommand(text, at); end > at) {
            result.append(text, at, end - at);
            at = end;
            continue;
        }
        const auto found = std::ranges::find_if(known, [&](const auto &one) { return standsAt(text, at, one.first); });
        result.append(found == known.end() ? text.substr(at, 1) : found->second);
        at += found == known.end() ? 1 : found->first.size();
    }
    return result;
}

Error withFieldNames(Error error)
{
    error.message = withFieldNames(error.message);
    error.hint = withFieldNames(error.hint);
    return error;
}

} // namespace portolan::embedded
