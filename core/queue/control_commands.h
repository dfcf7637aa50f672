#pragma once

#include "core/queue/event_sender.h"
#include "core/queue/remote_control.h"
#include "core/queue/worker_pool.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string_view>

namespace portolan::queue {

/// What each remote-control command does and answers, in the words Celery's worker uses
/// (celery/worker/control.py), since people and Flower read them.
class ControlCommands final
{
public:
    ControlCommands(WorkerPool &pool, EventSender &events, LamportClock &lamport, RemoteControlOptions options);

    /// The reply for this node; an unknown command is Celery's KeyError.
    boost::json::value run(std::string_view method, const boost::json::object &arguments);

    /// Whether it changes what this worker does with tasks; asking does not, nor do events.
    static bool changes(std::string_view method);

private:
    using Handler = boost::json::value (ControlCommands::*)(const boost::json::object &);
    struct Command
    {
        std::string_view name;
        Handler handler;
        bool changes = false;
    };
    static const Command *find(std::string_view name);

    boost::json::value ping(const boost::json::object &);
    boost::json::value stats(const boost::json::object &);
    boost::json::value active(const boost::json::object &);
    boost::json::value reserved(const boost::json::object &);
    boost::json::value scheduled(const boost::json::object &);
    boost::json::value registered(const boost::json::object &);
    boost::json::value revoked(const boost::json::object &);
    boost::json::value activeQueues(const boost::json::object &);
    boost::json::value conf(const boost::json::object &);
    boost::json::value report(const boost::json::object &);
    boost::json::value clock(const boost::json::object &);
    boost::json::value hello(const boost::json::object &arguments);
    boost::json::value queryTask(const boost::json::object &arguments);
    boost::json::value revoke(const boost::json::object &arguments);
    boost::json::value terminate(const boost::json::object &arguments);
    boost::json::value rateLimit(const boost::json::object &arguments);
    boost::json::value timeLimit(const boost::json::object &arguments);
    boost::json::value poolGrow(const boost::json::object &arguments);
    boost::json::value poolShrink(const boost::json::object &arguments);
    boost::json::value autoscale(const boost::json::object &);
    boost::json::value addConsumer(const boost::json::object &arguments);
    boost::json::value cancelConsumer(const boost::json::object &arguments);
    boost::json::value enableEvents(const boost::json::object &);
    boost::json::value disableEvents(const boost::json::object &);
    boost::json::value heartbeat(const boost::json::object &);
    boost::json::value shutdown(const boost::json::object &);

    bool staysHeldBack(const boost::json::object &arguments) const;
    boost::json::object infoOf(const HeldTask &task, const WorkerStatus &status) const;
    boost::json::value revokeIds(const std::vector<std::string> &ids, bool terminate);

    WorkerPool &m_pool;
    EventSender &m_events;
    LamportClock &m_lamport;
    const RemoteControlOptions m_options;
};

} // namespace portolan::queue
