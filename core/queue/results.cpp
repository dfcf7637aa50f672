#include "core/queue/results.h"

#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"
#include "core/redis/subscriber.h"

namespace portolan::queue {

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
    out.append(R"(, "children": )")
        .append(origin.children)
        .append(R"(, "date_done": ")")
        .append(isoTime(origin.done))
        .append("\"");
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

std::shared_ptr<void> ResultEvents::watchTopic(std::string_view topic, Handler handler)
{
    // Only our own workers publish here; what names no task could not be handed on.
    auto read = [handler = std::move(handler)](std::string_view, std::string_view payload) {
        if (const Result<TaskResult> result = parseResult(payload))
            handler(*result);
    };
    return m_subscriber.subscribe(keys::notify(topic), std::move(read));
}

} // namespace portolan::queue
