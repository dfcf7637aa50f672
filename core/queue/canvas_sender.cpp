// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/canvas_sender.h"

#include "core/base/json_numbers.h"
#include "core/queue/canvas_signature.h"
#include "core/queue/results.h"
#include "core/queue/task_registry.h"

#include <algorithm>

namespace portolan::queue {

namespace json = boost::json;

namespace {

json::value tupleOf(std::string_view id) { return json::array{json::array{id, nullptr}, nullptr}; }

json::value tupleOf(std::string_view groupId, json::array results)
{
    return json::array{json::array{groupId, nullptr}, std::move(results)};
}

} // namespace

json::value SignatureSender::refuse(std::string why)
{
    if (m_why.empty())
        m_why = std::move(why);
    return nullptr;
}

json::value SignatureSender::apply(json::value value, Call call)
{
    json::object *signature = value.if_object();
    if (!signature)
        return refuse("it is no signature");
    if (!m_why.empty())
        return nullptr;
    json::object &options = objectAt(*signature, "options");
    // What was to follow in any case comes after what follows by its own options.
    if (const json::value *own = options.if_contains("chain"); own && own->is_array())
        call.chain.insert(call.chain.end(), own->get_array().begin(), own->get_array().end());
    options.erase("chain");
    switch (kindOf(*signature)) {
    case Kind::Group:
        return applyGroup(*signature, std::move(call));
    case Kind::Chain:
        return applyChain(*signature, std::move(call));
    case Kind::Chord:
        return applyChord(*signature, std::move(call));
    case Kind::Task:
        break;
    }
    return applyTask(*signature, std::move(call));
}

/// A queue by its name; without one the default queue, as where only one of exchange and routing key is given.
bool SignatureSender::readRoute(const json::object &options, NewTask &task)
{
    task.queue = textOf(options, "queue");
    if (const json::value *queue = options.if_contains("queue"); queue && queue->is_object())
        task.queue = textOf(queue->get_object(), "name");
    if (task.queue.empty() && !textOf(options, "exchange").empty() && !textOf(options, "routing_key").empty()) {
        if (textOf(options, "exchange") != textOf(options, "routing_key")) {
            refuse("it goes to an exchange, which cannot be followed; name its queue");
            return false;
        }
        task.queue = textOf(options, "routing_key");
    }
    if (task.queue.empty())
        task.queue = m_sender.registry && m_sender.registry->find(task.name) ? m_sender.ownQueue : "celery";
    return true;
}

bool SignatureSender::read(const json::object &signature, Call &call, NewTask &task)
{
    const json::object &options = optionsOf(signature);
    const json::value *immutable = signature.if_contains("immutable");
    if (!immutable || *immutable != true)
        task.args = std::move(call.args);
    if (const json::value *args = signature.if_contains("args"); args && args->is_array())
        task.args.insert(task.args.end(), args->get_array().begin(), args->get_array().end());
    else if (args && !args->is_null())
        return refuse("its args are no list"), false;
    if (const json::value *kwargs = signature.if_contains("kwargs"); kwargs && kwargs->is_object())
        task.kwargs = kwargs->get_object();
    else if (kwargs && !kwargs->is_null())
        return refuse("its kwargs are no object"), false;
    task.name = textOf(signature, "task");
    if (!readRoute(options, task))
        return false;
    if (!readTime(options.if_contains("eta"), m_sender.now, task.eta) ||
        !readTime(options.if_contains("countdown"), m_sender.now, task.eta))
        return refuse("its eta or countdown is no time"), false;
    if (!readTime(options.if_contains("expires"), m_sender.now, task.expires))
        return refuse("its expires is no time"), false;
    task.id = textOf(options, "task_id");
    if (task.id.empty())
        task.id = newTaskId();
    task.priority = static_cast<int>(std::clamp<std::int64_t>(integerOf(options, "priority").value_or(0), 0, 9));
    task.hardLimit = limitOf(options, "time_limit");
    task.softLimit = limitOf(options, "soft_time_limit");
    task.retries = static_cast<int>(std::clamp<std::int64_t>(integerOf(options, "retries").value_or(0), 0, 1'000'000));
    task.shadow = textOf(options, "shadow");
    const json::value *ignored = options.if_contains("ignore_result");
    task.ignoreResult = ignored && *ignored == true;
    task.rootId = call.rootId;
    task.parentId = call.parentId;
    task.groupId = textOf(options, "group_id");
    task.groupIndex = integerOf(options, "group_index");
    if (const json::value *headers = options.if_contains("headers"); headers && headers->is_object())
        task.headers = headers->get_object();
    const auto embed = [&](std::string_view part, json::array list) {
        if (!list.empty())
            task.embed[part] = std::move(list);
    };
    embed("callbacks", signatureList(options.if_contains("link")));
    embed("errbacks", signatureList(options.if_contains("link_error")));
    embed("chain", std::move(call.chain));
    if (const json::value *chord = options.if_contains("chord"))
        task.embed["chord"] = *chord;
    return true;
}

json::value SignatureSender::applyTask(json::object &signature, Call call)
{
    NewTask task;
    if (!read(signature, call, task))
        return nullptr;
    if (const Result<void> valid = validate(task); !valid) {
        const std::vector<FieldError> &fields = valid.error().fields;
        return refuse(fields.empty() ? valid.error().message : "its " + fields[0].pointer + ' ' + fields[0].detail);
    }
    const std::string_view replyTo = textOf(optionsOf(signature), "reply_to");
    std::string message = encode(task, m_sender.origin, replyTo.empty() ? m_parent.replyTo : replyTo);
    m_bytes += message.size();
    if (message.size() > maxMessageBytes || m_bytes > followUpBytesMost)
        return refuse("with its arguments it is too large");
    if (m_into.messages.size() >= followUpsMost)
        return refuse("they are more than " + std::to_string(followUpsMost) + " tasks");
    m_into.messages.push_back({task.queue, task.priority, task.id, std::move(message)});
    return tupleOf(task.id);
}

/// Groups within groups are unrolled, as Celery does: all of it runs at once.
json::array SignatureSender::groupTasks(const json::value *group)
{
    json::array out;
    const json::object *signature = group ? group->if_object() : nullptr;
    const json::value *tasks = signature ? argumentOf(*signature, "tasks") : group;
    if (!tasks || !tasks->is_array()) {
        refuse("a group in it has no list of tasks");
        return out;
    }
    for (const json::value &task : tasks->get_array()) {
        const json::object *object = task.if_object();
        if (object && kindOf(*object) == Kind::Group) {
            for (json::value &inner : groupTasks(&task))
                out.push_back(std::move(inner));
        } else {
            out.push_back(task);
        }
        if (out.size() > followUpsMost) {
            refuse("they are more than " + std::to_string(followUpsMost) + " tasks");
            return {};
        }
    }
    return out;
}

json::value SignatureSender::applyGroup(json::object &signature, Call call)
{
    const json::object options = optionsOf(signature);
    const json::value self = signature;
    json::array tasks = groupTasks(&self);
    std::string groupId(textOf(options, "task_id"));
    if (groupId.empty())
        groupId = newTaskId();
    Membership membership{groupId, 0, json::value()};
    if (const json::value *chord = options.if_contains("chord"))
        membership.chord = *chord;
    else if (const json::object *last = tasks.empty() ? nullptr : tasks.back().if_object())
        if (const json::value *own = optionsOf(*last).if_contains("chord"))
            membership.chord = *own;
    // Where its ends count for a chord, whoever sent that has told its size.
    json::array results;
    for (json::value &task : tasks) {
        if (!inherit(task, options))
            return nullptr;
        json::object &own = objectAt(task.get_object(), "options");
        for (const std::string_view key : {"link", "link_error"})
            extendList(own, key, options.if_contains(key));
        freeze(task.get_object(), membership);
        ++membership.index;
        results.push_back(apply(std::move(task), call));
    }
    return tupleOf(groupId, std::move(results));
}

/// What a group or chord is called with holds for each of its tasks. False: enough is known to be wrong, and as each
/// may get large copies, no more are made.
bool SignatureSender::inherit(json::value &task, const json::object &options)
{
    json::object *object = task.if_object();
    if (!object)
        refuse("a group or chord holds what is no signature");
    if (!m_why.empty())
        return false;
    for (const auto &option : options)
        if (!isOwnOption(option.key()))
            setMissing(objectAt(*object, "options"), option.key(), option.value());
    return true;
}

/// The steps, chains within it unrolled; a group that something follows is the header of a chord.
json::array SignatureSender::chainSteps(const json::object &signature)
{
    const json::value *tasks = argumentOf(signature, "tasks");
    if (!tasks || !tasks->is_array()) {
        refuse("a chain in it has no list of tasks");
        return {};
    }
    json::array flat;
    for (const json::value &task : tasks->get_array()) {
        const json::object *object = task.if_object();
        if (!object) {
            refuse("a chain holds what is no signature");
            return {};
        }
        if (kindOf(*object) == Kind::Chain) {
            for (json::value &step : chainSteps(*object))
                flat.push_back(std::move(step));
        } else {
            flat.push_back(task);
        }
    }
    json::array steps;
    for (std::size_t i = flat.size(); i-- > 0;) {
        json::object &step = flat[i].get_object();
        if (kindOf(step) == Kind::Group && !steps.empty()) {
            json::object chord{
                {"task", "celery.chord"}, {"args", json::array{}}, {"options", json::object{}}, {"immutable", false}};
            chord["subtask_type"] = "chord";
            chord["kwargs"] = json::object{{"header", std::move(step)}, {"body", std::move(steps.back())}};
            steps.back() = std::move(chord);
        } else {
            steps.push_back(std::move(step));
        }
    }
    std::ranges::reverse(steps);
    return steps;
}

json::value SignatureSender::applyChain(json::object &signature, Call call)
{
    json::array steps = chainSteps(signature);
    if (steps.empty())
        return refuse("a chain in it is empty");
    const json::object options = optionsOf(signature);
    json::object &first = objectAt(steps.front().get_object(), "options");
    for (const auto &option : options)
        if (!isOwnOption(option.key()))
            first[option.key()] = option.value();
    const json::value *errbacks = options.if_contains("link_error");
    if (errbacks && jsonText(*errbacks).size() > followUpBytesMost / steps.size())
        return refuse("with its errbacks a chain in it is too large");
    for (json::value &step : steps)
        extendList(objectAt(step.get_object(), "options"), "link_error", errbacks);
    json::object &last = steps.back().get_object();
    json::object &lastOptions = objectAt(last, "options");
    extendList(lastOptions, "link", options.if_contains("link"));
    for (const std::string_view key : {"task_id", "group_id", "group_index", "chord"})
        if (const json::value *value = options.if_contains(key))
            setMissing(lastOptions, key, *value);
    for (json::value &step : steps)
        freeze(step.get_object(), {});
    json::array chain = std::move(call.chain);
    for (std::size_t i = steps.size(); i-- > 1;)
        chain.push_back(steps[i]);
    call.chain = std::move(chain);
    return apply(steps.front(), std::move(call));
}

json::value SignatureSender::applyChord(json::object &signature, Call call)
{
    const json::object options = optionsOf(signature);
    const json::value *header = argumentOf(signature, "header");
    const json::value *asked = argumentOf(signature, "body");
    json::array tasks = groupTasks(header);
    if (!asked || !asked->is_object())
        return refuse("a chord in it has no body");
    json::object body = asked->get_object();
    json::object &bodyOptions = objectAt(body, "options");
    std::string groupId;
    if (const json::object *group = header->if_object())
        groupId = textOf(optionsOf(*group), "task_id");
    if (groupId.empty())
        groupId = newTaskId();
    for (const std::string_view key : {"group_id", "group_index", "chord"})
        if (const json::value *value = options.if_contains(key))
            setMissing(bodyOptions, key, *value);
    // A chord that was prepared has its header's id; one that was not, the id its result is to have.
    if (const std::string_view id = textOf(options, "task_id"); !id.empty() && id != groupId)
        setMissing(bodyOptions, "task_id", json::value(id));
    extendList(bodyOptions, "link", options.if_contains("link"));
    extendList(bodyOptions, "link_error", options.if_contains("link_error"));
    for (const auto &option : options)
        if (!isOwnOption(option.key()))
            bodyOptions[option.key()] = option.value();
    if (!call.chain.empty())
        bodyOptions["chain"] = std::move(call.chain);
    call.chain = {};
    freeze(body, {});
    if (tasks.empty()) {
        Call alone{{json::array{}}, {}, call.parentId, call.rootId};
        return apply(std::move(body), std::move(alone));
    }
    FollowUps::Size size{groupId, 0, body, {}, m_into.messages.size(), 0};
    const json::value *immutable = signature.if_contains("immutable");
    if (immutable && *immutable == true)
        call.args = {};
    json::array results;
    json::array ends;
    bool groups = false;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        if (!inherit(tasks[i], options))
            return nullptr;
        size.parts += partsOf(tasks[i]);
        // As prepared by a client it carries the body without what is known only now.
        freeze(tasks[i].get_object(), {groupId, static_cast<std::int64_t>(i), body});
        ends.push_back(endOf(tasks[i]));
        groups = groups || ends.back().at(1).is_array();
        results.push_back(apply(std::move(tasks[i]), call));
    }
    if (groups)
        size.arranged = jsonText(json::object{{"result", tupleOf(groupId, std::move(ends))}});
    m_bytes += size.arranged.size();
    size.afterLast = m_into.messages.size();
    m_into.sizes.push_back(std::move(size));
    return tupleOf(groupId, std::move(results));
}

/// Gives it its id, and notes of what ends last where its end counts.
void SignatureSender::freeze(json::object &signature, const Membership &membership)
{
    switch (kindOf(signature)) {
    case Kind::Chain:
    case Kind::Chord: {
        json::object &kwargs = objectAt(signature, "kwargs");
        json::value *last = kwargs.if_contains("body");
        if (kindOf(signature) == Kind::Chain) {
            json::value *tasks = kwargs.if_contains("tasks");
            last = tasks && tasks->is_array() && !tasks->get_array().empty() ? &tasks->get_array().back() : nullptr;
        }
        if (last && last->is_object())
            freeze(last->get_object(), membership);
        else
            refuse("a chain or chord in it is empty");
        return;
    }
    case Kind::Group:
        if (json::value *tasks = objectAt(signature, "kwargs").if_contains("tasks"); tasks && tasks->is_array())
            for (json::value &task : tasks->get_array())
                if (task.is_object())
                    freeze(task.get_object(), membership);
        return;
    case Kind::Task:
        break;
    }
    json::object &options = objectAt(signature, "options");
    if (textOf(options, "task_id").empty())
        options["task_id"] = newTaskId();
    if (membership.groupId.empty())
        return;
    setMissing(options, "group_id", json::value(membership.groupId));
    setMissing(options, "group_index", json::value(membership.index));
    if (!membership.chord.is_null())
        options["chord"] = membership.chord;
}

/// How many ends of it a chord waits for.
std::int64_t SignatureSender::partsOf(const json::value &value)
{
    const json::object *signature = value.if_object();
    if (!signature)
        return 0;
    std::int64_t parts = 0;
    switch (kindOf(*signature)) {
    case Kind::Group:
        for (const json::value &task : groupTasks(&value))
            parts += partsOf(task);
        return parts;
    case Kind::Chain:
        if (const json::value *tasks = argumentOf(*signature, "tasks"); tasks && tasks->is_array())
            for (std::size_t i = tasks->get_array().size(); i-- > 0 && parts == 0;)
                parts = partsOf(tasks->get_array()[i]);
        return parts;
    case Kind::Chord:
        if (const json::value *body = argumentOf(*signature, "body"))
            return partsOf(*body);
        return 0;
    case Kind::Task:
        break;
    }
    return 1;
}

/// What AsyncResult.as_tuple() gives of the result of all of it, once it is frozen: a chain's is that of its last.
json::value SignatureSender::endOf(const json::value &value)
{
    const json::object *signature = value.if_object();
    if (!signature)
        return tupleOf({});
    const std::string_view id = textOf(optionsOf(*signature), "task_id");
    switch (kindOf(*signature)) {
    case Kind::Group: {
        json::array results;
        for (const json::value &task : groupTasks(&value))
            results.push_back(endOf(task));
        return tupleOf(id.empty() ? newTaskId() : std::string(id), std::move(results));
    }
    case Kind::Chain:
        if (const json::value *tasks = argumentOf(*signature, "tasks"); tasks && tasks->is_array())
            if (!tasks->get_array().empty())
                return endOf(tasks->get_array().back());
        return tupleOf({});
    case Kind::Chord:
        if (const json::value *body = argumentOf(*signature, "body"))
            return endOf(*body);
        return tupleOf({});
    case Kind::Task:
        break;
    }
    return tupleOf(id);
}

void SignatureSender::end(const json::value &value, std::string_view state, std::string_view failure, bool last)
{
    const json::object *signature = value.if_object();
    if (!signature || !m_why.empty())
        return;
    switch (kindOf(*signature)) {
    case Kind::Group:
        for (const json::value &task : groupTasks(&value))
            end(task, state, failure, last);
        return;
    case Kind::Chain:
        if (const json::value *tasks = argumentOf(*signature, "tasks"); tasks && tasks->is_array())
            for (const json::value &task : tasks->get_array())
                end(task, state, failure, last && &task == &tasks->get_array().back());
        return;
    case Kind::Chord:
        if (const json::value *header = argumentOf(*signature, "header"))
            for (const json::value &task : groupTasks(header))
                end(task, state, failure, false);
        if (const json::value *body = argumentOf(*signature, "body"))
            end(*body, state, failure, last);
        return;
    case Kind::Task:
        break;
    }
    const json::object &options = optionsOf(*signature);
    const std::string id(textOf(options, "task_id"));
    if (id.empty() || id.size() > maxIdBytes)
        return;
    // With a short one each can be told.
    std::string shortOne;
    if (m_bytes + 2 * failure.size() > followUpBytesMost / 4)
        failure = shortOne = shortFailure(failure);
    m_bytes += 2 * failure.size();
    if (m_into.results.size() >= followUpsMost || m_bytes > followUpBytesMost) {
        refuse("the tasks that end with it are too many, or its error too large for each of them");
        return;
    }
    const std::string_view groupId = textOf(options, "group_id");
    m_into.results.push_back(
        {id, resultJson(state, failure, {id, textOf(options, "parent_id"), groupId, m_sender.now})});
    const json::value *chord = options.if_contains("chord");
    if (last && chord && chord->is_object() && !groupId.empty())
        m_into.parts.push_back({std::string(groupId), id, integerOf(options, "group_index"),
                                chordMember(id, state, failure), chord->get_object(),
                                integerOf(chord->get_object(), "chord_size")});
}

} // namespace portolan::queue
