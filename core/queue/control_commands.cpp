#include "core/queue/control_commands.h"

#include "core/base/json_numbers.h"
#include "core/base/utf8.h"
#include "core/base/version.h"
#include "core/queue/keys.h"

#include <boost/json/array.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_set>

namespace portolan::queue {

namespace json = boost::json;

namespace {

json::value ok(std::string text) { return json::object{{"ok", std::move(text)}}; }

json::value error(std::string text) { return json::object{{"error", std::move(text)}}; }

std::string textOf(const json::object &arguments, std::string_view key)
{
    const json::value *value = arguments.if_contains(key);
    if (!value || value->is_null())
        return {};
    if (value->is_string())
        return std::string(value->get_string().data(), value->get_string().size());
    return jsonText(*value);
}

/// A text or a list of texts, at most 10,000.
std::vector<std::string> textsOf(const json::object &arguments, std::string_view key)
{
    const json::value *value = arguments.if_contains(key);
    std::vector<std::string> texts;
    if (value && value->is_string())
        texts.emplace_back(value->get_string().data(), value->get_string().size());
    if (value && value->is_array())
        for (const json::value &element : value->get_array())
            if (element.is_string() && texts.size() < 10'000)
                texts.emplace_back(element.get_string().data(), element.get_string().size());
    return texts;
}

std::int64_t numberOf(const json::object &arguments, std::string_view key, std::int64_t otherwise)
{
    const json::value *value = arguments.if_contains(key);
    return value && value->is_int64() ? value->get_int64() : otherwise;
}

std::optional<std::chrono::milliseconds> secondsOf(const json::object &arguments, std::string_view key)
{
    const json::value *value = arguments.if_contains(key);
    if (!value || !value->is_number())
        return std::nullopt;
    const double seconds = value->to_number<double>();
    if (!(seconds > 0 && seconds < 1e9))
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

json::value heldBackError()
{
    return error("this worker holds back: others use its queue, and tasks.share_queue is not set");
}

double unixTime(WallTime time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

json::object usage()
{
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval &time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
    return {{"utime", seconds(used.ru_utime)}, {"stime", seconds(used.ru_stime)}, {"maxrss", used.ru_maxrss},
            {"minflt", used.ru_minflt},        {"majflt", used.ru_majflt},        {"nvcsw", used.ru_nvcsw},
            {"nivcsw", used.ru_nivcsw},        {"inblock", used.ru_inblock},      {"oublock", used.ru_oublock}};
}

} // namespace

ControlCommands::ControlCommands(WorkerPool &pool, EventSender &events, LamportClock &lamport,
                                 RemoteControlOptions options)
    : m_pool(pool), m_events(events), m_lamport(lamport), m_options(std::move(options))
{}

const ControlCommands::Command *ControlCommands::find(std::string_view name)
{
    using C = ControlCommands;
    static constexpr Command commands[] = {
        {"ping", &C::ping},
        {"stats", &C::stats},
        {"active", &C::active},
        {"dump_active", &C::active},
        {"reserved", &C::reserved},
        {"dump_reserved", &C::reserved},
        {"scheduled", &C::scheduled},
        {"dump_schedule", &C::scheduled},
        {"registered", &C::registered},
        {"dump_tasks", &C::registered},
        {"revoked", &C::revoked},
        {"dump_revoked", &C::revoked},
        {"active_queues", &C::activeQueues},
        {"conf", &C::conf},
        {"dump_conf", &C::conf},
        {"report", &C::report},
        {"clock", &C::clock},
        {"hello", &C::hello},
        {"query_task", &C::queryTask},
        {"query_tasks", &C::queryTask},
        {"revoke", &C::revoke, true},
        {"terminate", &C::terminate, true},
        {"rate_limit", &C::rateLimit, true},
        {"time_limit", &C::timeLimit, true},
        {"pool_grow", &C::poolGrow, true},
        {"pool_shrink", &C::poolShrink, true},
        {"autoscale", &C::autoscale, true},
        {"add_consumer", &C::addConsumer, true},
        {"cancel_consumer", &C::cancelConsumer, true},
        {"enable_events", &C::enableEvents},
        {"disable_events", &C::disableEvents},
        {"heartbeat", &C::heartbeat},
        {"shutdown", &C::shutdown, true},
    };
    const auto found = std::ranges::find(commands, name, &Command::name);
    return found == std::end(commands) ? nullptr : found;
}

bool ControlCommands::changes(std::string_view method)
{
    const Command *command = find(method);
    return command && command->changes;
}

json::value ControlCommands::run(std::string_view method, const json::object &arguments)
{
    const Command *command = find(method);
    if (!command)
        return error("KeyError('" + std::string(cutText(method, 64)) + "')");
    return (this->*command->handler)(arguments);
}

json::value ControlCommands::ping(const json::object &) { return ok("pong"); }

json::value ControlCommands::stats(const json::object &)
{
    const WorkerStatus status = m_pool.status();
    json::object totals;
    for (const auto &[name, count] : status.totals)
        totals[name] = count;
    const json::array threads(status.threads.begin(), status.threads.end());
    const json::object pool{{"implementation", "portolan:threads"},
                            {"max-concurrency", status.concurrency},
                            {"processes", threads},
                            {"threads", status.threads.size()},
                            {"abandoned", status.abandoned},
                            {"max-tasks-per-child", "N/A"},
                            {"put-guarded-by-semaphore", true},
                            {"timeouts", json::array{0, double(m_pool.options().hardLimit.count()) / 1000}}};
    const json::object broker{
        {"hostname", m_options.brokerHost},
        {"port", m_options.brokerPort},
        {"userid", nullptr},
        {"virtual_host", std::to_string(m_pool.options().database)},
        {"insist", false},
        {"ssl", false},
        {"transport", "redis"},
        {"connect_timeout", 2},
        {"transport_options",
         json::object{{"priority_steps", json::array(std::begin(keys::prioritySteps), std::end(keys::prioritySteps))},
                      {"sep", std::string(keys::separator)}}},
        {"login_method", nullptr},
        {"uri_prefix", nullptr},
        {"heartbeat", 0},
        {"failover_strategy", "round-robin"},
        {"alternates", json::array{}}};
    return json::object{
        {"total", std::move(totals)},        {"pid", getpid()},  {"clock", std::to_string(m_lamport.value())},
        {"uptime", status.uptime.count()},   {"pool", pool},     {"broker", broker},
        {"prefetch_count", status.prefetch}, {"rusage", usage()}};
}

json::object ControlCommands::infoOf(const HeldTask &task, const WorkerStatus &status) const
{
    json::object info{{"id", task.id},
                      {"name", task.name},
                      {"args", task.argsRepr},
                      {"kwargs", task.kwargsRepr},
                      {"type", task.name},
                      {"hostname", status.node},
                      {"time_start", nullptr},
                      {"acknowledged", false},
                      {"delivery_info", json::object{{"exchange", ""},
                                                     {"routing_key", task.routingKey},
                                                     {"priority", task.priority},
                                                     {"redelivered", task.redelivered}}},
                      {"worker_pid", nullptr}};
    if (task.started) {
        info["time_start"] = unixTime(*task.started);
        info["worker_pid"] = task.thread;
    }
    return info;
}

namespace {

/// As many of the tasks as a reply has room for, each as `element` makes it.
template <class F> json::array listed(const std::vector<HeldTask> &tasks, F element)
{
    constexpr std::size_t room = 768 * 1024; // of the reply's 1 MiB: what is escaped grows
    constexpr std::size_t frame = 400;
    json::array list;
    std::size_t bytes = 0;
    for (const HeldTask &task : tasks) {
        bytes += frame + task.id.size() + 2 * task.name.size() + task.argsRepr.size() + task.kwargsRepr.size();
        if (bytes > room)
            break;
        list.push_back(element(task));
    }
    return list;
}

} // namespace

json::value ControlCommands::active(const json::object &)
{
    const WorkerStatus status = m_pool.status();
    return listed(status.active, [&](const HeldTask &task) { return infoOf(task, status); });
}

json::value ControlCommands::reserved(const json::object &)
{
    const WorkerStatus status = m_pool.status();
    return listed(status.reserved, [&](const HeldTask &task) { return infoOf(task, status); });
}

json::value ControlCommands::scheduled(const json::object &)
{
    const WorkerStatus status = m_pool.status();
    return listed(status.scheduled, [&](const HeldTask &task) {
        return json::object{{"eta", task.eta ? json::value(isoTime(*task.eta)) : json::value()},
                            {"priority", 6},
                            {"request", infoOf(task, status)}};
    });
}

json::value ControlCommands::registered(const json::object &)
{
    const std::vector<std::string> names = m_pool.registry().names();
    return json::array(names.begin(), names.end());
}

json::value ControlCommands::revoked(const json::object &)
{
    constexpr std::size_t most = 5000;
    const RevokedList revoked = m_pool.revokedIds(most);
    json::array list(revoked.latest.begin(), revoked.latest.end());
    if (revoked.count > revoked.latest.size())
        list.emplace_back("... and " + std::to_string(revoked.count - revoked.latest.size()) + " earlier ones");
    return list;
}

json::value ControlCommands::activeQueues(const json::object &)
{
    json::array queues;
    for (const std::string &name : m_pool.status().queues) {
        const json::object exchange{{"name", name},        {"type", "direct"},        {"arguments", nullptr},
                                    {"durable", true},     {"passive", false},        {"auto_delete", false},
                                    {"no_declare", false}, {"delivery_mode", nullptr}};
        queues.push_back(json::object{{"name", name},
                                      {"exchange", exchange},
                                      {"routing_key", name},
                                      {"queue_arguments", nullptr},
                                      {"binding_arguments", nullptr},
                                      {"consumer_arguments", nullptr},
                                      {"durable", true},
                                      {"exclusive", false},
                                      {"auto_delete", false},
                                      {"no_ack", false},
                                      {"alias", nullptr},
                                      {"bindings", json::array{}},
                                      {"no_declare", nullptr},
                                      {"expires", nullptr},
                                      {"message_ttl", nullptr},
                                      {"max_length", nullptr},
                                      {"max_length_bytes", nullptr},
                                      {"max_priority", nullptr}});
    }
    return queues;
}

json::value ControlCommands::conf(const json::object &)
{
    const WorkerOptions &options = m_pool.options();
    return json::object{{"accept_content", json::array{"json"}},
                        {"task_serializer", "json"},
                        {"result_serializer", "json"},
                        {"result_expires", options.resultExpiry.count()},
                        {"task_acks_late", true},
                        {"task_time_limit", double(options.hardLimit.count()) / 1000},
                        {"worker_concurrency", m_pool.status().concurrency},
                        {"worker_prefetch_multiplier", options.prefetchMultiplier},
                        {"task_default_queue", options.queues.empty() ? "celery" : options.queues.front()},
                        {"timezone", "UTC"},
                        {"enable_utc", true}};
}

json::value ControlCommands::report(const json::object &)
{
    const WorkerStatus status = m_pool.status();
    return ok("software -> portolan:" + std::string(version()) + " C++\nnode -> " + status.node +
              "\ntransport:redis results:redis");
}

json::value ControlCommands::clock(const json::object &) { return json::object{{"clock", m_lamport.value()}}; }

/// What Celery workers ask each other when they start ("mingle").
json::value ControlCommands::hello(const json::object &arguments)
{
    std::vector<std::string> ids;
    if (const json::value *theirs = arguments.if_contains("revoked"); theirs && theirs->is_object())
        for (const json::key_value_pair &entry : theirs->get_object())
            ids.emplace_back(entry.key().data(), entry.key().size());
    if (textOf(arguments, "from_node") != m_pool.node() && !ids.empty())
        m_pool.revoke(ids, false);
    return json::object{{"revoked", json::object{}}, {"clock", m_lamport.forward()}};
}

json::value ControlCommands::queryTask(const json::object &arguments)
{
    const std::vector<std::string> named = textsOf(arguments, "ids");
    const std::unordered_set<std::string_view> ids(named.begin(), named.end());
    const WorkerStatus status = m_pool.status();
    json::object found;
    const auto look = [&](const std::vector<HeldTask> &tasks, const char *state) {
        std::vector<HeldTask> asked;
        std::ranges::copy_if(tasks, std::back_inserter(asked),
                             [&](const HeldTask &task) { return ids.contains(task.id); });
        for (const json::value &info : listed(asked, [&](const HeldTask &task) { return infoOf(task, status); }))
            found[info.as_object().at("id").as_string()] = json::array{state, info};
    };
    look(status.scheduled, "reserved");
    look(status.reserved, "reserved");
    look(status.active, "active");
    return found;
}

json::value ControlCommands::revokeIds(const std::vector<std::string> &ids, bool terminate)
{
    const WorkerStatus status = m_pool.status();
    m_pool.revoke(ids, terminate);
    std::string listed;
    const auto add = [&](const std::string &id) { listed.append(listed.empty() ? "" : ", ").append(id); };
    if (!terminate) {
        std::ranges::for_each(ids, add);
        return ok("tasks " + listed + " flagged as revoked");
    }
    const std::unordered_set<std::string_view> named(ids.begin(), ids.end());
    for (const auto *tasks : {&status.active, &status.reserved, &status.scheduled})
        for (const HeldTask &task : *tasks)
            if (named.contains(task.id))
                add(task.id);
    return ok(listed.empty() ? "terminate: tasks unknown" : "terminate: " + listed);
}

json::value ControlCommands::revoke(const json::object &arguments)
{
    const json::value *terminate = arguments.if_contains("terminate");
    return revokeIds(textsOf(arguments, "task_id"), terminate && *terminate == true);
}

json::value ControlCommands::terminate(const json::object &arguments)
{
    return revokeIds(textsOf(arguments, "task_id"), true);
}

json::value ControlCommands::rateLimit(const json::object &arguments)
{
    const std::string limit = textOf(arguments, "rate_limit");
    const std::string wanted = limit.empty() ? "0" : limit;
    if (const Result<void> set = m_pool.rateLimit(textOf(arguments, "task_name"), wanted); !set)
        return error(set.error().kind == ErrorKind::NotFound ? "unknown task"
                                                             : "Invalid rate limit string: " + set.error().message);
    return ok(wanted == "0" ? "rate limit disabled successfully" : "new rate limit set successfully");
}

json::value ControlCommands::timeLimit(const json::object &arguments)
{
    const Result<void> set =
        m_pool.timeLimit(textOf(arguments, "task_name"), secondsOf(arguments, "soft"), secondsOf(arguments, "hard"));
    return set ? ok("time limits set successfully") : error("unknown task");
}

/// Resizing ends holding back: a broadcast meant for the neighbours' workers must not make this one take their tasks.
bool ControlCommands::staysHeldBack(const json::object &arguments) const
{
    const json::value *asked = arguments.if_contains("portolan_operator");
    return m_pool.heldBack() && !(asked && *asked == true);
}

json::value ControlCommands::poolGrow(const json::object &arguments)
{
    if (staysHeldBack(arguments))
        return heldBackError();
    const std::int64_t count = std::clamp<std::int64_t>(numberOf(arguments, "n", 1), 0, 1024);
    const unsigned wanted = m_pool.status().concurrency + static_cast<unsigned>(count);
    m_pool.resize(wanted);
    const unsigned most = m_pool.status().concurrency;
    return ok(most < wanted ? "pool will grow to " + std::to_string(most) + " threads, the most there may be"
                            : std::string("pool will grow"));
}

json::value ControlCommands::poolShrink(const json::object &arguments)
{
    if (staysHeldBack(arguments))
        return heldBackError();
    const std::int64_t count = std::clamp<std::int64_t>(numberOf(arguments, "n", 1), 0, 1024);
    const unsigned now = m_pool.status().concurrency;
    if (count >= now)
        return error("ValueError('pool cannot shrink below one thread')");
    m_pool.resize(now - static_cast<unsigned>(count));
    return ok("pool will shrink");
}

json::value ControlCommands::autoscale(const json::object &) { return error("ValueError('Autoscale not enabled')"); }

json::value ControlCommands::addConsumer(const json::object &arguments)
{
    const std::string queue = textOf(arguments, "queue");
    if (!m_pool.addQueue(queue))
        return ok("already consuming from '" + queue + "'");
    return ok("add consumer " + queue);
}

json::value ControlCommands::cancelConsumer(const json::object &arguments)
{
    const std::string queue = textOf(arguments, "queue");
    m_pool.cancelQueue(queue);
    return ok("no longer consuming from " + queue);
}

json::value ControlCommands::enableEvents(const json::object &)
{
    return ok(m_events.enable(true) ? "task events enabled" : "task events already enabled");
}

json::value ControlCommands::disableEvents(const json::object &)
{
    return ok(m_events.enable(false) ? "task events disabled" : "task events already disabled");
}

json::value ControlCommands::heartbeat(const json::object &)
{
    m_events.worker("worker-heartbeat", m_pool.counters());
    return nullptr;
}

json::value ControlCommands::shutdown(const json::object &)
{
    if (!m_options.shutdown)
        return error("this worker is part of a server and is not shut down remotely");
    m_options.shutdown();
    return ok("shutting down");
}

} // namespace portolan::queue
