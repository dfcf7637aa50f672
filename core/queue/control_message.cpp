// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/control_message.h"

#include "core/base/ids.h"
#include "core/base/json_numbers.h"
#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"

#include <boost/json/parse.hpp>

#include <cstdio>

namespace portolan::queue {

namespace json = boost::json;
using text::appendNumber;
using text::appendString;

namespace {

std::string envelope(std::string_view body, std::string_view headers, std::string_view exchange,
                     std::string_view routingKey, int deliveryMode)
{
    std::string out = R"({"body": ")";
    out.append(encodeBase64(body));
    out.append(R"(", "content-encoding": "utf-8", "content-type": "application/json", "headers": )").append(headers);
    out.append(R"(, "properties": {"delivery_mode": )");
    appendNumber(out, deliveryMode);
    out.append(R"(, "delivery_info": {"exchange": )");
    appendString(out, exchange);
    out.append(R"(, "routing_key": )");
    appendString(out, routingKey);
    out.append(R"(}, "priority": 0, "body_encoding": "base64", "delivery_tag": ")").append(uuid4()).append("\"}}");
    return out;
}

struct Opened
{
    json::object headers;
    json::value body;
};

Result<Opened> open(std::string_view raw, std::size_t most)
{
    const auto refuse = [] { return failure(ErrorKind::Protocol, "a remote-control message cannot be read"); };
    if (raw.size() > most)
        return refuse();
    json::parse_options options;
    options.max_depth = maxJsonDepth;
    boost::system::error_code code;
    json::value document = json::parse(json::string_view(raw.data(), raw.size()), code, {}, options);
    json::object *root = code ? nullptr : document.if_object();
    const json::value *body = root ? root->if_contains("body") : nullptr;
    const json::value *type = root ? root->if_contains("content-type") : nullptr;
    if (!body || !body->is_string() || !type || *type != "application/json")
        return refuse();
    std::string_view text(body->get_string().data(), body->get_string().size());
    const json::value *properties = root->if_contains("properties");
    const json::value *encoding =
        properties && properties->is_object() ? properties->get_object().if_contains("body_encoding") : nullptr;
    std::string decoded;
    if (encoding && *encoding == "base64") {
        Result<std::string> bytes = decodeBase64(text);
        if (!bytes)
            return refuse();
        decoded = std::move(*bytes);
        text = decoded;
    }
    Opened opened;
    opened.body = json::parse(json::string_view(text.data(), text.size()), code, {}, options);
    if (code || !isFinite(opened.body) || !isFinite(document))
        return refuse();
    if (json::value *headers = root->if_contains("headers"); headers && headers->is_object())
        opened.headers = std::move(headers->get_object());
    return opened;
}

std::string textAt(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    const json::string *string = value ? value->if_string() : nullptr;
    return string ? std::string(string->data(), string->size()) : std::string();
}

} // namespace

std::string controlChannel(unsigned database)
{
    char channel[40];
    std::snprintf(channel, sizeof channel, "/%u.celery.pidbox", database);
    return channel;
}

std::string eventChannel(unsigned database, std::string_view type)
{
    char prefix[40];
    std::snprintf(prefix, sizeof prefix, "/%u.celeryev/", database);
    std::string channel = prefix;
    for (const char c : type)
        channel.push_back(c == '-' ? '.' : c);
    return channel;
}

std::string encode(const ControlRequest &request)
{
    json::object body{{"method", request.method}, {"arguments", request.arguments}};
    if (request.destination.empty())
        body["destination"] = nullptr;
    else
        body["destination"] = json::array(request.destination.begin(), request.destination.end());
    body["pattern"] = nullptr;
    body["matcher"] = nullptr;
    if (!request.replyTo.empty()) {
        body["ticket"] = request.ticket;
        body["reply_to"] =
            json::object{{"exchange", std::string(keys::replyExchange)}, {"routing_key", request.replyTo}};
    }
    std::string headers = R"({"clock": )";
    appendNumber(headers, request.clock);
    headers.append(R"(, "expires": )");
    appendNumber(headers, std::chrono::system_clock::to_time_t(request.sent) + 10);
    headers.append("}");
    return envelope(jsonText(body), headers, "celery.pidbox", "", 2);
}

Result<ControlRequest> decodeControl(std::string_view raw)
{
    Result<Opened> opened = open(raw, maxControlBytes);
    if (!opened)
        return opened.error();
    json::object *body = opened->body.if_object();
    if (!body)
        return failure(ErrorKind::Protocol, "a remote-control request is no object");
    ControlRequest request;
    request.method = textAt(*body, "method");
    request.ticket = textAt(*body, "ticket");
    request.pattern = textAt(*body, "pattern");
    request.matcher = textAt(*body, "matcher");
    if (json::value *arguments = body->if_contains("arguments"); arguments && arguments->is_object())
        request.arguments = std::move(arguments->get_object());
    if (const json::value *nodes = body->if_contains("destination"); nodes && nodes->is_array())
        for (const json::value &node : nodes->get_array())
            if (node.is_string())
                request.destination.emplace_back(node.get_string().data(), node.get_string().size());
    if (const json::value *reply = body->if_contains("reply_to"); reply && reply->is_object()) {
        request.replyTo = textAt(reply->get_object(), "routing_key");
        request.replyExchange = textAt(reply->get_object(), "exchange");
    }
    if (const json::value *clock = opened->headers.if_contains("clock"); clock && clock->is_int64())
        request.clock = static_cast<std::uint64_t>(std::max<std::int64_t>(clock->get_int64(), 0));
    return request;
}

std::string encodeReply(std::string_view body, std::string_view exchange, std::string_view routingKey,
                        std::string_view ticket, std::uint64_t clock)
{
    std::string headers = R"({"ticket": )";
    appendString(headers, ticket);
    headers.append(R"(, "clock": )");
    appendNumber(headers, clock);
    headers.append("}");
    return envelope(body, headers, exchange, routingKey, 1);
}

Result<ControlReply> decodeReply(std::string_view raw)
{
    Result<Opened> opened = open(raw, maxMessageBytes);
    if (!opened)
        return opened.error();
    json::object *nodes = opened->body.if_object();
    if (!nodes)
        return failure(ErrorKind::Protocol, "a remote-control reply is no object");
    ControlReply reply;
    reply.ticket = textAt(opened->headers, "ticket");
    reply.nodes = std::move(*nodes);
    return reply;
}

std::string encodeEvent(std::string_view body, std::string_view type, std::string_view node)
{
    std::string headers = R"({"hostname": )";
    appendString(headers, node);
    headers.append("}");
    std::string routingKey(type);
    for (char &c : routingKey)
        if (c == '-')
            c = '.';
    return envelope(body, headers, "celeryev", routingKey, 1);
}

} // namespace portolan::queue
