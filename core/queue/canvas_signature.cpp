// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/canvas_signature.h"

#include "core/queue/json_text.h"
#include "core/queue/long_integers.h"
#include "core/queue/message.h"
#include "core/queue/results.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cmath>

namespace portolan::queue {

namespace json = boost::json;

Kind kindOf(const json::object &signature)
{
    const std::string_view task = textOf(signature, "task");
    const std::string_view type = textOf(signature, "subtask_type");
    return task == "celery.group" || type == "group"   ? Kind::Group
           : task == "celery.chain" || type == "chain" ? Kind::Chain
           : task == "celery.chord" || type == "chord" ? Kind::Chord
                                                       : Kind::Task;
}

json::object &objectAt(json::object &parent, std::string_view key)
{
    json::value &member = parent[key];
    if (!member.is_object())
        member.emplace_object();
    return member.get_object();
}

const json::value *argumentOf(const json::object &signature, std::string_view key)
{
    const json::value *kwargs = signature.if_contains("kwargs");
    return kwargs && kwargs->is_object() ? kwargs->get_object().if_contains(key) : nullptr;
}

void setMissing(json::object &options, std::string_view key, const json::value &value)
{
    if (const json::value *known = options.if_contains(key); !known || known->is_null())
        options[key] = value;
}

void extendList(json::object &options, std::string_view key, const json::value *more)
{
    json::array list = signatureList(options.if_contains(key));
    for (json::value &one : signatureList(more))
        if (std::ranges::find(list, one) == list.end())
            list.push_back(std::move(one));
    if (!list.empty())
        options[key] = std::move(list);
}

bool isOwnOption(std::string_view key)
{
    constexpr std::string_view keys[] = {"task_id", "group_id",  "group_index", "chord",     "chain",
                                         "root_id", "parent_id", "link",        "link_error"};
    return std::ranges::find(keys, key) != std::end(keys);
}

bool readTime(const json::value *value, WallTime now, std::optional<WallTime> &into)
{
    if (!value || value->is_null())
        return true;
    if (value->is_number()) {
        const double seconds = value->to_number<double>();
        if (!std::isfinite(seconds) || std::abs(seconds) > 1e9)
            return false;
        into = now + std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds));
        return true;
    }
    if (const json::object *typed = value->if_object())
        into = parseIsoTime(textOf(*typed, "__value__"));
    else if (value->is_string())
        into = parseIsoTime(std::string_view(value->get_string()));
    return into.has_value();
}

std::optional<std::chrono::milliseconds> limitOf(const json::object &options, std::string_view key)
{
    const json::value *value = options.if_contains(key);
    const double seconds = value && value->is_number() ? value->to_number<double>() : 0;
    if (!std::isfinite(seconds) || seconds <= 0 || seconds > 1e9)
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::optional<std::int64_t> integerOf(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    return value && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

json::array signatureList(const json::value *value)
{
    if (!value || value->is_null())
        return {};
    return value->is_array() ? value->get_array() : json::array{*value};
}

const json::object &optionsOf(const json::object &signature)
{
    static const json::object none;
    const json::value *options = signature.if_contains("options");
    return options && options->is_object() ? options->get_object() : none;
}

std::string_view textOf(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    const std::string_view text = value && value->is_string() ? std::string_view(value->get_string()) : "";
    return longInteger(text) ? std::string_view() : text;
}

std::string chordMember(std::string_view id, std::string_view state, std::string_view result)
{
    std::string out = "[1, ";
    text::appendString(out, id);
    out.append(", \"").append(state).append("\", ").append(result).append("]");
    return out;
}

std::string shortFailure(std::string_view failure)
{
    boost::system::error_code code;
    const json::value read = json::parse(failure, code);
    const json::object *error = code ? nullptr : read.if_object();
    const std::string type(error ? textOf(*error, "exc_type") : std::string_view());
    return failureJson({type.empty() || type.size() > maxIdBytes ? "Exception" : type,
                        "what it was to follow has failed; its own result says why",
                        "builtins",
                        {}});
}

} // namespace portolan::queue
