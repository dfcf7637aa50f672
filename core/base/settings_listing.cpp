// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/base/settings.h"

#include <algorithm>

/// Settings as check-config shows them.
namespace portolan {

namespace {

/// A description says "…; empty: what that means; …".
std::string meaningOfEmpty(std::string_view description)
{
    constexpr std::string_view mark = "empty: ";
    const auto at = description.find(mark);
    if (at == std::string_view::npos)
        return "(not set)";
    const auto meaning = description.substr(at + mark.size());
    return "(" + std::string(meaning.substr(0, meaning.find(';'))) + ")";
}

/// Somebody may have mixed up two variables, so any text may be an address. Of those in a list each is looked at, and
/// where one has something to hide the list is one text: what separates them may be part of a password.
std::string shownValue(const std::string &text, ValueType type, const SettingSpec *spec)
{
    if (spec && spec->secret)
        return std::string(text.empty() ? "" : maskedText);
    const bool path = text.starts_with('/') || text.starts_with('.');
    const bool mail = spec && !spec->address && type == ValueType::Text && text.find_first_of(":/=?") == text.npos;
    const bool address = spec ? !path && !mail : text.find('@') != std::string::npos;
    if (!address && text.find("://") == std::string::npos)
        return maskSecrets(text);
    if (type != ValueType::List)
        return maskAddress(text);
    constexpr std::string_view separators = ", \t";
    bool plain = text.find('@') == std::string::npos && maskSecrets(text) == text; // "password = x" is three items
    for (std::size_t at = 0; plain && at < text.size();) {
        const auto end = std::min(text.find_first_of(separators, at), text.size());
        plain = maskAddress(text.substr(at, end - at)) == text.substr(at, end - at);
        at = end + 1;
    }
    return plain ? text : maskAddresses(text);
}

/// Why what a tier says of a Redis plan bounds nothing here.
std::string_view whyUnplanned(std::string_view key, bool planned)
{
    const bool ofPlan = key == "redis.commands_per_second" || key == "redis.traffic_per_month";
    return ofPlan && !planned ? "the private redis-server is nobody's plan" : std::string_view();
}

} // namespace

std::vector<Settings::Line> Settings::lines() const
{
    std::vector<Line> lines;
    const auto add = [&](const std::string &key, const Effective &value, std::string_view description,
                         std::string_view noEffect) {
        lines.push_back({key, shownValue(value.text, value.type, value.spec), value.origin, value.where,
                         std::string(description), std::string(noEffect)});
    };
    for (const auto &spec : settingSchema())
        add(std::string(spec.key), m_values.find(spec.key)->second, spec.description, spec.noEffect);
    for (const auto &key : tierKeys())
        for (const auto &[name, text] : key.get(m_tier)) {
            const std::string full = name.empty() ? key.key : key.key.substr(0, key.key.size() - 1) + name;
            add(full, m_values.find(full)->second, key.description,
                key.noEffect.empty() ? whyUnplanned(key.key, isSet("redis.url")) : key.noEffect);
        }
    return lines;
}

std::string Settings::render() const
{
    auto all = lines();
    for (auto &line : all) {
        if (line.value.empty())
            line.value = meaningOfEmpty(line.description);
        line.value = visible(line.value); // key patterns hold control characters
    }
    std::size_t keyWidth = 0;
    std::size_t valueWidth = 0;
    for (const auto &line : all) {
        keyWidth = std::max(keyWidth, line.key.size());
        valueWidth = std::max(valueWidth, std::min<std::size_t>(line.value.size(), 48));
    }
    std::string text;
    for (const auto &line : all) {
        text.append(line.key).append(keyWidth - line.key.size() + 2, ' ');
        text.append(line.value);
        text.append(line.value.size() < valueWidth ? valueWidth - line.value.size() + 2 : 2, ' ');
        text.append(enumName(line.origin));
        if (!line.where.empty())
            text.append(" (").append(visible(line.where)).append(1, ')');
        if (!line.noEffect.empty())
            text.append(", no effect: ").append(line.noEffect);
        text += '\n';
    }
    return text;
}

} // namespace portolan
