#include "core/base/ids.h"
#include "core/queue/message.h"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace portolan::queue {

namespace json = boost::json;

namespace {

Error malformed(std::string what)
{
    Error error = failure(ErrorKind::Protocol, std::move(what), "send Celery's message protocol 2");
    error.code = "message-malformed";
    return error;
}

Error disallowed(std::string what)
{
    Error error =
        failure(ErrorKind::Protocol, std::move(what), "send JSON: task_serializer = \"json\" and no task_compression");
    error.code = "content-disallowed";
    return error;
}

Error tooLarge(std::size_t bytes)
{
    Error error = failure(ErrorKind::TooLarge, "a task message of " + std::to_string(bytes) +
                                                   " bytes is over the bound of " + std::to_string(maxMessageBytes));
    error.code = "message-too-large";
    return error;
}

std::string_view textAt(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    if (!value || !value->is_string())
        return {};
    return {value->get_string().data(), value->get_string().size()};
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
        return malformed(std::string(key).append(" of a task message is no time"));
    return time;
}

bool isName(std::string_view name) { return !name.empty() && name.size() <= maxIdBytes; }

std::optional<Error> readHeaders(const json::object &headers, Message &message)
{
    message.task = textAt(headers, "task");
    if (!isName(message.task))
        return malformed("a task message has no task name of 1 to 255 bytes");
    message.id = textAt(headers, "id");
    if (message.id.empty())
        message.id = message.correlationId;
    if (!isName(message.id))
        return malformed("a task message has no id of 1 to 255 bytes");
    if (const std::string_view compression = textAt(headers, "compression"); !compression.empty())
        return disallowed("a compressed task message was refused");
    message.rootId = textAt(headers, "root_id");
    message.parentId = textAt(headers, "parent_id");
    message.groupId = textAt(headers, "group");
    if (const std::int64_t index = integerAt(headers, "group_index", -1); index >= 0)
        message.groupIndex = index;
    message.shadow = textAt(headers, "shadow");
    message.origin = textAt(headers, "origin");
    message.argsRepr = textAt(headers, "argsrepr");
    message.kwargsRepr = textAt(headers, "kwargsrepr");
    message.notify = textAt(headers, "portolan_notify").substr(0, maxIdBytes);
    message.ignoreResult = trueAt(headers, "ignore_result");
    message.redelivered = message.redelivered || trueAt(headers, "redelivered");
    message.retries = static_cast<int>(
        std::clamp<std::int64_t>(integerAt(headers, "retries", 0), 0, std::numeric_limits<int>::max() - 1));
    if (const json::value *limits = headers.if_contains("timelimit"); limits && limits->is_array()) {
        message.hardLimit = limitAt(limits->get_array(), 0);
        message.softLimit = limitAt(limits->get_array(), 1);
    }
    const Result<std::optional<WallTime>> eta = timeAt(headers, "eta");
    if (!eta)
        return eta.error();
    const Result<std::optional<WallTime>> expires = timeAt(headers, "expires");
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

} // namespace

Result<Message> decode(std::string raw)
{
    if (raw.size() > maxMessageBytes)
        return tooLarge(raw.size());
    Message message;
    message.raw = std::move(raw);

    unsigned char space[8192];
    json::monotonic_resource memory(space, sizeof space);
    json::parse_options options;
    options.max_depth = maxJsonDepth;
    boost::system::error_code code;
    const json::value document = json::parse(message.raw, code, &memory, options);
    const json::object *root = code ? nullptr : document.if_object();
    if (!root)
        return malformed("a task message is not a JSON object");
    const json::object *headers = objectAt(*root, "headers");
    if (!headers || !headers->contains("task"))
        return malformed("a task message has no headers of protocol 2");
    const json::value *body = root->if_contains("body");
    if (!body || !body->is_string())
        return malformed("a task message has no body");
    if (const json::object *properties = objectAt(*root, "properties"))
        readProperties(*properties, message);
    else
        message.bodyEncoded = false;
    // The name and id first: a message refused for its content still gets a result.
    if (std::optional<Error> error = readHeaders(*headers, message))
        return *error;
    if (!sameLetters(textAt(*root, "content-type"), "application/json"))
        return disallowed("a task message with content type \"" +
                          std::string(textAt(*root, "content-type").substr(0, 64)) + "\" was refused");
    if (const std::string_view encoding = textAt(*root, "content-encoding");
        !encoding.empty() && !sameLetters(encoding, "utf-8") && !sameLetters(encoding, "utf8"))
        return disallowed("a task message with content encoding \"" + std::string(encoding.substr(0, 64)) +
                          "\" was refused");
    message.body.assign(body->get_string().data(), body->get_string().size());
    return message;
}

Result<Payload> payload(const Message &message)
{
    std::string decoded;
    std::string_view body = message.body;
    if (message.bodyEncoded) {
        Result<std::string> bytes = decodeBase64(message.body);
        if (!bytes)
            return malformed("the body of a task message is not base64");
        decoded = std::move(*bytes);
        body = decoded;
    }
    json::parse_options options;
    options.max_depth = maxJsonDepth;
    boost::system::error_code code;
    json::value document = json::parse(json::string_view(body.data(), body.size()), code, {}, options);
    json::array *parts = code ? nullptr : document.if_array();
    if (!parts || parts->size() < 2 || parts->size() > 3 || !(*parts)[0].is_array() || !(*parts)[1].is_object())
        return malformed("the body of a task message is not [args, kwargs, embed]");
    Payload result;
    result.args = std::move((*parts)[0].get_array());
    result.kwargs = std::move((*parts)[1].get_object());
    if (parts->size() == 3 && (*parts)[2].is_object())
        result.embed = std::move((*parts)[2].get_object());
    return result;
}

} // namespace portolan::queue
