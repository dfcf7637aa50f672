// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"
#include "core/base/ending_signals.h"
#include "core/base/logging.h"
#include "core/base/stop_watchdog.h"
#include "core/base/system_clock.h"
#include "core/commands/commands.h"
#include "core/commands/report.h"
#include "core/server/portal_server.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace portolan::commands {
namespace {

LogOptions logOptions(const Settings &settings)
{
    LogOptions options;
    options.format = settings.text("log.format") == "text" ? LogFormat::Text : LogFormat::Json;
    const auto &level = settings.text("log.level");
    options.level = level == "debug"     ? LogLevel::Debug
                    : level == "warning" ? LogLevel::Warning
                    : level == "error"   ? LogLevel::Error
                                         : LogLevel::Info;
    return options;
}

/// What keeps a portal from starting is a matter of configuration, unless something failed that was in order before:
/// damaged or missing files, a full or broken disk, a program that ended.
int exitCodeOfStart(const Error &error)
{
    static constexpr std::string_view failed[] = {"redis-corrupt",    "redis-start",     "database-corrupt",
                                                  "database-missing", "database-schema", "disk-full",
                                                  "disk-error"};
    const bool ours = error.kind == ErrorKind::Full || error.kind == ErrorKind::Internal ||
                      std::ranges::find(failed, std::string_view(error.code)) != std::end(failed);
    return ours ? 1 : 2;
}

/// The signals that end the process, taken from before the start on: one that hangs while it starts ends in time too.
/// Whoever asks again a second later does not want to wait.
class Ending final
{
public:
    /// `signals` are blocked in every thread. `expired`: see StopWatchdog; its time runs from the first signal on.
    Ending(const sigset_t &signals, std::chrono::milliseconds within, std::function<void()> expired)
    {
        std::thread([state = m_state, signals, within, expired = std::move(expired)] {
            int signal = 0;
            sigwait(&signals, &signal);
            state->begin(within, expired);
            state->asked.set_value(signal);
            std::_Exit(128 + awaitImpatience(signal));
        }).detach();
    }
    ~Ending() { m_state->end(); }
    Ending(const Ending &) = delete;
    Ending &operator=(const Ending &) = delete;

    int wait() { return m_state->asked.get_future().get(); } ///< for the first signal

private:
    struct State
    {
        void begin(std::chrono::milliseconds within, const std::function<void()> &expired)
        {
            const std::lock_guard lock(mutex);
            if (!over)
                watchdog.emplace(within, expired);
        }
        void end()
        {
            const std::lock_guard lock(mutex);
            over = true;
            watchdog.reset();
        }

        std::promise<int> asked;
        std::mutex mutex;
        bool over = false;
        std::optional<StopWatchdog> watchdog;
    };
    const std::shared_ptr<State> m_state = std::make_shared<State>();
};

} // namespace

int serve(const SettingSources &sources, const ServeRequest &request)
{
    const auto settings = Settings::load(sources);
    if (!settings)
        return report(settings.error());
    raiseFileLimit();
    // Before any thread exists, so that all inherit it and only this one takes the signals.
    const sigset_t ending = endingSignals();
    pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    const SystemClock clock;
    Logger logger(clock, logOptions(*settings));
    Ending asked(ending, settings->duration("shutdown.timeout") + StopWatchdog::margin, [&logger] {
        logger.error(
            "stopping took too long, so the process ends without; tasks that ran are taken up again by others");
        logger.flush(std::chrono::seconds(1));
        std::_Exit(1);
    });
    auto portal = server::PortalServer::start(*settings, clock, logger);
    if (!portal) {
        logger.flush();
        report(portal.error());
        return exitCodeOfStart(portal.error());
    }
    std::cout << "portoland: serving " << (*portal)->url() << " (" << (*portal)->summary() << ")" << std::endl;

    logger.info("serving",
                {{"url", (*portal)->url()}, {"with", (*portal)->summary()}, {"instance", (*portal)->instanceName()}});

    std::shared_ptr<void> company;
    if (request.company && !settings->production())
        company = request.company(**portal);
    logger.info("stopping", {{"signal", asked.wait()}});
    company.reset();
    const auto stuck = (*portal)->stop();
    logger.info("stopped");
    if (stuck > 0) {
        // Their threads still use what would be destroyed; the tasks themselves are back in the queue.
        logger.warn("tasks did not return in time", {{"threads", stuck}});
        logger.flush();
        std::_Exit(0);
    }
    return 0;
}

} // namespace portolan::commands
