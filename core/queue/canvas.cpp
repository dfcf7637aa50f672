// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/canvas.h"

#include "core/base/json_numbers.h"
#include "core/queue/canvas_sender.h"
#include "core/queue/canvas_signature.h"
#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/long_integers.h"
#include "core/queue/results.h"

#include <boost/json/parse.hpp>

#include <functional>
#include <map>

namespace portolan::queue {

namespace json = boost::json;

namespace {

Error unsendable(const Message &message, const std::string &why)
{
    Error error = failure(ErrorKind::Invalid, "what follows task " + message.id + " cannot be sent: " + why);
    error.code = "message-follow-up";
    return error;
}

std::string_view rootOf(const Message &message) { return message.rootId.empty() ? message.id : message.rootId; }

/// Several are sent as one group, as Celery does.
json::value applyAll(SignatureSender &sender, json::array signatures, const SignatureSender::Call &call)
{
    if (signatures.size() == 1)
        return sender.apply(std::move(signatures.front()), call);
    json::object group{{"task", "celery.group"}, {"args", json::array{}}, {"options", json::object{}}};
    group["kwargs"] = json::object{{"tasks", std::move(signatures)}};
    return sender.apply(std::move(group), call);
}

/// Errbacks get the id of what failed.
void callErrbacks(SignatureSender &sender, const json::value *errbacks, std::string_view failedId,
                  std::string_view rootId)
{
    json::array list = signatureList(errbacks);
    if (!list.empty())
        applyAll(sender, std::move(list), {{failedId}, {}, failedId, rootId});
}

const json::object *chordOf(const Message &message, const json::object &embed)
{
    const json::value *chord = embed.if_contains("chord");
    return chord && !message.groupId.empty() ? chord->if_object() : nullptr;
}

void addPart(FollowUps &out, const Message &message, const json::object &embed, std::string_view state,
             std::string_view result)
{
    if (const json::object *chord = chordOf(message, embed))
        out.parts.push_back({message.groupId, message.id, message.groupIndex, chordMember(message.id, state, result),
                             *chord, integerOf(*chord, "chord_size")});
}

Result<FollowUps> finished(FollowUps out, const SignatureSender &sender, const Message &message)
{
    if (!sender.why().empty())
        return unsendable(message, sender.why());
    return out;
}

/// What a part gave its chord.
struct PartResult
{
    std::string id;
    json::value value;
};

/// `why` is set when it ends the chord.
PartResult partResult(const std::string &member, std::string &why)
{
    boost::system::error_code code;
    json::value value = parseExactly(member, code, maxJsonDepth + 1);
    json::array *fields = code || !isFinite(value) ? nullptr : value.if_array();
    if (!fields || fields->size() != 4 || !(*fields)[1].is_string() || !(*fields)[2].is_string()) {
        why = "Join error: the result of a part is not JSON";
        return {};
    }
    const std::string_view state((*fields)[2].get_string());
    if (state != state::failure && state != state::revoked)
        return {std::string((*fields)[1].get_string()), std::move((*fields)[3])};
    const json::object *error = (*fields)[3].if_object();
    const std::string_view type = error ? textOf(*error, "exc_type") : std::string_view();
    std::string message;
    if (const json::value *texts = error ? error->if_contains("exc_message") : nullptr)
        message = texts->is_array() && texts->get_array().size() == 1 ? pythonRepr(texts->get_array().front())
                                                                      : pythonRepr(*texts);
    why = "Dependency " + std::string((*fields)[1].get_string()) + " raised " +
          std::string(type.empty() ? "Exception" : type) + "(" + message + ")";
    return {};
}

/// [[id, parent], results of a group or null], as AsyncResult.as_tuple() has it in Python.
json::value arrangedBy(const json::value &tuple, const std::map<std::string, json::value, std::less<>> &values,
                       std::string &why)
{
    const json::array *parts = tuple.if_array();
    const json::array *name = parts && parts->size() == 2 ? parts->front().if_array() : nullptr;
    if (!name || name->empty() || !name->front().is_string()) {
        why = "Join error: how the results of its header are arranged cannot be read";
        return nullptr;
    }
    if (const json::array *results = parts->back().if_array()) {
        json::array group;
        for (const json::value &result : *results)
            group.push_back(arrangedBy(result, values, why));
        return group;
    }
    const auto value = values.find(std::string_view(name->front().get_string()));
    if (value == values.end()) {
        why = "Join error: the result of its part " + std::string(name->front().get_string()) + " is not there";
        return nullptr;
    }
    return value->second;
}

/// The results as the header's groups hold them; `why` as partResult().
json::array arrangedResults(std::vector<PartResult> parts, std::string_view arranged, std::string &why)
{
    constexpr std::size_t deepest = 1000; // as far as chord_part.lua reads it
    boost::system::error_code code;
    json::parse_options options;
    options.max_depth = deepest;
    const json::value stored = json::parse(arranged, code, {}, options);
    const json::object *header = code ? nullptr : stored.if_object();
    const json::value *tuple = header ? header->if_contains("result") : nullptr;
    std::map<std::string, json::value, std::less<>> values;
    for (PartResult &part : parts)
        values.insert_or_assign(std::move(part.id), std::move(part.value));
    json::value results = arrangedBy(tuple ? *tuple : json::value(), values, why);
    return results.is_array() ? std::move(results.get_array()) : json::array();
}

/// The id a chord's body was given; of a chain its last one's.
std::string_view bodyId(const json::object &body)
{
    const std::string_view id = textOf(optionsOf(body), "task_id");
    const json::value *tasks = argumentOf(body, "tasks");
    if (!id.empty() || !tasks || !tasks->is_array() || tasks->get_array().empty())
        return id;
    const json::object *last = tasks->get_array().back().if_object();
    return last ? bodyId(*last) : id;
}

std::string chordError(std::string_view why)
{
    return failureJson({"ChordError", std::string(why), "celery.exceptions", std::string()});
}

const json::value *errbacksOf(const json::object &body)
{
    if (const json::value *own = optionsOf(body).if_contains("link_error"))
        return own;
    const json::value *tasks = argumentOf(body, "tasks");
    const json::object *first =
        tasks && tasks->is_array() && !tasks->get_array().empty() ? tasks->get_array().front().if_object() : nullptr;
    return first ? errbacksOf(*first) : nullptr;
}

} // namespace

bool hasFollowUps(const json::object &embed)
{
    for (const std::string_view part : {"callbacks", "errbacks", "chain", "chord"})
        if (const json::value *value = embed.if_contains(part); value && !value->is_null())
            if (!value->is_array() || !value->get_array().empty())
                return true;
    return false;
}

Result<FollowUps> afterSuccess(const Message &message, const json::object &embed, const json::value &value,
                               const CanvasSender &sender)
{
    FollowUps out;
    SignatureSender signatures(sender, message, out);
    const SignatureSender::Call call{{value}, {}, message.id, rootOf(message)};
    json::array children;
    json::array single;
    const json::array callbacks = signatureList(embed.if_contains("callbacks"));
    for (const json::value &callback : callbacks) {
        const json::object *signature = callback.if_object();
        if (signature && kindOf(*signature) == Kind::Group)
            children.push_back(signatures.apply(callback, call));
        else
            single.push_back(callback);
    }
    if (!single.empty())
        children.push_back(applyAll(signatures, std::move(single), call));
    json::array chain = signatureList(embed.if_contains("chain"));
    if (!chain.empty()) {
        json::value next = std::move(chain.back());
        chain.pop_back();
        SignatureSender::Call nextCall = call;
        nextCall.chain = std::move(chain);
        children.push_back(signatures.apply(std::move(next), std::move(nextCall)));
    }
    if (chordOf(message, embed)) {
        std::string result;
        text::appendValue(result, value);
        addPart(out, message, embed, state::success, result);
    }
    out.children.clear();
    text::appendValue(out.children, children);
    return finished(std::move(out), signatures, message);
}

Result<FollowUps> afterFailure(const Message &message, const json::object &embed, std::string_view state,
                               std::string_view failure, const CanvasSender &sender)
{
    FollowUps out;
    SignatureSender signatures(sender, message, out);
    addPart(out, message, embed, state, failure);
    const json::array chain = signatureList(embed.if_contains("chain"));
    for (const json::value &step : chain)
        signatures.end(step, state, failure);
    if (state == state::failure)
        callErrbacks(signatures, embed.if_contains("errbacks"), message.id, rootOf(message));
    return finished(std::move(out), signatures, message);
}

FollowUps afterChord(const Message &message, const ChordPart &last, const std::vector<std::string> &members,
                     std::string_view arranged, const CanvasSender &sender)
{
    std::string why;
    std::vector<PartResult> parts;
    for (std::size_t i = 0; i < members.size() && why.empty(); ++i)
        parts.push_back(partResult(members[i], why));
    json::array results;
    if (why.empty() && !arranged.empty())
        results = arrangedResults(std::move(parts), arranged, why);
    else
        for (PartResult &part : parts)
            results.push_back(std::move(part.value));
    if (!why.empty())
        return afterBrokenChord(message, last, why, sender);
    FollowUps out;
    out.chord = last.groupId;
    SignatureSender signatures(sender, message, out);
    signatures.apply(last.body, {{std::move(results)}, {}, message.id, rootOf(message)});
    if (!signatures.why().empty())
        return afterBrokenChord(message, last, "Callback error: the chord's body cannot be called: " + signatures.why(),
                                sender);
    return out;
}

FollowUps afterBrokenChord(const Message &message, const ChordPart &last, std::string_view why,
                           const CanvasSender &sender)
{
    FollowUps out;
    out.chord = last.groupId;
    SignatureSender signatures(sender, message, out);
    signatures.end(last.body, state::failure, chordError(why));
    callErrbacks(signatures, errbacksOf(last.body), bodyId(last.body), rootOf(message));
    if (signatures.why().empty())
        return out;
    // Whoever waits for the body hears of it all the same.
    const std::string all = std::string(why) + "; its errbacks cannot be called: " + signatures.why();
    FollowUps bare;
    bare.chord = last.groupId;
    SignatureSender ending(sender, message, bare);
    ending.end(last.body, state::failure, chordError(all));
    if (ending.why().empty())
        return bare;
    bare.parts.clear();
    bare.results.clear();
    if (const std::string_view id = bodyId(last.body); !id.empty())
        bare.results.push_back(
            {std::string(id), resultJson(state::failure, chordError(why), {id, {}, {}, sender.now})});
    return bare;
}

std::string followUpsJson(const std::vector<FollowUps> &steps)
{
    std::string out = "[";
    const auto separate = [&] {
        if (out.back() != '[')
            out.push_back(',');
    };
    const auto entry = [&](std::initializer_list<std::string_view> texts) {
        separate();
        out.push_back('[');
        for (const std::string_view text : texts) {
            separate();
            text::appendString(out, text);
        }
        out.push_back(']');
    };
    for (const FollowUps &step : steps) {
        if (step.nothing() && step.chord.empty())
            continue;
        separate();
        out.push_back('[');
        text::appendString(out, step.chord);
        out.push_back(',');
        text::appendString(out, step.broken);
        out.append(",[");
        for (const FollowUps::Stored &stored : step.results)
            entry({stored.id, stored.result});
        out.append("],[");
        for (const FollowUp &next : step.messages)
            entry({keys::list(next.queue, next.priority), next.queue, next.id, next.message});
        out.append("]]");
    }
    return out == "[" ? std::string() : out + "]";
}

} // namespace portolan::queue
