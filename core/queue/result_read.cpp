// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_numbers.h"
#include "core/base/masking.h"
#include "core/base/utf8.h"
#include "core/queue/json_scan.h"
#include "core/queue/json_text.h"
#include "core/queue/long_integers.h"
#include "core/queue/message.h"
#include "core/queue/not_json.h"
#include "core/queue/progress_read.h"
#include "core/queue/results.h"

#include <boost/json/parse.hpp>

#include <algorithm>

/// Reading what is stored for a task by whoever wrote it: our workers, Celery's of any version, and tasks that call
/// `update_state` with a meta of their own making.
namespace portolan::queue {

namespace json = boost::json;

namespace {

constexpr std::size_t longestMeta = 4096;

std::string textOf(const json::object &object, std::string_view key)
{
    const json::value *value = object.if_contains(key);
    if (!value || value->is_null())
        return {};
    if (value->is_string())
        return std::string(value->get_string().data(), value->get_string().size());
    return jsonText(*value);
}

std::string cut(std::string text, std::size_t most)
{
    return text.size() <= most ? text : std::string(cutText(text, most)) + "…";
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
            out.append(jsonText(part));
    }
    return out;
}

/// A failure a task wrote by itself (`update_state(state="FAILURE", meta={"error": …})`): all of the meta is shown, a
/// meta of one text as that text.
TaskFailure failureOfMeta(const json::value *meta, std::string_view state)
{
    TaskFailure failure;
    failure.type = state;
    for (std::size_t i = 1; i < failure.type.size(); ++i)
        if (failure.type[i] >= 'A' && failure.type[i] <= 'Z')
            failure.type[i] = char(failure.type[i] - 'A' + 'a');
    if (!meta || meta->is_null())
        return failure;
    const json::object *object = meta->if_object();
    const json::value *only = object && object->size() == 1 ? &object->begin()->value() : meta;
    if (const json::string *text = only->if_string())
        failure.message = cut(maskSecrets(std::string_view(text->data(), text->size())), longestMeta);
    else
        failure.message = cut(maskSecrets(jsonText(*meta)), longestMeta);
    return failure;
}

std::string lastLine(std::string_view traceback)
{
    while (traceback.ends_with('\n'))
        traceback.remove_suffix(1);
    return std::string(traceback.substr(traceback.rfind('\n') + 1));
}

bool isFailure(std::string_view name)
{
    return name == state::failure || name == state::retry || name == state::revoked;
}

/// An error repeats what it was given, such as the URL of a broker with its password: nothing of it is shown unmasked.
TaskFailure failureOf(const json::value *outcome, const json::object &root, std::string_view state)
{
    const json::object *object = outcome ? outcome->if_object() : nullptr;
    TaskFailure failure;
    const auto given = [&](std::string_view name) {
        const json::value *value = object ? object->if_contains(name) : nullptr;
        return value && !value->is_null();
    };
    if (given("exc_type") || given("exc_message")) {
        failure.type = textOf(*object, "exc_type");
        failure.message = maskSecrets(messageOf(*object));
        failure.module = textOf(*object, "exc_module");
    } else {
        const bool empty = object && (object->contains("exc_type") || object->contains("exc_message"));
        failure = failureOfMeta(empty ? nullptr : outcome, state);
    }
    failure.traceback = maskSecrets(textOf(root, "traceback"));
    if (failure.message.empty() && failure.type.size() <= state.size() && !failure.traceback.empty())
        failure.message = cut(lastLine(failure.traceback), longestMeta);
    if (failure.message.empty() && failure.type.size() <= state.size() && state == state::failure)
        failure.message = "The task gave no reason.";
    return failure;
}

void readOutcome(json::value *outcome, const json::object &root, TaskResult &result)
{
    if (isFailure(result.state)) {
        result.failure = failureOf(outcome, root, result.state);
    } else if (result.state == state::progress) {
        result.progress = outcome ? progressOf(*outcome).value_or(Progress{}) : Progress{};
        if (outcome && *result.progress == Progress{})
            result.progress->note = progressNote(*outcome);
    } else if (outcome) {
        // A state of the task's own: its figures count just as well.
        if (!result.ended() && result.state != state::started && result.state != state::pending)
            result.progress = progressOf(*outcome);
        result.result = std::move(*outcome);
    }
}

/// What the task returned stands there, but no JSON reader outside Python can read it, or no double holds it.
void refuseNumber(TaskResult &result, const scan::NotANumber &found)
{
    const std::string_view where = found.pointer;
    result.state = state::failure;
    result.result = nullptr;
    result.failure = TaskFailure{"ResultNotJson",
                                 "The task's result is not JSON: it holds " + found.token +
                                     (where.empty() ? std::string() : " at " + text::toUtf8(where)) +
                                     (found.tooLarge ? ", which is too large a number." : "."),
                                 "portolan",
                                 {}};
}

Error refuse(std::string why)
{
    return failure(ErrorKind::Protocol, "a stored task result is not what Celery writes: " + std::move(why));
}

} // namespace

Result<TaskResult> parseResult(std::string_view text)
{
    if (text.size() > 2 * maxMessageBytes)
        return refuse("it has " + std::to_string(text.size()) + " bytes");
    json::parse_options options;
    options.max_depth = 2 * maxJsonDepth;
    boost::system::error_code code;
    json::value document = json::parse(json::string_view(text.data(), text.size()), code, {}, options);
    std::optional<scan::NotANumber> number;
    if (code || !isFinite(document))
        number = scan::notANumber(text);
    std::string mended;
    if (number) {
        mended = scan::withoutThem(text);
        code.clear();
        document = json::parse(json::string_view(mended), code, {}, options);
    }
    // Python's integers have any size: one that no number here holds is shown as the text it was written as.
    if (!code && mayHaveLostDigits(document))
        document = json::parse(scan::withLongIntegersAsText(number ? mended : text), code, {}, options);
    if (code == json::error::too_deep)
        return refuse("it is nested deeper than " + std::to_string(2 * maxJsonDepth) + " levels");
    if (code)
        return refuse("it is not JSON (" + whyNotJson(text, code) + ")");
    json::object *root = document.if_object();
    if (!root)
        return refuse("it is not a JSON object");
    TaskResult result;
    result.id = textOf(*root, "task_id");
    const json::value *status = root->if_contains("status");
    result.state = status && status->is_string() ? textOf(*root, "status") : std::string();
    for (char &c : result.state)
        c = c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
    if (result.state.empty())
        return refuse("it names no status");
    result.dateDone = parseIsoTime(textOf(*root, "date_done"));
    result.started = parseIsoTime(textOf(*root, "started"));
    readOutcome(root->if_contains("result"), *root, result);
    // What stands elsewhere (result_extended stores the arguments too) takes nothing from the result.
    if (const auto outcome = number ? scan::member(text, "result") : std::nullopt)
        number = scan::notANumber(*outcome);
    if (number && result.state == state::success)
        refuseNumber(result, *number);
    return result;
}

TaskResult unreadableResult(std::string_view id, std::string why)
{
    TaskResult result;
    result.id = id;
    result.state = state::failure;
    result.failure = TaskFailure{"ResultUnreadable", std::move(why), "portolan", {}};
    return result;
}

TaskResult readResult(std::string_view text, std::string_view id)
{
    Result<TaskResult> read = parseResult(text);
    if (read) {
        read->id = id;
        return std::move(*read);
    }
    TaskResult result = unreadableResult(id, read.error().message);
    // Members at the top may be read all the same, above all those of a result that is too deep or too large.
    result.dateDone = parseIsoTime(scan::stringMember(text, "date_done").value_or(""));
    return result;
}

} // namespace portolan::queue
