#pragma once

#include <string>
#include <string_view>

/// Every Redis key and channel the queue touches. Names without `q:`/`p:` are kombu's and Celery's own.
namespace portolan::queue::keys {

inline constexpr std::string_view separator{"\x06\x16", 2}; ///< between a queue and its priority step

inline constexpr std::string_view unacked = "unacked"; ///< hash: delivery → [message, exchange, routing key]
inline constexpr std::string_view unackedIndex =
    "unacked_index"; ///< zset: delivery, by Unix seconds of taking, of ours an hour more

inline constexpr std::string_view instances = "q:i"; ///< zset: living consumers, by the end of their lease (Unix ms)
inline constexpr std::string_view revoked =
    "q:r"; ///< zset: revoked task ids, by when they are forgotten (Unix ms); TTL 3 h
inline constexpr std::string_view parked =
    "q:e"; ///< zset: tasks no worker holds until they are due soon, by when (Unix ms)
inline constexpr std::string_view parkedMessages = "q:p"; ///< hash: task id → its list, a newline, its message
/// list: messages of which not even the id could be read, newest first; at most 8 MiB, TTL 7 days (see refusals.h)
inline constexpr std::string_view putAside = "q:a";
inline constexpr std::string_view wake = "p:q"; ///< channel: a queue's name, when something was put into it
inline constexpr std::string_view replyExchange = "reply.celery.pidbox";

/// hash: delivery → the list it was taken from; one per consumer, gone when it holds nothing
inline std::string owned(std::string_view instance) { return std::string("q:o:").append(instance); }
/// hash: task id → delivery, of what a consumer holds for long: a copy that another program puts back meanwhile is
/// recognised by it. TTL 1 h, renewed while something is held
inline std::string held(std::string_view instance) { return std::string("q:h:").append(instance); }
/// string: the task ended here while such a copy lay in a queue: the copy is not run. TTL 1 h
inline std::string copied(std::string_view taskId) { return std::string("q:x:").append(taskId); }
// q:k:<group>, string, of finish.lua alone: the chord's parts cannot be counted, and its end was told; TTL 1 day
/// string: how often a redelivered task was started; TTL 1 day
inline std::string starts(std::string_view taskId) { return std::string("q:n:").append(taskId); }
/// string: the message of a task that failed, for running it again; lives as long as its result
inline std::string message(std::string_view taskId) { return std::string("q:m:").append(taskId); }
/// string: who runs a periodic job in an interval; TTL
inline std::string job(std::string_view name) { return std::string("q:j:").append(name); }

inline std::string result(std::string_view taskId) { return std::string("celery-task-meta-").append(taskId); }
/// with .j, .t and .s appended: how far a chord is (Celery's)
inline std::string groupResult(std::string_view groupId) { return std::string("celery-taskset-meta-").append(groupId); }
inline std::string binding(std::string_view exchange) { return std::string("_kombu.binding.").append(exchange); }
/// channel: state changes of the tasks enqueued with `notify`
inline std::string notify(std::string_view topic) { return std::string("p:t:").append(topic); }

inline constexpr int prioritySteps[] = {0, 3, 6, 9};

/// The largest step ≤ priority; 0 is the highest priority (the reverse of RabbitMQ), as kombu has it on Redis.
inline int stepOf(int priority) { return priority >= 9 ? 9 : priority >= 6 ? 6 : priority >= 3 ? 3 : 0; }

/// The list that holds a queue's messages of one priority.
inline std::string list(std::string_view queue, int priority)
{
    std::string key(queue);
    if (const int step = stepOf(priority); step != 0)
        key.append(separator).append(std::to_string(step));
    return key;
}

} // namespace portolan::queue::keys
