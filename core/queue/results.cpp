#include "core/queue/results.h"

#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"
#include "core/redis/subscriber.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace portolan::queue {

namespace json = boost::json;

namespace {

std::string textOf(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    if (!value || value->is_null())
        return {};
    if (value->is_string())
        return std::string(value->get_string().data(), value->get_string().size());
    return json::serialize(*value);
}

std::uint64_t countOf(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    if (!value || !value->is_number())
        return 0;
    boost::system::error_code code;
    const auto number = value->to_number<std::uint64_t>(code);
    return code ? 0 : number;
}

/// exc_message is the exception's arguments: one alone is shown bare, several as a list; Celery also writes a text.
std::string messageOf(const json::object &failure)
{
    const json::value *value = failure.if_contains("exc_message");
    const json::array *parts = value ? value->if_array() : nullptr;
    if (!parts)
        return textOf(failure, "exc_message");
    std::string out;
    for (const json::value &part : *parts) {
        if (!out.empty())
            out.append(", ");
        if (part.is_string())
            out.append(part.get_string().data(), part.get_string().size());
        else
            out.append(json::serialize(part));
    }
    return out;
}

void readOutcome(json::value *outcome, const json::object &root, TaskResult &result)
{
    json::object *object = outcome ? outcome->if_object() : nullptr;
    if (result.state == state::progress && object) {
        result.progress = Progress{countOf(*object, "done"), countOf(*object, "total"), textOf(*object, "note")};
    } else if (result.state == state::failure || result.state == state::retry || result.state == state::revoked) {
        TaskFailure failure;
        if (object) {
            failure.type = textOf(*object, "exc_type");
            failure.message = messageOf(*object);
            failure.module = textOf(*object, "exc_module");
        } else if (outcome && outcome->is_string()) {
            failure.message = std::string(outcome->get_string().data(), outcome->get_string().size());
        }
        failure.traceback = textOf(root, "traceback");
        result.failure = std::move(failure);
    } else if (outcome) {
        result.result = std::move(*outcome);
    }
}

} // namespace

Result<TaskResult> parseResult(std::string_view text)
{
    const auto refuse = [] { return failure(ErrorKind::Protocol, "a stored task result is not what Celery writes"); };
    if (text.size() > 2 * maxMessageBytes)
        return refuse();
    json::parse_options options;
    options.max_depth = 2 * maxJsonDepth;
    boost::system::error_code code;
    json::value document = json::parse(json::string_view(text.data(), text.size()), code, {}, options);
    json::object *root = code ? nullptr : document.if_object();
    if (!root)
        return refuse();
    TaskResult result;
    result.id = textOf(*root, "task_id");
    result.state = textOf(*root, "status");
    if (result.state.empty())
        return refuse();
    result.dateDone = parseIsoTime(textOf(*root, "date_done"));
    result.started = parseIsoTime(textOf(*root, "started"));
    readOutcome(root->if_contains("result"), *root, result);
    return result;
}

std::string resultJson(std::string_view state, std::string_view result, const ResultOrigin &origin,
                       std::string_view traceback)
{
    std::string out;
    out.reserve(result.size() + traceback.size() + 220);
    out.append(R"({"status": ")").append(state).append(R"(", "result": )").append(result);
    out.append(R"(, "traceback": )");
    if (traceback.empty())
        out.append("null");
    else
        text::appendString(out, traceback);
    out.append(R"(, "children": [], "date_done": ")").append(isoTime(origin.done)).append("\"");
    if (origin.started)
        out.append(R"(, "started": ")").append(isoTime(*origin.started)).append("\"");
    if (!origin.groupId.empty()) {
        out.append(R"(, "group_id": )");
        text::appendString(out, origin.groupId);
    }
    if (!origin.parentId.empty()) {
        out.append(R"(, "parent_id": )");
        text::appendString(out, origin.parentId);
    }
    out.append(R"(, "task_id": )");
    text::appendString(out, origin.id);
    out.append("}");
    return out;
}

std::string failureJson(const TaskFailure &failure)
{
    std::string out = R"({"exc_type": )";
    text::appendString(out, failure.type);
    out.append(R"(, "exc_message": [)");
    text::appendString(out, failure.message);
    out.append(R"(], "exc_module": )");
    text::appendString(out, failure.module);
    out.append("}");
    return out;
}

ResultEvents::ResultEvents(redis::Subscriber &subscriber) : m_subscriber(subscriber) {}

namespace {

auto parsing(ResultEvents::Handler handler)
{
    return [handler = std::move(handler)](std::string_view, std::string_view payload) {
        if (const Result<TaskResult> result = parseResult(payload))
            handler(*result);
    };
}

} // namespace

std::shared_ptr<void> ResultEvents::watch(std::string_view taskId, Handler handler)
{
    return m_subscriber.subscribe(keys::result(taskId), parsing(std::move(handler)));
}

std::shared_ptr<void> ResultEvents::watchTopic(std::string_view topic, Handler handler)
{
    return m_subscriber.subscribe(keys::notify(topic), parsing(std::move(handler)));
}

} // namespace portolan::queue
