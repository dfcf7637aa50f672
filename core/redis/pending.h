// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/redis/reply.h"

#include <boost/asio/post.hpp>
#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace portolan::redis {

/// A call that waits for its replies. Lives in the frame of the coroutine that made it, which stays suspended until
/// the call is completed exactly once; so a call costs no allocation, and lists of calls are linked through them.
struct Call
{
    using Handler = asio::async_result<asio::use_awaitable_t<Executor>, void()>::handler_type;

    std::optional<Handler> handler;
    std::optional<Executor> executor;      ///< where the coroutine goes on
    Call *next = nullptr;                  ///< of those that are completed together
    Reply reply;                           ///< the last one …
    std::vector<Reply> *replies = nullptr; ///< … or all of them, when asked for
    std::optional<Error> error;
};

/// Completed calls of one executor. Owns them: when it is destroyed unrun (its executor was stopped) their coroutines
/// are destroyed too.
class CallList final
{
public:
    CallList() = default;
    CallList(CallList &&other) noexcept
        : m_first(std::exchange(other.m_first, nullptr)), m_last(std::exchange(other.m_last, nullptr))
    {}
    CallList &operator=(CallList &&) = delete;
    ~CallList()
    {
        while (Call *call = take())
            const auto dropped = std::move(*call->handler);
    }

    void append(Call *call)
    {
        call->next = nullptr;
        (m_last ? m_last->next : m_first) = call;
        m_last = call;
    }

    /// Resumes each; on the thread of their executor.
    void run()
    {
        while (Call *call = take()) {
            auto handler = std::move(*call->handler); // the call is gone once its coroutine runs
            std::move(handler)();
        }
    }

private:
    Call *take()
    {
        Call *call = m_first;
        if (call) {
            m_first = call->next;
            if (!m_first)
                m_last = nullptr;
        }
        return call;
    }

    Call *m_first = nullptr;
    Call *m_last = nullptr;
};

/// What was completed together: handed to each executor in one piece.
class Completions final
{
public:
    /// `call` and those that follow it.
    void add(Call *call)
    {
        while (call) {
            Call *following = call->next; // appending unlinks it
            groupOf(*call->executor).append(call);
            call = following;
        }
    }

    void fail(Call *call, const Error &error)
    {
        for (Call *each = call; each; each = each->next)
            each->error = error;
        add(call);
    }

    bool has(const Executor &executor) const
    {
        for (const auto &group : m_groups) {
            if (group.executor == executor)
                return true;
        }
        return false;
    }

    /// Resumes those of `here`, whose thread this is, right away and posts the others.
    void deliver(const std::optional<Executor> &here)
    {
        for (auto &group : m_groups) {
            if (!here || group.executor != *here)
                asio::post(group.executor, [calls = std::move(group.calls)]() mutable { calls.run(); });
        }
        for (auto &group : m_groups)
            group.calls.run(); // what is left is of `here`
    }

private:
    struct Group
    {
        Executor executor;
        CallList calls;
    };

    CallList &groupOf(const Executor &executor)
    {
        for (auto &group : m_groups) {
            if (group.executor == executor)
                return group.calls;
        }
        m_groups.push_back(Group{executor, {}});
        return m_groups.back().calls;
    }

    boost::container::small_vector<Group, 4> m_groups;
};

/// A place in the order of replies. Stays when its caller has given up (`call` null), so that the late reply is
/// counted off.
struct Slot
{
    Call *call = nullptr;
    SteadyTime deadline;
    std::uint32_t replies = 1; ///< still to come
    std::uint32_t parts = 0;   ///< calls that share the one reply, an element each; 0: it is the call's own
};

} // namespace portolan::redis
