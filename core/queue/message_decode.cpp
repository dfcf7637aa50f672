// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/base/json_numbers.h"
#include "core/base/names.h"
#include "core/base/utf8.h"
#include "core/queue/json_scan.h"
#include "core/queue/long_integers.h"
#include "core/queue/message.h"
#include "core/queue/not_json.h"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace portolan::queue {

namespace json = boost::json;

namespace {

constexpr std::string_view codePrefix = "message-";

Error refused(Refused reason, std::string what, std::string hint = {})
{
    Error error = failure(reason == Refused::TooLarge ? ErrorKind::TooLarge : ErrorKind::Protocol, std::move(what),
                          std::move(hint));
    error.code = codePrefix;
    for (const auto &[value, name] : enumNames<Refused>)
        if (value == reason)
            error.code.append(name);
    return error;
}

Error disallowed(Refused reason, std::string what)
{
    return refused(reason, std::move(what), "send JSON: task_serializer = \"json\" and no task_compression");
}

/// What of a foreign text may stand in a sentence.
std::string inQuotes(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text.substr(0, 64))
        out.push_back(c >= 0x20 && c < 0x7F ? c : '?');
    return out + (text.size() > 64 ? "…\"" : "\"");
}

std::string_view textAt(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    if (!value || !value->is_string())
        return {};
    const std::string_view text(value->get_string().data(), value->get_string().size());
    return longInteger(text) ? std::string_view() : text;
}

const json::object *objectAt(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    return value ? value->if_object() : nullptr;
}

std::int64_t integerAt(const json::object &object, std::string_view key, std::int64_t otherwise)
{
    const json::value *value = object.if_contains(key);
    if (!value)
        return otherwise;
    if (value->is_int64())
        return value->get_int64();
    return otherwise;
}

bool trueAt(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    return value && value->is_bool() && value->get_bool();
}

bool sameLetters(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

/// A limit of the pair, in seconds on the wire; absent when null, out of range or no number.
std::optional<std::chrono::milliseconds> limitAt(const json::array &pair, std::size_t index)
{
    if (index >= pair.size() || !pair[index].is_number())
        return std::nullopt;
    const double seconds = pair[index].to_number<double>();
    if (!std::isfinite(seconds) || seconds <= 0 || seconds > 1e9)
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

Result<std::optional<WallTime>> timeAt(const json::object &headers, std::string_view key)
{
    const json::value *value = headers.if_contains(key);
    if (!value || value->is_null())
        return std::optional<WallTime>{};
    const std::optional<WallTime> time = parseIsoTime(textAt(headers, key));
    if (!time)
        return refused(Refused::BadHeader, std::string(key).append(" of a task message is no time"),
                       "write it as 2026-01-31T12:00:00+00:00");
    return time;
}

bool isName(std::string_view name) { return !name.empty() && name.size() <= maxIdBytes; }

/// An id of 1 to 255 bytes, wherever it stands: without one a refusal could not be told to whoever waits.
std::string idOf(std::string_view fromFields, std::string_view correlation)
{
    return std::string(isName(fromFields) ? fromFields : isName(correlation) ? correlation : std::string_view());
}

/// `fields` has what the protocol says about the task: the headers (2), or the body (1).
std::optional<Error> readFields(const json::object &fields, Message &message)
{
    message.task = textAt(fields, "task");
    message.id = idOf(textAt(fields, "id"), message.correlationId);
    message.rootId = textAt(fields, "root_id");
    message.parentId = textAt(fields, "parent_id");
    message.groupId = textAt(fields, message.protocol == 1 && fields.contains("taskset") ? "taskset" : "group");
    if (const std::int64_t index = integerAt(fields, "group_index", -1); index >= 0)
        message.groupIndex = index;
    message.shadow = textAt(fields, "shadow");
    message.origin = textAt(fields, "origin");
    message.argsRepr = textAt(fields, "argsrepr");
    message.kwargsRepr = textAt(fields, "kwargsrepr");
    message.notify = cutText(textAt(fields, "portolan_notify"), maxIdBytes);
    message.ignoreResult = trueAt(fields, "ignore_result");
    message.retries = static_cast<int>(
        std::clamp<std::int64_t>(integerAt(fields, "retries", 0), 0, std::numeric_limits<int>::max() - 1));
    if (const json::value *limits = fields.if_contains("timelimit"); limits && limits->is_array()) {
        message.hardLimit = limitAt(limits->get_array(), 0);
        message.softLimit = limitAt(limits->get_array(), 1);
    }
    if (!isName(message.task))
        return refused(Refused::NoTask, "a task message has no task name of 1 to 255 bytes");
    if (message.id.empty())
        return refused(Refused::NoId, "a task message has no id of 1 to 255 bytes");
    const Result<std::optional<WallTime>> eta = timeAt(fields, "eta");
    if (!eta)
        return eta.error();
    const Result<std::optional<WallTime>> expires = timeAt(fields, "expires");
    if (!expires)
        return expires.error();
    message.eta = *eta;
    message.expires = *expires;
    return std::nullopt;
}

void readProperties(const json::object &properties, Message &message)
{
    message.replyTo = textAt(properties, "reply_to");
    message.correlationId = textAt(properties, "correlation_id");
    message.priority = static_cast<int>(std::clamp<std::int64_t>(integerAt(properties, "priority", 0), 0, 9));
    message.bodyEncoded = textAt(properties, "body_encoding") == "base64";
    if (const json::object *info = objectAt(properties, "delivery_info")) {
        message.exchange = textAt(*info, "exchange");
        message.routingKey = textAt(*info, "routing_key");
        message.redelivered = trueAt(*info, "redelivered");
    }
}

/// How the body is written, which has to be known before it can be read.
std::optional<Error> checkContent(const json::object &root, const json::object *headers, const json::object *properties)
{
    const std::string_view type = textAt(root, "content-type");
    if (!sameLetters(type, "application/json"))
        return disallowed(Refused::ContentType,
                          "a task message with content type " + inQuotes(type) + " was refused; only JSON is accepted");
    if (const std::string_view encoding = textAt(root, "content-encoding");
        !encoding.empty() && !sameLetters(encoding, "utf-8") && !sameLetters(encoding, "utf8"))
        return disallowed(Refused::ContentEncoding,
                          "a task message with content encoding " + inQuotes(encoding) + " was refused");
    if (const std::string_view encoding = properties ? textAt(*properties, "body_encoding") : std::string_view();
        !encoding.empty() && encoding != "base64")
        return disallowed(Refused::ContentEncoding,
                          "a task message with body encoding " + inQuotes(encoding) + " was refused");
    if (const std::string_view compression = headers ? textAt(*headers, "compression") : std::string_view();
        !compression.empty())
        return disallowed(Refused::Compressed,
                          "a task message compressed by " + inQuotes(compression) + " was refused");
    return std::nullopt;
}

Result<std::string> bodyText(const Message &message)
{
    if (!message.bodyEncoded)
        return message.body;
    Result<std::string> bytes = decodeBase64(message.body);
    if (!bytes)
        return refused(Refused::BadBody, "the body of a task message is not base64");
    return bytes;
}

std::string numberText(const scan::NotANumber &found)
{
    return found.token + " at " + inQuotes(found.pointer) + (found.tooLarge ? " is too large a number" : "");
}

Result<json::value> bodyValue(const Message &message)
{
    const Result<std::string> text = bodyText(message);
    if (!text)
        return text.error();
    boost::system::error_code code;
    json::value document = parseExactly(*text, code, maxJsonDepth);
    if (!code && isFinite(document))
        return document;
    if (code == json::error::too_deep)
        return refused(Refused::BadBody,
                       "the body of a task message is nested deeper than " + std::to_string(maxJsonDepth) + " levels");
    if (const auto found = scan::notANumber(*text))
        return refused(Refused::BadBody, "the body of a task message is not JSON: " + numberText(*found));
    return refused(Refused::BadBody, "the body of a task message is not JSON: " + whyNotJson(*text, code));
}

Result<Message> read(Message message)
{
    const auto refuse = [&](Refused reason, std::string what) { return refused(reason, std::move(what)); };
    unsigned char space[8192];
    json::monotonic_resource memory(space, sizeof space);
    json::parse_options options;
    options.max_depth = maxJsonDepth;
    boost::system::error_code code;
    const json::value document = json::parse(message.raw, code, &memory, options);
    if (code || !isFinite(document))
        if (const auto found = scan::notANumber(message.raw))
            return refuse(Refused::NotJson, "a task message is not a JSON object: " + numberText(*found));
    const json::object *root = code ? nullptr : document.if_object();
    if (!root)
        return refuse(Refused::NotJson,
                      "a task message is not a JSON object" + (code ? ": " + whyNotJson(message.raw, code) : ""));
    const json::object *headers = objectAt(*root, "headers");
    const json::object *properties = objectAt(*root, "properties");
    message.bodyEncoded = false;
    if (properties)
        readProperties(*properties, message);
    if (headers)
        message.redelivered = message.redelivered || trueAt(*headers, "redelivered");
    message.protocol = headers && headers->contains("task") ? 2 : 1;
    if (std::optional<Error> error = checkContent(*root, headers, properties))
        return *error;
    const json::value *body = root->if_contains("body");
    if (!body || !body->is_string())
        return refuse(Refused::BadBody, "a task message has no body");
    message.body.assign(body->get_string().data(), body->get_string().size());
    if (message.protocol == 2) {
        if (std::optional<Error> error = readFields(*headers, message))
            return *error;
        return message;
    }
    const Result<json::value> value = bodyValue(message);
    if (!value)
        return value.error();
    if (!value->is_object() || !value->get_object().contains("task"))
        return refuse(Refused::NoTask, "neither the headers nor the body of a task message name a task");
    if (std::optional<Error> error = readFields(value->get_object(), message))
        return *error;
    return message;
}

/// Ids and the like out of what was refused: without building values, since these are what may be wrong with it.
void readWhatCanBe(Message &message)
{
    const auto part = [&](std::string_view name) {
        return scan::member(message.raw, name).value_or(std::string_view());
    };
    const std::string_view headers = part("headers");
    const std::string_view properties = part("properties");
    std::string body;
    std::string_view fields = headers;
    if (!scan::member(headers, "task")) {
        Message holder;
        holder.body = scan::stringMember(message.raw, "body").value_or("");
        holder.bodyEncoded = scan::stringMember(properties, "body_encoding").value_or("") == "base64";
        if (Result<std::string> text = bodyText(holder))
            body = std::move(*text);
        fields = scan::member(body, "task") || scan::member(body, "id") ? std::string_view(body)
                 : scan::member(headers, "id")                          ? headers
                                                                        : std::string_view(message.raw);
    }
    const auto text = [&](std::string_view name) { return scan::stringMember(fields, name).value_or(""); };
    message.correlationId = scan::stringMember(properties, "correlation_id").value_or("");
    message.id = idOf(text("id"), message.correlationId);
    message.task = cutText(text("task"), maxIdBytes);
    message.parentId = text("parent_id");
    message.groupId = text("group");
    message.notify = cutText(text("portolan_notify"), maxIdBytes);
    message.ignoreResult = scan::member(fields, "ignore_result") == std::string_view("true");
}

} // namespace

Refused refusedAs(const Error &error)
{
    for (const auto &[value, name] : enumNames<Refused>)
        if (error.code.starts_with(codePrefix) && std::string_view(error.code).substr(codePrefix.size()) == name)
            return value;
    return Refused::NotJson;
}

Result<Message> decode(std::string raw, Message *readable)
{
    Message message;
    message.raw = std::move(raw);
    const auto refuse = [&](Error error) {
        if (readable) {
            readWhatCanBe(message);
            *readable = std::move(message);
        }
        return error;
    };
    if (message.raw.size() > maxMessageBytes)
        return refuse(refused(Refused::TooLarge, "a task message of " + std::to_string(message.raw.size()) +
                                                     " bytes is over the bound of " + std::to_string(maxMessageBytes)));
    if (!readable)
        return read(std::move(message));
    Result<Message> result = read(message);
    return result ? std::move(result) : Result<Message>(refuse(result.error()));
}

Result<Payload> payload(const Message &message)
{
    Result<json::value> document = bodyValue(message);
    if (!document)
        return document.error();
    Payload result;
    // An absent part and null are the same to clients in other languages: there are no arguments.
    const auto take = [](json::value *part, auto &into) {
        if (!part || part->is_null())
            return true;
        if constexpr (std::is_same_v<decltype(into), json::array &>) {
            if (!part->is_array())
                return false;
            into = std::move(part->get_array());
        } else {
            if (!part->is_object())
                return false;
            into = std::move(part->get_object());
        }
        return true;
    };
    const auto wrong = [](std::string_view part, std::string_view kind) {
        return refused(Refused::BadBody, std::string(part).append(" of a task message are no JSON ").append(kind));
    };
    if (message.protocol == 1) {
        if (!document->is_object())
            return refused(Refused::BadBody, "the body of a task message is not an object");
        json::object &fields = document->get_object();
        if (!take(fields.if_contains("args"), result.args))
            return wrong("the positional arguments", "array");
        if (!take(fields.if_contains("kwargs"), result.kwargs))
            return wrong("the keyword arguments", "object");
        for (const char *name : {"callbacks", "errbacks", "chord"})
            result.embed[name] = fields.contains(name) ? fields.at(name) : json::value();
        return result;
    }
    json::array *parts = document->if_array();
    if (!parts || parts->size() < 2 || parts->size() > 3)
        return refused(Refused::BadBody, "the body of a task message is not [args, kwargs, embed]");
    if (!take(&(*parts)[0], result.args))
        return wrong("the positional arguments", "array");
    if (!take(&(*parts)[1], result.kwargs))
        return wrong("the keyword arguments", "object");
    if (parts->size() == 3 && (*parts)[2].is_object())
        result.embed = std::move((*parts)[2].get_object());
    return result;
}

} // namespace portolan::queue
