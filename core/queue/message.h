// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"

#include <boost/describe/enum.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The Celery task message as kombu's Redis transport stores it: a JSON object of five members (`body`,
/// `content-encoding`, `content-type`, `headers`, `properties`). Protocol 2 has the task's name, id and the like in the
/// headers and `[args, kwargs, embed]` in the body; protocol 1, which other languages' clients and Celery with
/// `task_protocol = 1` send, has everything in the body: {"task", "id", "args", "kwargs", …}. As Celery does, a message
/// whose headers name no task is read as protocol 1. We send protocol 2.
/// https://docs.celeryq.dev/en/stable/internals/protocol.html (which has `timelimit` the wrong way round: on the wire
/// it is [hard, soft]). Only JSON content is accepted.
namespace portolan::queue {

/// Bounds of what is accepted from the wire; beyond them decode() answers TooLarge or Protocol.
inline constexpr std::size_t maxMessageBytes = 4 * 1024 * 1024;
inline constexpr std::size_t maxJsonDepth = 32;
inline constexpr std::size_t maxIdBytes = 255; ///< also of task names and queue names

/// A task to be enqueued.
struct NewTask
{
    std::string name; ///< "portal.analysis"
    boost::json::array args{};
    boost::json::object kwargs{};
    std::string id{}; ///< empty: a new UUID
    std::string queue = "celery";
    int priority = 0;                                     ///< 0 (first) … 9 (last)
    std::optional<WallTime> eta{};                        ///< not before
    std::optional<WallTime> expires{};                    ///< not after: REVOKED instead
    std::optional<std::chrono::milliseconds> softLimit{}; ///< overrides the worker's
    std::optional<std::chrono::milliseconds> hardLimit{};
    bool ignoreResult = false;
    int retries = 0;        ///< how often it was retried already
    std::string rootId{};   ///< empty: its own id
    std::string parentId{}; ///< empty: none
    /// Every state change is also published on keys::notify(topic): for pushing to whoever watches, say, one user's
    /// tasks, with one subscription and without a look-up. Understood by our own workers. Empty: none.
    std::string notify{};
    std::string shadow{};  ///< name to show instead; empty: none
    std::string groupId{}; ///< of the group it belongs to; empty: none
    std::optional<std::int64_t> groupIndex{};
    boost::json::object embed{};   ///< what follows it: callbacks, errbacks, chain, chord, as in Payload
    boost::json::object headers{}; ///< further ones; those the protocol has are left as they are
};

/// A place a task holds while it waits and runs: a member of a sorted set of leases, by their end (Unix ms).
struct Place
{
    std::string key;
    std::string holder;
    std::chrono::milliseconds lease{0}; ///< from the enqueuing on
};

/// A message as received. What has no member here stays in `raw`.
struct Message
{
    std::string raw;  ///< the list element, byte for byte
    std::string body; ///< as it stands in the message (base64 when `bodyEncoded`), byte for byte
    bool bodyEncoded = true;
    int protocol = 2; ///< 1: the members below come from the body

    std::string id;
    std::string task;
    std::string rootId;
    std::string parentId;
    std::string groupId;
    std::optional<std::int64_t> groupIndex;
    std::string shadow; ///< name to show instead
    std::string origin;
    std::string replyTo;
    std::string correlationId;
    std::string argsRepr; ///< for people; never run from it
    std::string kwargsRepr;
    std::string notify;
    std::string exchange;
    std::string routingKey;
    std::optional<WallTime> eta;
    std::optional<WallTime> expires;
    std::optional<std::chrono::milliseconds> softLimit;
    std::optional<std::chrono::milliseconds> hardLimit;
    int retries = 0;
    int priority = 0;
    bool ignoreResult = false;
    bool redelivered = false;
};

/// The decoded body. `embed` has callbacks, errbacks, chain, chord. kombu's extra types stay the objects they are on
/// the wire: {"__type__": "datetime", "__value__": …}.
struct Payload
{
    boost::json::array args;
    boost::json::object kwargs;
    boost::json::object embed;
};

/// Why a message is not run; the worker counts each.
enum class Refused : std::uint8_t {
    NotJson,         ///< the list element is not a JSON object
    TooLarge,        ///< over maxMessageBytes
    NoTask,          ///< neither headers nor body name a task
    NoId,            ///< no id of 1 to 255 bytes
    BadHeader,       ///< a header or property has a value that is none
    BadBody,         ///< no body, or not base64, not JSON, not the arguments of a task
    ContentType,     ///< not application/json
    ContentEncoding, ///< not UTF-8, or a body encoding that is not base64
    Compressed,
    FollowUp,      ///< its chain, chord, callbacks or errbacks cannot be sent
    NotRegistered, ///< nothing is wrong with it, but nobody here knows the task
};
BOOST_DESCRIBE_ENUM(Refused, NotJson, TooLarge, NoTask, NoId, BadHeader, BadBody, ContentType, ContentEncoding,
                    Compressed, FollowUp, NotRegistered)
inline constexpr std::size_t refusedKinds = std::size_t(Refused::NotRegistered) + 1;

/// The error of a refusal carries its reason in `code`: "message-bad-body". Another code answers NotJson.
[[nodiscard]] Refused refusedAs(const Error &error);

/// Reads a list element. On refusal `readable`, when given, gets what can be told of it all the same: `raw` always, and
/// id, task, correlation id, parent, group, whether a result is wanted, as far as they are there.
[[nodiscard]] Result<Message> decode(std::string raw, Message *readable = nullptr);
[[nodiscard]] Result<Payload> payload(const Message &message);

/// The bytes to LPUSH for a new task. `task.id` must be set (newTaskId()); `origin` is "gen<pid>@<host>", `replyTo` a
/// UUID of this producer.
[[nodiscard]] std::string encode(const NewTask &task, std::string_view origin, std::string_view replyTo);

/// Checks names, ranges and sizes of a task before it is sent; Invalid with the member's JSON pointer.
[[nodiscard]] Result<void> validate(const NewTask &task);

/// What changes when a message goes back into a queue; everything else, the arguments and headers unknown here above
/// all, stays as it was. With no changes rewrite() only normalises spaces, and twice is like once.
struct Changes
{
    std::optional<bool> redelivered{}; ///< sets headers.redelivered and properties.delivery_info.redelivered
    std::optional<int> retries{};
    std::optional<std::string> id{}; ///< also correlation_id, and root_id where it was the old id
    bool setEta = false;             ///< eta becomes `eta`
    std::optional<WallTime> eta{};
    bool clearExpires = false;
};
[[nodiscard]] Result<std::string> rewrite(std::string_view raw, const Changes &changes);

/// A random UUID (version 4) as text.
[[nodiscard]] std::string newTaskId();

/// ISO 8601 as Python's datetime.isoformat() writes it, UTC, microseconds: "2026-01-01T00:00:00.000000+00:00".
[[nodiscard]] std::string isoTime(WallTime time);
/// Reads what isoformat() writes; without a zone it is UTC (Celery 5.2). Empty when it is no such time.
[[nodiscard]] std::optional<WallTime> parseIsoTime(std::string_view text);

/// Like Python's repr() of the value, at most `limit` bytes and then "…".
[[nodiscard]] std::string pythonRepr(const boost::json::value &value, std::size_t limit = 1024);

} // namespace portolan::queue
