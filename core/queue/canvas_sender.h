// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/queue/canvas.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace portolan::queue {

/// Turns signatures into messages, as Celery's apply_async() does. What cannot be honoured is noted, and then nothing
/// of it may be sent.
class SignatureSender final
{
public:
    SignatureSender(const CanvasSender &sender, const Message &parent, FollowUps &into)
        : m_sender(sender), m_parent(parent), m_into(into)
    {}

    /// How a signature is called.
    struct Call
    {
        boost::json::array args{};  ///< put before its own, unless it is immutable
        boost::json::array chain{}; ///< what follows it
        std::string_view parentId{};
        std::string_view rootId{};
    };
    /// Answers what AsyncResult.as_tuple() gives of it in Python: [[id, parent], children or null].
    boost::json::value apply(boost::json::value signature, Call call);

    /// Stores the end of everything a signature would have run, and counts it where it is part of a chord.
    void end(const boost::json::value &signature, std::string_view state, std::string_view failure, bool last = true);

    const std::string &why() const { return m_why; } ///< the first thing that could not be honoured; empty: none

private:
    /// Where the end of something counts.
    struct Membership
    {
        std::string groupId;
        std::int64_t index = 0;
        boost::json::value chord;
    };
    boost::json::value refuse(std::string why);
    boost::json::value applyTask(boost::json::object &signature, Call call);
    boost::json::value applyGroup(boost::json::object &signature, Call call);
    boost::json::value applyChain(boost::json::object &signature, Call call);
    boost::json::value applyChord(boost::json::object &signature, Call call);
    void freeze(boost::json::object &signature, const Membership &membership);
    bool read(const boost::json::object &signature, Call &call, NewTask &task);
    bool readRoute(const boost::json::object &options, NewTask &task);
    std::int64_t partsOf(const boost::json::value &signature);
    boost::json::value endOf(const boost::json::value &signature);
    bool inherit(boost::json::value &task, const boost::json::object &options);
    boost::json::array groupTasks(const boost::json::value *group);
    boost::json::array chainSteps(const boost::json::object &signature);

    const CanvasSender &m_sender;
    const Message &m_parent;
    FollowUps &m_into;
    std::string m_why;
    std::size_t m_bytes = 0;
};

} // namespace portolan::queue
