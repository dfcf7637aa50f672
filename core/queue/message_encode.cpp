// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/base/json_numbers.h"
#include "core/base/units.h"
#include "core/queue/json_scan.h"
#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/long_integers.h"
#include "core/queue/message.h"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace portolan::queue {

using text::appendNumber;
using text::appendString;

namespace {

void appendTime(std::string &out, const std::optional<WallTime> &time)
{
    if (time)
        out.append("\"").append(isoTime(*time)).append("\"");
    else
        out.append("null");
}

void appendSeconds(std::string &out, const std::optional<std::chrono::milliseconds> &limit)
{
    if (!limit) {
        out.append("null");
        return;
    }
    if (limit->count() % 1000 == 0) {
        appendNumber(out, limit->count() / 1000);
        return;
    }
    out.append(fixedText(double(limit->count()) / 1000, 3));
}

void appendStringOrNull(std::string &out, std::string_view text)
{
    if (text.empty())
        out.append("null");
    else
        appendString(out, text);
}

std::string bodyOf(const NewTask &task)
{
    std::string body = "[";
    text::appendValue(body, task.args);
    body.append(", ");
    text::appendValue(body, task.kwargs);
    body.append(", {");
    for (const std::string_view part : {"callbacks", "errbacks", "chain", "chord"}) {
        if (body.back() != '{')
            body.append(", ");
        appendString(body, part);
        body.append(": ");
        const boost::json::value *value = task.embed.if_contains(part);
        text::appendValue(body, value ? *value : boost::json::value());
    }
    body.append("}]");
    return body;
}

bool isProtocolHeader(std::string_view name)
{
    constexpr std::string_view names[] = {"lang",      "task",        "id",          "shadow",         "eta",
                                          "expires",   "group",       "group_index", "retries",        "root_id",
                                          "parent_id", "argsrepr",    "kwargsrepr",  "origin",         "ignore_result",
                                          "timelimit", "compression", "redelivered", "portolan_notify"};
    return std::ranges::find(names, name) != std::end(names);
}

void appendHeaders(std::string &out, const NewTask &task, std::string_view origin)
{
    out.append(R"("headers": {"lang": "py", "task": )");
    appendString(out, task.name);
    out.append(R"(, "id": )");
    appendString(out, task.id);
    out.append(R"(, "shadow": )");
    appendStringOrNull(out, task.shadow);
    out.append(R"(, "eta": )");
    appendTime(out, task.eta);
    out.append(R"(, "expires": )");
    appendTime(out, task.expires);
    out.append(R"(, "group": )");
    appendStringOrNull(out, task.groupId);
    out.append(R"(, "group_index": )");
    out.append(task.groupIndex ? std::to_string(*task.groupIndex) : "null");
    out.append(R"(, "retries": )");
    appendNumber(out, task.retries);
    out.append(R"(, "timelimit": [)");
    appendSeconds(out, task.hardLimit);
    out.append(", ");
    appendSeconds(out, task.softLimit);
    out.append(R"(], "root_id": )");
    appendString(out, task.rootId.empty() ? task.id : task.rootId);
    out.append(R"(, "parent_id": )");
    appendStringOrNull(out, task.parentId);
    out.append(R"(, "argsrepr": )");
    appendString(out, pythonRepr(task.args));
    out.append(R"(, "kwargsrepr": )");
    appendString(out, pythonRepr(task.kwargs));
    out.append(R"(, "origin": )");
    appendString(out, origin);
    out.append(task.ignoreResult ? R"(, "ignore_result": true)" : R"(, "ignore_result": false)");
    if (!task.notify.empty()) {
        out.append(R"(, "portolan_notify": )");
        appendString(out, task.notify);
    }
    for (const auto &header : task.headers) {
        if (isProtocolHeader(header.key()))
            continue;
        out.append(", ");
        appendString(out, header.key());
        out.append(": ");
        text::appendValue(out, header.value());
    }
    out.append("}");
}

void appendProperties(std::string &out, const NewTask &task, std::string_view replyTo)
{
    out.append(R"("properties": {"correlation_id": )");
    appendString(out, task.id);
    out.append(R"(, "reply_to": )");
    appendString(out, replyTo);
    out.append(R"(, "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": )");
    appendString(out, task.queue);
    out.append(R"(}, "priority": )");
    appendNumber(out, task.priority);
    out.append(R"(, "body_encoding": "base64", "delivery_tag": ")");
    out.append(newTaskId());
    out.append("\"}");
}

/// Sets a member of an object that may be absent or of another type.
boost::json::object &objectAt(boost::json::object &parent, std::string_view key)
{
    boost::json::value &member = parent[key];
    if (!member.is_object())
        member.emplace_object();
    return member.get_object();
}

void changeId(boost::json::object &headers, boost::json::object &properties, const std::string &id)
{
    const boost::json::value *old = headers.if_contains("id");
    const boost::json::value *root = headers.if_contains("root_id");
    if (old && root && *old == *root)
        headers["root_id"] = id;
    headers["id"] = id;
    properties["correlation_id"] = id;
    properties["delivery_tag"] = newTaskId();
}

/// Protocol 1 has these in the body: there only the members that change are written anew.
Result<void> changeBody(boost::json::object &root, boost::json::object &properties, const Changes &changes)
{
    if (!changes.retries && !changes.id && !changes.setEta && !changes.clearExpires)
        return {};
    const boost::json::value *body = root.if_contains("body");
    if (!body || !body->is_string())
        return failure(ErrorKind::Protocol, "the message has no body");
    const boost::json::value *encoding = properties.if_contains("body_encoding");
    const bool encoded = encoding && *encoding == "base64";
    std::string text(body->get_string().data(), body->get_string().size());
    if (encoded) {
        Result<std::string> decoded = decodeBase64(text);
        if (!decoded)
            return decoded.error();
        text = std::move(*decoded);
    }
    std::vector<std::pair<std::string_view, std::string>> members;
    if (changes.retries)
        members.emplace_back("retries", std::to_string(*changes.retries));
    if (changes.id) {
        members.emplace_back("id", std::string());
        appendString(members.back().second, *changes.id);
        properties["correlation_id"] = *changes.id;
        properties["delivery_tag"] = newTaskId();
    }
    if (changes.setEta) {
        members.emplace_back("eta", std::string());
        appendTime(members.back().second, changes.eta);
    }
    if (changes.clearExpires)
        members.emplace_back("expires", "null");
    text = scan::withMembers(text, members);
    root["body"] = encoded ? encodeBase64(text) : text;
    return {};
}

} // namespace

std::string encode(const NewTask &task, std::string_view origin, std::string_view replyTo)
{
    std::string out;
    const std::string body = encodeBase64(bodyOf(task));
    out.reserve(body.size() + 1100);
    out.append(R"({"body": ")").append(body);
    out.append(R"(", "content-encoding": "utf-8", "content-type": "application/json", )");
    appendHeaders(out, task, origin);
    out.append(", ");
    appendProperties(out, task, replyTo);
    out.append("}");
    return out;
}

Result<void> validate(const NewTask &task)
{
    std::vector<FieldError> errors;
    const auto name = [&](const char *pointer, const std::string &value, bool required) {
        const bool printable = std::ranges::all_of(value, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
        if ((required && value.empty()) || value.size() > maxIdBytes || !printable || !text::isUtf8(value))
            errors.push_back({pointer, "must be 1 to 255 bytes of printable UTF-8"});
    };
    name("/name", task.name, true);
    name("/queue", task.queue, true);
    name("/id", task.id, false);
    name("/root_id", task.rootId, false);
    name("/parent_id", task.parentId, false);
    name("/notify", task.notify, false);
    name("/group_id", task.groupId, false);
    name("/shadow", task.shadow, false);
    if (task.priority < 0 || task.priority > 9)
        errors.push_back({"/priority", "must be 0 to 9"});
    if (task.retries < 0)
        errors.push_back({"/retries", "must not be negative"});
    if (errors.empty())
        return {};
    Error error = failure(ErrorKind::Invalid, "this task cannot be enqueued");
    error.fields = std::move(errors);
    return error;
}

Result<std::string> rewrite(std::string_view raw, const Changes &changes)
{
    boost::system::error_code code;
    boost::json::value document = parseExactly(raw, code, maxJsonDepth);
    if (code || !document.is_object() || !isFinite(document))
        return failure(ErrorKind::Protocol, "the message is not a JSON object");
    boost::json::object &root = document.get_object();
    boost::json::object &headers = objectAt(root, "headers");
    boost::json::object &properties = objectAt(root, "properties");
    if (changes.redelivered) {
        headers["redelivered"] = *changes.redelivered;
        objectAt(properties, "delivery_info")["redelivered"] = *changes.redelivered;
    }
    if (!headers.contains("task")) {
        if (Result<void> changed = changeBody(root, properties, changes); !changed)
            return changed.error();
        return text::ofValue(document);
    }
    if (changes.retries)
        headers["retries"] = *changes.retries;
    if (changes.id)
        changeId(headers, properties, *changes.id);
    if (changes.setEta) {
        if (changes.eta)
            headers["eta"] = isoTime(*changes.eta);
        else
            headers["eta"] = nullptr;
    }
    if (changes.clearExpires)
        headers["expires"] = nullptr;
    return text::ofValue(document);
}

std::string newTaskId() { return uuid4(); }

} // namespace portolan::queue
